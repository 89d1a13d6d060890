/** Which of the three the console is: to be claimed, to be logged in to, or open. */
import { type ComponentType, createElement } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Session, SetupState } from '../../src/admin/message.ts'
import { Api, ApiError } from './api.ts'
import { loadCode } from './code.ts'
import { Frame } from './frame.tsx'
import icon from './icon.svg'
import { messageOf } from './load.ts'
import { Login } from './pages/login.tsx'
import { common } from './texts/common.ts'
import { isVisiting, type VisitProps } from './visit.ts'

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | {
      readonly kind: 'visit'
      readonly setup: SetupState
      readonly session: Session | undefined
      readonly component: ComponentType<VisitProps>
    }
  | { readonly kind: 'login'; readonly setup: SetupState; readonly wasOpen: boolean }
  | { readonly kind: 'open'; readonly setup: SetupState; readonly session: Session }

export function App() {
  const [state, setState] = useState<State>({ kind: 'loading' })
  const start = async () => {
    const api = new Api()
    try {
      const setup = await api.get<SetupState>('/setup')
      const session = setup.claimed ? await sessionOf(api) : undefined
      if (!setup.claimed || (session?.role === 'owner' && isVisiting())) {
        const { Visit } = await loadCode(() => import('./pages/visit.tsx'))
        return setState({ kind: 'visit', setup, session, component: Visit })
      }
      if (session !== undefined) {
        // Nothing is new: whoever is inside keeps what they see and have typed.
        const known = JSON.stringify([setup, session])
        return setState(old =>
          old.kind === 'open' && JSON.stringify([old.setup, old.session]) === known
            ? old
            : { kind: 'open', setup, session },
        )
      }
      setState(old => ({ kind: 'login', setup, wasOpen: old.kind === 'open' }))
    } catch (error) {
      // Whoever is inside stays there and is told by the frame.
      setState(old => (old.kind === 'open' ? old : { kind: 'unreachable', message: messageOf(error) }))
    }
  }
  useEffect(() => void start(), [])
  const again = () => void start()

  switch (state.kind) {
    case 'loading':
      return (
        <main class="single" aria-busy="true">
          <p role="status">{common.oneMoment}</p>
        </main>
      )
    case 'unreachable':
      return (
        <main class="single">
          <div class="sheet-card">
            <p class="brand">
              <img src={icon} alt="" /> {common.product}
            </p>
            <h1>{common.failed}</h1>
            <p role="alert">{state.message}</p>
            <button type="button" class="button primary large" onClick={again}>
              {common.tryAgain}
            </button>
          </div>
        </main>
      )
    case 'visit':
      return createElement(state.component, {
        setup: state.setup,
        session: state.session,
        onChanged: again,
      })
    case 'login':
      return <Login place={state.setup.place} wasOpen={state.wasOpen} onLoggedIn={start} />
    case 'open':
      return <Frame setup={state.setup} session={state.session} onReload={again} />
  }
}

async function sessionOf(api: Api): Promise<Session | undefined> {
  return api.get<Session>('/session').catch(error => {
    if (error instanceof ApiError && error.status === 401) return undefined
    throw error
  })
}
