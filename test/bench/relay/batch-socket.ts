/**
 * A UDP socket that sends and receives many datagrams a system call (`sendmmsg`, `recvmmsg`) and has the kernel say
 * when each arrived, so that a load generator costs less than what it loads. Linux on 64-bit little-endian machines,
 * IPv4. Everything the kernel is given lies in one large `ArrayBuffer`: small ones live on V8's heap and move.
 */
import koffi from 'koffi'
import { type Endpoint, parseIPv4 } from '../../../src/core/endpoint.ts'

const libc = koffi.load('libc.so.6')
const openSocket = libc.func('int socket(int, int, int)')
const bindSocket = libc.func('int bind(int, uintptr_t, uint32_t)')
const nameSocket = libc.func('int getsockname(int, uintptr_t, uintptr_t)')
const setOption = libc.func('int setsockopt(int, int, int, uintptr_t, uint32_t)')
const sendMany = libc.func('int sendmmsg(int, uintptr_t, uint32_t, int)')
const receiveMany = libc.func('int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)')
const readClock = libc.func('int clock_gettime(int, uintptr_t)')

/** Numbers of Linux's interface to programs. */
const [afInet, sockDgram, solSocket, dontWait, clockRealtime] = [2, 2, 1, 0x40, 0]
const [soReceiveBufferForce, soTimestampNanoseconds] = [33, 35]
/** `struct mmsghdr`: name, its length, vector, its length, control, its length, flags, then the length of the message. */
const header = {
  ...{ bytes: 64, name: 0, nameBytes: 8, vector: 16, vectorCount: 24 },
  ...{ control: 32, controlBytes: 40, messageBytes: 56 },
}
/** `struct cmsghdr` (length, level, type), then seconds and nanoseconds, of eight bytes each. */
const timestamp = { bytes: 32, seconds: 16, nanoseconds: 24 }
const receiveBufferBytes = 16_777_216

/** For what a call is given or gives besides messages: as large as what does not lie on V8's heap. */
const scratch = new DataView(new ArrayBuffer(65_536))
const scratchAddress = Number(koffi.address(scratch.buffer))

export const slots = 64
const slotBytes = 1_536
const vectorBytes = 16
const addressBytes = 16

export class BatchSocket {
  readonly local: Endpoint
  readonly #descriptor: number
  readonly #outgoing = new Ring(false)
  readonly #incoming = new Ring(true)
  #cursor = 0

  /** A port of the system's choice. */
  constructor(address: string) {
    this.#descriptor = check(openSocket(afInet, sockDgram, 0), 'socket')
    writeAddress(scratch, 0, { address, port: 0 })
    check(bindSocket(this.#descriptor, scratchAddress, addressBytes), 'bind')
    scratch.setUint32(addressBytes, addressBytes, true)
    check(nameSocket(this.#descriptor, scratchAddress, scratchAddress + addressBytes), 'getsockname')
    this.local = { address, port: scratch.getUint16(2) }
    this.#set(soReceiveBufferForce, receiveBufferBytes)
    this.#set(soTimestampNanoseconds, 1)
  }

  /** Whom everything goes to from now on, and how many bytes of a slot. */
  aim(remote: Endpoint, bytes: number): void {
    for (let slot = 0; slot < slots; slot++) this.#outgoing.address(slot, remote, bytes)
  }

  /** What slot `slot` is to send: a view to write into. */
  payload(slot: number): Uint8Array {
    return this.#outgoing.payload(slot)
  }

  /**
   * Sends up to `count` slots in the order of the ring, after `stamp` has written into each; how many the kernel took.
   */
  send(count: number, stamp: (view: DataView, offset: number) => void): number {
    const first = this.#cursor
    const wanted = Math.min(count, slots - first)
    for (let slot = first; slot < first + wanted; slot++) stamp(this.#outgoing.view, payloadAt(slot))
    const sent = sendMany(this.#descriptor, this.#outgoing.base + headerAt(first), wanted, dontWait)
    if (sent <= 0) return 0
    this.#cursor = (first + sent) % slots
    return sent
  }

  /** Whatever has arrived, given one by one with its length and the wall clock's nanoseconds at its arrival. */
  receive(
    take: (view: DataView, offset: number, bytes: number, seconds: number, nanos: number) => void,
  ): void {
    const { view, base } = this.#incoming
    for (;;) {
      const count = receiveMany(this.#descriptor, base, slots, dontWait, 0)
      for (let slot = 0; slot < count; slot++) {
        const at = headerAt(slot)
        const control = controlAt(slot)
        const seconds = view.getUint32(control + timestamp.seconds, true)
        const nanos = view.getUint32(control + timestamp.nanoseconds, true)
        take(view, payloadAt(slot), view.getUint32(at + header.messageBytes, true), seconds, nanos)
        view.setUint32(at + header.nameBytes, addressBytes, true)
        view.setUint32(at + header.controlBytes, timestamp.bytes, true)
      }
      if (count < slots) return
    }
  }

  #set(option: number, value: number): void {
    scratch.setUint32(0, value, true)
    check(setOption(this.#descriptor, solSocket, option, scratchAddress, 4), `setsockopt ${option}`)
  }
}

/** The wall clock, as the kernel stamps arrivals with it; the caller's object is filled. */
export function readWallClock(into: { seconds: number; nanos: number }): void {
  readClock(clockRealtime, scratchAddress)
  into.seconds = scratch.getUint32(0, true)
  into.nanos = scratch.getUint32(8, true)
}

const headerAt = (slot: number): number => slot * header.bytes
const vectorAt = (slot: number): number => headerAt(slots) + slot * vectorBytes
const addressAt = (slot: number): number => vectorAt(slots) + slot * addressBytes
const controlAt = (slot: number): number => addressAt(slots) + slot * timestamp.bytes
const payloadAt = (slot: number): number => controlAt(slots) + slot * slotBytes
const ringBytes = payloadAt(slots)

/** Headers, vectors, addresses, control words and payloads of `slots` messages, and where the kernel finds them. */
class Ring {
  readonly view = new DataView(new ArrayBuffer(ringBytes))
  readonly base: number

  constructor(incoming: boolean) {
    this.base = Number(koffi.address(this.view.buffer))
    for (let slot = 0; slot < slots; slot++) {
      const at = headerAt(slot)
      this.#pointer(at + header.name, addressAt(slot))
      this.view.setUint32(at + header.nameBytes, addressBytes, true)
      this.#pointer(at + header.vector, vectorAt(slot))
      this.view.setUint32(at + header.vectorCount, 1, true)
      this.#pointer(vectorAt(slot), payloadAt(slot))
      this.view.setUint32(vectorAt(slot) + 8, slotBytes, true)
      if (!incoming) continue
      this.#pointer(at + header.control, controlAt(slot))
      this.view.setUint32(at + header.controlBytes, timestamp.bytes, true)
    }
  }

  address(slot: number, remote: Endpoint, bytes: number): void {
    writeAddress(this.view, addressAt(slot), remote)
    this.view.setUint32(vectorAt(slot) + 8, bytes, true)
  }

  payload(slot: number): Uint8Array {
    return new Uint8Array(this.view.buffer, payloadAt(slot), slotBytes)
  }

  #pointer(at: number, to: number): void {
    this.view.setBigUint64(at, BigInt(this.base + to), true)
  }
}

/** `struct sockaddr_in`: family in the machine's order, port and address in the network's. */
function writeAddress(view: DataView, at: number, { address, port }: Endpoint): void {
  view.setUint16(at, afInet, true)
  view.setUint16(at + 2, port)
  parseIPv4(address)!.forEach((octet, index) => {
    view.setUint8(at + 4 + index, octet)
  })
}

function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: error ${koffi.errno()} of the system`)
  return result
}
