/** Real sockets on loopback: the rim of the SIP room without its machine. */
import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { realClock } from '../../src/runtime/clock.ts'
import type { OwnAddress } from '../../src/runtime/interfaces.ts'
import { type Credentials, credentialsOf } from '../../src/runtime/tls.ts'
import { limits, SipIo } from '../../src/sip/io.ts'
import type { SipInput } from '../../src/sip/message.ts'
import { decode, encode } from '../../src/stun/codec.ts'
import { stunType } from '../../src/stun/message.ts'
import { createAuthority, issueLeaf } from '../../src/tls/authority.ts'
import { pemOf } from '../../src/tls/reading.ts'

const loopback = (address: string): OwnAddress => ({
  interface: 'lo',
  address,
  family: 4,
  prefixLength: 8,
  loopback: true,
})
const options = (text: string): Buffer =>
  Buffer.from(`OPTIONS sip:${text} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
const anyPort = (key: string) => ({ key, explicit: 0, fallback: 0 })

let credentials: Credentials
beforeAll(async () => {
  const authority = await createAuthority('lanline')
  const leaf = await issueLeaf(authority, { names: ['lanline.local'], addresses: [] }, realClock.epoch())
  const cert = pemOf(leaf.certificate, 'CERTIFICATE') + pemOf(authority.intermediate, 'CERTIFICATE')
  credentials = credentialsOf({ cert, key: pemOf(leaf.key, 'PRIVATE KEY') })
})

let inputs: SipInput[]
let notes: string[]
let io: SipIo
const opened: { close?: () => void; destroy?: () => void }[] = []

beforeEach(async () => {
  // The closing sockets of one test speak after it: they must not be heard in the next.
  const [ownInputs, ownNotes]: [SipInput[], string[]] = [[], []]
  inputs = ownInputs
  notes = ownNotes
  io = new SipIo({
    clock: realClock,
    input: input => ownInputs.push(input),
    onNote: reason => ownNotes.push(reason),
    onFault: error => {
      throw error
    },
  })
  await io.listen({
    port: anyPort('sip.port'),
    tlsPort: anyPort('sip.tls_port'),
    addresses: [loopback('127.0.0.1'), loopback('127.0.0.2')],
    isBound: address => address !== '127.0.0.3',
    credentials,
    onMoved: () => {},
  })
})
afterEach(() => {
  for (const one of opened.splice(0)) {
    one.close?.()
    one.destroy?.()
  }
  io.close()
})

async function udp() {
  const received: Buffer[] = []
  const socket = createSocket('udp4')
  opened.push(socket)
  socket.on('message', bytes => received.push(bytes))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  return { received, send: (bytes: Uint8Array, to = '127.0.0.1') => socket.send(bytes, io.ports.plain, to) }
}

async function tcp(to = '127.0.0.1') {
  const socket: Socket = connect(io.ports.plain, to)
  opened.push(socket)
  const state = { socket, text: '', closed: false }
  socket.on('data', bytes => {
    state.text += bytes.toString()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    state.closed = true
  })
  await new Promise(resolve => socket.once('connect', resolve))
  return state
}

const received = () => inputs.filter(input => input.kind === 'received')
const texts = () => received().map(input => Buffer.from(input.bytes).toString().split(' ')[1])

describe('over UDP', () => {
  it('a flow names the address that a datagram was sent to, and answers leave from there', async () => {
    const phone = await udp()
    phone.send(options('a'), '127.0.0.2')
    await vi.waitFor(() => expect(received()).toHaveLength(1))
    const { flow } = received()[0]!
    expect(flow).toMatchObject({ transport: 'udp', local: { address: '127.0.0.2', port: io.ports.plain } })
    io.carryOut({ kind: 'send', flow, bytes: Buffer.from('answer') })
    await vi.waitFor(() => expect(phone.received.map(String)).toEqual(['answer']))
  })

  it('a STUN keep-alive is answered with the source, and reaches no machine', async () => {
    const phone = await udp()
    phone.send(encode({ type: stunType.bindingRequest, transaction: Buffer.alloc(12, 7) }))
    await vi.waitFor(() => expect(phone.received).toHaveLength(1))
    expect(decode(phone.received[0]!)).toMatchObject({ message: { mapped: { address: '127.0.0.1' } } })
    expect(inputs).toEqual([])
  })

  it('CRLFs and NULs that only keep a path open are dropped', async () => {
    const phone = await udp()
    for (const filler of ['\r\n\r\n', '\r\n', '\0\0\0\0', '\0']) phone.send(Buffer.from(filler))
    phone.send(options('last'))
    await vi.waitFor(() => expect(texts()).toEqual(['sip:last']))
  })

  it('when an own address goes its socket goes, and the peer is answered from another', async () => {
    const phone = await udp()
    phone.send(options('a'), '127.0.0.2')
    await vi.waitFor(() => expect(received()).toHaveLength(1))
    await io.addressesChanged([loopback('127.0.0.1')])
    expect(io.addresses).toEqual(['127.0.0.1'])
    io.carryOut({ kind: 'send', flow: received()[0]!.flow, bytes: Buffer.from('still') })
    await vi.waitFor(() => expect(phone.received.map(String)).toEqual(['still']))
  })

  it('when an own address goes, the peer is answered from the one on its own network', async () => {
    const received: string[] = []
    const socket = createSocket('udp4')
    opened.push(socket)
    socket.on('message', (bytes, { address }) => received.push(`${bytes} from ${address}`))
    await new Promise<void>(resolve => socket.bind(0, '127.0.20.6', resolve))
    socket.send(options('a'), io.ports.plain, '127.0.0.2')
    await vi.waitFor(() => expect(inputs).toHaveLength(1))
    const vlans = ['127.0.10.1', '127.0.20.1'].map(address => ({ ...loopback(address), prefixLength: 24 }))
    await io.addressesChanged(vlans)
    const [{ flow }] = inputs as [Extract<SipInput, { kind: 'received' }>]
    io.carryOut({ kind: 'send', flow, bytes: Buffer.from('still') })
    await vi.waitFor(() => expect(received).toEqual(['still from 127.0.20.1']))
  })
})

describe('over TCP', () => {
  it('messages come out of the stream however it is cut, on one flow', async () => {
    const phone = await tcp()
    const bytes = Buffer.concat([options('a'), options('b')])
    phone.socket.write(bytes.subarray(0, 60))
    await vi.waitFor(() => expect(received()).toHaveLength(1))
    phone.socket.write(bytes.subarray(60))
    await vi.waitFor(() => expect(texts()).toEqual(['sip:a', 'sip:b']))
    expect(received()[0]!.flow.id).toBe(received()[1]!.flow.id)
  })

  it('many messages in one chunk are handled a few at a time, all and in order, and others come in between', async () => {
    const phone = await tcp()
    const most = { atOnce: 0, seen: 0, isOver: false }
    const look = (): void => {
      most.atOnce = Math.max(most.atOnce, inputs.length - most.seen)
      most.seen = inputs.length
      if (!most.isOver) setImmediate(look)
    }
    look()
    const wanted = Array.from({ length: 900 }, (_, at) => `sip:${at}`)
    phone.socket.write(Buffer.concat(wanted.map(uri => options(uri.slice(4)))))
    await vi.waitFor(() => expect(texts()).toHaveLength(wanted.length))
    most.isOver = true
    expect(texts()).toEqual(wanted)
    // Between two looks a chunk may come, and the turn after it.
    expect(most.atOnce).toBeLessThanOrEqual(2 * limits.messagesATurn)
    phone.socket.write(options('later'))
    await vi.waitFor(() => expect(texts().at(-1)).toBe('sip:later'))
  })

  it('a CRLF ping is answered with a CRLF', async () => {
    const phone = await tcp()
    phone.socket.write('\r\n\r\n')
    await vi.waitFor(() => expect(phone.text).toBe('\r\n'))
    expect(inputs).toEqual([])
  })

  it('bytes that cannot be framed close that stream alone', async () => {
    const [bad, good] = [await tcp(), await tcp()]
    bad.socket.write('OPTIONS sip:x SIP/2.0\r\nContent-Length: many\r\n\r\n')
    await vi.waitFor(() => expect(bad.closed).toBe(true))
    expect(notes).toContain('brokenStream')
    good.socket.write(options('fine'))
    await vi.waitFor(() => expect(texts()).toEqual(['sip:fine']))
    expect(good.closed).toBe(false)
  })

  it('the machine hears once that a flow closed, and can close it', async () => {
    const phone = await tcp()
    phone.socket.write(options('a'))
    await vi.waitFor(() => expect(received()).toHaveLength(1))
    io.carryOut({ kind: 'close', flow: received()[0]!.flow })
    await vi.waitFor(() => expect(phone.closed).toBe(true))
    await vi.waitFor(() => expect(inputs.filter(input => input.kind === 'flowClosed')).toHaveLength(1))
  })

  it('a connection to an address that is excluded is refused', async () => {
    const phone = await tcp('127.0.0.3')
    await vi.waitFor(() => expect(phone.closed).toBe(true))
    expect(notes).toContain('address')
  })

  it('a flood of silent connections stays bounded and one who speaks gets through', async () => {
    const flood = await Promise.all(Array.from({ length: 160 }, () => tcp()))
    await vi.waitFor(() => expect(flood.filter(one => one.closed).length).toBeGreaterThanOrEqual(32))
    const phone = await tcp()
    phone.socket.write(options('through'))
    await vi.waitFor(() => expect(texts()).toEqual(['sip:through']))
  })
})

describe('a connection the machine asks for', () => {
  it('is reported with its flow, or as failed', async () => {
    const remote = { address: '127.0.0.1', port: io.ports.plain }
    io.carryOut({ kind: 'connect', ticket: 7, transport: 'tcp', remote })
    io.carryOut({ kind: 'connect', ticket: 8, transport: 'tls', remote: { ...remote, port: io.ports.tls } })
    io.carryOut({ kind: 'connect', ticket: 9, transport: 'tcp', remote: { address: '127.0.0.1', port: 1 } })
    await vi.waitFor(() => expect(inputs).toHaveLength(3))
    const answers = inputs.map(input => ('ticket' in input ? `${input.kind} ${input.ticket}` : input.kind))
    expect(answers.sort()).toEqual(['connectFailed 9', 'connected 7', 'connected 8'])
  })
})
