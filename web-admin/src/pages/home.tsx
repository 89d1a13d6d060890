/** The first page: what needs attention, who is there, which calls go on, and how the appliance is. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type {
  CallList,
  HealthDetail,
  HealthFinding,
  RelayNow,
  ToldCall,
  User,
} from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { type LiveState, useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { bytes, rate } from '../parts/amount.ts'
import { Avatar } from '../parts/avatar.tsx'
import { pathNow } from '../parts/call-path.ts'
import { Card, PageHead } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await, Empty, Loading } from '../parts/states.tsx'
import { dayOf, duration, Time, when } from '../parts/time.tsx'
import { hrefTo } from '../router.ts'
import { callTexts } from '../texts/calls.ts'
import { common } from '../texts/common.ts'
import { home } from '../texts/home.ts'
import './home.css'

const monthMilliseconds = 30 * 86_400_000

export default function Home() {
  const { live } = useConsole()
  const state = useLive(live)
  return (
    <>
      <PageHead title={home.title}>
        <Invite isLost={state.connection === 'lost'} />
      </PageHead>
      <Attention state={state} />
      <div class="columns level">
        <Available people={state.people} />
        <CallsNow calls={state.calls} />
      </div>
      <div class="below">
        <Appliance health={state.health} relay={state.relay} />
      </div>
    </>
  )
}

/** Without the appliance it leads nowhere, and says so by its look and to a screen reader; the focus can stay. */
function Invite({ isLost }: { readonly isLost: boolean }) {
  return (
    <a
      class="button no-print"
      href={hrefTo('people', undefined, { add: 'invite' })}
      aria-disabled={isLost}
      onClick={event => isLost && event.preventDefault()}
    >
      <Icon name="plus" /> {home.invite}
    </a>
  )
}

interface Matter {
  readonly level: 'problem' | 'warning' | 'door'
  readonly title: string
  readonly body: string
  readonly href?: string
}

/** Worst first; whoever waits at the door comes before what can wait. */
function mattersOf({ requests, health }: LiveState): readonly Matter[] {
  const findings = (health?.findings ?? []).map(matterOf).filter(matter => matter !== undefined)
  const doors = (requests ?? []).map(
    (request): Matter => ({
      level: 'door',
      title: home.doorTitle(request.displayName),
      body: home.doorBody(request.deviceName),
      href: hrefTo('people'),
    }),
  )
  return [
    ...findings.filter(({ level }) => level === 'problem'),
    ...doors,
    ...findings.filter(({ level }) => level === 'warning'),
  ]
}

function matterOf({ level, check, found, advice }: HealthFinding): Matter | undefined {
  if (level !== 'problem' && level !== 'warning') return undefined
  const title = check.startsWith('part ') ? home.partFailed(check.slice(5)) : `${capital(check)}: ${found}`
  const more = check.startsWith('part ') ? `${capital(found)}. ` : ''
  return { level, title: inWords(title), body: inWords(more + (advice ?? '')) }
}

/** Days as this browser's person writes them. */
const inWords = (text: string): string => text.replace(/\b\d{4}-\d\d-\d\d\b(?!T)/g, dayOf)

function Attention({ state }: { readonly state: LiveState }) {
  const { health } = state
  if (health === undefined) {
    return (
      <section class="card attention">
        <Loading lines={1} />
      </section>
    )
  }
  const matters = mattersOf(state)
  if (matters.length === 0) {
    return (
      <section class="card attention" aria-live="polite">
        <div class="well">
          <Icon name="check" />
          <div>
            <strong>{home.allWell}</strong>
            <p class="soft">
              {home.allWellBody(health.version, when(health.at - health.uptimeSeconds * 1_000))}
            </p>
          </div>
        </div>
      </section>
    )
  }
  return (
    <Card title={home.attention} count={matters.length} class="attention">
      <ul class="rows" aria-live="polite">
        {matters.map(({ level, title, body, href }) => (
          <li key={title} class={level}>
            <Icon name={level === 'door' ? 'door' : 'warning'} />
            <div class="row-main">
              <strong>{href === undefined ? title : <a href={href}>{title}</a>}</strong>
              <span class="soft">{body}</span>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Available({ people }: { readonly people: readonly User[] | undefined }) {
  const here = people?.filter(({ presence }) => presence !== 'away') ?? []
  const away = (people?.length ?? 0) - here.length
  return (
    <Card
      title={home.available}
      count={people && here.length}
      aside={<a href={hrefTo('people')}>{home.allPeople}</a>}
    >
      {people === undefined && <Loading />}
      {people !== undefined && here.length === 0 && (
        <Empty icon="people">
          <p>{home.nobody}</p>
          <p>{home.nobodyBody}</p>
        </Empty>
      )}
      {here.length > 0 && (
        <ul class="faces">
          {here.map(person => (
            <li key={person.name}>
              <a href={hrefTo('people', person.name)}>
                <Avatar name={person.displayName} presence={person.presence} />
                <span class="row-main">
                  <strong>{person.displayName}</strong>
                  <span class="soft small">{common.presence[person.presence]}</span>
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {here.length > 0 && away > 0 && <p class="soft">{home.others(away)}</p>}
    </Card>
  )
}

function CallsNow({ calls }: { readonly calls: readonly ToldCall[] | undefined }) {
  const [now, setNow] = useState(Date.now())
  const isBusy = (calls?.length ?? 0) > 0
  useEffect(() => {
    if (!isBusy) return
    const clock = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(clock)
  }, [isBusy])
  return (
    <Card title={home.callsNow} count={calls?.length} aside={<a href={hrefTo('calls')}>{home.lastCalls}</a>}>
      {calls === undefined && <Loading lines={2} />}
      {calls?.length === 0 && <p class="soft">{home.noCalls}</p>}
      {isBusy && (
        <ul class="rows">
          {calls!.map(call => (
            <CallNow key={call.id} call={call} now={now} />
          ))}
        </ul>
      )}
      <Ways />
    </Card>
  )
}

const pathWords = { direct: home.direct, relayed: home.relayed, unknown: home.pathUnknown } as const
const pathLooks = { direct: 'good', relayed: 'info', unknown: '' } as const

function CallNow({ call, now }: { readonly call: ToldCall; readonly now: number }) {
  const path = pathNow(call)
  const caller = call.callerName || call.callerUser
  const callee = call.calleeName || call.calleeUser
  return (
    <li>
      <Icon name={call.video ? 'video' : 'calls'} />
      <div class="row-main">
        <strong>
          <a href={hrefTo('calls', call.id)}>
            {caller} <span class="whole">{home.and(callee)}</span>
          </a>
        </strong>
        <span class="soft small">
          {call.video ? home.video : home.audio},{' '}
          {call.answeredAt == null
            ? home.ringing
            : home.talking(duration(Math.max(0, now - call.answeredAt)))}
          {call.answererUser != null && `, ${callTexts.takenBy(call.answererName || call.answererUser)}`}
        </span>
      </div>
      {call.answeredAt != null && <span class={`badge ${pathLooks[path]}`}>{pathWords[path]}</span>}
    </li>
  )
}

/** By which way calls went; nothing in a house without a call. */
function Ways() {
  const { api, live } = useConsole()
  const counts = useLoaded(async () => {
    const from = Date.now() - monthMilliseconds
    const count = async (path: string) =>
      (await api.get<CallList>(`/calls?limit=1&path=${path}&from=${from}`)).total
    const [direct, relayed, unknown] = await Promise.all(['direct', 'relayed', 'unknown'].map(count))
    return { direct: direct!, relayed: relayed!, unknown: unknown! }
  })
  // The verdict of a call is made a moment after its end.
  useEffect(
    () =>
      live.onCall(call => {
        if (call.endedAt != null) setTimeout(() => void counts.reload(), 2_000)
      }),
    [live],
  )
  return (
    <Await of={counts} lines={2}>
      {({ direct, relayed, unknown }) => <Share direct={direct} relayed={relayed} unknown={unknown} />}
    </Await>
  )
}

function Relay({ relay }: { readonly relay: RelayNow }) {
  const { state, detail, policy, grants, bytes: carried } = relay
  return (
    <>
      {state === 'failed'
        ? detail
        : policy === 'off'
          ? home.relayOff
          : grants === 0
            ? home.relayIdle
            : home.relayBusy(grants, rateOf(relay))}
      <span class="soft small">
        <br />
        {home.policies[policy]}
        {carried > 0 && <br />}
        {carried > 0 && home.relayTotal(bytes(carried))}
      </span>
    </>
  )
}

/** Nothing until it was counted for a moment: 0 would say that nothing flows. */
const rateOf = ({ kilobitsPerSecond }: RelayNow): string =>
  kilobitsPerSecond === 0 ? '' : rate(kilobitsPerSecond)

function Share(props: { readonly direct: number; readonly relayed: number; readonly unknown: number }) {
  const { direct, relayed, unknown } = props
  const known = direct + relayed
  if (known === 0) return null
  const percent = Math.round((direct / known) * 100)
  return (
    <div class="share">
      <p>
        <strong>{percent} %</strong> <span>{home.directShare}</span>
      </p>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class={relayed > 0 ? 'relayed' : 'track'} width="100" height="10" />
        <rect class="direct" width={percent} height="10" />
      </svg>
      <p class="soft small">{home.counts(direct, relayed, unknown)}</p>
    </div>
  )
}

function Appliance(props: {
  readonly health: HealthDetail | undefined
  readonly relay: RelayNow | undefined
}) {
  const { health, relay } = props
  if (health === undefined) {
    return (
      <Card title={home.health}>
        <Loading lines={6} />
      </Card>
    )
  }
  const { machine, certificate, findings } = health
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    [home.time, machine.clockSet ? <Time at={health.at} /> : home.timeUnset],
    [
      home.disk,
      machine.diskFreeBytes === undefined
        ? home.notTold
        : home.diskFree(bytes(machine.diskFreeBytes), bytes(machine.diskTotalBytes ?? 0)),
    ],
    [home.temperature, machine.celsius === undefined ? home.notTold : `${Math.round(machine.celsius)} °C`],
    [home.load, home.loadOf(machine.load.toFixed(1), machine.cores)],
    [home.memory, home.memoryOf(bytes(machine.processBytes), bytes(machine.memoryFreeBytes))],
    [home.certificate, home.certificateUntil(dayOf(certificate.notAfter))],
    [home.name, findings.find(({ check }) => check === 'found on the network')?.found ?? ''],
    [home.relay, relay && <Relay relay={relay} />],
  ]
  return (
    <Card title={home.health}>
      <dl class="facts tiles">
        {facts.map(([name, value]) => (
          <div class="fact" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <details class="checked">
        <summary>{home.checks(findings.length)}</summary>
        <ul class="rows">
          {findings.map(({ check, level, found }) => (
            <li key={check}>
              <div class="row-main">
                <strong>{capital(check)}</strong>
                <span class="soft small">{inWords(found)}</span>
              </div>
              <span class={`badge ${badgeOf[level]}`}>{home.levels[level]}</span>
            </li>
          ))}
        </ul>
      </details>
    </Card>
  )
}

const badgeOf = { ok: 'good', warning: 'warn', problem: 'bad', unknown: '' } as const
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
