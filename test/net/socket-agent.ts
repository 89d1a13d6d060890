/**
 * Runs inside a host's namespace, a child of `sockets.ts`: opens sockets there as it is told, and says what came to
 * them. Exists because a process cannot change its network namespace once it runs.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import WebSocket from 'ws'

export interface Place {
  readonly address: string
  readonly port: number
}

/** `id` names the socket. Bytes are in base64. */
export type Order =
  | {
      readonly kind: 'udp'
      readonly id: number
      readonly local: Place
      /** A multicast group to hear besides, and the own address on whose interface. */
      readonly group?: readonly [group: string, on: string] | undefined
    }
  | { readonly kind: 'stream'; readonly id: number; readonly to: Place; readonly tls: boolean }
  | { readonly kind: 'channel'; readonly id: number; readonly url: string; readonly authority: string }
  | { readonly kind: 'send'; readonly id: number; readonly bytes: string; readonly to?: Place | undefined }
  | { readonly kind: 'say'; readonly id: number; readonly text: string }
  | { readonly kind: 'close'; readonly id: number }
  /** Sends `packets` in turn to `to`, from every one of `sources`, each address with a port of its own. */
  | {
      readonly kind: 'flood'
      readonly id: number
      readonly to: Place
      readonly sources: readonly string[]
      readonly packets: readonly string[]
      readonly perSecond: number
      readonly seconds: number
    }

export type Happening =
  | { readonly kind: 'open'; readonly id: number; readonly port: number }
  | { readonly kind: 'data'; readonly id: number; readonly bytes: string; readonly from?: Place | undefined }
  | { readonly kind: 'told'; readonly id: number; readonly text: string }
  | { readonly kind: 'closed'; readonly id: number; readonly why: string }
  | { readonly kind: 'flooded'; readonly id: number; readonly sent: number }

interface Open {
  send(bytes: Buffer, to: Place | undefined): void
  say?(text: string): void
  close(): void
}

const sockets = new Map<number, Open>()
const tell = (happening: Happening): void => void process.send?.(happening)
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const familyOf = (address: string): 'udp4' | 'udp6' => (address.includes(':') ? 'udp6' : 'udp4')
const closed = (id: number, why: string): void => {
  if (sockets.delete(id)) tell({ kind: 'closed', id, why })
}

process.on('disconnect', () => process.exit(0))
process.on('message', (order: Order) => {
  if (order.kind === 'udp') openUdp(order)
  else if (order.kind === 'stream') openStream(order)
  else if (order.kind === 'channel') openChannel(order)
  else if (order.kind === 'flood') void flood(order)
  else if (order.kind === 'send') sockets.get(order.id)?.send(Buffer.from(order.bytes, 'base64'), order.to)
  else if (order.kind === 'say') sockets.get(order.id)?.say?.(order.text)
  else sockets.get(order.id)?.close()
})

function openUdp({ id, local, group }: Extract<Order, { kind: 'udp' }>): void {
  const socket = createSocket({
    type: familyOf(local.address),
    reuseAddr: group !== undefined,
    ipv6Only: local.address.includes(':'),
  })
  sockets.set(id, {
    send: (bytes, to) => socket.send(bytes, to!.port, to!.address, () => {}),
    close: () => socket.close(),
  })
  socket.on('error', error => closed(id, error.message))
  socket.on('close', () => closed(id, 'closed'))
  socket.on('message', (bytes, { address, port }) =>
    tell({ kind: 'data', id, bytes: base64(bytes), from: { address, port } }),
  )
  socket.bind(local.port, local.address, () => {
    if (group !== undefined) socket.addMembership(...group)
    tell({ kind: 'open', id, port: socket.address().port })
  })
}

function openStream({ id, to, tls }: Extract<Order, { kind: 'stream' }>): void {
  const where = { host: to.address, port: to.port }
  const socket = tls ? connectTls({ ...where, rejectUnauthorized: false }) : connectTcp(where)
  sockets.set(id, { send: bytes => socket.write(bytes), close: () => socket.destroy() })
  let why = 'closed'
  socket.on('error', error => {
    why = error.message
  })
  socket.on('close', () => closed(id, why))
  socket.on('data', (bytes: Buffer) => tell({ kind: 'data', id, bytes: base64(bytes) }))
  socket.on(tls ? 'secureConnect' : 'connect', () => tell({ kind: 'open', id, port: socket.localPort ?? 0 }))
}

function openChannel({ id, url, authority }: Extract<Order, { kind: 'channel' }>): void {
  const socket = new WebSocket(url, 'lanline.v1', { ca: authority })
  sockets.set(id, { send: () => {}, say: text => socket.send(text), close: () => socket.terminate() })
  let why = 'closed'
  socket.on('error', error => {
    why = error.message
  })
  socket.on('close', () => closed(id, why))
  socket.on('message', data => tell({ kind: 'told', id, text: String(data) }))
  socket.on('open', () => tell({ kind: 'open', id, port: 0 }))
}

async function flood(order: Extract<Order, { kind: 'flood' }>): Promise<void> {
  const open: UdpSocket[] = []
  for (const address of order.sources) {
    const socket = createSocket({ type: familyOf(address), sendBufferSize: 4_194_304 })
    socket.on('error', () => {})
    await new Promise<void>(resolve => socket.bind(0, address, resolve))
    open.push(socket)
  }
  const packets = order.packets.map(packet => Buffer.from(packet, 'base64'))
  const begin = performance.now()
  let sent = 0
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const elapsed = Math.min((performance.now() - begin) / 1_000, order.seconds)
      for (const due = elapsed * order.perSecond; sent < due; sent++) {
        const packet = packets[sent % packets.length]!
        open[sent % open.length]!.send(packet, order.to.port, order.to.address, () => {})
      }
      if (elapsed < order.seconds) return
      clearInterval(timer)
      resolve()
    }, 5)
  })
  for (const socket of open) socket.close()
  tell({ kind: 'flooded', id: order.id, sent })
}
