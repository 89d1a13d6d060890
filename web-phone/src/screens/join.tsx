import { useEffect, useRef } from 'preact/hooks'
import type { Line, LineState } from '../line.ts'
import { texts } from '../texts.ts'

const limitName = 60

/** First visit: a name, and the owner's consent or an invite. */
export function JoinScreen({
  line,
  form,
}: {
  readonly line: Line
  readonly form: Extract<LineState, { kind: 'join' }>
}) {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  const invited = form.invite !== ''
  return (
    <main class="card-screen">
      <form
        class="card"
        onSubmit={event => {
          event.preventDefault()
          const name = form.invitedAs || (field.current?.value.trim() ?? '')
          if (name) void line.join(name)
          else field.current?.focus()
        }}
      >
        <p class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> {texts.product}
        </p>
        <h1>{invited ? texts.invitedTitle(form.place) : texts.joinTitle(form.place)}</h1>
        <p class="lead">
          {form.invitedAs ? texts.invitedAs(form.invitedAs) : invited ? texts.invitedBody : texts.joinBody}
        </p>
        {!form.invitedAs && (
          <label class="field">
            <span>{texts.yourName}</span>
            <input
              ref={field}
              name="name"
              type="text"
              autocomplete="name"
              maxlength={limitName}
              required
              disabled={form.busy}
            />
          </label>
        )}
        <p class="form-notice" role="alert">
          {form.notice}
        </p>
        <div class="actions">
          <button type="submit" class="button primary" disabled={form.busy}>
            {form.busy ? texts.joining : invited ? texts.joinNow : texts.askToJoin}
          </button>
        </div>
      </form>
    </main>
  )
}
