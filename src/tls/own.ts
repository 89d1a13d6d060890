/**
 * A certificate that the owner brings: looked through before it is used, so that nobody is locked out by a key of
 * another certificate, a chain in the wrong order or one that is over.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, rootCertificates } from 'node:tls'
import { type Epoch, plausibleFrom } from '../core/clock.ts'
import { fail, ok, type Result } from '../core/result.ts'
import type { StoredOwn } from './ports.ts'
import { namesOf } from './reading.ts'

export type OwnProblem =
  | 'noCertificate'
  | 'noKey'
  | 'encryptedKey'
  | 'weakKey'
  | 'otherKey'
  | 'brokenChain'
  | 'authority'
  | 'notForServers'
  | 'noNames'
  | 'notYet'
  | 'over'

export interface OwnFacts {
  /** DNS names, wildcards among them: whoever asks for one of these is shown it. */
  readonly names: readonly string[]
  readonly notBefore: Epoch
  readonly notAfter: Epoch
  readonly issuer: string
  /** Browsers know who signed it; else only devices that trust the issuer take it. */
  readonly isPublic: boolean
}

export interface OwnCertificate {
  /** PEM: leaf first, PKCS #8. */
  readonly stored: StoredOwn
  readonly facts: OwnFacts
}

/** A chain longer than this is a mistake. */
const mostCertificates = 10
const leastRsaBits = 2_048
const curves = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const serverAuth = '1.3.6.1.5.5.7.3.1'

/** `certificate` and `key` are PEM; each may hold the other as well, as some tools write one file. */
export function readOwn(certificate: string, key: string, now: Epoch): Result<OwnCertificate, OwnProblem> {
  const chain = chainIn(certificate) ?? chainIn(key)
  if (chain === undefined) return fail('noCertificate')
  const found = keyIn(key).ok ? keyIn(key) : keyIn(certificate)
  if (!found.ok) return keyIn(key).ok ? found : fail(mostTelling(keyIn(key), found))
  const privateKey = found.value
  const [leaf] = chain
  if (leaf === undefined) return fail('noCertificate')
  const problem = problemOf(leaf, chain, privateKey, now)
  if (problem !== undefined) return fail(problem)
  const stored = {
    chain: chain.map(one => one.toString()).join(''),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
  return ok({ stored, facts: factsOf(leaf, chain) })
}

function problemOf(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  key: KeyObject,
  now: Epoch,
): OwnProblem | undefined {
  if (!leaf.checkPrivateKey(key)) return 'otherKey'
  if (!isStrong(key) || !isTaken(chain, key)) return 'weakKey'
  if (leaf.ca && chain.length > 1) return 'authority'
  if (chain.some((one, index) => index > 0 && !isIssuedBy(chain[index - 1]!, one))) return 'brokenChain'
  // RFC 5280 §4.2.1.12: where extended usages are named, it is for those alone.
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(serverAuth)) return 'notForServers'
  if (namesOf(leaf).length === 0) return 'noNames'
  // By a clock that is not set nothing is judged.
  if (now < plausibleFrom) return undefined
  if (chain.some(one => now > one.validToDate.getTime())) return 'over'
  return chain.some(one => now < one.validFromDate.getTime()) ? 'notYet' : undefined
}

/** What every browser takes. */
function isStrong(key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'rsa') return (details?.modulusLength ?? 0) >= leastRsaBits
  return key.asymmetricKeyType === 'ec' && curves.has(details?.namedCurve ?? '')
}

/** OpenSSL shows no chain in which a key is too short: a listener that is given one does not start. */
function isTaken(chain: readonly X509Certificate[], key: KeyObject): boolean {
  try {
    createSecureContext({ cert: chain.join(''), key: key.export({ type: 'pkcs8', format: 'pem' }) })
    return true
  } catch {
    return false
  }
}

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate): boolean =>
  one.checkIssued(issuer) && one.verify(issuer.publicKey)

function factsOf(leaf: X509Certificate, chain: readonly X509Certificate[]): OwnFacts {
  return {
    names: namesOf(leaf),
    notBefore: leaf.validFromDate.getTime() as Epoch,
    notAfter: Math.min(...chain.map(one => one.validToDate.getTime())) as Epoch,
    issuer: issuerOf(leaf),
    isPublic: isPublic(chain.at(-1)!),
  }
}

/** The most telling part of its issuer's name (RFC 4514): organisation, else common name. */
function issuerOf(leaf: X509Certificate): string {
  const parts = new Map(leaf.issuer.split('\n').map(line => line.split('=', 2) as [string, string]))
  return parts.get('O') ?? parts.get('CN') ?? leaf.issuer.replaceAll('\n', ', ')
}

/** Whether the authorities that come with browsers have signed the last one of the chain, or are it. */
const isPublic = (last: X509Certificate): boolean =>
  rootCertificates.some(pem => {
    const root = new X509Certificate(pem)
    return root.fingerprint256 === last.fingerprint256 || isIssuedBy(last, root)
  })

function chainIn(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0 || blocks.length > mostCertificates) return undefined
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch {
    return undefined
  }
}

function keyIn(pem: string): Result<KeyObject, OwnProblem> {
  const block = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]+?-----END \1PRIVATE KEY-----/.exec(pem)
  if (block === null) return fail('noKey')
  if (block[1] === 'ENCRYPTED ' || block[0].includes('Proc-Type: 4,ENCRYPTED')) return fail('encryptedKey')
  try {
    return ok(createPrivateKey(block[0]))
  } catch {
    return fail('noKey')
  }
}

const mostTelling = (...results: readonly Result<unknown, OwnProblem>[]): OwnProblem =>
  results.some(one => !one.ok && one.error === 'encryptedKey') ? 'encryptedKey' : 'noKey'
