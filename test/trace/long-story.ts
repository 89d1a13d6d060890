/**
 * Calls as the machine would have made them, for what shows and exports them: one with some 40 messages (a browser
 * behind a SIP proxy path with challenges, relayed after a restart of ICE), and one that fills a trace's bounds.
 */
import type { CallRow, SelectedPair } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import type { Endpoint } from '../../src/core/endpoint.ts'
import { emptyPartyLedger } from '../../src/relay/ledger.ts'
import type { Transport } from '../../src/sip/message.ts'
import type { Happening, Moment, StreamSample, TraceEvent } from '../../src/trace/message.ts'
import type { CallLedger, PartyRole } from '../../src/turn/message.ts'
import { calleePrint, callerPrint } from './story.ts'

type Source = Moment['source']

export class Telling {
  readonly events: TraceEvent[] = []

  at(atMilliseconds: number, source: Source, happening: Happening): void {
    const isClient = ['state', 'checks', 'pair', 'dtls', 'firstMedia', 'quality'].includes(happening.kind)
    this.events.push({
      number: this.events.length + 1,
      atMilliseconds,
      source,
      ...(isClient ? { clockErrorMilliseconds: source === 'caller' ? 1.4 : 14 } : {}),
      ...happening,
    } as TraceEvent)
  }

  sip(
    at: number,
    direction: 'in' | 'out',
    party: PartyRole,
    name: string,
    cseq: string,
    text?: string,
  ): void {
    const { remote, transport } = places[party]
    const source: Source = direction === 'in' ? party : 'server'
    this.at(at, source, {
      ...{ kind: 'sip', direction, party, transport, local: appliance, remote, name, cseq },
      text: text ?? sipText(name, cseq, party),
    })
  }

  channel(at: number, direction: 'in' | 'out', party: PartyRole, type: string, more: object = {}): void {
    this.at(at, direction === 'in' ? party : 'server', {
      ...{ kind: 'channel', direction, party, device: `device-${party}`, type },
      ...{ local: { ...appliance, port: 443 }, remote: places[party].remote },
      message: { type, call: 'c0ffee', ...more },
    })
  }
}

const appliance: Endpoint = { address: '192.168.10.1', port: 5_060 }
const places: Record<PartyRole, { readonly remote: Endpoint; readonly transport: Transport }> = {
  caller: { remote: { address: '192.168.10.23', port: 51_788 }, transport: 'wss' as Transport },
  callee: { remote: { address: '192.168.20.41', port: 5_060 }, transport: 'udp' },
}

function sipText(name: string, cseq: string, party: PartyRole): string {
  const isRequest = /^[A-Z]+$/.test(name)
  return [
    isRequest ? `${name} sip:bob@lanline.local SIP/2.0` : `SIP/2.0 ${name}`,
    `Via: SIP/2.0/${party === 'caller' ? 'WSS' : 'UDP'} ${places[party].remote.address};branch=z9hG4bK776asdhds`,
    'From: "Alice Arnold" <sip:alice@lanline.local>;tag=1928301774',
    'To: <sip:bob@lanline.local>;tag=a6c85cf',
    'Call-ID: a84b4c76e66710',
    `CSeq: ${cseq}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

const sdpOf = (party: PartyRole, ufrag: string): string =>
  [
    'v=0',
    `o=- 46117 2 IN IP4 127.0.0.1`,
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    `a=ice-ufrag:${ufrag}`,
    'a=ice-pwd:[redacted]',
    `a=fingerprint:${party === 'caller' ? callerPrint : calleePrint}`,
    'a=setup:actpass',
  ].join('\r\n')

export const ledgerOf = (packets: number): CallLedger => ({
  caller: {
    ...{ ...emptyPartyLedger, allocations: 1, openAllocations: 1, permissions: 1 },
    ...{
      sentPackets: packets,
      sentBytes: packets * 172,
      receivedPackets: packets,
      receivedBytes: packets * 170,
    },
  },
  callee: {
    ...{ ...emptyPartyLedger, allocations: 1, openAllocations: 1, permissions: 1 },
    ...{
      sentPackets: packets,
      sentBytes: packets * 170,
      receivedPackets: packets,
      receivedBytes: packets * 172,
    },
  },
})

export const longRow = (lasted: number): CallRow => ({
  ...{ id: 'c0ffee254729296a45a3885639ac7e10', callerUser: 'alice', callerName: 'Alice Arnold' },
  ...{
    callerDevice: 'device-caller',
    calleeUser: 'bob',
    calleeName: 'Bob Brown',
    calleeDevice: 'device-callee',
  },
  ...{ video: true, missed: false, missedSeen: false, code: 200, reason: 'hangup', endedBy: 'callee' },
  ...{
    startedAt: at(0),
    ringingAt: at(480),
    answeredAt: at(4_210),
    endedAt: at(lasted),
    aliveAt: at(lasted),
  },
  ...{ callerPair: relayedPair('caller'), calleePair: relayedPair('callee') },
  ...{ relayReason: 'otherNetwork', ledger: ledgerOf(1_500) },
})

const at = (milliseconds: number): Epoch => (Date.UTC(2026, 10, 21, 9, 30, 15) + milliseconds) as Epoch

function relayedPair(party: PartyRole): SelectedPair {
  const [local, remote] = party === 'caller' ? [49_160, 49_162] : [49_162, 49_160]
  return {
    ...{ localType: 'relay', localAddress: '192.168.10.1', localPort: local },
    ...{ remoteType: 'relay', remoteAddress: '192.168.10.1', remotePort: remote },
    ...{ protocol: 'udp', rttMilliseconds: 3 },
  }
}

/** Some 40 messages: challenged, forked on, relayed after a restart of ICE, restarted daemon, a network change. */
export function fortyMessages(): TraceEvent[] {
  const tell = new Telling()
  tell.sip(-31, 'in', 'caller', 'INVITE', '1 INVITE')
  tell.sip(-30, 'out', 'caller', '407 Proxy Authentication Required', '1 INVITE')
  tell.sip(-24, 'in', 'caller', 'ACK', '1 ACK')
  tell.sip(
    -3,
    'in',
    'caller',
    'INVITE',
    '2 INVITE',
    `${sipText('INVITE', '2 INVITE', 'caller')}${sdpOf('caller', 'k3Fd')}`,
  )
  tell.at(0, 'server', { kind: 'call', what: 'started' })
  tell.at(0, 'server', { kind: 'network', who: 'lanline', addresses: ['192.168.10.1', '192.168.20.1'] })
  tell.sip(1, 'out', 'caller', '100 Trying', '2 INVITE')
  tell.sip(3, 'out', 'callee', 'INVITE', '2 INVITE')
  tell.sip(41, 'in', 'callee', '100 Trying', '2 INVITE')
  tell.sip(478, 'in', 'callee', '180 Ringing', '2 INVITE')
  tell.at(479, 'server', { kind: 'call', what: 'ringing', device: 'device-callee' })
  tell.sip(480, 'out', 'caller', '180 Ringing', '2 INVITE')
  tell.sip(
    4_205,
    'in',
    'callee',
    '200 OK',
    '2 INVITE',
    `${sipText('200 OK', '2 INVITE', 'callee')}${sdpOf('callee', 'Zz81')}`,
  )
  tell.at(4_206, 'server', { kind: 'call', what: 'answered', device: 'device-callee' })
  tell.sip(4_207, 'out', 'caller', '200 OK', '2 INVITE')
  tell.sip(4_228, 'in', 'caller', 'ACK', '2 ACK')
  tell.sip(4_229, 'out', 'callee', 'ACK', '2 ACK')
  tell.at(4_215, 'caller', { kind: 'state', what: 'iceConnection', from: 'new', to: 'checking' })
  tell.at(4_221, 'callee', { kind: 'state', what: 'iceConnection', from: 'new', to: 'checking' })
  for (const [index, ms] of [4_230, 4_233, 4_236, 4_290].entries()) {
    const candidate = { candidate: `candidate:${index} 1 udp 2122260223 192.168.10.23 5400${index} typ host` }
    tell.channel(ms, 'in', 'caller', 'candidate', { candidate })
    tell.channel(ms + 1, 'out', 'callee', 'candidate', { candidate })
  }
  const tried = { local: 'host 192.168.10.23:54001', remote: 'host 192.168.20.41:39002' }
  const asked = { requestsSent: 9, responsesReceived: 0, requestsReceived: 0 }
  tell.at(4_400, 'caller', { kind: 'checks', pairs: [{ ...tried, state: 'in-progress', ...asked }] })
  tell.at(6_310, 'caller', {
    kind: 'checks',
    pairs: [{ ...tried, state: 'failed', ...asked, why: 'unanswered' }],
  })
  tell.channel(6_330, 'in', 'caller', 'noPath')
  tell.at(6_332, 'server', { kind: 'grant', what: 'opened', reason: 'otherNetwork' })
  tell.channel(6_338, 'out', 'caller', 'relay', {
    servers: ['turn:192.168.10.1:3478'],
    credential: '[redacted]',
  })
  tell.channel(6_338, 'out', 'callee', 'relay', {
    servers: ['turn:192.168.20.1:3478'],
    credential: '[redacted]',
  })
  tell.channel(6_420, 'in', 'callee', 'relayReady')
  tell.channel(6_431, 'in', 'caller', 'relayReady')
  tell.channel(6_432, 'out', 'caller', 'restart')
  tell.channel(6_470, 'in', 'caller', 'offer', { sdp: sdpOf('caller', 'n3Wx') })
  tell.sip(6_471, 'out', 'callee', 'INVITE', '3 INVITE')
  tell.sip(6_480, 'in', 'callee', '491 Request Pending', '3 INVITE')
  tell.sip(6_481, 'out', 'callee', 'ACK', '3 ACK')
  tell.sip(8_481, 'out', 'callee', 'INVITE', '4 INVITE')
  tell.sip(
    8_530,
    'in',
    'callee',
    '200 OK',
    '4 INVITE',
    `${sipText('200 OK', '4 INVITE', 'callee')}${sdpOf('callee', 'Qw09')}`,
  )
  tell.sip(8_531, 'out', 'callee', 'ACK', '4 ACK')
  tell.channel(8_532, 'out', 'caller', 'answered', { sdp: sdpOf('callee', 'Qw09') })
  for (const party of ['caller', 'callee'] as const) {
    const more = party === 'caller' ? 0 : 6
    const pair = relayedPair(party)
    const ends = {
      local: `relay 192.168.10.1:${pair.localPort}`,
      remote: `relay 192.168.10.1:${pair.remotePort}`,
    }
    const counts = { requestsSent: 12, responsesReceived: 12, requestsReceived: 11, rttMilliseconds: 3 }
    tell.at(8_640 + more, party, { kind: 'checks', pairs: [{ ...ends, state: 'succeeded', ...counts }] })
    tell.at(8_641 + more, party, { kind: 'pair', pair })
    tell.at(8_642 + more, party, { kind: 'state', what: 'iceConnection', from: 'checking', to: 'connected' })
    const prints = party === 'caller' ? [callerPrint, calleePrint] : [calleePrint, callerPrint]
    tell.at(8_700 + more, party, {
      ...{ kind: 'dtls', state: 'connecting', version: '', cipher: '', srtpProfile: '' },
      ...{ localFingerprint: prints[0]!, remoteFingerprint: prints[1]! },
    })
    tell.at(8_760 + more, party, {
      ...{ kind: 'dtls', state: 'connected', version: 'DTLS 1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
      ...{
        srtpProfile: 'AES_CM_128_HMAC_SHA1_80',
        localFingerprint: prints[0]!,
        remoteFingerprint: prints[1]!,
      },
    })
    for (const media of ['audio', 'video'] as const)
      for (const direction of ['sent', 'received'] as const)
        tell.at(8_790 + more, party, {
          kind: 'firstMedia',
          direction,
          media,
          ssrc: ssrcOf(party, direction, media),
        })
  }
  const seconds = 30
  for (let second = 1; second <= seconds; second++) {
    for (const party of ['caller', 'callee'] as const) quality(tell, 8_900 + second * 1_000, party, second)
    tell.at(8_950 + second * 1_000, 'relay', { kind: 'ledger', ledger: ledgerOf(second * 50) })
  }
  tell.at(20_100, 'server', { kind: 'restart' })
  tell.at(20_900, 'caller', {
    ...{ kind: 'flow', what: 'resumed', party: 'caller', device: 'device-caller' },
    remote: { address: '192.168.10.23', port: 51_802 },
  })
  tell.at(25_000, 'server', { kind: 'network', who: 'caller', addresses: ['192.168.10.77'] })
  tell.sip(39_700, 'in', 'callee', 'BYE', '1 BYE')
  tell.sip(39_702, 'out', 'callee', '407 Proxy Authentication Required', '1 BYE')
  tell.sip(39_730, 'in', 'callee', 'BYE', '2 BYE')
  tell.sip(39_731, 'out', 'caller', 'BYE', '2 BYE')
  tell.sip(39_760, 'in', 'caller', '200 OK', '2 BYE')
  tell.sip(39_761, 'out', 'callee', '200 OK', '2 BYE')
  tell.at(39_762, 'server', { kind: 'call', what: 'ended', by: 'callee', reason: 'hangup', code: 200 })
  tell.at(39_770, 'server', { kind: 'grant', what: 'closed' })
  return tell.events
}

const ssrcOf = (party: PartyRole, direction: 'sent' | 'received', media: 'audio' | 'video'): number =>
  ((party === 'caller') === (direction === 'sent') ? 0x1a2b_0000 : 0x3c4d_0000) + (media === 'audio' ? 1 : 2)

/** Counters after `count` seconds: steady, with a dip of the picture and a burst of loss in every third minute. */
function quality(
  tell: Telling,
  atMilliseconds: number,
  party: PartyRole,
  count: number,
  all: readonly ('audio' | 'video')[] = ['audio', 'video'],
): void {
  const streams: StreamSample[] = all.flatMap(media =>
    (['sent', 'received'] as const).map(direction => {
      const rate = media === 'audio' ? 50 : 90
      const dips = Math.floor(count / 180) * 20
      const packets = count * rate - (media === 'video' ? dips * 40 : 0)
      const lost = direction === 'received' ? dips : 0
      return {
        ...{ ssrc: ssrcOf(party, direction, media), media, direction, packets: packets - lost, lost },
        bytes: (packets - lost) * (media === 'audio' ? 82 : 930),
        jitterMilliseconds: 2 + (count % 7),
        ...(media === 'audio'
          ? { samples: count * 48_000, concealedSamples: dips * 960 }
          : { frames: count * 25 - dips, freezes: Math.floor(dips / 20) }),
      }
    }),
  )
  const rttMilliseconds = 3 + (count % 5)
  tell.at(atMilliseconds, party, {
    kind: 'quality',
    rttMilliseconds,
    streams,
    mos: 4.2 - (count % 180 < 2 ? 1.1 : 0),
  })
}

/** One hour at the bounds of a trace: 20,000 events, some 6 MB. */
export function hourOfEvents(): TraceEvent[] {
  const tell = new Telling()
  tell.events.push(...fortyMessages().filter(event => event.atMilliseconds < 9_000))
  for (let second = 1; tell.events.length < 19_990; second++) {
    const moment = 8_900 + second * 1_000
    for (const party of ['caller', 'callee'] as const) quality(tell, moment, party, second, ['audio'])
    tell.at(moment + 20, 'relay', { kind: 'ledger', ledger: ledgerOf(second * 50) })
    const pairs = Array.from({ length: 1 }, (_, index) => ({
      ...{ local: `host 192.168.10.23:5400${index}`, remote: 'host 192.168.20.41:39002', state: 'succeeded' },
      ...{ requestsSent: second * 2, responsesReceived: second * 2, requestsReceived: second },
    }))
    tell.at(moment + 30, 'caller', { kind: 'checks', pairs })
    tell.at(moment + 40, 'callee', { kind: 'checks', pairs })
    if (second % 30 === 0) {
      tell.sip(moment + 50, 'out', 'callee', 'OPTIONS', `${second} OPTIONS`)
      tell.sip(moment + 55, 'in', 'callee', '200 OK', `${second} OPTIONS`)
    }
  }
  return tell.events.slice(0, 20_000)
}
