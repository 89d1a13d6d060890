import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { Clock, Monotonic } from '../../src/core/clock.ts'
import type { Endpoint } from '../../src/core/endpoint.ts'
import { seldom, tcpAnswers, udpAnswers } from '../../src/runtime/answers.ts'

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function listening(server: Server): Promise<Endpoint> {
  open.push(server)
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ address: '127.0.0.1', port: (server.address() as AddressInfo).port })
    })
  })
}

it('a listener that takes the connection and ends it answers', async () => {
  expect(await tcpAnswers(await listening(createServer(socket => socket.resume())))).toBe(true)
})

it('one that is full and cuts the connection answers too', async () => {
  expect(await tcpAnswers(await listening(createServer(socket => socket.resetAndDestroy())))).toBe(true)
})

it('a port that nobody listens on does not answer', async () => {
  const server = createServer()
  const endpoint = await listening(server)
  await new Promise(resolve => server.close(resolve))
  expect(await tcpAnswers(endpoint)).toBe(false)
})

it('a UDP port answers when something comes back', async () => {
  const socket = createSocket('udp4')
  open.push(socket)
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const endpoint = { address: '127.0.0.1', port: socket.address().port }
  expect(await udpAnswers(endpoint, Buffer.from('x'))).toBe(true)
})

it('a UDP port that nobody listens on does not answer', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  const endpoint = { address: '127.0.0.1', port: socket.address().port }
  await new Promise<void>(resolve => socket.close(resolve))
  expect(await udpAnswers(endpoint, Buffer.from('x'))).toBe(false)
})

it('what is asked seldom is asked again when a yes is old, and at once after a no', async () => {
  let now = 0
  const clock = { monotonic: () => now as Monotonic } as Clock
  const answers = [true, false, true]
  const ask = seldom(60_000, clock, async () => answers.shift()!)
  expect([await ask(), await ask()]).toEqual([true, true])
  expect(answers).toHaveLength(2)
  now = 60_000
  expect([await ask(), await ask()]).toEqual([false, true])
})
