/**
 * What a Record-Route of ours says (RFC 3261 §16.6 step 4): not where a party was, but which party it is, so that a
 * request in a dialog finds the party's present flow, also after a restart and over a new connection. Authenticated
 * with a key that outlives the process; nobody else can make one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Endpoint } from '../core/endpoint.ts'
import type { Transport } from './message.ts'

export type Role = 'caller' | 'callee'

/** A party of a dialog: a registered binding, or a device that called without registering, at its address. */
export type RouteToken =
  | { readonly kind: 'binding'; readonly role: Role; readonly key: string; readonly device: string }
  | {
      readonly kind: 'address'
      readonly role: Role
      readonly device: string
      readonly transport: Transport
      readonly local: Endpoint
      readonly remote: Endpoint
    }

const macBytes = 16
const maxTokenLength = 400

export class RouteTokens {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The user part of a Record-Route URI: needs no escaping there. */
  issue(token: RouteToken): string {
    const payload = Buffer.from(write(token), 'utf8')
    return Buffer.concat([payload, this.#mac(payload)]).toString('base64url')
  }

  /** Undefined for anything this appliance did not issue. */
  read(text: string | undefined): RouteToken | undefined {
    if (text === undefined || text.length < 24 || text.length > maxTokenLength) return undefined
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length <= macBytes) return undefined
    const payload = bytes.subarray(0, -macBytes)
    if (!timingSafeEqual(this.#mac(payload), bytes.subarray(-macBytes))) return undefined
    return parse(payload.toString('utf8'))
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
