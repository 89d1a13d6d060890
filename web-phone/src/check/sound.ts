/** Sounds of a check, by WebAudio: how loud a microphone is, a tone to send, and whether that tone came back. */

/** Far from mains hum and from the bell, well inside what every voice codec keeps. */
const toneHertz = 620
const toneLoudness = 0.1
/** Below this the strongest frequency is noise. */
const heardDecibels = -70

export class CheckSound {
  readonly #context = new AudioContext()
  readonly #elements: HTMLAudioElement[] = []

  constructor() {
    void this.#context.resume().catch(() => {})
  }

  /** False where the browser lets no sound through yet: nothing can be measured then. */
  get running(): boolean {
    return this.#context.state === 'running'
  }

  /** Reads how loud a track is now: the loudest sample of the last 85 ms, 0 to 1. */
  meter(track: MediaStreamTrack): () => number {
    const analyser = this.#listen(track)
    const samples = new Float32Array(analyser.fftSize)
    return () => {
      analyser.getFloatTimeDomainData(samples)
      return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)
    }
  }

  /** A steady tone to send; not heard here. */
  tone(): MediaStreamTrack {
    const target = this.#context.createMediaStreamDestination()
    this.#oscillate(target)
    return target.stream.getAudioTracks()[0]!
  }

  /** Tells of what was received: our tone, something else, or silence. */
  recogniser(track: MediaStreamTrack): () => 'tone' | 'other' | 'silence' {
    // Chromium feeds a received track into WebAudio only while an element plays it.
    const element = new Audio()
    element.muted = true
    element.srcObject = new MediaStream([track])
    void element.play().catch(() => {})
    this.#elements.push(element)
    const analyser = this.#listen(track)
    const bins = new Float32Array(analyser.frequencyBinCount)
    const hertzPerBin = this.#context.sampleRate / analyser.fftSize
    return () => {
      analyser.getFloatFrequencyData(bins)
      const loudest = bins.reduce(
        (best, decibels, bin) => (bin > 4 && decibels > bins[best]! ? bin : best),
        5,
      )
      if (!(bins[loudest]! > heardDecibels)) return 'silence'
      return Math.abs(loudest * hertzPerBin - toneHertz) <= 2 * hertzPerBin ? 'tone' : 'other'
    }
  }

  close(): void {
    for (const element of this.#elements) element.srcObject = null
    void this.#context.close().catch(() => {})
  }

  #listen(track: MediaStreamTrack): AnalyserNode {
    const analyser = this.#context.createAnalyser()
    analyser.fftSize = 4_096
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser)
    return analyser
  }

  #oscillate(target: AudioNode): void {
    const gain = this.#context.createGain()
    gain.gain.value = toneLoudness
    const oscillator = this.#context.createOscillator()
    oscillator.frequency.value = toneHertz
    oscillator.connect(gain).connect(target)
    oscillator.start()
  }
}

/** Plays three rising notes through the chosen speaker. Called from a click, or browsers stay silent. */
export async function playTestTone(speaker: string): Promise<void> {
  const context = new AudioContext()
  const sink = context as AudioContext & { setSinkId?(id: string): Promise<void> }
  if (speaker) await sink.setSinkId?.(speaker).catch(() => {})
  await context.resume()
  const ended = [523, 659, 784].map((hertz, index) => {
    const from = context.currentTime + index * 0.35
    const oscillator = context.createOscillator()
    const gain = context.createGain()
    oscillator.frequency.value = hertz
    gain.gain.setValueAtTime(0, from)
    gain.gain.linearRampToValueAtTime(0.25, from + 0.03)
    gain.gain.exponentialRampToValueAtTime(0.001, from + 0.5)
    oscillator.connect(gain).connect(context.destination)
    oscillator.start(from)
    oscillator.stop(from + 0.5)
    return new Promise(resolve => oscillator.addEventListener('ended', resolve))
  })
  await Promise.all(ended)
  await context.close()
}
