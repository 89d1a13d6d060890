/** A TURN client on a host of the LAN, by hand: it asks for what no honest one would, and reads what it is answered. */
import { decode, encode } from '../../src/stun/codec.ts'
import { longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../../src/stun/message.ts'
import { TurnFramer } from '../../src/turn/framing.ts'
import type { FarHost, FarSocket, Place } from './sockets.ts'
import { until } from './wait.ts'

export interface Server {
  readonly urls: readonly string[]
  readonly username: string
  readonly credential: string
}

export type Transport = 'udp' | 'tcp' | 'tls'

let serial = 0

export class TurnClient {
  readonly socket: FarSocket
  readonly server: Place
  readonly transport: Transport
  username: string
  credential: string
  nonce = ''
  realm = ''
  /** The newest request with credentials, as it was sent. */
  last: Uint8Array = new Uint8Array(0)
  /** Payloads that came back, by ChannelData or in Data indications. */
  readonly data: Buffer[] = []
  readonly #answers = new Map<string, StunMessage>()

  private constructor(
    socket: FarSocket,
    server: Place,
    transport: Transport,
    { username, credential }: Server,
  ) {
    this.socket = socket
    this.server = server
    this.transport = transport
    this.username = username
    this.credential = credential
    const framer = new TurnFramer()
    socket.onData = bytes => {
      for (const each of transport === 'udp' ? [bytes] : (framer.push(bytes) ?? []))
        this.#heard(Buffer.from(each))
    }
  }

  static async open(far: FarHost, server: Server, transport: Transport = 'udp'): Promise<TurnClient> {
    const url = server.urls.find(each =>
      transport === 'tls' ? each.startsWith('turns:') : each.endsWith(`=${transport}`),
    )
    const [, bracketed, bare, port] = /^turns?:(?:\[([^\]]+)\]|([^:]+)):(\d+)/.exec(url ?? '') ?? []
    const place = { address: bracketed ?? bare!, port: Number(port) }
    const local = place.address.includes(':') ? { address: far.host.address6 } : {}
    const socket = transport === 'udp' ? await far.udp(local) : await far.stream(place, transport === 'tls')
    return new TurnClient(socket, place, transport, server)
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.socket.send(bytes, this.server)
  }

  /** Without credentials; undefined when nothing came in time. */
  async bare(
    type: StunType,
    fields: Partial<StunMessage> = {},
    seconds = 1,
  ): Promise<StunMessage | undefined> {
    const transaction = newTransaction()
    return this.#exchange(encode({ type, transaction, ...fields }).slice(), transaction, seconds)
  }

  /** With credentials; challenged first where there is no nonce yet, and again when it was stale. */
  async ask(type: StunType, fields: Partial<StunMessage> = {}): Promise<StunMessage> {
    for (let tries = 0; ; tries++) {
      if (this.nonce === '') this.#take(await this.bare(type, fields))
      const transaction = newTransaction()
      const { username, realm, nonce } = this
      const key = longTermKey('md5', username, realm, this.credential)
      const message = { type, transaction, username, realm, nonce, ...fields }
      this.last = encode(message, { signing: signingWith('sha1', key) }).slice()
      const answer = await this.#exchange(this.last, transaction, 3)
      if (answer === undefined) throw new Error(`no answer to ${type}`)
      if (answer.error?.code !== 438 || tries > 0) return answer
      this.#take(answer)
    }
  }

  async allocate(fields: Partial<StunMessage> = {}): Promise<StunMessage> {
    return this.ask(stunType.allocateRequest, { transport: 17, ...fields })
  }

  /** Sends a request as it is; the answer, if one came. */
  hear(bytes: Uint8Array, transaction: Uint8Array): Promise<StunMessage | undefined> {
    return this.#exchange(bytes, transaction, 1)
  }

  permit(...addresses: string[]): Promise<StunMessage> {
    return this.ask(stunType.createPermissionRequest, {
      peers: addresses.map(address => ({ address, port: 9 })),
    })
  }

  bind(channel: number, peer: Place): Promise<StunMessage> {
    return this.ask(stunType.channelBindRequest, { channel, peers: [peer] })
  }

  sendTo(peer: Place, data: string): void {
    const message = { type: stunType.sendIndication, transaction: newTransaction(), peers: [peer] }
    this.raw(encode({ ...message, data: Buffer.from(data) }).slice())
  }

  channelData(channel: number, data: string): void {
    const bytes = Buffer.alloc(4 + ((Buffer.byteLength(data) + 3) & ~3))
    bytes.writeUInt16BE(channel, 0)
    bytes.writeUInt16BE(Buffer.byteLength(data), 2)
    bytes.write(data, 4)
    this.raw(bytes)
  }

  #take(challenge: StunMessage | undefined): void {
    this.nonce = challenge?.nonce ?? ''
    this.realm = challenge?.realm ?? this.realm
  }

  async #exchange(
    bytes: Uint8Array,
    transaction: Uint8Array,
    seconds: number,
  ): Promise<StunMessage | undefined> {
    const key = hex(transaction)
    this.raw(bytes)
    try {
      return await until('answered', () => this.#answers.get(key), { seconds, everyMilliseconds: 2 })
    } catch {
      return undefined
    } finally {
      this.#answers.delete(key)
    }
  }

  #heard(bytes: Buffer): void {
    if (bytes[0]! >> 6 === 1) {
      this.data.push(bytes.subarray(4, 4 + bytes.readUInt16BE(2)))
      return
    }
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') return
    const { message } = decoded
    if (message.type === stunType.dataIndication) this.data.push(Buffer.from(message.data ?? []))
    else this.#answers.set(hex(message.transaction), message)
  }
}

function newTransaction(): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(process.pid, 0)
  bytes.writeUInt32BE(++serial, 8)
  return bytes
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
