/**
 * One end of the load, a process in a namespace of its own: sends so many packets a second, evenly over its eight
 * sockets, and counts what comes from the other end. It blocks while it works, so that nothing else takes its time.
 */
import { createInterface } from 'node:readline'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { BatchSocket, readWallClock, slots } from './batch-socket.ts'
import { Histogram } from './histogram.ts'
import {
  dataBytes,
  flowsPerWay,
  monotonicMilliseconds,
  type Order,
  type RunResult,
  type Way,
} from './message.ts'
import { pause } from './pause.ts'
import { TurnControl } from './turn-control.ts'

const tickMilliseconds = 0.25
/** What was not sent for so long, the machine being busy elsewhere, is not made up for: a burst would be no fair load. */
const forgivenMilliseconds = 3
/** For what is on its way when the last packet was sent. */
const drainMilliseconds = 150
const channelHeaderBytes = 4
const firstChannel = 0x4000

interface Flows {
  readonly sockets: readonly BatchSocket[]
  controls: readonly TurnControl[]
  server: Endpoint | undefined
  /** Bytes before the data, in both directions. */
  headerBytes: number
}

const ways = new Map<Way, Flows>()

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(obey(JSON.parse(line) as Order))}\n`)
}

function obey(order: Order): readonly Endpoint[] | RunResult {
  if (order.do === 'open') {
    const sockets = Array.from({ length: flowsPerWay }, () => new BatchSocket(order.address))
    ways.set(order.way, { sockets, controls: [], server: undefined, headerBytes: 0 })
    return sockets.map(({ local }) => local)
  }
  const flows = ways.get(order.way)!
  switch (order.do) {
    case 'allocate':
      flows.server = order.server
      flows.controls = flows.sockets.map(socket => new TurnControl(socket, order.server, order.credential))
      return flows.controls.map(control => control.allocate())
    case 'bind':
      flows.headerBytes = channelHeaderBytes
      flows.controls.forEach((control, index) => {
        control.bind(firstChannel + index, order.peers[index]!)
        flows.sockets[index]!.aim(flows.server!, channelHeaderBytes + dataBytes)
        for (let slot = 0; slot < slots; slot++) {
          const payload = flows.sockets[index]!.payload(slot)
          new DataView(payload.buffer, payload.byteOffset).setUint32(
            0,
            (firstChannel + index) * 65_536 + dataBytes,
          )
        }
      })
      return order.peers
    case 'aim':
      flows.sockets.forEach((socket, index) => {
        socket.aim(order.peers[index]!, dataBytes)
      })
      return order.peers
    case 'run':
      return run(flows, order)
  }
}

function run(flows: Flows, order: Order & { do: 'run' }): RunResult {
  const { sockets, headerBytes } = flows
  const { packetsPerSecond, startMilliseconds } = order
  const endMilliseconds = startMilliseconds + order.seconds * 1_000
  const latency = new Histogram()
  const clock = { seconds: 0, nanos: 0 }
  let [sent, received, wrong, forgiven, turn] = [0, 0, 0, 0, 0]

  const stamp = (view: DataView, offset: number): void => {
    view.setUint32(offset + headerBytes, order.run)
    view.setUint32(offset + headerBytes + 4, clock.seconds)
    view.setUint32(offset + headerBytes + 8, clock.nanos)
  }
  const take = (view: DataView, offset: number, bytes: number, seconds: number, nanos: number): void => {
    if (view.getUint32(offset + headerBytes) !== order.run) return
    if (bytes !== headerBytes + dataBytes) {
      wrong++
      return
    }
    received++
    const [sentSeconds, sentNanos] = [
      view.getUint32(offset + headerBytes + 4),
      view.getUint32(offset + headerBytes + 8),
    ]
    latency.add((seconds - sentSeconds) * 1e9 + nanos - sentNanos)
  }

  for (let tick = startMilliseconds; ; tick += tickMilliseconds) {
    const now = monotonicMilliseconds()
    if (now > endMilliseconds + drainMilliseconds) break
    if (now >= startMilliseconds) {
      const due =
        Math.floor(((Math.min(now, endMilliseconds) - startMilliseconds) * packetsPerSecond) / 1_000) -
        forgiven
      const late = due - sent - Math.ceil((forgivenMilliseconds * packetsPerSecond) / 1_000)
      if (late > 0) forgiven += late
      for (let left = due - Math.max(late, 0) - sent; left > 0; ) {
        const socket = sockets[turn++ % sockets.length]!
        readWallClock(clock)
        const taken = socket.send(Math.min(left, order.burst), stamp)
        if (taken === 0) break
        sent += taken
        left -= taken
      }
    }
    for (const socket of sockets) socket.receive(take)
    const ahead = tick + tickMilliseconds - monotonicMilliseconds()
    if (ahead > 0) pause(ahead)
    else tick -= ahead
  }
  return { sent, received, wrong, latency: latency.counts }
}
