/** Certificates that an owner might bring, made by openssl: a chain of root, intermediate and leaf, and faulty ones. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Made {
  readonly root: string
  readonly intermediate: string
  readonly leaf: string
  readonly key: string
}

export interface Wish {
  readonly names: readonly string[]
  readonly addresses?: readonly string[]
  readonly days?: number
  readonly usage?: string
  /** As `openssl genpkey` takes it. */
  readonly algorithm?: readonly string[]
  /** The same of root and intermediate. */
  readonly authorities?: readonly string[]
}

const ec = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']

/** Leaf, intermediate and root in PEM, the leaf's key in PKCS #8. */
export function makeChain({
  names,
  addresses = [],
  days = 60,
  usage = 'serverAuth',
  algorithm = ec,
  authorities = ec,
}: Wish): Made {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-own-'))
  const path = (name: string): string => join(directory, name)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  try {
    for (const name of ['root', 'intermediate']) {
      openssl('genpkey', ...authorities, '-out', path(`${name}.key`))
    }
    openssl('genpkey', ...algorithm, '-out', path('leaf.key'))
    const subject = (name: string): string[] => ['-subj', `/O=Mill Lane Authority/CN=${name}`]
    const authority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
    const san = [...names.map(name => `DNS:${name}`), ...addresses.map(one => `IP:${one}`)].join(',')
    const extensions = {
      root: authority,
      intermediate: authority,
      leaf: `${san === '' ? '' : `subjectAltName=${san}\n`}extendedKeyUsage=${usage}\n`,
    }
    const issuers = { root: undefined, intermediate: 'root', leaf: 'intermediate' } as const
    for (const name of ['root', 'intermediate', 'leaf'] as const) {
      writeFileSync(path(`${name}.ext`), extensions[name])
      openssl('req', '-new', '-key', path(`${name}.key`), ...subject(name), '-out', path(`${name}.csr`))
      const issuer = issuers[name]
      const by =
        issuer === undefined
          ? ['-signkey', path('root.key')]
          : ['-CA', path(`${issuer}.pem`), '-CAkey', path(`${issuer}.key`), '-CAcreateserial']
      const lasts = String(name === 'leaf' ? days : 3_650)
      const files = ['-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extfile', path(`${name}.ext`)]
      openssl('x509', '-req', ...files, ...by, '-days', lasts)
    }
    const read = (name: string): string => readFileSync(path(name), 'utf8')
    return {
      root: read('root.pem'),
      intermediate: read('intermediate.pem'),
      leaf: read('leaf.pem'),
      key: read('leaf.key'),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
