/** What comes into a live region is read out; what is there with it is not. */
import { useEffect, useState } from 'preact/hooks'

/** An empty live region has been seen by a screen reader by then. */
const seenMilliseconds = 100

/** For a screen that comes up with something to say: whether its live regions may be filled. */
export function useIsUp(): boolean {
  const [isUp, setUp] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setUp(true), seenMilliseconds)
    return () => clearTimeout(timer)
  }, [])
  return isUp
}
