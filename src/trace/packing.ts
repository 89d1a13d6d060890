/**
 * Events as they go to disk: those of all calls together, compressed as one where that is worth it. What waits for others
 * lies here as bytes, outside the heap, so that it is not collected and moved around meanwhile.
 */
import { constants, zstdCompressSync } from 'node:zlib'
import { segmentLine } from '../core/segment.ts'
import type { TraceSave } from './machine-message.ts'
import type { PackedSegment } from './ports.ts'

/** Of a segment before it is compressed, unless one save alone is longer: who reads a call reads whole segments. */
const segmentBytes = 128_000
/** Shorter ones lie there as they are. */
const worthCompressing = 2_000
const comma = 44
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

export class Packer {
  readonly #text = Buffer.alloc(segmentBytes)
  #used = 0
  #calls: string[] = []
  #done: PackedSegment[] = []

  add({ call, events }: TraceSave): void {
    // Of a line the call's name, a tab, brackets and the line's end; of each event a comma and, RFC 3629 §3, three bytes at
    // most for a character of UTF-16.
    const most = events.reduce((sum, event) => sum + 1 + 3 * event.length, 3 * call.length + 4)
    if (this.#used + most > segmentBytes) this.#close()
    if (most > segmentBytes) {
      const line = segmentLine(call, `[${events.join(',')}]`)
      this.#done.push({ calls: [call], data: dataOf(Buffer.from(line)) })
      return
    }
    // `segmentLine` in pieces: putting it together first would cost two copies of everything.
    this.#write(`${call}\t[`)
    for (const event of events) {
      this.#write(event)
      this.#text[this.#used++] = comma
    }
    // In the place of the last comma.
    this.#used--
    this.#write(']\n')
    this.#calls.push(call)
  }

  /** What was added since the last time, in its order. */
  take(): PackedSegment[] {
    this.#close()
    const done = this.#done
    this.#done = []
    return done
  }

  #write(text: string): void {
    this.#used += this.#text.write(text, this.#used)
  }

  #close(): void {
    if (this.#used === 0) return
    this.#done.push({ calls: this.#calls, data: dataOf(this.#text.subarray(0, this.#used)) })
    this.#used = 0
    this.#calls = []
  }
}

// A copy of its own length: what zlib returns may be a view of more, and is to be given to another thread.
const dataOf = (text: Buffer): string | Uint8Array<ArrayBuffer> =>
  text.length < worthCompressing ? text.toString() : Uint8Array.from(zstdCompressSync(text, compression))
