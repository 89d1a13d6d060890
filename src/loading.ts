/**
 * What is loaded before the first machine can be made: the store with what goes on from before, the setup file, the name
 * to try for, the certificates. A part of the composition root.
 */
import { mkdirSync } from 'node:fs'
import { hostname as machineName } from 'node:os'
import { findResetFile } from './admin/reset-file.ts'
import { readSetupFile, type SetupFile } from './admin/setup-file.ts'
import { applyBackup, putBack } from './backup/backup.ts'
import { CallsMachine, callLimits } from './calls/machine.ts'
import type { CallRow, KeptCall } from './calls/message.ts'
import type { Config } from './config.ts'
import type { Monotonic } from './core/clock.ts'
import type { Log } from './core/log.ts'
import type { Incident } from './help/message.ts'
import type { RelayReason } from './relay/message.ts'
import type { SignsOfLife } from './runtime/alive.ts'
import { epochAt, realClock } from './runtime/clock.ts'
import { type Interfaces, readInterfaces } from './runtime/interfaces.ts'
import { OwnNames } from './runtime/names.ts'
import type { LoadedBinding } from './store/bindings.ts'
import { trialCopyIn } from './store/copies.ts'
import { holding } from './store/database.ts'
import { StoreError } from './store/errors.ts'
import { openStore, type Store } from './store/store.ts'
import { Certificates } from './tls/certificates.ts'
import { begunAgo } from './trace/clocks.ts'
import type { KnownCall } from './trace/machine-message.ts'

/** What was loaded before the first machine could be made. */
export interface Loaded {
  readonly store: Store
  readonly setupFile: SetupFile
  readonly interfaces: Interfaces
  readonly names: OwnNames
  readonly certificates: Certificates
  readonly bindings: readonly LoadedBinding[]
  readonly calls: CallsMachine
  /** Calls that relayed when the daemon ended. */
  readonly grants: readonly { readonly call: string; readonly reason: RelayReason }[]
  /** Calls that go on, as their traces know them. */
  readonly traced: readonly KnownCall[]
  /** What Help remembers. */
  readonly incidents: readonly Incident[]
  /** Of this process and the one before. */
  readonly signs: SignsOfLife
}

/** How this version was started: `image` from a slot of an image, `onTrial` after an update, to be tried. */
export interface Start {
  readonly image: boolean
  readonly onTrial: boolean
}

/** Takes in a backup that waits, then opens the store. Rejects with `StoreError`. */
export async function openData(directory: string, log: Log, start: Start): Promise<Store> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (holding(directory, () => applyBackup(directory))) log.warn('restored')
  try {
    return await openStore(directory, realClock.epoch, realClock.monotonic, start.onTrial)
  } catch (error) {
    const copy = trialCopyIn(directory)
    const isUnread = error instanceof StoreError && ['newer', 'corrupt'].includes(error.code)
    if (!isUnread || copy === undefined || !start.image || start.onTrial) throw error
    // The version that failed its trial had changed the database already, or the card lost pages of it meanwhile.
    holding(directory, () => {
      putBack(directory, copy.name)
      applyBackup(directory)
    })
    log.warn('trialFailed', { restored: copy.name })
    return openStore(directory, realClock.epoch, realClock.monotonic)
  }
}

export async function load(store: Store, { data, net }: Config, signs: SignsOfLife): Promise<Loaded> {
  await releaseIfAsked(store, data.dir)
  const setupFile = readSetupFile(data.dir)
  const interfaces = readInterfaces(net.bind)
  const names = new OwnNames({
    hostname: await presetSite(store, net.hostname, setupFile),
    machineName: machineName(),
    addresses: interfaces.addresses,
    limited: net.bind.length > 0,
  })
  const subjects = names.subjects()
  const [certificates, bindings, calls, grants, traced, incidents] = await Promise.all([
    Certificates.open(store.settings, { hostname: net.hostname, subjects, now: realClock.epoch() }),
    store.bindings.load(),
    loadCalls(store),
    store.grants.load(),
    tracedCalls(store),
    store.incidents.load(),
  ])
  return {
    store,
    setupFile,
    interfaces,
    names,
    certificates,
    bindings,
    calls,
    grants,
    traced,
    incidents,
    signs,
  }
}

/** The file goes when what it asks for is on disk. */
async function releaseIfAsked(store: Store, directory: string): Promise<void> {
  const file = findResetFile(directory)
  if (file === undefined) return
  await store.directory.releaseOwners(file.mark)
  file.remove()
}

/** The name to try for. What the setup file says of the site counts while nobody owns it. */
async function presetSite(store: Store, configured: string, file: SetupFile): Promise<string> {
  const { directory, settings } = store
  const hostname = await settings.startHostname(configured)
  if (directory.owner() !== undefined) return hostname
  await settings.changeSite({ place: file.place, hostname: file.hostname })
  return settings.hostname()
}

/** When they began, by the clock of this process. */
async function tracedCalls(store: Store): Promise<KnownCall[]> {
  const { traces, calls } = store
  const known = async ({ row }: KeptCall): Promise<KnownCall> => {
    const { number, atMilliseconds } = await traces.lastEvent(row.id)
    const ago = begunAgo(row.startedAt, atMilliseconds, realClock.epoch())
    const startedAt = (realClock.monotonic() - ago) as Monotonic
    return { row, startedAt, lastNumber: number, lastAtMilliseconds: atMilliseconds }
  }
  return Promise.all((await calls.open()).map(known))
}

/** Open calls, and as many closed ones as the call log keeps in memory. */
async function loadCalls(store: Store): Promise<CallsMachine> {
  const open = await store.calls.open()
  const recent: CallRow[] = []
  while (recent.length < callLimits.recent) {
    const before = recent.at(-1)?.id
    const page = await store.calls.list({ limit: 500, before })
    recent.push(...page.calls.map(({ outcome: _, ...row }) => row))
    if (page.calls.length < 500) break
  }
  return new CallsMachine({
    epoch: epochAt,
    open,
    recent: recent.filter(row => row.endedAt != null),
    now: realClock.monotonic(),
  })
}
