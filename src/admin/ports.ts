/** What the web interface needs from the running daemon. The store's parts are taken by their types. */

import type { Manifest } from '../backup/message.ts'
import type { CallRow } from '../calls/message.ts'
import type { Clock, Epoch } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Result } from '../core/result.ts'
import type { Diagnosis, NetworkTable } from '../help/message.ts'
import type { ManualOutcome, ManualWish } from '../relay/message.ts'
import type { Presence } from '../signalling/message.ts'
import type { Calls } from '../store/calls.ts'
import type { Directory } from '../store/directory.ts'
import type { Settings } from '../store/settings.ts'
import type { OwnFacts, OwnProblem } from '../tls/own.ts'
import type { CapturePlan, CaptureUpload, ImportOutcome } from '../trace/message.ts'
import type { CallLedger } from '../turn/message.ts'
import type { ReadyUpdate, UpdateState } from '../update/message.ts'
import type { ClaimSecrets } from './claim.ts'
import type { Allowed } from './guard.ts'
import type {
  CertificateState,
  Device,
  Health,
  HealthDetail,
  Network,
  OwnCertificateRequest,
  RelayState,
  SiteSettings,
} from './message.ts'
import type { Pages } from './pages.ts'
import type { ScryptCost } from './password.ts'
import type { Policies } from './policies.ts'

/** How people and devices are reached right now. */
export interface Live {
  presence(user: string): Presence
  /** Undefined while the device is not reachable. */
  device(id: string): LiveDevice | undefined
  /** Those that ring or are going on. */
  openCalls(): readonly CallRow[]
  /** Tells what has changed. Returns how to stop listening. */
  onChange(listener: (change: LiveChange) => void): () => void
}
export type LiveChange =
  /** It is reached now, or is not any more. */
  | { readonly kind: 'device'; readonly device: string }
  | { readonly kind: 'call'; readonly row: CallRow }
  /** Their quiet hours began or ended. */
  | { readonly kind: 'people'; readonly users: readonly string[] }
export interface LiveDevice {
  readonly transport: string
  readonly address: string
  readonly userAgent: string
}

export interface Metrics {
  readonly contentType: string
  /** Prometheus text. `prom-client`'s `Registry` is one. */
  metrics(): Promise<string>
}

/** The relay and its grants. */
export interface Relay {
  state(): RelayState
  /** What was carried for a call until now: nothing for a direct one. */
  ledgerOf(row: CallRow): CallLedger
  /** By everybody, since the start. */
  carriedBytes(): number
  /** Resolves once the relay has it, or with why not. */
  grant(wish: ManualWish): Promise<ManualOutcome>
  /** Ends a grant that was made by `grant`. */
  close(grant: string): void
}

export type TraceFormat = 'json' | 'html' | 'pcapng' | 'pcap' | 'rtcstats' | 'ladder'

/** What is known of a call's media path. */
export interface Trace {
  /** Made anew each time; rejects with an error named `MakerBusy` when too many are being made. */
  file(row: CallRow, format: TraceFormat): Promise<Uint8Array<ArrayBuffer>>
  /** The policy (CSP) that `html` is made for. */
  readonly pagePolicy: string
  /** How one of the two can capture it. */
  capturePlan(row: CallRow): Promise<CapturePlan>
  /** Takes a capture of it in; reads the upload only if it is not refused at once. Rejects with what the upload does. */
  importCapture(row: CallRow, upload: CaptureUpload): Promise<ImportOutcome>
  /** What traces are signed with. */
  key(): { readonly publicKey: string; readonly fingerprint: string }
}

/** What failed, for whom, and what can be done. */
export interface Help {
  diagnose(user: string, at: Epoch | undefined): Promise<Diagnosis>
  networks(): Promise<NetworkTable>
  /** Text to pass on, without secrets. */
  diagnostics(): Promise<string>
  /** Something will start lanline again when it ends. */
  readonly canRestart: boolean
  restart(): void
}

/** One file with everything that is kept, and the way back. Rejects with an error named `BackupError` of a stable code. */
export interface Backup {
  make(passphrase: string): AsyncGenerator<Uint8Array<ArrayBuffer>>
  check(sealed: AsyncIterable<Uint8Array>, passphrase: string): Promise<Manifest>
  /** What was checked takes its place at the next start. False: nothing was checked. */
  accept(): Promise<boolean>
  forget(): Promise<void>
}

/** A certificate that the owner brings. */
export interface OwnCertificates {
  facts(): OwnFacts | undefined
  look(wish: OwnCertificateRequest): Result<OwnFacts, OwnProblem>
  /** Resolves once it is on disk and shown. */
  use(wish: OwnCertificateRequest): Promise<Result<OwnFacts, OwnProblem>>
  drop(): Promise<void>
}

/** The way to a newer version. Rejects with an error named `UpdateError` of a stable code. */
export interface Update {
  /** A version is on trial, and what is changed now would be lost if it fails. */
  readonly changesWait: boolean
  state(): Promise<UpdateState>
  /** Takes a bundle in and verifies all of it. */
  take(bundle: AsyncIterable<Uint8Array>): Promise<ReadyUpdate>
  /** False: nothing was taken in. */
  install(evenIfNotNewer: boolean): Promise<boolean>
  forget(): Promise<void>
}

export interface AppDeps {
  readonly backup: Backup
  readonly update: Update
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly directory: Directory
  readonly calls: Calls
  readonly settings: Settings
  readonly live: Live
  readonly relay: Relay
  readonly trace: Trace
  readonly help: Help
  readonly metrics: Metrics
  /** Made anew at each start; used while there is no owner. */
  readonly claim: ClaimSecrets
  readonly policies: Policies
  readonly allowed: Allowed
  /** For so long after the start, a browser on the same network may claim without the code. */
  readonly claimMinutes: number
  /** Whether a peer is on a network this machine is itself on. */
  isAttached(peer: string): boolean
  /** `joinUrl` and `seenAddress` are added here. */
  network(): Omit<Network, 'joinUrl' | 'seenAddress'>
  readonly pages: Pages
  /** The authority's certificates: what the door page and the downloads hand out. */
  readonly authority: { root(): Uint8Array; intermediate(): Uint8Array; fingerprint(): string }
  health(): Health['parts']
  /** The machine's own look at itself. */
  look(health: Health, devices: readonly Device[]): Omit<HealthDetail, keyof Health>
  /** The port on which HTTPS is served, for the door page's links. */
  httpsPort(): number
  /** Ports in use, by the keys of the configuration. */
  ports(): SiteSettings['ports']
  readonly dataDirectory: string
  /** For whom and how long the certificate in use speaks. */
  certificate(): Omit<CertificateState, 'authorityFingerprint' | 'own'>
  readonly ownCertificate: OwnCertificates
  /** The last lines of the log, JSON lines, oldest first. */
  logLines(): readonly string[]
  /** `http://<LAN address>[:port]`: what QR codes and invite links start with that are shown on the device of this address. */
  inviteOrigin(peer: string): string
  /** Lower only in tests. */
  readonly scryptCost?: ScryptCost | undefined
}
