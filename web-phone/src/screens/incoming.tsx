import { useEffect, useRef } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { texts } from '../texts.ts'

/** Somebody calls. Nothing else is on the screen, and the answer has the focus. */
export function IncomingScreen({ call }: { readonly call: Call }) {
  const first = useRef<HTMLButtonElement>(null)
  useEffect(() => first.current?.focus(), [])
  const { name } = call.party
  const busy = call.state === 'answering'
  const problem = call.problem && texts.problem[call.problem]
  return (
    <main class="stage ringing">
      <section
        class="caller"
        role="alertdialog"
        aria-labelledby="caller"
        aria-describedby="caller-note"
        aria-modal="true"
      >
        <div class="pulse">
          <Avatar name={name} size="large" />
        </div>
        <h1 id="caller">{call.video ? texts.incomingVideo(name) : texts.incomingAudio(name)}</h1>
        <p id="caller-note" class="stage-note" role="status">
          {busy ? texts.state.answering : problem}
        </p>
        <div class="choices">
          <Choice
            text={texts.decline}
            icon="hangUp"
            kind="danger"
            act={() => call.decline()}
            disabled={false}
          />
          {call.video && (
            <Choice
              text={texts.answer}
              icon="phone"
              kind="plain"
              act={() => void call.answer({ video: false })}
              disabled={busy}
            />
          )}
          <Choice
            text={call.video ? texts.answerVideo : texts.answer}
            icon={call.video ? 'video' : 'phone'}
            kind="go"
            act={() => void call.answer({ video: call.video })}
            disabled={busy}
            focus={first}
          />
        </div>
      </section>
    </main>
  )
}

function Choice({
  text,
  icon,
  kind,
  act,
  disabled,
  focus,
}: {
  readonly text: string
  readonly icon: 'hangUp' | 'phone' | 'video'
  readonly kind: 'danger' | 'plain' | 'go'
  readonly act: () => void
  readonly disabled: boolean
  readonly focus?: { current: HTMLButtonElement | null }
}) {
  return (
    <button type="button" class={`choice ${kind}`} onClick={act} disabled={disabled} ref={focus ?? null}>
      <span class="disc">
        <Icon name={icon} />
      </span>
      {text}
    </button>
  )
}
