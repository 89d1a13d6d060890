/** How loud a microphone is, as a bar. */
import { useEffect, useState } from 'preact/hooks'
import { CheckSound } from '../check/sound.ts'
import { texts } from '../texts.ts'

const lookMilliseconds = 80

/** Loudness as people hear it: the lower half of the bar is a tenth of the loudest. */
export function Meter({ level }: { readonly level: number }) {
  const share = Math.max(0, Math.min(1, 1 + Math.log10(Math.max(level, 0.001)) / 3))
  return <meter class="loudness" aria-label={texts.check.levelLabel} min={0} max={1} value={share} />
}

/** The loudest sample of a track just now, 0 to 1; undefined where the browser lets nothing be measured. */
export function useLoudness(track: MediaStreamTrack | undefined): number | undefined {
  const [level, setLevel] = useState<number>()
  useEffect(() => {
    if (track === undefined) return
    const sound = new CheckSound()
    const read = sound.meter(track)
    const timer = setInterval(() => setLevel(sound.running ? read() : undefined), lookMilliseconds)
    return () => {
      clearInterval(timer)
      sound.close()
    }
  }, [track])
  return level
}
