/** A call's microphone, camera and speaker, with the browser's part played: tracks that end, devices that come and go. */
import { expect, it } from 'vitest'
import { Emitter } from '../../client/emitter.ts'
import { MediaError, type MediaProblem } from '../../client/media.ts'
import type { DeviceList } from '../../web-phone/src/devices.ts'
import { type Loss, microphoneToOpen, Plugs, speakerToUse } from '../../web-phone/src/plugs.ts'

class Track extends EventTarget {
  readyState: 'live' | 'ended' = 'live'
  muted = false
  readonly device: string
  constructor(device: string) {
    super()
    this.device = device
  }
  getSettings() {
    return { deviceId: this.device }
  }
  end() {
    this.readyState = 'ended'
    this.dispatchEvent(new Event('ended'))
  }
  mute(muted: boolean) {
    this.muted = muted
    this.dispatchEvent(new Event(muted ? 'mute' : 'unmute'))
  }
}

class BrowserCall extends Emitter<{ changed: unknown; facts: never; ended: never }> {
  state = 'connected'
  testSource = false
  localAudio: Track | undefined = new Track('headset')
  localVideo: Track | undefined
  refuses: MediaProblem | undefined
  readonly opened: string[] = []

  say(): void {
    this.emit('changed', this)
  }

  async useMicrophone(device: string): Promise<void> {
    this.opened.push(device)
    if (this.refuses) throw new MediaError(this.refuses)
    this.testSource = false
    this.localAudio = new Track(device || 'built-in')
    this.emit('changed', this)
  }

  readonly lost: string[] = []

  setLost({ microphone, camera }: { microphone: boolean; camera: boolean }): void {
    this.lost.push(`${microphone ? 'microphone ' : ''}${camera ? 'camera' : ''}`.trim())
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on) this.localVideo = undefined
    this.emit('changed', this)
  }
}

function talking(chosen = { microphone: '', speaker: '' }, call = new BrowserCall()) {
  const present = { microphone: ['headset', 'built-in'], speaker: ['headset', 'built-in'] }
  const devices = new EventTarget()
  const permission = new EventTarget()
  const told: (readonly Loss[])[] = []
  const played: string[] = []
  const list = (): DeviceList => {
    const of = (ids: readonly string[]) => ids.map(deviceId => ({ deviceId }) as MediaDeviceInfo)
    return { microphone: of(present.microphone), camera: [], speaker: of(present.speaker) }
  }
  const plugs = new Plugs(call as never, {
    changed: losses => told.push(losses),
    play: speaker => played.push(speaker),
    ...{ devices, permission },
    chosen: () => ({ ...chosen, camera: '' }),
    list: async () => list(),
  })
  const settle = () => new Promise(done => setTimeout(done, 1))
  const plug = async (microphones: string[]) => {
    present.microphone = microphones
    present.speaker = microphones
    devices.dispatchEvent(new Event('devicechange'))
    await settle()
  }
  return { call, plugs, present, permission, told, played, settle, plug }
}

it('which microphone: the one chosen where it is, any in place of one that ended, else no change', () => {
  const now = { device: 'built-in', ended: false, taken: false }
  expect(microphoneToOpen('headset', ['headset', 'built-in'], now)).toBe('headset')
  expect(microphoneToOpen('headset', ['built-in'], now)).toBeUndefined()
  expect(microphoneToOpen('', ['headset', 'built-in'], now)).toBeUndefined()
  expect(microphoneToOpen('', ['built-in'], { ...now, ended: true })).toBe('')
  expect(speakerToUse('headset', ['built-in'])).toBe('')
  expect(speakerToUse('headset', ['built-in', 'headset'])).toBe('headset')
})

it('a headset pulled out in mid-call is followed by another microphone, and taken again when it is back', async () => {
  const { call, plug, told, played } = talking({ microphone: 'headset', speaker: 'headset' })
  call.localAudio!.readyState = 'ended'
  await plug(['built-in'])
  expect(call.opened).toEqual([''])
  expect(call.localAudio!.device).toBe('built-in')
  expect(played.at(-1)).toBe('')
  await plug(['built-in', 'headset'])
  expect(call.opened).toEqual(['', 'headset'])
  expect(played.at(-1)).toBe('headset')
  expect(told.flat()).toEqual([])
})

it('who is not heard any more is told, until a microphone is plugged in', async () => {
  const { call, present, plug, told, settle } = talking()
  call.refuses = 'noMicrophone'
  present.microphone = []
  call.localAudio!.end()
  await settle()
  expect(told.at(-1)).toEqual(['microphoneGone'])
  call.refuses = undefined
  await plug(['usb'])
  expect(told.at(-1)).toEqual([])
  expect(call.lost, 'the other one is told, too').toEqual(['microphone', ''])
})

it('who takes the right to the microphone back in mid-call is told what that means; given again, it is used', async () => {
  const { call, permission, told, settle } = talking()
  call.refuses = 'microphoneDenied'
  call.localAudio!.end()
  await settle()
  expect(told.at(-1)).toEqual(['microphoneDenied'])
  call.refuses = undefined
  permission.dispatchEvent(new Event('change'))
  await settle()
  expect(told.at(-1)).toEqual([])
  expect(call.localAudio!.readyState).toBe('live')
})

it('one that went while the call waited is noticed when it is shown again', async () => {
  const call = new BrowserCall()
  call.localAudio!.readyState = 'ended'
  call.refuses = 'noMicrophone'
  const { told, settle } = talking(undefined, call)
  await settle()
  expect(told.at(-1)).toEqual(['microphoneGone'])
  expect(call.lost).toEqual(['microphone'])
})

it('a microphone that another program has is told while it lasts', async () => {
  const { call, told, settle } = talking()
  call.localAudio!.mute(true)
  await settle()
  expect(told.at(-1)).toEqual(['microphoneTaken'])
  call.localAudio!.mute(false)
  await settle()
  expect(told.at(-1)).toEqual([])
  expect(call.opened).toEqual([])
})

it('a camera that was pulled out is told, and stays off until the person turns one on', async () => {
  const call = new BrowserCall()
  call.localVideo = new Track('camera')
  const { told, settle, plug } = talking(undefined, call)
  call.localVideo.end()
  await settle()
  expect(call.localVideo).toBeUndefined()
  expect(told.at(-1)).toEqual(['cameraGone'])
  expect(call.lost).toEqual(['camera'])
  await plug(['headset', 'built-in'])
  expect(call.localVideo).toBeUndefined()
  call.localVideo = new Track('camera')
  call.say()
  expect(told.at(-1)).toEqual([])
})

it('a microphone plugged in takes the place of the test tone', async () => {
  const call = new BrowserCall()
  call.testSource = true
  call.localAudio = new Track('')
  const { plug } = talking(undefined, call)
  await plug([])
  expect(call.opened).toEqual([])
  await plug(['usb'])
  expect(call.opened).toEqual([''])
})

it('nothing is opened for a call that is over', async () => {
  const { call, plugs, plug } = talking({ microphone: 'headset', speaker: '' })
  const track = call.localAudio!
  plugs.stop()
  track.end()
  await plug(['built-in'])
  expect(call.opened).toEqual([])
})
