/** What was just done, said once, with the way back where there is one. */
import { useEffect, useState } from 'preact/hooks'
import { messageOf } from '../load.ts'
import { common } from '../texts/common.ts'

interface Toast {
  readonly number: number
  readonly text: string
  readonly undo: (() => Promise<void>) | undefined
}

const shownMilliseconds = 8_000
let last = 0
let toasts: readonly Toast[] = []
const listeners = new Set<() => void>()

function show(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

/** `undo` is offered as a button for as long as the words stand there. */
export function toast(text: string, undo?: () => Promise<void>): void {
  const shown: Toast = { number: ++last, text, undo }
  show([...toasts.slice(-2), shown])
  setTimeout(() => show(toasts.filter(other => other !== shown)), shownMilliseconds)
}

/** For what is done by one tap: says so when it fails. */
export async function attempt(work: () => Promise<unknown>, done?: string, undo?: () => Promise<void>) {
  try {
    await work()
    if (done !== undefined) toast(done, undo)
  } catch (error) {
    toast(messageOf(error))
  }
}

export function Toasts() {
  const [, redraw] = useState(0)
  useEffect(() => {
    const listener = (): void => redraw(count => count + 1)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map(shown => (
        <div class="toast" key={shown.number}>
          <span>{shown.text}</span>
          {shown.undo && (
            <button
              type="button"
              onClick={() => {
                show(toasts.filter(other => other !== shown))
                void attempt(shown.undo!)
              }}
            >
              {common.undo}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}
