/** Who is waiting at the door. */
import { useState } from 'preact/hooks'
import { secondsUntilMonday, secondsUntilTonight } from '../../../client/stay.ts'
import type { User, WaitingRequest } from '../../../src/admin/message.ts'
import type { Api } from '../api.ts'
import { Card, usePolled } from '../parts.tsx'
import { ago } from '../words.ts'

export function Requests(props: {
  readonly api: Api
  readonly users: readonly User[]
  readonly onAnswered: () => Promise<void>
}) {
  const { api, users } = props
  const waiting = usePolled(() => api.get<WaitingRequest[]>('/requests'), 3)
  const [failure, setFailure] = useState('')
  const answer = async (path: string, body: unknown) => {
    try {
      await api.post(path, body)
      setFailure('')
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
    await Promise.all([waiting.reload(), props.onAnswered()])
  }
  const requests = waiting.value ?? []
  return (
    <Card
      title="Waiting to be let in"
      count={requests.length}
      className={requests.length > 0 ? 'urgent' : ''}
    >
      <p class="failure" role="alert">
        {failure || waiting.failure}
      </p>
      <div aria-live="polite">
        {requests.length === 0 && <p class="quiet">Nobody is waiting.</p>}
        <ul class="plain">
          {requests.map(request => (
            <Waiting key={request.id} request={request} users={users} answer={answer} />
          ))}
        </ul>
      </div>
    </Card>
  )
}

function Waiting(props: {
  readonly request: WaitingRequest
  readonly users: readonly User[]
  readonly answer: (path: string, body: unknown) => Promise<void>
}) {
  const { request, users, answer } = props
  const [user, setUser] = useState('')
  const path = `/requests/${request.id}`
  return (
    <li class="item">
      <div>
        <strong>{request.displayName}</strong>
        <div class="quiet">
          {request.deviceName} · {request.address} · {ago(request.createdAt)}
        </div>
      </div>
      <div class="buttons">
        <label class="inline">
          <span>as</span>
          <select value={user} onChange={event => setUser(event.currentTarget.value)}>
            <option value="">a new person</option>
            {users.map(person => (
              <option key={person.name} value={person.name}>
                {person.displayName}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="primary"
          aria-label={`Allow ${request.displayName}`}
          onClick={() => void answer(`${path}/allow`, user === '' ? {} : { user })}
        >
          Allow
        </button>
        {user === '' && (
          <>
            <button
              type="button"
              aria-label={`Allow ${request.displayName} until tonight`}
              onClick={() => void answer(`${path}/allow`, { staySeconds: secondsUntilTonight(new Date()) })}
            >
              Until tonight
            </button>
            <button
              type="button"
              aria-label={`Allow ${request.displayName} for the weekend`}
              onClick={() => void answer(`${path}/allow`, { staySeconds: secondsUntilMonday(new Date()) })}
            >
              For the weekend
            </button>
          </>
        )}
        <button
          type="button"
          aria-label={`Deny ${request.displayName}`}
          onClick={() => void answer(`${path}/deny`, {})}
        >
          Deny
        </button>
      </div>
    </li>
  )
}
