import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import WebSocket from 'ws'
import { WebSockets } from '../../src/runtime/websocket.ts'

it('frames that arrive together are handled one a turn, so that one connection does not hold up the others', async () => {
  const count = 500
  let handled = 0
  let inThisTurn = 0
  let mostInATurn = 0
  let done = (): void => {}
  const all = new Promise<void>(resolve => {
    done = resolve
  })
  const sockets = new WebSockets({
    routes: [
      {
        path: '/ws',
        subprotocol: 'test',
        onOpen: connection => {
          connection.onMessage = () => {
            mostInATurn = Math.max(mostInATurn, ++inThisTurn)
            setImmediate(() => {
              inThisTurn = 0
            })
            if (++handled === count) done()
          }
        },
      },
    ],
    refuse: () => undefined,
    onFault: error => {
      throw error
    },
  })
  const server = createServer().on('upgrade', sockets.upgrade)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`, 'test')
  await new Promise(resolve => client.once('open', resolve))
  for (let index = 0; index < count; index++) client.send('x')
  await all
  expect(mostInATurn).toBe(1)
  sockets.terminateAll()
  server.close()
})
