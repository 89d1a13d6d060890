/**
 * Reads the account of the media path each second, and sooner when a state changed: for whoever watches, for the
 * appliance, and to hear when nothing is received any more.
 */
import type { MediaReport } from '../src/signalling/message.ts'
import { type Env, Timers } from './env.ts'
import type { MediaFacts } from './report.ts'
import { Telling } from './telling.ts'

export const samplerLimits = {
  sampleMilliseconds: 1_000,
  /** The same while media flows and the statistics do not say which way, or nothing was received yet; so many times. */
  pairlessMilliseconds: 200,
  pairlessLooks: 10,
  /** A little less than a look takes, so that every regular look is reported. */
  reportMilliseconds: 900,
  /** Sound that stops is the first sign of a broken path, seconds before the browser says `disconnected`. */
  silentMilliseconds: 900,
  /** From the end of a call until nothing of it is on its way any more and its counts are read for good. */
  settleMilliseconds: 250,
} as const

export interface SamplerPorts {
  readonly env: Env
  /** Undefined when there is nothing to read. */
  read(): Promise<MediaFacts | undefined>
  /** `isLast`: the call is over. */
  report(report: MediaReport, isLast: boolean): void
  changed(facts: MediaFacts): void
  /** Nothing was received for a while, once each time; `silentSince` tells since when. */
  silent(): void
}

export class Sampler {
  readonly #ports: SamplerPorts
  readonly #timers: Timers<'sample'>
  readonly #telling = new Telling()
  #facts: MediaFacts | undefined
  #reportedAt = Number.NEGATIVE_INFINITY
  /** Looks in a row that left something open. */
  #pairless = 0
  #received = 0
  #receivedAt = 0
  #silentSince: number | undefined
  #stopped = false

  constructor(ports: SamplerPorts) {
    this.#ports = ports
    this.#timers = new Timers(ports.env)
  }

  get facts(): MediaFacts | undefined {
    return this.#facts
  }

  /** When something was last received, while nothing is. */
  get silentSince(): number | undefined {
    return this.#silentSince
  }

  /** Media has just begun to flow: silence counts from now. */
  listen(): void {
    this.#receivedAt = this.#ports.env.now()
    this.#silentSince = undefined
  }

  /** Looks now, and each second from then on. */
  async look(): Promise<void> {
    if (this.#stopped) return
    const { env } = this.#ports
    this.#timers.set('sample', samplerLimits.sampleMilliseconds, () => void this.look())
    const facts = await this.#ports.read().catch(() => undefined)
    if (facts === undefined || this.#stopped) return
    const pairless = facts.connection === 'connected' && (facts.pair === null || receivedPackets(facts) === 0)
    this.#pairless = pairless ? this.#pairless + 1 : 0
    if (pairless && this.#pairless <= samplerLimits.pairlessLooks) {
      this.#timers.set('sample', samplerLimits.pairlessMilliseconds, () => void this.look())
    }
    this.#hear(facts)
    const due = env.now() - this.#reportedAt >= samplerLimits.reportMilliseconds
    const news = due || summaryOf(facts) !== summaryOf(this.#facts)
    this.#facts = facts
    if (news) {
      this.#reportedAt = env.now()
      this.#ports.report(this.#telling.reportOf(facts), false)
    }
    this.#ports.changed(facts)
  }

  /** The line to the appliance is new: all is told again. */
  lineBack(): void {
    this.#telling.again(this.#facts)
    this.#reportedAt = Number.NEGATIVE_INFINITY
    void this.look()
  }

  /**
   * The call is over, nothing is sent any more: a look now, since the page may be gone the next moment, and one when what
   * was on its way has arrived. Only then do the counts of both ends belong together. Nothing to tell if there was no
   * look before. @returns when it was told: a browser that is busy takes its time, and of a closed connection there is no count.
   */
  async finish(): Promise<void> {
    if (this.#stopped) return
    this.stop()
    if (this.#facts === undefined) return
    void this.#lastLook(false)
    await new Promise<void>(resolve => this.#ports.env.setTimeout(resolve, samplerLimits.settleMilliseconds))
    await this.#lastLook(true)
  }

  stop(): void {
    this.#stopped = true
    this.#timers.clearAll()
  }

  async #lastLook(final: boolean): Promise<void> {
    const facts = await this.#ports.read().catch(() => undefined)
    if (facts === undefined) return
    const report = this.#telling.reportOf(facts, true)
    this.#ports.report(final ? { ...report, final } : report, true)
  }

  #hear(facts: MediaFacts): void {
    const now = this.#ports.env.now()
    const received = receivedPackets(facts)
    if (received !== this.#received) {
      this.#received = received
      this.#receivedAt = now
      this.#silentSince = undefined
    } else if (received > 0 && this.#silentSince === undefined) {
      if (now - this.#receivedAt < samplerLimits.silentMilliseconds) return
      this.#silentSince = this.#receivedAt
      this.#ports.silent()
    }
  }
}

function receivedPackets(facts: MediaFacts): number {
  let packets = 0
  for (const stream of facts.streams) if (stream.direction === 'received') packets += stream.packets
  return packets
}

/** What must change for a report to be due early. */
function summaryOf(facts: MediaFacts | undefined): string {
  if (facts === undefined) return ''
  const { iceConnection, iceGathering, connection, dtls, pair, streams, changes } = facts
  const begun = streams.filter(stream => stream.packets > 0).map(stream => stream.ssrc)
  const ends = pair && [
    pair.localType,
    pair.localAddress,
    pair.localPort,
    pair.remoteType,
    pair.remoteAddress,
  ]
  const states = [iceConnection, iceGathering, connection, dtls, changes.length]
  return JSON.stringify([...states, ends, pair?.remotePort, begun])
}
