/** The headers of RTP (RFC 3550 §5.1) and RTCP (§6), which SRTP leaves readable (RFC 3711 §3.1, §3.4). */
import type { Rtcp, Rtp } from './message.ts'
import { u16, u32 } from './queue.ts'

/** `sentBytes` is how long it was when it was sent. Undefined: it is neither. */
export function readRtp(bytes: Uint8Array, sentBytes: number): Rtp | Rtcp | undefined {
  if (bytes.length < 8 || bytes[0]! >> 6 !== 2) return undefined
  const second = bytes[1]!
  // RFC 5761 §4: on one port 64 to 95 without the marker bit are RTCP.
  if (second >= 192 && second <= 223) {
    // The length counts words after the first; SRTCP adds to the whole, so it may only be shorter.
    if ((u16(bytes, 2) + 1) * 4 > sentBytes) return undefined
    return { kind: 'rtcp', packetType: second, ssrc: u32(bytes, 4) }
  }
  const sources = (bytes[0]! & 15) * 4
  const extended = (bytes[0]! & 0x10) !== 0
  if (bytes.length < 12 || 12 + sources + (extended ? 4 : 0) > sentBytes) return undefined
  const extensionAt = 12 + sources
  if (extended && extensionAt + 4 <= bytes.length) {
    if (extensionAt + 4 + u16(bytes, extensionAt + 2) * 4 > sentBytes) return undefined
  }
  return {
    kind: 'rtp',
    ssrc: u32(bytes, 8),
    payloadType: second & 0x7f,
    sequence: u16(bytes, 2),
    marker: second >= 128,
  }
}
