/**
 * What may be kept of a message. Nothing passes that is not known to be harmless: header fields, parameters and
 * attributes are on lists, the values of all others are replaced by what they were. Total: any text in, text out.
 * `sip-text.ts` takes SIP messages apart for it.
 */
import { redactSdp, safeCandidate } from './redact-sdp.ts'

export const mark = '[redacted]'

/** Characters kept of one header field. */
export const maxField = 1_024

/** Fields whose value is grammar, addresses and numbers (RFC 3261 §20 and its extensions). */
const plainFields = new Set(
  `accept accept-encoding accept-language allow allow-events call-id content-encoding content-language
  content-length content-type cseq date event expires max-forwards mime-version min-expires min-se rack recv-info
  require retry-after rseq server session-expires subscription-state supported timestamp unsupported user-agent via
  warning privacy info-package reason`.split(/\s+/),
)
/** Fields made of addresses: their parameters and user parts are looked at. */
const addressFields = new Set(
  'from to contact diversion history-info p-asserted-identity p-preferred-identity reply-to'.split(' '),
)
/** Fields that name somebody of another call, whom a guest who may read this one need not know (RFC 3515, RFC 3892). */
const referFields = new Set(['refer-to', 'referred-by'])
/** Fields made of addresses that carry our tokens as user part or parameter. */
const routeFields = new Set(['route', 'record-route', 'path', 'service-route'])
/** RFC 7616 §3: challenges and credentials. */
const digestFields = new Set(
  'authorization proxy-authorization www-authenticate proxy-authenticate authentication-info proxy-authentication-info'.split(
    ' ',
  ),
)
const compactNames: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
}

/** What of a digest says which way was taken, and not with what. */
const digestWords = /^(username|realm|algorithm|qop|nc|stale|charset|userhash)$/i
/** Parameters of addresses that are names and numbers of the protocol. */
const addressParameters =
  /^(tag|transport|lr|ob|expires|q|user|ttl|maddr|method|reg-id|\+sip\.[a-z]+|audio|video|rport|received|branch|alias|reason|counter|index|cause|privacy|screen)$/i

const plainRequest =
  /^[A-Z]{1,16} sips?:(?:[^\s:;?@<>"]+@)?[A-Za-z0-9.:[\]-]+(?:;transport=[A-Za-z]{2,4}|;ob|;lr)* SIP\/2\.0$/

/** The request line's URI may have a password, parameters and headers. */
export function safeStart(start: string): string {
  if (start.length < maxField && plainRequest.test(start)) return start
  const request = /^([A-Za-z0-9.!%*_+`'~-]+) (\S+) (SIP\/2\.0)$/.exec(start)
  if (request) return `${request[1]} ${safeUri(request[2]!)} ${request[3]}`
  const response = /^(SIP\/2\.0 \d{3}) ?(.*)$/.exec(start)
  return response ? `${response[1]} ${cut(response[2]!, 80)}` : mark
}

type Rule = (value: string) => string

/** What becomes of a field's value, by its name in lower case, long or compact. */
const rules = new Map<string, Rule>()
for (const [names, rule] of [
  [plainFields, (value: string) => value],
  [addressFields, safeAddresses],
  [referFields, safeReferred],
  [routeFields, safeRoutes],
  [digestFields, safeDigest],
] as const) {
  for (const name of names) rules.set(name, rule)
}
for (const [compact, name] of Object.entries(compactNames))
  rules.set(compact, rules.get(name) ?? (() => mark))

/** The value of a header field, by its name, long or compact (RFC 3261 §7.3.3), however it is spelled. */
export function safeField(name: string, whole: string): string {
  const rule = rules.get(name.toLowerCase())
  return rule === undefined ? mark : rule(cut(whole, maxField))
}

/** `Digest username="a", nonce="[redacted]"`. Every other scheme is a secret as a whole. */
function safeDigest(value: string): string {
  const scheme = /^\s*Digest\s+/i.exec(value)
  const parameters = scheme ? value.slice(scheme[0].length) : value
  if (!scheme && !/^\s*[A-Za-z-]+\s*=/.test(value)) return mark
  const told: string[] = []
  const each = /([A-Za-z-]{1,20})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)/g
  for (let found = each.exec(parameters); found !== null; found = each.exec(parameters)) {
    const [, name, raw] = found
    told.push(digestWords.test(name!) ? `${name}=${cut(raw!, 200)}` : `${name}=${mark}`)
  }
  return `${scheme ? 'Digest ' : ''}${told.join(', ')}`
}

/** The place only: that is what phones get wrong. */
function safeReferred(value: string): string {
  const uri = /<([^>]*)>/.exec(value)?.[1] ?? value.split(';', 1)[0]!.trim()
  return `<${safeUri(uri).replace(/^(sips?:)[^@]*@/i, `$1${mark}@`)}>`
}

function safeRoutes(value: string): string {
  return (value.match(/<[^>]*>/g) ?? []).map(safeRoute).join(', ')
}

/** Route tokens are what an in-dialog request is let in by. */
const safeRoute = (uri: string): string => {
  const host = /^<(sips?):(?:[^@>]*@)?([^;?>@]*)/i.exec(uri)
  return host ? `<${host[1]}:${/@/.test(uri) ? `${mark}@` : ''}${host[2]};lr>` : `<${mark}>`
}

/** What most addresses are: nothing in them could be a secret, so nothing is to be made anew. */
const plainAddress =
  /^(?:"[^"\\<>]*" )?<sips?:(?:[^\s:;?@<>"]+@)?[A-Za-z0-9.:[\]-]+(?:;transport=[A-Za-z]{2,4}|;ob|;lr)*>(?:;tag=[^\s=;,<>"]+)?$/

/** `"Alice" <sip:alice@host;p=v?h=v>;tag=x`, several with commas: made anew of what was understood. */
function safeAddresses(value: string): string {
  if (plainAddress.test(value)) return value
  const each = value.matchAll(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g)
  return [...each].map(([one]) => safeAddress(one)).join(', ')
}

function safeAddress(text: string): string {
  const found = /^\s*("(?:[^"\\]|\\.)*"|[^<";]*)\s*<([^>]*)>(.*)$/s.exec(text)
  const bare = /^\s*([^\s;<>"]+)(.*)$/s.exec(text)
  if (found) return `${found[1]!.trim()} <${safeUri(found[2]!)}>${parameters(found[3]!)}`.trimStart()
  return bare ? `${safeUri(bare[1]!)}${parameters(bare[2]!)}` : mark
}

const parameters = (text: string): string =>
  [...text.matchAll(/;\s*([^\s=;,<>"]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,<>"]*))?/g)]
    .map(([, name, value]) => {
      if (value === undefined) return `;${addressParameters.test(name!) ? name : mark}`
      return `;${cut(name!, 40)}=${addressParameters.test(name!) ? value : mark}`
    })
    .join('')

/** `sip:user:password@host;params?headers`: the user, the host and known parameters stay. */
function safeUri(uri: string): string {
  const parts = /^(sips?):(?:([^@]*)@)?([^;?@]*)(;[^?]*)?(\?.*)?$/i.exec(uri)
  if (parts === null)
    return /^(tel|mailto|urn|data|https?|im|pres):/i.test(uri) ? `${uri.split(':', 1)[0]}:${mark}` : mark
  const [, scheme, user, host, params = '', headers] = parts
  const safeParams = params
    .split(';')
    .filter(one => one !== '')
    .map(one => {
      const [name = '', ...rest] = one.split('=')
      return addressParameters.test(name)
        ? `;${cut(one, 200)}`
        : `;${rest.length > 0 ? `${cut(name, 40)}=` : ''}${mark}`
    })
  const who = user === undefined ? '' : `${user.split(/[:;]/, 1)[0]}${/[:;]/.test(user) ? `:${mark}` : ''}@`
  return cut(`${scheme}:${who}${host}${safeParams.join('')}${headers ? `?${mark}` : ''}`, maxField)
}

export function safeBody(contentType: string, body: string): string {
  if (body === '') return ''
  const kind = contentType.split(';', 1)[0]!.trim().toLowerCase()
  if (kind === 'application/sdp' || kind === 'application/trickle-ice-sdpfrag') return redactSdp(body)
  // RFC 3420: how a call goes that was asked for.
  const told = kind === 'message/sipfrag' ? /^SIP\/2\.0 [1-6]\d\d(?= |\r|\n|$)/.exec(body)?.[0] : undefined
  if (told !== undefined) return told
  return `[${body.length} characters${/^[a-z0-9.+/-]{1,80}$/.test(kind) ? ` of ${kind}` : ''}]`
}

// ------------------------------------------------------------------------------------------------- the channel

/** Members that are words, numbers and names of the protocol, or of people. */
const plainMembers = new Set(
  `type call ref to video trickle reason by code retryAfterMilliseconds state referred replaces relayed sdpMid
  sdpMLineIndex usernameFragment`.split(/\s+/),
)
/** What may be there beside those; everything else is only counted, since a name can be a secret as well. */
const knownMembers = /^(sdp|candidate|servers|from|for|message|dialog|token|resume|report)$/

/** A `lanline.v1` message as it may be kept. Reports are not messages here: they become events of their own. */
export function redactChannel(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  let others = 0
  for (const [name, value] of Object.entries(message)) {
    if (plainMembers.has(name) || knownMembers.test(name)) kept[name] = member(name, value, message.type)
    else others++
  }
  return others === 0 ? kept : { ...kept, otherMembers: others }
}

function member(name: string, value: unknown, type: unknown): unknown {
  // Sentences of ours.
  if (name === 'message') return type === 'error' || type === 'relayRefused' ? word(value) : mark
  // Words of ours; whatever else a client puts there was refused, and is not kept.
  if (name === 'reason' || name === 'problem') return /^[A-Za-z]{0,32}$/.test(String(value)) ? value : mark
  if (name === 'sdp' && typeof value === 'string') return redactSdp(value)
  if (name === 'candidate') return isRecord(value) ? candidateOf(value) : mark
  if (name === 'servers') return Array.isArray(value) ? value.slice(0, 8).map(server) : mark
  if (name === 'to' && (type === 'refer' || type === 'referred')) return mark
  if (name === 'from' || name === 'for' || name === 'by') return isRecord(value) ? person(value) : word(value)
  return plainMembers.has(name) ? word(value) : mark
}

const word = (value: unknown): unknown =>
  typeof value === 'string' ? cut(value, 200) : typeof value === 'object' && value !== null ? mark : value

const person = ({ user, name }: Readonly<Record<string, unknown>>): unknown => ({
  user: word(user),
  name: word(name),
})

function candidateOf(value: Readonly<Record<string, unknown>>): unknown {
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = value
  return {
    candidate: typeof candidate === 'string' ? safeCandidate(candidate) : mark,
    ...(sdpMid === undefined ? {} : { sdpMid: word(sdpMid) }),
    ...(sdpMLineIndex === undefined ? {} : { sdpMLineIndex: word(sdpMLineIndex) }),
    ...(usernameFragment === undefined ? {} : { usernameFragment: word(usernameFragment) }),
  }
}

/** RFC 7065: a TURN URL has no user part; its username and credential are secrets. */
function server(value: unknown): unknown {
  if (!isRecord(value)) return mark
  const urls = Array.isArray(value.urls) ? value.urls : [value.urls]
  return {
    urls: urls
      .slice(0, 8)
      .map(url => (/^turns?:[^@\s?]+(\?transport=(udp|tcp))?$/.test(String(url)) ? url : mark)),
    username: mark,
    credential: mark,
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}…`
