/**
 * How SIP says why a call ended: as a status code, and
 * as a Reason header (RFC 3326) on CANCEL, BYE and our own refusals, where a code alone cannot tell. Used by the proxy
 * and by the hosted agents, so that both tell the same word.
 */
import { type EndReason, isEndReason } from '../core/end-reason.ts'
import type { HeaderField } from './message.ts'

/** The text other products know for a branch cancelled since another one answered (RFC 3326 §2). */
const completedElsewhere = 'Call completed elsewhere'

/** `Reason: SIP;cause=480;text="doNotDisturb"`. `cause` is a SIP status. */
export function reasonField(cause: number, word: EndReason): HeaderField {
  const text = word === 'answeredElsewhere' ? completedElsewhere : word
  return { name: 'Reason', value: `SIP;cause=${cause};text="${text}"` }
}

/** The word a message's Reason header stands for; undefined when there is none or it says nothing we know. */
export function reasonWord(message: { readonly headers: readonly HeaderField[] }): EndReason | undefined {
  for (const header of message.headers) {
    if (header.name.length !== 6 || header.name.toLowerCase() !== 'reason') continue
    const text = /;\s*text\s*=\s*"([^"]{0,64})"/i.exec(header.value)?.[1]
    if (text !== undefined && isEndReason(text)) return text
    if (text?.toLowerCase() === completedElsewhere.toLowerCase()) return 'answeredElsewhere'
    const cause = Number(/^\s*SIP\s*;.*?\bcause\s*=\s*([0-9]{3})/i.exec(header.value)?.[1])
    if (cause === 200) return 'answeredElsewhere'
    if (cause >= 300) return wordOfStatus(cause)
  }
  return undefined
}

/** The word for a final refusal; its Reason header, when known, says it better. */
export function wordOfRefusal(response: {
  readonly status: number
  readonly headers: readonly HeaderField[]
}): EndReason {
  const told = reasonWord(response)
  return told === undefined || told === 'hangup' ? wordOfStatus(response.status) : told
}

export function wordOfStatus(status: number): EndReason {
  switch (status) {
    case 486:
    case 600:
      return 'busy'
    case 603:
      return 'declined'
    case 480:
    case 410:
      return 'unreachable'
    case 404:
    case 604:
      return 'notFound'
    case 487:
      return 'cancelled'
    case 408:
      return 'noAnswer'
    default:
      return 'failed'
  }
}
