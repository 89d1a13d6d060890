/**
 * A bundle's beginning: three lines (what it is, the signature, the manifest), then the root file system as it is. The
 * signature (Ed25519, RFC 8032) is over the first and the third line, so that it is good for nothing else; the manifest
 * holds the length and SHA-256 of what follows. Total and bounded: whatever the bytes, an answer, never an exception.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import {
  architectures,
  type Machine,
  type UpdateManifest,
  type UpdateProblem,
  updateLimits,
} from './message.ts'
import { compareVersions, isVersion } from './version.ts'

const firstLine = 'lanline-update 1\n'
/** 64 bytes in base64, and the end of the line. */
const signatureCharacters = 88
const manifestFrom = firstLine.length + signatureCharacters + 1

/** More than this many bytes without a whole head are no bundle. */
export const headLimitBytes = manifestFrom + updateLimits.manifestBytes + 1

export type Head =
  | { readonly kind: 'ok'; readonly manifest: UpdateManifest; readonly bytes: number }
  /** Not enough bytes to tell. */
  | { readonly kind: 'more' }
  | Refusal

export interface Refusal {
  readonly kind: 'refused'
  readonly problem: UpdateProblem
  /** For people: what it is and what to do. */
  readonly sentence: string
}

const manifestSchema = z.object({
  product: z.literal('lanline'),
  version: z.string().refine(isVersion),
  build: z.string().regex(/^[\w.+ -]{0,64}$/),
  architecture: z.enum(architectures),
  rootBytes: z.int().min(1).max(updateLimits.rootBytes),
  rootSha256: z.string().regex(/^[0-9a-f]{64}$/),
  schema: z.int().min(0).max(1_000_000),
  boot: z.int().min(0).max(1_000_000),
  createdAt: z.number().min(0).max(8.64e15),
})

/** What is signed. */
export const signedBytes = (manifest: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(firstLine), manifest])

export const manifestBytes = (manifest: UpdateManifest): Uint8Array => Buffer.from(JSON.stringify(manifest))

export function encodeHead(manifest: Uint8Array, signature: Uint8Array): Uint8Array {
  const text = Buffer.from(signature).toString('base64')
  return Buffer.concat([Buffer.from(`${firstLine}${text}\n`), manifest, Buffer.from('\n')])
}

/** `bytes` are the bundle's first; nothing of the manifest is believed before its signature. */
export function decodeHead(bytes: Uint8Array, keys: readonly KeyObject[]): Head {
  const known = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headLimitBytes))
  const start = known.subarray(0, firstLine.length).toString('latin1')
  if (!firstLine.startsWith(start)) {
    return /^lanline-update \d/.test(start)
      ? refused('notAnUpdate', 'this update is of a newer kind; update to a version in between first')
      : refused('notAnUpdate', 'this file is no update of lanline (lanline-….update)')
  }
  const end = known.indexOf(10, manifestFrom)
  if (end < 0) {
    return known.length < headLimitBytes
      ? { kind: 'more' }
      : refused('notAnUpdate', 'this file is no update of lanline: its beginning has no end')
  }
  const written = known.subarray(firstLine.length, manifestFrom - 1).toString('latin1')
  const signature = Buffer.from(written, 'base64')
  const manifest = known.subarray(manifestFrom, end)
  const isSigned =
    known[manifestFrom - 1] === 10 &&
    signature.toString('base64') === written &&
    keys.some(key => verify(null, signedBytes(manifest), key, signature))
  if (!isSigned) {
    return refused(
      'untrusted',
      'this update is not signed by the key that this appliance trusts, or it was changed; get it anew from where lanline comes from',
    )
  }
  const read = manifestSchema.safeParse(jsonOf(manifest))
  if (!read.success)
    return refused('notAnUpdate', 'this update says something of itself that is not understood')
  return { kind: 'ok', manifest: read.data, bytes: end + 1 }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Every public key (PEM) in a text: more than one while a new one takes over. What is no Ed25519 key is left out. */
export function trustedKeys(text: string): KeyObject[] {
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[\s\S]*?-----END PUBLIC KEY-----/g) ?? []
  return blocks.slice(0, 8).flatMap(block => {
    try {
      const key = createPublicKey(block)
      return key.asymmetricKeyType === 'ed25519' ? [key] : []
    } catch {
      return []
    }
  })
}

export const relationOf = (version: string, installed: string): 'newer' | 'same' | 'older' => {
  const order = compareVersions(version, installed)
  return order > 0 ? 'newer' : order === 0 ? 'same' : 'older'
}

/** Why it may not be installed there; undefined: it may. */
export function judge(
  manifest: UpdateManifest,
  machine: Machine,
  evenIfNotNewer: boolean,
): Refusal | undefined {
  const { version, architecture, rootBytes, schema, boot } = manifest
  if (architecture !== machine.architecture) {
    return refused(
      'wrongArchitecture',
      `this update is for ${architecture}, this machine is ${machine.architecture}; get the one for ${machine.architecture}`,
    )
  }
  if (boot > machine.boot) {
    return refused(
      'bootTooOld',
      `lanline ${version} needs a newer kernel on this card (${boot}, it has ${machine.boot}); back up, flash the new image, restore`,
    )
  }
  if (machine.slotBytes !== undefined && rootBytes > machine.slotBytes) {
    return refused(
      'tooLarge',
      `lanline ${version} (${megabytes(rootBytes)}) is larger than this card has room for (${megabytes(machine.slotBytes)}); back up, flash the new image, restore`,
    )
  }
  if (schema < machine.schema) {
    return refused(
      'schemaOlder',
      `lanline ${version} cannot read the database as lanline ${machine.version} keeps it (${machine.schema}, it knows ${schema}); to go back to it, flash its image and restore a backup that it made`,
    )
  }
  const relation = relationOf(version, machine.version)
  if (relation !== 'newer' && !evenIfNotNewer) {
    return refused(
      'notNewer',
      relation === 'same'
        ? `lanline ${version} is what runs here already`
        : `lanline ${version} is older than ${machine.version}, which runs here; say so if you mean it`,
    )
  }
  return undefined
}

const refused = (problem: UpdateProblem, sentence: string): Refusal => ({
  kind: 'refused',
  problem,
  sentence,
})

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`
