/** Which version runs, and the way to the next one: chosen, verified, confirmed, installed, and how it went. */
import { useEffect, useState } from 'preact/hooks'
import type { Health } from '../../../src/admin/message.ts'
import type { ReadyUpdate, UpdateState } from '../../../src/update/message.ts'
import { useConsole } from '../console.ts'
import { type Loaded, usePolled } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Field, Form, Tick } from '../parts/form.tsx'
import { Await } from '../parts/states.tsx'
import { dated, when } from '../parts/time.tsx'
import { attempt } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { update } from '../texts/update.ts'
import { uploadWithProgress } from './upload.ts'

/** While something goes on, and else. */
const lookSeconds = { busy: 1, idle: 15 } as const

export function Update() {
  const { api } = useConsole()
  const [busy, setBusy] = useState(false)
  const every = busy ? lookSeconds.busy : lookSeconds.idle
  const state = usePolled(() => api.get<UpdateState>('/update'), every)
  const goesOn = state.value !== undefined && isBusy(state.value)
  useEffect(() => setBusy(goesOn), [goesOn])
  return (
    <Card title={update.title} name="update">
      <Await of={state} lines={3}>
        {now => (
          <>
            <dl class="facts">
              <div class="fact">
                <dt>{update.version}</dt>
                <dd>lanline {now.version}</dd>
              </div>
            </dl>
            <HowItWent now={now} />
            {now.installation === 'image' ? <OfAnImage now={now} state={state} /> : <Elsewhere now={now} />}
          </>
        )}
      </Await>
    </Card>
  )
}

function Elsewhere({ now }: { readonly now: UpdateState }) {
  const isPackage = now.installation === 'package'
  const command = isPackage ? update.packageCommand : update.sourceCommand
  return (
    <>
      <p class="soft">{isPackage ? update.howPackage : update.howSource}</p>
      <p>
        <code>{command}</code>
      </p>
    </>
  )
}

function HowItWent({ now: { status, trial, changesWait, version } }: { readonly now: UpdateState }) {
  if (trial) {
    return (
      <p class="note warn" role="status">
        {update.onTrial(version)} {changesWait && update.onTrialWaits}
      </p>
    )
  }
  const { from = '', to = '', why = '' } = status ?? {}
  switch (status?.phase) {
    case 'confirmed':
      return (
        <p class="note good" role="status">
          {update.confirmed(from, to)} <span class="soft small">{when(status.at)}</span>
        </p>
      )
    case 'wentBack':
      return (
        <p class="note bad" role="status">
          {update.wentBack(from, to, why)} {update.wentBackData}{' '}
          <span class="soft small">{when(status.at)}</span>
        </p>
      )
    case 'failed':
      return (
        <p class="note bad" role="status">
          {update.failed(to, why)} <span class="soft small">{when(status.at)}</span>
        </p>
      )
    default:
      return null
  }
}

interface Props {
  readonly now: UpdateState
  readonly state: Loaded<UpdateState>
}

const working = ['verifying', 'writing', 'checking'] as const

const isBusy = ({ trial, status }: UpdateState): boolean =>
  trial || status?.phase === 'restarting' || working.some(phase => phase === status?.phase)

function OfAnImage({ now, state }: Props) {
  const { api } = useConsole()
  /** When the last one ended that was there as this one was asked for. */
  const [asked, setAsked] = useState<number>()
  useEffect(() => {
    if (asked === undefined) return
    const timer = setInterval(() => void state.reload(), lookSeconds.busy * 1_000)
    return () => clearInterval(timer)
  }, [asked, state.reload])
  const phase = now.status?.phase
  const isNews = (now.status?.at ?? -1) !== asked
  if (phase === 'restarting' && isNews) return <Restarting to={now.status?.to ?? ''} />
  if (working.some(word => word === phase)) {
    const { percent } = now.status!
    return (
      <div class="stack" role="status">
        <p>{update.percentOf(update.phases[phase!]!, percent)}</p>
        <progress value={percent} max={100} aria-label={update.phases[phase!]} />
      </div>
    )
  }
  if (asked !== undefined && !isNews) return <p role="status">{update.starting}</p>
  if (now.trial) return null
  if (now.ready === undefined) return <Choose onReady={state.reload} />
  return (
    <Ready
      ready={now.ready}
      onInstall={async evenIfNotNewer => {
        await api.post('/update/install', { evenIfNotNewer })
        setAsked(now.status?.at ?? -1)
        await state.reload()
      }}
      onForget={() =>
        attempt(async () => {
          await api.delete('/update')
          await state.reload()
        })
      }
    />
  )
}

function Choose({ onReady }: { readonly onReady: () => Promise<void> }) {
  const { session } = useConsole()
  const [percent, setPercent] = useState<number>()
  return (
    <>
      <p class="soft">{update.howImage}</p>
      <Form
        submit={update.upload}
        label={update.title}
        onSubmit={async (_, form) => {
          const { files } = form.elements.namedItem('update') as HTMLInputElement
          setPercent(0)
          try {
            await uploadWithProgress<ReadyUpdate>('/update', files![0]!, session.csrfToken, setPercent)
            await onReady()
          } finally {
            setPercent(undefined)
          }
        }}
      >
        <Field label={update.file} name="update" type="file" required hint={update.fileHint} />
        {percent !== undefined && (
          <div class="stack" role="status">
            <p>{percent < 100 ? update.uploading(percent) : update.looking}</p>
            <progress value={percent} max={100} aria-label={update.file} />
          </div>
        )}
      </Form>
    </>
  )
}

function Ready(props: {
  readonly ready: ReadyUpdate
  readonly onInstall: (evenIfNotNewer: boolean) => Promise<void>
  readonly onForget: () => Promise<void>
}) {
  const { manifest, from, relation } = props.ready
  const [asking, setAsking] = useState(false)
  const [understood, setUnderstood] = useState(false)
  const isNewer = relation === 'newer'
  return (
    <div class="stack" role="status">
      <p>{update.ready}</p>
      <ul class="bullets">
        <li>
          {update.fromTo(from, manifest.version)} {update.made(manifest.build)}
        </li>
        <li>{update.madeAt(dated(manifest.createdAt))}</li>
        <li>{update.size(Math.ceil(manifest.rootBytes / 1_000_000))}</li>
      </ul>
      {!isNewer && <p class="note warn">{update.notNewer[relation]}</p>}
      {!isNewer && (
        <Tick
          label={update.understood}
          name="understood"
          checked={understood}
          onChange={checked => setUnderstood(checked)}
        />
      )}
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          disabled={!isNewer && !understood}
          onClick={() => setAsking(true)}
        >
          {update.install}
        </button>
        <button type="button" class="button quiet" onClick={() => void props.onForget()}>
          {common.cancel}
        </button>
      </div>
      {asking && (
        <Confirm
          title={update.installOf(manifest.version)}
          lost={[...update.installLost, update.changesWait]}
          confirm={update.install}
          harmless
          onClose={() => setAsking(false)}
          onConfirm={() => props.onInstall(!isNewer)}
        />
      )}
    </div>
  )
}

const slowMilliseconds = 180_000

/** Waits until somebody else's process answers, then begins anew: the login, and behind it how it went. */
function Restarting({ to }: { readonly to: string }) {
  const { api } = useConsole()
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const began = Date.now()
    const timer = setInterval(async () => {
      setSlow(Date.now() - began > slowMilliseconds)
      const health = await api.get<Health>('/health').catch(() => undefined)
      if (health !== undefined && health.uptimeSeconds * 1_000 < Date.now() - began) location.reload()
    }, lookSeconds.busy * 2_000)
    return () => clearInterval(timer)
  }, [api])
  return (
    <div role="status">
      <p>{update.restarting(to)}</p>
      {slow && <p class="soft">{update.slow}</p>}
    </div>
  )
}
