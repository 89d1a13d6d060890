/** Bytes that came and were not read yet, and integers in either byte order. */

/** Holds what a reader did not take; grows to the largest record a reader waits for, and no further. */
export class ByteQueue {
  #bytes: Uint8Array
  #begin = 0
  #end = 0
  #skip = 0
  #offset = 0

  constructor(initialBytes = 65_536) {
    this.#bytes = new Uint8Array(initialBytes)
  }

  /** Position in the file of the first byte that was not taken. */
  get offset(): number {
    return this.#offset
  }

  get length(): number {
    return this.#end - this.#begin
  }

  /** Bytes that are to be skipped and have not come. */
  get owed(): number {
    return this.#skip
  }

  push(chunk: Uint8Array): void {
    const skipped = Math.min(this.#skip, chunk.length)
    this.#skip -= skipped
    this.#offset += skipped
    const rest = skipped === 0 ? chunk : chunk.subarray(skipped)
    if (this.#end + rest.length > this.#bytes.length) this.#makeRoom(rest.length)
    this.#bytes.set(rest, this.#end)
    this.#end += rest.length
  }

  /** The next `count` bytes, without taking them; undefined when they have not come. Valid until the next push. */
  peek(count: number): Uint8Array | undefined {
    return this.length < count ? undefined : this.#bytes.subarray(this.#begin, this.#begin + count)
  }

  /** Takes `count` bytes, also such as have not come yet. */
  skip(count: number): void {
    const here = Math.min(count, this.length)
    this.#begin += here
    this.#offset += here
    this.#skip += count - here
  }

  #makeRoom(count: number): void {
    const needed = this.length + count
    const target =
      needed > this.#bytes.length ? new Uint8Array(2 ** Math.ceil(Math.log2(needed))) : this.#bytes
    target.set(this.#bytes.subarray(this.#begin, this.#end))
    this.#bytes = target
    this.#end = this.length
    this.#begin = 0
  }
}

export const u16 = (bytes: Uint8Array, at: number, little = false): number =>
  little ? bytes[at]! | (bytes[at + 1]! << 8) : (bytes[at]! << 8) | bytes[at + 1]!

export const u32 = (bytes: Uint8Array, at: number, little = false): number =>
  little
    ? u16(bytes, at, true) + u16(bytes, at + 2, true) * 65_536
    : u16(bytes, at) * 65_536 + u16(bytes, at + 2)
