import type { ComponentChildren } from 'preact'
import { useFocus } from '../focus.ts'
import { texts } from '../texts.ts'

/** A screen that says one thing, with what can be done about it. */
export function MessageScreen({
  title,
  body,
  busy = false,
  children,
}: {
  readonly title: string
  readonly body?: string
  readonly busy?: boolean
  readonly children?: ComponentChildren
}) {
  // What comes up in another screen's place is read from its title on; a page that is just opened takes no focus.
  const heading = useFocus<HTMLHeadingElement>(title !== texts.starting)
  return (
    <main class="card-screen">
      <section class="card" role="status" aria-live="polite">
        <p class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> {texts.product}
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {body && <p class="lead">{body}</p>}
        {busy && <div class="progress" aria-hidden="true" />}
        {children && <div class="actions">{children}</div>}
      </section>
    </main>
  )
}
