/** A certificate that the owner brings: what is taken, what is refused and why, and to whom it is shown. */
import { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { days, type Epoch } from '../../src/core/clock.ts'
import { namesHost } from '../../src/core/host-name.ts'
import { type HttpListener, listenHttp } from '../../src/runtime/http.ts'
import { credentialsOf } from '../../src/runtime/tls.ts'
import { Certificates } from '../../src/tls/certificates.ts'
import { type OwnProblem, readOwn } from '../../src/tls/own.ts'
import type { CertificateStore, StoredOwn } from '../../src/tls/ports.ts'
import { type Made, makeChain } from './own-certificate.ts'

const now = Date.now() as Epoch
// The chain is made after `now`, by openssl, on a machine that may be busy.
const soon = (now + 60_000) as Epoch
let good: Made
let other: Made
beforeAll(() => {
  good = makeChain({ names: ['phone.example.com', '*.calls.example.com'], addresses: ['10.0.0.9'] })
  other = makeChain({ names: ['other.example.com'] })
})

it('takes a chain and its key, in whichever order and form tools write them', () => {
  const chain = good.leaf + good.intermediate
  for (const [certificate, key] of [
    [chain, good.key],
    [chain + good.root, good.key],
    [chain.replaceAll('\n', '\r\n'), good.key],
    [chain + good.key, good.key + chain],
    [`Subject: phone\n${chain}`, good.key],
  ] as const) {
    const read = readOwn(certificate, key, soon)
    expect(read.ok ? read.value.facts.names : read.error).toEqual([
      'phone.example.com',
      '*.calls.example.com',
    ])
    if (read.ok) expect(read.value.facts).toMatchObject({ issuer: 'Mill Lane Authority', isPublic: false })
  }
})

it('says what is wrong with one that would lock somebody out', () => {
  const chain = good.leaf + good.intermediate
  const weak = makeChain({
    names: ['a.example'],
    algorithm: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  })
  // OpenSSL shows no chain with it (SSL_CTX_set_security_level(3)): kept, it would keep the appliance from starting.
  const weakAbove = makeChain({
    names: ['a.example'],
    authorities: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  })
  const odd = makeChain({ names: ['a.example'], algorithm: ['-algorithm', 'ED25519'] })
  const client = makeChain({ names: ['a.example'], usage: 'clientAuth' })
  const nameless = makeChain({ names: [], addresses: ['10.0.0.9'] })
  const cases: [string, string, Epoch, OwnProblem][] = [
    ['', good.key, soon, 'noCertificate'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', good.key, soon, 'noCertificate'],
    [good.leaf.repeat(11), good.key, soon, 'noCertificate'],
    [chain, good.leaf, soon, 'noKey'],
    [chain, good.key.replace(/[A-Za-z0-9+/]{20}/, 'A'.repeat(20)), soon, 'noKey'],
    [chain, good.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'), soon, 'encryptedKey'],
    [chain, other.key, soon, 'otherKey'],
    [good.intermediate + good.leaf, good.key, soon, 'otherKey'],
    [good.leaf + other.intermediate, good.key, soon, 'brokenChain'],
    [good.leaf + good.root, good.key, soon, 'brokenChain'],
    [weak.leaf, weak.key, soon, 'weakKey'],
    [odd.leaf, odd.key, soon, 'weakKey'],
    [weakAbove.leaf + weakAbove.intermediate, weakAbove.key, (now + days(1)) as Epoch, 'weakKey'],
    [client.leaf, client.key, soon, 'notForServers'],
    [nameless.leaf, nameless.key, soon, 'noNames'],
    [chain, good.key, (now + days(61)) as Epoch, 'over'],
    [chain, good.key, (now - days(1)) as Epoch, 'notYet'],
  ]
  for (const [certificate, key, at, problem] of cases) {
    const read = readOwn(certificate, key, at)
    expect(read.ok ? 'taken' : read.error, problem).toBe(problem)
  }
})

it('judges no dates by a clock that is not set', () => {
  expect(readOwn(good.leaf + good.intermediate, good.key, 60_000 as Epoch).ok).toBe(true)
})

it('a wildcard stands for one label', () => {
  expect(namesHost('*.example.com', 'A.example.com')).toBe(true)
  for (const host of ['example.com', 'a.b.example.com', '.example.com', 'a.example.org', 'aexample.com'])
    expect(namesHost('*.example.com', host), host).toBe(false)
})

let listener: HttpListener | undefined
afterEach(() => listener?.close())

it('is shown for its names alone, at once, and gone again without a restart; kept over one', async () => {
  const store = memoryStore()
  const subjects = { names: ['lanline.local'], addresses: [] }
  const certificates = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  listener = await listenHttp({
    port: 0,
    credentials: credentialsOf(certificates.current()),
    listener: (_request, response) => response.end(),
    allowLocal: () => true,
    onRefused: () => {},
  })
  certificates.onRenewed(pair => listener?.reload(credentialsOf(pair)))
  const issuer = (name: string | undefined) => issuerShown(listener!.port, name)
  expect(await issuer('phone.example.com')).toMatch(/O=lanline$/)
  const used = await certificates.useOwn(good.leaf + good.intermediate, good.key, soon)
  expect(used.ok).toBe(true)
  for (const name of ['phone.example.com', 'PHONE.example.com', 'x.calls.example.com'])
    expect(await issuer(name), name).toMatch(/Mill Lane/)
  for (const name of ['lanline.local', 'calls.example.com', 'phone.example.com.evil.example', undefined])
    expect(await issuer(name), name).toMatch(/O=lanline$/)
  // Refused ones change nothing.
  expect((await certificates.useOwn(good.leaf, other.key, soon)).ok).toBe(false)
  expect(await issuer('phone.example.com')).toMatch(/Mill Lane/)
  const after = await Certificates.open(store, { hostname: 'lanline', subjects, now })
  expect(after.current().named?.names).toEqual(['phone.example.com', '*.calls.example.com'])
  await certificates.dropOwn()
  expect(await issuer('phone.example.com')).toMatch(/O=lanline$/)
  expect(store.ownCertificate()).toBeUndefined()
})

function issuerShown(port: number, servername: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const how = { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && { servername }) }
    const socket: TLSSocket = connect(how, () => {
      resolve(new X509Certificate(socket.getPeerCertificate(true).raw).issuer.replaceAll('\n', ','))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

function memoryStore(): CertificateStore {
  let authority: ReturnType<CertificateStore['authority']>
  let leaf: ReturnType<CertificateStore['leaf']>
  let own: StoredOwn | undefined
  return {
    authority: () => authority,
    setAuthority: async value => {
      authority = value
    },
    leaf: () => leaf,
    setLeaf: async value => {
      leaf = value
    },
    ownCertificate: () => own,
    setOwnCertificate: async value => {
      own = value
    },
  }
}
