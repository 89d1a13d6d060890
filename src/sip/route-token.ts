/**
 * What a Record-Route of ours says (RFC 3261 §16.6 step 4): not where a party was, but which party it is, so that a
 * request in a dialog finds the party's present flow, also after a restart and over a new connection. Authenticated
 * with a key that outlives the process; nobody else can make one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
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
  readonly key: string
  readonly device: string
}

/** A device that called without registering, at its address. */
export interface AddressToken {
  readonly kind: 'address'
  readonly role: Role
  readonly device: string
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
}

const macBytes = 16
const maxTokenLength = 400
const tokensRemembered = 10_000

export class RouteTokens {
  readonly #key: Uint8Array
  /** By its text: a party's token is the same in each of its calls and read with each message. */
  readonly #genuine = new Recent<RouteToken>(tokensRemembered)
  /** By its payload. */
  readonly #issued = new Recent<string>(tokensRemembered)

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The user part of a Record-Route URI: needs no escaping there. */
  issue(token: RouteToken): string {
    const written = write(token)
    const known = this.#issued.get(written)
    if (known !== undefined) return known
    const payload = Buffer.from(written, 'utf8')
    const text = Buffer.concat([payload, this.#mac(payload)]).toString('base64url')
    this.#issued.set(written, text)
    return text
  }

  /** Undefined for anything this appliance did not issue. */
  read(text: string | undefined): RouteToken | undefined {
    if (text === undefined || text.length < 24 || text.length > maxTokenLength) return undefined
    const known = this.#genuine.get(text)
    if (known !== undefined) return known
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length <= macBytes) return undefined
    const payload = bytes.subarray(0, -macBytes)
    if (!timingSafeEqual(this.#mac(payload), bytes.subarray(-macBytes))) return undefined
    const token = parse(payload.toString('utf8'))
    if (token !== undefined) this.#genuine.set(text, token)
    return token
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

function write(token: RouteToken): string {
  const role = token.role === 'caller' ? 'r' : 'e'
  if (token.kind === 'binding') return `${role}b!${token.key}!${token.device}`
  const { transport, local, remote, device } = token
  return [`${role}a`, transport, local.address, local.port, remote.address, remote.port, device].join('!')
}

function parse(text: string): RouteToken | undefined {
  const [head, ...rest] = text.split('!')
  const role = head?.[0] === 'r' ? 'caller' : 'callee'
  if (head?.[1] === 'b' && rest.length === 2)
    return { kind: 'binding', role, key: rest[0]!, device: rest[1]! }
  if (head?.[1] !== 'a' || rest.length !== 6) return undefined
  return {
    kind: 'address',
    role,
    transport: rest[0] as Transport,
    local: { address: rest[1]!, port: Number(rest[2]) },
    remote: { address: rest[3]!, port: Number(rest[4]) },
    device: rest[5]!,
  }
}
