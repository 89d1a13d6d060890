/** Transferring a call: whom to, how it goes, and what is said to who is transferred. */
import type { Call } from '../../../client/call.ts'
import type { Phone } from '../../../client/phone.ts'
import type { Person } from '../../../src/signalling/message.ts'
import { echoUser } from '../check/echo.ts'
import type { Line } from '../line.ts'
import { Avatar } from '../parts/avatar.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { texts, transferFailedText } from '../texts.ts'

/** There is somebody to transfer the other party to, and nothing of that kind is under way. */
export function mayTransfer(call: Call, phone: Phone): boolean {
  const { state } = call.handOn ?? {}
  if (call.connectedAt === undefined || state === 'asked' || state === 'ringing') return false
  return call.party.user !== echoUser && othersThan(call, phone).length > 0
}

const othersThan = ({ party }: Call, { roster }: Phone): readonly Person[] =>
  roster.filter(({ user }) => user !== party.user && user !== echoUser)

/** How it goes; empty before and after. */
export function transferText({ handOn, party }: Call): string {
  switch (handOn?.state) {
    case 'asked':
      return texts.transfer.asked(party.name, handOn.to.name)
    case 'ringing':
      return texts.transfer.ringing(handOn.to.name)
    case 'failed':
      return transferFailedText(handOn.reason, party.name, handOn.to.name)
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
  const choose = (person: Person) => {
    if (!call.refer(person)) line.say(texts.transfer.needsLine)
    onClose()
  }
  return (
    <Dialog title={texts.transfer.title(name)} onClose={onClose}>
      <p class="lead">{texts.transfer.body(name)}</p>
      <ul class="rows choose">
        {othersThan(call, phone).map(person => (
          <li key={person.user} class={person.presence}>
            <button type="button" class="row" onClick={() => choose(person)}>
              <Avatar name={person.name} presence={person.presence} />
              <span class="who">
                <strong>{person.name}</strong>
                {/* The space is for who hears it as one name. */}
                <span> {texts.presence[person.presence]}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
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
            {texts.transfer.stay}
          </button>
        </div>
      )}
    </div>
  )
}
