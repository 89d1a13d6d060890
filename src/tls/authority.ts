/**
 * The appliance's own certificate authority: a root that clients trust and whose key no longer exists, an intermediate
 * that signs, and leaves for the names and addresses the appliance has now. ECDSA P-256 throughout.
 */
import 'reflect-metadata'
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import { isPermittedAddress, isPermittedName, localDomains, nameConstraints } from './constraints.ts'
import type { StoredAuthority, StoredLeaf } from './ports.ts'

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signing = { ...keyAlgorithm, hash: 'SHA-256' } as const
const crypto = webcrypto as unknown as Crypto

const authorityDays = 20 * 365
/** Browsers take no longer-lived certificate from public authorities, and some from no authority. */
const leafDays = 397
const nameConstraintsOid = '2.5.29.30'

/** What a leaf is to vouch for. Names are DNS names, addresses canonical text. */
export interface Subjects {
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}

/**
 * Makes root and intermediate. `hostname` (the bare name, such as `lanline`) joins the permitted names. The root's key
 * cannot be exported and is dropped with this call.
 */
export async function createAuthority(hostname: string): Promise<StoredAuthority> {
  const rootKeys = await crypto.subtle.generateKey(keyAlgorithm, false, ['sign', 'verify'])
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const mark = Buffer.from(crypto.getRandomValues(new Uint8Array(3))).toString('hex')
  const validity = {
    notBefore: new Date(plausibleFrom),
    notAfter: new Date(plausibleFrom + days(authorityDays)),
  }
  const domains = [...localDomains, ...(isPermittedName(hostname, localDomains) ? [] : [hostname])]
  const limits = (critical: boolean) =>
    new x509.Extension(nameConstraintsOid, critical, nameConstraints(domains))
  const authorityUsage = new x509.KeyUsagesExtension(
    x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
    true,
  )
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: `CN=${hostname} ${mark} root,O=lanline`,
      ...validity,
      signingAlgorithm: signing,
      keys: rootKeys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        authorityUsage,
        limits(true),
        await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey, false, crypto),
      ],
    },
    crypto,
  )
  const intermediate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: `CN=${hostname} ${mark} issuer,O=lanline`,
      issuer: root.subject,
      ...validity,
      signingAlgorithm: signing,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        authorityUsage,
        // RFC 5280 §4.2.1.10 asks for critical. mbedTLS, and Linphone with it, reads no certificate with critical name
        // constraints, and drops every connection in which it is sent one. Whoever trusts the root has them there.
        limits(false),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], false),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
        await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey, false, crypto),
      ],
    },
    crypto,
  )
  return {
    root: new Uint8Array(root.rawData),
    intermediate: new Uint8Array(intermediate.rawData),
    intermediateKey: new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
  }
}

/**
 * Signs a leaf with a fresh key. Subjects outside the authority's limits are left out: nobody would accept them. An
 * unset clock counts as the build's date, so that clients whose clock is right find the leaf already valid.
 */
export async function issueLeaf(
  authority: StoredAuthority,
  subjects: Subjects,
  now: Epoch,
): Promise<StoredLeaf> {
  const issuer = new x509.X509Certificate(bufferOf(authority.intermediate))
  const issuerKey = await crypto.subtle.importKey(
    'pkcs8',
    bufferOf(authority.intermediateKey),
    keyAlgorithm,
    false,
    ['sign'],
  )
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])
  const permitted = permittedSubjects(authority, subjects)
  const notBefore = now < plausibleFrom ? plausibleFrom : Math.max(plausibleFrom, now - days(1))
  const leaf = await x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: `CN=${permitted.names[0] ?? 'lanline'}`,
      issuer: issuer.subject,
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + days(leafDays) - 1_000),
      signingAlgorithm: signing,
      publicKey: keys.publicKey,
      signingKey: issuerKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth], false),
        new x509.SubjectAlternativeNameExtension([
          ...permitted.names.map(value => ({ type: 'dns' as const, value })),
          ...permitted.addresses.map(value => ({ type: 'ip' as const, value })),
        ]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
      ],
    },
    crypto,
  )
  return {
    certificate: new Uint8Array(leaf.rawData),
    key: new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
  }
}

/** What of `subjects` this authority may vouch for, without doubles. */
export function permittedSubjects(authority: StoredAuthority, subjects: Subjects): Subjects {
  const domains = permittedDomains(authority)
  return {
    names: unique(subjects.names.map(name => name.toLowerCase())).filter(name =>
      isPermittedName(name, domains),
    ),
    addresses: unique(subjects.addresses).filter(isPermittedAddress),
  }
}

export interface LeafFacts extends Subjects {
  readonly notBefore: Epoch
  readonly notAfter: Epoch
}

/** Whether it is a certificate, and the key its own: what a worn card gives back may be neither. */
export function isWhole(leaf: StoredLeaf): boolean {
  try {
    const key = createPrivateKey({ key: Buffer.from(leaf.key), format: 'der', type: 'pkcs8' })
    readLeaf(leaf)
    return new X509Certificate(leaf.certificate).checkPrivateKey(key)
  } catch {
    return false
  }
}

export function readLeaf(leaf: StoredLeaf): LeafFacts {
  const certificate = new x509.X509Certificate(bufferOf(leaf.certificate))
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  return {
    names: names.filter(name => name.type === 'dns').map(name => name.value),
    addresses: names.filter(name => name.type === 'ip').map(name => name.value),
    notBefore: certificate.notBefore.getTime() as Epoch,
    notAfter: certificate.notAfter.getTime() as Epoch,
  }
}

/** SHA-256 in colon-separated upper-case hexadecimal, as every system's certificate viewer shows it. */
export const fingerprintOf = (certificate: Uint8Array): string =>
  createHash('sha256').update(certificate).digest('hex').toUpperCase().match(/../g)!.join(':')

export function pemOf(der: Uint8Array, label: 'CERTIFICATE' | 'PRIVATE KEY'): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** Read back from the root itself: the bare name it was made with may differ from today's configuration. */
function permittedDomains(authority: StoredAuthority): string[] {
  const value = new x509.X509Certificate(bufferOf(authority.root)).getExtension(nameConstraintsOid)?.value
  if (value === undefined) return []
  const bytes = Buffer.from(value)
  const domains: string[] = []
  // SEQUENCE, then [0]; each subtree is SEQUENCE { [2] name } or SEQUENCE { [7] range }, all shorter than 128 bytes.
  let offset = contentOffset(bytes, contentOffset(bytes, 0))
  while (offset < bytes.length) {
    const length = bytes[offset + 1]!
    if (bytes[offset + 2] === 0x82) domains.push(bytes.toString('latin1', offset + 4, offset + 2 + length))
    offset += 2 + length
  }
  return domains
}

const contentOffset = (bytes: Uint8Array, offset: number): number => {
  const length = bytes[offset + 1]!
  return offset + 2 + (length < 128 ? 0 : length & 0x7f)
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 15 random ones behind a fixed one. */
const newSerial = (): string => `4c${Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')}`

const unique = (values: readonly string[]): string[] => [...new Set(values)]

/** webcrypto's types ask for a view on an ArrayBuffer, not on any buffer. */
const bufferOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
