import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Gate } from '../../src/runtime/gate.ts'
import { type Listener, listen, type Stream, streamLimits } from '../../src/runtime/tcp.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A stream whose peer reads nothing. */
async function unread(): Promise<Stream> {
  let listener: Listener | undefined
  const opened = new Promise<Stream>(resolve => {
    listen(
      {
        ...{ address: '127.0.0.1', port: 0, allowLocal: () => true, onOpen: resolve },
        onRefused: () => {},
        onFault: error => {
          throw error
        },
      },
      new Gate<Socket>(streamLimits.connections, socket => socket.destroy()),
    ).then(made => {
      listener = made
      closing.push(() => listener?.close())
      const client = connect(made.port, '127.0.0.1')
      client.pause()
      closing.push(() => client.destroy())
    })
  })
  return opened
}

it('a peer that reads nothing is cut off, and small messages count for what they take, not for their bytes', async () => {
  const stream = await unread()
  const [small, large] = [Buffer.alloc(8), Buffer.alloc(65_536)]
  // What the system holds for it is the system's to bound.
  while (stream.unsentBytes === 0) {
    stream.send(large)
    await turn()
  }
  let waiting = 0
  while (stream.send(small)) waiting++
  expect(waiting).toBeGreaterThan(100)
  expect(waiting).toBeLessThan(10_000)
})
