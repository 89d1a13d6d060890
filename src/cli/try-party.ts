/** One of the two parties of `lanline try`: the client library on werift, sending silence and counting what comes. */
import type { PeerConfig, RTCPeerConnection as WeriftConnection } from 'werift'
import { WebSocket } from 'ws'
import { Phone } from '../../client/phone.ts'
import { prepareTransports, weriftMedia } from '../../client/werift.ts'

export interface PartyOptions {
  readonly label: string
  readonly url: string
  readonly token: string
  readonly client: string
  /** The one address of this machine that media is to use. */
  readonly mediaAddress: string
}

export class Party {
  readonly phone: Phone
  readonly label: string
  #receivedBytes = 0
  readonly #silence: NodeJS.Timeout

  /** werift is loaded only here: no other command needs it. */
  static async make(options: PartyOptions): Promise<Party> {
    const werift = await import('werift')
    // werift has one certificate for a process; with one each, the verdict can tell the two ends apart.
    const keys = await werift.CipherContext.createSelfSignedCertificateWithKey(
      { signature: werift.SignatureAlgorithm.ecdsa_3, hash: werift.HashAlgorithm.sha256_4 },
      werift.NamedCurveAlgorithm.secp256r1_23,
    )
    return new Party(options, werift, { keys })
  }

  private constructor(options: PartyOptions, werift: typeof import('werift'), dtls: PeerConfig['dtls']) {
    this.label = options.label
    const audio = new werift.MediaStreamTrack({ kind: 'audio' })
    const count = (connection: WeriftConnection): void => this.#count(connection)
    class Connection extends werift.RTCPeerConnection {
      constructor(given: object) {
        super({
          ...given,
          dtls,
          iceUseIpv6: false,
          iceUseTcp: false,
          // On a computer without a network it is the loopback's, which werift does not take by itself.
          iceAdditionalHostAddresses: [options.mediaAddress],
          // On one machine every address reaches every other; the two ends must not choose different ones.
          iceFilterCandidatePair: pair =>
            pair.localCandidate.host === options.mediaAddress &&
            pair.remoteCandidate.host === options.mediaAddress,
        })
        count(this)
      }

      override async createOffer(...how: Parameters<WeriftConnection['createOffer']>) {
        const offer = await super.createOffer(...how)
        // Before it looks for candidates.
        prepareTransports(this)
        return offer
      }

      override async setRemoteDescription(
        description: Parameters<WeriftConnection['setRemoteDescription']>[0],
      ): Promise<void> {
        prepareTransports(this)
        await super.setRemoteDescription(description)
        // An offer makes the transports that its answer begins to use.
        prepareTransports(this)
      }
    }
    this.phone = new Phone({
      url: options.url,
      token: options.token,
      client: options.client,
      openMedia: weriftMedia({ audio }),
      env: { WebSocket: WebSocket as never, RTCPeerConnection: Connection as never },
    })
    const packets = silence(werift)
    this.#silence = setInterval(() => audio.writeRtp(packets.next().value!), 20)
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  close(): void {
    clearInterval(this.#silence)
    this.phone.stop()
  }

  #count(connection: WeriftConnection): void {
    connection.onTrack.subscribe(track => {
      track.onReceiveRtp.subscribe(packet => {
        this.#receivedBytes += packet.payload.length
      })
    })
  }
}

/** Opus silence: one 20 ms frame after the other, without end. */
function* silence({ RtpHeader, RtpPacket }: typeof import('werift')): Generator<Buffer, never> {
  for (let count = 0; ; count++) {
    const header = new RtpHeader({
      payloadType: 96,
      sequenceNumber: count & 0xffff,
      timestamp: (count * 960) >>> 0,
      ssrc: 1,
      marker: count === 0,
    })
    yield new RtpPacket(header, Buffer.from([0xf8, 0xff, 0xfe])).serialize()
  }
}
