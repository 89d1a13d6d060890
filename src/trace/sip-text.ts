/**
 * A SIP message as far as a trace needs it: which call it belongs to, and its text without secrets. Not the proxy's
 * decoder: this one takes anything, also what the proxy refuses, and judges nothing.
 *
 * Every message on the wire passes here, and most lines of a call's messages were in the one before: what was made of a
 * line is remembered, and so is what was made of a body.
 */
import { hash } from 'node:crypto'
import { cut, mark, maxField, safeBody, safeField, safeStart } from './redact.ts'

/** Which call a message belongs to and who sent it. */
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

/** A message whose call is known; `SipReader.text` makes text of it. */
export interface SipRead extends SipMark {
  readonly lines: readonly string[]
  readonly body: string
}

const maxHead = 65_536
const maxFields = 256
/** What says whose a message is stands within so many characters. */
const maxMarked = 8_192
/** Characters kept of one message. */
const maxMessage = 16_384
/** Of a head, how much is looked at closely: what a stranger sends must not hold anybody up. */
const maxLookedAt = 6_144
/** Characters of all lines and bodies that are remembered; then it begins anew. */
const maxRemembered = 1_000_000

interface Line {
  readonly safe: string
  readonly field: Marked | undefined
  /** Of Call-ID and Content-Type the value, of From and To the tag, of CSeq number and method with one space. */
  readonly value: string
}

type Marked = 'call-id' | 'from' | 'to' | 'cseq' | 'content-type'

/** Header fields that are read, long and compact (RFC 3261 §7.3.3). */
const marked: Readonly<Record<string, Marked>> = {
  'call-id': 'call-id',
  i: 'call-id',
  from: 'from',
  f: 'from',
  to: 'to',
  t: 'to',
  cseq: 'cseq',
  'content-type': 'content-type',
  c: 'content-type',
}

export class SipReader {
  readonly #lines = new Map<string, Line>()
  readonly #bodies = new Map<string, string>()
  #remembered = 0

  /** Undefined where it does not say which call it belongs to. */
  read(bytes: Uint8Array): SipRead | undefined {
    const { lines, body } = split(bytes)
    const found: { [field in Marked]?: string } = {}
    let at = 0
    for (const line of lines) {
      at += line.length
      if (at > maxMarked) break
      if (!mayBeMarked(line.charCodeAt(0))) continue
      const { field, value } = this.#line(line)
      if (field !== undefined) found[field] ??= value
    }
    const { 'call-id': callId = '', from: fromTag = '', to: toTag = '', cseq = '' } = found
    if (callId === '' || callId.length > 256 || fromTag === '' || cseq === '') return undefined
    const start = lines[0]!
    const request = !start.startsWith('SIP/2.0 ')
    const method = cseq.slice(cseq.indexOf(' ') + 1)
    const name = request ? method : start.slice(8, 8 + 64).trim()
    return { callId, fromTag, toTag, cseq, method, name, request, lines, body }
  }

  /** The message as it may be kept. */
  text({ lines, body }: Pick<SipRead, 'lines' | 'body'>): string {
    const safely = [safeStart(lines[0]!)]
    let lookedAt = 0
    let type: string | undefined
    for (let index = 1; index < lines.length; index++) {
      const line = lines[index]!
      lookedAt += Math.min(line.length, maxField)
      if (lookedAt > maxLookedAt) {
        safely.push(`${nameOf(line)}: ${mark}`)
        continue
      }
      const { safe, field, value } = this.#line(line)
      if (field === 'content-type') type ??= value
      safely.push(safe)
    }
    safely.push('', body === '' ? '' : this.#body(type ?? '', body))
    return cut(safely.join('\r\n'), maxMessage)
  }

  /** Messages hold secrets: nothing of them stays for long. */
  forget(): void {
    this.#lines.clear()
    this.#bodies.clear()
    this.#remembered = 0
  }

  #line(line: string): Line {
    const known = this.#lines.get(line)
    if (known !== undefined) return known
    const made = lineOf(line)
    this.#make(line.length + made.safe.length)
    this.#lines.set(line, made)
    return made
  }

  #body(type: string, body: string): string {
    const key = `${type}\n${body}`
    const known = this.#bodies.get(key)
    if (known !== undefined) return known
    const safe = safeBody(type, body)
    this.#make(key.length + safe.length)
    this.#bodies.set(key, safe)
    return safe
  }

  #make(room: number): void {
    if (this.#remembered + room > maxRemembered) this.forget()
    this.#remembered += room
  }
}

/** The message as it may be kept, whosesoever it is. */
export const redactSip = (bytes: Uint8Array): string => new SipReader().text(split(bytes))

/** Start line and fields, unfolded; each character is looked at once. */
function split(bytes: Uint8Array): { readonly lines: readonly string[]; readonly body: string } {
  const most = Math.min(bytes.byteLength, maxHead)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, most).toString('utf8')
  const lines: string[] = []
  let at = 0
  // RFC 3261 §7.5: line ends before the start line are ignored.
  while (isLineEnd(text.charCodeAt(at))) at++
  while (at < text.length) {
    const feed = text.indexOf('\n', at)
    const end = feed < 0 ? text.length : feed
    const line = text.slice(at, text.charCodeAt(end - 1) === 13 ? end - 1 : end)
    const folded = isBlank(text.charCodeAt(at)) && lines.length > 1
    at = end + 1
    if (line === '') return { lines, body: text.slice(at) }
    // §7.3.1: a line that begins with white space continues the one before.
    if (folded) lines[lines.length - 1] += ` ${line.trimStart()}`
    else if (lines.length <= maxFields) lines.push(line)
  }
  return { lines: lines.length === 0 ? [''] : lines, body: '' }
}

const isLineEnd = (code: number): boolean => code === 13 || code === 10
const isBlank = (code: number): boolean => code === 32 || code === 9

/** Whether a field beginning with this letter is one of `marked`: C, F, I, T. */
const mayBeMarked = (code: number): boolean => {
  const lower = code | 0x20
  return lower === 0x63 || lower === 0x66 || lower === 0x69 || lower === 0x74
}

function nameOf(line: string): string {
  const colon = line.indexOf(':')
  return colon < 1 ? '?' : line.slice(0, colon).trim().slice(0, 60)
}

function lineOf(line: string): Line {
  const name = nameOf(line)
  const value = line.slice(name === '?' ? 0 : line.indexOf(':') + 1).trim()
  const lower = name.toLowerCase()
  const safe = `${name}: ${safeField(lower, value)}`
  const field = marked[lower]
  return { safe, field, value: field === undefined ? '' : meant(field, value) }
}

/** What is read of a field; `''` when it does not hold it. */
function meant(field: Marked, value: string): string {
  if (field === 'from' || field === 'to') return tagIn(value)
  if (field !== 'cseq') return value.slice(0, 300)
  const [, number, method] = /^(\d{1,10})\s{1,16}([A-Za-z]{1,16})$/.exec(value.slice(0, 64)) ?? []
  return number === undefined ? '' : `${number} ${method!.toUpperCase()}`
}

/** `''` when there is none. */
function tagIn(value: string): string {
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
