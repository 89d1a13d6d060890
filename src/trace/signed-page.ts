/** `trace.html` signed: its last line is a signature over every byte before that line. */
import { createPublicKey, sign, verify } from 'node:crypto'
import { fingerprintOfKey, fromBase64, isKey, privateKeyOf, publicKeyOf, publicPrefix } from './document.ts'

/** No trace.json begins so, and what is signed of one begins with a brace: a signature is never of the other. */
const begin = '<!doctype html>'
const line = /\n<!-- lanline-signature Ed25519 ([A-Za-z0-9+/=]{44}) ([A-Za-z0-9+/=]{88}) -->\n$/
const lineBytes = 170
const keyBytes = 32
const signatureBytes = 64

export function signPage(page: string, seed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(page.endsWith('\n') ? page : `${page}\n`)
  const value = sign(null, bytes, privateKeyOf(seed)).toString('base64')
  const key = Buffer.from(publicKeyOf(seed)).toString('base64')
  return Buffer.concat([bytes, Buffer.from(`<!-- lanline-signature Ed25519 ${key} ${value} -->\n`)])
}

export const isPage = (file: Uint8Array): boolean =>
  Buffer.from(file.subarray(0, begin.length)).toString('latin1').toLowerCase() === begin

export type PageVerification =
  | { readonly kind: 'genuine'; readonly call: string; readonly fingerprint: string }
  | { readonly kind: 'wrong'; readonly why: string }

/** `wanted` as `verifyTrace` takes it. */
export function verifyPage(file: Uint8Array, wanted: string | undefined): PageVerification {
  const wrong = (why: string): PageVerification => ({ kind: 'wrong', why })
  const bytes = Buffer.from(file)
  const found = line.exec(bytes.subarray(-lineBytes).toString('latin1'))
  const key = fromBase64(found?.[1], keyBytes)
  const value = fromBase64(found?.[2], signatureBytes)
  if (!found || !key || !value)
    return wrong('it has no signature on its last line: cut, or saved by a browser as a “complete” page')
  const signed = bytes.subarray(0, bytes.length - (found[0].length - 1))
  const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, key]), format: 'der', type: 'spki' })
  if (!verify(null, signed, publicKey, value))
    return wrong('its signature does not fit: it was changed after it was signed')
  const fingerprint = fingerprintOfKey(key)
  if (wanted !== undefined && !isKey(wanted, key, fingerprint))
    return wrong(`it was signed with another key: ${fingerprint}`)
  const call = /<meta name="lanline-call" content="([^"<>]*)">/.exec(signed.toString('utf8'))?.[1] ?? ''
  return { kind: 'genuine', call, fingerprint }
}
