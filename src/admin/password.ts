/** Passwords for the console: scrypt (RFC 7914), parameters and salt beside the hash. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

export interface ScryptCost {
  /** N, a power of two: memory is 128 · N · r bytes. */
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
}

/** 32 MiB for each hash; about a third of a second on a Pi 4. */
const defaultCost: ScryptCost = { cost: 32_768, blockSize: 8, parallelization: 3 }

const saltBytes = 16
const keyBytes = 32
/** Hashes at work at once and waiting: more would only serve whoever floods the login. */
const maxRunning = 2
const maxWaiting = 16

export class Passwords {
  readonly #cost: ScryptCost
  /** Of no password: compared with where a person has none. */
  readonly #nobodys: string
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(cost: ScryptCost = defaultCost) {
    this.#cost = cost
    this.#nobodys = this.#written(randomBytes(saltBytes), randomBytes(keyBytes))
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes)
    return this.#written(salt, await this.#derive(password, salt, this.#cost))
  }

  /** Costs the same whether there is such a person, a password, or neither. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [scheme, cost, blockSize, parallelization, salt, expected] = (stored ?? this.#nobodys).split('$')
    if (scheme !== 'scrypt') return false
    const key = await this.#derive(password, Buffer.from(salt!, 'base64'), {
      cost: Number(cost),
      blockSize: Number(blockSize),
      parallelization: Number(parallelization),
    })
    return timingSafeEqual(key, Buffer.from(expected!, 'base64')) && stored !== undefined
  }

  /** True when further hashes would have to be refused. */
  get full(): boolean {
    return this.#waiting.length >= maxWaiting
  }

  #written(salt: Buffer, key: Buffer): string {
    const { cost, blockSize, parallelization } = this.#cost
    return ['scrypt', cost, blockSize, parallelization, salt.toString('base64'), key.toString('base64')].join(
      '$',
    )
  }

  async #derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    while (this.#running >= maxRunning) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const maxmem = 256 * cost.cost * cost.blockSize
        scrypt(password.normalize('NFC'), salt, keyBytes, { ...cost, maxmem }, (error, key) =>
          error ? reject(error) : resolve(key),
        )
      })
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}
