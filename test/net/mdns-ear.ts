/** Runs inside a host of the LAN: hears and sends mDNS packets for the test that started it. */
import { createSocket, type Socket } from 'node:dgram'

export interface Saying {
  readonly bytes: string
  readonly address: string
  readonly port: number
  /** 5353, or any other port a plain resolver may ask from. */
  readonly sourcePort: number
}

export interface HeardBytes {
  /** Milliseconds on this process's clock. */
  readonly at: number
  readonly bytes: string
  readonly address: string
  readonly port: number
  readonly sourcePort: number
}

const group = '224.0.0.251'
const anywhere = '0.0.0.0'
const address = process.argv[2]!
const sockets = new Map<string, Promise<Socket>>()

/** On the wildcard address what is sent to a group is heard; bound to the own one, that is where it speaks from. */
function socketOn(port: number, bound: string): Promise<Socket> {
  const known = sockets.get(`${bound} ${port}`)
  if (known) return known
  const opened = new Promise<Socket>((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: 1_048_576 })
    socket.once('error', reject)
    socket.bind(port, bound, () => {
      socket.setMulticastInterface(address)
      socket.setMulticastTTL(255)
      socket.setMulticastLoopback(false)
      if (port === 5353 && bound === anywhere) socket.addMembership(group, address)
      socket.on('message', (bytes, from) => {
        const heard: HeardBytes = {
          at: performance.now(),
          bytes: bytes.toString('base64'),
          address: from.address,
          port: from.port,
          sourcePort: port,
        }
        process.send?.(heard)
      })
      resolve(socket)
    })
  })
  sockets.set(`${bound} ${port}`, opened)
  return opened
}

process.on('message', async (saying: Saying) => {
  const socket = await socketOn(saying.sourcePort, saying.address === group ? anywhere : address)
  socket.send(Buffer.from(saying.bytes, 'base64'), saying.port, saying.address)
})
await socketOn(5353, anywhere)
process.send?.('ready')
