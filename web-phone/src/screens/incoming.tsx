import { useEffect, useRef } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Icon } from '../parts/icon.tsx'
import { texts } from '../texts.ts'

/**
 * Somebody calls. Nothing else is on the screen. The focus is on what is said, not on an answer: this comes up unasked, under
 * the hands of somebody who may be typing, and a key that was meant for something else must open no camera.
 */
export function IncomingScreen({ call }: { readonly call: Call }) {
  const box = useRef<HTMLElement>(null)
  useEffect(() => box.current?.focus({ preventScroll: true }), [])
  const { name } = call.party
  const about = aboutText(call)
  const busy = call.state === 'answering'
  const problem = call.problem && texts.problem[call.problem]
  return (
    <main class="stage ringing">
      <section
        ref={box}
        tabIndex={-1}
        class="caller"
        role="alertdialog"
        aria-labelledby="caller"
        aria-describedby={about === '' ? 'caller-note' : 'caller-for caller-note'}
        aria-modal="true"
      >
        <div class="pulse">
          <Avatar name={name} size="large" />
        </div>
        <h1 id="caller">{call.video ? texts.incomingVideo(name) : texts.incomingAudio(name)}</h1>
        {about !== '' && (
          <p id="caller-for" class="called-for">
            {about}
          </p>
        )}
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
          />
        </div>
      </section>
    </main>
  )
}

/** Whom it is for, and who handed the caller on. */
const aboutText = ({ calledFor, referredBy }: Call): string =>
  [calledFor && texts.calledFor(calledFor.name), referredBy && texts.transferredBy(referredBy.name)]
    .filter(Boolean)
    .join(', ')

function Choice({
  text,
  icon,
  kind,
  act,
  disabled,
}: {
  readonly text: string
  readonly icon: 'hangUp' | 'phone' | 'video'
  readonly kind: 'danger' | 'plain' | 'go'
  readonly act: () => void
  readonly disabled: boolean
}) {
  return (
    <button
      type="button"
      class={`choice ${kind}`}
      onClick={() => disabled || act()}
      // Not `disabled`: the focus stays for who is asked for the microphone and comes back.
      aria-disabled={disabled || undefined}
    >
      <span class="disc">
        <Icon name={icon} />
      </span>
      {text}
    </button>
  )
}
