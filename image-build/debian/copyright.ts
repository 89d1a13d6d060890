/** The package's copyright file: whose work is in a staged tree. `node copyright.ts DIRECTORY`, on stdout. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly license?: string | { readonly type?: string }
  readonly licenses?: readonly { readonly type?: string }[]
}

const lib = join(process.argv[2]!, 'usr/lib/lanline')
const own = readFileSync(join(lib, 'LICENSE'), 'utf8')

/** As the format's "License:" continues: indented, empty lines as dots. */
const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map(line => (line.trim() === '' ? ' .' : ` ${line}`))
    .join('\n')

function* packagesIn(modules: string): Generator<readonly [path: string, manifest: Manifest]> {
  for (const { name } of readdirSync(join(lib, modules), { withFileTypes: true })) {
    const path = `${modules}/${name}`
    if (name.startsWith('@')) yield* packagesIn(path)
    else {
      yield [path, JSON.parse(readFileSync(join(lib, path, 'package.json'), 'utf8'))]
      if (readdirSync(join(lib, path)).includes('node_modules')) yield* packagesIn(`${path}/node_modules`)
    }
  }
}

const licenceOf = ({ license, licenses }: Manifest): string =>
  (typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type)) ?? 'see its folder'

const packages = [...packagesIn('node_modules')]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([path, manifest]) => ` ${manifest.name} ${manifest.version}: ${licenceOf(manifest)} (${path})`)

process.stdout.write(`Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: lanline

Files: *
Copyright: 2026 The lanline authors
License: Expat

Files: usr/lib/lanline/bin/node
Copyright: Node.js contributors
License: Node
 The MIT licence, and those of the libraries that are part of it: in full in
 /usr/lib/lanline/bin/LICENSE.node.

Files: usr/lib/lanline/node_modules/*
Copyright: their authors, as their folders say
License: packages
 The licence of each, in full in its folder below /usr/lib/lanline:
${packages.join('\n')}

License: Expat
${indented(own.split('\n').slice(3).join('\n'))}
`)
