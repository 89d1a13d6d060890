/**
 * The long-term credential mechanism (RFC 8489 §9.2): whose request this is, and what whoever has not shown that is
 * told. Nothing is kept of them but how often they were told.
 */
import type { Monotonic } from '../core/clock.ts'
import { sourceOf } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import { isIntact } from '../stun/integrity.ts'
import { type IntegrityKind, passwordAlgorithm, type StunMessage } from '../stun/message.ts'
import type { Grants } from './grants.ts'
import type { ClientFlow } from './message.ts'
import { Nonces } from './nonce.ts'
import { errorTo } from './responses.ts'
import type { Holder } from './state.ts'

/** Requests of a source before one of them was authenticated. */
export const unauthenticatedLimit = { perSecond: 20, burst: 100, maxKeys: 1_000 } as const

/** Offered in this order (RFC 8489 §9.2): the stronger one first. */
const offered: readonly number[] = [passwordAlgorithm.sha256, passwordAlgorithm.md5]

/** Who asked, proven, and how answers to them are signed. */
export interface Asker {
  readonly holder: Holder
  readonly key: Uint8Array
  readonly kind: IntegrityKind
}

/** A request of somebody proven. */
export interface Request {
  readonly flow: ClientFlow
  readonly message: StunMessage
  readonly asker: Asker
}

export type Proof =
  | { readonly kind: 'proven'; readonly asker: Asker }
  | { readonly kind: 'refused'; readonly code: number; readonly answer: StunMessage }
  /** Too many were answered already: an address may be forged, and what is sent there for nothing is bounded. */
  | { readonly kind: 'limited' }

export class Authentication {
  readonly #realm: string
  readonly #nonces: Nonces
  readonly #grants: Grants
  readonly #unauthenticated = new Limiter(unauthenticatedLimit)

  constructor(realm: string, nonceKey: Uint8Array, grants: Grants) {
    this.#realm = realm
    this.#nonces = new Nonces(nonceKey)
    this.#grants = grants
  }

  /** RFC 8489 §9.2.4, in its order. `before`: whose allocation this flow has already. */
  check(
    flow: ClientFlow,
    message: StunMessage,
    bytes: Uint8Array,
    before: Holder | undefined,
    now: Monotonic,
  ): Proof {
    const source = sourceOf(flow.remote.address)
    const { integrity, username, realm, nonce, algorithm, algorithms } = message
    const refuse = (code: number): Proof =>
      this.#unauthenticated.allow(source, now) ? this.#refuse(flow, message, code, now) : { kind: 'limited' }
    if (integrity === undefined) return refuse(401)
    if (username === undefined || realm === undefined || nonce === undefined) return refuse(400)
    const both = algorithm !== undefined && algorithms !== undefined
    const neither = algorithm === undefined && algorithms === undefined
    const chosen = algorithm ?? passwordAlgorithm.md5
    if (!neither && !(both && algorithms.join() === offered.join() && offered.includes(chosen)))
      return refuse(400)
    const holder = this.#grants.holder(username)
    const key = chosen === passwordAlgorithm.md5 ? holder?.md5 : holder?.sha256
    if (holder === undefined || key === undefined || realm !== this.#realm) return refuse(401)
    // Who guesses a person's password gets so many tries; who forges a party's address must not lock that party out.
    const guess = holder.guessable && before !== holder
    if (guess && this.#unauthenticated.waitMilliseconds(source, now) > 0) return { kind: 'limited' }
    if (!isIntact(bytes, integrity, key)) return refuse(401)
    if (this.#nonces.check(nonce, flow, now) !== 'ok') return this.#refuse(flow, message, 438, now)
    return { kind: 'proven', asker: { holder, key, kind: integrity.kind } }
  }

  #refuse(flow: ClientFlow, message: StunMessage, code: number, now: Monotonic): Proof {
    const challenge = code !== 400 && {
      ...{ realm: this.#realm, nonce: this.#nonces.make(flow, now), algorithms: offered },
    }
    return { kind: 'refused', code, answer: errorTo(message, code, { ...challenge }) }
  }
}
