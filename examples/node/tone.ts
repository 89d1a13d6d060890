/** A tone as a microphone, for werift: G.711 µ-law (RFC 3551 §4.5.14), 20 ms a packet. */
import type { RTCPeerConnection as Werift } from 'werift'
import type { Env } from '../../client/env.ts'
import type { OpenMedia } from '../../client/media.ts'
import { asWeriftReads, prepareTransports, weriftMedia } from '../../client/werift.ts'

const samplesPerSecond = 8_000
const samplesPerPacket = 160

export interface ToneMedia {
  readonly openMedia: OpenMedia
  readonly RTCPeerConnection: Env['RTCPeerConnection']
}

export async function toneMedia(hertz: number): Promise<ToneMedia> {
  const werift = await import('werift')
  const { RtpHeader, RtpPacket, RTCRtpCodecParameters, MediaStreamTrack } = werift
  const audio = new MediaStreamTrack({ kind: 'audio' })
  const pcmu = new RTCRtpCodecParameters({
    mimeType: 'audio/PCMU',
    clockRate: samplesPerSecond,
    channels: 1,
    payloadType: 0,
  })
  class Connection extends werift.RTCPeerConnection {
    constructor(given: object) {
      // One transport: werift counts that of a refused data channel among those that are to connect.
      super({ ...given, bundlePolicy: 'max-bundle', codecs: { audio: [pcmu], video: [] }, iceUseIpv6: false })
    }

    override async createOffer(...how: Parameters<Werift['createOffer']>) {
      const offer = await super.createOffer(...how)
      // Before it looks for candidates.
      prepareTransports(this)
      return offer
    }

    override async setRemoteDescription(description: {
      type: 'offer' | 'answer'
      sdp: string
    }): Promise<void> {
      prepareTransports(this)
      await super.setRemoteDescription({ ...description, sdp: asWeriftReads(description.sdp) })
      // An offer makes the transports that its answer begins to use.
      prepareTransports(this)
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
    openMedia: weriftMedia({ audio }),
    RTCPeerConnection: Connection as never,
  }
}

/** ITU-T G.711: sign, exponent and mantissa of the biased magnitude, all bits turned over. */
function muLaw(sample: number): number {
  const biased = Math.min(Math.abs(Math.round(sample)) + 132, 32_767)
  const exponent = Math.floor(Math.log2(biased)) - 7
  const mantissa = (biased >> (exponent + 3)) & 15
  return ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff
}
