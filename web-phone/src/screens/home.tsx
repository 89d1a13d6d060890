import { useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import type { MissedCall } from '../../../src/signalling/message.ts'
import { useFocus } from '../focus.ts'
import type { Line } from '../line.ts'
import type { Notifier } from '../notify.ts'
import { Avatar } from '../parts/avatar.tsx'
import { CallBack } from '../parts/call-back.tsx'
import { GuestEnd } from '../parts/guest-end.tsx'
import { Icon } from '../parts/icon.tsx'
import { useIsUp } from '../read-out.ts'
import type { Bell } from '../ring.ts'
import { moment, texts, withCalledFor } from '../texts.ts'
import type { WallPhone } from '../wall.ts'
import { HistoryDialog } from './history.tsx'
import { LatestCalls } from './latest.tsx'
import { MyDevices } from './my-devices.tsx'
import { People } from './people.tsx'
import { DoNotDisturb } from './quiet.tsx'
import { Requests } from './requests.tsx'
import { ThisPhoneDialog } from './this-phone.tsx'

/** What was on the screen before: the focus goes back to where it was opened. */
export type Left = 'check' | { readonly user: string }

/** People, who is there, what was missed. */
export function HomeScreen({
  phone,
  line,
  bell,
  wall,
  notifier,
  renew,
  mayRing,
  left,
  check,
}: {
  readonly phone: Phone
  readonly line: Line
  readonly bell: Bell
  readonly wall: WallPhone
  readonly notifier: Notifier
  /** Loads a newer version of the page; undefined: there is none, or it comes by itself. */
  readonly renew: (() => void) | undefined
  readonly mayRing: boolean
  readonly left: Left | undefined
  readonly check: () => void
}) {
  const online = phone.state === 'online'
  const [sheet, setSheet] = useState<'devices' | 'history' | 'thisPhone' | undefined>()
  const close = () => setSheet(undefined)
  const calledUser = typeof left === 'object' ? left.user : undefined
  const isUp = useIsUp()
  const checkButton = useFocus<HTMLButtonElement>(left === 'check')
  return (
    <div class="home">
      <Header phone={phone} />
      <main>
        <GuestEnd until={line.guest.warning} />
        <div class="notices">
          <div class="notice">
            <p role="status" aria-live="polite" aria-atomic="true">
              {isUp && line.talk.notice}
            </p>
            {line.talk.notice && line.talk.isTrouble && (
              <button type="button" class="text-button" onClick={check}>
                {texts.check.title}
              </button>
            )}
          </div>
          {line.talk.notice && (
            <button
              type="button"
              class="icon-button"
              aria-label={texts.dismiss}
              onClick={() => line.talk.dismiss()}
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
          <People phone={phone} line={line} calledUser={calledUser} />
          <LatestCalls phone={phone} />
        </div>
        <aside>
          {phone.guestUntil !== undefined && line.guest.warning === undefined && (
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
            <button type="button" class="text-button" onClick={check} ref={checkButton}>
              {texts.check.title}
            </button>
          </div>
          {renew && (
            <p class="hint">
              {texts.renewal}
              <button type="button" class="text-button" onClick={renew}>
                {texts.renew}
              </button>
            </p>
          )}
          <ShowCallsHint notifier={notifier} />
          {!mayRing && (
            <p class="hint">
              <Icon name="bell" /> {texts.soundOff}
            </p>
          )}
        </aside>
      </main>
      {sheet === 'devices' && <MyDevices onClose={close} />}
      {sheet === 'history' && <HistoryDialog phone={phone} line={line} onClose={close} />}
      {sheet === 'thisPhone' && (
        <ThisPhoneDialog bell={bell} wall={wall} notifier={notifier} onClose={close} />
      )}
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
          {withCalledFor(call.video ? texts.missedVideo : texts.missedAudio, call.for?.name)},{' '}
          {moment(call.at, now)}
        </span>
      </div>
      <CallBack person={call} line={line} online={online} />
    </li>
  )
}

function ShowCallsHint({ notifier }: { readonly notifier: Notifier }) {
  const [isUnasked, setUnasked] = useState(notifier.isUnasked)
  if (!isUnasked) return null
  const set = (on: boolean) => void notifier.set(on).then(() => setUnasked(notifier.isUnasked))
  return (
    <div class="hint">
      <p>{texts.notice.hint}</p>
      <button type="button" class="text-button" onClick={() => set(true)}>
        {texts.notice.allow}
      </button>
      <button type="button" class="icon-button" aria-label={texts.notice.notNow} onClick={() => set(false)}>
        <Icon name="close" />
      </button>
    </div>
  )
}
