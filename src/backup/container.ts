/**
 * A backup's outside: one line that says how its key is made, then chunks that are each encrypted and authenticated, so
 * that it is written and read as it comes. AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár
 * 2015): a chunk's nonce holds its number and whether it is the last, so none can be left out, moved or cut off. The
 * first line is authenticated with every chunk.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import type { BackupProblem } from './message.ts'

export class BackupError extends Error {
  readonly code: BackupProblem

  constructor(code: BackupProblem, message: string) {
    super(message)
    this.name = 'BackupError'
    this.code = code
  }
}

const chunkBytes = 65_536
const tagBytes = 16
const lengthBytes = 4
const prefixBytes = 7
const headerBytes = 1_024
/** RFC 7914: N = 2^16, r = 8: 64 MiB, a third of a second on a Pi 4. What a file may ask of its reader is bounded. */
const cost = { N: 65_536, r: 8, p: 1 } as const
const kind = 'lanline-backup'

interface Header {
  readonly kind: typeof kind
  readonly format: 1
  readonly scrypt: typeof cost
  readonly salt: string
  readonly prefix: string
}

export async function* seal(
  plain: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const salt = randomBytes(16)
  const prefix = randomBytes(prefixBytes)
  const header: Header = {
    ...{ kind, format: 1, scrypt: cost },
    ...{ salt: salt.toString('base64'), prefix: prefix.toString('base64') },
  }
  const line = Buffer.from(`${JSON.stringify(header)}\n`)
  const key = await keyOf(passphrase, salt)
  yield new Uint8Array(line)
  let number = 0
  const sealed = (chunk: Uint8Array, isLast: boolean): Uint8Array<ArrayBuffer> => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(prefix, number++, isLast))
    cipher.setAAD(line)
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32BE(chunk.length)
    return new Uint8Array(Buffer.concat([length, cipher.update(chunk), cipher.final(), cipher.getAuthTag()]))
  }
  // One chunk is held back: only at the end it is known to be the last.
  let held = Buffer.alloc(0)
  for await (const part of plain) {
    held = Buffer.concat([held, part])
    while (held.length > chunkBytes) {
      yield sealed(held.subarray(0, chunkBytes), false)
      held = held.subarray(chunkBytes)
    }
  }
  yield sealed(held, true)
}

/** Gives only what was authenticated. Throws `BackupError`. */
export async function* unseal(
  sealed: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<Uint8Array> {
  const source = new Source(sealed)
  const line = await source.line(headerBytes)
  const { salt, prefix } = headerOf(line)
  const key = await keyOf(passphrase, salt)
  for (let number = 0; ; number++) {
    const length = (await source.exactly(lengthBytes)).readUInt32BE()
    if (length > chunkBytes)
      throw new BackupError('damaged', 'this file is damaged: a part of it is too long')
    const body = await source.exactly(length + tagBytes)
    const isLast = await source.isAtEnd()
    yield opened(key, nonceOf(prefix, number, isLast), line, body, number)
    if (isLast) return
  }
}

function opened(key: Buffer, nonce: Buffer, line: Buffer, body: Buffer, number: number): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAAD(line)
  decipher.setAuthTag(body.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(body.subarray(0, -tagBytes)), decipher.final()])
  } catch {
    if (number === 0) {
      throw new BackupError('wrongPassphrase', 'the passphrase is not right, or the file was changed')
    }
    throw new BackupError('damaged', 'this file is damaged: a part of it was changed or is missing')
  }
}

function headerOf(line: Buffer): { readonly salt: Buffer; readonly prefix: Buffer } {
  const notOurs = new BackupError('notABackup', 'this file is no backup of lanline')
  let header: Header
  try {
    header = JSON.parse(line.toString('utf8'))
  } catch {
    throw notOurs
  }
  if (header?.kind !== kind) throw notOurs
  const known = header.format === 1 && JSON.stringify(header.scrypt) === JSON.stringify(cost)
  if (!known) throw new BackupError('newer', 'this backup was made by a newer lanline: update first')
  const salt = Buffer.from(String(header.salt), 'base64')
  const prefix = Buffer.from(String(header.prefix), 'base64')
  if (salt.length !== 16 || prefix.length !== prefixBytes) throw notOurs
  return { salt, prefix }
}

function nonceOf(prefix: Uint8Array, number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.set(prefix)
  nonce.writeUInt32BE(number, prefixBytes)
  nonce[11] = isLast ? 1 : 0
  return nonce
}

const keyOf = (passphrase: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const maxmem = 256 * cost.N * cost.r
    scrypt(passphrase.normalize('NFC'), salt, 32, { ...cost, maxmem }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })

/** Bytes in the pieces that are asked for, whatever pieces they come in. */
class Source {
  readonly #parts: AsyncIterator<Uint8Array>
  #held = Buffer.alloc(0)
  #ended = false

  constructor(parts: AsyncIterable<Uint8Array>) {
    this.#parts = parts[Symbol.asyncIterator]()
  }

  async line(limit: number): Promise<Buffer> {
    while (!this.#held.includes(10) && this.#held.length <= limit && (await this.#more())) {}
    const end = this.#held.indexOf(10)
    if (end < 0 || end > limit) throw new BackupError('notABackup', 'this file is no backup of lanline')
    return this.#take(end + 1)
  }

  async exactly(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes && (await this.#more())) {}
    if (this.#held.length < bytes) throw new BackupError('damaged', 'this file ends too early')
    return this.#take(bytes)
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#held.length === 0 && (await this.#more())) {}
    return this.#held.length === 0
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    return taken
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false
    const { value, done } = await this.#parts.next()
    this.#ended = done === true
    if (value !== undefined) this.#held = Buffer.concat([this.#held, value])
    return !this.#ended
  }
}
