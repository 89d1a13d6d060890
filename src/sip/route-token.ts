/**
 * What a Record-Route of ours says (RFC 3261 §16.6 step 4): not where a party was, but which party it is, so that a
 * request in a dialog finds the party's present flow, also after a restart and over a new connection; and, behind a dot,
 * a seal on the dialog it was made for. Both authenticated with a key that outlives the process; nobody else can make
 * one, nor take a party's from one dialog to another.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Endpoint } from '../core/endpoint.ts'
import type { Transport } from './message.ts'
import { Recent } from './recent.ts'

export type Role = 'caller' | 'callee'

/** A party of a dialog. */
export type RouteToken = BindingToken | AddressToken

/** A registered binding. */
export interface BindingToken {
  readonly kind: 'binding'
  readonly role: Role
  /** The caller hides who they are. */
  readonly isHidden: boolean
  readonly key: string
  readonly device: string
  /** Of a callee: the person they were called as, where that is somebody else (a call that was forwarded). */
  readonly as: string | undefined
}

/** What both ends of a dialog know of it from the first request on (RFC 3261 §12). */
export interface DialogName {
  readonly callId: string
  /** The tag of who made it. */
  readonly callerTag: string
}

/** A device that called without registering, at its address. */
export interface AddressToken {
  readonly kind: 'address'
  readonly role: Role
  readonly isHidden: boolean
  readonly device: string
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
}

const macBytes = 16
const sealCharacters = 16
const maxTokenLength = 400
const tokensRemembered = 10_000

export class RouteTokens {
  readonly #key: Uint8Array
  readonly #sealKey: string
  /** By its text: a party's token is the same in each of its calls and read with each message. */
  readonly #genuine = new Recent<RouteToken>(tokensRemembered)
  /** By its payload. */
  readonly #issued = new Recent<string>(tokensRemembered)

  constructor(key: Uint8Array) {
    this.#key = key
    this.#sealKey = createHmac('sha256', key).update('lanline seal').digest('hex')
  }

  /** The user part of a Record-Route URI: needs no escaping there. */
  issue(token: RouteToken, dialog: DialogName): string {
    const text = this.#partyText(token)
    return `${text}.${this.#seal(text, dialog)}`
  }

  /** Undefined for anything this appliance did not issue. */
  read(text: string | undefined): RouteToken | undefined {
    const party = text === undefined ? undefined : partyOf(text)
    if (party === undefined || party.length < 24 || party.length > maxTokenLength) return undefined
    const known = this.#genuine.get(party)
    if (known !== undefined) return known
    const bytes = Buffer.from(party, 'base64url')
    if (bytes.length <= macBytes) return undefined
    const payload = bytes.subarray(0, -macBytes)
    if (!timingSafeEqual(this.#mac(payload), bytes.subarray(-macBytes))) return undefined
    const token = parse(payload.toString('utf8'))
    if (token !== undefined) this.#genuine.set(party, token)
    return token
  }

  /** Whether what was read from `text` was issued for this dialog. */
  isOf(text: string, dialog: DialogName): boolean {
    const party = partyOf(text)
    const right = Buffer.from(this.#seal(party, dialog))
    const given = Buffer.from(text.slice(party.length + 1))
    return given.length === right.length && timingSafeEqual(given, right)
  }

  #partyText(token: RouteToken): string {
    const written = write(token)
    const known = this.#issued.get(written)
    if (known !== undefined) return known
    const payload = Buffer.from(written, 'utf8')
    const text = Buffer.concat([payload, this.#mac(payload)]).toString('base64url')
    this.#issued.set(written, text)
    return text
  }

  /** Neither field holds a line end. Cut short, so that nobody can go on hashing where this ended. */
  #seal(party: string, { callId, callerTag }: DialogName): string {
    const sealed = `${this.#sealKey}\n${party}\n${callId}\n${callerTag}`
    return hash('sha256', sealed, 'base64url').slice(0, sealCharacters)
  }

  // The label keeps these apart from whatever else the key authenticates.
  #mac(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#key)
      .update('lanline route\0')
      .update(payload)
      .digest()
      .subarray(0, macBytes)
  }
}

function partyOf(text: string): string {
  const dot = text.indexOf('.')
  return dot < 0 ? text : text.slice(0, dot)
}

function write(token: RouteToken): string {
  const letter = token.role === 'caller' ? 'r' : 'e'
  const role = token.isHidden ? letter.toUpperCase() : letter
  if (token.kind === 'binding') {
    const as = token.as === undefined ? '' : `!${token.as}`
    return `${role}b!${token.key}!${token.device}${as}`
  }
  const { transport, local, remote, device } = token
  return [`${role}a`, transport, local.address, local.port, remote.address, remote.port, device].join('!')
}

function parse(text: string): RouteToken | undefined {
  const [head, ...rest] = text.split('!')
  const letter = head?.[0] ?? ''
  const role = letter.toLowerCase() === 'r' ? 'caller' : 'callee'
  const isHidden = letter !== letter.toLowerCase()
  if (head?.[1] === 'b' && (rest.length === 2 || rest.length === 3))
    return { kind: 'binding', role, isHidden, key: rest[0]!, device: rest[1]!, as: rest[2] }
  if (head?.[1] !== 'a' || rest.length !== 6) return undefined
  return {
    kind: 'address',
    role,
    isHidden,
    transport: rest[0] as Transport,
    local: { address: rest[1]!, port: Number(rest[2]) },
    remote: { address: rest[3]!, port: Number(rest[4]) },
    device: rest[5]!,
  }
}
