/** The field above a long list of people. */
import { useId } from 'preact/hooks'
import type { Person } from '../../../src/signalling/message.ts'
import { found, meant } from '../find.ts'
import { texts } from '../texts.ts'

export function Find({
  typed,
  setTyped,
  people,
  enter,
  act,
}: {
  readonly typed: string
  readonly setTyped: (typed: string) => void
  readonly people: readonly Person[]
  /** What Enter does with the one who is meant, in words. */
  readonly enter: (name: string) => string
  readonly act: (person: Person) => void
}) {
  const told = useId()
  const one = meant(people, typed)
  return (
    <search class="find">
      <input
        type="search"
        enterkeyhint="go"
        autocomplete="off"
        value={typed}
        placeholder={texts.find.hint}
        aria-label={texts.find.label}
        aria-describedby={told}
        onInput={event => setTyped(event.currentTarget.value)}
        onKeyDown={event => {
          // A key held down must not call again when the call is over; while a word is being composed, Enter ends that.
          if (event.key === 'Enter' && one && !event.repeat && !event.isComposing) act(one)
          if (event.key !== 'Escape' || typed === '') return
          // The first one empties the field, the next one closes the sheet it stands in.
          event.preventDefault()
          setTyped('')
        }}
      />
      <p id={told} role="status">
        {typed.trim() !== '' && texts.find.found(found(people, typed).length, one && enter(one.name))}
      </p>
    </search>
  )
}
