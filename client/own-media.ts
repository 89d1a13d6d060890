/** What this party sends in one call: opened once, muted, exchanged for other devices, let go of when the call ends. */
import { type LocalMedia, MediaError, type MediaProblem, type OpenMedia } from './media.ts'
import type { PeerMedia } from './peerword.ts'

export class OwnMedia {
  readonly #openMedia: OpenMedia
  readonly #microphone: MediaStreamTrack | undefined
  readonly #over = new AbortController()
  #media: LocalMedia | undefined
  #problem: MediaProblem | undefined
  #muted = false
  #isHolding = false
  #lost = { microphone: false, camera: false }
  #hadCamera = false
  /** Cameras that are being opened. */
  #opening = 0

  /** `microphone`: one that is open already, of another call. */
  constructor(openMedia: OpenMedia, microphone?: MediaStreamTrack) {
    this.#openMedia = openMedia
    this.#microphone = microphone
  }

  get audio(): MediaStreamTrack | undefined {
    return this.#media?.audio
  }

  get video(): MediaStreamTrack | undefined {
    return this.#media?.video
  }

  /** Why microphone or camera are not as wanted. */
  get problem(): MediaProblem | undefined {
    return this.#problem
  }

  /** All of them: a device may lack both. */
  get problems(): readonly MediaProblem[] {
    return this.#media?.problems ?? []
  }

  /** As the other party is told. */
  get state(): PeerMedia {
    const { video, testSource = false } = this.#media ?? {}
    const { microphone, camera } = this.#lost
    return {
      ...{ muted: this.#muted, camera: video !== undefined, testSource, hold: this.#isHolding },
      ...(microphone && { microphoneLost: true }),
      ...(camera && { cameraLost: true }),
    }
  }

  /** Undefined without a microphone, which `problem` tells, and when the call ended meanwhile. */
  async open(video: boolean): Promise<LocalMedia | undefined> {
    try {
      const microphone = this.#microphone
      const media = await this.#openMedia({
        video,
        over: this.#over.signal,
        ...(microphone && { microphone }),
      })
      if (this.#over.signal.aborted) {
        media.release()
        return undefined
      }
      this.#media = media
      this.#problem = media.problems[0]
      this.#enable()
      return media
    } catch (error) {
      this.#problem = error instanceof MediaError ? error.problem : 'noMicrophone'
      return undefined
    }
  }

  /** What was there and gives nothing any more. False where that is known. */
  setLost(lost: { readonly microphone: boolean; readonly camera: boolean }): boolean {
    const { microphone, camera } = lost
    if (microphone === this.#lost.microphone && camera === this.#lost.camera) return false
    this.#lost = { microphone, camera }
    return true
  }

  mute(muted: boolean): void {
    this.#muted = muted
    this.#enable()
  }

  /** The other party waits and is sent silence, or does so no more. True: the camera was on and is to be off now, or was and is to be on again. */
  setHold(on: boolean): boolean {
    this.#isHolding = on
    this.#enable()
    if (on) this.#hadCamera = this.video !== undefined || this.#opening > 0
    return this.#hadCamera
  }

  /** False when the call ended meanwhile. Throws `MediaError`. */
  async setCamera(on: boolean, device?: string): Promise<boolean> {
    const media = this.#media
    if (media === undefined || this.#over.signal.aborted) return false
    if (on) await this.#startCamera(media, device)
    else media.stopCamera()
    return !this.#over.signal.aborted
  }

  /** Undefined when the call ended meanwhile. Throws `MediaError`. */
  async useMicrophone(device: string): Promise<MediaStreamTrack | undefined> {
    const track = await this.#media?.useMicrophone(device)
    return this.#over.signal.aborted ? undefined : track
  }

  async #startCamera(media: LocalMedia, device: string | undefined): Promise<void> {
    this.#opening++
    try {
      await media.startCamera(device)
    } finally {
      this.#opening--
    }
  }

  #enable(): void {
    if (this.#media?.audio) this.#media.audio.enabled = !this.#muted && !this.#isHolding
  }

  /** The call is over. */
  release(): void {
    this.#media?.release()
    this.#over.abort()
  }
}
