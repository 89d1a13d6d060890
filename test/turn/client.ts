/** A TURN client by hand, for the machine: what a phone's stack would send, and what it reads of the answers. */
import { expect } from 'vitest'
import { type Epoch, type Monotonic, seconds } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { decode, encode } from '../../src/stun/codec.ts'
import { isIntact, longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../../src/stun/message.ts'
import { TurnMachine, type TurnOptions } from '../../src/turn/machine.ts'
import type {
  ClientFlow,
  Grant,
  GrantParty,
  Route,
  TurnEffect,
  TurnInput,
  TurnWord,
} from '../../src/turn/message.ts'

export const realm = 'lanline-test'
export const call = '0123456789abcdef0123456789abcdef'
export const own = ['10.0.10.1', '10.0.20.1', '2001:db8:10::1', '2001:db8:20::1']
export const credentials = {
  caller: { username: 'c.caller', password: 'secret-of-the-caller' },
  callee: { username: 'c.callee', password: 'secret-of-the-callee' },
} as const

/** Alice in network 10, Bob in network 20; each is relayed for on the other's network. */
export function grantOf(
  changes: Partial<Record<'caller' | 'callee', Partial<GrantParty>>> = {},
  id = call,
): Grant {
  return {
    call: id,
    lifetimeMilliseconds: undefined,
    parties: [
      {
        ...{ role: 'caller', device: 'alice', credential: credentials.caller },
        ...{ proven: ['10.0.10.5'], relayOn: ['10.0.20.1', '2001:db8:20::1'], ...changes.caller },
      },
      {
        ...{ role: 'callee', device: 'bob', credential: credentials.callee },
        ...{ proven: ['10.0.20.6'], relayOn: ['10.0.10.1', '2001:db8:10::1'], ...changes.callee },
      },
    ],
  }
}

export function flowOf(
  address: string,
  port = 40_000,
  transport: ClientFlow['transport'] = 'udp',
): ClientFlow {
  const local = { address: address.startsWith('10.0.10.') ? '10.0.10.1' : '10.0.20.1', port: 3478 }
  return { key: `${transport} ${address} ${port}`, transport, local, remote: { address, port } }
}

/** A machine with sockets that are numbers. */
export class Relay {
  now = 1_000 as Monotonic
  readonly machine: TurnMachine
  readonly sent: { readonly flow: ClientFlow; readonly bytes: Uint8Array }[] = []
  readonly words: TurnWord[] = []
  readonly notes: string[] = []
  readonly openSockets = new Map<number, string>()
  readonly closedFlows: string[] = []
  failing = false
  /** Relays are opened when it is left, as by a rim that takes its time. */
  waiting = false
  readonly #asked: (TurnEffect & { kind: 'openRelay' })[] = []
  #relay = 0
  #port = 50_000

  constructor(options: Partial<TurnOptions> = {}) {
    this.machine = new TurnMachine({
      ...{ realm, random: seededRandom(1), nonceKey: new Uint8Array(32).fill(7), bytesPerSecond: 0 },
      epoch: moment => (1_800_000_000_000 + moment) as Epoch,
      ...options,
    })
    this.give({ kind: 'addresses', addresses: own })
  }

  give(input: TurnInput): this {
    this.#carryOut(this.machine.handle(input, this.now))
    return this
  }

  later(milliseconds: number): this {
    const end = this.now + milliseconds
    for (
      let next = this.machine.nextWakeup();
      next !== undefined && next <= end;
      next = this.machine.nextWakeup()
    ) {
      this.now = Math.max(this.now, next) as Monotonic
      this.#carryOut(this.machine.wake(this.now))
    }
    this.now = end as Monotonic
    return this
  }

  /** All that were asked for meanwhile are opened. */
  openAll(): this {
    this.waiting = false
    for (const effect of this.#asked.splice(0)) this.#open(effect)
    return this
  }

  answers(): Uint8Array[] {
    return this.sent.splice(0).map(({ bytes }) => bytes)
  }

  channelData(flow: ClientFlow, channel: number, data: string): Route | undefined {
    const bytes = Buffer.from(data)
    const packet = Buffer.alloc(4 + bytes.length)
    packet.writeUInt16BE(channel, 0)
    packet.writeUInt16BE(bytes.length, 2)
    packet.set(bytes, 4)
    return this.machine.router.channelData(flow.key, packet, this.now)
  }

  send(flow: ClientFlow, address: string, port: number, data: string): Route | undefined {
    const peers = [{ address, port }]
    const transaction = new Uint8Array(12)
    const bytes = encode({ type: stunType.sendIndication, transaction, peers, data: Buffer.from(data) })
    return this.machine.router.sendIndication(flow.key, bytes, this.now)
  }

  #carryOut(effects: readonly TurnEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.sent.push(effect)
      else if (effect.kind === 'word') this.words.push(effect.word)
      else if (effect.kind === 'note') this.notes.push(effect.reason)
      else if (effect.kind === 'closeFlow') this.closedFlows.push(effect.flow.key)
      else if (effect.kind === 'closeRelay') expect(this.openSockets.delete(effect.relay)).toBe(true)
      else if (effect.kind === 'openRelay') this.#open(effect)
    }
  }

  #open(effect: TurnEffect & { kind: 'openRelay' }): void {
    if (this.waiting) return void this.#asked.push(effect)
    const { ticket, address, port } = effect
    if (this.failing) return void this.give({ kind: 'relayFailed', ticket })
    const relays = (port === 'pair' ? [0, 1] : [0]).map(() => {
      this.openSockets.set(++this.#relay, address)
      return { relay: this.#relay, address: { address, port: this.#port++ } }
    })
    this.give({ kind: 'relayOpened', ticket, relays })
  }
}

let serial = 0

export class Client {
  readonly flow: ClientFlow
  readonly relay: Relay
  username: string
  password: string
  nonce = ''
  algorithm: 'md5' | 'sha256' = 'md5'
  last = new Uint8Array(0)

  constructor(
    relay: Relay,
    flow: ClientFlow,
    { username, password }: { username: string; password: string },
  ) {
    this.relay = relay
    this.flow = flow
    this.username = username
    this.password = password
  }

  get key(): Uint8Array {
    return longTermKey(this.algorithm, this.username, realm, this.password)
  }

  /** Without credentials; undefined when nothing came back. */
  bare(type: StunType, fields: Partial<StunMessage> = {}): StunMessage | undefined {
    return this.#exchange(encode({ type, transaction: transaction(), ...fields }))
  }

  /** With credentials, after the challenge was read once. */
  ask(type: StunType, fields: Partial<StunMessage> = {}): StunMessage {
    const answer = this.tryTo(type, fields)
    expect(answer, 'an answer').toBeDefined()
    return answer!
  }

  /** The same; undefined when nothing came back yet. */
  tryTo(type: StunType, fields: Partial<StunMessage> = {}): StunMessage | undefined {
    if (this.nonce === '') {
      const challenge = this.bare(type, fields)
      expect(challenge?.error?.code).toBe(401)
      this.nonce = challenge!.nonce!
    }
    const sha256 = this.algorithm === 'sha256' && { algorithm: 2, algorithms: [2, 1] }
    const message: StunMessage = {
      ...{ type, transaction: transaction(), username: this.username, realm, nonce: this.nonce },
      ...sha256,
      ...fields,
    }
    this.last = encode(message, { signing: signingWith(sha256 ? 'sha256' : 'sha1', this.key) }).slice()
    return this.#exchange(this.last)
  }

  /** The same bytes once more. */
  again(): StunMessage | undefined {
    return this.#exchange(this.last)
  }

  allocate(fields: Partial<StunMessage> = {}): StunMessage {
    return this.ask(stunType.allocateRequest, { transport: 17, ...fields })
  }

  permit(...addresses: string[]): StunMessage {
    const peers = addresses.map(address => ({ address, port: 9 }))
    return this.ask(stunType.createPermissionRequest, { peers })
  }

  bind(channel: number, address: string, port: number): StunMessage {
    return this.ask(stunType.channelBindRequest, { channel, peers: [{ address, port }] })
  }

  #exchange(bytes: Uint8Array): StunMessage | undefined {
    this.relay.give({ kind: 'received', flow: this.flow, bytes })
    const [answer] = this.relay.answers()
    if (answer === undefined) return undefined
    const decoded = decode(answer)
    if (decoded.kind !== 'ok') throw new Error('an answer that cannot be read')
    const { integrity, error } = decoded.message
    if (integrity) expect(isIntact(answer, integrity, this.key)).toBe(true)
    else expect([400, 401, 438]).toContain(error?.code)
    return decoded.message
  }
}

export const alice = (relay: Relay, port?: number, transport?: ClientFlow['transport']): Client =>
  new Client(relay, flowOf('10.0.10.5', port, transport), credentials.caller)
export const bob = (relay: Relay, port?: number): Client =>
  new Client(relay, flowOf('10.0.20.6', port), credentials.callee)

export const fiveMinutes = seconds(300)

function transaction(): Uint8Array {
  const bytes = new Uint8Array(12)
  new DataView(bytes.buffer).setUint32(8, ++serial)
  return bytes
}
