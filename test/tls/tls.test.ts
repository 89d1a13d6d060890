import { spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { days, type Epoch, plausibleFrom } from '../../src/core/clock.ts'
import { createAuthority, issueLeaf } from '../../src/tls/authority.ts'
import { Certificates } from '../../src/tls/certificates.ts'
import {
  isPermittedAddress,
  isPermittedName,
  localDomains,
  permittedSubjects,
} from '../../src/tls/constraints.ts'
import { crtDownload, mobileconfigDownload, pemDownload } from '../../src/tls/downloads.ts'
import type { CertificateStore, StoredAuthority, StoredLeaf } from '../../src/tls/ports.ts'
import { pemOf, readLeaf } from '../../src/tls/reading.ts'

const now = Date.now() as Epoch
const subjects = { names: ['lanline', 'lanline.local'], addresses: ['10.77.0.3', 'fd00::5', 'fe80::1'] }
let directory: string
let authority: StoredAuthority

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-tls-'))
  authority = await createAuthority('lanline')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('openssl accepts the chain for every name and address of the leaf', async () => {
  const leaf = await issueLeaf(authority, subjects, now)
  for (const check of [
    ['-verify_hostname', 'lanline.local'],
    ['-verify_hostname', 'lanline'],
    ['-verify_ip', '10.77.0.3'],
    ['-verify_ip', 'fd00::5'],
    ['-verify_ip', 'fe80::1'],
  ]) {
    expect(verify(leaf, check)).toMatch(/: OK\n/)
  }
  expect(verify(leaf, ['-verify_hostname', 'other.local'])).toMatch(/hostname mismatch/)
})

test.each([
  ['a public name', { names: ['www.example.com'], addresses: [] }],
  ['a name that only ends alike', { names: ['notlocal'], addresses: [] }],
  ['a public address', { names: ['lanline.local'], addresses: ['8.8.8.8'] }],
  ['an address next to a private range', { names: ['lanline.local'], addresses: ['172.32.0.1'] }],
  ['a global IPv6 address', { names: ['lanline.local'], addresses: ['2001:db8::1'] }],
])('openssl refuses a leaf of the real intermediate for %s', async (_, outside) => {
  // Signed by the same key, past our own filter: what a thief of the intermediate's key could make.
  const leaf = await issueOutside(outside)
  expect(verify(leaf, [])).toMatch(/permitted subtree violation/)
})

test('what lies outside the limits is left out of a leaf', async () => {
  const leaf = await issueLeaf(
    authority,
    {
      names: ['lanline.local', 'example.com', 'LANLINE'],
      addresses: ['192.168.1.2', '8.8.8.8', '2001:db8::1'],
    },
    now,
  )
  expect(readLeaf(leaf)).toMatchObject({ names: ['lanline.local', 'lanline'], addresses: ['192.168.1.2'] })
})

test('a bare name other than the one the authority was made with is left out', () => {
  expect(
    permittedSubjects(authority, { names: ['exchange', 'exchange.local'], addresses: [] }).names,
  ).toEqual(['exchange.local'])
})

test('whatever a worn card makes of the root, what it permits is read to an end (property)', () => {
  const subjects = { names: ['lanline', 'a.local'], addresses: [] }
  expect(permittedSubjects(authority, subjects).names).toEqual(subjects.names)
  const at = Buffer.from(authority.root).indexOf(Buffer.from('0603551d1e', 'hex'))
  const places = fc.integer({ min: at, max: authority.root.length - 1 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(places, fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.nat(),
      (damage, cut) => {
        const root = authority.root.slice(0, cut % 2 === 0 ? undefined : cut % authority.root.length)
        for (const [place, octet] of damage) if (place < root.length) root[place] = octet
        const { names } = permittedSubjects({ root }, subjects)
        expect(subjects.names).toEqual(expect.arrayContaining([...names]))
      },
    ),
    {
      numRuns: 3_000,
      examples: [
        [
          [
            [at + 6, 0],
            [at + 8, 0x84],
            [at + 10, 0xff],
            [at + 9, 0xff],
          ],
          0,
        ],
      ],
    },
  )
})

test('names and ranges are judged whole', () => {
  expect(isPermittedName('a.b.local', localDomains)).toBe(true)
  expect(isPermittedName('xlocal', localDomains)).toBe(false)
  expect(['10.0.0.1', '172.31.255.255', 'fdff::1', 'febf::1'].every(isPermittedAddress)).toBe(true)
  expect(['11.0.0.1', '172.15.0.1', '127.0.0.1', 'fec0::1', '::1', 'x'].some(isPermittedAddress)).toBe(false)
})

test('a leaf lives at most 397 days and is valid now', async () => {
  const { notBefore, notAfter } = readLeaf(await issueLeaf(authority, subjects, now))
  expect(notBefore).toBeLessThanOrEqual(now)
  expect(notAfter - notBefore).toBeLessThanOrEqual(days(397))
})

test('with an unset clock a leaf starts at the date of the build', async () => {
  const { notBefore } = readLeaf(await issueLeaf(authority, subjects, 60_000 as Epoch))
  expect(notBefore).toBe(plausibleFrom)
})

test('the chain is served and a client that trusts the root alone is content', async () => {
  const certificates = await Certificates.open(memoryStore(), { hostname: 'lanline', subjects, now })
  const server = createServer({ ...certificates.current() }, socket => socket.end('hello'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = (server.address() as { port: number }).port
  const said = await new Promise<string>((resolve, reject) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'lanline.local',
      ca: pemOf(certificates.root(), 'CERTIFICATE'),
    })
    let text = ''
    socket.on('data', data => {
      text += data
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
  server.close()
  expect(said).toBe('hello')
})

test('authority and leaf are kept over a restart', async () => {
  const store = memoryStore()
  const first = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  const second = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  expect(second.fingerprint()).toBe(first.fingerprint())
  expect(second.current()).toEqual(first.current())
})

test.each([
  ['a certificate that is none', (leaf: StoredLeaf) => ({ ...leaf, certificate: new Uint8Array(3) })],
  ['a key that is none', (leaf: StoredLeaf) => ({ ...leaf, key: new Uint8Array(3) })],
])('a worn card gave back %s: the leaf is made anew', async (_, damage) => {
  const store = memoryStore()
  const first = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  await store.setLeaf(damage(store.leaf()!))
  const second = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  expect(second.fingerprint()).toBe(first.fingerprint())
  expect(
    new X509Certificate(second.current().cert).checkPrivateKey(createPrivateKey(second.current().key)),
  ).toBe(true)
})

test('a disk that takes no new leaf keeps nobody from starting with the old one', async () => {
  const store = memoryStore()
  const first = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  const full = { ...store, setLeaf: () => Promise.reject(new Error('full')) }
  const moved = { ...subjects, addresses: ['10.77.0.9'] }
  const second = await Certificates.open(full, { hostname: 'lanline', subjects: moved, now })
  expect(second.current().cert).toBe(first.current().cert)
})

test('a new address under an unset clock makes no leaf that is older than the one before', async () => {
  const later = (plausibleFrom + days(800)) as Epoch
  const store = memoryStore()
  await Certificates.open(store, { hostname: 'lanline', subjects, now: later })
  const boot = await Certificates.open(store, {
    ...{ hostname: 'lanline', subjects: { ...subjects, addresses: ['10.77.0.9'] } },
    now: 60_000 as Epoch,
  })
  expect(boot.facts().addresses).toEqual(['10.77.0.9'])
  expect(boot.facts().notBefore).toBe(later - days(1))
})

test('the leaf is renewed for a new address, near its end, and when the clock becomes good; not otherwise', async () => {
  const store = memoryStore()
  const boot = 60_000 as Epoch
  const certificates = await Certificates.open(store, { hostname: 'lanline', subjects, now: boot })
  const renewed: string[] = []
  certificates.onRenewed(pair => renewed.push(pair.cert))
  expect(await certificates.refresh(subjects, boot)).toBe(false)
  expect(await certificates.refresh(subjects, now)).toBe(true)
  expect(await certificates.refresh(subjects, (now + days(1)) as Epoch)).toBe(false)
  expect(await certificates.refresh({ names: subjects.names, addresses: ['10.77.0.3'] }, now)).toBe(false)
  expect(await certificates.refresh({ ...subjects, addresses: ['10.77.0.4'] }, now)).toBe(true)
  expect(await certificates.refresh({ ...subjects, addresses: ['8.8.8.8'] }, now)).toBe(false)
  expect(
    await certificates.refresh({ ...subjects, addresses: ['10.77.0.4'] }, (now + days(370)) as Epoch),
  ).toBe(true)
  expect(renewed).toHaveLength(3)
})

test("the root's key is kept nowhere and the fingerprint is openssl's", async () => {
  const store = memoryStore()
  const certificates = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  expect(Object.keys(store.authority()!).sort()).toEqual(['intermediate', 'intermediateKey', 'root'])
  expect(certificates.fingerprint()).toBe(new X509Certificate(certificates.root()).fingerprint256)
})

test('the profile for Apple systems is well-formed, holds the root and is the same each time', () => {
  const profile = mobileconfigDownload(authority.root, '<The "Mill" & Co>')
  const text = new TextDecoder().decode(profile.body)
  expect(text).toContain(Buffer.from(authority.root).toString('base64'))
  expect(text).toContain('lanline – &#60;The &#34;Mill&#34; &#38; Co&#62;')
  expect(mobileconfigDownload(authority.root, '<The "Mill" & Co>')).toEqual(profile)
  expect(crtDownload(authority.root).body).toEqual(new Uint8Array(authority.root))
})

test('only the root’s name constraints are critical: some phones read no certificate that has such', () => {
  const path = join(directory, 'one.pem')
  const constraints = (certificate: Uint8Array): string => {
    writeFileSync(path, pemOf(certificate, 'CERTIFICATE'))
    return openssl(['x509', '-in', path, '-noout', '-ext', 'nameConstraints'])
  }
  expect(constraints(authority.root)).toMatch(/Name Constraints: critical\n\s+Permitted:\n\s+DNS:local\n/)
  expect(constraints(authority.intermediate)).toMatch(/Name Constraints: \n\s+Permitted:\n\s+DNS:local\n/)
})

test('openssl heeds the intermediate’s name constraints where it alone is trusted', async () => {
  const checked = async (names: readonly string[]): Promise<string> => {
    const leaf = await issueOutside({ names, addresses: [] })
    writeFileSync(join(directory, 'leaf.pem'), pemOf(leaf.certificate, 'CERTIFICATE'))
    const files = ['-CAfile', join(directory, 'issuer.pem'), join(directory, 'leaf.pem')]
    return openssl(['verify', '-partial_chain', ...files])
  }
  expect(await checked(['lanline.local'])).toMatch(/: OK\n/)
  expect(await checked(['www.example.com'])).toMatch(/permitted subtree violation/)
})

test('the file for SIP phones has the intermediate before the root', () => {
  const text = new TextDecoder().decode(pemDownload(authority.root, authority.intermediate).body)
  expect(text).toBe(pemOf(authority.intermediate, 'CERTIFICATE') + pemOf(authority.root, 'CERTIFICATE'))
})

/** A leaf from the intermediate with any subjects, by openssl. */
async function issueOutside(outside: {
  names: readonly string[]
  addresses: readonly string[]
}): Promise<StoredLeaf> {
  const path = (name: string): string => join(directory, name)
  writeFileSync(path('issuer.pem'), pemOf(authority.intermediate, 'CERTIFICATE'))
  writeFileSync(path('issuer.key'), pemOf(authority.intermediateKey, 'PRIVATE KEY'))
  const names = [
    ...outside.names.map(name => `DNS:${name}`),
    ...outside.addresses.map(address => `IP:${address}`),
  ]
  writeFileSync(path('ext'), `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth\n`)
  openssl([
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    path('k'),
    '-subj',
    '/O=x',
    '-out',
    path('csr'),
  ])
  openssl([
    'x509',
    '-req',
    '-in',
    path('csr'),
    '-CA',
    path('issuer.pem'),
    '-CAkey',
    path('issuer.key'),
    '-CAcreateserial',
    '-extfile',
    path('ext'),
    '-days',
    '30',
    '-outform',
    'DER',
    '-out',
    path('leaf.der'),
  ])
  const { readFileSync } = await import('node:fs')
  return { certificate: new Uint8Array(readFileSync(path('leaf.der'))), key: new Uint8Array() }
}

function verify(leaf: StoredLeaf, options: readonly string[]): string {
  const path = (name: string): string => join(directory, name)
  writeFileSync(path('root.pem'), pemOf(authority.root, 'CERTIFICATE'))
  writeFileSync(path('middle.pem'), pemOf(authority.intermediate, 'CERTIFICATE'))
  writeFileSync(path('leaf.pem'), pemOf(leaf.certificate, 'CERTIFICATE'))
  return openssl([
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    ...options,
    '-CAfile',
    path('root.pem'),
    '-untrusted',
    path('middle.pem'),
    path('leaf.pem'),
  ])
}

function openssl(args: readonly string[]): string {
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  return stdout + stderr
}

function memoryStore(): CertificateStore {
  let authorityKept: StoredAuthority | undefined
  let leafKept: StoredLeaf | undefined
  return {
    authority: () => authorityKept,
    setAuthority: async value => {
      authorityKept = value
    },
    leaf: () => leafKept,
    setLeaf: async value => {
      leafKept = value
    },
    ownCertificate: () => undefined,
    setOwnCertificate: async () => {},
  }
}
