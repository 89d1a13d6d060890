/** What every page of the open console has at hand. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session, SetupState } from '../../src/admin/message.ts'
import type { Api } from './api.ts'
import type { Live } from './live.ts'

export interface ConsoleContext {
  readonly api: Api
  readonly session: Session
  readonly setup: SetupState
  readonly isOwner: boolean
  readonly live: Live
  /** Place and session are read anew. */
  readonly reload: () => void
}

export const Console = createContext<ConsoleContext | undefined>(undefined)

export const useConsole = (): ConsoleContext => useContext(Console)!
