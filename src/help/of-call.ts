/** Where a call stopped, or what was poor about it. Pure. */
import type { CallRow } from '../calls/message.ts'
import type { RelayRefusal } from '../relay/message.ts'
import { finding, nameOf, personOf } from './finding.ts'
import type { CallFacts, Finding, HelpFacts, PartyFacts } from './message.ts'
import { networkOf } from './networks.ts'
import { microphone, ofPerson } from './of-person.ts'

/** More than so many of a hundred packets lost is heard. */
const badLossPercent = 5
const badMos = 3.6
/** So few packets are not yet silence. */
const fewPackets = 25
/** About five seconds: estimates of less say more of the start than of the line. */
const judgedPackets = 250

export function ofCall(facts: HelpFacts, call: CallFacts): Finding[] {
  const { row } = call
  if (row.answeredAt === undefined) return notAnswered(facts, call).map(one => of(row, one))
  const found = whileTalking(facts, call)
  return found === undefined ? [] : [of(row, found)]
}

const of = ({ id, endedAt, startedAt }: CallRow, one: Finding): Finding => ({
  ...one,
  call: id,
  since: one.since ?? startedAt,
  until: one.until ?? (one.weight === 'told' ? undefined : endedAt),
})

// -------------------------------------------------------------------------------------------------- before an answer

function notAnswered(facts: HelpFacts, call: CallFacts): Finding[] {
  const { row } = call
  const [caller, callee] = namesOf(facts, call)
  const denied = facts.incidents.find(one => one.kind === 'mediaProblem' && one.call === row.id)
  if (denied !== undefined) {
    const person = personOf(facts, denied.user)
    const device = person?.devices.find(known => known.id === denied.device)
    return [microphone(person?.name ?? denied.user, device ? `“${device.name}”` : 'the browser', denied)]
  }
  switch (row.reason) {
    case undefined:
      return []
    case 'notFound':
      return [
        finding('signalling', 'noSuchPerson', {
          sentence: `${caller} called ${row.calleeUser}, whom nobody here is called.`,
          evidence: 'The appliance answered 404: no such person.',
          fix: 'Look up the right name under People; on a SIP phone check the speed dial.',
        }),
      ]
    case 'unreachable': {
      const why = ofPerson(facts, row.calleeUser)
      if (why.length > 0) return why
      return [
        finding('signalling', 'notRegistered', {
          sentence: `None of ${callee}’s devices could be reached.`,
          evidence: `The appliance answered ${row.code ?? 480}; no device of ${callee} was registered or answered.`,
          fix: `Open the page or switch on the phone of ${callee}, and call again.`,
        }),
      ]
    }
    case 'noAnswer':
    case 'cancelled':
    case 'busy':
    case 'declined':
    case 'doNotDisturb':
    case 'answeredElsewhere':
      return [notTaken(row, caller, callee)]
  }
  return row.code === 488 || row.code === 606 ? [noCommonMedia(facts, call)] : [otherwise(row)]
}

const whatHappened: Readonly<Record<string, (caller: string, callee: string) => string>> = {
  noAnswer: (_caller, callee) => `It rang at ${callee}’s, and nobody took it.`,
  cancelled: caller => `${caller} hung up before anybody answered.`,
  busy: (_caller, callee) => `${callee} was in another call.`,
  declined: (_caller, callee) => `${callee} declined the call.`,
  doNotDisturb: (_caller, callee) => `${callee} was not to be disturbed.`,
  answeredElsewhere: (_caller, callee) => `${callee} took it on another device.`,
}

function notTaken(row: CallRow, caller: string, callee: string): Finding {
  const rang = row.ringingAt === undefined ? 'It never rang' : 'It rang'
  return finding(
    'signalling',
    'notTaken',
    {
      sentence: `Nothing failed: ${lower(whatHappened[row.reason!]!(caller, callee))}`,
      evidence: `${rang}; the appliance noted “${row.reason}”${row.code ? ` (${row.code})` : ''}.`,
      fix:
        row.reason === 'doNotDisturb'
          ? `${callee} switches it off on the phone page, for good or until their quiet hours end.`
          : 'Nothing needs to be mended. Call again.',
    },
    { weight: 'told' },
  )
}

const lower = (text: string): string =>
  /^(It|I) /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text

const keyings = {
  dtls: 'DTLS-SRTP',
  sdes: 'SDES keys (RFC 4568)',
  none: 'no encryption at all',
} as const

function noCommonMedia(facts: HelpFacts, { row, caller, callee }: CallFacts): Finding {
  const [callerName, calleeName] = namesOf(facts, { row })
  const [who, keying] =
    caller.keying !== undefined && caller.keying !== 'dtls'
      ? [callerName, caller.keying]
      : callee.keying !== undefined && callee.keying !== 'dtls'
        ? [calleeName, callee.keying]
        : ['', undefined]
  if (keying !== undefined) {
    return finding('security', 'noDtlsSrtp', {
      sentence: `${who}’s phone does not encrypt with DTLS-SRTP, which the other side demands.`,
      evidence: `Its description offered ${keyings[keying]}; the call was refused with ${row.code ?? 488}.`,
      fix: `Turn on DTLS-SRTP with ICE in ${who}’s phone (in baresip: mediaenc=dtls_srtp;medianat=ice). If it has no such setting, it can call phones that do not encrypt either, but no browser.`,
    })
  }
  return finding('media', 'noCommonMedia', {
    sentence: `${calleeName}’s device could not take what ${callerName}’s offered.`,
    evidence: `The call was refused with ${row.code ?? 488}.`,
    fix: 'Turn on the codecs Opus or PCMU/PCMA, ICE and DTLS-SRTP in the phone; the call page shows both descriptions.',
  })
}

const otherwise = (row: CallRow): Finding =>
  finding('signalling', 'partFailed', {
    sentence: 'The call could not be set up.',
    evidence: `The appliance noted “${row.reason}”${row.code ? ` (${row.code})` : ''}.`,
    fix: 'Call again; if it fails again, the ladder on the call page shows which message was refused.',
  })

// ------------------------------------------------------------------------------------------------------ afterwards

function whileTalking(facts: HelpFacts, call: CallFacts): Finding | undefined {
  const { row, verdict, caller, callee } = call
  const parties = [caller, callee]
  if (call.relayRefusal !== undefined && !connected(call)) return refused(facts, call, call.relayRefusal)
  if (row.reason === 'mediaFailed' || (hasFailed(parties) && !connected(call))) return noPath(facts, call)
  const broken = parties.find(party => party.dtlsState === 'failed')
  if (broken !== undefined) return dtlsFailed(call)
  if (verdict?.path === 'contradicted') {
    const [first] = verdict.contradictions
    return finding('security', 'contradicted', {
      sentence: 'The two ends do not tell the same story of this call.',
      evidence: first === undefined ? verdict.sentence : `${first.about}: ${first.one}; ${first.other}`,
      fix: 'Open the call page: both sides stand beside each other there. Until it is explained, do not trust this call.',
    })
  }
  if (row.reason === 'mediaLost' || row.reason === 'lost') return lost(facts, call)
  return silence(facts, call) ?? poor(facts, call)
}

const connected = ({ row, caller, callee, verdict }: CallFacts): boolean =>
  verdict?.path === 'direct' ||
  verdict?.path === 'relayed' ||
  row.callerPair !== undefined ||
  row.calleePair !== undefined ||
  caller.packetsReceived + callee.packetsReceived > 0

const hasFailed = (parties: readonly PartyFacts[]): boolean =>
  parties.some(party => party.reports && party.checksSent > 0) &&
  parties.every(party => party.checksAnswered === 0)

const refusalCauses: Readonly<Record<RelayRefusal, 'relayOff' | 'noPath' | 'relayFailed'>> = {
  ...{ off: 'relayOff', sameNetwork: 'noPath', unknownAddress: 'relayFailed' },
  ...{ full: 'relayFailed', failed: 'relayFailed' },
}

function refused(facts: HelpFacts, call: CallFacts, why: RelayRefusal): Finding {
  const cause = refusalCauses[why]
  // Between two on one network the relay would be of use only by a policy that few want: they should reach each other.
  if (cause === 'noPath' || (cause === 'relayOff' && onOneNetwork(facts, call))) return noPath(facts, call)
  const [caller, callee] = namesOf(facts, call)
  const evidence = `${checksOf(facts, call)} ${where(facts, call)}`.trim()
  if (cause === 'relayOff') {
    return finding('network', 'relayOff', {
      sentence: `${caller} and ${callee} do not reach each other, and relaying is turned off on this appliance.`,
      evidence,
      fix: 'Under Settings let the relay carry calls “between different networks” (relay.policy = "cross-vlan"), from the next call on; or let the router pass UDP between the two networks.',
    })
  }
  return finding('network', 'relayFailed', {
    sentence: `${caller} and ${callee} do not reach each other, and the relay could not help (${relayWords[why]}).`,
    evidence,
    fix:
      why === 'unknownAddress'
        ? 'Call again once both are connected over the network, not from the appliance itself.'
        : why === 'full'
          ? 'Try again when another relayed call has ended, or widen turn.relay_min and turn.relay_max.'
          : 'Restart lanline with the button below and call again.',
  })
}

function onOneNetwork({ networks }: HelpFacts, { caller, callee }: CallFacts): boolean {
  const network = networkOf(caller.address, networks)
  return network !== '' && network === networkOf(callee.address, networks)
}

const relayWords: Readonly<Record<RelayRefusal, string>> = {
  ...{
    off: 'turned off',
    sameNetwork: 'they are on one network',
    unknownAddress: 'one of them has no address it could send to',
  },
  ...{ full: 'it carries as many calls as it can', failed: 'it did not answer' },
}

/** No answer to any check: what is in between drops UDP, both ways or one. */
function noPath(facts: HelpFacts, call: CallFacts): Finding {
  const [caller, callee] = namesOf(facts, call)
  const { caller: one, callee: other, row } = call
  const heard = one.checksReceived + other.checksReceived > 0
  const evidence = `${checksOf(facts, call)} ${where(facts, call)}`.trim()
  const relayed = row.relayReason !== undefined
  const onFailure = relayed
    ? ''
    : ' Or under Settings let the relay carry calls “whenever there is no direct way” (relay.policy = "on-failure").'
  if (heard) {
    return finding('network', 'filtered', {
      sentence: `Packets between ${caller} and ${callee} pass one way only.`,
      evidence,
      fix: `Look for a firewall on either device, or an access list between them, that drops UDP in one direction.${onFailure}`,
    })
  }
  return finding('network', 'noPath', {
    sentence: `Nothing of ${caller} reached ${callee}, nor the other way round: something between them drops UDP${relayed ? ', and on the way to the relay too' : ''}.`,
    evidence,
    fix: relayed
      ? 'Allow UDP and TCP 3478 and UDP 49152–50151 from both devices to the appliance.'
      : `Allow UDP in the firewall of both devices; on Wi-Fi turn off “client isolation”.${onFailure}`,
  })
}

function dtlsFailed(call: CallFacts): Finding {
  return finding('security', 'dtlsFailed', {
    sentence: 'The two devices found each other, but could not agree on encryption.',
    evidence: `DTLS: caller ${call.caller.dtlsState ?? 'says nothing'}, callee ${call.callee.dtlsState ?? 'says nothing'}.`,
    fix: 'Update the older of the two browsers or phones; if it was a phone, let it make a new certificate.',
  })
}

function lost(facts: HelpFacts, call: CallFacts): Finding {
  const [caller, callee] = namesOf(facts, call)
  return finding('network', 'mediaLost', {
    sentence: `The connection between ${caller} and ${callee} was lost during the call.`,
    evidence: `It ended with “${call.row.reason}”. ${where(facts, call)}`.trim(),
    fix: 'Often somebody left the Wi-Fi, or a device went to sleep. Keep it plugged in and its page in front.',
  })
}

function silence(facts: HelpFacts, call: CallFacts): Finding | undefined {
  const { caller, callee } = call
  const [callerName, calleeName] = namesOf(facts, call)
  const ways = [
    [caller, callee, callerName, calleeName],
    [callee, caller, calleeName, callerName],
  ] as const
  for (const [from, to, fromName, toName] of ways) {
    if (!to.reports || to.packetsReceived > 0) continue
    if (from.reports && from.packetsSent === 0) {
      return finding('media', 'silence', {
        sentence: `${fromName}’s device sent nothing: ${toName} heard silence.`,
        evidence: `Sent by ${fromName}: 0 packets. Received by ${toName}: 0.`,
        fix: `On ${fromName}’s device test the microphone (Check, on the phone page), and see that it is not muted.`,
      })
    }
    if (from.packetsSent > fewPackets) {
      return finding('network', 'filtered', {
        sentence: `What ${fromName} sent did not arrive at ${toName}.`,
        evidence: `Sent by ${fromName}: ${from.packetsSent} packets. Received by ${toName}: 0.`,
        fix: 'Look for a firewall that drops UDP in this direction.',
      })
    }
  }
  return undefined
}

function poor(facts: HelpFacts, call: CallFacts): Finding | undefined {
  const { caller, callee, verdict } = call
  const [callerName, calleeName] = namesOf(facts, call)
  const worst = [
    { from: calleeName, to: callerName, party: caller },
    { from: callerName, to: calleeName, party: callee },
  ]
    .map(way => ({ ...way, percent: lossOf(way.party) }))
    .sort((a, b) => b.percent - a.percent)[0]!
  const mos = call.mos
  const isLossy = worst.percent >= badLossPercent
  const heard = Math.min(caller.packetsReceived, callee.packetsReceived)
  const isPoor = mos !== undefined && mos < badMos && heard >= judgedPackets
  if (!isLossy && !isPoor) return undefined
  const path = verdict?.path === 'relayed' ? 'relayed' : 'direct'
  return finding(
    isLossy ? 'network' : 'media',
    'badLine',
    {
      sentence: isLossy
        ? `Of what ${worst.from} sent, ${Math.round(worst.percent)} of 100 packets did not reach ${worst.to}.`
        : 'The call was hard to understand.',
      evidence: `${path} call; lost ${worst.party.packetsLost} of ${worst.party.packetsLost + worst.party.packetsReceived} packets${mos === undefined ? '' : `; MOS estimate ${mos.toFixed(1)}`}.`,
      fix: 'Bring the device nearer to the access point, or use the 5 GHz band or a cable.',
    },
    { weight: 'poor' },
  )
}

const lossOf = ({ packetsLost, packetsReceived }: PartyFacts): number =>
  packetsReceived + packetsLost < fewPackets ? 0 : (100 * packetsLost) / (packetsLost + packetsReceived)

const namesOf = (facts: HelpFacts, { row }: Pick<CallFacts, 'row'>): [string, string] => [
  nameOf(facts, row.callerUser, row.callerName),
  nameOf(facts, row.answererUser ?? row.calleeUser, row.answererName ?? row.calleeName),
]

function checksOf(facts: HelpFacts, call: CallFacts): string {
  const [caller, callee] = namesOf(facts, call)
  const told = [
    [caller, call.caller],
    [callee, call.callee],
  ] as const
  const lines = told.map(([name, party]) =>
    party.reports
      ? `${name} sent ${party.checksSent} checks, ${party.checksAnswered} answered, ${party.checksReceived} arrived`
      : `${name}’s device tells nothing`,
  )
  return `${lines.join('; ')}.`
}

function where(facts: HelpFacts, { row, caller, callee }: CallFacts): string {
  if (caller.address === '' || callee.address === '') return ''
  const [callerName, calleeName] = namesOf(facts, { row })
  return `${callerName} is at ${caller.address}, ${calleeName} at ${callee.address}.`
}
