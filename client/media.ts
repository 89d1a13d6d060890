/**
 * What a party sends. In a browser: microphone and camera, as far as there are any. Without a camera the call is
 * audio only; without a microphone a generated tone stands in, marked as a test source. A microphone that was
 * forbidden is an error, because a person who expects to be heard must be told.
 */
import { startTone, type Tone } from './tone.ts'

/** A stable word for what a person must be told; texts are the page's. */
export type MediaProblem =
  | 'microphoneDenied'
  | 'noMicrophone'
  | 'microphoneBusy'
  | 'cameraDenied'
  | 'noCamera'
  | 'cameraBusy'
  | 'insecure'

export class MediaError extends Error {
  readonly problem: MediaProblem

  constructor(problem: MediaProblem) {
    super(problem)
    this.problem = problem
  }
}

/** What one call sends. */
export interface LocalMedia {
  readonly audio: MediaStreamTrack | undefined
  readonly video: MediaStreamTrack | undefined
  /** The audio is a generated tone. */
  readonly testSource: boolean
  /** What could not be had although it was asked for. */
  readonly problems: readonly MediaProblem[]
  /** Another microphone; throws `MediaError`. */
  useMicrophone(device: string): Promise<MediaStreamTrack>
  /** Starts a camera, another one if `device` says so; throws `MediaError`. */
  startCamera(device?: string): Promise<MediaStreamTrack>
  /** Turns the camera off, its light too. */
  stopCamera(): void
  release(): void
}

type Device = 'microphone' | 'camera'

/**
 * Opens what a call needs. Called before the peer connection is made: see `Call`. `over`: the call is; what is open already
 * while a person is still asked for the rest is closed. `microphone`: another call's, to be used as well where it can be.
 */
export type OpenMedia = (wanted: {
  video: boolean
  over?: AbortSignal
  microphone?: MediaStreamTrack
}) => Promise<LocalMedia>

/** Devices a person prefers, by id; `''` leaves it to the browser. */
export interface DeviceChoice {
  readonly microphone: string
  readonly camera: string
}

/** Microphone and camera of this browser. */
export function browserMedia(choice: () => DeviceChoice): OpenMedia {
  return async ({ video, over, microphone }) => {
    const devices = navigator.mediaDevices as MediaDevices | undefined
    if (devices === undefined) throw new MediaError('insecure')
    const problems: MediaProblem[] = []
    const stream =
      microphone?.readyState === 'live' && !video
        ? new MediaStream([microphone.clone()])
        : await capture(devices, choice(), video, problems, over)
    return new BrowserMedia(devices, stream, problems)
  }
}

/** One microphone, as a call would open it; throws `MediaError`. */
export const openMicrophone = (device: string): Promise<MediaStreamTrack> =>
  openOne({ audio: audioConstraints(device) }, 'microphone')

/** One camera, as a call would open it; throws `MediaError`. */
export const openCamera = (device: string): Promise<MediaStreamTrack> =>
  openOne({ video: videoConstraints(device) }, 'camera')

/**
 * Tracks that are already there: Node, tests, a programme with a source of its own. Each call has copies of them, so that silence in
 * one call is none in another; they themselves are not stopped. `prepare` is given each copy: see `weriftMedia`.
 */
export function fixedMedia(
  tracks: {
    readonly audio?: MediaStreamTrack | undefined
    readonly video?: MediaStreamTrack | undefined
  },
  prepare: (copy: MediaStreamTrack) => void = () => {},
): OpenMedia {
  const copyOf = (track: MediaStreamTrack | undefined): MediaStreamTrack | undefined => {
    const copy = track?.clone()
    if (copy) prepare(copy)
    return copy
  }
  return async wanted => {
    const audio = copyOf(tracks.audio)
    let video = wanted.video ? copyOf(tracks.video) : undefined
    const stopCamera = () => {
      video?.stop()
      video = undefined
    }
    return {
      ...{ audio, testSource: false, problems: [] },
      get video() {
        return video
      },
      useMicrophone: async () => {
        throw new MediaError('noMicrophone')
      },
      startCamera: async () => {
        stopCamera()
        video = copyOf(tracks.video)
        if (video === undefined) throw new MediaError('noCamera')
        return video
      },
      stopCamera,
      release() {
        audio?.stop()
        stopCamera()
      },
    }
  }
}

class BrowserMedia implements LocalMedia {
  readonly #problems: readonly MediaProblem[]
  readonly #devices: MediaDevices
  readonly #tone: Tone | undefined
  #audio: MediaStreamTrack
  #video: MediaStreamTrack | undefined
  /** Each start and stop of the camera, counted: one that opens after the next is no longer wanted. */
  #cameraTurn = 0
  #released = false

  constructor(devices: MediaDevices, stream: MediaStream, problems: readonly MediaProblem[]) {
    this.#devices = devices
    this.#problems = problems
    const microphone = stream.getAudioTracks()[0]
    this.#tone = microphone ? undefined : startTone()
    this.#audio = microphone ?? this.#tone!.track
    this.#video = stream.getVideoTracks()[0]
  }

  get audio(): MediaStreamTrack {
    return this.#audio
  }

  get video(): MediaStreamTrack | undefined {
    return this.#video
  }

  /** What was wanting at first and is there now, since it was plugged in or chosen, is no problem any more. */
  get problems(): readonly MediaProblem[] {
    return this.#problems.filter(problem =>
      problem === 'noMicrophone' || problem === 'microphoneBusy'
        ? this.testSource
        : this.#video === undefined,
    )
  }

  get testSource(): boolean {
    return this.#audio === this.#tone?.track
  }

  async useMicrophone(device: string): Promise<MediaStreamTrack> {
    const stream = await open(this.#devices, { audio: audioConstraints(device) }, 'microphone')
    const track = stream.getAudioTracks()[0]!
    const enabled = this.#audio.enabled
    this.#audio.stop()
    this.#tone?.stop()
    this.#audio = track
    if (this.#released) track.stop()
    this.#audio.enabled = enabled
    return this.#audio
  }

  async startCamera(device = ''): Promise<MediaStreamTrack> {
    // Many phones cannot open a second camera before the first is let go.
    this.stopCamera()
    const turn = this.#cameraTurn
    const stream = await open(this.#devices, { video: videoConstraints(device) }, 'camera')
    const track = stream.getVideoTracks()[0]!
    // The call may have ended while the person was asked: no camera stays on then.
    if (turn === this.#cameraTurn) this.#video = track
    else track.stop()
    return track
  }

  stopCamera(): void {
    this.#cameraTurn++
    this.#video?.stop()
    this.#video = undefined
  }

  release(): void {
    this.#released = true
    this.#audio.stop()
    this.#tone?.stop()
    this.stopCamera()
  }
}

/** One question to the person when all is well; one device at a time when something is missing. */
async function capture(
  devices: MediaDevices,
  choice: DeviceChoice,
  video: boolean,
  problems: MediaProblem[],
  over: AbortSignal | undefined,
): Promise<MediaStream> {
  const audio = audioConstraints(choice.microphone)
  if (video) {
    try {
      return await devices.getUserMedia({ audio, video: videoConstraints(choice.camera) })
    } catch {
      // Which of the two it was, the separate tries below will tell.
    }
  }
  const stream = new MediaStream()
  over?.addEventListener('abort', () => {
    for (const track of stream.getTracks()) track.stop()
  })
  const add = async (constraints: MediaStreamConstraints, what: Device) => {
    try {
      for (const track of (await open(devices, constraints, what)).getTracks()) stream.addTrack(track)
    } catch (error) {
      const problem = (error as MediaError).problem
      if (problem === 'microphoneDenied') throw error
      problems.push(problem)
    }
  }
  await add({ audio }, 'microphone')
  if (video) await add({ video: videoConstraints(choice.camera) }, 'camera')
  return stream
}

async function openOne(constraints: MediaStreamConstraints, what: Device): Promise<MediaStreamTrack> {
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (devices === undefined) throw new MediaError('insecure')
  return (await open(devices, constraints, what)).getTracks()[0]!
}

async function open(
  devices: MediaDevices,
  constraints: MediaStreamConstraints,
  what: Device,
): Promise<MediaStream> {
  try {
    return await devices.getUserMedia(constraints)
  } catch (error) {
    throw new MediaError(problemOf(error, what))
  }
}

function problemOf(error: unknown, what: Device): MediaProblem {
  const name = (error as { name?: string }).name
  if (name === 'NotAllowedError' || name === 'SecurityError') {
    return what === 'microphone' ? 'microphoneDenied' : 'cameraDenied'
  }
  if (name === 'NotReadableError' || name === 'AbortError') {
    return what === 'microphone' ? 'microphoneBusy' : 'cameraBusy'
  }
  return what === 'microphone' ? 'noMicrophone' : 'noCamera'
}

/** `ideal`: a device that was unplugged since must not fail the call. */
function audioConstraints(device: string): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(device && { deviceId: { ideal: device } }),
  }
}

function videoConstraints(device: string): MediaTrackConstraints {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    ...(device ? { deviceId: { ideal: device } } : { facingMode: 'user' }),
  }
}
