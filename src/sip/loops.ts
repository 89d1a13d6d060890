/**
 * Requests that came before: round a loop back to us (RFC 5393 §4.2), or by another way while the first is under way
 * (RFC 3261 §8.2.2.2). Both are answered 482.
 */
import { values } from './codec.ts'
import type { Incoming } from './incoming.ts'
import type { ResponseContext } from './response-context.ts'
import type { ServerTransaction } from './server-transactions.ts'

type Server = ServerTransaction<ResponseContext>

export class Loops {
  /** A short hash that nobody else can make. */
  readonly #digest: (text: string) => string
  /** Requests without a To tag that are still under way. */
  readonly #underWay = new Map<string, Server>()

  constructor(digest: (text: string) => string) {
    this.#digest = digest
  }

  /** A Via of ours that was made for the very same request. */
  isLoop(incoming: Incoming): boolean {
    // What comes straight from its sender has one Via, and that is not ours.
    if (values(incoming.request, 'Via').length < 2) return false
    const mark = `.${this.markOf(incoming)}`
    return incoming.request.headers.some(field => field.name === 'Via' && field.value.includes(mark))
  }

  /** RFC 5393 §4.2.1: stands in our Vias; made of everything that decides where the request goes. */
  markOf(incoming: Incoming): string {
    const { request, callId, fromTag, toTag, cseq } = incoming
    let text = `${request.uri}\n${callId}\n${fromTag}\n${toTag}\n${cseq.number}`
    for (const field of request.headers) if (field.name === 'Route') text += `\n${field.value}`
    return this.#digest(text)
  }

  isMerged(incoming: Incoming): boolean {
    return incoming.toTag === undefined && this.#underWay.has(mergeKeyOf(incoming))
  }

  begin(incoming: Incoming, server: Server): void {
    if (incoming.toTag === undefined) this.#underWay.set(mergeKeyOf(incoming), server)
  }

  /** It has its final response. */
  end(incoming: Incoming, server: Server): void {
    if (incoming.toTag !== undefined) return
    const key = mergeKeyOf(incoming)
    if (this.#underWay.get(key) === server) this.#underWay.delete(key)
  }
}

const mergeKeyOf = ({ request, callId, fromTag, cseq }: Incoming): string =>
  `${request.method}|${callId}|${fromTag}|${cseq.number}|${request.uri}`
