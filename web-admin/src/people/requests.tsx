/** Who is waiting at the door. */
import { useState } from 'preact/hooks'
import { secondsUntilMonday, secondsUntilTonight } from '../../../client/stay.ts'
import type { User, WaitingRequest } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { Card } from '../parts/card.tsx'
import { Loading } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { attempt } from '../parts/toast.tsx'
import { people } from '../texts/people.ts'

export function Requests(props: {
  readonly requests: readonly WaitingRequest[] | undefined
  readonly users: readonly User[]
}) {
  const { requests, users } = props
  return (
    <Card title={people.waiting} count={requests?.length}>
      <div aria-live="polite">
        {requests === undefined && <Loading lines={1} />}
        {requests?.length === 0 && <p class="soft">{people.nobodyWaiting}</p>}
        <ul class="rows waiting-rows">
          {requests?.map(request => (
            <Waiting key={request.id} request={request} users={users} />
          ))}
        </ul>
      </div>
    </Card>
  )
}

function Waiting({ request, users }: { readonly request: WaitingRequest; readonly users: readonly User[] }) {
  const { api } = useConsole()
  const [user, setUser] = useState('')
  const { displayName } = request
  const path = `/requests/${request.id}`
  const allow = (body: object) =>
    void attempt(() => api.post(`${path}/allow`, body), people.allowed(displayName))
  return (
    <li>
      <div class="row-main">
        <strong>{displayName}</strong>
        <span class="soft small">
          {request.deviceName} · {request.address} · <Time at={request.createdAt} relative />
        </span>
      </div>
      <label class="inline-label">
        <span>{people.as}</span>
        <select class="inline" value={user} onChange={event => setUser(event.currentTarget.value)}>
          <option value="">{people.somebodyNew}</option>
          {users
            .filter(({ role }) => role !== 'guest')
            .map(person => (
              <option key={person.name} value={person.name}>
                {person.displayName}
              </option>
            ))}
        </select>
      </label>
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          aria-label={people.allowName(displayName)}
          onClick={() => allow(user === '' ? {} : { user })}
        >
          {people.allow}
        </button>
        {user === '' && (
          <>
            <button
              type="button"
              class="button"
              aria-label={people.allowTonight(displayName)}
              onClick={() => allow({ staySeconds: secondsUntilTonight(new Date()) })}
            >
              {people.untilTonight}
            </button>
            <button
              type="button"
              class="button"
              aria-label={people.allowWeekend(displayName)}
              onClick={() => allow({ staySeconds: secondsUntilMonday(new Date()) })}
            >
              {people.forTheWeekend}
            </button>
          </>
        )}
        <button
          type="button"
          class="button quiet danger"
          aria-label={people.denyName(displayName)}
          onClick={() => void attempt(() => api.post(`${path}/deny`, {}), people.denied(displayName))}
        >
          {people.deny}
        </button>
      </div>
    </li>
  )
}
