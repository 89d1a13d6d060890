/** A bundle as it comes: its head is judged before anything else of it is taken, its content hashed as it passes. */
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { constants, createReadStream, createWriteStream, readFileSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { decodeHead, encodeHead, headLimitBytes, manifestBytes, type Refusal, signedBytes } from './codec.ts'
import { UpdateError } from './machine-io.ts'
import { type UpdateManifest, updateLimits } from './message.ts'

export interface BundlePart {
  readonly manifest: UpdateManifest
  /** The head whole, then the root file system as it comes. */
  readonly of: 'head' | 'root'
  readonly bytes: Uint8Array
}

/**
 * Passes a bundle on. `accept` is asked once the signature is verified, before the first part. Throws `UpdateError` as
 * soon as something is wrong; only who has read it to its end knows that all of it is what was signed.
 */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  keys: readonly KeyObject[],
  accept: (manifest: UpdateManifest) => Promise<Refusal | undefined> = async () => undefined,
): AsyncGenerator<BundlePart> {
  const hash = createHash('sha256')
  let held = Buffer.alloc(0)
  let manifest: UpdateManifest | undefined
  let rootBytes = 0
  for await (const chunk of chunks) {
    let root = chunk
    if (manifest === undefined) {
      held = Buffer.concat([held, chunk.subarray(0, headLimitBytes)])
      const head = decodeHead(held, keys)
      if (head.kind === 'more') continue
      if (head.kind === 'refused') throw new UpdateError(head.problem, head.sentence)
      const refusal = await accept(head.manifest)
      if (refusal !== undefined) throw new UpdateError(refusal.problem, refusal.sentence)
      manifest = head.manifest
      yield { manifest, of: 'head', bytes: held.subarray(0, head.bytes) }
      // What of this chunk is behind the head.
      const before = held.length - Math.min(chunk.length, headLimitBytes)
      root = chunk.subarray(head.bytes - before)
    }
    if (root.length === 0) continue
    rootBytes += root.length
    if (rootBytes > manifest.rootBytes)
      throw new UpdateError('damaged', 'this update is longer than it says; get it anew')
    hash.update(root)
    yield { manifest, of: 'root', bytes: root }
  }
  if (manifest === undefined) {
    throw new UpdateError('notAnUpdate', 'this file is no update of lanline, or only the beginning of one')
  }
  if (rootBytes < manifest.rootBytes)
    throw new UpdateError('damaged', 'this update ends too early; get it anew')
  if (hash.digest('hex') !== manifest.rootSha256) {
    throw new UpdateError('damaged', 'this update was changed on its way; get it anew')
  }
}

/** Who may lay a bundle there may lay anything: a pipe would be waited for, for ever. Throws `UpdateError`. */
export async function openBundle(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new UpdateError('notAnUpdate', `${path} is no file`)
}

/** Reads a bundle to its end. Throws `UpdateError`. */
export async function verifyFile(
  path: string,
  keys: readonly KeyObject[],
  onPart: (manifest: UpdateManifest, bytes: number) => void = () => {},
): Promise<UpdateManifest> {
  let found: UpdateManifest | undefined
  let bytes = 0
  const file = await openBundle(path)
  for await (const part of verified(file.createReadStream({ highWaterMark: 1 << 20 }), keys)) {
    found = part.manifest
    if (part.of === 'root') bytes += part.bytes.length
    onPart(found, bytes)
  }
  return found!
}

/** The head of a bundle alone: what it says of itself, by whom it was signed. Throws `UpdateError`. */
export async function headOfFile(path: string, keys: readonly KeyObject[]): Promise<UpdateManifest> {
  const file = await openBundle(path)
  for await (const { manifest } of verified(file.createReadStream({ end: headLimitBytes }), keys))
    return manifest
  throw new UpdateError('notAnUpdate', 'this file is empty')
}

export type BundleWords = Omit<UpdateManifest, 'product' | 'rootBytes' | 'rootSha256'>

/** Makes a bundle of a root file system; `key` is an Ed25519 private key (PEM). */
export async function makeBundle(
  root: string,
  to: string,
  key: string,
  words: BundleWords,
): Promise<UpdateManifest> {
  const privateKey = createPrivateKey(readFileSync(key))
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new UpdateError('untrusted', `${key} holds no Ed25519 key`)
  const rootBytes = statSync(root).size
  if (rootBytes > updateLimits.rootBytes) throw new UpdateError('tooLarge', `${root} is larger than any slot`)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(root)) hash.update(chunk as Uint8Array)
  const manifest: UpdateManifest = {
    ...{ product: 'lanline', ...words, rootBytes, rootSha256: hash.digest('hex') },
  }
  const bytes = manifestBytes(manifest)
  const head = encodeHead(bytes, sign(null, signedBytes(bytes), privateKey))
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield head
    for await (const chunk of createReadStream(root)) yield chunk as Uint8Array
  }
  try {
    await pipeline(parts, createWriteStream(to))
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  }
  return manifest
}
