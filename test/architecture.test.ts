/**
 * The house's order, as `src/README.md` tells it: imports point one way, nothing is in a ring, nothing re-exports, and
 * what is pure touches neither clock nor timer, socket, disk or random source.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

type Files = ReadonlyMap<string, string>

const root = join(import.meta.dirname, '..')
const protocolRooms = [
  ...['stun', 'turn', 'relay', 'sip', 'signalling', 'calls', 'mdns', 'echo', 'trace', 'help', 'update'],
]
const pages = ['client', 'web-phone', 'web-admin']

/** Every broken rule, as `file: what`. */
function violations(files: Files): string[] {
  const imports = new Map([...files].map(([path, source]) => [path, importsOf(path, source)]))
  return [
    ...[...imports].flatMap(([path, list]) => list.flatMap(one => wrongImport(path, one, files))),
    ...ringsOf(imports),
    ...neededNode(imports),
    ...[...files].flatMap(([path, source]) => [...barrels(path, source), ...impurities(path, source)]),
  ]
}

interface Import {
  /** A path from the checkout's root, or a package or `node:` name. */
  readonly target: string
  readonly local: boolean
  readonly typeOnly: boolean
  readonly names: readonly string[]
}

function importsOf(path: string, source: string): Import[] {
  const found: Import[] = []
  const statement =
    /\bimport\s+(type\s+)?([^'"();]*?)\s*from\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g
  for (const match of withoutComments(source).matchAll(statement)) {
    const target = match[3] ?? match[4]!
    const local = target.startsWith('.')
    const names = (match[2] ?? '').replaceAll(/[{}]/g, '').split(',')
    const given = names.map(name => name.trim()).filter(name => name !== '')
    found.push({
      target: local ? normalize(join(path, '..', target.split('?')[0]!)) : target,
      local,
      typeOnly: match[1] !== undefined || (given.length > 0 && given.every(name => name.startsWith('type '))),
      names: given.filter(name => !name.startsWith('type ')).map(name => name.split(/\s+as\s+/)[0]!),
    })
  }
  return found
}

function wrongImport(path: string, one: Import, files: Files): string[] {
  if (!one.local) return wrongPackage(path, one)
  if (!files.has(one.target)) return []
  const from = placeOf(path)
  const to = placeOf(one.target)
  const allowed =
    from.room === to.room && from.room !== ''
      ? mayWithinRoom(from, to)
      : (from.room === '' ? mayFromTop : pages.includes(from.room) ? mayFromPage : mayAcrossRooms)(
          from,
          to,
          one,
        )
  return allowed ? [] : [`${path}: may not import ${one.target}${one.typeOnly ? ' (type)' : ''}`]
}

interface Place {
  readonly room: string
  readonly file: string
}

/** Files directly under `src/` have the room `''`. */
function placeOf(path: string): Place {
  const parts = path.split('/')
  if (parts[0] !== 'src') return { room: parts[0]!, file: parts.slice(1).join('/') }
  return parts.length === 2
    ? { room: '', file: parts[1]! }
    : { room: parts[1]!, file: parts.slice(2).join('/') }
}

const isProtocol = (room: string): boolean => protocolRooms.includes(room)
const isContract = (to: Place): boolean => to.file === 'message.ts' || to.file === 'ports.ts'

/** What touches the world: `io.ts`, and parts of it with names such as `advertiser-io.ts`. */
const isRim = ({ file }: Place): boolean => /^([a-z]+-)?io\.ts$/.test(file)
/** A thread of its own: `worker.ts`, or `watch-worker.ts` where a room has two. */
const isWorker = ({ file }: Place): boolean => /^([a-z]+-)?worker\.ts$/.test(file)

/** message → nothing; ports → message; anything but io → anything but io. */
function mayWithinRoom(from: Place, to: Place): boolean {
  if (!isProtocol(from.room)) return true
  if (from.file === 'message.ts') return false
  if (from.file === 'ports.ts') return to.file === 'message.ts'
  if (from.file === 'codec.ts' && to.file === 'machine.ts') return false
  return isRim(from) || isWorker(from) || !isRim(to)
}

/**
 * The composition root beside `exchange.ts`, `discovery.ts`, `helpdesk.ts` and `answering.ts`, which have rules of
 * their own. Only `daemon.ts` makes and starts what opens sockets; `loading.ts` makes what is loaded before; the others
 * see everything as types, and what they hold is given to them.
 */
const given = ['chores.ts', 'effects.ts', 'gauges.ts', 'notes.ts', 'state.ts']

function mayFromTop(from: Place, to: Place, one: Import): boolean {
  if (from.file === 'main.ts') return to.room === 'cli' || ['config.ts', 'daemon.ts'].includes(to.file)
  if (from.file === 'exchange.ts' || from.file === 'discovery.ts') return isContract(to) && one.typeOnly
  // Parts of the root that read what the root gives them.
  if (from.file === 'answering.ts') return one.typeOnly || ['core', 'runtime', 'stun'].includes(to.room)
  if (from.file === 'helpdesk.ts') return one.typeOnly || ['core', 'runtime', 'help'].includes(to.room)
  if (from.file === 'config.ts') return to.room === 'core' || to.room === 'runtime'
  if (to.room === 'cli' || to.file === 'main.ts' || pages.includes(to.room)) return false
  if (given.includes(from.file)) {
    if (to.room === '') return one.typeOnly || ['exchange.ts', 'discovery.ts'].includes(to.file)
    return one.typeOnly || to.room === 'core' || isContract(to)
  }
  if (from.file === 'loading.ts') return to.file !== 'daemon.ts' && (one.typeOnly || !isRim(to))
  if (from.file === 'daemon.ts') return true
  return false
}

/** What shows a trace: the console draws it as an export does. */
const shown = [
  'ladder.ts',
  'ladder-svg.ts',
  'tables.ts',
  'series.ts',
  'timelines.ts',
  'chart-svg.ts',
  'markup.ts',
]

function mayFromPage(from: Place, to: Place, one: Import): boolean {
  if (to.room === 'client') return true
  if (from.room === 'web-admin' && to.room === 'trace' && shown.includes(to.file)) return true
  if (to.room === 'core' && (one.typeOnly || to.file === 'name-order.ts')) return true
  if (to.file !== 'message.ts') return false
  return (
    one.typeOnly ||
    (to.room === 'signalling' && one.names.every(name => /^(closeCode|subprotocol)$/.test(name)))
  )
}

function mayAcrossRooms(from: Place, to: Place, one: Import): boolean {
  if (from.room === 'core') return false
  if (to.room === 'core') return true
  if (from.room === 'runtime') return false
  // A trace is shown and verified without the daemon.
  if (from.room === 'cli' && to.room === 'trace') return !isRim(to)
  // An update is installed and confirmed beside the daemon.
  if (from.room === 'cli' && to.room === 'update') return true
  if (from.room === 'cli')
    return to.room === '' ? to.file !== 'main.ts' : !isProtocol(to.room) || one.typeOnly
  if (isContract(to) && one.typeOnly && to.room !== '') return true
  if (from.room === 'admin' && ((to.room === 'store' && one.typeOnly) || to.room === 'tls')) return true
  if (!isProtocol(from.room)) return to.room === 'runtime'
  if (from.room === 'echo' && from.file === 'worker.ts') return to.room === 'client'
  // TURN is made of STUN, and a capture of both.
  if (from.room === 'trace' && to.room === 'stun') return true
  if (from.room === 'turn' && to.room === 'stun') return true
  if (from.room === 'relay' && isRim(from) && to.room === 'turn' && isRim(to)) return true
  if (!isRim(from) && !isWorker(from)) return false
  return to.room === 'runtime' || to.room === 'stun'
}

const isPure = (place: Place): boolean =>
  place.room === 'core' || (isProtocol(place.room) && !isRim(place) && !isWorker(place))

function wrongPackage(path: string, one: Import): string[] {
  const place = placeOf(path)
  if (place.room === 'core') return [`${path}: core imports nothing, not ${one.target}`]
  if (!isPure(place) || one.typeOnly || one.target === 'zod') return []
  if (
    one.target === 'node:zlib' &&
    /^(crc32|zstdDecompressSync|constants,zstdCompressSync)$/.test(one.names.join())
  )
    return []
  if (one.target !== 'node:crypto') return [`${path}: is pure and may not import ${one.target}`]
  return one.names
    .filter(
      name =>
        !/^(createHash|createHmac|hash|timingSafeEqual|sign|verify|createPublicKey|createPrivateKey|createCipheriv|createDecipheriv|hkdfSync)$/.test(
          name,
        ),
    )
    .map(name => `${path}: is pure and may not import ${name} of node:crypto`)
}

const impure: readonly [RegExp, string][] = [
  [/\bDate\s*\.\s*now\b|\bnew Date\b|\bTemporal\s*\.\s*Now\b|\bperformance\s*\./, 'a clock'],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, 'a timer'],
  [/\bMath\s*\.\s*random\b|\bcrypto\s*\.\s*(getRandomValues|randomUUID|subtle)\b/, 'a random source'],
  [/\bfetch\s*\(|\bnew WebSocket\b/, 'the network'],
  [/\bprocess\s*\.\s*(?!env\b)/, 'the process'],
]

function impurities(path: string, source: string): string[] {
  const place = placeOf(path)
  const code = withoutComments(source)
  const found: string[] = []
  if (isPure(place)) {
    for (const [pattern, what] of impure)
      if (pattern.test(code)) found.push(`${path}: is pure and touches ${what}`)
  }
  const mayReadEnvironment = place.room === '' && (place.file === 'main.ts' || place.file === 'config.ts')
  if (path.startsWith('src/') && !mayReadEnvironment && /\bprocess\s*\.\s*env\b/.test(code)) {
    found.push(`${path}: only config.ts and main.ts read the environment`)
  }
  return found
}

function barrels(path: string, source: string): string[] {
  const found: string[] = []
  if (/(^|\n)export\s+(type\s+)?(\*|\{[^}]*\})\s*(as\s+\w+\s+)?from\b/.test(withoutComments(source))) {
    found.push(`${path}: re-exports another file`)
  }
  if (path.startsWith('src/') && path.endsWith('/index.ts')) found.push(`${path}: is a barrel by name`)
  return found
}

/** What of the client library is for programs in Node alone: no page is to load it. */
const forNode = ['client/node.ts', 'client/werift.ts']

/** A browser has no `node:` modules, nor have the files that those files import. */
function neededNode(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const seen = new Set<string>()
  const wrong: string[] = []
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const one of imports.get(path) ?? []) {
      if (one.typeOnly) continue
      if (one.target.startsWith('node:') || forNode.includes(one.target))
        wrong.push(`${path}: is for pages and may not import ${one.target}`)
      else visit(one.target)
    }
  }
  for (const file of shown) visit(`src/trace/${file}`)
  for (const path of imports.keys()) if (/^web-(phone|admin)\/src\//.test(path)) visit(path)
  return wrong
}

/** Each ring once, named by its files in order. */
function ringsOf(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const rings: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      rings.push(`ring: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
      return
    }
    state.set(path, 'open')
    for (const one of imports.get(path) ?? [])
      if (imports.has(one.target)) visit(one.target, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of imports.keys()) visit(path, [])
  return rings
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

function filesUnder(folder: string): [string, string][] {
  let entries: string[]
  try {
    entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
  return entries
    .filter(name => /\.tsx?$/.test(name) && !/(^|\/)(node_modules|dist)\//.test(name))
    .map(name => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')])
}

describe('the house', () => {
  const files = new Map(['src', ...pages].flatMap(filesUnder))

  it('has rooms to look at', () => {
    expect(files.size).toBeGreaterThan(30)
    expect(files.has('src/core/machine.ts')).toBe(true)
  })

  it('keeps its order', () => {
    expect(violations(files)).toEqual([])
  })
})

describe('a planted violation is found:', () => {
  const planted: readonly [string, Record<string, string>, RegExp][] = [
    [
      'core imports a room',
      { 'src/core/a.ts': `import { b } from '../sip/b.ts'`, 'src/sip/b.ts': '' },
      /core\/a/,
    ],
    ['core imports a package', { 'src/core/a.ts': `import { z } from 'zod'` }, /core imports nothing/],
    [
      'a machine imports runtime',
      { 'src/sip/machine.ts': `import { c } from '../runtime/clock.ts'`, 'src/runtime/clock.ts': '' },
      /machine\.ts: may not import src\/runtime/,
    ],
    [
      'a helper imports io',
      { 'src/sip/proxy.ts': `import { c } from './io.ts'`, 'src/sip/io.ts': '' },
      /proxy\.ts: may not import src\/sip\/io/,
    ],
    [
      'a room imports another’s inside',
      { 'src/signalling/machine.ts': `import { p } from '../sip/proxy.ts'`, 'src/sip/proxy.ts': '' },
      /may not import src\/sip\/proxy/,
    ],
    [
      'a room imports another’s contract as a value',
      { 'src/admin/a.ts': `import { p } from '../sip/message.ts'`, 'src/sip/message.ts': '' },
      /may not import src\/sip\/message/,
    ],
    [
      'a page imports the server',
      { 'web-phone/a.ts': `import { p } from '../src/sip/codec.ts'`, 'src/sip/codec.ts': '' },
      /web-phone\/a/,
    ],
    [
      'the runtime imports a room',
      { 'src/runtime/a.ts': `import type { P } from '../sip/message.ts'`, 'src/sip/message.ts': '' },
      /runtime\/a/,
    ],
    [
      'the daemon imports a command',
      { 'src/daemon.ts': `import { p } from './cli/serve.ts'`, 'src/cli/serve.ts': '' },
      /daemon/,
    ],
    [
      'what carries effects out makes a part',
      { 'src/effects.ts': `import { SipIo } from './sip/io.ts'`, 'src/sip/io.ts': '' },
      /effects\.ts: may not import src\/sip\/io/,
    ],
    [
      'what loads opens sockets',
      { 'src/loading.ts': `import { SipIo } from './sip/io.ts'`, 'src/sip/io.ts': '' },
      /loading\.ts: may not import src\/sip\/io/,
    ],
    [
      'a room imports the composition root',
      { 'src/admin/a.ts': `import type { State } from '../state.ts'`, 'src/state.ts': '' },
      /admin\/a\.ts: may not import src\/state\.ts/,
    ],
    [
      'a ring of three',
      {
        'src/store/a.ts': `import { b } from './b.ts'`,
        'src/store/b.ts': `import type { c } from './c.ts'`,
        'src/store/c.ts': `import { a } from './a.ts'`,
      },
      /ring: src\/store\/a\.ts → src\/store\/b\.ts → src\/store\/c\.ts → src\/store\/a\.ts/,
    ],
    ['a re-export', { 'src/store/a.ts': `export * from './b.ts'` }, /re-exports/],
    ['a re-export by name', { 'src/store/a.ts': `export { b, c } from './b.ts'` }, /re-exports/],
    ['a clock', { 'src/sip/registrar.ts': 'const t = Date.now()' }, /touches a clock/],
    ['a newer clock', { 'src/core/x.ts': 'const t = Temporal.Now.instant()' }, /touches a clock/],
    ['a timer', { 'src/calls/machine.ts': 'setTimeout(f, 1)' }, /touches a timer/],
    ['random', { 'src/sip/digest.ts': 'Math.random()' }, /touches a random/],
    ['random bytes', { 'src/sip/digest.ts': `import { randomBytes } from 'node:crypto'` }, /randomBytes/],
    [
      'a socket',
      { 'src/signalling/codec.ts': `import { connect } from 'node:net'` },
      /may not import node:net/,
    ],
    ['a disk', { 'src/stun/codec.ts': `import { readFileSync } from 'node:fs'` }, /may not import node:fs/],
    [
      'a disk, in a folder of a room',
      { 'src/trace/packets/reader-io.ts': `import { open } from 'node:fs'` },
      /reader-io\.ts: is pure and may not import node:fs/,
    ],
    [
      'a room imports from another’s folder',
      {
        'src/admin/a.ts': `import type { p } from '../trace/packets/message.ts'`,
        'src/trace/packets/message.ts': '',
      },
      /admin\/a\.ts: may not import src\/trace\/packets/,
    ],
    ['the environment', { 'src/store/a.ts': 'const x = process.env.HOME' }, /environment/],
    [
      'what pages show needs Node, by way of another file',
      {
        'src/trace/ladder.ts': `import { v } from './verdict.ts'`,
        'src/trace/verdict.ts': `import { hash } from 'node:crypto'`,
      },
      /verdict\.ts: is for pages/,
    ],
    [
      'a page loads what is for Node, by way of another file',
      {
        'web-phone/src/a.ts': `import { m } from '../../client/media.ts'`,
        'client/media.ts': `import { w } from './werift.ts'`,
        'client/werift.ts': '',
      },
      /client\/media\.ts: is for pages and may not import client\/werift/,
    ],
    [
      'a page imports more of a trace than what shows it',
      { 'web-admin/src/a.ts': `import { m } from '../../src/trace/machine.ts'`, 'src/trace/machine.ts': '' },
      /web-admin\/src\/a\.ts: may not import/,
    ],
    [
      'the phone imports what shows a trace',
      { 'web-phone/a.ts': `import { l } from '../src/trace/ladder.ts'`, 'src/trace/ladder.ts': '' },
      /web-phone\/a\.ts: may not import/,
    ],
  ]

  it.each(planted)('%s', (_name, files, message) => {
    expect(violations(new Map(Object.entries(files))).join('\n')).toMatch(message)
  })

  it('none where the order is kept', () => {
    const files = {
      'src/core/a.ts': '// Date.now() is only spoken of here',
      'src/sip/message.ts': `import type { A } from '../core/a.ts'`,
      'src/sip/codec.ts': `import { createHash } from 'node:crypto'\nimport { m } from './message.ts'`,
      'src/sip/machine.ts': `import { c } from './codec.ts'`,
      'src/sip/io.ts': `import { m } from './machine.ts'\nimport { u } from '../runtime/udp.ts'\nsetTimeout(f, 1)`,
      'src/runtime/udp.ts': `import { createSocket } from 'node:dgram'`,
      'src/signalling/machine.ts': `import type { m } from '../sip/message.ts'`,
      'client/a.ts': `import { closeCode } from '../src/signalling/message.ts'`,
      'web-admin/src/a.ts': `import { l } from '../../src/trace/ladder.ts'`,
      'src/trace/ladder.ts': '',
      'src/signalling/message.ts': '',
    }
    expect(violations(new Map(Object.entries(files)))).toEqual([])
  })
})
