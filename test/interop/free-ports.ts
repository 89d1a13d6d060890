/**
 * Ports that are free for UDP and TCP on 127.0.0.1 right now. Test files that run side by side draw from ranges of their
 * own, below the system's ephemeral ports, so that none takes what another was just given.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const rangeSize = 2_000
const firstPort = 12_000 + (Number(process.env.VITEST_POOL_ID ?? 0) % 8) * rangeSize

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = firstPort + Math.floor(Math.random() * rangeSize)
    if (!ports.includes(port) && (await isFreeForTcp(port)) && (await isFreeForUdp(port))) ports.push(port)
  }
  return ports
}

const isFreeForTcp = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const isFreeForUdp = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
