/** How header fields are spelled and which of them may stand once or hold commas that separate nothing. */
import { Words } from './words.ts'

/** What the decoder must know of a header field name. */
export interface KnownName {
  /** As the RFC that defines it spells it. */
  readonly name: string
  /** A bit of its own for a field that may occur once only; 0 for the others. */
  readonly onceBit: number
}

/** The bits of the fields that every message must carry (RFC 3261 §8.1.1; Max-Forwards is missing in RFC 2543 ones). */
export const onceBits = {
  'Call-ID': 1 << 0,
  CSeq: 1 << 1,
  From: 1 << 2,
  To: 1 << 3,
  'Content-Length': 1 << 4,
  'Max-Forwards': 1 << 5,
} as const

/** Others that may stand once and whose doubling would let two readers see two different messages. */
const alsoOnce = ['Content-Type', 'Expires', 'Event', 'Refer-To', 'Replaces', 'Subscription-State', 'RAck']

const spellings = `Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding Content-Language
Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires Flow-Timer From Geolocation History-Info Identity
Identity-Info In-Reply-To Info-Package Join Max-Breadth Max-Forwards MIME-Version Min-Expires Min-SE Organization
P-Access-Network-Info P-Asserted-Identity P-Preferred-Identity Path Priority Privacy Proxy-Authenticate
Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info Refer-Sub Refer-To Referred-By Reject-Contact
Remote-Party-ID Replaces Reply-To Request-Disposition Require Retry-After Route RSeq Server Service-Route Session-Expires SIP-ETag
SIP-If-Match Subject Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent Via Warning
WWW-Authenticate`.split(/\s+/)

/** RFC 3261 §20 and the compact forms registered since. */
const compactForms: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
}

/** Commas in these belong to the value (RFC 3261 §7.3.1 for the four of authentication). */
const unsplit = new Set([
  'Authorization',
  'Proxy-Authorization',
  'WWW-Authenticate',
  'Proxy-Authenticate',
  'Authentication-Info',
  'Call-ID',
  'CSeq',
  'Content-Length',
  'Content-Type',
  'Date',
  'From',
  'Organization',
  'Retry-After',
  'Server',
  'Subject',
  'Timestamp',
  'To',
  'User-Agent',
])

const table = new Map<string, KnownName>()
let nextBit = 6
for (const name of spellings) {
  const fixed: number | undefined = (onceBits as Record<string, number>)[name]
  const known = { name, onceBit: fixed ?? (alsoOnce.includes(name) ? 1 << nextBit++ : 0) }
  table.set(name, known)
  table.set(name.toLowerCase(), known)
}
for (const [letter, name] of Object.entries(compactForms)) {
  table.set(letter, table.get(name)!)
  table.set(letter.toUpperCase(), table.get(name)!)
}

const spelled = new Words(table)

/** The known field whose name stands from `from` up to `to`, in any case or compact; undefined for others. */
export const knownNameAt = (text: string, from: number, to: number): KnownName | undefined =>
  spelled.at(text, from, to) ?? knownName(text.slice(from, to))

/** The known field of this name, in any case or compact; undefined for others. */
export function knownName(name: string): KnownName | undefined {
  return table.get(name) ?? table.get(name.toLowerCase())
}

/** Whether a comma separates values in a field of this canonical name. */
export const isList = (name: string): boolean => !unsplit.has(name)
