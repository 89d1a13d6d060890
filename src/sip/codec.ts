/**
 * SIP messages from bytes and back (RFC 3261 §7, §25), and the parts of their headers. Decoding is lazy: it splits
 * the head into fields and checks what every message must have (§8.1.1, §16.3 step 1); what a field means is parsed
 * by whoever needs it, with the functions below. All of it is pure, bounded and total.
 */
import { hash } from 'node:crypto'
import { canonicalAddress } from '../core/endpoint.ts'
import type { Decoded } from '../core/result.ts'
import {
  formatHost,
  formatParams,
  isPasswordPart,
  isToken,
  isUriHeaders,
  isUserPart,
  nextOutside,
  parseDigits,
  parseHostPort,
  parseParam,
  parseParams,
  parseUriParams,
  quoted,
  scanQuoted,
  scanToken,
  skipSpace,
  trimmed,
  unescaped,
  unquoted,
} from './grammar.ts'
import { type Fault, readHead } from './head.ts'
import { isList, knownName } from './header-names.ts'
import type {
  AuthParams,
  CSeq,
  Essentials,
  HeaderField,
  NameAddr,
  SipMessage,
  SipRequest,
  SipResponse,
  SipUri,
  Via,
} from './message.ts'

/** What a message may measure; beyond it the decoder refuses. */
export const limits = {
  /** Head and body together. */
  messageBytes: 65_536,
  /** Header fields in one message, each of which may hold several values. */
  headerFields: 128,
  /** RFC 3261 §8.1.1.5: a sequence number is below 2^31. */
  cseq: 2 ** 31 - 1,
  /** RFC 3261 §20.22. */
  maxForwards: 255,
} as const

/** `ok` with what had to be read of the message anyhow. */
export type DecodedSip =
  | { readonly kind: 'ok'; readonly message: SipMessage; readonly essentials: Essentials }
  | Exclude<Decoded<SipMessage, SipResponse>, { kind: 'ok' }>

type Headed = { readonly headers: readonly HeaderField[] }

const headEnd = Buffer.from('\r\n\r\n')
const noBody = new Uint8Array(0)

// ---------------------------------------------------------------------------------------------------- messages

/**
 * One whole message: a datagram, a WebSocket message, or what `StreamFramer` cut out of a stream. A bad request is
 * rejected with its answer (400, 505, 513), to be sent back the way it came, whatever its Via says; bad responses and
 * ACKs, and requests without Via, are dropped. The body is a view of `bytes`, not a copy.
 */
export function decode(bytes: Uint8Array): DecodedSip {
  const buffer =
    bytes instanceof Buffer && bytes.length <= limits.messageBytes
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, limits.messageBytes))
  // RFC 3261 §7.5: CRLFs before the start line are ignored.
  let from = 0
  while (buffer[from] === 0x0d && buffer[from + 1] === 0x0a) from += 2
  if (from === buffer.length) return { kind: 'drop', reason: 'empty' }
  const end = buffer.indexOf(headEnd, from)
  const text = headText(buffer.subarray(from, end < 0 ? buffer.length : end))
  const head = readHead(text, limits.headerFields)
  if (head.start === undefined) return { kind: 'drop', reason: 'badStartLine' }

  const bodyFrom = end < 0 ? buffer.length : end + headEnd.length
  const length = contentLength(head)
  const fault =
    sizeFault(bytes, end) ??
    (head.start.kind === 'request' ? head.start.fault : undefined) ??
    head.fault ??
    (length === undefined || length > buffer.length - bodyFrom ? badLength : undefined)
  // RFC 3261 §18.3: in a datagram, bytes past Content-Length are thrown away; without it the body is all the rest.
  const bodyTo = length === undefined || length < 0 ? buffer.length : bodyFrom + length
  const body = bodyFrom < bodyTo ? bytes.subarray(bodyFrom, bodyTo) : noBody

  const { headers } = head
  if (head.start.kind === 'response') {
    const { status, reason } = head.start
    const message: SipResponse = { kind: 'response', status, reason, headers, body }
    const essentials = fault ?? essentialsOf(message)
    if (isFault(essentials)) return { kind: 'drop', reason: essentials.reason }
    return { kind: 'ok', message, essentials }
  }
  const { method, uri } = head.start
  const message: SipRequest = { kind: 'request', method, uri, headers, body }
  const essentials = fault ?? essentialsOf(message)
  return isFault(essentials) ? refuse(message, essentials) : { kind: 'ok', message, essentials }
}

/**
 * RFC 3261 §7: UTF-8. Old phones write the names of people in Latin-1, and know no better when they are refused; what is
 * no UTF-8 is read as that, and goes on as UTF-8.
 */
function headText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // Replacement characters that were never sent are what reading other bytes as UTF-8 leaves.
  const isMisread = text.includes('\ufffd') && !bytes.equals(Buffer.from(text))
  return isMisread ? bytes.toString('latin1') : text
}

const fault400 = (reason: string, phrase: string): Fault => ({ status: 400, reason, phrase })
const badLength = fault400('badContentLength', 'Bad Content-Length')

function sizeFault(bytes: Uint8Array, headEndsAt: number): Fault | undefined {
  if (bytes.length > limits.messageBytes) {
    return { status: 513, reason: 'tooLarge', phrase: 'Message Too Large' }
  }
  return headEndsAt < 0 ? fault400('noHeadEnd', 'Incomplete Message') : undefined
}

/** The value of Content-Length, -1 when there is none, undefined when it is no length. */
function contentLength(message: Headed): number | undefined {
  const value = first(message, 'Content-Length')
  return value === undefined ? -1 : parseDigits(value, Number.MAX_SAFE_INTEGER)
}

/** RFC 3261 §8.1.1: what a message must carry. Max-Forwards may be missing, as in messages of RFC 2543. */
export function essentialsOf(message: SipMessage): Essentials | Fault {
  const via = parseVia(firstOf(first(message, 'Via') ?? ''))
  if (via === undefined) return fault400('badVia', 'Missing or Bad Via')
  const from = parseNameAddr(first(message, 'From') ?? '')
  if (from === undefined) return fault400('badFrom', 'Missing or Bad From')
  const to = parseNameAddr(first(message, 'To') ?? '')
  if (to === undefined) return fault400('badTo', 'Missing or Bad To')
  const callId = first(message, 'Call-ID')
  if (callId === undefined || callId === '' || callId.includes(' ') || callId.includes('\t')) {
    return fault400('badCallId', 'Missing or Bad Call-ID')
  }
  const cseq = parseCSeq(first(message, 'CSeq') ?? '')
  if (cseq === undefined) return fault400('badCSeq', 'Missing or Bad CSeq')
  if (message.kind === 'response') return { via, from, to, callId, cseq, uri: undefined }
  if (cseq.method !== message.method) return fault400('cseqMismatch', 'CSeq Method Mismatch')
  const hops = first(message, 'Max-Forwards')
  if (hops !== undefined && parseDigits(hops, limits.maxForwards) === undefined) {
    return fault400('badMaxForwards', 'Bad Max-Forwards')
  }
  // §19.1.1: a Request-URI has no headers. Other schemes than sip and sips are the core's to refuse.
  const uri = parseUri(message.uri)
  const isBad = uri === undefined ? /^sips?:/i.test(message.uri) : uri.headers !== undefined
  return isBad ? fault400('badUri', 'Malformed Request-URI') : { via, from, to, callId, cseq, uri }
}

export const isFault = (read: Essentials | Fault): read is Fault => 'phrase' in read

/** RFC 3261 §17.1.1.3: an ACK is never answered. Without a Via nothing says that an answer would be understood. */
function refuse(request: SipRequest, fault: Fault): DecodedSip {
  const via = first(request, 'Via')
  if (request.method === 'ACK' || via === undefined || via === '')
    return { kind: 'drop', reason: fault.reason }
  // §8.2.6.2 wants a tag, and the same one for each retransmission: hence made from what identifies the request.
  const tag = hash('sha256', `${via}\0${first(request, 'Call-ID') ?? ''}`, 'hex').slice(0, 16)
  return {
    kind: 'reject',
    answer: response(request, fault.status, fault.phrase, [], tag),
    reason: fault.reason,
  }
}

/**
 * The message as bytes. Content-Length is written from the body, in the place of the one present or last. CR, LF and
 * NUL inside a value become a space, so that no text from elsewhere can start a field of its own.
 */
export function encode(message: SipMessage): Buffer {
  let text =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${oneLine(message.reason)}\r\n`
  let hasLength = false
  for (const { name, value } of message.headers) {
    if (name === 'Content-Length') {
      if (!hasLength) text += `Content-Length: ${message.body.length}\r\n`
      hasLength = true
    } else text += `${name}: ${oneLine(value)}\r\n`
  }
  text += hasLength ? '\r\n' : `Content-Length: ${message.body.length}\r\n\r\n`
  if (message.body.length === 0) return Buffer.from(text)
  const headBytes = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(headBytes + message.body.length)
  bytes.write(text)
  bytes.set(message.body, headBytes)
  return bytes
}

/** An escaped NUL is the one that RFC 3261 §25.1 allows. */
const oneLine = (value: string): string =>
  /[\r\n\0]/.test(value) ? value.replace(/[\r\n]+|(?<!\\)\0+/g, ' ') : value

/**
 * An answer to `request` by RFC 3261 §8.2.6: Via, From, To, Call-ID and CSeq are copied, for 100 the Timestamp too.
 * `toTag` is put on a To that has none; `extra` follows the copied fields.
 */
export function response(
  request: SipRequest,
  status: number,
  reason: string,
  extra: readonly HeaderField[] = [],
  toTag?: string,
): SipResponse {
  const headers: HeaderField[] = []
  for (const field of request.headers) {
    const { name } = field
    if (name === 'Via' || name === 'From' || name === 'Call-ID' || name === 'CSeq') headers.push(field)
    else if (name === 'To')
      headers.push(toTag === undefined ? field : { name, value: tagged(field.value, toTag) })
    else if (name === 'Timestamp' && status === 100) headers.push(field)
  }
  headers.push(...extra)
  return { kind: 'response', status, reason, headers, body: noBody }
}

function tagged(to: string, tag: string): string {
  // Where the letters are nowhere there is none, and nothing has to be taken apart to see it.
  if (!/tag/i.test(to)) return `${to};tag=${tag}`
  const party = parseNameAddr(to)
  return party === undefined || party.params.has('tag') ? to : `${to};tag=${tag}`
}

/** A call's id everywhere in this house: 16 bytes of SHA-256 over Call-ID, NUL and the caller's tag, in hexadecimal. */
export function callKey(callId: string, fromTag: string): string {
  return hash('sha256', `${callId}\0${fromTag}`, 'hex').slice(0, 32)
}

// ------------------------------------------------------------------------------------------------ header lists

const sameName = (wanted: string): ((name: string) => boolean) => {
  const known = knownName(wanted)
  if (known !== undefined) return name => name === known.name
  const lower = wanted.toLowerCase()
  return name => name.toLowerCase() === lower
}

/** The value of the first field of that name. */
export function first(message: Headed, name: string): string | undefined {
  // Decoded lists and our own spell known names canonically, so that the usual look-up compares pointers.
  for (const field of message.headers) if (field.name === name) return field.value
  if (knownName(name)?.name === name) return undefined
  const isSame = sameName(name)
  return message.headers.find(field => isSame(field.name))?.value
}

/** Every value of every field of that name, in order; commas divide where the header's grammar has a list. */
export function values(message: Headed, name: string): string[] {
  const known = knownName(name)
  const isSame = known?.name === name ? undefined : sameName(name)
  const found: string[] = []
  for (const { name: other, value } of message.headers) {
    if (isSame === undefined ? other !== name : !isSame(other)) continue
    if (value.includes(',') && isList(known?.name ?? name)) splitInto(found, value)
    else if (value !== '') found.push(value)
  }
  return found
}

function splitInto(found: string[], value: string): void {
  let at = 0
  while (at <= value.length) {
    const comma = nextOutside(value, ',', at)
    found.push(trimmed(value, at, comma))
    at = comma + 1
  }
}

const firstOf = (value: string): string =>
  value.includes(',') ? trimmed(value, 0, nextOutside(value, ',', 0)) : value

/** Drops the topmost value: the first of its field's comma list, or the field when it was alone in it. */
export function removeFirstValue(headers: readonly HeaderField[], name: string): HeaderField[] {
  return withFirstValue(headers, name, undefined)
}

/** Writes `value` in the place of the topmost value of that name; no change when there is none. */
export function replaceFirstValue(
  headers: readonly HeaderField[],
  name: string,
  value: string,
): HeaderField[] {
  return withFirstValue(headers, name, value)
}

function withFirstValue(
  headers: readonly HeaderField[],
  name: string,
  value: string | undefined,
): HeaderField[] {
  const known = knownName(name)
  const isSame = known?.name === name ? undefined : sameName(name)
  const changed: HeaderField[] = []
  let isDone = false
  for (const field of headers) {
    if (isDone || (isSame === undefined ? field.name !== name : !isSame(field.name))) {
      changed.push(field)
      continue
    }
    isDone = true
    const rest = field.value.includes(',') && isList(field.name) ? afterFirst(field.value) : ''
    if (value === undefined) {
      if (rest !== '') changed.push({ name: field.name, value: rest })
    } else changed.push({ name: field.name, value: rest === '' ? value : `${value}, ${rest}` })
  }
  return changed
}

const afterFirst = (list: string): string => trimmed(list, nextOutside(list, ',', 0) + 1)

/** The tag of From or To. */
export function tagOf(message: Headed, name: 'From' | 'To'): string | undefined {
  const value = first(message, name)
  return value === undefined ? undefined : parseNameAddr(value)?.params.get('tag')
}

// ---------------------------------------------------------------------------------------------- header values

/** A `sip:` or `sips:` URI (RFC 3261 §19.1.1); undefined for other schemes and for anything malformed. */
export function parseUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':')
  const scheme = text.slice(0, colon).toLowerCase()
  if (scheme !== 'sip' && scheme !== 'sips') return undefined
  const at = text.indexOf('@')
  const user = at < 0 ? {} : parseUserInfo(text.slice(colon + 1, at))
  const hostFrom = Math.max(at, colon) + 1
  const question = text.indexOf('?', hostFrom)
  const headersFrom = question < 0 ? text.length : question
  const semicolon = text.indexOf(';', hostFrom)
  const paramsFrom = semicolon < 0 || semicolon > headersFrom ? headersFrom : semicolon
  const place = parseHostPort(text.slice(hostFrom, paramsFrom))
  const params = parseUriParams(text.slice(paramsFrom, headersFrom))
  const headers = question < 0 ? undefined : text.slice(question + 1)
  if (user === undefined || place === undefined || params === undefined) return undefined
  if (headers !== undefined && (headers === '' || !isUriHeaders(headers))) return undefined
  return {
    scheme,
    user: user.user,
    password: user.password,
    host: place.host.toLowerCase(),
    port: place.port,
    params,
    headers,
  }
}

function parseUserInfo(text: string): { user?: string; password?: string } | undefined {
  const colon = text.indexOf(':')
  const written = colon < 0 ? text : text.slice(0, colon)
  const user = isUserPart(written) ? unescaped(written) : undefined
  if (user === undefined || user === '') return undefined
  if (colon < 0) return { user }
  const password = text.slice(colon + 1)
  return isPasswordPart(password) && unescaped(password) !== undefined ? { user, password } : undefined
}

/** RFC 3261 §19.1.4: these parameters count even when only one side has them. */
const decisiveParams = ['transport', 'user', 'method', 'ttl', 'maddr']

/** Equivalence by RFC 3261 §19.1.4. */
export function uriEquals(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.user !== b.user || a.port !== b.port) return false
  if (unescaped(a.password ?? '') !== unescaped(b.password ?? '')) return false
  if ((canonicalAddress(a.host) ?? a.host) !== (canonicalAddress(b.host) ?? b.host)) return false
  for (const [name, value] of a.params) {
    const other = b.params.get(name)
    if (other === undefined ? decisiveParams.includes(name) : value.toLowerCase() !== other.toLowerCase())
      return false
  }
  for (const name of b.params.keys()) if (decisiveParams.includes(name) && !a.params.has(name)) return false
  return foldedHeaders(a.headers) === foldedHeaders(b.headers)
}

const folded = (text: string): string => (unescaped(text) ?? text).toLowerCase()

/** URI headers in an order of their own, since theirs does not count. */
const foldedHeaders = (headers: string | undefined): string =>
  (headers ?? '').split('&').map(folded).sort().join('&')

/**
 * RFC 3261 §20.10 `name-addr` or `addr-spec`, with header parameters. Only the shape of the URI is looked at, since
 * it may be of any scheme. Unquoted display names may hold more than tokens (many phones send UTF-8 there).
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  let displayName: string | undefined
  let at = skipSpace(text, 0)
  if (text.charCodeAt(at) === 0x22) {
    const end = scanQuoted(text, at)
    if (end < 0) return undefined
    displayName = unquoted(text, at, end)
    at = skipSpace(text, end)
    if (text.charCodeAt(at) !== 0x3c) return undefined
  }
  const angle = text.indexOf('<', at)
  if (angle < 0) return parseAddrSpec(text, at)
  if (angle > at) {
    displayName = trimmed(text, at, angle)
    if (/[",:;>\\]/.test(displayName)) return undefined
  }
  const closing = text.indexOf('>', angle)
  if (closing < 0) return undefined
  const uri = text.slice(angle + 1, closing)
  const params = isUriShaped(uri) ? parseParams(text, closing + 1) : undefined
  return params && { displayName, uri, params }
}

/** §20: without `<>`, a semicolon begins header parameters, and a URI with comma or question mark is not allowed. */
function parseAddrSpec(text: string, at: number): NameAddr | undefined {
  const semicolon = text.indexOf(';', at)
  const end = semicolon < 0 ? text.length : semicolon
  const uri = trimmed(text, at, end)
  if (!isUriShaped(uri) || uri.includes(',') || uri.includes('?')) return undefined
  const params = parseParams(text, end)
  return params && { displayName: undefined, uri, params }
}

/** A scheme, a colon, and then neither spaces, quotes, angles nor anything outside printable ASCII. */
const isUriShaped = (text: string): boolean => /^[a-zA-Z][a-zA-Z0-9+.-]*:[!#-;=?-~]+$/.test(text)

export function formatNameAddr(address: NameAddr): string {
  const display = address.displayName === undefined ? '' : `${quoted(address.displayName)} `
  return `${display}<${address.uri}>${formatParams(address.params)}`
}

/** One Via value (RFC 3261 §20.42). `protocol` is `SIP/2.0`; the transport is as written; IPv6 has no brackets. */
export function parseVia(text: string): Via | undefined {
  const protocolEnd = text.startsWith('SIP/2.0/') ? 7 : spacedProtocolEnd(text)
  if (protocolEnd < 0) return undefined
  const transportFrom = skipSpace(text, protocolEnd + 1)
  const transportEnd = scanToken(text, transportFrom)
  const semicolon = text.indexOf(';', transportEnd)
  const sentByEnd = semicolon < 0 ? text.length : semicolon
  const hostFrom = skipSpace(text, transportEnd)
  if (transportEnd === transportFrom || hostFrom === transportEnd) return undefined
  const sentBy = parseHostPort(trimmed(text, hostFrom, sentByEnd))
  const params = sentBy && parseParams(text, sentByEnd)
  if (params === undefined) return undefined
  return { protocol: 'SIP/2.0', transport: text.slice(transportFrom, transportEnd), ...sentBy!, params }
}

/** White space may surround the slashes (§25.1 SLASH). The position of the slash before the transport, or -1. */
function spacedProtocolEnd(text: string): number {
  const spaced = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\//i.exec(text)
  return spaced === null ? -1 : spaced[0].length - 1
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`
  return `${via.protocol}/${via.transport} ${formatHost(via.host)}${port}${formatParams(via.params)}`
}

/** RFC 3261 §20.16: a number below 2^31, white space, a method. */
export function parseCSeq(text: string): CSeq | undefined {
  const digitsEnd = scanToken(text, 0)
  const methodFrom = skipSpace(text, digitsEnd)
  const number = parseDigits(text.slice(0, digitsEnd), limits.cseq)
  const method = text.slice(methodFrom)
  if (number === undefined || methodFrom === digitsEnd || !isToken(method)) return undefined
  return { number, method }
}

/** `Digest realm="…", nonce="…"`: a challenge or credentials (RFC 3261 §25.1); undefined when not of that form. */
export function parseAuth(text: string): AuthParams | undefined {
  const schemeEnd = scanToken(text, 0)
  if (schemeEnd === 0) return undefined
  const params = new Map<string, string>()
  let at = skipSpace(text, schemeEnd)
  if (at === schemeEnd && at < text.length) return undefined
  while (at < text.length) {
    at = parseParam(text, at, params)
    if (at < 0 || (at < text.length && text.charCodeAt(at) !== 0x2c)) return undefined
    at = skipSpace(text, at + 1)
  }
  return { scheme: text.slice(0, schemeEnd).toLowerCase(), params }
}
