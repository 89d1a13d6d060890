/** `trace.json`: all that is known of one call, its verdict, signed. `docs/trace.md` is its schema. */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto'
import type { CallRow } from '../calls/message.ts'
import { addressOf, relayRefusalOf } from './call-facts.ts'
import { canonical } from './canonical.ts'
import { evidenceOf } from './evidence.ts'
import type { TraceEvent, TraceSummary, Verdict } from './message.ts'
import { verdictOf } from './verdict.ts'

export const format = 'lanline-trace/1'

export interface TraceDocument {
  readonly format: typeof format
  /** What made it: `lanline 1.2.3`, the site's stable id. */
  readonly madeBy: { readonly version: string; readonly appliance: string }
  readonly call: CallRow
  readonly verdict: Verdict
  readonly summary: TraceSummary
  readonly events: readonly TraceEvent[]
}

export interface SignedTrace extends TraceDocument {
  readonly signature: Signature
}

/** Over the canonical JSON of everything else. Key and value are base64. */
export interface Signature {
  readonly algorithm: 'Ed25519'
  readonly publicKey: string
  readonly value: string
}

export interface TraceMaking {
  readonly version: string
  readonly appliance: string
  readonly row: CallRow
  readonly events: readonly TraceEvent[]
  /** What was concluded before the events were forgotten. */
  readonly kept: TraceSummary | undefined
}

/** False where events were forgotten, which go from the oldest on. */
export const isWhole = (events: readonly TraceEvent[]): boolean => events[0]?.number === 1

/** With all events the verdict is made anew of them; otherwise it is the one that was kept. */
export function documentOf({ version, appliance, row, events, kept }: TraceMaking): TraceDocument {
  const summary = !isWhole(events) && kept !== undefined ? kept : summaryOf(row, events)
  return { format, madeBy: { version, appliance }, call: row, verdict: summary.verdict, summary, events }
}

export function summaryOf(row: CallRow, events: readonly TraceEvent[]): TraceSummary {
  const verdict = verdictOf(evidenceOf(events, row))
  const answered = events.find(one => one.kind === 'call' && one.what === 'answered')?.atMilliseconds
  // Of each way the first: a camera that is turned on later is none.
  const firstTo = (source: 'caller' | 'callee'): number | undefined =>
    events.find(one => one.kind === 'firstMedia' && one.direction === 'received' && one.source === source)
      ?.atMilliseconds
  const [toCaller, toCallee] = [firstTo('caller'), firstTo('callee')]
  const mos = (source: 'caller' | 'callee'): number | undefined => {
    const all = events.flatMap(one =>
      one.kind === 'quality' && one.source === source ? (one.mos ?? []) : [],
    )
    return all.length === 0
      ? undefined
      : Math.round((all.reduce((sum, one) => sum + one, 0) / all.length) * 10) / 10
  }
  const relayRefusal = relayRefusalOf(events)
  return {
    call: row.id,
    events: events.length,
    bytes: events.reduce((sum, one) => sum + JSON.stringify(one).length, 0),
    verdict,
    mos: { caller: mos('caller'), callee: mos('callee') },
    answeredToMediaMilliseconds:
      answered === undefined || toCaller === undefined || toCallee === undefined
        ? undefined
        : Math.round(Math.max(toCaller, toCallee) - answered),
    addresses: { caller: addressOf('caller', events), callee: addressOf('callee', events) },
    ...(relayRefusal === undefined ? {} : { relayRefusal }),
  }
}

// ------------------------------------------------------------------------------------------------------- signing

/** DER prefixes of an Ed25519 key before its 32 bytes: PKCS #8 and SPKI (RFC 8410 §7, §4). */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex')
export const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')

export const privateKeyOf = (seed: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' })

/** The 32 bytes of the public key that belongs to a seed of 32 bytes (RFC 8032 §5.1.5). */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return new Uint8Array(createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' })).slice(
    -32,
  )
}

/** SHA-256 of the key, as people compare it: `AB:CD:…`. */
export const fingerprintOfKey = (key: Uint8Array): string =>
  hash('sha256', key, 'hex')
    .toUpperCase()
    .replace(/(..)(?=.)/g, '$1:')

/** The file: canonical throughout, so that no byte of it is without meaning. */
export function signTrace(document: TraceDocument, seed: Uint8Array): string {
  const publicKey = Buffer.from(publicKeyOf(seed)).toString('base64')
  const value = sign(null, signedBytes(document, publicKey), privateKeyOf(seed)).toString('base64')
  return canonical({ ...document, signature: { algorithm: 'Ed25519', publicKey, value } })
}

/** The algorithm and key are signed with the rest. */
const signedBytes = (document: object, publicKey: string): Buffer =>
  Buffer.from(canonical({ ...document, signature: { algorithm: 'Ed25519', publicKey } }))

export type Verification =
  | { readonly kind: 'genuine'; readonly trace: SignedTrace; readonly fingerprint: string }
  | { readonly kind: 'wrong'; readonly why: string }

const keyBytes = 32
const signatureBytes = 64
/** `algorithm`, `publicKey`, `value`. */
const signatureMembers = 3

/** False, too, where it is nested deeper than this program can follow: no trace is. */
function isCanonical(value: unknown, text: string): boolean {
  try {
    return canonical(value) === text
  } catch {
    return false
  }
}

/** `wanted`: the fingerprint of the appliance's key, or the key in base64; without it, only the key in the file is used. */
export function verifyTrace(file: Uint8Array, wanted: string | undefined): Verification {
  const wrong = (why: string): Verification => ({ kind: 'wrong', why })
  let trace: SignedTrace
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file)
    trace = JSON.parse(text) as SignedTrace
  } catch {
    return wrong('it is no JSON text: not a trace, or damaged')
  }
  if (typeof trace !== 'object' || trace === null || trace.format !== format)
    return wrong(`it is no ${format}`)
  const { signature, ...document } = trace
  const publicKey = fromBase64(signature?.publicKey, keyBytes)
  const value = fromBase64(signature?.value, signatureBytes)
  if (signature?.algorithm !== 'Ed25519' || !publicKey || !value)
    return wrong('it has no signature that could be checked')
  // One value, one text: white space, doubled members and other spellings are changes too. The signature does not sign
  // itself: what stood in it beside its own members would be anybody's.
  if (Object.keys(signature).length !== signatureMembers || !isCanonical(trace, text))
    return wrong('it is not as lanline writes it: it was changed after it was signed')
  const key = createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' })
  if (!verify(null, signedBytes(document, signature.publicKey), key, value)) {
    return wrong('its signature does not fit: it was changed after it was signed')
  }
  const fingerprint = fingerprintOfKey(publicKey)
  if (wanted !== undefined && !isKey(wanted, publicKey, fingerprint)) {
    return wrong(`it was signed with another key: ${fingerprint}`)
  }
  return { kind: 'genuine', trace, fingerprint }
}

/** Base64 that is spelt in the one right way. */
export function fromBase64(text: unknown, bytes: number): Buffer | undefined {
  if (typeof text !== 'string') return undefined
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : undefined
}

export function isKey(wanted: string, key: Uint8Array, fingerprint: string): boolean {
  const plain = wanted.replace(/[:\s]/g, '').toUpperCase()
  return plain === fingerprint.replaceAll(':', '') || wanted.trim() === Buffer.from(key).toString('base64')
}
