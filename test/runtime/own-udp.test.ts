import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { OwnUdp } from '../../src/runtime/own-udp.ts'

const [here, there] = ['127.0.0.1', '127.0.0.2']
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

function ownUdp() {
  const notes: string[] = []
  const received: string[] = []
  const waiting: (() => void)[] = []
  const own = new OwnUdp({
    onMessage: (bytes, _remote, socket) => {
      received.push(`${socket.local.address} ${Buffer.from(bytes)}`)
      for (const go of waiting.splice(0)) go()
    },
    onNote: reason => notes.push(reason),
  })
  closing.push(() => own.close())
  return { own, notes, received, next: () => new Promise<void>(go => waiting.push(go)) }
}

async function bound(address: string, port = 0): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4')
  socket.bind({ address, port, exclusive: true })
  await once(socket, 'listening')
  return { socket, port: socket.address().port }
}

/** A port that is free on both addresses, as far as can be known. */
async function freePort(): Promise<number> {
  const { socket, port } = await bound(here)
  socket.close()
  await once(socket, 'close')
  return port
}

async function isOpened(own: OwnUdp, address: string): Promise<void> {
  await expect.poll(() => own.get(address), { timeout: 3_000 }).toBeDefined()
}

describe('own addresses', () => {
  it('have a socket each, which says where a datagram was sent to', async () => {
    const { own, received, next } = ownUdp()
    const port = await freePort()
    await own.open([here, there], port)
    const { socket } = await bound(here)
    closing.push(() => socket.close())
    for (const address of [here, there]) {
      const arrived = next()
      socket.send(address, port, address)
      await arrived
    }
    expect(received).toEqual([`${here} ${here}`, `${there} ${there}`])
  })

  it('are left and taken as they go and come', async () => {
    const { own } = ownUdp()
    await own.open([here], await freePort())
    await own.follow([there])
    expect(own.addresses).toEqual([there])
    expect(own.get(here)).toBe(undefined)
  })

  it('that cannot be bound yet, as an IPv6 one being checked for duplicates, hold nothing up', async () => {
    const { own, notes } = ownUdp()
    // RFC 3849: nobody's.
    await own.open([here, '2001:db8::1'], await freePort())
    expect(own.addresses).toEqual([here])
    expect(notes).toEqual([])
  })

  it('whose port is somebody else’s are opened once it is free', async () => {
    const { own, notes } = ownUdp()
    const port = await freePort()
    await own.open([here], port)
    const { socket } = await bound(there, port)
    await own.follow([here, there])
    expect(own.addresses).toEqual([here])
    expect(notes).toEqual(['noSocket'])
    socket.close()
    await isOpened(own, there)
  })

  it('whose port is somebody else’s at the start refuse it, and nothing stays open', async () => {
    const { own } = ownUdp()
    const port = await freePort()
    const { socket } = await bound(there, port)
    closing.push(() => socket.close())
    await expect(own.open([here, there], port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(own.addresses).toEqual([])
    const again = await bound(here, port)
    again.socket.close()
  })

  it('are not taken again after the end', async () => {
    const { own } = ownUdp()
    const port = await freePort()
    await own.open([here], port)
    const following = own.follow([here, there])
    own.close()
    await following
    expect(own.addresses).toEqual([])
    const again = await bound(there, port)
    again.socket.close()
  })
})
