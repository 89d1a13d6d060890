/** The system bus as it may be: not there, refusing, silent, talking nonsense. A real one is in `test/net/mdns-avahi.test.ts`. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBroker } from 'dbus-native'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BusAnswer, busSocketPath, SystemBus } from '../../src/runtime/dbus.ts'

const dbus = 'org.freedesktop.DBus'
let directory: string
let socketPath: string
const undo: (() => void)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-bus-'))
  socketPath = join(directory, 'bus')
})
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
  rmSync(directory, { recursive: true, force: true })
})

/** Everything it tells, as `up` and `down: why`, and a promise for the next one. */
function watched() {
  const told: string[] = []
  const faults: unknown[] = []
  let next = Promise.withResolvers<string>()
  const tell = (what: string): void => {
    told.push(what)
    next.resolve(what)
    next = Promise.withResolvers()
  }
  const bus = new SystemBus({
    socketPath,
    matches: ["type='signal',member='Rang'"],
    onUp: () => tell('up'),
    onDown: why => tell(`down: ${why}`),
    onSignal: signal => {
      if (signal.sender !== dbus) tell(`signal: ${signal.member} ${signal.body.join()}`)
    },
    onFault: error => faults.push(error),
  })
  undo.push(() => bus.close())
  return { bus, told, faults, next: () => next.promise }
}

function serve(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onSocket)
  undo.push(() => server.close())
  return new Promise(resolve => server.listen(socketPath, () => resolve(server)))
}

const authenticated = (socket: Socket, then: () => void): void => {
  let heard = ''
  socket.on('error', () => {})
  socket.on('data', bytes => {
    const before = heard
    heard += String(bytes)
    if (!before.includes('AUTH') && heard.includes('AUTH')) socket.write('OK 0123456789abcdef\r\n')
    if (!before.includes('BEGIN') && heard.includes('BEGIN')) then()
  })
}

const asked = { destination: 'org.example', path: '/', interface: 'org.example', member: 'Ring' }

describe('a bus', () => {
  it('that is not there is told once, with why; calls are refused', async () => {
    const { bus, next } = watched()
    expect(await next()).toMatch(/^down: .*ENOENT/)
    const answer = await new Promise<BusAnswer>(resolve => bus.call(asked, resolve))
    expect(answer).toMatchObject({ kind: 'refused', name: 'NotConnected' })
    bus.tell(asked)
  })

  it('that refuses whoever comes is told', async () => {
    await serve(socket =>
      socket.on('error', () => {}).on('data', () => socket.write('REJECTED EXTERNAL\r\n')),
    )
    expect(await watched().next()).toMatch(/^down: .*REJECTED/)
  })

  it('that closes on somebody whose name it took is told, with whom: the machine has no such user', async () => {
    await serve(socket => authenticated(socket, () => socket.destroy()))
    expect(await watched().next()).toBe(
      `down: it turns away user ${process.getuid!()}, whom this machine may not know`,
    )
  })

  it('that closes at once is told', async () => {
    await serve(socket => socket.on('error', () => {}).end())
    expect(await watched().next()).toMatch(/^down: /)
  })

  it.each<[string, Buffer]>([
    ['noise', Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n')],
    ['a message that claims two gigabytes', Buffer.from('6c02000100000080010000000000007f', 'hex')],
    [
      'a header whose fields lead nowhere',
      Buffer.concat([Buffer.from('6c020001000000000100000008000000', 'hex'), Buffer.alloc(8, 0xff)]),
    ],
  ])('that says %s is left', async (_what, bytes) => {
    await serve(socket => authenticated(socket, () => socket.write(bytes)))
    const { next, faults } = watched()
    expect(await next()).toMatch(/^down: /)
    expect(faults).toEqual([])
  })

  it('that hangs keeps no process which leaves it', async () => {
    const server = createServer({ allowHalfOpen: true }, socket => void socket.on('error', () => {}).resume())
    undo.push(() => server.close())
    await new Promise<void>(resolve => server.listen(socketPath, resolve))
    const came = new Promise(resolve => server.once('connection', resolve))
    const script = `
      import { SystemBus } from ${JSON.stringify(join(import.meta.dirname, '../../src/runtime/dbus.ts'))}
      const nothing = () => {}
      const bus = new SystemBus({
        socketPath: ${JSON.stringify(socketPath)}, matches: [],
        onUp: nothing, onDown: nothing, onSignal: nothing, onFault: nothing,
      })
      process.stdin.once('data', () => { process.stdin.destroy(); bus.close() })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    undo.push(() => child.kill('SIGKILL'))
    const ended = new Promise(resolve => child.once('exit', resolve))
    await came
    const left = performance.now()
    child.stdin!.write('leave')
    expect(await ended).toBe(0)
    // Sooner than a connection that is being made is given up.
    expect(performance.now() - left).toBeLessThan(4_000)
  })

  it('answers calls and refuses others; when it was restarted it is found again', async () => {
    const broker = await startBroker()
    const { bus, next, told } = watched()
    expect(await next()).toBe('up')
    const ask = (member: string, name: string): Promise<BusAnswer> =>
      new Promise(resolve =>
        bus.call(
          {
            ...{ destination: dbus, path: '/org/freedesktop/DBus', interface: dbus },
            ...{ member, signature: 's', body: [name] },
          },
          resolve,
        ),
      )
    expect(await ask('NameHasOwner', dbus)).toEqual({ kind: 'done', body: [true] })
    expect(await ask('GetNameOwner', 'org.example.nobody')).toMatchObject({
      kind: 'refused',
      name: `${dbus}.Error.NameHasNoOwner`,
    })
    // A text that D-Bus cannot carry.
    expect(await ask('NameHasOwner', 'a\0b')).toMatchObject({ kind: 'refused', name: 'NotWritten' })
    await broker.close()
    expect(await next()).toMatch(/^down: /)
    await startBroker()
    expect(await next()).toBe('up')
    expect(told).toHaveLength(3)
  })
})

async function startBroker() {
  const broker = createBroker()
  await broker.listen({ socket: socketPath })
  undo.push(() => void broker.close())
  return broker
}

it('is where the environment says, else at its usual place', () => {
  expect(busSocketPath(undefined)).toBe('/run/dbus/system_bus_socket')
  expect(busSocketPath('')).toBe('/run/dbus/system_bus_socket')
  expect(busSocketPath('tcp:host=localhost,port=1;unix:path=/tmp/bus,guid=00')).toBe('/tmp/bus')
  expect(busSocketPath('unix:guid=00,path=/tmp/a%20bus')).toBe('/tmp/a bus')
  expect(busSocketPath('unix:abstract=/tmp/x')).toBe('\0/tmp/x')
  expect(busSocketPath('unix:path=/%zz')).toBe('/%zz')
})
