import { useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import type { MissedCall, Person } from '../../../src/signalling/message.ts'
import { echoUser } from '../check/echo.ts'
import type { Line } from '../line.ts'
import { Avatar } from '../parts/avatar.tsx'
import { CallBack } from '../parts/call-back.tsx'
import { Icon } from '../parts/icon.tsx'
import type { Bell } from '../ring.ts'
import { moment, texts } from '../texts.ts'
import type { WallPhone } from '../wall.ts'
import { HistoryDialog } from './history.tsx'
import { LatestCalls } from './latest.tsx'
import { MyDevices } from './my-devices.tsx'
import { Requests } from './requests.tsx'
import { ThisPhoneDialog } from './this-phone.tsx'

/** People, who is there, what was missed. */
export function HomeScreen({
  phone,
  line,
  bell,
  wall,
  mayRing,
  check,
}: {
  readonly phone: Phone
  readonly line: Line
  readonly bell: Bell
  readonly wall: WallPhone
  readonly mayRing: boolean
  readonly check: () => void
}) {
  const online = phone.state === 'online'
  const [sheet, setSheet] = useState<'devices' | 'history' | 'thisPhone' | undefined>()
  const close = () => setSheet(undefined)
  const people = phone.roster.filter(({ user }) => user !== echoUser)
  const own = phone.roster.filter(({ user }) => user === echoUser)
  return (
    <div class="home">
      <Header phone={phone} />
      <main>
        <div class="notices">
          <div class="notice">
            <p role="status" aria-live="polite" aria-atomic="true">
              {line.notice}
            </p>
            {line.notice && line.isTrouble && (
              <button type="button" class="text-button" onClick={check}>
                {texts.check.title}
              </button>
            )}
          </div>
          {line.notice && (
            <button
              type="button"
              class="icon-button"
              aria-label={texts.dismiss}
              onClick={() => line.dismiss()}
            >
              <Icon name="close" />
            </button>
          )}
        </div>
        {/* Always there, so that what comes into it is read out. */}
        <div class="door" aria-live="polite">
          {phone.requests.length > 0 && <Requests phone={phone} />}
        </div>
        <div class="column">
          <section class="people" aria-labelledby="people">
            <header>
              <h2 id="people">{texts.people}</h2>
              {!online && phone.me && <p>{texts.noCallsNow}</p>}
            </header>
            {people.length === 0 && phone.me && (
              <div class="empty">
                <h3>{texts.nobodyTitle}</h3>
                <p>{texts.nobodyBody}</p>
              </div>
            )}
            <ul class="rows">
              {[...people, ...own].map(person => (
                <PersonRow key={person.user} person={person} online={online} line={line} />
              ))}
            </ul>
          </section>
          <LatestCalls phone={phone} />
        </div>
        <aside>
          {phone.guestUntil !== undefined && (
            <p class="hint">{texts.guestUntil(moment(phone.guestUntil, Date.now()))}</p>
          )}
          {/* Always there, so that what comes into it is read out. */}
          <div class="missed" aria-live="polite">
            {phone.missed.length > 0 && <Missed phone={phone} line={line} online={online} />}
          </div>
          <DoNotDisturb phone={phone} />
          <div class="more">
            <button type="button" class="text-button" onClick={() => setSheet('history')}>
              {texts.history.open}
            </button>
            <button type="button" class="text-button" onClick={() => setSheet('thisPhone')}>
              {texts.thisPhone.title}
            </button>
            <button type="button" class="text-button" onClick={() => setSheet('devices')}>
              {texts.myDevices}
            </button>
            <button type="button" class="text-button" onClick={check}>
              {texts.check.title}
            </button>
          </div>
          {!mayRing && (
            <p class="hint">
              <Icon name="bell" /> {texts.soundOff}
            </p>
          )}
        </aside>
      </main>
      {sheet === 'devices' && <MyDevices onClose={close} />}
      {sheet === 'history' && <HistoryDialog phone={phone} line={line} onClose={close} />}
      {sheet === 'thisPhone' && <ThisPhoneDialog bell={bell} wall={wall} onClose={close} />}
    </div>
  )
}

function Header({ phone }: { readonly phone: Phone }) {
  const state = phone.state === 'connecting' && phone.me ? 'waiting' : phone.state
  return (
    <header class="bar">
      <h1 class="brand">
        <img src="/icon.svg" alt="" width="28" height="28" /> {phone.me?.place || texts.product}
      </h1>
      <div class="me">
        <div>
          <strong>{phone.me?.name}</strong>
          <span class={`line-state ${state}`} role="status" aria-live="polite">
            {texts.line[state]}
          </span>
        </div>
        {phone.me && <Avatar name={phone.me.name} />}
      </div>
    </header>
  )
}

function PersonRow({
  person,
  online,
  line,
}: {
  readonly person: Person
  readonly online: boolean
  readonly line: Line
}) {
  return (
    <li class={`row ${person.presence}`}>
      <Avatar name={person.name} presence={person.presence} />
      <div class="who">
        <strong>{person.name}</strong>
        <span>{person.user === echoUser ? texts.echoPresence : texts.presence[person.presence]}</span>
      </div>
      <button
        type="button"
        class="round"
        aria-label={texts.videoCall(person.name)}
        title={texts.videoCall(person.name)}
        disabled={!online}
        onClick={() => line.place(person, true)}
      >
        <Icon name="video" />
      </button>
      <button
        type="button"
        class="round filled"
        aria-label={texts.call(person.name)}
        title={texts.call(person.name)}
        disabled={!online}
        onClick={() => line.place(person, false)}
      >
        <Icon name="phone" />
      </button>
    </li>
  )
}

function Missed({
  phone,
  line,
  online,
}: {
  readonly phone: Phone
  readonly line: Line
  readonly online: boolean
}) {
  const now = Date.now()
  return (
    <section class="panel" aria-labelledby="missed">
      <header>
        <h2 id="missed">{texts.missed}</h2>
        <button
          type="button"
          class="text-button"
          aria-label={texts.clearMissed}
          onClick={() => phone.missedSeen()}
        >
          {texts.clear}
        </button>
      </header>
      <ul class="rows">
        {phone.missed.map(call => (
          <MissedRow key={call.call} call={call} now={now} line={line} online={online} />
        ))}
      </ul>
    </section>
  )
}

function MissedRow({
  call,
  now,
  line,
  online,
}: {
  readonly call: MissedCall
  readonly now: number
  readonly line: Line
  readonly online: boolean
}) {
  return (
    <li class="row small">
      <span class="missed-mark">
        <Icon name="missed" />
      </span>
      <div class="who">
        <strong>{call.name}</strong>
        <span>
          {call.video ? texts.missedVideo : texts.missedAudio}, {moment(call.at, now)}
        </span>
      </div>
      <CallBack person={call} line={line} online={online} />
    </li>
  )
}

function DoNotDisturb({ phone }: { readonly phone: Phone }) {
  const on = phone.doNotDisturb
  return (
    <section class="panel">
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={on}
        disabled={phone.state !== 'online'}
        onClick={() => phone.setDoNotDisturb(!on)}
      >
        <Icon name="moon" />
        <span>
          <strong>{texts.doNotDisturb}</strong>
          <small>{on ? texts.doNotDisturbOn : texts.doNotDisturbOff}</small>
        </span>
        <span class="thumb" aria-hidden="true" />
      </button>
    </section>
  )
}
