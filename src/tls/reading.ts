/** What a certificate says, how it is shown and written. Signing, with a library of its own, is `authority.ts`. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import type { Epoch } from '../core/clock.ts'
import { canonicalAddress } from '../core/endpoint.ts'
import type { Subjects } from './constraints.ts'
import type { StoredLeaf } from './ports.ts'

export interface LeafFacts extends Subjects {
  readonly notBefore: Epoch
  readonly notAfter: Epoch
}

/** Whether it is a certificate, and the key its own: what a worn card gives back may be neither. */
export function isWhole(leaf: StoredLeaf): boolean {
  try {
    const key = createPrivateKey({ key: Buffer.from(leaf.key), format: 'der', type: 'pkcs8' })
    return new X509Certificate(leaf.certificate).checkPrivateKey(key)
  } catch {
    return false
  }
}

/** Throws for what is no certificate. */
export function readLeaf(leaf: StoredLeaf): LeafFacts {
  const certificate = new X509Certificate(leaf.certificate)
  return {
    names: namesOf(certificate),
    addresses: subjectsOf(certificate, 'IP Address').map(address => canonicalAddress(address) ?? address),
    notBefore: certificate.validFromDate.getTime() as Epoch,
    notAfter: certificate.validToDate.getTime() as Epoch,
  }
}

/** RFC 9525 §6.1: only its DNS names count, not the common name. */
export const namesOf = (certificate: X509Certificate): string[] =>
  subjectsOf(certificate, 'DNS')
    .map(name => name.toLowerCase())
    .filter(name => /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name))

const subjectsOf = (certificate: X509Certificate, kind: 'DNS' | 'IP Address'): string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter(entry => entry.startsWith(`${kind}:`))
    .map(entry => entry.slice(kind.length + 1))

/** SHA-256 in colon-separated upper-case hexadecimal, as every system's certificate viewer shows it. */
export const fingerprintOf = (certificate: Uint8Array): string =>
  createHash('sha256').update(certificate).digest('hex').toUpperCase().match(/../g)!.join(':')

export function pemOf(der: Uint8Array, label: 'CERTIFICATE' | 'PRIVATE KEY'): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
