/** On the owner's phone: who stands at the door, and the four answers. */
import type { Phone } from '../../../client/phone.ts'
import { secondsUntilMonday, secondsUntilTonight } from '../../../client/stay.ts'
import type { JoinAsk } from '../../../src/signalling/message.ts'
import { Avatar } from '../parts/avatar.tsx'
import { needsLine } from '../parts/needs-line.ts'
import { moment, texts } from '../texts.ts'

export function Requests({ phone }: { readonly phone: Phone }) {
  return (
    <section class="panel requests" aria-labelledby="requests">
      <header>
        <h2 id="requests">{texts.requests}</h2>
      </header>
      <RequestList phone={phone} />
    </section>
  )
}

export function RequestList({ phone }: { readonly phone: Phone }) {
  return (
    <ul class="rows">
      {phone.requests.map(ask => (
        <Request key={ask.id} ask={ask} phone={phone} />
      ))}
    </ul>
  )
}

function Request({ ask, phone }: { readonly ask: JoinAsk; readonly phone: Phone }) {
  const allow = (staySeconds?: number): void => phone.answerRequest(ask.id, { allow: true, staySeconds })
  const online = phone.state === 'online'
  return (
    <li class="request">
      <div class="row small">
        <Avatar name={ask.name} />
        <div class="who">
          <strong>{texts.asksToJoin(ask.name)}</strong>
          <span>
            {ask.device}, {moment(ask.at, Date.now())}
          </span>
        </div>
      </div>
      <div class="answers">
        <button
          type="button"
          class="button primary"
          aria-label={texts.allowName(ask.name)}
          {...needsLine(online, () => allow())}
        >
          {texts.allow}
        </button>
        <button
          type="button"
          class="button"
          aria-label={texts.allowTonightName(ask.name)}
          {...needsLine(online, () => allow(secondsUntilTonight(new Date())))}
        >
          {texts.allowTonight}
        </button>
        <button
          type="button"
          class="button"
          aria-label={texts.allowWeekendName(ask.name)}
          {...needsLine(online, () => allow(secondsUntilMonday(new Date())))}
        >
          {texts.allowWeekend}
        </button>
        <button
          type="button"
          class="button refuse"
          aria-label={texts.denyName(ask.name)}
          {...needsLine(online, () => phone.answerRequest(ask.id, { allow: false }))}
        >
          {texts.deny}
        </button>
      </div>
    </li>
  )
}
