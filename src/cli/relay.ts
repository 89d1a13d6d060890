import type { RelayGrant, RelayState } from '../admin/message.ts'
import type { CallLedger, PartyLedger } from '../turn/message.ts'
import { api } from './api.ts'
import { type Command, moment, table, UsageError } from './command.ts'

export const relayStatus: Command = {
  name: 'relay status',
  usage: '',
  about: 'shows the relay and whom it serves now',
  run: async call => {
    const state = await api<RelayState>(call.config, 'GET', '/relay')
    call.print(state, () => describe(state))
  },
}

export const relayGrant: Command = {
  name: 'relay grant',
  usage: '--peer ADDRESS --for ADDRESS --seconds N',
  about: 'lets one address relay to another, outside any call',
  options: { peer: { type: 'string' }, for: { type: 'string' }, seconds: { type: 'string' } },
  help: [
    ['--for', 'the address that may use the relay'],
    ['--peer', 'the address it may send to, and no other'],
    ['--seconds', 'how long'],
  ],
  run: async call => {
    const { peer, for: from } = call.options
    const seconds = Number(call.options.seconds)
    if (typeof peer !== 'string' || typeof from !== 'string' || !Number.isInteger(seconds)) {
      throw new UsageError('usage: lanline relay grant --peer ADDRESS --for ADDRESS --seconds N')
    }
    const body = { peer, for: from, seconds }
    const grant = await api<RelayGrant>(call.config, 'POST', '/relay/grants', body)
    call.print(grant, () => describeGrant(grant, peer, from))
  },
}

export const relayClose: Command = {
  name: 'relay close',
  usage: '<grant>',
  about: 'ends a grant made by relay grant',
  words: [1, 1],
  run: async call => {
    const id = call.words[0]!
    await api(call.config, 'DELETE', `/relay/grants/${encodeURIComponent(id)}`)
    call.print({ closed: id }, () => `closed ${id}`)
  },
}

const headings = ['CALL', 'WHY', 'STATE', 'CALLER', 'CALLEE', 'RELAYS', 'CARRIED']

function describe({ state, detail, policy, networks, maxKilobits, ports, grants }: RelayState): string {
  const lines = [
    `relay     ${state === 'ready' ? state : `${state}: ${detail}`}`,
    `policy    ${policy}${networks.length > 0 ? `, networks ${networks.join(', ')}` : ''}`,
    `bound     ${maxKilobits === 0 ? 'none' : `${maxKilobits} kbit/s a call`}`,
    `ports     UDP and TCP ${ports.plain}, TLS ${ports.tls}; relays on UDP ${ports.relayMin} to ${ports.relayMax}`,
  ]
  const rows = grants.map(grant => {
    const proven = (role: string): string =>
      grant.parties.find(party => party.role === role)?.proven.join(' ') || '–'
    const { caller, callee } = grant.ledger
    const relays = String(caller.openAllocations + callee.openAllocations)
    const carried = bytes(caller.sentBytes + callee.sentBytes)
    const why = reasons[grant.reason]
    return [grant.call, why, grant.state, proven('caller'), proven('callee'), relays, carried]
  })
  return `${lines.join('\n')}\n\n${table(headings, rows, 'nobody relays')}`
}

const reasons = {
  otherNetwork: 'other network',
  checksFailed: 'checks failed',
  manual: 'by hand',
} as const

function describeGrant(grant: RelayGrant, peer: string, from: string): string {
  return [
    `grant      ${grant.call}`,
    `relays     from ${from} to ${peer}, nothing else, until ${moment(grant.expiresAt)}`,
    `username   ${grant.username}`,
    `credential ${grant.credential}`,
    ...grant.urls.map((url, index) => `${index === 0 ? 'urls' : ''}`.padEnd(11) + url),
  ].join('\n')
}

/** One line a party, for a call's page; of a direct call one for both. */
export function ledgerLines({ caller, callee }: CallLedger): string[] {
  if (caller.allocations + callee.allocations + caller.refusals + callee.refusals === 0) {
    return ['ledger    nothing went through lanline']
  }
  return [...partyLines('caller', caller), ...partyLines('callee', callee)]
}

function partyLines(role: string, party: PartyLedger): string[] {
  const sent = `${party.sentPackets} packets (${bytes(party.sentBytes)}) from it`
  const received = `${party.receivedPackets} (${bytes(party.receivedBytes)}) to it`
  const dropped = party.droppedPackets > 0 ? `, ${party.droppedPackets} over the bound dropped` : ''
  const relays = `${party.allocations} relays, ${party.openAllocations} open`
  const lines = [`ledger    ${role}: ${sent}, ${received}${dropped}; ${relays}`]
  if (party.refusals > 0) {
    lines.push(`${''.padEnd(10)}refused ${party.refusals} times: ${party.refusedPeers.join(', ')}`)
  }
  return lines
}

function bytes(count: number): string {
  if (count < 1_000) return `${count} B`
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`
}
