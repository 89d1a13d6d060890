/**
 * The last few calls below the people, where the window has room for them: who looks need not open anything. Missed ones
 * that stand beside them already are left out.
 */
import { useEffect, useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import { type PastCall, pastCalls } from '../history.ts'
import { moment, texts } from '../texts.ts'
import { CallRow } from './history.tsx'

const roomy = '(min-width: 67.5em) and (min-height: 43.75em)'
const againMilliseconds = 2_000
const shownCalls = 5

export function LatestCalls({ phone }: { readonly phone: Phone }) {
  const hasRoom = useMedia(roomy)
  const user = phone.me?.user
  return hasRoom && user !== undefined ? <Latest user={user} missed={phone.missed} /> : null
}

/** Looked for anew when something was missed, when somebody comes back to the page, and until the way of the last one is known. */
function Latest({ user, missed }: { readonly user: string; readonly missed: Phone['missed'] }) {
  const [calls, setCalls] = useState<readonly PastCall[]>([])
  const [looks, setLooks] = useState(0)
  const lookAgain = () => setLooks(count => count + 1)
  useEffect(() => {
    let isStale = false
    // What went wrong is said where calls are asked for: All calls.
    pastCalls(user, { limit: shownCalls }).then(
      next => !isStale && setCalls(next.calls),
      () => {},
    )
    return () => {
      isStale = true
    }
  }, [user, missed, looks])
  useEffect(() => {
    addEventListener('focus', lookAgain)
    return () => removeEventListener('focus', lookAgain)
  }, [])
  useEffect(() => {
    if (!calls.some(({ unsettled }) => unsettled)) return
    const timer = setTimeout(lookAgain, againMilliseconds)
    return () => clearTimeout(timer)
  }, [calls])
  const others = calls.filter(({ id }) => !missed.some(({ call }) => call === id))
  if (others.length === 0) return null
  return (
    <section class="panel latest" aria-labelledby="latest">
      <header>
        <h2 id="latest">{texts.history.latest}</h2>
      </header>
      <ul class="rows">
        {others.map(call => (
          <CallRow key={call.id} call={call} when={moment(call.at, Date.now())} />
        ))}
      </ul>
    </section>
  )
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const look = () => setMatches(list.matches)
    look()
    list.addEventListener('change', look)
    return () => list.removeEventListener('change', look)
  }, [query])
  return matches
}
