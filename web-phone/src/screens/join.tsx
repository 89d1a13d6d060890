import { useEffect, useRef } from 'preact/hooks'
import type { Line, LineState } from '../line.ts'
import { moment, texts } from '../texts.ts'

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
  // Whom a link was for is no more known once it is no good: then a name is asked for after all.
  useEffect(() => field.current?.focus(), [form.invitedAs])
  const invited = form.invite !== ''
  return (
    <main class="card-screen">
      <form
        class="card"
        onSubmit={event => {
          event.preventDefault()
          if (form.busy) return
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
        {form.stay && <p class="lead">{texts.willBeGuest(moment(form.stay(Date.now()), Date.now()))}</p>}
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
              // Not `disabled`: that would take the focus from whoever typed it.
              readonly={form.busy}
            />
          </label>
        )}
        <p class="form-notice" role="alert">
          {form.notice}
        </p>
        <div class="actions">
          <button type="submit" class="button primary" aria-disabled={form.busy}>
            {form.busy ? texts.joining : invited ? texts.joinNow : texts.askToJoin}
          </button>
        </div>
      </form>
    </main>
  )
}
