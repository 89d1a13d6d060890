/**
 * One run of the check: goes through its steps, gathers the facts and tells of each as it comes. Whatever happens, it
 * ends soon after the browser's questions were answered, and lets go of microphone, camera and call. What the facts mean
 * is said in `judge.ts`.
 */
import { Emitter } from '../../../client/emitter.ts'
import { MediaError, openCamera, openMicrophone } from '../../../client/media.ts'
import type { Phone } from '../../../client/phone.ts'
import { chosenDevices } from '../devices.ts'
import { askAppliance, askCache, askOthers, askVersion, pageFacts } from './ask.ts'
import { gatherCandidates } from './candidates.ts'
import { callEcho } from './echo.ts'
import type { CameraFacts, Facts, LastCall, MicrophoneFacts, Permission, Refused } from './facts.ts'
import { heardPeak } from './judge-devices.ts'
import { CheckSound } from './sound.ts'
import { goOn, Stopped, sleep } from './wait.ts'

export const steps = ['network', 'microphone', 'camera', 'addresses', 'echo'] as const
export type Step = (typeof steps)[number]

const pings = 5
/** As long as it takes to say a few words; shorter once they were heard. */
const listenMilliseconds = 4_000
const heardMilliseconds = 400
const pictureMilliseconds = 3_000
const sampleMilliseconds = 50
const darkest = 16

export interface CheckupSetup {
  /** The line, where there is one. */
  readonly phone: Phone | undefined
  readonly lastCall: LastCall | undefined
}

export class Checkup extends Emitter<{ changed: undefined }> {
  readonly #phone: Phone | undefined
  readonly #sound: CheckSound | undefined
  readonly #stop = new AbortController()
  #facts: Facts
  #step: Step | undefined
  #state: 'running' | 'done' | 'stopped' = 'running'
  #version = ''
  #level = 0
  #preview: MediaStreamTrack | undefined
  /** Left by what was opened, closed in reverse. */
  readonly #closers: (() => void)[] = []

  constructor({ phone, lastCall }: CheckupSetup) {
    super()
    this.#phone = phone
    this.#facts = { page: pageFacts(), lastCall }
    // Here, in the click that starts the check: later some browsers keep it silent.
    const sound = typeof AudioContext === 'undefined' ? undefined : new CheckSound()
    if (sound) this.#closers.push(() => sound.close())
    this.#sound = sound
  }

  get facts(): Facts {
    return this.#facts
  }
  get step(): Step | undefined {
    return this.#step
  }
  get state(): 'running' | 'done' | 'stopped' {
    return this.#state
  }
  get version(): string {
    return this.#version
  }
  /** How loud the microphone is now, 0 to 1. */
  get level(): number {
    return this.#level
  }
  /** The camera while it is looked at. */
  get preview(): MediaStreamTrack | undefined {
    return this.#preview
  }

  async run(): Promise<void> {
    try {
      await this.#steps(this.#stop.signal)
      this.#state = 'done'
    } catch (error) {
      if (!(error instanceof Stopped)) console.warn('lanline: check ended', error)
      this.#state = error instanceof Stopped ? 'stopped' : 'done'
    } finally {
      for (const close of this.#closers.reverse()) close()
      this.#preview = undefined
      this.#step = undefined
      this.emit('changed', undefined)
    }
  }

  /** Ends it early. */
  stop(): void {
    this.#stop.abort()
  }

  heardTone(heard: boolean): void {
    this.#learn({ speaker: heard ? 'heard' : 'notHeard' })
  }

  async #steps(signal: AbortSignal): Promise<void> {
    const phone = this.#phone
    let broke = false
    const off = phone?.on('state', ({ state }) => {
      if (state !== 'online') broke = true
    })
    if (off) this.#closers.push(off)

    this.#begin('network', signal)
    const [roundTripsMilliseconds] = await Promise.all([this.#ping(signal), this.#askAround(signal)])
    const line = () => ({ state: lineState(phone, this.#facts), broke, roundTripsMilliseconds })
    this.#learn({ line: line() })

    const sound = this.#sound
    this.#begin('microphone', signal)
    this.#learn({ microphone: await this.#microphone(sound, signal) })
    this.#begin('camera', signal)
    const camera = await this.#camera(signal)
    this.#begin('addresses', signal)
    this.#learn({ candidates: await gatherCandidates(signal) })
    this.#begin('echo', signal)
    this.#learn({ echo: await callEcho(phone, sound, camera, signal), line: line() })
  }

  async #askAround(signal: AbortSignal): Promise<void> {
    const [answer, kept] = await Promise.all([
      askAppliance(signal),
      askCache(signal),
      askVersion(signal).then(version => {
        this.#version = version
      }),
    ])
    const { appliance, clockAheadMilliseconds, httpPort } = answer
    const { page } = this.#facts
    this.#learn({
      appliance,
      clockAheadMilliseconds,
      page: httpPort === 0 || httpPort === 80 ? page : { ...page, door: `${page.door}:${httpPort}` },
    })
    const others = typeof appliance === 'object' ? await askOthers(page, appliance, signal) : []
    const trusted = kept === true || others.some(({ reached }) => reached)
    const certificate = trusted ? 'trusted' : kept === false ? 'clickedAway' : 'unknown'
    this.#learn({ others, certificate })
  }

  async #ping(signal: AbortSignal): Promise<readonly number[]> {
    const times: number[] = []
    for (let round = 0; round < pings && this.#phone?.state === 'online'; round++) {
      const time = await this.#phone.roundTrip()
      goOn(signal)
      if (time === undefined) break
      times.push(time)
    }
    return times
  }

  async #microphone(sound: CheckSound | undefined, signal: AbortSignal): Promise<MicrophoneFacts> {
    let track: MediaStreamTrack
    try {
      track = await answered(openMicrophone(chosenDevices().microphone), signal)
    } catch (error) {
      goOn(signal)
      return refused(error, 'microphone')
    }
    this.#closers.push(() => track.stop())
    const read = sound?.meter(track) ?? (() => 0)
    let peak = 0
    let heard = 0
    for (
      let waited = 0;
      waited < listenMilliseconds && heard < heardMilliseconds;
      waited += sampleMilliseconds
    ) {
      await sleep(sampleMilliseconds, signal)
      this.#level = read()
      peak = Math.max(peak, this.#level)
      if (this.#level >= heardPeak) heard += sampleMilliseconds
      this.emit('changed', undefined)
    }
    this.#level = 0
    return { kind: 'open', name: track.label, peak: sound?.running || peak > 0 ? peak : undefined }
  }

  /** Its track stays open for the test call. */
  async #camera(signal: AbortSignal): Promise<MediaStreamTrack | undefined> {
    let track: MediaStreamTrack
    try {
      track = await answered(openCamera(chosenDevices().camera), signal)
    } catch (error) {
      goOn(signal)
      this.#learn({ camera: await refused(error, 'camera') })
      return undefined
    }
    this.#closers.push(() => track.stop())
    this.#preview = track
    this.emit('changed', undefined)
    const picture = await look(track, signal)
    this.#learn({ camera: { kind: 'open', name: track.label, picture } })
    return picture === 'none' ? undefined : track
  }

  #begin(step: Step, signal: AbortSignal): void {
    goOn(signal)
    this.#step = step
    this.emit('changed', undefined)
  }

  #learn(facts: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...facts }
    this.emit('changed', undefined)
  }
}

function lineState(phone: Phone | undefined, facts: Facts): 'open' | 'away' | 'none' {
  if (phone === undefined && facts.appliance === 'notEnrolled') return 'none'
  return phone?.state === 'online' ? 'open' : 'away'
}

/** The browser's question may stay open for ever; what is granted after the check was stopped is closed at once. */
async function answered(asked: Promise<MediaStreamTrack>, signal: AbortSignal): Promise<MediaStreamTrack> {
  const stopped = new Promise<undefined>(resolve =>
    signal.addEventListener('abort', () => resolve(undefined), { once: true }),
  )
  const track = await Promise.race([asked, stopped])
  if (track !== undefined && !signal.aborted) return track
  void asked.then(
    late => late.stop(),
    () => {},
  )
  throw new Stopped()
}

async function refused(error: unknown, what: 'microphone' | 'camera'): Promise<Refused> {
  const otherwise = what === 'microphone' ? 'noMicrophone' : 'noCamera'
  const problem = error instanceof MediaError ? error.problem : otherwise
  return { kind: 'refused', problem, permission: await permissionFor(what) }
}

/** Not every browser knows these names. */
async function permissionFor(what: 'microphone' | 'camera'): Promise<Permission> {
  try {
    return (await navigator.permissions.query({ name: what as PermissionName })).state
  } catch {
    return 'unknown'
  }
}

/** Waits for a picture that is not black. */
async function look(
  track: MediaStreamTrack,
  signal: AbortSignal,
): Promise<Extract<CameraFacts, { kind: 'open' }>['picture']> {
  const video = document.createElement('video')
  video.muted = true
  video.playsInline = true
  video.srcObject = new MediaStream([track])
  // Some browsers draw nothing into an element that is not in the page.
  video.className = 'unseen-text'
  video.setAttribute('aria-hidden', 'true')
  document.body.append(video)
  void video.play().catch(() => {})
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 16
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  let seen: 'seen' | 'black' | 'none' = 'none'
  try {
    for (let waited = 0; waited < pictureMilliseconds && seen !== 'seen'; waited += sampleMilliseconds) {
      await sleep(sampleMilliseconds, signal)
      if (video.videoWidth === 0 || drawing === null) continue
      drawing.drawImage(video, 0, 0, 16, 16)
      const { data } = drawing.getImageData(0, 0, 16, 16)
      // Every fourth byte is opacity.
      seen = data.some((value, at) => at % 4 !== 3 && value > darkest) ? 'seen' : 'black'
    }
  } finally {
    video.srcObject = null
    video.remove()
  }
  return seen
}
