/**
 * The appliance's own certificate authority: a root that clients trust and whose key no longer exists, an intermediate
 * that signs, and leaves for the names and addresses the appliance has now. ECDSA P-256 throughout. Its library is a
 * large part of a start and seldom needed: this file is loaded when something is to be signed.
 */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import {
  isPermittedName,
  localDomains,
  nameConstraints,
  nameConstraintsOid,
  permittedSubjects,
  type Subjects,
} from './constraints.ts'
import type { StoredAuthority, StoredLeaf } from './ports.ts'

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signing = { ...keyAlgorithm, hash: 'SHA-256' } as const
const crypto = webcrypto as unknown as Crypto

const authorityDays = 20 * 365
/** Browsers take no longer-lived certificate from public authorities, and some from no authority. */
const leafDays = 397

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

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 15 random ones behind a fixed one. */
const newSerial = (): string => `4c${Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')}`

/** webcrypto's types ask for a view on an ArrayBuffer, not on any buffer. */
const bufferOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
