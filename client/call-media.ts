/**
 * The media of one call, as a page reads and changes it: microphone, camera, hold and keys; what the other party sends; which way
 * it goes. The call itself is `call.ts`.
 */
import type { CallSetup } from './call-setup.ts'
import { Emitter } from './emitter.ts'
import type { MediaProblem, OpenMedia } from './media.ts'
import type { RefusedRelay } from './media-watch.ts'
import { OwnMedia } from './own-media.ts'
import { type CallPath, noPath } from './path.ts'
import type { PeerMedia } from './peerword.ts'
import type { MediaFacts } from './report.ts'
import type { Session } from './session.ts'

export abstract class CallMedia<Events extends { [name in keyof Events]: unknown }> extends Emitter<Events> {
  protected readonly own: OwnMedia
  /** From when our media is open. */
  protected session: Session | undefined
  /** It was placed with a picture. */
  protected readonly placedWithVideo: boolean
  #isPictureRefused = false

  constructor(openMedia: OpenMedia, setup: CallSetup) {
    super()
    this.own = new OwnMedia(openMedia, setup.microphone)
    this.placedWithVideo = setup.video
  }

  /** The callee said yes, and it is not over. */
  protected abstract readonly isTalking: boolean

  /** Tells whoever listens. */
  protected abstract changed(): void

  /** A picture is part of it: it was placed with one, or one was added since. */
  get video(): boolean {
    return this.placedWithVideo || this.session?.peer.sections.picture !== undefined
  }
  /** Which way a picture may go, by what both have agreed on; the camera can then be turned on without a line. */
  get picture(): { readonly sends: boolean; readonly receives: boolean } {
    return this.session?.peer.sections.picture ?? { sends: false, receives: false }
  }
  /** The other party did not take the picture that was to be sent: the camera is off again. */
  get isPictureRefused(): boolean {
    return this.#isPictureRefused
  }
  /** Why microphone or camera are not as wanted. */
  get problem(): MediaProblem | undefined {
    return this.own.problem
  }
  /** All of them: a device may lack both. */
  get problems(): readonly MediaProblem[] {
    return this.own.problems
  }
  get muted(): boolean {
    return this.own.state.muted
  }
  get cameraOn(): boolean {
    return this.own.state.camera
  }
  /** The other party waits: see `setHold`. */
  get isHolding(): boolean {
    return this.own.state.hold
  }
  /** The other party has put us on hold: they do not hear us. */
  get isHeld(): boolean {
    return this.session?.peerMedia?.hold ?? this.session?.peer.sections.isHeld ?? false
  }
  get testSource(): boolean {
    return this.own.state.testSource
  }
  /** The one that is open; undefined where a test source stands in. */
  get microphone(): MediaStreamTrack | undefined {
    return this.own.state.testSource ? undefined : this.own.audio
  }
  /** What is sent of this side's sound: microphone or test source. */
  get localAudio(): MediaStreamTrack | undefined {
    return this.own.audio
  }
  get localVideo(): MediaStreamTrack | undefined {
    return this.own.video
  }
  get remoteStream(): MediaStream | undefined {
    return this.session?.peer.remoteStream
  }
  /** Where there is no `MediaStream` (Node). */
  get remoteTracks(): readonly MediaStreamTrack[] {
    return this.session?.peer.remoteTracks ?? []
  }
  /** What the other party's client says that it sends; undefined while (or because) it says nothing. */
  get peerMedia(): PeerMedia | undefined {
    return this.session?.peerMedia
  }
  /** A telephone is at the other end that takes keys; a client of ours has no use for them. */
  get takesTones(): boolean {
    const { peer, peerMedia, media } = this.session ?? {}
    return media?.connectedAt !== undefined && peerMedia === undefined && peer!.sections.takesTones
  }
  get facts(): MediaFacts | undefined {
    return this.session?.media.facts
  }
  /** Which way media goes now. */
  get path(): CallPath {
    return this.session?.media.path ?? noPath
  }
  /** Why the appliance does not relay this call; undefined while media flows. */
  get relayRefusal(): RefusedRelay | undefined {
    return this.session?.media.refused
  }
  /** Milliseconds of the environment's clock at which media first flowed. */
  get connectedAt(): number | undefined {
    return this.session?.media.connectedAt
  }
  /** The connection itself, for who wants to look closer. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.session?.peer.connection
  }

  setMuted(muted: boolean): void {
    this.own.mute(muted)
    this.#ownChanged()
  }

  /**
   * Turns the camera on or off. In a call that has no picture yet it is offered to the other party, who need not take it
   * (`isPictureRefused`) nor send its own. Throws `MediaError` when there is no camera to be had.
   */
  async setCamera(on: boolean, device?: string): Promise<void> {
    this.#isPictureRefused = false
    if (!(await this.own.setCamera(on, device))) return
    await this.session?.sendVideo(this.own.video)
    this.#ownChanged()
  }

  /**
   * Hold (RFC 3264 §8.4): lets the other party wait. They hear and see nothing of us, and are told so. Whether they are
   * still played here is for who shows the call. Afterwards the camera is on again if it was before. False before the call
   * was answered.
   */
  setHold(on: boolean): boolean {
    if (!this.isTalking) return false
    if (on === this.isHolding) return true
    const hadCamera = this.own.setHold(on)
    this.session?.setHold(on, hadCamera && !on)
    // One that is not there any more is said where it is turned on by hand.
    if (hadCamera) this.setCamera(!on).catch(() => this.session?.sendVideo(this.own.video))
    this.changed()
    return true
  }

  /** Speaks through another microphone. Throws `MediaError`. */
  async useMicrophone(device: string): Promise<void> {
    const track = await this.own.useMicrophone(device)
    if (track === undefined) return
    await this.session?.peer.sections.sendAudio(track)
    this.#ownChanged()
  }

  /**
   * Tells the other party that microphone or camera, which were there, give nothing any more, or do so again: whoever
   * watches over the devices knows.
   */
  setLost(lost: { readonly microphone: boolean; readonly camera: boolean }): void {
    if (this.own.setLost(lost)) this.#ownChanged()
  }

  /** Presses keys of a telephone, `0`–`9`, `*`, `#`: doors and menus are opened by them. False where none are taken. */
  sendTones(keys: string): boolean {
    if (!this.takesTones || !/^[0-9*#]{1,32}$/.test(keys)) return false
    this.session!.peer.sections.sendTones(keys)
    return true
  }

  /** The other party does not take the picture that is sent, or not any more. */
  protected pictureRefused(): void {
    void this.setCamera(false)
    this.#isPictureRefused = true
    this.changed()
  }

  #ownChanged(): void {
    this.session?.tellMedia()
    this.changed()
  }
}
