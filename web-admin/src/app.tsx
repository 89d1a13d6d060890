/** Which of the three the console is: to be claimed, to be logged in to, or open. */
import { useEffect, useState } from 'preact/hooks'
import type { Session, SetupState } from '../../src/admin/message.ts'
import { Api, ApiError } from './api.ts'
import { Claim } from './views/claim.tsx'
import { Console } from './views/console.tsx'
import { Login } from './views/login.tsx'

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'claim'; readonly setup: SetupState }
  | { readonly kind: 'login'; readonly setup: SetupState }
  | { readonly kind: 'open'; readonly setup: SetupState; readonly session: Session; readonly isNew: boolean }

export function App() {
  const [state, setState] = useState<State>({ kind: 'loading' })
  const start = async (isNew = false) => {
    const api = new Api()
    try {
      const setup = await api.get<SetupState>('/setup')
      document.title = setup.place === '' ? 'lanline console' : `${setup.place} – lanline console`
      if (!setup.claimed) return setState({ kind: 'claim', setup })
      const session = await api.get<Session>('/session').catch(error => {
        if (error instanceof ApiError && error.status === 401) return undefined
        throw error
      })
      setState(session ? { kind: 'open', setup, session, isNew } : { kind: 'login', setup })
    } catch (error) {
      setState({ kind: 'unreachable', message: error instanceof Error ? error.message : String(error) })
    }
  }
  useEffect(() => void start(), [])

  switch (state.kind) {
    case 'loading':
      return (
        <main class="narrow" aria-busy="true">
          <p role="status">One moment …</p>
        </main>
      )
    case 'unreachable':
      return (
        <main class="narrow">
          <h1>lanline</h1>
          <p role="alert">{state.message}</p>
          <button type="button" class="primary" onClick={() => void start()}>
            Try again
          </button>
        </main>
      )
    case 'claim':
      return <Claim setup={state.setup} onClaimed={() => start(true)} />
    case 'login':
      return <Login place={state.setup.place} onLoggedIn={() => start()} />
    case 'open':
      return (
        <Console
          setup={state.setup}
          session={state.session}
          isNew={state.isNew}
          onLoggedOut={() => void start()}
        />
      )
  }
}
