/** Opens the store of one appliance: everything it keeps, as one port for each who needs it. */
import type { Epoch, Monotonic } from '../core/clock.ts'
import { Bindings } from './bindings.ts'
import { Calls } from './calls.ts'
import { StoreClient } from './client.ts'
import { Directory } from './directory.ts'
import { Grants } from './grants.ts'
import { StoredIncidents } from './incidents.ts'
import { Settings } from './settings.ts'
import { DiskSpace } from './space.ts'
import { Traces } from './traces.ts'

export interface Store {
  readonly directory: Directory
  readonly bindings: Bindings
  readonly calls: Calls
  readonly grants: Grants
  readonly incidents: StoredIncidents
  readonly settings: Settings
  readonly traces: Traces
  /** Room on the disk; `trouble` while nothing can be saved, `note` while room is short. */
  readonly space: Pick<DiskSpace, 'look' | 'note'> & { readonly trouble: string | undefined }
  /** Resolves with why, should the store's thread end by itself; nothing can be saved from then on. */
  readonly lost: Promise<string>
  /** Resolves when its thread has done what it was asked before. Rejects with `StoreError`. */
  answers(): Promise<void>
  /** Commits what is pending and lets go of the data directory. */
  close(): Promise<void>
}

/**
 * Opens or makes the store in `dataDirectory`, which no other process may hold: the daemon, or the command line while
 * the daemon is stopped. Rejects with `StoreError` (`locked` names the holder's process id, `newer`, `corrupt`,
 * `readOnly`, `diskFull`).
 */
export async function openStore(
  dataDirectory: string,
  now: () => Epoch = () => Date.now() as Epoch,
  running: () => Monotonic = () => performance.now() as Monotonic,
  /** This version is on trial: a copy of a database that it changes comes back should it fail. */
  onTrial = false,
): Promise<Store> {
  const client = await StoreClient.open(dataDirectory, onTrial)
  try {
    const settings = await Settings.load(client)
    const calls = new Calls(client)
    const directory = await Directory.load(client, settings, now, running)
    const traces = new Traces(client)
    const space = new DiskSpace({ directory: dataDirectory, rows: client, traces })
    client.onFull = () => void space.look().catch(() => {})
    return {
      directory,
      bindings: new Bindings(client),
      calls,
      grants: new Grants(client),
      incidents: new StoredIncidents(client),
      settings,
      traces,
      space: {
        look: () => space.look(),
        get note() {
          return space.note
        },
        get trouble() {
          return client.trouble
        },
      },
      lost: client.lost,
      answers: async () => {
        await client.read('SELECT 1')
      },
      close: async () => {
        calls.flush()
        await traces.flush().catch(() => {})
        // A disk that takes nothing more is no reason to keep hold of it.
        await directory.keepStays().catch(() => {})
        await client.close()
        space.closed()
      },
    }
  } catch (error) {
    await client.close()
    throw error
  }
}
