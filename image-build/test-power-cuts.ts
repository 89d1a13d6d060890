/** Runs `image-build/test-power-cuts` and says what held. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/core/random.ts'
import { type Cut, type CutKind, chooseCuts, keptAt, piecesOf, survivors } from './test/cuts.ts'
import { DiskStates, dataBeginsOf, reader } from './test/disk-states.ts'
import { Here } from './test/here.ts'
import { Console, type Doors, keepBusy } from './test/household.ts'
import { type Inspection, inspect } from './test/inspect.ts'
import { type Broken, Ledger } from './test/ledger.ts'
import { readWriteLog, type WriteLog } from './test/write-log.ts'
import { builtImage, Vm } from './vm.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '100' },
    torn: { type: 'string', default: '40' },
    boots: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    lie: { type: 'boolean', default: false },
    /** No machine for the load; the states are started as ever. */
    here: { type: 'boolean', default: false },
    /** Leaves the log and the ledger there. */
    keep: { type: 'string' },
    /** Takes them from there instead of a new run. */
    again: { type: 'string' },
  },
})
const [points, torn, boots, seconds, seed] = [
  ...[values.points, values.torn, values.boots, values.seconds, values.seed].map(Number),
] as [number, number, number, number, number]
const lyingCuts = 5
const diskBytes = 2 * 2 ** 30
/** So many looks at a data partition at a time. */
const looksAtOnce = 3
const startSeconds = 900

const out = join(root, 'image-build/out')
const work = mkdtempSync(join(out, 'test-power-cuts.'))
const at = (name: string): string => join(work, name)
const kept = values.again ?? values.keep ?? work
const keptAs = (name: string): string => join(kept, name)

const began = Date.now()
const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${line}\n`)
const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ')

let machine: Vm | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void machine?.cut()
    rmSync(work, { recursive: true, force: true })
    process.exit(130)
  })
}

// The run: an appliance from its first start on, its disk's writes logged.

interface Run {
  readonly ledger: Ledger
  /** Lengths of the log: when it was well for the first time, and when the load began. */
  readonly wellAt: number
  readonly loadAt: number
}

const forwards = [
  { protocol: 'tcp', guest: 443 },
  { protocol: 'tcp', guest: 5060 },
  { protocol: 'udp', guest: 5060 },
] as const

async function start(drive: readonly string[], directory: string): Promise<Vm> {
  machine = await Vm.start({
    ...{ architecture: 'amd64', image: keptAs('card.img'), directory, forwards, drive },
    more: [
      // As a card: a cache that is flushed, and nothing but reads and writes.
      ...['write-zeroes', 'discard'].flatMap(name => ['-global', `virtio-blk-device.${name}=off`]),
      // However slow it is here, only the cuts are to restart it.
      ...['-action', 'watchdog=none'],
    ],
  })
  return machine
}

const well = (vm: Vm): Promise<number> =>
  vm.until(
    async () => {
      const parts = (await vm.health())?.parts as { store?: { state: string } } | undefined
      return parts?.store?.state === 'ok'
    },
    startSeconds,
    'lanline well',
    1_000,
  )

/**
 * QEMU itself flushes nothing of these files, so that a flush of the machine is in the log where it was asked for, not
 * where it ended: a write that only then came to its end is not taken for kept.
 */
const logged = [
  ...['-blockdev', `driver=file,node-name=disk,filename=${at('disk.img')},cache.no-flush=on`],
  ...['-blockdev', `driver=file,node-name=log,filename=${keptAs('writes.log')},cache.no-flush=on`],
  ...['-blockdev', 'driver=blklogwrites,node-name=card,file=disk,log=log'],
]

interface House {
  readonly doors: Doors
  /** All that was written is in the log. */
  readonly stop: () => Promise<void>
}

async function startMachine(): Promise<House> {
  const vm = await start(logged, at('vm'))
  await well(vm)
  return {
    doors: { https: vm.port('tcp', 443), sipUdp: vm.port('udp', 5060), sipTcp: vm.port('tcp', 5060) },
    stop: async () => {
      await vm.run('sync')
      await vm.qmp('stop')
      await vm.cut()
    },
  }
}

async function startHere(): Promise<House> {
  if (process.getuid?.() !== 0 || !existsSync('/dev/fuse'))
    throw new Error('--here mounts the data partition: it needs root and /dev/fuse')
  const directory = at('here')
  mkdirSync(directory)
  const here = await Here.start(directory, logged, dataBeginsOf(keptAs('card.img')), diskBytes)
  const console = new Console(here.doors.https)
  while ((await console.ask('GET', '/health').catch(() => undefined))?.status !== 200) await pause(200)
  console.close()
  const stop = (): Promise<void> => here.stop()
  return { doors: here.doors, stop }
}

async function runHousehold(): Promise<Run> {
  mkdirSync(kept, { recursive: true })
  const image = builtImage(root, 'amd64')
  if (!existsSync(image))
    throw new Error(`${image} is missing; run image-build/build-image --arch amd64 first`)
  copySparse(image, keptAs('card.img'))
  copySparse(image, at('disk.img'))
  truncateSync(at('disk.img'), diskBytes)
  writeFileSync(keptAs('writes.log'), '')
  const log = openSync(keptAs('writes.log'), 'r')
  const logBytes = (): number => fstatSync(log).size
  const ledger = new Ledger()
  const house = values.here ? await startHere() : await startMachine()
  const { doors } = house
  const wellAt = logBytes()
  say(`first start: well, ${(wellAt / 2 ** 20).toFixed(1)} MiB written`)
  const console = new Console(doors.https)
  const claimed = ledger.wish('person:olivia', 'Olivia')
  await console.claim()
  claimed(logBytes())
  console.close()
  const loadAt = logBytes()
  say(`claimed; a household keeps it busy for ${seconds} s`)
  const progress = setInterval(
    () => say(`  answered: ${listed(ledger.promised(Number.POSITIVE_INFINITY))}`),
    15_000,
  )
  const failures = await keepBusy({ doors, ledger, logBytes }, seconds * 1_000)
  clearInterval(progress)
  if (failures.size > 0) say(`  not as wished: ${listed(failures)}`)
  await house.stop()
  return { ledger, wellAt, loadAt }
}

// The cuts.

interface Look {
  readonly cut: Cut
  readonly inspection: Inspection
  readonly broken: readonly Broken[]
}

const looked = new Set(['person', 'device', 'setting', 'binding', 'call', 'identity'])

/** So much of the log had the disk taken. */
const lengthAt = (log: WriteLog, { at }: Cut): number => log.entries[at - 1]?.end ?? 0

async function lookAt(
  log: WriteLog,
  ledger: Ledger,
  cut: Cut,
  partition: string,
  directory: string,
): Promise<Look> {
  const inspection = await inspect(partition, directory)
  rmSync(directory, { recursive: true, force: true })
  rmSync(partition)
  return { cut, inspection, broken: ledger.broken(inspection.found, looked, lengthAt(log, cut)) }
}

const bootFiles = ['vmlinuz', 'initramfs.img', 'modules.squashfs', 'lanline.toml']

/** What every start needs of the FAT partition, which keeps no journal. */
function bootHashes(disk: string): string {
  return bootFiles
    .map(name => {
      const bytes = execFileSync('mtype', ['-i', `${disk}@@4M`, `::/${name}`], { maxBuffer: 1 << 28 })
      return createHash('sha256').update(bytes).digest('hex')
    })
    .join(' ')
}

interface Booted {
  readonly cut: Cut
  readonly disk: string
}

interface Results {
  readonly looks: readonly Look[]
  readonly frontLooks: number
  readonly frontDamage: readonly string[]
  readonly toBoot: readonly Booted[]
}

async function lookAtAll(log: WriteLog, ledger: Ledger, cuts: readonly Cut[]): Promise<Results> {
  const file = openSync(keptAs('writes.log'), 'r')
  const states = new DiskStates(work, keptAs('card.img'), diskBytes, reader(file))
  const random = seededRandom(seed + 1)
  const looks: Look[] = []
  const frontDamage: string[] = []
  const toBoot: Booted[] = []
  const bootHash = bootHashes(keptAs('card.img'))
  const bootable = spreadFrom(cuts, boots)
  const running = new Set<Promise<void>>()
  let [before, frontLooks, said] = [0, 0, Date.now()]
  for (const [index, cut] of cuts.entries()) {
    const keep = keptAt(log.entries, cut)
    const passed = log.entries.slice(before, keep)
    states.advance(log.entries, keep)
    before = Math.max(before, keep)
    const late = survivors(log.entries, cut, random)
    if (index === 0 || states.touchesFront([...passed.flatMap(piecesOf), ...late])) {
      frontLooks++
      states.copyFront(late, at('front-copy.img'))
      const hash = safely(() => bootHashes(at('front-copy.img')))
      if (hash !== bootHash) frontDamage.push(`${cut.kind} cut at ${cut.at}: ${hash}`)
    }
    states.copyData(late, at(`data-${index}.img`))
    if (bootable.has(cut)) {
      const disk = at(`boot-${index}.img`)
      states.copyWhole(late, disk)
      toBoot.push({ cut, disk })
    }
    const look = lookAt(log, ledger, cut, at(`data-${index}.img`), at(`look-${index}`)).then(result => {
      looks.push(result)
      running.delete(look)
      for (const damage of result.inspection.damage)
        if (cut.kind !== 'lying')
          say(`  ${cut.kind} cut at ${cut.at}: ${damage.split('\n').slice(0, 6).join(' | ')}`)
      for (const { key, promised, found } of result.broken.slice(0, 5))
        if (cut.kind !== 'lying')
          say(`  ${cut.kind} cut at ${cut.at}: ${key} is ${found}, promised was ${promised}`)
    })
    running.add(look)
    if (running.size >= looksAtOnce) await Promise.race(running)
    if (Date.now() - said > 10_000) {
      said = Date.now()
      say(`  ${looks.length} of ${cuts.length} cuts looked at`)
    }
  }
  await Promise.all(running)
  if (values.again === undefined) {
    states.advance(log.entries, log.entries.length)
    states.mustBe(at('disk.img'))
    say('the whole log replayed is the disk itself, byte for byte')
  }
  return { looks, frontLooks, frontDamage, toBoot }
}

/** Of honest cuts under load: a few, first and last included, both kinds. */
function spreadFrom(cuts: readonly Cut[], count: number): Set<Cut> {
  const chosen = new Set<Cut>()
  const honest = cuts.filter(({ kind }) => kind !== 'lying')
  for (let index = 0; index < count; index++) {
    const from = Math.round(((index + 1) * honest.length) / count) - 1
    const wanted: CutKind = index % 2 === 0 ? 'torn' : 'inOrder'
    const cut = honest.slice(0, from + 1).findLast(one => one.kind === wanted && !chosen.has(one))
    if (cut !== undefined) chosen.add(cut)
  }
  return chosen
}

const asked = new Set(['person', 'device', 'setting'])

/** Really started, and asked as its owner would. */
async function boot(log: WriteLog, ledger: Ledger, { cut, disk }: Booted): Promise<readonly Broken[]> {
  const vm = await start(['-drive', `if=none,id=card,file=${disk},format=raw,cache=unsafe`], at('boot'))
  try {
    const after = await well(vm)
    const due = ledger.promised(lengthAt(log, cut))
    const said =
      /lanline: slot . *, data \w+|lanline: slot.*/.exec(vm.serial())?.[0] ?? 'no word on the console'
    say(
      `  ${cut.kind} cut at ${cut.at}: well after ${after.toFixed(0)} s (${said}); promised: ${listed(due)}`,
    )
    // Before it had an owner nobody can be asked for.
    if (!due.has('person')) return []
    const console = new Console(vm.port('tcp', 443))
    await console.logIn()
    const found = new Map<string, string>()
    for (const user of (await console.ask('GET', '/users')).body) {
      found.set(`person:${user.name}`, user.displayName)
      for (const { id } of user.devices) found.set(`device:${id}`, user.name)
    }
    found.set('setting:place', (await console.ask('GET', '/settings')).body.place)
    const added = (await console.ask('POST', '/users', { name: 'after' })).status
    console.close()
    const broken = ledger.broken(found, asked, lengthAt(log, cut))
    return added === 201 ? broken : [...broken, { key: 'person:after', promised: 'after', found: `${added}` }]
  } finally {
    await vm.cut()
    rmSync(disk)
  }
}

// All of it.

const copySparse = (from: string, to: string): void => void execFileSync('cp', ['--sparse=always', from, to])

function safely(ask: () => string): string {
  try {
    return ask()
  } catch (error) {
    return String(error)
  }
}

async function run(): Promise<Run> {
  if (values.again !== undefined) {
    const told = JSON.parse(readFileSync(keptAs('run.json'), 'utf8'))
    return { ...told, ledger: Ledger.from(told.ledger) }
  }
  const done = await runHousehold()
  writeFileSync(keptAs('run.json'), JSON.stringify(done))
  return done
}

async function main(): Promise<boolean> {
  const { ledger, wellAt, loadAt } = await run()
  const file = openSync(keptAs('writes.log'), 'r')
  const log = readWriteLog(reader(file), fstatSync(file).size)
  if (log.problem !== undefined) throw new Error(`the log of writes: ${log.problem}`)
  const { entries } = log
  const flushes = entries.filter(({ kind }) => kind === 'flush').length
  say(`${entries.length} entries in the log, ${flushes} of them flushes`)
  const loadBegins = entries.findIndex(({ end }) => end > loadAt)
  const wishes = values.lie
    ? { inOrder: 0, torn: 0, lying: points, loadBegins }
    : { inOrder: points, torn, lying: lyingCuts, loadBegins }
  const cuts = chooseCuts(entries, wishes, seededRandom(seed))
  const last = await lastIdentity(log)
  for (const [key, value] of last) ledger.seen(key, value, wellAt)
  const { looks, frontLooks, frontDamage, toBoot } = await lookAtAll(log, ledger, cuts)
  say(`${toBoot.length} of them are started`)
  const started: [Cut, readonly Broken[] | string][] = []
  for (const one of toBoot) {
    const result = await boot(log, ledger, one).catch((error: Error) => error.message)
    if (typeof result === 'string') say(`  ${one.cut.kind} cut at ${one.cut.at}: ${result}`)
    else for (const { key, promised, found } of result) say(`  ${key} is ${found}, promised was ${promised}`)
    started.push([one.cut, result])
  }

  // The table.
  const of = (kind: CutKind): Look[] => looks.filter(look => look.cut.kind === kind)
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0)
  const row = (kind: CutKind): string[] => {
    const all = of(kind)
    const damaged = all.filter(({ inspection }) => inspection.damage.length > 0).length
    const late = all.map(({ cut }) => cut.at - keptAt(entries, cut))
    const due = all.map(({ cut }) => sum([...ledger.promised(lengthAt(log, cut)).values()]))
    return [
      ...[kind, `${all.length}`, `${Math.max(0, ...late)}`, `${sum(due)}`, `${damaged}`],
      `${sum(all.map(({ broken }) => broken.length))}`,
    ]
  }
  const badBoots = started.filter(([, result]) => typeof result === 'string' || result.length > 0).length
  const rows = [
    ['cuts', 'number', 'unflushed', 'promises', 'damaged', 'missing'],
    ...(['inOrder', 'torn', 'lying'] as const).filter(kind => of(kind).length > 0).map(row),
  ]
  process.stdout.write(
    `\n${rows.map(cells => cells.map((cell, index) => (index === 0 ? cell.padEnd(9) : cell.padStart(11))).join('')).join('\n')}\n\n` +
      `log: ${entries.length - flushes} writes, ${flushes} flushes; promised in all: ${listed(ledger.promised(Number.POSITIVE_INFINITY))}\n` +
      `boot files whole at ${frontLooks - frontDamage.length} of ${frontLooks} cuts with writes before the data partition\n` +
      `started: ${started.length - badBoots} of ${started.length} well, with everything promised\n`,
  )
  for (const damage of frontDamage) process.stdout.write(`${damage}\n`)
  const good = (look: Look): boolean => look.inspection.damage.length === 0 && look.broken.length === 0
  const honest = [...of('inOrder'), ...of('torn')]
  const control = of('lying').filter(look => !good(look)).length
  process.stdout.write(`control: of ${of('lying').length} disks that lie ${control} were found out\n`)
  return (
    honest.length > 0 &&
    honest.every(good) &&
    frontDamage.length === 0 &&
    badBoots === 0 &&
    control === of('lying').length
  )
}

/** Of the last state: what never changes again once it was seen. */
async function lastIdentity(log: WriteLog): Promise<Map<string, string>> {
  const file = openSync(keptAs('writes.log'), 'r')
  const directory = at('last')
  mkdirSync(directory)
  const states = new DiskStates(directory, keptAs('card.img'), diskBytes, reader(file))
  states.advance(log.entries, log.entries.length)
  states.copyData([], at('last.img'))
  const { damage, found } = await inspect(at('last.img'), at('look-last'))
  if (damage.length > 0) throw new Error(`after the run: ${damage.join('; ')}`)
  for (const path of [directory, at('last.img'), at('look-last')])
    rmSync(path, { recursive: true, force: true })
  return new Map([...found].filter(([key]) => key.startsWith('identity:')))
}

let held = false
try {
  held = await main()
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
} finally {
  await machine?.cut()
  rmSync(work, { recursive: true, force: true })
}
process.stdout.write(`${held ? 'held' : 'NOT HELD'}, ${Math.round((Date.now() - began) / 1_000)} s\n`)
process.exitCode = held ? 0 : 1
