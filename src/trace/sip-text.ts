/**
 * A SIP message as far as a trace needs it: start line, fields as written, body. Not the proxy's decoder: this one
 * takes anything, also what the proxy refuses, and judges nothing.
 */
import { hash } from 'node:crypto'

export interface SipText {
  readonly start: string
  readonly fields: readonly { readonly name: string; readonly value: string }[]
  readonly body: string
}

const maxHead = 65_536
const maxFields = 256

export function splitSip(bytes: Uint8Array): SipText {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, maxHead)).toString(
    'utf8',
  )
  const end = /\r?\n\r?\n/.exec(text)
  // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
  const [start = '', ...lines] = text
    .slice(0, end?.index ?? text.length)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
  const fields = lines.slice(0, maxFields).map(line => {
    const colon = line.indexOf(':')
    return colon < 1
      ? { name: '?', value: line }
      : { name: line.slice(0, colon).trim().slice(0, 60), value: line.slice(colon + 1).trim() }
  })
  return { start, fields, body: end === null ? '' : text.slice(end.index + end[0].length) }
}

/** Which call a message belongs to and who sent it, read from the head without taking it apart. */
export interface SipMark {
  readonly callId: string
  readonly fromTag: string
  /** `''` in what begins a call. */
  readonly toTag: string
  readonly cseq: string
  readonly method: string
  /** `INVITE`, `200 OK`. */
  readonly name: string
  readonly request: boolean
}

export function sipMark(bytes: Uint8Array): SipMark | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 8_192)).toString(
    'latin1',
  )
  const callId = /\r?\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]{1,256}?)[ \t]*\r?\n/i.exec(head)?.[1]
  const cseq = /\r?\ncseq[ \t]*:[ \t]*(\d{1,10})[ \t]+([A-Za-z]{1,16})/i.exec(head)
  const fromTag = /\r?\n(?:from|f)[ \t]*:[^\r\n]*;[ \t]*tag=([^;,\s>]{1,128})/i.exec(head)?.[1]
  if (callId === undefined || cseq === null || fromTag === undefined) return undefined
  const status = /^SIP\/2\.0 (\d{3}) ?([^\r\n]{0,60})/.exec(head)
  const method = cseq[2]!.toUpperCase()
  return {
    callId,
    fromTag,
    toTag: /\r?\n(?:to|t)[ \t]*:[^\r\n]*;[ \t]*tag=([^;,\s>]{1,128})/i.exec(head)?.[1] ?? '',
    cseq: `${cseq[1]} ${method}`,
    method,
    name: status ? `${status[1]} ${status[2]}`.trim() : method,
    request: status === null,
  }
}

/** A call's id, as the whole house has it: Call-ID, NUL and the caller's tag. */
export const callOf = (callId: string, callerTag: string): string =>
  hash('sha256', `${callId}\0${callerTag}`, 'hex').slice(0, 32)
