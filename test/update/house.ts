/** Bundles signed by keys of a test's own. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeHead, manifestBytes, signedBytes } from '../../src/update/codec.ts'
import type { Machine, UpdateManifest } from '../../src/update/message.ts'

export const keyPair = () => generateKeyPairSync('ed25519')
export const { privateKey, publicKey } = keyPair()
export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

export const root = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251))

export function manifestOf(change: Partial<UpdateManifest> = {}, content: Uint8Array = root): UpdateManifest {
  return {
    ...{ product: 'lanline', version: '0.2.0', build: 'abc1234', architecture: 'arm64' },
    ...{ rootBytes: content.length, rootSha256: createHash('sha256').update(content).digest('hex') },
    ...{ schema: 12, boot: 1, createdAt: 1_790_000_000_000 },
    ...change,
  }
}

export function headOf(manifest: UpdateManifest, key: KeyObject = privateKey): Buffer {
  const bytes = manifestBytes(manifest)
  return Buffer.from(encodeHead(bytes, sign(null, signedBytes(bytes), key)))
}

export const bundleOf = (change: Partial<UpdateManifest> = {}, key: KeyObject = privateKey): Buffer =>
  Buffer.concat([headOf(manifestOf(change), key), root])

export const machine: Machine = {
  ...{ version: '0.1.0', architecture: 'arm64', schema: 12, boot: 1, slotBytes: 1_000_000 },
}

export async function* inPieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}
