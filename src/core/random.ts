/**
 * Where identifiers come from. The real source (`runtime/random.ts`) is the operating system's; tests and the
 * simulated network use `seededRandom`, so that a run can be repeated from its seed.
 */
export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array
  /** `count` random bytes as lower-case hexadecimal: a token that any protocol's grammar accepts. */
  hex(count: number): string
  /** An integer in [0, bound). */
  below(bound: number): number
}

/** A repeatable source (xorshift128). For tests: anyone can predict it from its seed. */
export function seededRandom(seed: number): Random {
  // Four words mixed from the seed by a Weyl sequence, so that neighbouring seeds do not start alike.
  const state = new Uint32Array(4)
  let mix = seed >>> 0
  for (let i = 0; i < 4; i++) {
    mix = (mix + 0x9e3779b9) >>> 0
    let word = mix
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    state[i] = (word ^ (word >>> 15)) >>> 0 || 1
  }
  const next = (): number => {
    let t = state[3]!
    const s = state[0]!
    state[3] = state[2]!
    state[2] = state[1]!
    state[1] = s
    t ^= t << 11
    t ^= t >>> 8
    state[0] = t ^ s ^ (s >>> 19)
    return state[0]! >>> 0
  }
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => next() >>> 24)
  return {
    bytes,
    hex: count => Buffer.from(bytes(count)).toString('hex'),
    below: bound => Math.floor((next() / 2 ** 32) * bound),
  }
}
