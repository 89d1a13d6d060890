/**
 * The first visit: one screen makes the appliance somebody's, four more can each be left out. A reload goes on with the
 * step it was at.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Network, Session, SetupResponse, SetupState } from '../../../src/admin/message.ts'
import { Api, ApiError } from '../api.ts'
import icon from '../icon.svg'
import { Live, useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Copy } from '../parts/copy.tsx'
import { Field, Form, type Values } from '../parts/form.tsx'
import { Qr } from '../parts/qr.tsx'
import { Await } from '../parts/states.tsx'
import { attempt, Toasts } from '../parts/toast.tsx'
import { hrefTo } from '../router.ts'
import { common } from '../texts/common.ts'
import { visit } from '../texts/visit.ts'
import { keepVisitStep, type VisitProps, type VisitStep, visitStep, visitSteps } from '../visit.ts'
import './visit.css'

/** Where the phone page looks for who this browser is. */
const enrolmentKey = 'lanline.enrolment'

export function Visit({ setup, session, onChanged }: VisitProps) {
  const [step, setStep] = useState<VisitStep>(visitStep() ?? 'trust')
  const api = useMemo(() => new Api(session?.csrfToken, onChanged), [session])
  const live = useMemo(() => new Live(onChanged), [session])
  useEffect(() => {
    if (session !== undefined) live.open()
    return () => live.close()
  }, [live])
  if (session === undefined) return <Claim setup={setup} onClaimed={onChanged} />
  const end = () => {
    keepVisitStep(undefined)
    history.replaceState(null, '', hrefTo('home'))
    onChanged()
  }
  const go = (to: VisitStep | undefined) => {
    if (to === undefined) return end()
    // The last step leads away: there is nothing to go on with.
    keepVisitStep(to === 'test' ? undefined : to)
    setStep(to)
    scrollTo(0, 0)
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.visit h1')?.focus())
  }
  const next = () => go(visitSteps[visitSteps.indexOf(step) + 1])
  const props: StepProps = { api, live, setup, session, next }
  return (
    <>
      <Sheet
        wide={step === 'phones'}
        aside={
          step !== 'test' && (
            <button type="button" class="link" onClick={end}>
              {visit.skipRest}
            </button>
          )
        }
      >
        <p class="steps">
          {visitSteps.map((each, index) => (
            <i key={each} class={index <= visitSteps.indexOf(step) ? 'done' : ''} />
          ))}
          <span>{visit.step(visitSteps.indexOf(step) + 1, visitSteps.length)}</span>
        </p>
        {step === 'trust' && (
          <p class="note good" id="mine">
            {visit.mine} {visit.logInAs(session.user)}
          </p>
        )}
        {step === 'trust' && <Trust {...props} />}
        {step === 'names' && <Names {...props} />}
        {step === 'phones' && <Phones {...props} />}
        {step === 'test' && <Test onEnd={end} />}
      </Sheet>
      <Toasts />
    </>
  )
}

interface StepProps {
  readonly api: Api
  readonly live: Live
  readonly setup: SetupState
  readonly session: Session
  readonly next: () => void
}

function Sheet(props: {
  readonly wide?: boolean
  /** Beside the brand, in sight however long the step is. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}) {
  return (
    <main class="single visit">
      <div class={`sheet-card ${props.wide ? 'wide' : ''}`}>
        <div class="sheet-head">
          <p class="brand">
            <img src={icon} alt="" /> {common.product}
          </p>
          {props.aside}
        </div>
        {props.children}
      </div>
    </main>
  )
}

function Claim({ setup, onClaimed }: { readonly setup: SetupState; readonly onClaimed: () => void }) {
  // The time may run out while this is filled in; then the answer says so.
  const [isOpen, setOpen] = useState(setup.openSeconds > 0)
  const [isTaken, setTaken] = useState(false)
  const [token] = useState(() => /^#claim=([\w-]+)$/.exec(location.hash)?.[1] ?? '')
  const claim = async (values: Values) => {
    const code = token || values.code || undefined
    const { place, displayName, password } = values
    const answer = await new Api()
      .post<SetupResponse>('/setup', { ...(code && { code }), place, displayName, password })
      .catch(error => {
        if (error instanceof ApiError && error.code === 'codeNeeded') setOpen(false)
        if (error instanceof ApiError && error.code === 'claimed') setTaken(true)
        throw error
      })
    if (localStorage.getItem(enrolmentKey) === null) {
      localStorage.setItem(enrolmentKey, JSON.stringify(answer.enrolment))
    }
    keepVisitStep('trust')
    history.replaceState(null, '', location.pathname)
    onClaimed()
  }
  const needsCode = token === '' && !isOpen
  return (
    <Sheet>
      <h1>{setup.reset ? visit.resetTitle : visit.welcome}</h1>
      <p class="soft">{setup.reset ? visit.resetLead : visit.lead}</p>
      {token === '' && isOpen && <p class="note small">{visit.open}</p>}
      <Form submit={visit.submit} large onSubmit={claim}>
        {needsCode && <Field label={visit.code} name="code" required maxLength={16} hint={visit.codeHint} />}
        <Field
          label={visit.place}
          name="place"
          value={setup.place}
          required
          maxLength={64}
          hint={visit.placeHint}
        />
        <Field
          label={visit.yourName}
          name="displayName"
          required
          maxLength={64}
          autocomplete="name"
          hint={setup.reset ? visit.yourNameAgain : visit.yourNameHint}
        />
        <Field
          label={visit.password}
          name="password"
          type="password"
          required
          minLength={10}
          maxLength={256}
          autocomplete="new-password"
          hint={visit.passwordHint}
        />
      </Form>
      {isTaken && (
        <div>
          <button type="button" class="link" onClick={onClaimed}>
            {visit.toLogin}
          </button>
        </div>
      )}
    </Sheet>
  )
}

function Trust({ api, setup, next }: StepProps) {
  const network = useLoaded(() => api.get<Network>('/network'))
  const door = network.value && doorOf(network.value)
  const title = useRef<HTMLHeadingElement>(null)
  // The button that made it theirs is gone; what it brought is read with the title.
  useEffect(() => title.current?.focus(), [])
  return (
    <>
      <h1 ref={title} tabIndex={-1} aria-describedby="mine">
        {visit.trustTitle}
      </h1>
      <p>{visit.trustBody}</p>
      {door && <p>{visit.trustHere(door)}</p>}
      <div class="buttons">
        <a class="button" href="/api/v1/authority.crt" download>
          {visit.trustFile}
        </a>
        <a class="button" href="/api/v1/authority.mobileconfig" download>
          {visit.trustProfile}
        </a>
      </div>
      <p class="hint">
        {visit.fingerprint}
        <code class="fingerprint">{setup.caFingerprint}</code>
      </p>
      <div class="actions">
        <button type="button" class="button primary large" onClick={next}>
          {visit.next}
        </button>
      </div>
    </>
  )
}

function Names({ api, next }: StepProps) {
  const answer = (showNames: boolean) =>
    attempt(async () => {
      await api.patch('/settings', { showNames })
      next()
    })
  return (
    <>
      <h1 tabIndex={-1}>{visit.namesTitle}</h1>
      <p>{visit.namesBody}</p>
      <div class="actions">
        <button type="button" class="button primary large" onClick={() => void answer(true)}>
          {visit.namesYes}
        </button>
        <button type="button" class="button large" onClick={() => void answer(false)}>
          {visit.namesNo}
        </button>
      </div>
    </>
  )
}

function Phones({ api, live, session, next }: StepProps) {
  const network = useLoaded(() => api.get<Network>('/network'))
  const { requests, people } = useLive(live)
  const others = (people ?? []).filter(person => person.name !== session.user)
  return (
    <>
      <h1 tabIndex={-1}>{visit.phonesTitle}</h1>
      <Await of={network} lines={6}>
        {({ joinUrl }) =>
          joinUrl === undefined ? (
            <p>{visit.phonesInvite}</p>
          ) : (
            <div class="door">
              <Qr text={joinUrl} label={visit.qrLabel(joinUrl)} />
              <div class="door-words">
                <p>{visit.phonesBody}</p>
                <div>
                  <p class="hint">{visit.phonesLink}</p>
                  <Copy text={joinUrl} label={visit.phonesAddress} />
                </div>
              </div>
            </div>
          )
        }
      </Await>
      <div aria-live="polite">
        {requests?.length === 0 && others.length === 0 && <p class="soft">{visit.nobodyYet}</p>}
        {others.length > 0 && <p>{visit.joined(others.map(({ displayName }) => displayName))}</p>}
        <ul class="rows">
          {requests?.map(request => (
            <li key={request.id}>
              <span class="row-main">{visit.asks(request.displayName, request.deviceName)}</span>
              <button
                type="button"
                class="button primary"
                aria-label={visit.allowName(request.displayName)}
                onClick={() => void attempt(() => api.post(`/requests/${request.id}/allow`, {}))}
              >
                {visit.allow}
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div class="actions">
        <button type="button" class="button primary large" onClick={next}>
          {visit.next}
        </button>
      </div>
    </>
  )
}

function Test({ onEnd }: { readonly onEnd: () => void }) {
  return (
    <>
      <h1 tabIndex={-1}>{visit.testTitle}</h1>
      <p>{visit.testBody}</p>
      <div class="actions">
        <a class="button primary large" href="/#check">
          {visit.testStart}
        </a>
        <button type="button" class="button large" onClick={onEnd}>
          {visit.done}
        </button>
      </div>
    </>
  )
}

/** Where the LAN is told how to go on. */
function doorOf({ addresses, ports, hostname, discovery }: Network): string {
  const named = discovery.state === 'ready' ? `${hostname}.local` : addresses[0]?.address
  const host = named ?? `${hostname}.local`
  return `http://${host.includes(':') ? `[${host}]` : host}${ports.http === 80 ? '' : `:${ports.http}`}/`
}
