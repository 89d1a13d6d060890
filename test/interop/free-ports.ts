/** Ports that are free for UDP and TCP on 127.0.0.1 right now. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = await freeTcpPort()
    if (!ports.includes(port) && (await isFreeForUdp(port))) ports.push(port)
  }
  return ports
}

const freeTcpPort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const isFreeForUdp = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
