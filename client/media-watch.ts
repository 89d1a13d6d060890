/**
 * Whether media of an answered call flows, and which way: the states that follow the answer, how long is waited for a
 * path, and what is read and reported of it each second.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { RelayRefusal, RelayServer } from '../src/relay/message.ts'
import type { MediaReport } from '../src/signalling/message.ts'
import { type Env, Timers } from './env.ts'
import { type CallPath, noPath, pathOf, type RelayOffer } from './path.ts'
import type { Peer } from './peer.ts'
import type { MediaFacts } from './report.ts'
import { Sampler } from './sampler.ts'

/** From the answer to the first media, and from losing it to giving up. */
const mediaMilliseconds = 20_000

/** `connecting` (no media yet), `connected`, `reconnecting` (media interrupted). */
export type MediaState = 'connecting' | 'connected' | 'reconnecting'

/** Why the appliance does not relay a call, in its words for people. */
export interface RefusedRelay {
  readonly reason: RelayRefusal
  readonly message: string
}

export interface MediaWatchPorts {
  readonly env: Env
  readonly peer: Peer
  report(report: MediaReport, isLast: boolean): void
  /** There are new facts. */
  changed(facts: MediaFacts): void
  /** Media flows, for the first time or again. */
  found(): void
  /** Media was interrupted; nothing was received for so long. */
  lost(silentMilliseconds: number): void
  /** Nothing is received any more, though the connection is said to stand. */
  silent(): void
  gaveUp(reason: EndReason): void
}

export class MediaWatch {
  readonly #ports: MediaWatchPorts
  readonly #timers: Timers<'media'>
  readonly #sampler: Sampler
  #isBegun = false
  #isConnected = false
  #connectedAt: number | undefined
  #relay: RelayOffer | undefined
  #refused: RefusedRelay | undefined

  constructor(ports: MediaWatchPorts) {
    const { env, peer } = ports
    this.#ports = ports
    this.#timers = new Timers(env)
    this.#sampler = new Sampler({
      env,
      read: () => peer.facts(),
      report: ports.report,
      changed: ports.changed,
      silent: () => {
        if (this.#isConnected) ports.silent()
      },
    })
  }

  get state(): MediaState {
    if (this.#isConnected) return 'connected'
    return this.#connectedAt === undefined ? 'connecting' : 'reconnecting'
  }

  /** As far as is heard, where something is to be: the connection is said to stand for seconds after its path broke. */
  get isFlowing(): boolean {
    const isSilent = this.#sampler.silentSince !== undefined && this.#ports.peer.sections.isSoundExpected
    return this.#isConnected && !isSilent
  }

  /** Milliseconds of the environment's clock at which media first flowed. */
  get connectedAt(): number | undefined {
    return this.#connectedAt
  }

  get facts(): MediaFacts | undefined {
    return this.#sampler.facts
  }

  get path(): CallPath {
    return this.#isConnected ? pathOf(this.facts, this.#relay) : noPath
  }

  get refused(): RefusedRelay | undefined {
    return this.#refused
  }

  /** The call is answered. */
  begin(): void {
    this.#isBegun = true
    this.#expectMedia()
  }

  /** Looks at the connection after any of its states changed. */
  look(): void {
    if (!this.#isBegun) return
    const { peer } = this.#ports
    if (peer.flowing === 'yes' && !this.#isConnected) this.#found()
    else if (peer.flowing === 'no' && this.#isConnected) this.#lost()
    void this.#sampler.look()
  }

  /** The servers to relay by, or none any more. */
  useRelay(servers: readonly RelayServer[], reason: RelayOffer['reason']): void {
    this.#relay = { servers, reason }
    this.#refused = undefined
    this.#ports.peer.useServers(servers)
    // The search for a path begins anew.
    if (servers.length > 0 && this.#timers.has('media')) this.#expectMedia()
  }

  refuseRelay(refused: RefusedRelay): void {
    this.#refused = refused
  }

  /** The line to the appliance is new. */
  lineBack(): void {
    if (this.#isBegun) this.#sampler.lineBack()
  }

  /** The call is over, nothing is sent any more. @returns when the last counts are told. */
  finish(): Promise<void> {
    this.#isBegun = false
    this.#isConnected = false
    this.#timers.clearAll()
    return this.#sampler.finish()
  }

  #found(): void {
    this.#timers.clearAll()
    this.#sampler.listen()
    this.#refused = undefined
    this.#isConnected = true
    this.#connectedAt ??= this.#ports.env.now()
    this.#ports.found()
  }

  #lost(): void {
    this.#isConnected = false
    this.#expectMedia()
    const now = this.#ports.env.now()
    this.#ports.lost(now - (this.#sampler.silentSince ?? now))
  }

  #expectMedia(): void {
    const reason = this.#connectedAt === undefined ? 'mediaFailed' : 'mediaLost'
    this.#timers.set('media', mediaMilliseconds, () => this.#ports.gaveUp(reason))
  }
}
