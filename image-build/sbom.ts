/**
 * The bill of materials of an image as CycloneDX 1.6 (ECMA-424): every Debian package, from the .deb it was unpacked from, and every npm package
 * that is installed, from package-lock.json. The same input gives the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Component {
  readonly type: 'library' | 'application'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
  readonly properties?: readonly { readonly name: string; readonly value: string }[]
}

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly integrity?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

const [architecture, version, epoch, archives, ...lists] = process.argv.slice(2)
if (!architecture || !version || !epoch || !archives || lists.length === 0) {
  process.stderr.write('usage: sbom.ts ARCHITECTURE VERSION SECONDS ARCHIVES LIST...\n')
  process.exit(2)
}

const components = [...debianComponents(archives, lists), ...npmComponents(architecture)]
process.stdout.write(
  `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: {
        timestamp: new Date(Number(epoch) * 1_000).toISOString(),
        component: { type: 'operating-system', name: `lanline-${architecture}`, version },
      },
      components: [...new Map(components.map(component => [component['bom-ref'], component])).values()],
    },
    undefined,
    1,
  )}\n`,
)

function debianComponents(directory: string, listFiles: readonly string[]): Component[] {
  const files = [
    ...new Set(listFiles.flatMap(list => readFileSync(list, 'utf8').split('\n').filter(Boolean))),
  ].sort()
  return files.map(file => {
    const path = join(directory, file)
    const fields = fieldsOf(execFileSync('dpkg-deb', ['--field', path], { encoding: 'utf8' }))
    const name = fields.get('Package')!
    const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(fields.get('Version')!)}?arch=${fields.get('Architecture')}&distro=trixie`
    return {
      type: 'library',
      'bom-ref': purl,
      name,
      version: fields.get('Version')!,
      purl,
      hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(readFileSync(path)).digest('hex') }],
      properties: [{ name: 'debian:source', value: fields.get('Source') ?? name }],
    }
  })
}

function fieldsOf(control: string): Map<string, string> {
  return new Map(
    control
      .split('\n')
      .map(line => /^([A-Za-z-]+): (.*)$/.exec(line))
      .filter(match => match !== null)
      .map(match => [match[1]!, match[2]!]),
  )
}

function npmComponents(debianArchitecture: string): Component[] {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  const cpu = debianArchitecture === 'amd64' ? 'x64' : debianArchitecture
  const found: Component[] = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev === true || entry.link === true || entry.version === undefined) continue
    if (entry.os !== undefined && !entry.os.includes('linux')) continue
    if (entry.cpu !== undefined && !entry.cpu.includes(cpu)) continue
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const purl = `pkg:npm/${name.replace('@', '%40')}@${entry.version}`
    const sha512 = entry.integrity?.startsWith('sha512-')
      ? entry.integrity.slice('sha512-'.length)
      : undefined
    found.push({
      type: 'library',
      'bom-ref': purl,
      name,
      version: entry.version,
      purl,
      ...(sha512 && { hashes: [{ alg: 'SHA-512', content: Buffer.from(sha512, 'base64').toString('hex') }] }),
    })
  }
  return found
}
