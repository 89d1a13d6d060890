/** A party's reports to events: what changed since its last one, and a sample of its counters. */
import type { MediaReport, StreamCount } from '../signalling/message.ts'
import { ClientClock } from './clocks.ts'
import type { Happening, Moment } from './message.ts'
import { codecs, mosEstimate } from './quality.ts'

export type TimedHappening = Happening & Pick<Moment, 'atMilliseconds' | 'clockErrorMilliseconds'>

const states = ['iceConnection', 'iceGathering', 'connection'] as const
const maxStreams = 64

export class PartyReports {
  readonly #clock = new ClientClock()
  readonly #started = new Set<string>()
  #last: MediaReport | undefined
  #at = Number.NEGATIVE_INFINITY

  /** `received` since the call's start, by the appliance. */
  take(report: MediaReport, received: number): TimedHappening[] {
    this.#clock.heard(report.atMilliseconds, received, report.roundTripMilliseconds)
    const placed = this.#clock.place(report.atMilliseconds)
    const last = this.#last
    // One that was overtaken tells nothing new.
    if (last !== undefined && report.atMilliseconds < last.atMilliseconds) return []
    this.#at = Math.max(this.#at, Math.round(placed.atMilliseconds * 10) / 10)
    this.#last = report
    const moment = { atMilliseconds: this.#at, clockErrorMilliseconds: placed.clockErrorMilliseconds }
    const all = [...this.#states(report, last), ...this.#media(report), quality(report, last)]
    return all.map(one => ({ ...moment, ...one }))
  }

  *#states(report: MediaReport, last: MediaReport | undefined): Iterable<Happening> {
    for (const what of states) {
      const from = last?.[what] ?? 'new'
      if (report[what] !== from) yield { kind: 'state', what, from, to: report[what] }
    }
    if (report.pair !== null && JSON.stringify(bare(report)) !== JSON.stringify(bare(last))) {
      yield { kind: 'pair', pair: report.pair }
    }
    const { dtls: state, localFingerprint, remoteFingerprint } = report
    const same =
      last?.dtls === state &&
      last.localFingerprint === localFingerprint &&
      last.remoteFingerprint === remoteFingerprint
    if (same || (state === '' && remoteFingerprint === '')) return
    yield {
      kind: 'dtls',
      state,
      version: '',
      cipher: '',
      srtpProfile: '',
      localFingerprint,
      remoteFingerprint,
    }
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

/** The round trip changes with every report and makes no other pair of it. */
const bare = (report: MediaReport | undefined): unknown =>
  report?.pair && { ...report.pair, rttMilliseconds: undefined }

function quality(report: MediaReport, last: MediaReport | undefined): Happening {
  const streams = report.streams.map(({ kind: media, ...rest }) => ({ ...rest, media }))
  const mos = mosOf(report, last)
  return {
    kind: 'quality',
    ...(report.pair?.rttMilliseconds === undefined ? {} : { rttMilliseconds: report.pair.rttMilliseconds }),
    streams,
    ...(mos === undefined ? {} : { mos }),
  }
}

/** Of the audio received since the last report: clients do not tell their jitter, so the estimate knows of none. */
function mosOf(report: MediaReport, last: MediaReport | undefined): number | undefined {
  const audio = (one: StreamCount): boolean => one.kind === 'audio' && one.direction === 'received'
  let [packets, lost] = [0, 0]
  for (const stream of report.streams.filter(audio)) {
    const before = last?.streams.find(one => audio(one) && one.ssrc === stream.ssrc)
    packets += stream.packets - (before?.packets ?? 0)
    lost += stream.lost - (before?.lost ?? 0)
  }
  if (packets <= 0) return undefined
  const loss = Math.max(0, lost) / (packets + Math.max(0, lost))
  const rttMilliseconds = report.pair?.rttMilliseconds ?? 0
  return mosEstimate({ loss, jitterMilliseconds: 0, rttMilliseconds }, codecs.opus)
}
