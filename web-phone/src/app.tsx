/** Which screen is up: a pure choice from the line's state. Sounds and the window's title follow it. */
import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import type { Call } from '../../client/call.ts'
import type { Line, LineState } from './line.ts'
import type { Notifier } from './notify.ts'
import { GuestEndReadOut } from './parts/guest-end.tsx'
import type { Renew } from './renewal-page.ts'
import type { Bell } from './ring.ts'
import { CallScreen } from './screens/call.tsx'
import { CheckScreen } from './screens/check.tsx'
import { HomeScreen, type Left } from './screens/home.tsx'
import { IncomingScreen } from './screens/incoming.tsx'
import { JoinScreen } from './screens/join.tsx'
import { MessageScreen } from './screens/message.tsx'
import { moment, texts, withCalledFor } from './texts.ts'
import type { WallPhone } from './wall.ts'

const redrawMilliseconds = 600_000

export function App({
  line,
  bell,
  wall,
  notifier,
  renew,
}: {
  readonly line: Line
  readonly bell: Bell
  readonly wall: WallPhone
  readonly notifier: Notifier
  readonly renew: Renew
}) {
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const [mayRing, setMayRing] = useState(true)
  useEffect(() => {
    const stop = line.on('changed', () => redraw(undefined))
    // What the line became before anybody listened.
    redraw(undefined)
    return stop
  }, [line])
  // On a wall nothing else may happen for days, and what was today is yesterday.
  useEffect(() => {
    const timer = setInterval(() => redraw(undefined), redrawMilliseconds)
    return () => clearInterval(timer)
  }, [])
  useEffect(() => bell.arm(setMayRing), [bell])
  useEffect(() => {
    bell.play(soundOf(line.talk.call))
    wall.call(line.talk.call !== undefined)
    notifier.look(line.talk.call)
    document.title = titleOf(line)
    // What an installed page shows on its icon.
    void navigator.setAppBadge?.(missedOf(line)).catch(() => {})
  })
  // The console's link to the test with the echo.
  const [checking, setChecking] = useState(location.hash === '#check')
  // A call comes first, and people come back to each other after it.
  useEffect(() => {
    if (line.talk.call) setChecking(false)
  }, [line.talk.call])
  const [renewal, setRenewal] = useState<(() => void) | undefined>()
  useEffect(() => renew(line, load => setRenewal(() => load)), [line])
  const left = useRef<Left>(undefined)
  if (line.talk.call) left.current = { user: placedWith(line.talk.call) }
  else if (checking) left.current = 'check'
  return (
    <>
      <GuestEndReadOut until={line.guest.warning} />
      <Screen
        line={line}
        bell={bell}
        wall={wall}
        notifier={notifier}
        renew={renewal}
        mayRing={mayRing}
        left={left.current}
        checking={checking}
        check={on => {
          line.talk.dismiss()
          setChecking(on)
        }}
      />
    </>
  )
}

function Screen({
  line,
  bell,
  wall,
  notifier,
  renew,
  mayRing,
  left,
  checking,
  check,
}: {
  readonly line: Line
  readonly bell: Bell
  readonly wall: WallPhone
  readonly notifier: Notifier
  readonly renew: (() => void) | undefined
  readonly mayRing: boolean
  readonly left: Left | undefined
  readonly checking: boolean
  readonly check: (on: boolean) => void
}) {
  const state = line.state
  const mayCheck = state.kind === 'phone' || state.kind === 'unreachable'
  if (checking && mayCheck && !line.talk.call) {
    const phone = state.kind === 'phone' ? state.phone : undefined
    return <CheckScreen line={line} phone={phone} onClose={() => check(false)} />
  }
  switch (state.kind) {
    case 'starting':
      return <MessageScreen title={texts.starting} />
    case 'unreachable':
      return (
        <MessageScreen title={texts.unreachableTitle} body={texts.unreachableBody} busy>
          <button type="button" class="button" onClick={() => check(true)}>
            {texts.check.title}
          </button>
        </MessageScreen>
      )
    case 'unclaimed':
      return (
        <MessageScreen title={texts.unclaimedTitle} body={texts.unclaimedBody}>
          <a class="button primary" href="/admin/">
            {texts.setItUp}
          </a>
        </MessageScreen>
      )
    case 'join':
      return <JoinScreen line={line} form={state} />
    case 'waiting':
      return (
        <MessageScreen
          title={texts.waitingTitle}
          body={texts.waitingBody(
            state.name,
            state.since === undefined ? '' : moment(state.since, Date.now()),
          )}
          busy
        >
          <button type="button" class="button" onClick={() => line.joinAgain()}>
            {texts.cancelRequest}
          </button>
        </MessageScreen>
      )
    case 'denied':
    case 'revoked':
      return (
        <MessageScreen {...refusal(state)}>
          <button type="button" class="button primary" onClick={() => line.joinAgain()}>
            {texts.askAgain}
          </button>
        </MessageScreen>
      )
    case 'blocked':
      return (
        <MessageScreen title={texts.blockedTitle} body={texts.blockedBody}>
          <button type="button" class="button primary" onClick={() => line.useHere()}>
            {texts.useHere}
          </button>
        </MessageScreen>
      )
    case 'phone': {
      const call = line.talk.call
      if (call && isRingingHere(call)) return <IncomingScreen call={call} />
      if (call) return <CallScreen key={call.ref} call={call} phone={state.phone} line={line} />
      return (
        <HomeScreen
          {...{ phone: state.phone, line, bell, wall, notifier, renew, mayRing, left }}
          check={() => check(true)}
        />
      )
    }
  }
}

function refusal(state: Extract<LineState, { kind: 'denied' | 'revoked' }>): { title: string; body: string } {
  if (state.kind === 'denied') {
    return { title: state.gone ? texts.goneTitle : texts.deniedTitle, body: texts.deniedBody }
  }
  return state.isGuestOver
    ? { title: texts.guestOverTitle, body: texts.guestOverBody(state.cutOff) }
    : { title: texts.revokedTitle, body: texts.revokedBody(state.cutOff) }
}

/** Whose row the call belongs to in the list of people. */
const placedWith = ({ calledFor, direction, party }: Call): string =>
  (direction === 'outgoing' && calledFor?.user) || party.user

function isRingingHere(call: Call): boolean {
  return call.state === 'incoming' || (call.state === 'answering' && call.direction === 'incoming')
}

function soundOf(call: Call | undefined): 'ring' | 'ringBack' | undefined {
  if (call?.state === 'incoming') return 'ring'
  return call?.state === 'ringing' ? 'ringBack' : undefined
}

const missedOf = ({ state }: Line): number => (state.kind === 'phone' ? state.phone.missed.length : 0)

function titleOf(line: Line): string {
  const { state } = line
  const { call } = line.talk
  const waiting = state.kind === 'phone' ? state.phone.requests.length : 0
  if (call === undefined && waiting > 0) return `${texts.waitingAtDoor(waiting)} ${texts.product}`
  const missed = missedOf(line)
  if (call === undefined) return missed > 0 ? `${texts.missedCount(missed)} ${texts.product}` : texts.product
  if (call.state === 'incoming')
    return `☎ ${withCalledFor(texts.incomingAudio(call.party.name), call.calledFor?.name)}`
  return `${texts.callWith(call.party.name)} · ${texts.product}`
}
