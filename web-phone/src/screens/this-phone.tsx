/** How this browser behaves as a telephone: how loud it rings, and whether it hangs on a wall. */
import { useState } from 'preact/hooks'
import type { Notifier } from '../notify.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import type { Bell } from '../ring.ts'
import { texts } from '../texts.ts'
import type { WallPhone } from '../wall.ts'

const words = texts.thisPhone

export function ThisPhoneDialog({
  bell,
  wall,
  notifier,
  onClose,
}: {
  readonly bell: Bell
  readonly notifier: Notifier
  readonly wall: WallPhone
  readonly onClose: () => void
}) {
  const [volume, setVolume] = useState(bell.volume)
  const [on, setOn] = useState(wall.on)
  const choose = (next: number) => {
    bell.volume = next
    setVolume(next)
  }
  return (
    <Dialog title={words.title} onClose={onClose}>
      <label class="field">
        <span>
          {words.volume}
          {/* To a screen reader the slider itself says it. */}
          <span aria-hidden="true">
            : {volume === 0 ? words.silent : words.percent(Math.round(volume * 100))}
          </span>
        </span>
        <input
          type="range"
          min={0}
          max={100}
          step={5}
          value={Math.round(volume * 100)}
          aria-valuetext={volume === 0 ? words.silent : words.percent(Math.round(volume * 100))}
          onInput={event => choose(event.currentTarget.valueAsNumber / 100)}
          onChange={() => bell.once()}
        />
      </label>
      <p class="hint flush" role="status">
        {volume === 0 ? words.silentBody : ''}
      </p>
      <div class="actions">
        <button type="button" class="button" onClick={() => bell.once()}>
          <Icon name="bell" /> {words.ringOnce}
        </button>
      </div>
      {notifier.permission !== 'none' && <ShowCalls notifier={notifier} />}
      <button
        type="button"
        class="switch flush"
        role="switch"
        aria-checked={on}
        onClick={() => {
          wall.set(!on)
          setOn(!on)
        }}
      >
        <Icon name="wall" />
        <span>
          <strong>{words.wall}</strong>
          <small>{wall.canHold ? words.wallBody : words.wallBodyNoLock}</small>
        </span>
        <span class="thumb" aria-hidden="true" />
      </button>
    </Dialog>
  )
}

function ShowCalls({ notifier }: { readonly notifier: Notifier }) {
  const [on, setOn] = useState(notifier.on)
  const words = texts.notice
  const isDenied = notifier.permission === 'denied'
  return (
    <button
      type="button"
      class="switch flush"
      role="switch"
      aria-checked={on}
      onClick={() => void notifier.set(!on).then(() => setOn(notifier.on))}
    >
      <Icon name="bell" />
      <span>
        <strong>{words.title}</strong>
        <small>{on ? words.on : isDenied ? words.denied : words.off}</small>
      </span>
      <span class="thumb" aria-hidden="true" />
    </button>
  )
}
