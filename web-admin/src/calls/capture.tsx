/** A capture taken elsewhere is sent as it is; its progress is told, and what it showed. */
import { useId, useRef, useState } from 'preact/hooks'
import type { ErrorBody, ImportedCapture, ToldCall } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { Card } from '../parts/card.tsx'
import { callTexts as texts } from '../texts/calls.ts'
import { common } from '../texts/common.ts'

const limitBytes = 200_000_000

type State =
  | { readonly kind: 'idle'; readonly failure: string }
  | { readonly kind: 'sending'; readonly percent: number }
  | { readonly kind: 'done'; readonly answer: ImportedCapture }

export function CaptureCard(props: { readonly call: ToldCall; readonly onChanged: () => Promise<void> }) {
  const { call, onChanged } = props
  const { session } = useConsole()
  const [state, setState] = useState<State>({ kind: 'idle', failure: '' })
  const request = useRef<XMLHttpRequest | undefined>(undefined)
  const [file, takenAt] = [useId(), useId()]
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const chosen = form.get('file')
    if (!(chosen instanceof File) || chosen.size === 0)
      return setState({ kind: 'idle', failure: texts.captureNoFile })
    if (chosen.size > limitBytes) return setState({ kind: 'idle', failure: texts.captureTooLarge })
    const query = new URLSearchParams({
      name: chosen.name.slice(0, 64),
      takenAt: String(form.get('takenAt')),
    })
    setState({ kind: 'sending', percent: 0 })
    request.current = send(`/api/v1/calls/${encodeURIComponent(call.id)}/capture?${query}`, chosen, {
      csrfToken: session.csrfToken,
      onProgress: percent => setState({ kind: 'sending', percent }),
      onFailure: failure => setState({ kind: 'idle', failure }),
      onAnswer: answer => {
        setState({ kind: 'done', answer })
        if (answer.kind === 'added') void onChanged()
      },
    })
  }
  return (
    <Card title={texts.capture}>
      <p class="soft small">{texts.captureLead}</p>
      {state.kind === 'sending' ? (
        <Sending percent={state.percent} onStop={() => request.current?.abort()} />
      ) : (
        <form class="form" onSubmit={submit} aria-label={texts.capture}>
          <div class="field">
            <label for={file}>{texts.captureFile}</label>
            <input id={file} type="file" name="file" accept=".pcap,.pcapng,.cap" />
          </div>
          <div class="field">
            <label for={takenAt}>{texts.takenAt}</label>
            <select id={takenAt} name="takenAt">
              {Object.entries(texts.takenAts).map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </div>
          <p class="failure" role="alert">
            {state.kind === 'idle' && state.failure}
          </p>
          <div class="buttons">
            <button type="submit" class="button">
              {texts.captureSubmit}
            </button>
          </div>
        </form>
      )}
      <div role="status">{state.kind === 'done' && <Done answer={state.answer} />}</div>
    </Card>
  )
}

function Sending({ percent, onStop }: { readonly percent: number; readonly onStop: () => void }) {
  const name = useId()
  const label = percent < 100 ? texts.captureSending(percent) : texts.captureReading
  return (
    <div class="form">
      {/* Without a value it shows that something is done and not how much. */}
      <p id={name}>{label}</p>
      {percent < 100 ? (
        <progress aria-labelledby={name} max={100} value={percent} />
      ) : (
        <progress aria-labelledby={name} />
      )}
      <div class="buttons">
        <button type="button" class="button quiet" onClick={onStop}>
          {texts.captureCancel}
        </button>
      </div>
    </div>
  )
}

function Done({ answer }: { readonly answer: ImportedCapture }) {
  const { flows } = answer.facts
  const packets = flows.reduce((sum, flow) => sum + flow.packets, 0)
  return (
    <div class={`note ${answer.kind === 'added' ? 'good' : 'warn'}`}>
      <p>{texts.captureKinds[answer.kind]}</p>
      {flows.length > 0 && <p class="small">{texts.captureFound(flows.length, packets)}</p>}
      {answer.kind === 'added' && <p class="small">{answer.verdict.sentence}</p>}
    </div>
  )
}

interface Sent {
  readonly csrfToken: string
  readonly onProgress: (percent: number) => void
  readonly onFailure: (message: string) => void
  readonly onAnswer: (answer: ImportedCapture) => void
}

/** `fetch` tells nothing of how far it has come. */
function send(url: string, file: File, { csrfToken, onProgress, onFailure, onAnswer }: Sent): XMLHttpRequest {
  const request = new XMLHttpRequest()
  request.open('POST', url)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.setRequestHeader('x-csrf-token', csrfToken)
  request.responseType = 'json'
  request.upload.onprogress = ({ loaded, total }) =>
    onProgress(Math.floor((100 * loaded) / Math.max(1, total)))
  request.onabort = () => onFailure('')
  request.onerror = () => onFailure(texts.captureFailed)
  request.onload = () => {
    const body: unknown = request.response
    if (request.status === 200) return onAnswer(body as ImportedCapture)
    onFailure((body as ErrorBody | null)?.error.message ?? common.failed)
  }
  request.send(file)
  return request
}
