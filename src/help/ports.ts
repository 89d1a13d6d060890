/** What Help needs from others. */
import type { CallRow } from '../calls/message.ts'
import type {
  ApplianceFacts,
  CallFacts,
  Incident,
  KnownNetwork,
  NetworkedCall,
  PersonFacts,
} from './message.ts'

export interface HelpPorts {
  people(): readonly PersonFacts[]
  appliance(): ApplianceFacts
  /** Calls of this person between two moments by wall time, newest first. */
  callsBetween(user: string, from: number, until: number): Promise<readonly CallRow[]>
  /** What its trace tells of how it went. */
  factsOf(row: CallRow): Promise<CallFacts>
  /** The newest calls that were answered. */
  networked(): Promise<readonly NetworkedCall[]>
  /** This machine's networks, and those that the configuration names. */
  networks(): readonly KnownNetwork[]
}

export interface IncidentStore {
  load(): Promise<readonly Incident[]>
  save(changed: ReadonlyMap<string, Incident>): Promise<void>
}
