/** A party's reports to events: what changed since its last one, and a sample of its counters. */
import { formatEndpoint } from '../core/endpoint.ts'
import type { CheckedPair, MediaReport, StateChange, StreamCount } from '../signalling/message.ts'
import { ClientClock } from './clocks.ts'
import { Holds } from './holds.ts'
import type { DtlsHappening, Happening, Moment, PairChecks, WhyFailed } from './message.ts'
import { codecs, mosEstimate } from './quality.ts'
import { mark } from './redact.ts'

export type TimedHappening = Happening & Pick<Moment, 'atMilliseconds' | 'clockErrorMilliseconds'>

/** Of webrtc-pc §4.3, §5.6 and §5.5: a client may say anything, and only these are states. */
const stateWords = new Set(
  'new checking connecting connected completed disconnected failed closed gathering complete'.split(' '),
)
const stateWord = (said: string): string => (said === '' || stateWords.has(said) ? said : mark)

const states = ['iceGathering', 'iceConnection', 'connection'] as const
const maxStreams = 64
/** A caller's clock of the call begins when the microphone is opened, which a person may have to allow first. */
const earliestMilliseconds = 120_000

type What = StateChange['what']

export class PartyReports {
  readonly #clock = new ClientClock()
  readonly #started = new Set<string>()
  readonly #states: Record<What, string> = { iceConnection: 'new', iceGathering: 'new', connection: 'new' }
  /** By the client's clock: what is told again on a new line is known by it. */
  readonly #changedAt: Record<What, number> = { iceConnection: -1, iceGathering: -1, connection: -1 }
  /** Told once, when they are known. */
  #ciphers = { version: '', cipher: '', srtpProfile: '' }
  #dtls = ''
  #last: MediaReport | undefined
  /** Of a call from before a restart: up to this its party's states were taken then. */
  readonly #knownUntil: number | undefined
  #at = Number.NEGATIVE_INFINITY

  readonly #holds: Holds
  #receivedAt = Number.NEGATIVE_INFINITY

  constructor(holds: Holds = new Holds(), knownUntil?: number) {
    this.#holds = holds
    this.#knownUntil = knownUntil
  }

  /** `received` since the call's start, by the appliance, as `ended`, once it is over. */
  take(report: MediaReport, received: number, ended?: number): TimedHappening[] {
    const said = report.atMilliseconds + (report.heldMilliseconds ?? 0)
    // A clock that was set anew, or a lie: what it says is placed where it was heard.
    if (received - said >= -earliestMilliseconds) {
      this.#clock.heard(said, received, report.roundTripMilliseconds)
    }
    const last = this.#last
    // One that was overtaken tells nothing new.
    if (last !== undefined && report.atMilliseconds < last.atMilliseconds) return []
    this.#last = report
    const isTakenUp = last === undefined && this.#knownUntil !== undefined && report.pair !== null
    // The last look is taken when nothing is sent any more: what it finds begun came just behind the look before.
    const begun = report.final === true && last !== undefined ? [...this.#media(report)] : []
    const late = begun.map(happening => this.#placed(happening, last?.atMilliseconds ?? 0, received))
    // Then what has a moment of its own, which lies before the report's.
    const changes = [...this.#changes(report)].map(([happening, at]) => this.#placed(happening, at, received))
    // What is so already became so nobody knows when.
    if (isTakenUp) this.#takeUp(report)
    const all = [
      ...this.#snapshot(report),
      ...checksOf(report),
      ...pairOf(report, last),
      ...this.#dtlsOf(report),
      ...this.#media(report),
      qualityOf(report, this.#isTalk(report, received, ended) ? mosOf(report, last) : undefined),
    ]
    return [
      ...late,
      ...changes,
      ...all.map(happening => this.#placed(happening, report.atMilliseconds, received)),
    ]
  }

  /** Whoever stops does so before whoever hears: what is concealed from then on was never said. */
  #isTalk(report: MediaReport, received: number, ended: number | undefined): boolean {
    const before = this.#receivedAt
    this.#receivedAt = received
    if (report.final === true || !this.#holds.isTalk(before, received)) return false
    return ended === undefined || this.#clock.place(report.atMilliseconds).atMilliseconds <= ended
  }

  /** Not before what was told earlier, not before a client can have known of the call, not after it was heard. */
  #placed(happening: Happening, client: number, received: number): TimedHappening {
    const { atMilliseconds, clockErrorMilliseconds } = this.#clock.place(client)
    const heard = Math.min(Math.max(atMilliseconds, -earliestMilliseconds), received)
    this.#at = Math.max(this.#at, Math.round(heard * 10) / 10)
    return { atMilliseconds: this.#at, clockErrorMilliseconds, ...happening }
  }

  *#changes({ states: changes = [], atMilliseconds }: MediaReport): Iterable<[Happening, number]> {
    for (const { what, to, atMilliseconds: at } of changes) {
      if (at <= this.#changedAt[what]) continue
      this.#changedAt[what] = at
      const happening = this.#became(what, to)
      if (this.#clock.place(at).atMilliseconds < (this.#knownUntil ?? Number.NEGATIVE_INFINITY)) continue
      // No client can tell what comes after its report.
      if (happening) yield [happening, Math.min(at, atMilliseconds)]
    }
  }

  #takeUp(report: MediaReport): void {
    for (const what of states) this.#became(what, report[what])
    for (const { ssrc, direction, packets } of report.streams) {
      if (packets > 0 && this.#started.size < maxStreams) this.#started.add(`${direction} ${ssrc}`)
    }
  }

  /** For clients that tell only how things stand. */
  *#snapshot(report: MediaReport): Iterable<Happening> {
    for (const what of states) {
      const happening = this.#became(what, report[what])
      if (happening) yield happening
    }
  }

  #became(what: What, said: string): Happening | undefined {
    const to = stateWord(said)
    const from = this.#states[what]
    this.#states[what] = to
    return to === from ? undefined : { kind: 'state', what, from, to }
  }

  *#dtlsOf(report: MediaReport): Iterable<DtlsHappening> {
    const { localFingerprint, remoteFingerprint } = report
    const state = stateWord(report.dtls)
    const { version, cipher, srtpProfile } = this.#ciphers
    this.#ciphers = {
      version: report.dtlsVersion ?? version,
      cipher: report.dtlsCipher ?? cipher,
      srtpProfile: report.srtpProfile ?? srtpProfile,
    }
    if (state === '' && remoteFingerprint === '') return
    const now = { state, ...this.#ciphers, localFingerprint, remoteFingerprint }
    const text = JSON.stringify(now)
    if (text === this.#dtls) return
    this.#dtls = text
    yield { kind: 'dtls', ...now }
  }

  *#media(report: MediaReport): Iterable<Happening> {
    for (const { ssrc, kind: media, direction, packets } of report.streams) {
      const key = `${direction} ${ssrc}`
      if (packets === 0 || this.#started.has(key) || this.#started.size >= maxStreams) continue
      this.#started.add(key)
      yield { kind: 'firstMedia', direction, media, ssrc }
    }
  }
}

function* checksOf({ checks = [] }: MediaReport): Iterable<Happening> {
  if (checks.length > 0) yield { kind: 'checks', pairs: checks.map(pairChecks) }
}

function pairChecks(pair: CheckedPair): PairChecks {
  const { localType, localAddress, localPort, remoteType, remoteAddress, remotePort, protocol, ...rest } =
    pair
  const transport = protocol === '' || protocol === 'udp' ? '' : ` ${protocol}`
  const why = whyFailed(pair)
  return {
    local: `${localType} ${endOf(localAddress, localPort)}${transport}`,
    remote: `${remoteType} ${endOf(remoteAddress, remotePort)}`,
    ...rest,
    ...(why === undefined ? {} : { why }),
  }
}

const endOf = (address: string, port: number): string =>
  address === '' ? `hidden:${port}` : formatEndpoint({ address, port })

/** Concluded from the counts, of a pair that its stack gave up (RFC 8445 §6.1.2.6). */
function whyFailed(pair: CheckedPair): WhyFailed | undefined {
  const { state, requestsSent, responsesReceived, requestsReceived } = pair
  if (state !== 'failed') return undefined
  if ((responsesReceived ?? 0) > 0) return 'answeredNoMore'
  if ((requestsReceived ?? 0) > 0) return 'oneWay'
  if (requestsSent === undefined || responsesReceived === undefined) return 'notCounted'
  return requestsSent === 0 ? 'neverChecked' : 'unanswered'
}

function* pairOf(report: MediaReport, last: MediaReport | undefined): Iterable<Happening> {
  if (report.pair === null || JSON.stringify(bare(report)) === JSON.stringify(bare(last))) return
  yield { kind: 'pair', pair: report.pair }
}

/** The round trip changes with every report and makes no other pair of it. */
const bare = (report: MediaReport | undefined): unknown =>
  report?.pair && { ...report.pair, rttMilliseconds: undefined }

function qualityOf(report: MediaReport, mos: number | undefined): Happening {
  const streams = report.streams.map(({ kind: media, ...rest }) => ({ ...rest, media }))
  return {
    kind: 'quality',
    ...(report.pair?.rttMilliseconds === undefined ? {} : { rttMilliseconds: report.pair.rttMilliseconds }),
    streams,
    ...(report.final === true ? { final: true } : {}),
    ...(mos === undefined ? {} : { mos }),
  }
}

const isHeard = (one: StreamCount): boolean => one.kind === 'audio' && one.direction === 'received'

/** Of the audio received since the last report. Jitter that a client does not tell is taken as none. */
function mosOf(report: MediaReport, last: MediaReport | undefined): number | undefined {
  let [packets, lost, samples, concealed, jitterMilliseconds] = [0, 0, 0, 0, 0]
  for (const stream of report.streams.filter(isHeard)) {
    const before = last?.streams.find(one => isHeard(one) && one.ssrc === stream.ssrc)
    const arrived = stream.packets - (before?.packets ?? 0)
    if (arrived <= 0) continue
    packets += arrived
    lost += Math.max(0, stream.lost - (before?.lost ?? 0))
    samples += Math.max(0, (stream.samples ?? 0) - (before?.samples ?? 0))
    concealed += Math.max(0, (stream.concealedSamples ?? 0) - (before?.concealedSamples ?? 0))
    jitterMilliseconds = Math.max(jitterMilliseconds, stream.jitterMilliseconds ?? 0)
  }
  if (packets <= 0) return undefined
  // What came too late was made up for like what never came, so the larger share is what was not heard.
  const share = samples > 0 ? concealed / samples : 0
  const loss = Math.max(lost / (packets + lost), Math.min(1, share))
  const rttMilliseconds = report.pair?.rttMilliseconds ?? 0
  return mosEstimate({ loss, jitterMilliseconds, rttMilliseconds }, codecs.opus)
}
