/**
 * Events as they are written. A SIP message's is put together by hand: its text comes in JSON, and is most of it.
 */
import type { Endpoint } from '../core/endpoint.ts'
import type { Happening, Moment, SipHappening } from './message.ts'

/** What an event is made of; of a SIP message the text in JSON. */
export type Seen = Exclude<Happening, SipHappening> | SeenSip
export interface SeenSip extends Omit<SipHappening, 'text'> {
  readonly json: string
}

export class EventWriter {
  /** By the other end: a batch has few ways, told by the same objects in all its messages. */
  readonly #ways = new WeakMap<Endpoint, Way>()

  json(number: number, moment: Omit<Moment, 'number'>, seen: Seen): string {
    if (seen.kind !== 'sip') return JSON.stringify({ number, ...moment, ...seen })
    const { direction, party, name, cseq, json } = seen
    return `{"number":${number},"atMilliseconds":${moment.atMilliseconds},"source":"${moment.source}","kind":"sip","direction":"${direction}","party":"${party}",${this.#way(seen)},"name":${JSON.stringify(name)},"cseq":${JSON.stringify(cseq)},"text":${json}}`
  }

  #way({ transport, local, remote }: SeenSip): string {
    const known = this.#ways.get(remote)
    if (known !== undefined && known.local === local && known.transport === transport) return known.json
    const json = JSON.stringify({ transport, local, remote }).slice(1, -1)
    this.#ways.set(remote, { transport, local, json })
    return json
  }
}

interface Way extends Pick<SipHappening, 'transport' | 'local'> {
  readonly json: string
}
