/**
 * What one connection sends: a section of sound and, once a picture is part of the call, one of that; their tracks, and which
 * way each goes, as wanted, as offered, and as both have agreed on (RFC 3264 §8). Descriptions are `peer.ts`'s.
 */
import { Hold } from './hold.ts'
import type { LocalMedia } from './media.ts'

const toneMilliseconds = 160
const toneGapMilliseconds = 80

export class Sections {
  /** Of the other party, by us: sound goes to them alone then, a picture neither way. */
  readonly hold = new Hold()
  readonly #connection: RTCPeerConnection
  /** What is sent, as it is now. */
  #media: LocalMedia | undefined
  #audio: RTCRtpTransceiver | undefined
  #video: RTCRtpTransceiver | undefined
  /** A camera is being opened, and agreed on meanwhile. */
  #isCameraOpening = false
  /** Directions as they were before an offer that changes them; empty once it is answered or taken back. */
  #former: (readonly [RTCRtpTransceiver, RTCRtpTransceiverDirection])[] = []

  constructor(connection: RTCPeerConnection) {
    this.#connection = connection
  }

  /** Who offers a call: audio always; video in a video call even without a camera, so that it can be seen and turned on later. */
  add(media: LocalMedia, video: boolean): void {
    this.#media = media
    const init: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: newStreams() }
    this.#audio = this.#connection.addTransceiver(media.audio ?? 'audio', init)
    if (video) this.#video = this.#connection.addTransceiver(media.video ?? 'video', init)
  }

  /**
   * Who answers: puts our media into the first section of each kind that is not in use yet, a picture's even while there is none.
   * Without `media` that of before.
   */
  async fill(media = this.#media): Promise<void> {
    this.#media = media
    for (const transceiver of this.#connection.getTransceivers()) {
      const { kind } = transceiver.receiver.track
      if (isStopped(transceiver)) continue
      if (kind === 'audio' && this.#audio === undefined) this.#audio = transceiver
      else if (kind === 'video' && this.#picture === undefined) this.#video = transceiver
      else continue
      transceiver.direction = 'sendrecv'
      transceiver.sender.setStreams?.(...newStreams())
      const track = kind === 'audio' ? media?.audio : media?.video
      await transceiver.sender.replaceTrack(track ?? null)
    }
  }

  /** Which way a picture may go by what both have agreed on; undefined while (or because) none is part of the call. */
  get picture(): { readonly sends: boolean; readonly receives: boolean } | undefined {
    const direction = this.#picture?.currentDirection
    if (direction == null || direction === 'inactive') return undefined
    return {
      sends: direction.startsWith('send'),
      receives: direction.endsWith('recv') || direction === 'recvonly',
    }
  }

  /** A picture was part of the call's own offer or answer. */
  get hasPicture(): boolean {
    return this.#video !== undefined
  }

  /**
   * Whether what is sent of a picture is what both have agreed on. `isTold`: that none is sent now need not be agreed on.
   * While we are on hold none is, and ours is not refused by that.
   */
  isPictureAgreed(isTold: boolean): boolean {
    const { sends = false } = this.picture ?? {}
    if (this.#media?.video === undefined) return !sends || isTold || this.#isCameraOpening
    return sends || this.isHeld
  }

  /** What was offered or answered of our picture is not taken; false while it was not offered yet. */
  get isPictureRefused(): boolean {
    const video = this.#video
    const wasSent = video !== undefined && (isStopped(video) || video.direction.startsWith('send'))
    return wasSent && !this.isPictureAgreed(true)
  }

  /** From the next description on (RFC 3264 §8.4). `opensCamera`: a picture is sent again as soon as it is there; `sendVideo` follows. */
  setHold(on: boolean, opensCamera: boolean): void {
    this.hold.isWanted = on
    this.#isCameraOpening = opensCamera
  }

  /** The other side has put us on hold: it wants nothing of our sound (RFC 3264 §8.4). */
  get isHeld(): boolean {
    if (this.hold.isWanted || this.hold.isOn) return false
    const direction = this.#audio?.currentDirection
    return direction === 'recvonly' || direction === 'inactive'
  }

  /** False while one of the two is on hold: there may be no sound then. */
  get isSoundExpected(): boolean {
    const direction = this.#audio?.currentDirection
    return direction == null || direction === 'sendrecv'
  }

  /** Whether the two have agreed on what is sent now. `isTold`: that nothing is sent need not be agreed on. */
  isAgreed(isTold: boolean): boolean {
    return this.isPictureAgreed(isTold) && this.hold.isAgreed(isTold)
  }

  /** Turns each section to what is sent now, for an offer that follows. False when that is agreed on already. */
  change(isTold: boolean): boolean {
    if (this.isAgreed(isTold)) return false
    const track = this.#media?.video
    const sends = track !== undefined || this.#isCameraOpening
    const picture = this.#picture
    const isHeld = this.hold.isWanted && !isTold
    this.hold.happened(isHeld ? 'holdOffered' : 'talkOffered')
    const sections = [this.#audio, picture].filter(one => one !== undefined)
    this.#former = sections.map(one => [one, one.direction])
    if (this.#audio) this.#audio.direction = isHeld ? 'sendonly' : 'sendrecv'
    if (picture) picture.direction = isHeld ? 'inactive' : sends ? 'sendrecv' : 'recvonly'
    // By `addTrack`, so that a section which the other side offers at the same time is filled with it (RFC 9429 §5.10).
    else if (track) this.#video = this.#transceiverOf(this.#connection.addTrack(track, ...newStreams()))
    return true
  }

  /** Our offer was answered. */
  agreed(): void {
    this.hold.happened('answered')
    this.#former = []
  }

  /**
   * Our offer, if any, was taken back. A rollback leaves directions as they were offered, and the next description would say
   * them again: they are as before it now.
   */
  takenBack(): void {
    for (const [transceiver, direction] of this.#former)
      if (!isStopped(transceiver)) transceiver.direction = direction
    this.#former = []
    this.hold.happened('takenBack')
  }

  /** An offer that was taken back is answered: the other party does as it said. */
  agreedLate(): void {
    this.hold.happened('answeredLate')
  }

  /** What was offered is refused: a picture that was never agreed on is in no offer any more. */
  withdraw(): void {
    this.hold.happened('refused')
    const picture = this.#picture
    if (picture !== undefined && picture.currentDirection == null) picture.stop()
  }

  async sendVideo(track: MediaStreamTrack | undefined): Promise<void> {
    this.#isCameraOpening = false
    await this.#picture?.sender.replaceTrack(track ?? null)
  }

  async sendAudio(track: MediaStreamTrack): Promise<void> {
    await this.#audio?.sender.replaceTrack(track)
  }

  /** The call is over: from now on the counts of what was sent stay. */
  stopSending(): void {
    for (const sender of [this.#audio?.sender, this.#video?.sender])
      sender?.replaceTrack(null).catch(() => {})
  }

  /** The other side takes the keys of a telephone beside the sound (RFC 4733), and this stack sends them. */
  get takesTones(): boolean {
    return this.#audio?.sender.dtmf?.canInsertDTMF ?? false
  }

  /** After those that are not sent yet; some door stations miss what is shorter, or closer together. */
  sendTones(keys: string): void {
    const { dtmf } = this.#audio!.sender
    dtmf!.insertDTMF(dtmf!.toneBuffer + keys, toneMilliseconds, toneGapMilliseconds)
  }

  get dtlsState(): RTCDtlsTransportState | undefined {
    return this.#audio?.sender.transport?.state
  }

  /** The picture's section. One that was refused or taken away never comes back (RFC 9429 §5.2.2). */
  get #picture(): RTCRtpTransceiver | undefined {
    return this.#video && isStopped(this.#video) ? undefined : this.#video
  }

  #transceiverOf(sender: RTCRtpSender): RTCRtpTransceiver | undefined {
    return this.#connection.getTransceivers().find(one => one.sender === sender)
  }
}

const newStreams = (): MediaStream[] => (typeof MediaStream === 'undefined' ? [] : [new MediaStream()])

const isStopped = ({ direction, currentDirection }: RTCRtpTransceiver): boolean =>
  direction === 'stopped' || currentDirection === 'stopped'
