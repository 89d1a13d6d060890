/** A tone as a microphone, for werift: G.711 µ-law (RFC 3551 §4.5.14), 20 ms a packet. */
import type { MediaStreamTrack as WeriftTrack } from 'werift'
import type { Env } from '../../client/env.ts'
import { fixedMedia, type OpenMedia } from '../../client/media.ts'
import { asWeriftReads } from '../../client/werift.ts'

const samplesPerSecond = 8_000
const samplesPerPacket = 160

export interface ToneMedia {
  readonly openMedia: OpenMedia
  readonly RTCPeerConnection: Env['RTCPeerConnection']
  /** Packets of sound that came in, all calls together. */
  heard(): number
}

export async function toneMedia(hertz: number): Promise<ToneMedia> {
  const werift = await import('werift')
  const { RtpHeader, RtpPacket, RTCRtpCodecParameters, MediaStreamTrack } = werift
  const audio = new MediaStreamTrack({ kind: 'audio' })
  let heard = 0
  const pcmu = new RTCRtpCodecParameters({
    mimeType: 'audio/PCMU',
    clockRate: samplesPerSecond,
    channels: 1,
    payloadType: 0,
  })
  class Connection extends werift.RTCPeerConnection {
    constructor(given: object) {
      super({ ...given, codecs: { audio: [pcmu], video: [] }, iceUseIpv6: false })
      this.onTrack.subscribe((track: WeriftTrack) => {
        track.onReceiveRtp.subscribe(() => {
          heard++
        })
      })
    }

    override setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
      return super.setRemoteDescription({ ...description, sdp: asWeriftReads(description.sdp) })
    }
  }
  let count = 0
  setInterval(() => {
    const header = new RtpHeader({
      payloadType: 0,
      sequenceNumber: count & 0xffff,
      timestamp: (count * samplesPerPacket) >>> 0,
      ssrc: 1,
      marker: count === 0,
    })
    const payload = Buffer.alloc(samplesPerPacket)
    for (let index = 0; index < samplesPerPacket; index++) {
      const at = (count * samplesPerPacket + index) / samplesPerSecond
      payload[index] = muLaw(Math.sin(2 * Math.PI * hertz * at) * 8_000)
    }
    audio.writeRtp(new RtpPacket(header, payload).serialize())
    count++
  }, 20).unref()
  return {
    openMedia: fixedMedia({ audio: audio as never }),
    RTCPeerConnection: Connection as never,
    heard: () => heard,
  }
}

/** ITU-T G.711: sign, exponent and mantissa of the biased magnitude, all bits turned over. */
function muLaw(sample: number): number {
  const biased = Math.min(Math.abs(Math.round(sample)) + 132, 32_767)
  const exponent = Math.floor(Math.log2(biased)) - 7
  const mantissa = (biased >> (exponent + 3)) & 15
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff
}
