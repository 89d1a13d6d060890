/** Own calls: with whom, when, how long, which way; and calling back. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import { type PastCall, pastCalls } from '../history.ts'
import type { Line } from '../line.ts'
import { CallBack } from '../parts/call-back.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { clock, dayOf, texts, timeOf, withCalledFor } from '../texts.ts'

const words = texts.history
const againMilliseconds = 2_000

export function HistoryDialog({
  phone,
  line,
  onClose,
}: {
  readonly phone: Phone
  readonly line: Line
  readonly onClose: () => void
}) {
  const [calls, setCalls] = useState<readonly PastCall[]>()
  const [more, setMore] = useState(false)
  const [failure, setFailure] = useState('')
  const user = phone.me?.user ?? ''
  const load = async (known: readonly PastCall[]) => {
    try {
      const next = await pastCalls(user, { before: known.at(-1)?.id })
      setCalls([...known, ...next.calls])
      setMore(next.more)
      setFailure('')
    } catch (error) {
      setFailure((error as Error).message || texts.refused.unreachable)
    }
  }
  useEffect(() => void load([]), [])
  // Somebody who looks right after a call sees its way as soon as it is known.
  useEffect(() => {
    if (!calls?.some(({ unsettled }) => unsettled)) return
    const timer = setTimeout(() => void load([]), againMilliseconds)
    return () => clearTimeout(timer)
  }, [calls])
  return (
    <Dialog title={words.title} onClose={onClose}>
      <p class="form-notice" role="alert">
        {failure}
      </p>
      {calls === undefined && !failure && <p role="status">{texts.starting}</p>}
      {calls?.length === 0 && <p class="lead">{words.none}</p>}
      {byDay(calls ?? [], Date.now()).map(({ day, calls }) => (
        <section key={day} class="day" aria-label={day}>
          <h3>{day}</h3>
          <ul class="rows">
            {calls.map(call => (
              <CallRow key={call.id} call={call} when={timeOf(call.at)}>
                <CallBack person={call} line={line} online={phone.state === 'online'} />
              </CallRow>
            ))}
          </ul>
        </section>
      ))}
      {more && (
        <button type="button" class="button" onClick={() => void load(calls ?? [])}>
          {words.more}
        </button>
      )}
    </Dialog>
  )
}

/** As they come, newest first, each day's calls below each other. */
function byDay(
  calls: readonly PastCall[],
  now: number,
): { readonly day: string; readonly calls: PastCall[] }[] {
  const days: { day: string; calls: PastCall[] }[] = []
  for (const call of calls) {
    const day = dayOf(call.at, now)
    if (days.at(-1)?.day !== day) days.push({ day, calls: [] })
    days.at(-1)!.calls.push(call)
  }
  return days
}

export function CallRow({
  call,
  when,
  children,
}: {
  readonly call: PastCall
  readonly when: string
  readonly children?: ComponentChildren
}) {
  const kind = call.missed ? 'missed' : call.outgoing ? 'outgoing' : 'incoming'
  const length =
    call.talkedSeconds === undefined
      ? words.notAnswered(call.outgoing, call.reason)
      : clock(call.talkedSeconds)
  const facts = [
    withCalledFor(words.kind[kind](call.video), call.calledFor),
    call.answeredBy && words.answered(call.answeredBy),
    call.going ? words.going : call.missed ? undefined : length,
    call.path && words.path[call.path],
  ].filter(fact => fact !== undefined)
  return (
    <li class={`row small past ${kind}`}>
      <span class="past-mark">
        <Icon name={kind} />
      </span>
      <div class="who">
        <strong>{call.name}</strong> <time>{when}</time>
        <span>{facts.join(', ')}</span>
      </div>
      {children}
    </li>
  )
}
