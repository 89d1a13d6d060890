import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { noQuiet } from '../../src/core/quiet-hours.ts'
import { realClock } from '../../src/runtime/clock.ts'
import { Driver } from '../../src/runtime/driver.ts'
import { WebSockets } from '../../src/runtime/websocket.ts'
import { limits } from '../../src/signalling/codec.ts'
import { SignallingIo } from '../../src/signalling/io.ts'
import { SignallingMachine } from '../../src/signalling/machine.ts'
import type { ServerMessage, SignallingEffect, SignallingInput } from '../../src/signalling/message.ts'

const alice = { device: 'd1', user: 'alice', displayName: 'Alice' }
const tokenHash = createHash('sha256').update('secret').digest('hex')
const hello = JSON.stringify({ type: 'hello', token: 'secret', client: 'test', tab: 't', resume: [] })
const undo: (() => void)[] = []

afterEach(() => {
  for (const stop of undo.splice(0).reverse()) stop()
})

/** The channel on a real port of this computer. */
async function channel() {
  const people = [
    {
      user: 'alice',
      displayName: 'Alice',
      number: '20',
      doNotDisturb: false,
      role: 'member',
      seenByGuests: false,
      alsoRings: [],
      doorKeys: '',
    } as const,
  ]
  const machine = new SignallingMachine({
    devices: {
      byTokenHash: hash => (hash === tokenHash ? alice : undefined),
      people: () => people,
      person: user => people.find(person => person.user === user),
      place: () => 'Home',
      staySeconds: () => null,
      joinAsks: () => [],
      ...{ quiet: () => noQuiet, untilHoursTurn: () => undefined },
    },
    callLog: { find: () => undefined, open: () => [], openOf: () => [], missed: () => [] },
    version: 'test',
  })
  const faults: unknown[] = []
  const driver: Driver<SignallingInput, SignallingEffect> = new Driver({
    machine,
    clock: realClock,
    carryOut: effect => {
      if (effect.kind === 'sendFrame' || effect.kind === 'closeConnection') io.carryOut(effect)
    },
    onFault: error => faults.push(error),
  })
  const io = new SignallingIo({ path: '/ws', input: driver.input })
  const sockets = new WebSockets({
    routes: [io.route],
    refuse: () => undefined,
    onFault: error => faults.push(error),
  })
  const server: Server = createServer().on('upgrade', sockets.upgrade)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => {
    sockets.terminateAll()
    server.close()
    driver.stop()
  })
  const { port } = server.address() as AddressInfo
  return { machine, faults, url: `ws://127.0.0.1:${port}/ws` }
}

class Client {
  readonly socket: WebSocket
  readonly closed: Promise<number>
  readonly #told: ServerMessage[] = []
  #waiting: ((message: ServerMessage) => void) | undefined

  constructor(url: string) {
    this.socket = new WebSocket(url, 'lanline.v1')
    this.closed = new Promise(resolve => this.socket.on('close', resolve))
    this.socket.on('message', data => {
      const message = JSON.parse(String(data)) as ServerMessage
      if (this.#waiting !== undefined) this.#waiting(message)
      else this.#told.push(message)
      this.#waiting = undefined
    })
  }

  async open(): Promise<this> {
    await new Promise(resolve => this.socket.once('open', resolve))
    return this
  }

  next(): Promise<ServerMessage> {
    const known = this.#told.shift()
    if (known !== undefined) return Promise.resolve(known)
    return new Promise(resolve => {
      this.#waiting = resolve
    })
  }
}

it('frames go both ways, and a closed socket ends its session', async () => {
  const { machine, faults, url } = await channel()
  const client = await new Client(url).open()
  client.socket.send(hello)
  expect(await client.next()).toMatchObject({ type: 'welcome', user: 'alice', place: 'Home' })
  client.socket.send('{"type":"ping","id":5}')
  expect(await client.next()).toEqual({ type: 'pong', id: 5 })
  const second = await new Client(url).open()
  second.socket.send(hello.replace('"t"', '"other"'))
  expect(await client.next()).toMatchObject({ type: 'error', code: 'replaced' })
  expect(await client.closed).toBe(4409)
  expect(await second.next()).toMatchObject({ type: 'welcome' })
  second.socket.terminate()
  await expect.poll(() => machine.sizes.sessions).toBe(0)
  expect(faults).toEqual([])
})

it('what is no text, too large, or of no device is closed with its code', async () => {
  const { machine, url } = await channel()
  const binary = await new Client(url).open()
  binary.socket.send(Buffer.from(hello))
  expect(await binary.closed).toBe(4408)
  const large = await new Client(url).open()
  large.socket.send('x'.repeat(limits.frameBytes + 1))
  expect(await large.closed).toBe(1009)
  const unknown = await new Client(url).open()
  unknown.socket.send(hello.replace('secret', 'guess'))
  expect(await unknown.next()).toMatchObject({ type: 'error', code: 'badToken' })
  expect(await unknown.closed).toBe(4401)
  await expect.poll(() => machine.sizes.connections).toBe(0)
})

it('a client that floods is cut off, whether it reads or not', async () => {
  const { machine, url } = await channel()
  const client = await new Client(url).open()
  client.socket.send(hello)
  await client.next()
  client.socket.pause()
  for (let count = 0; count < 1_000; count++) client.socket.send('{"type":"dance"}')
  await expect.poll(() => machine.sizes.connections, { timeout: 10_000 }).toBe(0)
})
