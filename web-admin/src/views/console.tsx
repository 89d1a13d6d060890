/** The open console: everything on one page. */
import { useMemo } from 'preact/hooks'
import type { Session, SetupState, User } from '../../../src/admin/message.ts'
import { Api } from '../api.ts'
import { usePolled } from '../parts.tsx'
import { Calls } from './calls.tsx'
import { Invites } from './invites.tsx'
import { People } from './people.tsx'
import { Requests } from './requests.tsx'
import { Site } from './site.tsx'

export function Console(props: {
  readonly setup: SetupState
  readonly session: Session
  readonly isNew: boolean
  readonly onLoggedOut: () => void
}) {
  const { setup, session, onLoggedOut } = props
  const api = useMemo(() => new Api(session.csrfToken, onLoggedOut), [session.csrfToken])
  const isOwner = session.role === 'owner'
  const users = usePolled(async () => (isOwner ? await api.get<User[]>('/users') : []), 10)
  const logOut = async () => {
    await api.delete('/session').catch(() => {})
    onLoggedOut()
  }
  return (
    <>
      <header class="top">
        <h1>{setup.place || 'lanline'}</h1>
        <nav aria-label="This console">
          <a href="/">Phone</a>
          <span class="who">{session.displayName}</span>
          <button type="button" onClick={() => void logOut()}>
            Log out
          </button>
        </nav>
      </header>
      <main class="wide">
        {props.isNew && (
          <p class="notice" role="status">
            It is yours now, and this browser is your first phone. <a href="/">Open the phone</a>, or invite
            somebody.
          </p>
        )}
        <p class="failure" role="alert">
          {users.failure}
        </p>
        <div class="columns">
          {isOwner && (
            <div>
              <Requests api={api} users={users.value ?? []} onAnswered={users.reload} />
              <People api={api} users={users.value} onChanged={users.reload} />
            </div>
          )}
          <div>
            {isOwner && <Invites api={api} users={users.value ?? []} />}
            {isOwner && <Site api={api} />}
            <Calls api={api} />
          </div>
        </div>
        <footer>
          <details>
            <summary>Certificate fingerprint (SHA-256)</summary>
            <code>{setup.caFingerprint}</code>
          </details>
        </footer>
      </main>
    </>
  )
}
