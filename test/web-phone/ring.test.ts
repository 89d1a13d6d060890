/** The bell, with a browser's audio that starts when the browser lets it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Bell } from '../../web-phone/src/ring.ts'

class Audio {
  static mayStart = false
  static made: Audio[] = []
  state: 'suspended' | 'running' = Audio.mayStart ? 'running' : 'suspended'
  currentTime = 0
  strokes = 0
  onstatechange: () => void = () => {}
  readonly destination = {}
  constructor() {
    Audio.made.push(this)
  }
  async resume() {
    await Promise.resolve()
    if (!Audio.mayStart || this.state === 'running') return
    this.state = 'running'
    this.onstatechange()
  }
  createOscillator() {
    this.strokes++
    return { frequency: {}, connect: () => ({ connect() {} }), start() {}, stop() {} }
  }
  createGain() {
    const ramp = () => {}
    return {
      gain: { setValueAtTime: ramp, linearRampToValueAtTime: ramp, exponentialRampToValueAtTime: ramp },
    }
  }
}

let gestures: (() => void)[]
beforeEach(() => {
  vi.useFakeTimers()
  gestures = []
  Audio.mayStart = false
  Audio.made = []
  vi.stubGlobal('AudioContext', Audio)
  vi.stubGlobal('addEventListener', (_: string, listen: () => void) => gestures.push(listen))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const armed = () => {
  const bell = new Bell()
  const told: boolean[] = []
  bell.arm(ready => told.push(ready))
  return { bell, told, audio: Audio.made[0]! }
}

it('a page that may ring at once does, without a tap: installed, or loaded anew by itself', async () => {
  Audio.mayStart = true
  const { bell, told, audio } = armed()
  vi.advanceTimersByTime(1_000)
  expect(told.at(-1)).toBe(true)
  bell.play('ring')
  expect(audio.strokes).toBe(6)
})

it('elsewhere the first tap opens the audio', async () => {
  const { bell, told, audio } = armed()
  vi.advanceTimersByTime(1_000)
  expect(told).toEqual([false])
  Audio.mayStart = true
  gestures[0]!()
  await vi.advanceTimersByTimeAsync(1)
  expect(told.at(-1)).toBe(true)
  bell.play('ring')
  expect(audio.strokes).toBe(6)
})

it('audio that the system took away since is asked for again when somebody calls', async () => {
  Audio.mayStart = true
  const { bell, told, audio } = armed()
  audio.state = 'suspended'
  audio.onstatechange()
  expect(told.at(-1)).toBe(false)
  bell.play('ring')
  await vi.advanceTimersByTimeAsync(1)
  expect(told.at(-1)).toBe(true)
  vi.advanceTimersByTime(3_000)
  expect(audio.strokes).toBe(6)
  bell.play(undefined)
})
