/** Real sockets on loopback: the relay's rim with its machine. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { realClock } from '../../src/runtime/clock.ts'
import { Driver } from '../../src/runtime/driver.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { credentialsOf } from '../../src/runtime/tls.ts'
import { decode, encode } from '../../src/stun/codec.ts'
import { longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../../src/stun/message.ts'
import { createAuthority, issueLeaf } from '../../src/tls/authority.ts'
import { pemOf } from '../../src/tls/reading.ts'
import { TurnFramer } from '../../src/turn/framing.ts'
import { TurnIo } from '../../src/turn/io.ts'
import { TurnMachine } from '../../src/turn/machine.ts'
import type { TurnEffect, TurnInput } from '../../src/turn/message.ts'
import { call, credentials, realm } from './client.ts'

const here = '127.0.0.1'
let io: TurnIo
let notes: string[]
const closing: (() => void)[] = []

beforeEach(async () => {
  const authority = await createAuthority('lanline')
  const leaf = await issueLeaf(authority, { names: ['lanline.local'], addresses: [] }, realClock.epoch())
  const cert = pemOf(leaf.certificate, 'CERTIFICATE') + pemOf(authority.intermediate, 'CERTIFICATE')
  const random = systemRandom()
  const onFault = (error: unknown): void => {
    throw error
  }
  const machine = new TurnMachine({
    ...{ realm, random, nonceKey: random.bytes(32), bytesPerSecond: 0, epoch: () => 0 as Epoch },
  })
  const driver: Driver<TurnInput, TurnEffect> = new Driver({
    ...{ machine, clock: realClock, onFault },
    carryOut: effect => {
      if (effect.kind === 'note') notes.push(effect.reason)
      else if (effect.kind !== 'word') io.carryOut(effect)
    },
  })
  notes = []
  io = new TurnIo({
    ...{ clock: realClock, router: machine.router, input: driver.input, onFault },
    relayPorts: { min: 49_152, max: 50_151 },
    onNote: reason => notes.push(reason),
  })
  closing.push(() => {
    driver.stop()
    io.close()
  })
  driver.input({ kind: 'addresses', addresses: [here] })
  await io.listen({
    plain: { key: 'turn.port', explicit: 0, fallback: 0 },
    tls: { key: 'turn.tls_port', explicit: 0, fallback: 0 },
    ...{ addresses: [here], onMoved: () => {} },
    credentials: credentialsOf({ cert, key: pemOf(leaf.key, 'PRIVATE KEY') }),
  })
  const party = (role: 'caller' | 'callee') => ({
    ...{ role, device: role, credential: credentials[role], proven: [here], relayOn: [here] },
  })
  driver.input({
    kind: 'openGrant',
    grant: { call, lifetimeMilliseconds: undefined, parties: [party('caller'), party('callee')] },
  })
})
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close()
})

/** One party's client over UDP or TCP. */
class Party {
  readonly socket: UdpSocket | Socket
  readonly #role: keyof typeof credentials
  #nonce: string | undefined
  #heard: (message: StunMessage) => void = () => {}
  data = 0

  private constructor(socket: UdpSocket | Socket, role: keyof typeof credentials) {
    this.socket = socket
    this.#role = role
    const framer = new TurnFramer()
    const hear = (bytes: Uint8Array): void => {
      if (bytes[0]! >> 6 === 1) this.data++
      else {
        const decoded = decode(bytes)
        if (decoded.kind === 'ok') this.#heard(decoded.message)
      }
    }
    if (socket instanceof Socket)
      socket.on('data', chunk => (framer.push(chunk as Buffer) ?? []).forEach(hear))
    else socket.on('message', hear)
  }

  static async over(transport: 'udp' | 'tcp', role: keyof typeof credentials): Promise<Party> {
    if (transport === 'udp') {
      const socket = createSocket('udp4').bind(0, here)
      await once(socket, 'listening')
      closing.push(() => socket.close())
      return new Party(socket, role)
    }
    const socket = connect(io.ports.plain, here)
    await once(socket, 'connect')
    closing.push(() => socket.destroy())
    return new Party(socket, role)
  }

  send(bytes: Uint8Array): void {
    if (this.socket instanceof Socket) this.socket.write(bytes)
    else this.socket.send(bytes, io.ports.plain, here)
  }

  async ask(type: StunType, fields: Partial<StunMessage>): Promise<StunMessage> {
    const { username, password } = credentials[this.#role]
    const signing = signingWith('sha1', longTermKey('md5', username, realm, password))
    const signed = this.#nonce === undefined ? {} : { username, realm, nonce: this.#nonce }
    const message = { type, transaction: systemRandom().bytes(12), ...fields, ...signed }
    const answer = new Promise<StunMessage>(resolve => {
      this.#heard = resolve
    })
    this.send(encode(message, this.#nonce === undefined ? undefined : { signing }).slice())
    const { error, nonce, ...rest } = await answer
    if (error?.code !== 401 || this.#nonce !== undefined) return { error, nonce, ...rest } as StunMessage
    this.#nonce = nonce
    return this.ask(type, fields)
  }

  async relayed(): Promise<{ address: string; port: number }> {
    return (await this.ask(stunType.allocateRequest, { transport: 17 })).relayed!
  }

  /** ChannelData of that many bytes. */
  say(channel: number, length: number): void {
    const bytes = Buffer.alloc(4 + length)
    bytes.writeUInt16BE(channel, 0)
    bytes.writeUInt16BE(length, 2)
    this.send(bytes)
  }
}

it('a client whose network stalls for a while misses what was said meanwhile, and keeps its call', async () => {
  const [alice, bob] = [await Party.over('tcp', 'caller'), await Party.over('udp', 'callee')]
  const [ofAlice, ofBob] = [await alice.relayed(), await bob.relayed()]
  expect((await alice.ask(stunType.channelBindRequest, { channel: 0x4000, peers: [ofBob] })).error).toBe(
    undefined,
  )
  expect((await bob.ask(stunType.channelBindRequest, { channel: 0x4000, peers: [ofAlice] })).error).toBe(
    undefined,
  )
  const stalled = alice.socket as Socket
  stalled.pause()
  while (!notes.includes('slowClient') && !stalled.closed) {
    for (let packet = 0; packet < 32; packet++) bob.say(0x4000, 1_200)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  stalled.resume()
  await expect.poll(() => stalled.readableLength, { timeout: 5_000 }).toBe(0)
  expect(stalled.closed).toBe(false)
  expect((await alice.ask(stunType.refreshRequest, {})).error).toBe(undefined)
  const before = alice.data
  bob.say(0x4000, 1_200)
  await expect.poll(() => alice.data).toBeGreaterThan(before)
})
