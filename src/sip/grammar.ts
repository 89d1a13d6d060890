/**
 * Scanning by RFC 3261 §25.1 below the level of a header: tokens, quoted strings, parameters, hosts, escapes. Each
 * scanner takes a text and a position and returns the position after what it read; nothing here throws or recurses.
 */
import { isIPv4, parseIPv6 } from '../core/endpoint.ts'
import { Words } from './words.ts'

const token = 1
const bareValue = 2
const userPart = 4
const passwordPart = 8
const uriParam = 16
const uriHeaders = 32
const hostName = 64
const dialled = 128

const classes = new Uint8Array(128)
const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const unreserved = `${alphanumeric}-_.!~*'()`
const mark = (characters: string, bit: number): void => {
  for (const character of characters) classes[character.charCodeAt(0)]! |= bit
}
mark(`${alphanumeric}-.!%*_+\`'~`, token | bareValue)
mark('[]:', bareValue)
mark(`${unreserved}%&=+$,;?/`, userPart | dialled)
// Has to be escaped, and phones with such a key do not.
mark('#', dialled)
mark(`${unreserved}%&=+$,`, passwordPart)
mark(`${unreserved}%[]/:&+$`, uriParam)
mark(`${unreserved}%[]/?:+$=&`, uriHeaders)
mark(`${alphanumeric}-._`, hostName)

/** Of one field or URI: each is looked up and kept, and a stranger's datagram has room for twenty thousand. */
export const mostParams = 64

const space = 0x20
const tab = 0x09
const quote = 0x22
const backslash = 0x5c
const semicolon = 0x3b
const equals = 0x3d

const isOf = (code: number, bit: number): boolean => code < 128 && (classes[code]! & bit) !== 0

function scan(text: string, at: number, bit: number): number {
  let index = at
  while (index < text.length && isOf(text.charCodeAt(index), bit)) index++
  return index
}

const consistsOf = (text: string, bit: number): boolean => scan(text, 0, bit) === text.length

export const isToken = (text: string): boolean => text !== '' && consistsOf(text, token)
export const isUserPart = (text: string): boolean => consistsOf(text, dialled)
export const isPasswordPart = (text: string): boolean => consistsOf(text, passwordPart)
export const isUriHeaders = (text: string): boolean => consistsOf(text, uriHeaders)
export const scanToken = (text: string, at: number): number => scan(text, at, token)

export function skipSpace(text: string, at: number): number {
  let index = at
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code !== space && code !== tab) break
    index++
  }
  return index
}

/** Spaces and tabs off both ends; other white space (a no-break space, say) is content. */
export function trimmed(text: string, from = 0, to = text.length): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === space || code === tab

/** The position after the quoted string that begins at `at`, or -1 when it does not end. */
export function scanQuoted(text: string, at: number): number {
  for (let index = at + 1; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === backslash) index++
    else if (code === quote) return index + 1
  }
  return -1
}

/** What stands between the quotes at `from` and `to - 1`, its `\x` pairs resolved. */
export function unquoted(text: string, from: number, to: number): string {
  const inner = text.slice(from + 1, to - 1)
  return inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner
}

export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The next `separator` at or after `at` that is in neither quotes nor `<>`; the length when there is none. */
export function nextOutside(text: string, separator: string, at: number): number {
  const wanted = separator.charCodeAt(0)
  let inAngles = false
  for (let index = at; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === quote && !inAngles) {
      index = scanQuoted(text, index) - 1
      if (index < 0) return text.length
    } else if (code === 0x3c) inAngles = true
    else if (code === 0x3e) inAngles = false
    else if (code === wanted && !inAngles) return index
  }
  return text.length
}

/**
 * Everything from `at` on as `;name=value` header parameters: names in lower case, values unquoted, a flag `''`.
 * Undefined when it is anything else, a name comes twice, or there are too many.
 */
export function parseParams(text: string, at: number): Map<string, string> | undefined {
  const params = new Map<string, string>()
  let index = skipSpace(text, at)
  while (index < text.length) {
    if (text.charCodeAt(index) !== semicolon) return undefined
    index = parseParam(text, skipSpace(text, index + 1), params)
    if (index < 0) return undefined
  }
  return params
}

const usualParams =
  `tag branch rport received lr transport expires q ob username realm nonce uri response algorithm
qop nc cnonce opaque reg-id +sip.instance`.split(/\s+/)
const knownParams = new Words(usualParams.map(name => [name, name]))

/** One `name` or `name=value` at `at` into `params`; the position of what follows, or -1. */
export function parseParam(text: string, at: number, params: Map<string, string>): number {
  const nameEnd = scan(text, at, token)
  if (nameEnd === at) return -1
  const name = knownParams.at(text, at, nameEnd) ?? text.slice(at, nameEnd).toLowerCase()
  if (params.has(name) || params.size === mostParams) return -1
  let index = skipSpace(text, nameEnd)
  let value = ''
  if (text.charCodeAt(index) === equals) {
    index = skipSpace(text, index + 1)
    const isQuoted = text.charCodeAt(index) === quote
    const end = isQuoted ? scanQuoted(text, index) : scan(text, index, bareValue)
    if (end <= index) return -1
    value = isQuoted ? unquoted(text, index, end) : text.slice(index, end)
    index = skipSpace(text, end)
  }
  params.set(name, value)
  return index
}

/** The inverse of `parseParams`. Feature tags (`+…`) stay quoted, as RFC 3840 §9 has them. */
export function formatParams(params: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, value] of params) {
    if (value === '') text += `;${name}`
    else if (name.startsWith('+') || !consistsOf(value, bareValue)) text += `;${name}=${quoted(value)}`
    else text += `;${name}=${value}`
  }
  return text
}

/** `;name=value` inside a URI: both unescaped, names in lower case; as above, else undefined. */
export function parseUriParams(text: string): Map<string, string> | undefined {
  const params = new Map<string, string>()
  if (text === '') return params
  const parts = text.slice(1).split(';', mostParams + 1)
  if (parts.length > mostParams) return undefined
  for (const part of parts) {
    const at = part.indexOf('=')
    if (at === part.length - 1 || !consistsOf(at < 0 ? part : part.slice(0, at), uriParam)) return undefined
    const name = unescaped(at < 0 ? part : part.slice(0, at))?.toLowerCase()
    const written = at < 0 ? '' : part.slice(at + 1)
    const value = consistsOf(written, uriParam) ? unescaped(written) : undefined
    if (name === undefined || name === '' || value === undefined || params.has(name)) return undefined
    params.set(name, value)
  }
  return params
}

/** `host [":" port]` over the whole of `text`; the host without brackets and as written otherwise. */
export function parseHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const isBracketed = text.startsWith('[')
  const closing = isBracketed ? text.indexOf(']') : 0
  if (closing < 0) return undefined
  const colon = text.indexOf(':', closing)
  const end = colon < 0 ? text.length : colon
  const port = colon < 0 ? undefined : parsePort(trimmed(text, colon + 1))
  if (colon >= 0 && port === undefined) return undefined
  const written = trimmed(text, 0, end)
  if (!isBracketed) return isHost(written) ? { host: written, port } : undefined
  const inner = written.slice(1, -1)
  if (!written.endsWith(']') || inner.includes('%') || parseIPv6(inner) === undefined) return undefined
  return { host: inner, port }
}

export const formatHost = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** A name or a dotted quad. Underscores are let through: container and office networks are full of them. */
function isHost(text: string): boolean {
  if (text === '' || text.length > 255 || !consistsOf(text, hostName)) return false
  const first = text.charCodeAt(0)
  if (first === 0x2d || first === 0x2e || text.includes('..')) return false
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  const lastLabel = bare.charCodeAt(bare.lastIndexOf('.') + 1)
  // RFC 3261 §25.1: a top label begins with a letter, so what ends in digits must be an address.
  return !(lastLabel >= 0x30 && lastLabel <= 0x39) || isIPv4(text)
}

function parsePort(text: string): number | undefined {
  const port = parseDigits(text, 65_535)
  return port === 0 ? undefined : port
}

/** A run of decimal digits, at most `largest`; undefined for anything else. Leading zeros are allowed. */
export function parseDigits(text: string, largest: number): number | undefined {
  if (text === '' || text.length > 20) return undefined
  let value = 0
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
    if (value > largest) return undefined
  }
  return value
}

/** RFC 3986 §2.1 on UTF-8; undefined when a `%` starts no escape or the bytes are not UTF-8. */
export function unescaped(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
