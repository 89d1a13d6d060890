/** Transferring a call: whom to, how it goes, and what is said to who is transferred. */
import { useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { isUnderWay } from '../../../client/hand-on.ts'
import type { Phone } from '../../../client/phone.ts'
import type { Person } from '../../../src/signalling/message.ts'
import { echoUser } from '../check/echo.ts'
import { findFrom, found } from '../find.ts'
import type { Line } from '../line.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Find } from '../parts/find.tsx'
import { useIsUp } from '../read-out.ts'
import { texts } from '../texts.ts'

/** There is somebody to transfer, and somebody to transfer them to; who is only asked is not transferred. */
export function mayTransfer(call: Call, phone: Phone, { talk }: Line): boolean {
  if (call.connectedAt === undefined || talk.waiting) return false
  return call.party.user !== echoUser && othersThan(call, phone).length > 0
}

/** Why that cannot be begun now; undefined: it can. */
export function whyNoTransfer(call: Call, phone: Phone, line: Line): string | undefined {
  const { name } = call.party
  if (isUnderWay(call.handOn)) return texts.transfer.underWay(name)
  if (line.talk.handedOnTo) return texts.transfer.beingTransferred(name)
  return phone.state === 'online' ? undefined : texts.transfer.needsLine
}

const othersThan = ({ party }: Call, { roster }: Phone): readonly Person[] =>
  roster.filter(({ user }) => user !== party.user && user !== echoUser)

/** How it goes; empty before and after. What came of it is said by the line. */
export function transferText({ handOn, party }: Call): string {
  switch (handOn?.state) {
    case 'asked':
      return texts.transfer.asked(party.name, handOn.to.name)
    case 'ringing':
      return texts.transfer.ringing(party.name, handOn.to.name)
    default:
      return ''
  }
}

export function TransferDialog({
  call,
  phone,
  line,
  onClose,
}: {
  readonly call: Call
  readonly phone: Phone
  readonly line: Line
  readonly onClose: () => void
}) {
  const { name } = call.party
  const [typed, setTyped] = useState('')
  const others = othersThan(call, phone)
  const isLong = others.length >= findFrom
  const choose = (person: Person) => {
    line.talk.dismiss()
    if (!call.refer(person)) line.talk.say(whyNoTransfer(call, phone, line) ?? texts.transfer.needsLine)
    onClose()
  }
  const ask = (person: Person) => {
    if (!line.talk.askFirst(phone, person)) {
      line.talk.say(whyNoTransfer(call, phone, line) ?? texts.transfer.needsLine)
    }
    onClose()
  }
  return (
    <Dialog title={texts.transfer.title(name)} onClose={onClose}>
      <p class="lead">{texts.transfer.body(name)}</p>
      {isLong && (
        <Find
          typed={typed}
          setTyped={setTyped}
          people={others}
          enter={texts.find.enterTransfers}
          act={choose}
        />
      )}
      <ul class="rows choose">
        {found(others, isLong ? typed : '').map(person => (
          <li key={person.user} class={person.presence}>
            <button type="button" class="row" onClick={() => choose(person)}>
              <Avatar name={person.name} presence={person.presence} />
              <span class="who">
                <strong>{person.name}</strong>
                {/* The space is for who hears it as one name. */}
                <span>
                  {' '}
                  {texts.presence[person.presence]}
                  <span aria-hidden="true"> · {person.number}</span>
                </span>
              </span>
            </button>
            <button
              type="button"
              class="text-button"
              aria-label={texts.transfer.askFirstName(person.name)}
              onClick={() => ask(person)}
            >
              {texts.transfer.askFirst}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

/** Who waits while somebody else is asked, and how the two come to talk to each other. */
export function WaitingNote({ call, line }: { readonly call: Call; readonly line: Line }) {
  const { waiting } = line.talk
  const isUp = useIsUp()
  const isBegun = isUnderWay(waiting?.handOn)
  return (
    <div role="status" aria-live="polite">
      {isUp && waiting && (
        <div class="transferred">
          <p>
            {isBegun
              ? texts.transfer.connecting(waiting.party.name, call.party.name)
              : texts.transfer.waits(waiting.party.name)}
          </p>
          {call.connectedAt !== undefined && !isBegun && (
            <button
              type="button"
              class="badge go"
              onClick={() => line.talk.connect() || line.talk.say(texts.transfer.needsLine)}
            >
              {texts.transfer.connect(waiting.party.name, call.party.name)}
            </button>
          )}
        </div>
      )}
    </div>
  )
}

/** To who is transferred, while the talk still goes on. */
export function TransferredNote({ from, to }: { readonly from: Call; readonly to: Call | undefined }) {
  return (
    <div role="status" aria-live="polite">
      {to && (
        <div class="transferred">
          <p>{texts.transfer.ofUs(from.party.name, to.party.name)}</p>
          <button type="button" class="badge" onClick={() => to.hangUp()}>
            {texts.transfer.stay(from.party.name)}
          </button>
        </div>
      )}
    </div>
  )
}
