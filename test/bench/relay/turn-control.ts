/** The control half of a TURN client (RFC 8656 §6–§12) over a `BatchSocket`, for either relay: it waits, blocking. */
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { decode, encode } from '../../../src/stun/codec.ts'
import { longTermKey, signingWith } from '../../../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../../../src/stun/message.ts'
import type { BatchSocket } from './batch-socket.ts'
import { pause } from './pause.ts'

export interface Credential {
  readonly username: string
  readonly password: string
}

const udp = 17
const lifetimeSeconds = 3_600
const triesPerRequest = 5
const answerMilliseconds = 200

export class TurnControl {
  readonly #socket: BatchSocket
  readonly #server: Endpoint
  readonly #credential: Credential
  #realm = ''
  #nonce = ''
  #serial = 0

  constructor(socket: BatchSocket, server: Endpoint, credential: Credential) {
    this.#socket = socket
    this.#server = server
    this.#credential = credential
  }

  allocate(): Endpoint {
    const { relayed } = this.#ask(stunType.allocateRequest, { transport: udp, lifetimeSeconds })
    if (relayed === undefined) throw new Error('an allocation without a relayed address')
    return relayed
  }

  /** Binds, or makes an existing binding and its permission last anew. */
  bind(channel: number, peer: Endpoint): void {
    this.#ask(stunType.channelBindRequest, { channel, peers: [peer] })
  }

  #ask(type: StunType, fields: Partial<StunMessage>): StunMessage {
    for (let round = 0; round < 3; round++) {
      const answer = this.#exchange(type, fields)
      const { error, realm, nonce } = answer
      if (error === undefined) return answer
      if ((error.code !== 401 && error.code !== 438) || nonce === undefined) break
      if (error.code === 401 && this.#nonce !== '') break
      this.#realm = realm ?? this.#realm
      this.#nonce = nonce
    }
    throw new Error(`${this.#server.address}:${this.#server.port} refuses ${type.toString(16)}`)
  }

  #exchange(type: StunType, fields: Partial<StunMessage>): StunMessage {
    const transaction = new Uint8Array(12)
    new DataView(transaction.buffer).setUint32(8, ++this.#serial)
    const { username, password } = this.#credential
    const proof = this.#nonce !== '' && { username, realm: this.#realm, nonce: this.#nonce }
    const key = longTermKey('md5', username, this.#realm, password)
    const bytes = encode(
      { type, transaction, ...fields, ...proof },
      proof === false ? {} : { signing: signingWith('sha1', key) },
    )
    for (let tried = 0; tried < triesPerRequest; tried++) {
      this.#socket.aim(this.#server, bytes.length)
      this.#socket.send(1, (view, offset) => new Uint8Array(view.buffer, offset).set(bytes))
      const answer = this.#answer(transaction)
      if (answer) return answer
    }
    throw new Error(`no answer from ${this.#server.address}:${this.#server.port}`)
  }

  #answer(transaction: Uint8Array): StunMessage | undefined {
    for (let waited = 0; waited < answerMilliseconds; waited++) {
      let found: StunMessage | undefined
      this.#socket.receive((view, offset, bytes) => {
        const decoded = decode(Buffer.from(view.buffer as ArrayBuffer, offset, bytes))
        if (decoded.kind === 'ok' && Buffer.compare(decoded.message.transaction, transaction) === 0) {
          found = decoded.message
        }
      })
      if (found) return found
      pause(1)
    }
    return undefined
  }
}
