/** What a TLS listener needs: certificates and key as PEM, and which versions we speak. */
import { createSecureContext, type SecureContext } from 'node:tls'
import { namesHost } from '../core/host-name.ts'

export interface Credentials {
  /** Leaf first, then the intermediates. */
  readonly cert: string
  readonly key: string
  readonly minVersion: 'TLSv1.2'
  readonly named?: Named | undefined
}

/** Shown instead to whoever asks for one of its names (RFC 6066 §3); `*.` as in certificates. */
export interface Named {
  readonly names: readonly string[]
  readonly cert: string
  readonly key: string
}

export function credentialsOf(pair: {
  readonly cert: string
  readonly key: string
  readonly named?: Named | undefined
}): Credentials {
  return { cert: pair.cert, key: pair.key, minVersion: 'TLSv1.2', named: pair.named }
}

/** Of a listener's certificates that which is asked for; others from the next handshake on. */
export class Shown {
  #credentials: Credentials
  #named: SecureContext | undefined

  constructor(credentials: Credentials) {
    this.#credentials = credentials
    this.#take(credentials)
  }

  /** For `createServer` and `setSecureContext`: the one without a name. */
  get options() {
    const { cert, key, minVersion } = this.#credentials
    return { cert, key, minVersion }
  }

  readonly SNICallback = (
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ): void => {
    const asked = this.#credentials.named?.names.some(one => namesHost(one, name)) ?? false
    done(null, asked ? this.#named : undefined)
  }

  change(credentials: Credentials): this {
    this.#take(credentials)
    return this
  }

  #take(credentials: Credentials): void {
    const { named, minVersion } = credentials
    this.#named = named && createSecureContext({ cert: named.cert, key: named.key, minVersion })
    this.#credentials = credentials
  }
}
