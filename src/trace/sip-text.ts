/**
 * A SIP message as far as a trace needs it: which call it belongs to, and its text without secrets. Not the proxy's
 * decoder: this one takes anything, also what the proxy refuses, and judges nothing.
 *
 * Every message on the wire passes here, and most lines of a call's messages were in the one before: what may be kept of
 * a line is remembered, and so is what may be of a body, in JSON, as it is written.
 */
import { hash } from 'node:crypto'
import { type Known, KnownLines } from './known-lines.ts'
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

/** Start line, fields with what continues them, and the body. */
interface Parts {
  readonly start: Start
  readonly lines: readonly Known<Line>[]
  readonly body: Known<Body> | undefined
}

/** A message whose call is known; `SipReader.json` makes text of it. */
export type SipRead = SipMark & Parts

const maxHead = 65_536
const maxFields = 256
/** What says whose a message is stands within so many characters. */
const maxMarked = 8_192
/** Characters kept of one message. */
const maxMessage = 16_384
/** Of a head, how much is looked at closely: what a stranger sends must not hold anybody up. */
const maxLookedAt = 6_144
/** Characters of all messages whose lines are remembered, and of what was made of them; then it begins anew. */
const maxRemembered = 1_000_000

interface Start {
  readonly request: boolean
  /** Of a response code and reason, else `''`. */
  readonly name: string
  readonly json: string
}

interface Line {
  readonly field: Marked | undefined
  /** Of Call-ID and Content-Type the value, of From and To the tag, of CSeq number and method with one space. */
  readonly value: string
  readonly json: string
}

interface Body {
  /** What it was taken for. */
  readonly type: string
  readonly json: string
}

type Marked = 'call-id' | 'from' | 'to' | 'cseq' | 'content-type'

/** Header fields that are read, long and compact (RFC 3261 §7.3.3). */
const marked = new Map<string, Marked>([
  ['call-id', 'call-id'],
  ['i', 'call-id'],
  ['from', 'from'],
  ['f', 'from'],
  ['to', 'to'],
  ['t', 'to'],
  ['cseq', 'cseq'],
  ['content-type', 'content-type'],
  ['c', 'content-type'],
])

export class SipReader {
  readonly #starts = new KnownLines<Start>()
  readonly #lines = new KnownLines<Line>()
  readonly #bodies = new KnownLines<Body>()
  #remembered = 0

  /** Undefined where it does not say which call it belongs to. */
  read(bytes: Uint8Array): SipRead | undefined {
    const { start, lines, body } = this.#split(bytes)
    let callId: string | undefined
    let fromTag: string | undefined
    let toTag: string | undefined
    let cseq: string | undefined
    let at = 0
    for (const line of lines) {
      at += line.text.length
      if (at > maxMarked) break
      if (!mayBeMarked(line.text.charCodeAt(0))) continue
      const { field, value } = this.#line(line)
      if (field === 'call-id') callId ??= value
      else if (field === 'from') fromTag ??= value
      else if (field === 'to') toTag ??= value
      else if (field === 'cseq') cseq ??= value
    }
    if (!callId || callId.length > 256 || !fromTag || !cseq) return undefined
    const { request } = start
    const method = cseq.slice(cseq.indexOf(' ') + 1)
    const name = request ? method : start.name
    return { callId, fromTag, toTag: toTag ?? '', cseq, method, name, request, start, lines, body }
  }

  /** The message as it may be kept, as a string in JSON. */
  json({ start, lines, body }: Parts): string {
    const safely = [start.json]
    let lookedAt = 0
    let type: string | undefined
    for (const line of lines) {
      lookedAt += Math.min(line.text.length, maxField)
      if (lookedAt > maxLookedAt) {
        safely.push(`${quoted(nameOf(line.text))}: ${mark}${lineEnd}`)
        continue
      }
      const made = this.#line(line)
      if (made.field === 'content-type') type ??= made.value
      safely.push(made.json)
    }
    safely.push(lineEnd, body === undefined ? '' : this.#body(type ?? '', body))
    const json = safely.join('')
    return json.length <= maxMessage ? `"${json}"` : JSON.stringify(cut(JSON.parse(`"${json}"`), maxMessage))
  }

  /** The message as it may be kept, whosesoever it is. */
  text(bytes: Uint8Array): string {
    return JSON.parse(this.json(this.#split(bytes)))
  }

  /** Messages hold secrets: nothing of them stays for long. */
  forget(): void {
    if (this.#remembered === 0) return
    this.#starts.forget()
    this.#lines.forget()
    this.#bodies.forget()
    this.#remembered = 0
  }

  #split(bytes: Uint8Array): Parts {
    if (this.#remembered > maxRemembered) this.forget()
    const most = Math.min(bytes.byteLength, maxHead)
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, most).toString('utf8')
    this.#remembered += text.length
    let at = 0
    // RFC 3261 §7.5: line ends before the start line are ignored.
    while (text[at] === '\n' || text[at] === '\r') at++
    let feed = lineEndIn(text, at)
    const start = this.#start(this.#starts.find(lineIn(text, at, feed)))
    const lines: Known<Line>[] = []
    let line: Known<Line> | undefined
    for (at = feed + 1; at < text.length; at = feed + 1) {
      feed = lineEndIn(text, at)
      if (lineIn(text, at, feed) === '') break
      // §7.3.1: a line that begins with white space continues the one before.
      while (isBlank(text.charCodeAt(feed + 1))) feed = lineEndIn(text, feed + 1)
      line = this.#lines.find(lineIn(text, at, feed), line)
      if (lines.length < maxFields) lines.push(line)
    }
    const body = feed + 1 < text.length ? this.#bodies.find(text.slice(feed + 1)) : undefined
    return { start, lines, body }
  }

  #start(known: Known<Start>): Start {
    known.made ??= this.#made(startOf(known.text))
    return known.made
  }

  #line(known: Known<Line>): Line {
    known.made ??= this.#made(lineOf(unfolded(known.text)))
    return known.made
  }

  #body(type: string, known: Known<Body>): string {
    if (known.made?.type !== type) {
      known.made = this.#made({ type, json: quoted(safeBody(type, known.text)) })
    }
    return known.made.json
  }

  #made<Made extends { readonly json: string }>(made: Made): Made {
    this.#remembered += made.json.length
    return made
  }
}

/** What stands as it is in JSON; most lines do. */
const plain = /^[ !#-[\]-~]*$/
/** Of a JSON string what stands between its quotes. */
const quoted = (text: string): string => (plain.test(text) ? text : JSON.stringify(text).slice(1, -1))
const lineEnd = '\\r\\n'

/** Where the line ends: its line feed, or the end of the text. */
function lineEndIn(text: string, at: number): number {
  const feed = text.indexOf('\n', at)
  return feed < 0 ? text.length : feed
}

const lineIn = (text: string, at: number, feed: number): string =>
  text.slice(at, feed > at && text.charCodeAt(feed - 1) === 13 ? feed - 1 : feed)

function unfolded(field: string): string {
  if (!field.includes('\n')) return field
  const [first = '', ...more] = field.split(/\r?\n/)
  return [first, ...more.map(line => line.trimStart())].join(' ')
}

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

function startOf(line: string): Start {
  const request = !line.startsWith('SIP/2.0 ')
  const name = request ? '' : line.slice(8, 8 + 64).trim()
  return { request, name, json: quoted(safeStart(line)) + lineEnd }
}

function lineOf(line: string): Line {
  const name = nameOf(line)
  const value = line.slice(name === '?' ? 0 : line.indexOf(':') + 1).trim()
  const json = quoted(`${name}: ${safeField(name, value)}`) + lineEnd
  const field = mayBeMarked(line.charCodeAt(0)) ? marked.get(name.toLowerCase()) : undefined
  return { field, value: field === undefined ? '' : meant(field, value), json }
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
