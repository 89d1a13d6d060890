/**
 * What a caller who hides says to others, without who it is (RFC 3323 §5.3), and the way back to them. The user part of
 * their contact is sealed, since nobody but us has to read it: whoever answers them comes by us. Keeps nothing, so that a call
 * outlives the process. Leaves out addresses (§5.1, §5.2): two who talk to each other have them.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { nobody } from '../core/nobody.ts'
import { formatNameAddr, parseNameAddr, parseUri, values } from './codec.ts'
import type { HeaderField, NameAddr, SipMessage, SipUri } from './message.ts'

/** §4.1.1.3. */
export const nobodysHost = 'anonymous.invalid'
export const nobodysUri = `sip:${nobody.user}@${nobodysHost}`

/** §5.3, and what was registered for the same since. */
const telling: ReadonlySet<string> = new Set([
  ...['Call-Info', 'Identity', 'Identity-Info', 'In-Reply-To', 'Organization', 'Referred-By', 'Reply-To'],
  ...['Server', 'Subject', 'User-Agent'],
])

/** Whether From, as it comes from a proxy of ours, is that of somebody who hides. */
export const isNobody = (address: string): boolean => parseNameAddr(address)?.uri === nobodysUri

/** Of a contact: the telephone itself, the same in every call (RFC 5626 §4.1, RFC 5627 §4.1). */
const ofTelephone = ['+sip.instance', 'reg-id', 'pub-gruu', 'temp-gruu'] as const

const mark = 'anonymous.'
const ivBytes = 16

export class Veil {
  readonly #tagKey: Uint8Array
  readonly #cipherKey: Uint8Array

  /** `key` is persisted: a dialog goes on after a restart. */
  constructor(key: Uint8Array) {
    const derived = (label: string): Buffer => createHmac('sha256', key).update(label).digest()
    this.#tagKey = derived('lanline veil tag')
    this.#cipherKey = derived('lanline veil cipher')
  }

  /** What a caller who hides says, as it goes on. An answer has nobody in To, as what it answers. */
  cover<Message extends SipMessage>(message: Message): Message {
    const headers: HeaderField[] = []
    for (const field of message.headers) {
      if (telling.has(field.name) || field.name === 'Contact') continue
      const isTheirs = field.name === 'From' && message.kind === 'request'
      headers.push(isTheirs ? { ...field, value: withoutName(field.value) } : field)
    }
    for (const contact of values(message, 'Contact').map(parseNameAddr)) {
      if (contact !== undefined) headers.push({ name: 'Contact', value: this.#ofNobody(contact) })
    }
    return { ...message, headers, body: withoutSpeaker(message) }
  }

  /** The URI as it was before it was covered; any other as it is. */
  uncover(uri: string): string {
    const [from, to] = userPart(uri)
    if (!uri.startsWith(mark, from)) return uri
    const bytes = Buffer.from(uri.slice(from + mark.length, to), 'base64url')
    if (bytes.length <= ivBytes) return uri
    const iv = bytes.subarray(0, ivBytes)
    const decipher = createDecipheriv('aes-256-ctr', this.#cipherKey, iv)
    const user = decipher.update(bytes.subarray(ivBytes)).toString('utf8')
    return timingSafeEqual(this.#tag(user), iv) ? uri.slice(0, from) + user + uri.slice(to) : uri
  }

  /** Whether it is what somebody was told of who hides. */
  covers(uri: string): boolean {
    return this.uncover(uri) !== uri
  }

  /** The same for one that was read. */
  uncovered(uri: SipUri): SipUri {
    if (uri.user === undefined || !uri.user.startsWith(mark)) return uri
    const { user, password } = parseUri(this.uncover(`sip:${uri.user}@x.invalid`)) ?? uri
    return { ...uri, user, password }
  }

  #ofNobody({ uri, params: said }: NameAddr): string {
    const params = new Map(said)
    for (const name of ofTelephone) params.delete(name)
    const [from, to] = userPart(uri)
    const user = uri.slice(from, to)
    if (user === '') return formatNameAddr({ displayName: undefined, uri, params })
    const iv = this.#tag(user)
    const cipher = createCipheriv('aes-256-ctr', this.#cipherKey, iv)
    const sealed = Buffer.concat([iv, cipher.update(user, 'utf8')]).toString('base64url')
    const covered = uri.slice(0, from) + mark + sealed + uri.slice(to)
    return formatNameAddr({ displayName: undefined, uri: covered, params })
  }

  #tag(user: string): Buffer {
    return createHmac('sha256', this.#tagKey).update(user).digest().subarray(0, ivBytes)
  }
}

/** Where user and password stand in a URI; nothing, where there are none. */
function userPart(uri: string): readonly [number, number] {
  const from = uri.indexOf(':') + 1
  const to = uri.indexOf('@')
  return to < from ? [from, from] : [from, to]
}

function withoutName(from: string): string {
  const params = parseNameAddr(from)?.params ?? new Map()
  return formatNameAddr({ displayName: nobody.displayName, uri: nobodysUri, params })
}

/**
 * RFC 8866 §5: `-` for who does not say a user name or a subject, and nothing of who speaks. Telephones write their account into
 * the first, and their address into the name of their sources (RFC 5576 §6.1).
 */
function withoutSpeaker({ headers, body }: SipMessage): Uint8Array {
  const type = headers.find(({ name }) => name === 'Content-Type')?.value ?? ''
  if (body.length === 0 || !/^application\/sdp\s*(;|$)/i.test(type)) return body
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  const hidden = text
    .replace(/^o=\S+/m, 'o=-')
    .replace(/^s=.*/m, 's=-')
    .replace(/^[iuep]=.*(\r\n|\n|$)/gm, '')
    .replace(/^(a=ssrc:\d+ cname:).*/gm, '$1-')
  return hidden === text ? body : Buffer.from(hidden, 'latin1')
}
