/**
 * Microphone, camera and speaker in the course of a call: pulled out, plugged in again, taken by another program, forbidden
 * by the person. What was chosen comes back by itself; in between any other one is used, and who talks is told when nobody
 * hears them. A camera that went off stays off, since it shows a room: turning it on again is for the person.
 */
import type { Call } from '../../client/call.ts'
import { MediaError } from '../../client/media.ts'
import { type ChosenDevices, chosenDevices, type DeviceList, listDevices } from './devices.ts'

/** What the person is told while it lasts. */
export type Loss = 'microphoneGone' | 'microphoneDenied' | 'microphoneTaken' | 'cameraGone'

export interface MicrophoneNow {
  readonly device: string
  /** The track ended: it sends nothing any more. */
  readonly ended: boolean
  /** It is open and gives silence: the system gave it to somebody else, or turned it off. */
  readonly taken: boolean
}

/** Pure: which microphone to open, `''` any; undefined: the one in use stays. */
export function microphoneToOpen(
  chosen: string,
  present: readonly string[],
  now: MicrophoneNow,
): string | undefined {
  const isThere = chosen !== '' && present.includes(chosen)
  if (now.ended) return isThere ? chosen : ''
  return isThere && now.device !== chosen ? chosen : undefined
}

/** Pure: which speaker plays; `''`: the system's, since what a browser does with one that is gone is its own affair. */
export const speakerToUse = (chosen: string, present: readonly string[]): string =>
  present.includes(chosen) ? chosen : ''

type Watched = Pick<
  Call,
  'localAudio' | 'localVideo' | 'testSource' | 'state' | 'useMicrophone' | 'setCamera' | 'setLost' | 'on'
>

const ids = (list: DeviceList, what: keyof DeviceList): string[] => list[what].map(({ deviceId }) => deviceId)

/** Watches over one call's devices until it is told to stop. */
export class Plugs {
  readonly #call: Watched
  readonly #changed: (losses: readonly Loss[]) => void
  readonly #chosen: () => ChosenDevices
  readonly #list: () => Promise<DeviceList>
  readonly #play: (speaker: string) => void
  readonly #losses = new Set<Loss>()
  readonly #leave = new AbortController()
  #audio: MediaStreamTrack | undefined
  #video: MediaStreamTrack | undefined
  #opening = false

  constructor(
    call: Watched,
    ports: {
      readonly changed: (losses: readonly Loss[]) => void
      readonly play: (speaker: string) => void
      readonly devices: EventTarget | undefined
      /** The person's word on the microphone, which they may take back and give again. */
      readonly permission?: EventTarget | undefined
      readonly chosen?: () => ChosenDevices
      readonly list?: () => Promise<DeviceList>
    },
  ) {
    this.#call = call
    this.#changed = ports.changed
    this.#play = ports.play
    this.#chosen = ports.chosen ?? chosenDevices
    this.#list = ports.list ?? listDevices
    const { signal } = this.#leave
    ports.devices?.addEventListener('devicechange', () => void this.#look(true), { signal })
    ports.permission?.addEventListener('change', () => void this.#look(false), { signal })
    const stop = call.on('changed', () => this.#tracks())
    signal.addEventListener('abort', stop)
    this.#tracks()
    // In a call that waited nobody looked.
    if (this.#audio?.readyState === 'ended' || this.#audio?.muted) void this.#look(false)
  }

  stop(): void {
    this.#leave.abort()
  }

  /** The call's tracks, of which there may be others since. */
  #tracks(): void {
    const { localAudio, localVideo, testSource } = this.#call
    if (localAudio !== this.#audio) {
      this.#audio = localAudio
      if (localAudio !== undefined && !testSource) this.#watch(localAudio, ['ended', 'mute', 'unmute'])
      for (const loss of ['microphoneGone', 'microphoneDenied', 'microphoneTaken'] as const)
        this.#set(loss, false)
    }
    if (localVideo === this.#video) return
    this.#video = localVideo
    if (localVideo === undefined) return
    this.#watch(localVideo, ['ended'])
    this.#set('cameraGone', false)
  }

  #watch(track: MediaStreamTrack, events: readonly string[]): void {
    for (const event of events)
      track.addEventListener(event, () => void this.#look(false), { signal: this.#leave.signal })
  }

  async #look(isPlug: boolean): Promise<void> {
    if (this.#leave.signal.aborted || this.#call.state === 'ended') return
    if (this.#video?.readyState === 'ended') {
      this.#video = undefined
      this.#set('cameraGone', true)
      await this.#call.setCamera(false)
    }
    const list = await this.#list()
    if (isPlug) this.#play(speakerToUse(this.#chosen().speaker, ids(list, 'speaker')))
    await this.#microphone(ids(list, 'microphone'))
  }

  async #microphone(present: readonly string[]): Promise<void> {
    const track = this.#audio
    if (track === undefined) return
    const { testSource } = this.#call
    // The tone stands in for a microphone until there is one.
    if (testSource && present.length === 0) return
    const now = {
      device: track.getSettings().deviceId ?? '',
      ended: testSource || track.readyState === 'ended',
      taken: !testSource && track.muted,
    }
    this.#set('microphoneTaken', now.taken && !now.ended)
    const device = microphoneToOpen(this.#chosen().microphone, present, now)
    if (device === undefined || this.#opening || this.#leave.signal.aborted) return
    this.#opening = true
    try {
      await this.#call.useMicrophone(device)
    } catch (error) {
      const isDenied = error instanceof MediaError && error.problem === 'microphoneDenied'
      const isSilent = now.ended && !testSource
      this.#set('microphoneDenied', isSilent && isDenied)
      this.#set('microphoneGone', isSilent && !isDenied)
    } finally {
      this.#opening = false
    }
  }

  #set(loss: Loss, is: boolean): void {
    if (is === this.#losses.has(loss)) return
    if (is) this.#losses.add(loss)
    else this.#losses.delete(loss)
    this.#changed([...this.#losses])
    const lost = [...this.#losses]
    this.#call.setLost({
      microphone: lost.some(one => one !== 'cameraGone'),
      camera: lost.includes('cameraGone'),
    })
  }
}
