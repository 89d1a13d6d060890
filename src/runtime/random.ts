/** The operating system's random source, read in blocks: a call per token would cost a system call each. */
import { randomFillSync } from 'node:crypto'
import type { Random } from '../core/random.ts'

const blockBytes = 4_096

export function systemRandom(): Random {
  const block = Buffer.alloc(blockBytes)
  let used = blockBytes
  const take = (count: number): Buffer => {
    if (count > blockBytes) return randomFillSync(Buffer.alloc(count))
    if (used + count > blockBytes) {
      randomFillSync(block)
      used = 0
    }
    const bytes = Buffer.from(block.subarray(used, used + count))
    // What was handed out must not lie about in memory, nor be handed out again by mistake.
    block.fill(0, used, used + count)
    used += count
    return bytes
  }
  return {
    bytes: take,
    hex: count => take(count).toString('hex'),
    below: bound => take(6).readUIntBE(0, 6) % bound,
  }
}
