/**
 * What was refused, ran out or was told of, remembered for Help: one entry a kind of trouble, however often it happens.
 * Bounded by kind, so that whoever guesses passwords pushes out nothing but other guesses.
 */
import { type Epoch, hours } from '../core/clock.ts'
import type { Incident, IncidentFact, IncidentKind } from './message.ts'

export const incidentLimits = {
  perKind: 200,
  /** Of one source address; the rest of its attempts are counted in the last one. */
  perSource: 20,
  detailCharacters: 200,
  nameCharacters: 64,
  /** What happens again after so long is something new. */
  quietMilliseconds: hours(6),
} as const

export class Incidents {
  /** By kind and then by key, each in order of the last happening. */
  readonly #kinds = new Map<IncidentKind, Map<string, Incident>>()
  #changed = new Map<string, Incident>()

  constructor(kept: readonly Incident[] = []) {
    for (const incident of [...kept].sort((a, b) => a.lastAt - b.lastAt)) {
      this.#put(keyOf(incident), incident)
    }
    this.#changed.clear()
  }

  get size(): number {
    return [...this.#kinds.values()].reduce((sum, kind) => sum + kind.size, 0)
  }

  all(): Incident[] {
    return [...this.#kinds.values()].flatMap(kind => [...kind.values()])
  }

  happened(fact: IncidentFact, now: Epoch): void {
    const given = bounded(fact)
    const whole = this.#withinSource(given)
    const key = keyOf(whole)
    const known = this.#kinds.get(whole.kind)?.get(key)
    const goesOn =
      known !== undefined &&
      known.until === undefined &&
      now - known.lastAt < incidentLimits.quietMilliseconds
    this.#put(key, {
      ...whole,
      ...(goesOn ? { at: known.at, count: known.count + 1 } : { at: now, count: 1 }),
      ...{ lastAt: now, until: undefined },
    })
  }

  /** It is over. What never began, or is over already, stays as it is. */
  ended(fact: IncidentFact, now: Epoch): void {
    const key = keyOf(bounded(fact))
    const known = this.#kinds.get(fact.kind)?.get(key)
    if (known !== undefined && known.until === undefined) this.#put(key, { ...known, until: now })
  }

  /** What happened between two moments that are already past. */
  spanned(fact: IncidentFact, at: Epoch, until: Epoch): void {
    const whole = bounded(fact)
    this.#put(keyOf(whole), { ...whole, at, lastAt: until, until, count: 1 })
  }

  /** What changed since it was last asked, by key, to be written. */
  takeChanged(): Map<string, Incident> {
    const changed = this.#changed
    this.#changed = new Map()
    return changed
  }

  #withinSource(fact: Required<IncidentFact>): Required<IncidentFact> {
    if (fact.source === '' || fact.account === '') return fact
    const kind = this.#kinds.get(fact.kind)
    if (kind === undefined || kind.has(keyOf(fact))) return fact
    const ofSource = [...kind.values()].filter(one => one.source === fact.source).length
    return ofSource < incidentLimits.perSource ? fact : { ...fact, account: '…' }
  }

  #put(key: string, incident: Incident): void {
    const kind = this.#kinds.get(incident.kind) ?? new Map<string, Incident>()
    this.#kinds.set(incident.kind, kind)
    // Re-inserting keeps the order of the last happening, which is the order of forgetting.
    kind.delete(key)
    kind.set(key, incident)
    this.#changed.set(key, incident)
    if (kind.size <= incidentLimits.perKind) return
    const oldest = kind.keys().next().value!
    kind.delete(oldest)
    this.#changed.delete(oldest)
  }
}

function bounded(fact: IncidentFact): Required<IncidentFact> {
  const { nameCharacters, detailCharacters } = incidentLimits
  const cut = (text = '', most: number = nameCharacters): string => printable(text).slice(0, most)
  return {
    kind: fact.kind,
    ...{ user: cut(fact.user), device: cut(fact.device), account: cut(fact.account) },
    ...{ source: cut(fact.source), call: cut(fact.call), detail: cut(fact.detail, detailCharacters) },
  }
}

/** Whoever knocks chooses these words: no line of theirs looks like one of ours. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·')

/** One entry for each device, account at a source, or source. What a client says of several calls is one trouble. */
export const keyOf = ({
  kind,
  user = '',
  device = '',
  account = '',
  source = '',
  detail = '',
}: IncidentFact): string =>
  [kind, user, device, account, source, kind === 'mediaProblem' ? detail : ''].join('\u0000')
