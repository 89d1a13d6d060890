/** Who it is, how far the call is, which way it goes, and what is to be said of it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { GuestEnd } from '../parts/guest-end.tsx'
import { Icon } from '../parts/icon.tsx'
import { clock, texts } from '../texts.ts'
import { Badge } from './badge.tsx'
import { Notes } from './call-notes.tsx'
import type { CallPart } from './call-part.ts'
import { TransferredNote, WaitingNote } from './transfer.tsx'

export function CallHead({ call, phone, line, open }: CallPart) {
  const title = useRef<HTMLHeadingElement>(null)
  // Who is transferred pressed nothing: a key that was meant for the talk before must not hang up this one.
  useEffect(() => {
    if (line.talk.isTransferred) title.current?.focus({ preventScroll: true })
  }, [])
  const isConnected = call.connectedAt !== undefined
  const waiting = phone.requests.length
  return (
    <header class="call-head">
      <h1 ref={title} tabIndex={-1}>
        {call.party.name}
      </h1>
      <p class="call-status">
        <span role="status" aria-live="polite">
          {statusText(call)}
        </span>
        {call.state === 'ringing' && <Timer />}
        {isConnected && <Timer since={call.connectedAt} />}
      </p>
      {(isConnected || call.state === 'connecting') && (
        <Badges call={call} phone={phone} line={line} open={open} />
      )}
      <GuestEnd until={line.guest.warning} />
      <Notes call={call} line={line} online={phone.state === 'online'} />
      <WaitingNote call={call} line={line} />
      <TransferredNote from={call} to={line.talk.handedOnTo} />
      {/* Seen and read out, but without a sound: somebody is talking. */}
      <div role="status" aria-live="polite">
        {waiting > 0 && (
          <button type="button" class="badge" onClick={() => open('door')}>
            {texts.someoneAtDoor(waiting)}
          </button>
        )}
      </div>
    </header>
  )
}

/** The way of media, and what a telephone at the other end takes. */
function Badges({ call, phone, line, open }: CallPart) {
  const { name, user } = call.party
  const doorKeys = phone.roster.find(person => person.user === user)?.doorKeys
  return (
    <p class="badges">
      <Badge call={call} open={() => open('facts')} />
      {call.takesTones && doorKeys !== undefined && (
        <button
          type="button"
          class="badge go"
          onClick={() => call.sendTones(doorKeys) && line.talk.say(texts.doorOpened(name, doorKeys))}
        >
          {texts.openDoor}
        </button>
      )}
      {call.takesTones && (
        <button type="button" class="badge" aria-haspopup="dialog" onClick={() => open('keypad')}>
          <Icon name="keypad" /> {texts.keypad.open}
        </button>
      )}
    </p>
  )
}

/** Since then, or since it is on the screen. */
function Timer({ since }: { readonly since?: number }) {
  const [shownAt] = useState(() => performance.now())
  const [now, setNow] = useState(shownAt)
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <span class="timer" role="timer">
      {clock(Math.max(0, now - (since ?? shownAt)) / 1_000)}
    </span>
  )
}

function statusText(call: Call): string {
  switch (call.state) {
    case 'calling':
      return texts.state.calling(call.party.name)
    case 'ringing':
      return texts.state.ringing(call.party.name)
    case 'connected':
      return texts.state[call.isHeld ? 'held' : 'connected']
    case 'connecting':
    case 'reconnecting':
    case 'preparing':
    case 'answering':
      return texts.state[call.state]
    default:
      return ''
  }
}
