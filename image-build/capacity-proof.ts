/** A program of known length, to see that the machine counts as it is said to. */
import type { Architecture } from './vm.ts'

const rounds = 400_000_000
/** Of a round: count down, and again while there is something left. */
const perRound = 2

/** Linux's number of exit, and the ELF machine (System V ABI). */
const code: Readonly<Record<Architecture, { machine: number; bytes: () => Buffer }>> = {
  amd64: {
    machine: 62,
    bytes() {
      // mov ecx, rounds; dec ecx; jnz -4; xor edi, edi; mov eax, 60; syscall
      const bytes = Buffer.from('b900000000ffc975fc31ffb83c0000000f05', 'hex')
      bytes.writeUInt32LE(rounds, 1)
      return bytes
    },
  },
  arm64: {
    machine: 183,
    bytes() {
      const words = [
        // movz w1, low half; movk w1, high half, lsl 16; subs w1, w1, 1; b.ne -4; movz w0, 0; movz w8, 93; svc 0
        0x52800001 | ((rounds & 0xffff) << 5),
        0x72a00001 | ((rounds >>> 16) << 5),
        ...[0x71000421, 0x54ffffe1, 0x52800000, 0x52800ba8, 0xd4000001],
      ]
      const bytes = Buffer.alloc(4 * words.length)
      words.forEach((word, at) => void bytes.writeUInt32LE(word >>> 0, 4 * at))
      return bytes
    },
  },
}

export function machineCode(architecture: Architecture): {
  readonly bytes: Uint8Array
  readonly instructions: number
} {
  const { machine, bytes } = code[architecture]
  const text = bytes()
  const address = 0x400000n
  const head = Buffer.alloc(120)
  // The ELF header, then one segment: the file as it is, to be read and run.
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(2, 16)
  head.writeUInt16LE(machine, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(address + 120n, 24)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(1, 56)
  head.writeUInt32LE(1, 64)
  head.writeUInt32LE(5, 68)
  head.writeBigUInt64LE(address, 80)
  head.writeBigUInt64LE(address, 88)
  head.writeBigUInt64LE(BigInt(120 + text.length), 96)
  head.writeBigUInt64LE(BigInt(120 + text.length), 104)
  head.writeBigUInt64LE(0x10000n, 112)
  return { bytes: Buffer.concat([head, text]), instructions: rounds * perRound }
}
