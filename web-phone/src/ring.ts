import { readJson, storageKeys, writeJson } from './storage.ts'

const defaultVolume = 0.6
/** The bell's loudest stroke; three may sound together. */
const loudest = 0.33
/** How long a browser may take to start the audio before it is said that it does not. */
const startMilliseconds = 1_000

/**
 * Sounds made here, no files: the bell for who is called, the ringing-back tone for who calls. Browsers allow sound
 * after a gesture only, unless the page is installed.
 */
export class Bell {
  #volume = Math.min(1, Math.max(0, readJson<number>(storageKeys.ring) ?? defaultVolume))
  #context: AudioContext | undefined
  #playing: 'ring' | 'ringBack' | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  /** True when the bell may be heard. */
  get ready(): boolean {
    return this.#context?.state === 'running'
  }

  /** How loud the bell is, 0 to 1; kept. The ringing-back tone goes to an ear and stays as it is. */
  get volume(): number {
    return this.#volume
  }

  set volume(volume: number) {
    this.#volume = volume
    writeJson(storageKeys.ring, volume)
  }

  /** To hear how loud it is. */
  once(): void {
    if (this.#playing === undefined) this.#ring()
  }

  /**
   * Opens the audio as soon as the browser allows it: at once for a page that is installed or has loaded itself anew, else
   * at the next gesture, also when the system took it away meanwhile. `changed`: whether the bell may be heard.
   */
  arm(changed: (ready: boolean) => void): void {
    const context = new AudioContext()
    this.#context = context
    context.onstatechange = () => changed(this.ready)
    // It starts a moment later where it may.
    setTimeout(() => changed(this.ready), startMilliseconds)
    for (const gesture of ['pointerdown', 'keydown'] as const)
      addEventListener(gesture, () => this.#resume(), true)
  }

  play(sound: 'ring' | 'ringBack' | undefined): void {
    if (sound === this.#playing) return
    this.#playing = sound
    clearInterval(this.#timer)
    navigator.vibrate?.(0)
    if (sound === undefined) return
    this.#resume()
    const once = sound === 'ring' ? () => this.#ring() : () => this.#ringBack()
    once()
    this.#timer = setInterval(once, sound === 'ring' ? 3_000 : 5_000)
  }

  #resume(): void {
    if (!this.ready) void this.#context?.resume().catch(() => {})
  }

  /** A soft bell: three rising strokes, twice. */
  #ring(): void {
    navigator.vibrate?.([300, 150, 300])
    for (const [start, frequency] of [
      [0, 659],
      [0.16, 784],
      [0.32, 988],
      [0.9, 659],
      [1.06, 784],
      [1.22, 988],
    ] as const) {
      // Loudness is felt by its logarithm: the square comes near enough.
      this.#stroke(frequency, start, 0.7, loudest * this.#volume ** 2)
    }
  }

  /** One second of the tone that European exchanges give. */
  #ringBack(): void {
    this.#stroke(425, 0, 1, 0.06, true)
  }

  #stroke(frequency: number, startSeconds: number, seconds: number, loudness: number, flat = false): void {
    const context = this.#context
    if (context === undefined || context.state !== 'running' || loudness === 0) return
    const from = context.currentTime + startSeconds
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    oscillator.type = flat ? 'sine' : 'triangle'
    oscillator.frequency.value = frequency
    gain.gain.setValueAtTime(0, from)
    gain.gain.linearRampToValueAtTime(loudness, from + 0.02)
    if (flat) {
      gain.gain.setValueAtTime(loudness, from + seconds - 0.03)
      gain.gain.linearRampToValueAtTime(0, from + seconds)
    } else gain.gain.exponentialRampToValueAtTime(0.0001, from + seconds)
    oscillator.connect(gain).connect(context.destination)
    oscillator.start(from)
    oscillator.stop(from + seconds)
  }
}
