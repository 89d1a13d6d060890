/** Runs the steps of `image-build/test-update` and says what held. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Appliance } from './test/appliance.ts'
import {
  at,
  command,
  cut,
  ended,
  install,
  key,
  layBeforeRoot,
  makeBundle,
  must,
  newer,
  owner,
  type Prepared,
  prepare,
  run,
  sameData,
  say,
  schema,
  slotHash,
  start,
  stateOf,
  thawed,
  updateMake,
  upload,
  version,
  wanted,
  work,
} from './test/update-machine.ts'
import { badVersions, both, type Change, migrates, quickGood } from './test/versions.ts'

// The steps.

type Step = (prepared: Prepared) => Promise<string>
const steps = new Map<string, Step>()

steps.set('refused', async prepared => {
  const make = (name: string, ...words: string[]): Buffer => {
    updateMake(at('root'), at(name), ...words)
    return readFileSync(at(name))
  }
  writeFileSync(at('root'), randomBytes(1_000_000))
  const bundle = make('r', '--key', key, '--arch', 'amd64', '--version', '0.2.0')
  const head = bundle.indexOf(10, 106) + 1
  const machine = await thawed(prepared, 'machine')
  const before = await slotHash(machine)
  const told: string[] = []
  const refused = async (name: string, bytes: Uint8Array, status: number) => {
    const answer = await upload(machine, bytes)
    must(answer.status === status, `${name}: ${status}, but ${answer.status} ${JSON.stringify(answer.body)}`)
    const again = await machine.ask('POST', '/update/install', {})
    must(again.status === 404, `${name}: nothing to install, but ${again.status}`)
    told.push(`${name}: ${answer.body.error.code}`)
    say(`  ${name}: ${answer.status} ${answer.body.error.message}`)
  }
  const changedAt = (place: number) => {
    const bytes = Buffer.from(bundle)
    bytes[place]! ^= 1
    return bytes
  }
  await refused('a byte of the signature', changedAt(60), 403)
  await refused('a byte of the manifest', changedAt(head - 20), 403)
  await refused('the first byte of the root', changedAt(head), 422)
  await refused('a byte in the middle', changedAt(bundle.length >> 1), 422)
  await refused('the last byte', changedAt(bundle.length - 1), 422)
  await refused('cut off', bundle.subarray(0, bundle.length - 1), 422)
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', at('other.pem')], { stdio: 'ignore' })
  await refused(
    'another key',
    make('k', '--key', at('other.pem'), '--arch', 'amd64', '--version', '0.2.0'),
    403,
  )
  await refused('for arm64', make('m', '--key', key, '--arch', 'arm64', '--version', '0.2.0'), 409)
  // As if the daemon were somebody else's: root verifies again.
  writeFileSync(at('forged'), changedAt(bundle.length >> 1))
  await layBeforeRoot(machine, at('forged'))
  const { status } = await ended(machine, 240)
  must(
    status.phase === 'failed' && /was changed/.test(status.why ?? ''),
    `root refuses it: ${JSON.stringify(status)}`,
  )
  say(`  laid before root: ${status.why}`)
  must((await slotHash(machine)) === before, 'the other slot is untouched')
  await sameData(machine, prepared)
  return `${told.length + 1} forgeries, slot b unchanged`
})

steps.set('good', async prepared => {
  const bundle = makeBundle('good', '0.2.0', migrates, newer)
  const machine = await thawed(prepared, 'machine')
  await install(machine, bundle)
  await machine.untilWell(900, '0.2.0')
  await machine.logIn(owner)
  const trialState = await stateOf(machine)
  const change = await machine.ask('POST', '/users', { name: 'early' })
  must(trialState?.trial === true && change.status === 503, `on trial changes wait: ${change.status}`)
  await sameData(machine, prepared)
  const { status, state } = await ended(machine, 900)
  must(status.phase === 'confirmed' && state.version === '0.2.0' && state.slot === 'b', JSON.stringify(state))
  await sameData(machine, prepared)
  must((await machine.ask('POST', '/users', { name: 'late' })).status === 201, 'then changes are taken')
  const { output: slots } = await machine.vm.run('cat /data/slots/state')
  must(slots === 'good=b', `the state: ${slots}`)
  return 'updated, database changed, data whole, changes waited for the end of the trial'
})

for (const [place, [name, change]] of Object.entries(badVersions).entries())
  steps.set(name, prepared => bad(prepared, `0.3.${place}`, change))

/** Ends on the old version by itself, with all data. */
async function bad(prepared: Prepared, to: string, change: Change): Promise<string> {
  const bundle = makeBundle(to, to, change, newer)
  const machine = await thawed(prepared, 'machine')
  await layBeforeRoot(machine, bundle)
  const from = Date.now()
  const { status, state } = await ended(machine, 1_800)
  must(status.phase === 'wentBack' && state.version === version && state.slot === 'a', JSON.stringify(state))
  await sameData(machine, prepared)
  must((await machine.ask('POST', '/users', { name: 'after' })).status === 201, 'changes are taken')
  const { output: slots } = await machine.vm.run('cat /data/slots/state')
  must(slots === 'good=a', `the state: ${slots}`)
  return `back after ${Math.round((Date.now() - from) / 1_000)} s: ${status.why}`
}

/** A moment of an update, at which the plug is pulled. */
type Moment = (machine: Appliance) => Promise<void>

const phaseIs =
  (phase: string, percent = 0): Moment =>
  async machine => {
    for (;;) {
      const status = (await stateOf(machine))?.status
      if (status?.phase === phase && (status.percent ?? 0) >= percent) return
      if (status !== undefined && ['restarting', 'failed'].includes(status.phase) && status.phase !== phase)
        return
      await pause(20)
    }
  }
const consoleSays =
  (text: string, wait = 0): Moment =>
  async machine => {
    while (!machine.vm.serial().includes(text)) await pause(50)
    await pause(wait)
  }

const cuts: readonly (readonly [string, Moment])[] = [
  ['verifying', phaseIs('verifying', 20)],
  ['writing', phaseIs('writing', 10)],
  ['half written', phaseIs('writing', 50)],
  ['nearly written', phaseIs('writing', 90)],
  ['read back', phaseIs('checking', 10)],
  ['restarting', phaseIs('restarting')],
  ['first steps of the trial', consoleSays('slot b on trial')],
  ['the trial’s start', consoleSays('slot b on trial', 2_500)],
  ['the database is changed', consoleSays('slot b on trial', 4_500)],
  ['on trial', consoleSays('slot b on trial', 12_000)],
  ['just before it is kept', consoleSays('slot b on trial', 19_000)],
]
let cutBundle: string | undefined
for (const [name, moment] of cuts) {
  steps.set(`power-cut ${name}`, async prepared => {
    cutBundle ??= makeBundle('cut', '0.6.0', both(quickGood, migrates), newer)
    const first = await thawed(prepared, 'machine', true)
    await layBeforeRoot(first, cutBundle)
    await moment(first)
    await first.vm.cut()
    say('  cut')
    const second = await start(at('machine'))
    await second.untilWell(600)
    const { status, state } = await ended(second, 900)
    await sameData(second, prepared)
    must((await second.ask('POST', '/users', { name: 'after' })).status === 201, 'changes are taken')
    return `${status.phase}, lanline ${state.version} in slot ${state.slot}, data whole`
  })
}

steps.set('stick', async prepared => {
  const bundle = makeBundle('stick', '0.7.0', quickGood)
  const machine = await thawed(prepared, 'machine')
  await plugIn(machine, 'odd', oddStick(bundle))
  await machine.vm.serialShows(/no newer update is on this stick/, 120)
  say('  a cut-off update, a pipe and a link: passed by')
  await plugIn(machine, 'stick', stickWith(bundle))
  await machine.untilWell(900, '0.7.0')
  const { status } = await ended(machine, 900)
  must(status.phase === 'confirmed', JSON.stringify(status))
  await sameData(machine, prepared)
  await pause(5_000)
  must((await machine.health())?.version === '0.7.0', 'it is not installed again and again')
  return 'installed by itself, once'
})

steps.set('newer-database', async prepared => {
  const stick = stickWith(makeBundle('newer', '0.8.0', both(quickGood, migrates), newer))
  const machine = await thawed(prepared, 'machine')
  // As it is where the slot of the version that changed it can no longer be read: the older one starts.
  const script = `const db = require("better-sqlite3")("/var/lib/lanline/lanline.db"); db.exec("create table later (x integer) strict"); db.pragma("user_version = ${schema + 1}")`
  const asLanline = 'setpriv --reuid=700 --regid=700 --clear-groups /usr/lib/lanline/bin/node'
  await run(machine, `cd /usr/lib/lanline && systemctl stop lanline && ${asLanline} -e '${script}'`)
  const from = machine.vm.serial().length
  await machine.vm.run('systemctl reboot', 10).catch(() => undefined)
  await machine.vm.serialShows(/lanline: slot a, data whole/, 300, from)
  machine.vm.forgetShell()
  let told = ''
  const isTold = async (): Promise<boolean> => {
    told = (await machine.vm.run('cat /boot/firmware/lanline-problems.txt')).output
    return told.includes('was written by a newer lanline')
  }
  await machine.vm.until(isTold, 900, 'a problem on the card', 3_000)
  say(`  on the card: ${told}`)
  await plugIn(machine, 'stick', stick)
  await machine.untilWell(900, '0.8.0')
  const { status } = await ended(machine, 900)
  must(status.phase === 'confirmed', JSON.stringify(status))
  await sameData(machine, prepared)
  return 'refused and said on the card, data whole; a newer version on a stick went on with it'
})

function stickWith(bundle: string): string {
  const image = at('stick.img')
  rmSync(image, { force: true })
  command('truncate', '-s', '300M', image)
  command('mkfs.vfat', '-F', '32', '-n', 'STICK', image)
  command('mcopy', '-i', image, bundle, `::/${basename(bundle)}`)
  return image
}

/** With nothing to install: what must neither be taken nor waited for. */
function oddStick(bundle: string): string {
  const [files, image] = [at('odd'), at('odd.img')]
  mkdirSync(files)
  writeFileSync(join(files, 'lanline-0.7.1.update'), readFileSync(bundle).subarray(0, 100))
  command('mkfifo', join(files, 'lanline-0.7.2.update'))
  symlinkSync('/dev/zero', join(files, 'lanline-0.7.3.update'))
  command('truncate', '-s', '32M', image)
  command('mke2fs', '-q', '-t', 'ext4', '-d', files, image)
  return image
}

async function plugIn(machine: Appliance, id: string, image: string): Promise<void> {
  await machine.vm.qmp('human-monitor-command', {
    'command-line': `drive_add 0 file=${image},if=none,id=${id},format=raw,readonly=on`,
  })
  await machine.vm.qmp('device_add', { driver: 'usb-storage', bus: 'usb.0', drive: id, id: `usb-${id}` })
}

const results: [string, string, string][] = []
mkdirSync(work, { recursive: true })
try {
  const prepared = await prepare()
  for (const [name, step] of steps) {
    if (wanted.length > 0 && !wanted.some(word => name === word || name.startsWith(`${word} `))) continue
    say(name)
    try {
      results.push([name, 'held', await step(prepared)])
    } catch (error) {
      results.push([name, 'FAILED', error instanceof Error ? error.message : String(error)])
    }
    say(`${name}: ${results.at(-1)!.slice(1).join(': ')}`)
    await cut()
  }
} finally {
  await cut()
  rmSync(work, { recursive: true, force: true })
}
const width = Math.max(...results.map(([name]) => name.length))
process.stdout.write(
  `\n${results.map(([name, how, what]) => `${name.padEnd(width)}  ${how.padEnd(6)}  ${what}`).join('\n')}\n`,
)
process.exitCode = results.every(([, how]) => how === 'held') && results.length > 0 ? 0 : 1
