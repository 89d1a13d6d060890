/** Forms: labelled fields, one button that does nothing more while it works, and in place what went wrong. */
import type { ComponentChildren, InputHTMLAttributes } from 'preact'
import { useId, useState } from 'preact/hooks'
import { messageOf } from '../load.ts'
import { common } from '../texts/common.ts'

export type Values = Readonly<Record<string, string>>

export function Field(props: {
  readonly label: string
  readonly name: string
  readonly hint?: ComponentChildren
  readonly type?: string
  readonly value?: string
  readonly autocomplete?: string
  readonly inputMode?: 'text' | 'numeric'
  readonly required?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
  readonly autoFocus?: boolean
  readonly disabled?: boolean
}) {
  const id = useId()
  const { label, hint, value, autocomplete, ...input } = props
  const given: InputHTMLAttributes<HTMLInputElement> = input as object
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...given}
        defaultValue={value ?? ''}
        autocomplete={(autocomplete ?? 'off') as 'off'}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      {hint && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
    </div>
  )
}

export function Select(props: {
  readonly label: string
  readonly name: string
  readonly value?: string
  readonly hint?: ComponentChildren
  readonly disabled?: boolean
  /** Value and what it says. */
  readonly options: readonly (readonly [string, string])[]
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        name={props.name}
        disabled={props.disabled}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value} selected={value === (props.value ?? props.options[0]?.[0])}>
            {label}
          </option>
        ))}
      </select>
      {props.hint && (
        <span id={`${id}-hint`} class="hint">
          {props.hint}
        </span>
      )}
    </div>
  )
}

/** A tick; its value is `on` or not there. */
export function Tick(props: {
  readonly label: string
  readonly name: string
  readonly checked?: boolean
  readonly disabled?: boolean
  readonly hint?: string
  readonly onChange?: (checked: boolean) => void
}) {
  const id = useId()
  return (
    <div class="choice">
      <input
        id={id}
        type="checkbox"
        name={props.name}
        disabled={props.disabled}
        {...(props.onChange
          ? { checked: props.checked ?? false }
          : { defaultChecked: props.checked ?? false })}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        onChange={event => props.onChange?.(event.currentTarget.checked)}
      />
      <label for={id}>
        {props.label}
        {props.hint && (
          <span id={`${id}-hint`} class="hint">
            {props.hint}
          </span>
        )}
      </label>
    </div>
  )
}

export function Form(props: {
  readonly submit: string
  readonly onSubmit: (values: Values, form: HTMLFormElement) => Promise<void>
  readonly children?: ComponentChildren
  readonly onCancel?: () => void
  readonly label?: string
  readonly danger?: boolean
  readonly large?: boolean
}) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState('')
  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (busy) return
    const form = event.currentTarget as HTMLFormElement
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
    setBusy(true)
    setFailure('')
    try {
      await props.onSubmit(values, form)
      form.reset()
    } catch (error) {
      setFailure(messageOf(error))
    } finally {
      setBusy(false)
    }
  }
  const look = `button ${props.danger ? 'danger' : 'primary'} ${props.large ? 'large' : ''}`
  return (
    <form class="form" onSubmit={event => void onSubmit(event)} aria-label={props.label}>
      {props.children}
      <p class="failure" role="alert">
        {failure}
      </p>
      <div class="buttons">
        {/* Not `disabled`: that would take the focus from whoever pressed it. */}
        <button type="submit" class={look} aria-disabled={busy}>
          {busy ? common.oneMoment : props.submit}
        </button>
        {props.onCancel && (
          <button type="button" class="button quiet" onClick={props.onCancel}>
            {common.cancel}
          </button>
        )}
      </div>
    </form>
  )
}
