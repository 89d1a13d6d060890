/** The events of a call as the machine would have made them, for tests to bend. */
import type { SelectedPair } from '../../src/calls/message.ts'
import { emptyPartyLedger } from '../../src/relay/ledger.ts'
import type { Happening, Moment, StreamSample, TraceEvent } from '../../src/trace/message.ts'
import type { CallLedger, PartyRole } from '../../src/turn/message.ts'

export const callerPrint = `sha-256 ${'AA:'.repeat(31)}AA`
export const calleePrint = `sha-256 ${'BB:'.repeat(31)}BB`
export const otherPrint = `sha-256 ${'CC:'.repeat(31)}CC`

export const pair = (change: Partial<SelectedPair> = {}): SelectedPair => ({
  localType: 'host',
  localAddress: '192.168.1.2',
  localPort: 5002,
  remoteType: 'host',
  remoteAddress: '192.168.1.3',
  remotePort: 5003,
  protocol: 'udp',
  rttMilliseconds: 1,
  ...change,
})

export const mirrored = (one: SelectedPair, change: Partial<SelectedPair> = {}): SelectedPair => ({
  localType: one.remoteType,
  localAddress: one.remoteAddress,
  localPort: one.remotePort,
  remoteType: one.localType,
  remoteAddress: one.localAddress,
  remotePort: one.localPort,
  protocol: one.protocol,
  rttMilliseconds: 1,
  ...change,
})

export const ledger = (sentBytes: number, packets: number): CallLedger => ({
  caller: { ...emptyPartyLedger, allocations: 1, sentBytes, sentPackets: packets, receivedBytes: sentBytes },
  callee: { ...emptyPartyLedger, allocations: 1, sentBytes, sentPackets: packets, receivedBytes: sentBytes },
})

export interface Story {
  readonly callerPair?: SelectedPair | undefined
  readonly calleePair?: SelectedPair | undefined
  /** What each applied of the other. */
  readonly callerApplied?: string | undefined
  readonly calleeApplied?: string | undefined
  readonly calleeReports?: boolean | undefined
  readonly callerReports?: boolean | undefined
  /** By what the callee multiplies the packets (bytes) that it received. */
  readonly calleePackets?: number | undefined
  readonly calleeBytes?: number | undefined
  readonly lost?: number | undefined
  readonly everySeconds?: number | undefined
  readonly ledger?: CallLedger | undefined
  readonly more?: readonly Happening[] | undefined
  readonly appliance?: readonly string[] | undefined
}

const seconds = 30
/** One audio stream each way, 50 packets of 80 bytes a second. */
const ssrcs = { caller: 1_111, callee: 2_222 } as const

export function eventsOf(story: Story = {}): TraceEvent[] {
  const events: TraceEvent[] = []
  const add = (
    atMilliseconds: number,
    source: Moment['source'],
    happening: Happening,
    error?: number,
  ): void => {
    events.push({
      number: events.length + 1,
      atMilliseconds,
      source,
      clockErrorMilliseconds: error,
      ...happening,
    } as TraceEvent)
  }
  add(0, 'server', { kind: 'call', what: 'started' })
  add(0, 'server', { kind: 'network', who: 'lanline', addresses: story.appliance ?? ['192.168.1.1'] })
  add(1, 'caller', described('caller', callerPrint))
  add(900, 'callee', described('callee', calleePrint))
  add(901, 'server', { kind: 'call', what: 'answered' })
  const callerPair = 'callerPair' in story ? story.callerPair : pair()
  const pairs = { caller: callerPair, callee: 'calleePair' in story ? story.calleePair : mirrored(pair()) }
  const applied = { caller: story.callerApplied ?? calleePrint, callee: story.calleeApplied ?? callerPrint }
  const own = { caller: callerPrint, callee: calleePrint }
  for (const role of ['caller', 'callee'] as const) {
    if ((role === 'callee' ? story.calleeReports : story.callerReports) === false) continue
    const chosen = pairs[role]
    if (chosen) {
      const pairs = [{ ...checkedEnds(chosen), state: 'succeeded', requestsSent: 5, responsesReceived: 5 }]
      add(1_200, role, { kind: 'checks', pairs }, 5)
      add(1_200, role, { kind: 'pair', pair: chosen }, 5)
    }
    const prints = { localFingerprint: own[role], remoteFingerprint: applied[role] }
    add(
      1_200,
      role,
      { kind: 'dtls', state: 'connected', version: 'DTLS 1.3', cipher: '', srtpProfile: '', ...prints },
      5,
    )
    const every = story.everySeconds ?? 1
    const offset = role === 'caller' ? 0 : every * 400
    for (let at = 1_300 + offset; at <= seconds * 1_000; at += every * 1_000) {
      add(at, role, { kind: 'quality', rttMilliseconds: 1, streams: samples(role, at, story) }, 5)
    }
  }
  if (story.ledger) add(2_000, 'relay', { kind: 'ledger', ledger: story.ledger })
  for (const one of story.more ?? []) add(20_000, one.kind === 'capture' ? 'capture' : 'server', one)
  return events.sort((a, b) => a.atMilliseconds - b.atMilliseconds)
}

const checkedEnds = (one: SelectedPair) => ({
  local: `${one.localType} ${one.localAddress}:${one.localPort}`,
  remote: `${one.remoteType} ${one.remoteAddress}:${one.remotePort}`,
})

function samples(role: PartyRole, at: number, story: Story): StreamSample[] {
  const sent = Math.round((at - 1_200) / 20)
  const lost = Math.round(sent * (story.lost ?? 0))
  const factor = role === 'callee' ? (story.calleePackets ?? 1) : 1
  const got = Math.round((sent - lost) * factor)
  const bytes = Math.round((sent - lost) * 80 * (role === 'callee' ? (story.calleeBytes ?? 1) : 1))
  const other = role === 'caller' ? 'callee' : 'caller'
  return [
    { ssrc: ssrcs[role], media: 'audio', direction: 'sent', packets: sent, bytes: sent * 80, lost: 0 },
    { ssrc: ssrcs[other], media: 'audio', direction: 'received', packets: got, bytes, lost },
  ]
}

function described(party: PartyRole, fingerprint: string): Happening {
  const sdp = `v=0\r\na=ice-ufrag:${party}\r\na=fingerprint:${fingerprint}\r\na=candidate:1 1 udp 1 192.168.1.${party === 'caller' ? 2 : 3} 500${party === 'caller' ? 2 : 3} typ host`
  const local = { address: '192.168.1.1', port: 443 }
  const remote = { address: `192.168.1.${party === 'caller' ? 2 : 3}`, port: 40_000 }
  const type = party === 'caller' ? 'call' : 'answer'
  return {
    kind: 'channel',
    direction: 'in',
    party,
    device: party,
    local,
    remote,
    type,
    message: { type, sdp },
  }
}
