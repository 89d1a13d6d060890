/** Sheets over the page. The browser keeps the focus inside and gives it back; Escape and a tap outside close one. */
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { common } from '../texts/common.ts'
import { Form } from './form.tsx'
import { Icon } from './icon.tsx'

export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  readonly wide?: boolean
  readonly children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const over = useRef(false)
  const heading = useId()
  useLayoutEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => {
      if (shown === null) return
      // Taken away while it is open, it would take the focus along; closed, it gives it back to where it was.
      over.current = true
      shown.close()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a tap outside is a convenience; Escape and the button close it too
    <dialog
      ref={dialog}
      class={`dialog ${props.wide ? 'wide' : ''}`}
      aria-labelledby={heading}
      onClose={() => over.current || props.onClose()}
      onClick={event => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={heading}>{props.title}</h2>
          <button
            type="button"
            class="button quiet icon-only no-print"
            aria-label={common.close}
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  )
}

/** Asks before what cannot be undone, and names what is lost. Resolved: it closes by itself. */
export function Confirm(props: {
  readonly title: string
  /** One line for each thing that is lost. */
  readonly lost: readonly string[]
  readonly confirm: string
  /** It comes back by itself, or takes nothing with it. */
  readonly harmless?: boolean
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      {props.lost.length > 0 && (
        <ul class={`lost ${props.harmless ? 'harmless' : ''}`}>
          {props.lost.map(line => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <Form
        submit={props.confirm}
        danger={!props.harmless}
        onCancel={props.onClose}
        onSubmit={async () => {
          await props.onConfirm()
          props.onClose()
        }}
      >
        {props.children}
      </Form>
    </Dialog>
  )
}
