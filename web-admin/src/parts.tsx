/** The few pieces that every view is made of. */
import type { ComponentChildren, InputHTMLAttributes } from 'preact'
import { useCallback, useEffect, useId, useRef, useState } from 'preact/hooks'

export function Field(props: {
  readonly label: string
  readonly name: string
  readonly hint?: string
  readonly type?: string
  readonly value?: string
  readonly autocomplete?: string
  readonly required?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
}) {
  const id = useId()
  const { label, hint, value, autocomplete, ...input } = props
  const given: InputHTMLAttributes<HTMLInputElement> = input as object
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...given}
        defaultValue={value ?? ''}
        autocomplete={(autocomplete ?? 'off') as 'off'}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </p>
  )
}

/** A form whose button is off while it works, and which says in place what went wrong. */
export function Form(props: {
  readonly submit: string
  readonly onSubmit: (values: Readonly<Record<string, string>>) => Promise<void>
  readonly children: ComponentChildren
  readonly onCancel?: () => void
  readonly label?: string
}) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState('')
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
    setBusy(true)
    setFailure('')
    try {
      await props.onSubmit(values)
      form.reset()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={onSubmit} aria-label={props.label}>
      {props.children}
      <p class="failure" role="alert">
        {failure}
      </p>
      <p class="buttons">
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'One moment …' : props.submit}
        </button>
        {props.onCancel && (
          <button type="button" onClick={props.onCancel}>
            Cancel
          </button>
        )}
      </p>
    </form>
  )
}

/** A button that asks once more before it does what cannot be undone. */
export function Danger(props: {
  readonly label: string
  readonly about: string
  readonly question: string
  readonly onConfirm: () => Promise<void>
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [failure, setFailure] = useState('')
  const id = useId()
  const confirm = async () => {
    try {
      await props.onConfirm()
      dialog.current?.close()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <>
      <button
        type="button"
        class="danger"
        aria-label={`${props.label} ${props.about}`}
        onClick={() => dialog.current?.showModal()}
      >
        {props.label}
      </button>
      <dialog ref={dialog} aria-labelledby={id}>
        <p id={id}>{props.question}</p>
        <p class="failure" role="alert">
          {failure}
        </p>
        <p class="buttons">
          <button type="button" class="danger solid" onClick={() => void confirm()}>
            {props.label}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </p>
      </dialog>
    </>
  )
}

export function Card(props: {
  readonly title: string
  readonly count?: number | undefined
  readonly className?: string
  readonly children: ComponentChildren
}) {
  const id = useId()
  return (
    <section class={`card ${props.className ?? ''}`} aria-labelledby={id}>
      <h2 id={id}>
        {props.title} {props.count !== undefined && <span class="count">{props.count}</span>}
      </h2>
      {props.children}
    </section>
  )
}

/** Loads now, every `everySeconds` while the page is looked at, and whenever `reload` is called. */
export function usePolled<Value>(load: () => Promise<Value>, everySeconds: number) {
  const [value, setValue] = useState<Value>()
  const [failure, setFailure] = useState('')
  const latest = useRef(load)
  latest.current = load
  const reload = useCallback(async () => {
    try {
      setValue(await latest.current())
      setFailure('')
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }, [])
  useEffect(() => {
    void reload()
    const timer = setInterval(() => {
      if (!document.hidden) void reload()
    }, everySeconds * 1_000)
    return () => clearInterval(timer)
  }, [reload, everySeconds])
  return { value, failure, reload }
}
