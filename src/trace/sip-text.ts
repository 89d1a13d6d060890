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
  // Line by line, each looked at once: anybody can send this, and a pattern that tries again and again takes seconds.
  const [first = '', ...lines] = head.split('\n', 256)
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = colon < 0 || colon > 16 ? undefined : marked[line.slice(0, colon).trim().toLowerCase()]
    if (name !== undefined && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
    if (line === '' || line === '\r') break
  }
  const [number = '', method = ''] = (fields.get('cseq') ?? '').slice(0, 64).split(/\s+/)
  const callId = fields.get('call-id') ?? ''
  const fromTag = tagIn(fields.get('from'))
  if (!/^\d{1,10}$/.test(number) || !/^[A-Za-z]{1,16}$/.test(method)) return undefined
  if (callId === '' || callId.length > 256 || fromTag === '') return undefined
  const status = /^SIP\/2\.0 (\d{3}) ?([^\r\n]{0,60})/.exec(first)
  const called = method.toUpperCase()
  return {
    callId,
    fromTag,
    toTag: tagIn(fields.get('to')),
    cseq: `${number} ${called}`,
    method: called,
    name: status ? `${status[1]} ${status[2]}`.trim() : called,
    request: status === null,
  }
}

/** Header fields by which a message is known, long and compact (RFC 3261 §7.3.3). */
const marked: Readonly<Record<string, string>> = {
  'call-id': 'call-id',
  i: 'call-id',
  from: 'from',
  f: 'from',
  to: 'to',
  t: 'to',
  cseq: 'cseq',
}

/** `''` when there is none. */
function tagIn(value = ''): string {
  // A display name may hold anything; the field's own parameters come after the address.
  const parameters = value.slice(value.lastIndexOf('>') + 1)
  for (const parameter of parameters.split(';').slice(1)) {
    const [name = '', tag = ''] = parameter.trim().split('=', 2)
    if (name.toLowerCase() === 'tag') return /^[^,\s>]{1,128}/.exec(tag)?.[0] ?? ''
  }
  return ''
}

/** A call's id, as the whole house has it: Call-ID, NUL and the caller's tag. */
export const callOf = (callId: string, callerTag: string): string =>
  hash('sha256', `${callId}\0${callerTag}`, 'hex').slice(0, 32)
