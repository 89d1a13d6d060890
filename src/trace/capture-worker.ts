/**
 * The thread that reads a capture, so that nothing waits for it: chunks in, their memory back for the next ones, in the end
 * what the file shows of the call.
 */
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { ReaderAnswer, ReaderOrder, ReaderSetup } from './capture-io.ts'
import { factsOf } from './packets/facts.ts'
import { CaptureReader } from './packets/reader.ts'
import { CallMatch } from './packets/summary.ts'

const setup = workerData as ReaderSetup
const port = parentPort!
const hash = createHash('sha256')
const reader = new CaptureReader({ wire: true })
const match = new CallMatch(setup.call)
let [stopped, ended] = [false, false]
let bytes = 0

port.on('message', (order: ReaderOrder) => {
  // What was on its way when the last word had been said.
  if (ended) return
  if (order.kind === 'end') return end()
  const chunk = new Uint8Array(order.memory, 0, order.bytes)
  hash.update(chunk)
  bytes += chunk.length
  for (const packet of reader.push(chunk)) match.add(packet)
  // What is no capture at all is not worth its upload.
  if (reader.stop !== undefined && !stopped) {
    stopped = true
    const { ending } = reader.end()
    if (ending.frames === 0) return end()
  }
  tell({ kind: 'read', memory: order.memory }, [order.memory])
})

function end(): void {
  ended = true
  const { packets, ending } = reader.end()
  for (const packet of packets) match.add(packet)
  const provenance = { ...setup.provenance, sha256: hash.digest('hex') }
  const facts = factsOf(match, ending, provenance, setup.startedAt)
  const { interfaces: _, firstAt: _first, lastAt: _last, ...file } = ending
  tell({ kind: 'done', reading: { facts, file: { ...file, bytes }, encrypted: match.figures().encrypted } })
  port.close()
}

function tell(answer: ReaderAnswer, memory: ArrayBuffer[] = []): void {
  port.postMessage(answer, memory)
}
