/**
 * Runs `image-build/test-update --here`: trials of new versions without a machine. The card's root runs under systemd-nspawn, its
 * slots are two folders, and which of them starts is chosen by the very functions of the first steps.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { migrations } from '../../src/store/migrations.ts'
import type { UpdateStatus } from '../../src/update/message.ts'
import { badVersions, both, type Change, changedTree, migrates, quickGood } from './versions.ts'

const [version = '', ...wanted] = process.argv.slice(2)
const out = join(import.meta.dirname, '../out')
const squashfs = join(out, `lanline-${version}-root-amd64.squashfs`)
const work = mkdtempSync(join(out, 'test-trials.'))
const at = (name: string): string => join(work, name)
const init = readFileSync(join(import.meta.dirname, '../initramfs/init'), 'utf8')
/** Of the user `lanline`, as the initramfs has it. */
const lanlineId = 700
/** Starts of one trial after which it is no longer believed to end. */
const startsLimit = 5

const began = Date.now()
const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${line}\n`)

async function until(test: () => boolean, limitSeconds: number, what: string): Promise<void> {
  const limit = Date.now() + limitSeconds * 1_000
  while (!test()) {
    if (Date.now() > limit) throw new Error(`not within ${limitSeconds} s: ${what}`)
    await pause(500)
  }
}

/** The data partition, as a folder. */
class Data {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  at(path: string): string {
    return join(this.directory, path)
  }

  make(): void {
    for (const path of ['slots', 'identity', 'lanline']) mkdirSync(this.at(path), { recursive: true })
    chownSync(this.at('lanline'), lanlineId, lanlineId)
    chmodSync(this.at('lanline'), 0o700)
  }

  /** As root leaves it once the other slot is written. */
  tryNext(to: string): void {
    writeFileSync(this.at('slots/state'), 'good=a\nnext=b\ntries=0\n')
    const status: UpdateStatus = {
      ...{ phase: 'restarting', from: version, to, slot: 'b', percent: undefined, why: undefined, at: 1 },
      failedBefore: ['relay', 'discovery'],
    }
    writeFileSync(this.at('slots/status.json'), JSON.stringify(status))
  }

  state(): string {
    return readFileSync(this.at('slots/state'), 'utf8').trim()
  }

  status(): UpdateStatus {
    return JSON.parse(readFileSync(this.at('slots/status.json'), 'utf8')) as UpdateStatus
  }

  schema(): number {
    const db = new Sqlite(this.at('lanline/lanline.db'), { readonly: true })
    try {
      return Number(db.pragma('user_version', { simple: true }))
    } finally {
      db.close()
    }
  }

  /** What the first steps choose and write down. */
  chosen(): { readonly slot: string; readonly trial: string } {
    const part = (name: string): string =>
      new RegExp(`^${name}\\(\\) \\{\\n[\\s\\S]*?^\\}`, 'm').exec(init)![0]
    const steps = ['read_state', 'write_state', 'choose_slot'].map(part).join('\n')
    const rest = 'say() { :; }\nmount_slot() { :; }\ngive_up() { exit 1; }'
    const script = `${rest}\n${steps.replaceAll('/data/slots', this.at('slots'))}\nchoose_slot\necho $slot $trial`
    const [slot = '', trial = ''] = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split(' ')
    return { slot, trial }
  }
}

let running: Card | undefined
let starts = 0

/** One start of the card; ends when that starts anew. */
class Card {
  readonly #process: ChildProcess
  readonly #link: string

  constructor(data: Data, tree: string, slot: string, trial: string) {
    const run = at('run')
    mkdirSync(run, { recursive: true })
    writeFileSync(join(run, 'lanline-slot'), `slot=${slot}\ntrial=${trial}\n`)
    writeFileSync(join(run, 'lanline-card'), 'data=whole\ndisk=/dev/none\npartitions=/dev/none\n')
    writeFileSync(join(run, 'lanline-trial'), '')
    writeFileSync(join(run, 'machine-id'), `${'0123456789abcdef'.repeat(2)}\n`)
    const given = ['lanline-slot', 'lanline-card', ...(trial === 'yes' ? ['lanline-trial'] : [])]
    this.#link = `ll${process.pid}-${++starts}`
    const log = openSync(at('log'), 'a')
    const options = [
      ...['--boot', '--private-network', `--network-veth-extra=${this.#link}:host0`, '--register=no'],
      ...['--keep-unit', '--console=pipe', `--machine=${this.#link}`],
      ...['--tmpfs=/var:mode=755', '--tmpfs=/etc/lanline:mode=755', '--tmpfs=/boot/firmware'],
      ...[`--bind=${data.directory}:/data`, `--bind=${data.at('lanline')}:/var/lib/lanline`],
      ...[...given.map(name => `--bind-ro=${join(run, name)}:/run/${name}`)],
      `--bind-ro=${join(run, 'machine-id')}:/etc/machine-id`,
    ]
    this.#process = spawn('systemd-nspawn', ['-D', tree, ...options], { stdio: ['ignore', log, log] })
    running = this
  }

  ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Plugs the network in: the other end of its cable is on this computer. */
  plugged(): boolean {
    return this.ended() || spawnSync('ip', ['link', 'set', this.#link, 'up']).status === 0
  }

  /** What a command says; undefined: it failed, or there is nothing to run it in. */
  said(command: string): string | undefined {
    const leader = this.#leader()
    if (leader === undefined) return undefined
    const within = ['-t', leader, '-a', '--', 'env', '-i', 'PATH=/usr/sbin:/usr/bin', 'sh', '-c', command]
    const { status, stdout } = spawnSync('nsenter', within, { encoding: 'utf8', timeout: 60_000 })
    return status === 0 ? stdout.trim() : undefined
  }

  /** Names and devices of all people. */
  people(): string | undefined {
    const said = this.said('lanline user list --json 2>/dev/null')
    if (said === undefined) return undefined
    const people = JSON.parse(said) as { name: string; devices: { id: string }[] }[]
    return JSON.stringify(people.map(({ name, devices }) => [name, devices.map(({ id }) => id)]))
  }

  /** The plug is pulled. */
  async cut(): Promise<void> {
    const leader = this.#leader()
    if (leader !== undefined) process.kill(Number(leader), 'SIGKILL')
    await until(() => this.ended(), 60, 'the end of a card')
  }

  /** Its first child only makes room for the machine; the machine is what is there after it. */
  #leader(): string | undefined {
    const { pid } = this.#process
    const children = `/proc/${pid}/task/${pid}/children`
    if (this.ended() || !existsSync(children)) return undefined
    return readFileSync(children, 'utf8').split(' ')[0] || undefined
  }
}

async function started(data: Data, tree: string, slot: string, trial: string): Promise<Card> {
  const card = new Card(data, tree, slot, trial)
  await until(() => card.plugged(), 60, 'a cable')
  return card
}

/** Lets a version have its trial; resolves once the slot that stays is up. */
async function tried(data: Data, next: string): Promise<Card> {
  for (let start = 1; start <= startsLimit; start++) {
    const { slot, trial } = data.chosen()
    say(`  start ${start}: slot ${slot}${trial === 'yes' ? ' on trial' : ''}`)
    const card = await started(data, slot === 'a' ? at('a') : next, slot, trial)
    const isOver = (): boolean => !data.state().includes('next=')
    if (trial === 'yes') await until(() => card.ended() || data.state() === 'good=b', 900, 'its end')
    if (card.ended() || !isOver()) continue
    await until(() => card.people() !== undefined, 300, 'an answer of what stays')
    return card
  }
  throw new Error(`not over after ${startsLimit} starts`)
}

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`not so: ${what}`)
}

async function step(prepared: Prepared, change: Change, stays: boolean): Promise<string> {
  const to = '0.2.0'
  const data = new Data(at('data'))
  rmSync(data.directory, { recursive: true, force: true })
  cpSync(prepared.data.directory, data.directory, { recursive: true, preserveTimestamps: true })
  execFileSync('chown', ['-R', `${lanlineId}:${lanlineId}`, data.at('lanline')])
  rmSync(at('b'), { recursive: true, force: true })
  changedTree(at('a'), at('b'), { from: version, to }, change)
  data.tryNext(to)
  const from = Date.now()
  const card = await tried(data, at('b'))
  must(data.state() === (stays ? 'good=b' : 'good=a'), data.state())
  must(card.people() === prepared.people, `people: ${card.people()} instead of ${prepared.people}`)
  must(data.schema() === migrations.length + (stays ? 1 : 0), `the database: schema ${data.schema()}`)
  must(card.said('lanline user add after') !== undefined, 'changes are taken')
  const kept = readdirSync(data.at('lanline')).filter(name =>
    /^(before-restore|lanline-schema.*)\.db$/.test(name),
  )
  const { phase, why } = data.status()
  const words = [`${phase}${why === undefined ? '' : `: ${why}`}`, ...kept]
  return `${Math.round((Date.now() - from) / 1_000)} s, ${words.join('; ')}`
}

interface Prepared {
  readonly data: Data
  readonly people: string
}

async function prepare(): Promise<Prepared> {
  execFileSync('unsquashfs', ['-quiet', '-no-progress', '-d', at('a'), squashfs])
  const network = join(at('a'), 'etc/systemd/network/50-lanline.network')
  // There is no DHCP at the other end.
  writeFileSync(
    network,
    readFileSync(network, 'utf8').replace('[Network]\n', '[Network]\nAddress=10.77.0.1/24\n'),
  )
  const data = new Data(at('prepared'))
  data.make()
  const card = await started(data, at('a'), 'a', 'no')
  await until(() => card.people() !== undefined, 300, 'the first start')
  for (const name of ['anna', 'bob'])
    must(card.said(`lanline user add ${name}`) !== undefined, `${name} is added`)
  const people = card.people()!
  must(card.said('systemctl stop lanline') !== undefined, 'it stops')
  await card.cut()
  say(`people: ${people}`)
  return { data, people }
}

const steps: Record<string, readonly [change: Change, stays: boolean]> = {
  good: [both(quickGood, migrates), true],
  ...Object.fromEntries(Object.entries(badVersions).map(([name, change]) => [name, [change, false]])),
}
const results: [string, string, string][] = []
try {
  const prepared = await prepare()
  for (const [name, [change, stays]] of Object.entries(steps)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    say(name)
    try {
      results.push([name, 'held', await step(prepared, change, stays)])
    } catch (error) {
      results.push([name, 'FAILED', error instanceof Error ? error.message : String(error)])
    }
    say(`${name}: ${results.at(-1)!.slice(1).join(': ')}`)
    await running?.cut()
  }
} finally {
  await running?.cut()
  rmSync(work, { recursive: true, force: true })
}
const width = Math.max(...results.map(([name]) => name.length))
process.stdout.write(
  `\n${results.map(([name, how, what]) => `${name.padEnd(width)}  ${how.padEnd(6)}  ${what}`).join('\n')}\n`,
)
process.exitCode = results.every(([, how]) => how === 'held') && results.length > 0 ? 0 : 1
