/**
 * Bounds-checked reading and writing of binary messages in network byte order. A reader that ran over its end says so
 * once, through `overrun`, and yields zeros from there on, so that a codec checks in one place and never throws.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0
  #overrun = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  /** True once anything was read past the end. */
  get overrun(): boolean {
    return this.#overrun
  }

  u8(): number {
    return this.#uint(1)
  }

  u16(): number {
    return this.#uint(2)
  }

  u32(): number {
    return this.#uint(4)
  }

  /** The next `count` bytes as a view, not a copy; empty after an overrun. */
  take(count: number): Uint8Array {
    if (count < 0 || count > this.remaining) {
      this.#overrun = true
      this.#offset = this.#bytes.length
      return new Uint8Array(0)
    }
    const view = this.#bytes.subarray(this.#offset, this.#offset + count)
    this.#offset += count
    return view
  }

  #uint(width: number): number {
    let value = 0
    const view = this.take(width)
    for (const byte of view) value = value * 256 + byte
    return value
  }
}

/** Grows as needed up to `limitBytes`; writing past that throws, since only our own code can do it. */
export class ByteWriter {
  readonly #limitBytes: number
  #bytes = new Uint8Array(256)
  #length = 0

  constructor(limitBytes = 65_535) {
    this.#limitBytes = limitBytes
  }

  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    return this.#uint(value, 1)
  }

  u16(value: number): this {
    return this.#uint(value, 2)
  }

  u32(value: number): this {
    return this.#uint(value, 4)
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** What was written, as a view that stays valid only until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #uint(value: number, width: number): this {
    this.#reserve(width)
    for (let shift = width - 1; shift >= 0; shift--) {
      this.#bytes[this.#length++] = Math.floor(value / 256 ** shift) & 0xff
    }
    return this
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed > this.#limitBytes) throw new RangeError(`message over ${this.#limitBytes} bytes`)
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.min(this.#limitBytes, Math.max(needed, 2 * this.#bytes.length)))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
