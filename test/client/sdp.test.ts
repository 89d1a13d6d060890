/** Offers of telephones within a call, as browsers take them. */
import { describe, expect, it } from 'vitest'
import {
  asAnswered,
  asAnswerTo,
  asContinued,
  withDefaultCandidates,
  withoutHiddenDefaults,
} from '../../client/sdp.ts'

const lines = (...all: string[]): string => all.map(line => `${line}\r\n`).join('')
const head = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0']
const local = lines(
  ...head,
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:1',
)
const remote = lines(
  ...head,
  'a=group:BUNDLE 0',
  'm=audio 7078 UDP/TLS/RTP/SAVP 111',
  'a=mid:0',
  'm=application 0 x 0',
)
/** Linphone 5.1, on hold. */
const held = lines(
  ...head,
  'm=audio 7078 UDP/TLS/RTP/SAVP 111',
  'a=sendonly',
  'm=audio 0 RTP/AVP 0',
  'a=inactive',
)

it('is read by Firefox whatever name Firefox hid its address behind', () => {
  const section = (address: string) => [`m=audio 60341 UDP/TLS/RTP/SAVPF 109`, `c=IN IP4 ${address}`]
  const name = 'f40de54c-6316-450d-b21d-d18715304b9d.local'
  const candidate = `a=candidate:0 1 UDP 2122252543 ${name} 60341 typ host`
  expect(withoutHiddenDefaults(lines(...head, ...section(name), candidate))).toBe(
    lines(...head, ...section('0.0.0.0'), candidate),
  )
  const plain = lines(...head, ...section('10.0.0.2'))
  expect(withoutHiddenDefaults(plain)).toBe(plain)
})

it.each(['127.0.0.1', '0.0.0.0'])('names no IPv4 (%s) where there is none', origin => {
  const audio = 'm=audio 60341 UDP/TLS/RTP/SAVPF 109'
  const candidate = (address: string): string => `a=candidate:0 1 udp 2122252543 ${address} 60341 typ host`
  const described = (family: string, ...candidates: string[]): string =>
    lines('v=0', `o=- 1 1 IN ${family}`, 's=-', 't=0 0', audio, 'c=IN IP6 fd77::12', ...candidates)
  const alone = candidate('fd77::12')
  expect(withDefaultCandidates(described(`IP4 ${origin}`, alone))).toBe(described('IP6 ::1', alone))
  for (const candidates of [[alone, candidate('10.0.0.2')], []]) {
    const both = described(`IP4 ${origin}`, ...candidates)
    expect(withDefaultCandidates(both)).toBe(both)
  }
})

describe('an answer', () => {
  const answer = (refused: string): string =>
    lines(...head, 'm=audio 22358 UDP/TLS/RTP/SAVPF 111', 'a=setup:active', refused)

  it('that refuses a data channel in the way of baresip has the formats of the offer, as Firefox wants them', () => {
    expect(asAnswered(answer('m=application 0 UDP/DTLS/SCTP 0'), local)).toBe(
      answer('m=application 0 UDP/DTLS/SCTP webrtc-datachannel'),
    )
  })

  it.each([
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1',
  ])('with %j stays as it is', last => {
    expect(asAnswered(answer(last), local)).toBe(answer(last))
    expect(asAnswered(answer(last), '')).toBe(answer(last))
  })
})

describe('an offer within a call', () => {
  it('has the formats that are known of what is not in use', () => {
    const again = (format: string): string =>
      lines(...head, 'm=audio 22358 UDP/TLS/RTP/SAVPF 111', `m=application 0 UDP/DTLS/SCTP ${format}`)
    expect(asContinued(again('0'), { local, remote: again('0') })).toBe(again('webrtc-datachannel'))
  })

  it('keeps the kind of what is not in use, and the transport of the rest, as Linphone does not', () => {
    expect(asContinued(held, { local, remote })).toBe(
      lines(
        ...head,
        'a=group:BUNDLE 0',
        'm=audio 7078 UDP/TLS/RTP/SAVP 111',
        'a=sendonly',
        'a=mid:0',
        'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
        'a=mid:1',
      ),
    )
  })

  it('is answered as it was written', () => {
    const answer = lines(
      ...head,
      'a=group:BUNDLE 0',
      'm=audio 9 UDP/TLS/RTP/SAVP 111',
      'a=recvonly',
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
      'a=mid:1',
    )
    expect(asAnswerTo(held, answer)).toBe(
      lines(...head, 'm=audio 9 UDP/TLS/RTP/SAVP 111', 'a=recvonly', 'm=audio 0 RTP/AVP 0'),
    )
  })

  it.each([
    ['of a page', local, local],
    [
      'of a telephone that never had one transport',
      held.replace(/^m=audio 0 .*$/m, 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel'),
      held,
    ],
    ['with a new section', `${local}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\n`, local],
  ])('%s stays as it is', (_, sdp, before) => {
    expect(asContinued(sdp, { local, remote: before })).toBe(sdp)
    expect(asAnswerTo(local, local)).toBe(local)
  })
})
