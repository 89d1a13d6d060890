import { expect, it } from 'vitest'
import { hasVideo } from '../../src/sip/sdp.ts'

const sections = (...all: string[]): string => `v=0\r\n${all.map(one => `${one}\r\n`).join('')}`
const sound = 'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0'

it.each([
  ['a picture', 'm=video 9 UDP/TLS/RTP/SAVPF 96', true],
  [
    'one that shares the port of the sound (RFC 9143)',
    'm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only',
    true,
  ],
  ['one that is refused (RFC 3264)', 'm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1', false],
  [
    'a refused one before a data channel that shares the port',
    'm=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=bundle-only',
    false,
  ],
  ['none', 'a=mid:0', false],
])('a description tells of %s', (_what, section, expected) => {
  expect(hasVideo(sections(sound, section))).toBe(expected)
})
