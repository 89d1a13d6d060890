import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { texts } from '../texts.ts'
import { Icon } from './icon.tsx'

/** A sheet over the page. The browser keeps focus inside and gives it back; Escape and a tap outside close it. */
export function Dialog({
  title,
  wide = false,
  onClose,
  children,
}: {
  readonly title: string
  /** Two columns, where the window has room for them. */
  readonly wide?: boolean
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useLayoutEffect(() => {
    const shown = dialog.current!
    shown.showModal()
    // Taken away by who opened it, it gives the focus back as well.
    return () => shown.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a tap outside is a convenience; Escape and the button close it too
    <dialog
      ref={dialog}
      class={`sheet ${wide ? 'wide' : ''}`}
      aria-labelledby={heading}
      onClose={() => dialog.current && onClose()}
      onClick={event => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="sheet-body">
        <header>
          <h2 id={heading}>{title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={texts.close}
            onClick={() => dialog.current?.close()}
          >
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
