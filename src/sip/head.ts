/**
 * The head of a message: start line and header fields, from text to lists, with the first thing that is wrong with
 * it. Reading goes on after a fault as far as it can, because the answer to a bad request copies what was readable.
 */
import { isToken, trimmed } from './grammar.ts'
import { knownNameAt } from './header-names.ts'
import type { HeaderField } from './message.ts'

/** Something wrong with a request, and how it is to be answered. */
export interface Fault {
  readonly status: 400 | 505 | 513
  /** A stable word for the counter. */
  readonly reason: string
  /** The reason phrase of the answer. */
  readonly phrase: string
}

export type StartLine =
  | {
      readonly kind: 'request'
      readonly method: string
      readonly uri: string
      readonly fault: Fault | undefined
    }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string }

export interface Head {
  readonly start: StartLine | undefined
  readonly headers: HeaderField[]
  readonly fault: Fault | undefined
}

const bad = (reason: string, phrase: string): Fault => ({ status: 400, reason, phrase })

const badLine = bad('badLine', 'Bad Line End')
const badHeader = bad('badHeader', 'Malformed Header Field')
const tooManyHeaders = bad('tooManyHeaders', 'Too Many Header Fields')
const badStartLine = bad('badStartLine', 'Malformed Request Line')
const badUri = bad('badUri', 'Malformed Request-URI')
const badVersion: Fault = { status: 505, reason: 'badVersion', phrase: 'Version Not Supported' }

/** Reads `text`, everything before the empty line, its last line's CRLF not included. */
export function readHead(text: string, maxFields: number): Head {
  let end = text.indexOf('\r\n')
  if (end < 0) end = text.length
  const start = readStartLine(text.slice(0, end))
  const headers: HeaderField[] = []
  let fault = hasNul(text) || hasBareLineEnd(text) ? badLine : undefined
  let once = 0
  let fields = 0
  let at = end + 2
  while (at < text.length) {
    // Malformed fields count too: each costs a look for its colon.
    if (++fields > maxFields) return { start, headers, fault: fault ?? tooManyHeaders }
    end = fieldEnd(text, at)
    const known = readField(text, at, end, headers)
    at = end + 2
    if (known === undefined) {
      fault ??= badHeader
      continue
    }
    if ((once & known.onceBit) !== 0) fault ??= bad('doubledHeader', `More Than One ${known.name}`)
    once |= known.onceBit
  }
  return { start, headers, fault }
}

/** RFC 3261 §25.1: a NUL stands only behind a backslash, in quotes. */
const hasNul = (text: string): boolean => text.includes('\0') && /(?:^|[^\\])\0/.test(text)

/** RFC 3261 §7: every line ends in CRLF. A lone CR or LF would be a line end to some readers and not to others. */
function hasBareLineEnd(text: string): boolean {
  let feed = text.indexOf('\n')
  let carriage = text.indexOf('\r')
  while (feed >= 0 || carriage >= 0) {
    if (feed !== carriage + 1 || carriage < 0) return true
    carriage = text.indexOf('\r', feed)
    feed = text.indexOf('\n', feed + 1)
  }
  return false
}

const isBlankAt = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code === 0x20 || code === 0x09
}

/** The end of the field at `at`, over the folded lines that continue it (RFC 3261 §7.3.1). */
function fieldEnd(text: string, at: number): number {
  let end = text.indexOf('\r\n', at)
  while (end >= 0 && isBlankAt(text, end + 2)) end = text.indexOf('\r\n', end + 2)
  return end < 0 ? text.length : end
}

const unknown = { onceBit: 0, name: '' }

/** Appends the field between `at` and `end`; what is known of its name, or undefined when it is no field at all. */
function readField(
  text: string,
  at: number,
  end: number,
  headers: HeaderField[],
): { readonly onceBit: number; readonly name: string } | undefined {
  const colon = text.indexOf(':', at)
  if (colon < 0 || colon >= end || isBlankAt(text, at)) return undefined
  let value = trimmed(text, colon + 1, end)
  if (value.includes('\r\n')) value = unfolded(value)
  let nameEnd = colon
  while (nameEnd > at && isBlankAt(text, nameEnd - 1)) nameEnd--
  const known = knownNameAt(text, at, nameEnd)
  if (known !== undefined) {
    headers.push({ name: known.name, value })
    return known
  }
  const name = text.slice(at, nameEnd)
  if (!isToken(name)) return undefined
  headers.push({ name, value })
  return unknown
}

/**
 * RFC 3261 §7.3.1: a fold and the white space around it are one space. Not by a pattern: one that starts with a run
 * of spaces takes quadratic time.
 */
const unfolded = (value: string): string =>
  value
    .split('\r\n')
    .map(line => trimmed(line))
    .filter(line => line !== '')
    .join(' ')

/** RFC 3261 §7.1, §7.2: single spaces, nothing before or after. Undefined when it is not even the shape of one. */
function readStartLine(line: string): StartLine | undefined {
  const first = line.indexOf(' ')
  if (first <= 0) return undefined
  const word = line.slice(0, first)
  if (isSipVersion(word)) return readStatusLine(line, first)
  if (!isToken(word)) return undefined
  const last = line.lastIndexOf(' ')
  const version = line.slice(last + 1)
  const uri = last > first ? line.slice(first + 1, last) : ''
  return { kind: 'request', method: word, uri, fault: requestLineFault(uri, version) }
}

function requestLineFault(uri: string, version: string): Fault | undefined {
  if (!isSipVersion(version)) return /^sip\/\d+\.\d+$/i.test(version) ? badVersion : badStartLine
  if (uri === '' || uri.includes(' ') || uri.includes('\t')) return badStartLine
  // RFC 3261 §7.1: the Request-URI is not enclosed in <>. Beyond that its scheme decides, which is the core's to judge.
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:[!#-;=?-~]+$/.test(uri) ? undefined : badUri
}

/** RFC 3261 §7.1: compared without regard to case. */
const isSipVersion = (text: string): boolean =>
  text === 'SIP/2.0' || (text.length === 7 && text.toUpperCase() === 'SIP/2.0')

function readStatusLine(line: string, first: number): StartLine | undefined {
  const digits = line.slice(first + 1, first + 4)
  const after = line.charAt(first + 4)
  if (!/^[1-6][0-9][0-9]$/.test(digits) || (after !== '' && after !== ' ')) return undefined
  return { kind: 'response', status: Number(digits), reason: line.slice(first + 5) }
}
