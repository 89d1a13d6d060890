/** Everybody who can be called, and a field to find somebody among many. */
import { useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import type { Person } from '../../../src/signalling/message.ts'
import { echoUser } from '../check/echo.ts'
import { findFrom, found } from '../find.ts'
import { useFocus } from '../focus.ts'
import type { Line } from '../line.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Find } from '../parts/find.tsx'
import { Icon } from '../parts/icon.tsx'
import { needsLine, noCallsId } from '../parts/needs-line.ts'
import { texts } from '../texts.ts'

export function People({
  phone,
  line,
  calledUser,
}: {
  readonly phone: Phone
  readonly line: Line
  /** The call that has just ended was with them. */
  readonly calledUser: string | undefined
}) {
  const [typed, setTyped] = useState('')
  const online = phone.state === 'online'
  const others = phone.roster.filter(({ user }) => user !== echoUser)
  const own = phone.roster.filter(({ user }) => user === echoUser)
  const people = [...others, ...own]
  const isLong = others.length >= findFrom
  const wanted = isLong ? typed : ''
  const shown = found(people, wanted)
  return (
    <section class="people" aria-labelledby="people">
      <header>
        <h2 id="people">{texts.people}</h2>
        {!online && phone.me && <p id={noCallsId}>{texts.noCallsNow}</p>}
        {isLong && (
          <Find
            typed={typed}
            setTyped={setTyped}
            people={people}
            enter={texts.find.enterCalls}
            act={person => online && line.place(person, false)}
          />
        )}
      </header>
      {others.length === 0 && phone.me && (
        <div class="empty">
          <h3>{texts.nobodyTitle}</h3>
          <p>{texts.nobodyBody}</p>
        </div>
      )}
      {phone.me === undefined && phone.state === 'waiting' && (
        <div class="empty">
          <h3>{texts.notYetTitle}</h3>
          <p>{texts.notYetBody}</p>
        </div>
      )}
      <ul class="rows">
        {shown.map(person => (
          <PersonRow
            key={person.user}
            person={person}
            online={online}
            line={line}
            called={person.user === calledUser}
          />
        ))}
      </ul>
    </section>
  )
}

function PersonRow({
  person,
  online,
  line,
  called,
}: {
  readonly person: Person
  readonly online: boolean
  readonly line: Line
  /** The call that has just ended was with them. */
  readonly called: boolean
}) {
  // On the row, not on a button: a key held down, or pressed once too often, must not call again.
  const row = useFocus<HTMLLIElement>(called)
  return (
    <li class={`row ${person.presence}`} ref={row} tabIndex={-1}>
      <Avatar name={person.name} presence={person.presence} />
      <div class="who">
        <strong>{person.name}</strong>
        <span>
          {person.user === echoUser ? texts.echoPresence : texts.presence[person.presence]}{' '}
          <span title={texts.shortNumber}>· {person.number}</span>
        </span>
      </div>
      <button
        type="button"
        class="round"
        aria-label={texts.videoCall(person.name)}
        title={texts.videoCall(person.name)}
        {...needsLine(online, () => line.place(person, true), noCallsId)}
      >
        <Icon name="video" />
      </button>
      <button
        type="button"
        class="round filled"
        aria-label={texts.call(person.name)}
        title={texts.call(person.name)}
        {...needsLine(online, () => line.place(person, false), noCallsId)}
      >
        <Icon name="phone" />
      </button>
    </li>
  )
}
