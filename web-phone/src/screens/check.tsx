/** "Check my connection": one run of the check, what it found, and the report to copy. */
import type { ComponentChildren } from 'preact'
import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import type { Phone } from '../../../client/phone.ts'
import { Checkup, type Step, steps } from '../check/checkup.ts'
import { echoUser } from '../check/echo.ts'
import type { CheckId, Finding, Level } from '../check/facts.ts'
import { judge, summarise } from '../check/judge.ts'
import { levelNames, reportText } from '../check/report.ts'
import { playTestTone } from '../check/sound.ts'
import { deviceName } from '../device.ts'
import { chosenDevices } from '../devices.ts'
import type { Line } from '../line.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Meter } from '../parts/meter.tsx'
import { texts } from '../texts.ts'

const words = texts.check

const doubleClickMilliseconds = 600

const groups = {
  page: ['secure', 'certificate', 'name', 'otherName'],
  line: ['line', 'clock'],
  devices: ['microphone', 'camera', 'speaker'],
  way: ['network', 'addresses', 'echoSound', 'echoPicture', 'path', 'devices'],
} as const satisfies Record<keyof typeof words.groups, readonly CheckId[]>

/** On a wide screen each stands below the other; on a narrow one they follow as `groups` has them. */
const columns = [
  ['page', 'devices'],
  ['line', 'way'],
] as const

/** Where a finding comes from; those not named come from nowhere but the person or the end. */
const stepOf: Partial<Record<CheckId, Step>> = {
  certificate: 'network',
  name: 'network',
  otherName: 'network',
  line: 'network',
  clock: 'network',
  microphone: 'microphone',
  camera: 'camera',
  network: 'addresses',
  addresses: 'addresses',
  echoSound: 'echo',
  echoPicture: 'echo',
  path: 'echo',
}

export function CheckScreen({
  line,
  phone,
  onClose,
}: {
  readonly line: Line
  readonly phone: Phone | undefined
  readonly onClose: () => void
}) {
  const [checkup, setCheckup] = useState<Checkup>()
  const [, redraw] = useReducer((count: number) => count + 1, 0)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  // Leaving the screen, by hand or for a call, lets go of microphone and camera.
  useEffect(() => () => checkup?.stop(), [checkup])
  const start = () => {
    const next = new Checkup({ phone, lastCall: line.talk.lastCall })
    next.on('changed', () => redraw(undefined))
    setCheckup(next)
    void next.run()
  }
  const findings = checkup ? judge(checkup.facts) : []
  return (
    <div class="home check">
      <header class="bar">
        <button
          type="button"
          class="icon-button"
          aria-label={words.back}
          title={words.back}
          onClick={onClose}
        >
          <Icon name="back" />
        </button>
        <h1 ref={heading} tabindex={-1}>
          {words.title}
        </h1>
      </header>
      <main>
        <Head checkup={checkup} findings={findings} start={start} version={phone?.me?.version ?? ''} />
        <div class="check-groups">
          {columns.map(column => (
            <div key={column[0]}>
              {column.map(group => (
                <Group key={group} {...{ group, checkup, findings, line, phone }} />
              ))}
            </div>
          ))}
        </div>
      </main>
    </div>
  )
}

function Head({
  checkup,
  findings,
  start,
  version,
}: {
  readonly checkup: Checkup | undefined
  readonly findings: readonly Finding[]
  readonly start: () => void
  readonly version: string
}) {
  const state = checkup?.state
  const startedAt = useRef(0)
  const begin = () => {
    startedAt.current = performance.now()
    start()
  }
  // The second half of a double click is not meant.
  const stop = () => {
    if (performance.now() - startedAt.current > doubleClickMilliseconds) checkup?.stop()
  }
  const summary = state === 'done' ? summarise(findings) : undefined
  const step = checkup?.step
  return (
    <section class={`panel check-head ${summary?.level ?? ''}`}>
      {summary && <Mark level={summary.level} />}
      {/* Always there, so that what comes into it is read out. */}
      <p class="check-summary" role="status" aria-live="polite" aria-atomic="true">
        {state === undefined && words.lead}
        {state === 'running' && words.steps[step ?? 'network']}
        {state === 'stopped' && words.stopped}
        {summary?.text}
        {summary?.advice && <small>{summary.advice}</small>}
      </p>
      {state === 'running' && (
        <progress
          max={steps.length}
          value={steps.indexOf(step ?? 'network') + 0.5}
          aria-label={words.running}
        />
      )}
      <div class="actions">
        {state === 'running' ? (
          <button type="button" class="button" onClick={stop}>
            {words.stop}
          </button>
        ) : (
          <button type="button" class="button primary" onClick={begin}>
            {state === undefined ? words.start : words.again}
          </button>
        )}
        {summary && checkup && (
          <CopyReport
            text={() =>
              reportText(
                {
                  at: Date.now(),
                  browser: deviceName(navigator.userAgent),
                  version: checkup.version || version,
                  summary: summary.text,
                },
                findings,
              )
            }
          />
        )}
      </div>
    </section>
  )
}

/** Where the browser does not let us, the text is there to be copied by hand. */
function CopyReport({ text }: { readonly text: () => string }) {
  const [state, setState] = useState<'' | 'copied' | 'byHand'>('')
  const copy = () =>
    navigator.clipboard.writeText(text()).then(
      () => setState('copied'),
      () => setState('byHand'),
    )
  return (
    <>
      <button type="button" class="button" onClick={() => void copy()}>
        <span aria-live="polite">{state === 'copied' ? texts.copied : words.copy}</span>
      </button>
      {state === 'byHand' && (
        <textarea class="report" aria-label={words.reportLabel} readonly rows={8} value={text()} />
      )}
    </>
  )
}

function Group({
  group,
  checkup,
  findings,
  line,
  phone,
}: {
  readonly group: keyof typeof groups
  readonly checkup: Checkup | undefined
  readonly findings: readonly Finding[]
  readonly line: Line
  readonly phone: Phone | undefined
}) {
  const finished = checkup !== undefined && checkup.state !== 'running'
  const ids = groups[group].filter(id => !finished || findings.some(finding => finding.id === id))
  if (ids.length === 0) return null
  return (
    <section class={`panel check-group of-${group}`} aria-labelledby={`check-${group}`}>
      <h2 id={`check-${group}`}>{words.groups[group]}</h2>
      <ul>
        {ids.map(id => (
          <Row key={id} id={id} checkup={checkup} finding={shown(id, findings, finished)}>
            {id === 'speaker' && checkup && finished && <Speaker checkup={checkup} />}
            {id === 'devices' && finished && phone && <Nearby phone={phone} line={line} />}
          </Row>
        ))}
      </ul>
    </section>
  )
}

/** What only a person or another device can tell is asked for at the end. */
function shown(id: CheckId, findings: readonly Finding[], finished: boolean): Finding | undefined {
  if (!finished && (id === 'speaker' || id === 'devices')) return undefined
  return findings.find(finding => finding.id === id)
}

function Row({
  id,
  checkup,
  finding,
  children,
}: {
  readonly id: CheckId
  readonly checkup: Checkup | undefined
  readonly finding: Finding | undefined
  readonly children?: ComponentChildren
}) {
  const running = finding === undefined && checkup?.state === 'running' && stepOf[id] === checkup.step
  const state = finding?.level ?? (running ? 'running' : 'waiting')
  return (
    <li class={`check-row ${state}`} data-check={id}>
      {finding ? <Mark level={finding.level} /> : <span class="mark" aria-hidden="true" />}
      <div>
        <p>
          <span class="unseen-text">
            {finding ? levelNames[finding.level] : running ? words.running : words.stillToCome}:{' '}
          </span>
          {finding?.found ?? words.names[id]}
        </p>
        {finding?.advice && finding.level !== 'ok' && <p class="advice">{finding.advice}</p>}
        {running && id === 'microphone' && <Meter level={checkup.level} />}
        {id === 'camera' && checkup?.preview && <Preview track={checkup.preview} />}
        {children}
      </div>
    </li>
  )
}

const marks: Record<Level, IconName> = { ok: 'check', warning: 'warning', failed: 'close', unchecked: 'dash' }

/** Colour and shape; the word stands beside it. */
function Mark({ level }: { readonly level: Level }) {
  return (
    <span class={`mark ${level}`}>
      <Icon name={marks[level]} />
    </span>
  )
}

function Preview({ track }: { readonly track: MediaStreamTrack }) {
  const video = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    if (video.current) video.current.srcObject = new MediaStream([track])
  }, [track])
  return <video ref={video} class="preview" aria-label={words.preview} autoplay playsinline muted />
}

function Speaker({ checkup }: { readonly checkup: Checkup }) {
  const [played, setPlayed] = useState(false)
  return (
    <div class="check-actions">
      <button
        type="button"
        class="text-button"
        onClick={() => {
          setPlayed(true)
          void playTestTone(chosenDevices().speaker).catch(() => {})
        }}
      >
        {words.playTone}
      </button>
      {played && (
        <>
          <button type="button" class="text-button" onClick={() => checkup.heardTone(true)}>
            {words.heard}
          </button>
          <button type="button" class="text-button" onClick={() => checkup.heardTone(false)}>
            {words.notHeard}
          </button>
        </>
      )}
    </div>
  )
}

/** People whose device would ring now: calling one is the only test between two devices. */
function Nearby({ phone, line }: { readonly phone: Phone; readonly line: Line }) {
  const people = phone.roster.filter(({ user, presence }) => user !== echoUser && presence === 'available')
  if (people.length === 0 || phone.state !== 'online') return null
  return (
    <div class="check-actions">
      {people.slice(0, 6).map(person => (
        <button key={person.user} type="button" class="text-button" onClick={() => line.place(person, false)}>
          {texts.call(person.name)}
        </button>
      ))}
    </div>
  )
}
