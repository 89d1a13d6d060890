/** That a guest's time ends soon: shown by home and call, read out once whichever of them is up. */
import { useEffect, useState } from 'preact/hooks'
import { texts, timeOf } from '../texts.ts'

/** By then it is read out; left longer, who reads the page on would hear it twice. */
const readMilliseconds = 20_000

/** Stays while screens change. Apart from what is shown, since each of them would say it again. */
export function GuestEndReadOut({ until }: { readonly until: number | undefined }) {
  const [isRead, setRead] = useState(false)
  useEffect(() => {
    setRead(false)
    if (until === undefined) return
    const timer = setTimeout(() => setRead(true), readMilliseconds)
    return () => clearTimeout(timer)
  }, [until])
  return (
    <p class="unseen-text" role="status" aria-live="polite">
      {until !== undefined && !isRead && texts.guestEnds(timeOf(until))}
    </p>
  )
}

export function GuestEnd({ until }: { readonly until: number | undefined }) {
  if (until === undefined) return null
  return <p class="guest-end">{texts.guestEnds(timeOf(until))}</p>
}
