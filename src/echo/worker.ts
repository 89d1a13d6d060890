/**
 * Media of the echo, in a thread of its own: each call is one peer connection that sends back what it receives, sound
 * somewhat later, so that people hear themselves and not their room. Whatever a peer sends costs its own call at most.
 */
import { parentPort } from 'node:worker_threads'
import {
  MediaStreamTrack,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  type RTCRtpTransceiver,
  RtpPacket,
} from 'werift'
import { withDefaultCandidates } from '../../client/sdp.ts'
import { asWeriftReads, prepareTransports } from '../../client/werift.ts'
import type { FromWorker, Order } from './message.ts'

/** Long enough to tell the echo from one's own voice. */
const delayMilliseconds = 400
/** Sound packets on their way back, for each call: four seconds of the smallest there are. */
const delayedPackets = 400
/** A Pi has to send this back too (RFC 8866 §5.8, kilobits a second). */
const videoKilobits = 800
/** A picture that cannot begin without a whole frame asks for one so often at first. */
const keyFrameMilliseconds = [0, 500, 1_500]

const audio = (
  mimeType: string,
  clockRate: number,
  channels: number,
  payloadType?: number,
): RTCRtpCodecParameters =>
  new RTCRtpCodecParameters({
    mimeType,
    clockRate,
    channels,
    ...(payloadType === undefined ? {} : { payloadType }),
  })
const video = (mimeType: string, parameters?: string): RTCRtpCodecParameters =>
  new RTCRtpCodecParameters({
    mimeType,
    clockRate: 90_000,
    rtcpFeedback: [{ type: 'nack', parameter: 'pli' }, { type: 'goog-remb' }],
    ...(parameters === undefined ? {} : { parameters }),
  })

const port = parentPort!
const calls = new Map<string, Call>()
const tell = (message: FromWorker): void => port.postMessage(message)

port.on('message', (order: Order) => {
  void obey(order).catch(error => {
    tell({ kind: 'failed', call: order.call, why: String(error) })
  })
})
// What werift does in the background on a peer's behalf must not end the other calls.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

async function obey(order: Order): Promise<void> {
  const known = calls.get(order.call)
  switch (order.kind) {
    case 'open': {
      const call = new Call(order.addresses)
      calls.set(order.call, call)
      tell({ kind: 'answer', call: order.call, sdp: await call.answer(order.sdp) })
      return
    }
    case 'offer':
      if (known) tell({ kind: 'answer', call: order.call, sdp: await known.answer(order.sdp) })
      return
    case 'candidate':
      await known?.candidate(order.candidate)
      return
    case 'close':
      calls.delete(order.call)
      await known?.close()
  }
}

class Call {
  readonly #connection: RTCPeerConnection
  readonly #addresses: ReadonlySet<string>
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(addresses: readonly string[]) {
    this.#addresses = new Set(addresses)
    this.#connection = new RTCPeerConnection({
      // Said outright: werift's own default is a STUN server on the internet.
      iceServers: [],
      bundlePolicy: 'max-bundle',
      codecs: {
        audio: [
          audio('audio/opus', 48_000, 2),
          audio('audio/PCMU', 8_000, 1, 0),
          audio('audio/PCMA', 8_000, 1, 8),
        ],
        video: [
          video('video/VP8'),
          video('video/H264', 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1'),
        ],
      },
      iceFilterCandidatePair: pair => this.#addresses.has(pair.localCandidate.host),
    })
    this.#connection.onRemoteTransceiverAdded.subscribe(transceiver => this.#sendBack(transceiver))
  }

  async answer(offer: string): Promise<string> {
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: asWeriftReads(offer) })
    prepareTransports(this.#connection)
    await this.#connection.setLocalDescription(await this.#connection.createAnswer())
    return limited(withDefaultCandidates(this.#ownAddressesOnly(this.#connection.localDescription!.sdp)))
  }

  async candidate(candidate: { readonly candidate: string } | undefined): Promise<void> {
    if (candidate !== undefined) await this.#connection.addIceCandidate(candidate)
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#connection.close()
  }

  #sendBack(transceiver: RTCRtpTransceiver): void {
    transceiver.setDirection('sendrecv')
    const back = new MediaStreamTrack({ kind: transceiver.kind })
    void transceiver.sender.replaceTrack(back)
    let delayed = 0
    transceiver.onTrack.subscribe(track => {
      if (track.kind === 'video') this.#askForFrames(transceiver, track)
      track.onReceiveRtp.subscribe(packet => {
        if (track.kind === 'video') return back.writeRtp(packet)
        if (delayed >= delayedPackets) return
        delayed++
        // The buffer below may be used again once this returns.
        const copy = RtpPacket.deSerialize(Buffer.from(packet.serialize()))
        this.#later(delayMilliseconds, () => {
          delayed--
          back.writeRtp(copy)
        })
      })
    })
  }

  #askForFrames(transceiver: RTCRtpTransceiver, track: MediaStreamTrack): void {
    const ask = (): void => {
      if (track.ssrc !== undefined) void transceiver.receiver.sendRtcpPLI(track.ssrc)
    }
    for (const milliseconds of keyFrameMilliseconds) this.#later(milliseconds, ask)
    transceiver.sender.onPictureLossIndication.subscribe(ask)
  }

  #later(milliseconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, milliseconds)
    this.#timers.add(timer)
  }

  /** Container bridges and what `net.bind` excludes are nobody's business. */
  #ownAddressesOnly(sdp: string): string {
    return sdp.replace(/^a=candidate:(?:\S+ ){4}(\S+) .*\r\n/gm, (line, address: string) =>
      this.#addresses.has(address) ? line : '',
    )
  }
}

const limited = (sdp: string): string =>
  sdp.replace(/^(m=video (?!0 ).*\r\nc=.*\r\n)/m, `$1b=AS:${videoKilobits}\r\n`)
