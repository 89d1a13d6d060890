/**
 * Where taps leave what passed by: messages as copies of their bytes in one piece of memory, with a few numbers each, and
 * everything else as it is. Read together in the tracer's thread; whoever handles a call pays for a copy.
 */
import type { Monotonic } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Flow, Transport } from '../sip/message.ts'
import type { TraceInput } from './machine-message.ts'
import type { Direction } from './message.ts'

export const tapLimits = {
  /** Of messages in one batch. */
  bytes: 262_144,
  messages: 1_024,
  facts: 1_024,
  /** A SIP message measures no more. */
  messageBytes: 65_536,
  /** Pieces of memory kept for batches to come: as many as are out at a time under load. */
  spares: 4,
} as const

const numbersAMessage = 4
const indexBytes = numbersAMessage * Float64Array.BYTES_PER_ELEMENT * tapLimits.messages

/** A way a message took. */
export interface Ends {
  readonly transport: Transport
  readonly local: Endpoint
  readonly remote: Endpoint
}

/** What a batch lies in. */
export interface TapMemory {
  readonly bytes: ArrayBuffer
  readonly index: ArrayBuffer
}

export interface TapBatch {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Four numbers a message: its moment, where it begins and ends, its way; negative (−1 − way) if it came in. */
  readonly index: Float64Array<ArrayBuffer>
  readonly ways: readonly Ends[]
  /** JSON of `Fact[]`: that costs less than to have them copied one by one. */
  readonly facts: string
}

interface Fact {
  /** How many messages of the batch came before. */
  readonly after: number
  readonly at: Monotonic
  readonly input: TraceInput
}

export class Tap {
  #bytes = new Uint8Array(0)
  #index = new Float64Array(0)
  #used = 0
  #messages = 0
  #ways: Ends[] = []
  /** By the other end's port. */
  readonly #waysByPort = new Map<number, number[]>()
  #facts: Fact[] = []
  readonly #spares: TapMemory[] = []

  /** False: there is no room; take what is there first. */
  sip(direction: Direction, flow: Flow, message: Uint8Array, at: Monotonic): boolean {
    const bytes =
      message.length > tapLimits.messageBytes ? message.subarray(0, tapLimits.messageBytes) : message
    if (this.#bytes.length === 0) {
      const spare = this.#spares.pop()
      this.#bytes = new Uint8Array(spare?.bytes ?? new ArrayBuffer(tapLimits.bytes))
      this.#index = new Float64Array(spare?.index ?? new ArrayBuffer(indexBytes))
    }
    const end = this.#used + bytes.length
    if (end > tapLimits.bytes || this.#messages === tapLimits.messages) return false
    const way = this.#way(flow)
    this.#bytes.set(bytes, this.#used)
    const index = this.#index
    const first = numbersAMessage * this.#messages++
    index[first] = at
    index[first + 1] = this.#used
    index[first + 2] = end
    index[first + 3] = direction === 'in' ? -1 - way : way
    this.#used = end
    return true
  }

  /** False: there is no room. */
  fact(input: TraceInput, at: Monotonic): boolean {
    if (this.#facts.length === tapLimits.facts) return false
    this.#facts.push({ after: this.#messages, at, input })
    return true
  }

  /** Undefined: nothing is there. */
  take(): TapBatch | undefined {
    if (this.#messages === 0 && this.#facts.length === 0) return undefined
    const batch = {
      bytes: this.#bytes,
      index: this.#index.subarray(0, numbersAMessage * this.#messages),
      ways: this.#ways,
      facts: JSON.stringify(this.#facts),
    }
    this.#bytes = new Uint8Array(0)
    this.#index = new Float64Array(0)
    this.#used = 0
    this.#messages = 0
    this.#ways = []
    this.#waysByPort.clear()
    this.#facts = []
    return batch
  }

  /** Memory of batches that were read: a page that is touched for the first time costs ten times what is copied into it. */
  reuse(memory: readonly TapMemory[]): void {
    this.#spares.push(...memory.slice(0, tapLimits.spares - this.#spares.length))
  }

  // A flow's own name is put together anew for each datagram: comparing its parts costs less than looking it up.
  #way({ transport, local, remote }: Flow): number {
    const known = this.#waysByPort.get(remote.port)
    for (const way of known ?? []) {
      const ends = this.#ways[way]!
      const isSame =
        ends.remote.address === remote.address &&
        ends.local.address === local.address &&
        ends.local.port === local.port &&
        ends.transport === transport
      if (isSame) return way
    }
    const way = this.#ways.push({ transport, local, remote }) - 1
    if (known === undefined) this.#waysByPort.set(remote.port, [way])
    else known.push(way)
    return way
  }
}

/** What a batch lay in, without what was in it; undefined where there was no message. Nobody may look at the batch after. */
export function spentOf({ bytes, index }: TapBatch): TapMemory | undefined {
  if (bytes.length === 0) return undefined
  bytes.fill(0, 0, index.at(-2))
  return { bytes: bytes.buffer, index: index.buffer }
}

/** What was told, in order. */
export function* toldIn({ bytes, index, ways, ...batch }: TapBatch): Generator<Pick<Fact, 'at' | 'input'>> {
  const facts = JSON.parse(batch.facts) as Fact[]
  let fact = 0
  const messages = index.length / numbersAMessage
  for (let message = 0; message <= messages; message++) {
    for (; facts[fact]?.after === message; fact++) yield facts[fact]!
    if (message === messages) return
    const first = numbersAMessage * message
    const way = index[first + 3]!
    const { transport, local, remote } = ways[way < 0 ? -1 - way : way]!
    const direction = way < 0 ? 'in' : 'out'
    const input = { kind: 'sip' as const, direction, transport, local, remote } as const
    yield {
      at: index[first] as Monotonic,
      input: { ...input, bytes: bytes.subarray(index[first + 1], index[first + 2]) },
    }
  }
}

const cseq = Buffer.from('\nCSeq:')
const register = Buffer.from('REGISTER')
const response = Buffer.from('SIP/')

/** Registrations are most of what passes, and belong to no call. Where it is not plain to see, it may be none. */
export function isRegistration(direction: Direction, message: Uint8Array): boolean {
  if (startsWith(message, register, 0)) return true
  // lanline registers nowhere, so no answer to it is of one.
  if (direction === 'in' || !startsWith(message, response, 0)) return false
  const bytes = bufferOf(message)
  let at = bytes.indexOf(cseq)
  if (at < 0) return false
  at += cseq.length
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at]! >= 0x30 && bytes[at]! <= 0x39))) at++
  return startsWith(bytes, register, at)
}

function startsWith(bytes: Uint8Array, word: Uint8Array, from: number): boolean {
  for (let at = 0; at < word.length; at++) if (bytes[from + at] !== word[at]) return false
  return true
}

const ufragLine = Buffer.from('a=ice-ufrag:')

/** Whoever captures has to know of it before the checks begin, which is at once. */
export const hasUfrag = (message: Uint8Array): boolean =>
  hasBody(message) && bufferOf(message).includes(ufragLine)

/** A message without one ends with an empty line (RFC 3261 §7), and most have none; a body that does is only told later. */
const hasBody = (message: Uint8Array): boolean =>
  message[message.length - 1] !== 0x0a || message[message.length - 3] !== 0x0a

const bufferOf = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
