/** The call log, newest first. */
import { useState } from 'preact/hooks'
import type { CallList } from '../../../src/admin/message.ts'
import type { CallRow } from '../../../src/calls/message.ts'
import type { Api } from '../api.ts'
import { Card, usePolled } from '../parts.tsx'
import { outcome, path, when } from '../words.ts'

const pageSize = 20

export function Calls({ api }: { readonly api: Api }) {
  const [older, setOlder] = useState<readonly CallRow[]>([])
  const newest = usePolled(() => api.get<CallList>(`/calls?limit=${pageSize}`), 5)
  const first = newest.value?.calls ?? []
  const calls = [...first, ...older.filter(call => !first.some(known => known.id === call.id))]
  const total = newest.value?.total
  const more = async () => {
    const last = calls.at(-1)
    if (last === undefined) return
    const page = await api.get<CallList>(`/calls?limit=${pageSize}&before=${encodeURIComponent(last.id)}`)
    setOlder([...older, ...page.calls])
  }
  return (
    <Card title="Calls" count={total}>
      <p class="failure" role="alert">
        {newest.failure}
      </p>
      {calls.length === 0 && newest.value && <p class="quiet">No call yet.</p>}
      <ul class="plain calls">
        {calls.map(call => (
          <li key={call.id} class={`line ${call.missed ? 'missed' : ''}`}>
            <span>
              {call.callerName || call.callerUser} <span aria-hidden="true">→</span>
              <span class="hidden"> called </span> {call.calleeName || call.calleeUser}
              <span class="quiet"> {call.video ? 'video' : 'audio'}</span>
            </span>
            <span class="quiet">
              {when(call.startedAt)} · {call.missed ? 'missed, ' : ''}
              {outcome(call)}
              {path(call) && ` · ${path(call)}`}
            </span>
          </li>
        ))}
      </ul>
      {total !== undefined && calls.length < total && (
        <button type="button" onClick={() => void more()}>
          Older calls
        </button>
      )}
    </Card>
  )
}
