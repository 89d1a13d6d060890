/** What stands in for a microphone where there is none, in a browser. */

export interface Tone {
  readonly track: MediaStreamTrack
  stop(): void
}

/** A quiet, slowly beating pair of tones: plainly not a voice, and not unpleasant. */
export function startTone(): Tone {
  const context = new AudioContext()
  const target = context.createMediaStreamDestination()
  const gain = context.createGain()
  gain.gain.value = 0.08
  gain.connect(target)
  for (const frequency of [440, 442]) {
    const oscillator = context.createOscillator()
    oscillator.frequency.value = frequency
    oscillator.connect(gain)
    oscillator.start()
  }
  void context.resume()
  return { track: target.stream.getAudioTracks()[0]!, stop: () => void context.close() }
}
