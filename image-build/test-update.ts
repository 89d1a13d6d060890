/** Runs the steps of `image-build/test-update` and says what held. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrations } from '../src/store/migrations.ts'
import type { ToldStatus, UpdateState } from '../src/update/message.ts'
import { challengeOf, digest, RawPeer, type RequestParts, request } from '../test/interop/raw-sip.ts'
import { Appliance } from './test/appliance.ts'
import { newDisk } from './vm.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { key: { type: 'string' } } })
const [version = '', ...wanted] = positionals
const out = join(import.meta.dirname, 'out')
const key = values.key ?? join(out, 'development-key.pem')
const built = join(out, `lanline-${version}-qemu-amd64.img`)
const squashfs = join(out, `lanline-${version}-root-amd64.squashfs`)
const work = mkdtempSync(join(out, 'test-update.'))
const at = (name: string): string => join(work, name)
/** Of one's own, since another build may replace it meanwhile. */
const image = at('image')
const password = 'ten letters or so'
const sipPassword = 'anna-anna'
const owner = { user: 'olivia', password }
const schema = migrations.length

const began = Date.now()
const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${line}\n`)
const command = (program: string, ...words: string[]): void =>
  void execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })

// Versions: the image's own root file system, changed.

type Change = (path: string, change: (text: string) => string) => void

function makeBundle(
  name: string,
  to: string,
  change: (edit: Change) => void,
  words: readonly string[] = [],
): string {
  const tree = at(`tree-${name}`)
  execFileSync('cp', ['-al', at('tree'), tree])
  const edit: Change = (path, by) => {
    const file = join(tree, path)
    const before = readFileSync(file, 'utf8')
    const after = by(before)
    if (after === before) throw new Error(`${name}: ${path} was to be changed`)
    rmSync(file)
    writeFileSync(file, after)
  }
  edit('usr/lib/lanline/package.json', text => text.replace(`"version": "${version}"`, `"version": "${to}"`))
  change(edit)
  const root = at(`${name}.squashfs`)
  const fast = [
    '-noappend',
    '-quiet',
    '-no-progress',
    '-comp',
    'zstd',
    '-Xcompression-level',
    '1',
    '-b',
    '256K',
  ]
  command('mksquashfs', tree, root, ...fast)
  rmSync(tree, { recursive: true })
  const bundle = at(`lanline-${to}-amd64.update`)
  const node = join(import.meta.dirname, '../node_modules/.bin/node')
  const main = join(import.meta.dirname, '../src/main.ts')
  const signed = ['--key', key, '--arch', 'amd64', '--version', to, '--build', name]
  command(node, main, 'update', 'make', root, bundle, ...signed, ...words)
  rmSync(root)
  return bundle
}

const trial = 'usr/lib/lanline/src/update/trial.ts'
const quickEnd: (edit: Change) => void = edit =>
  edit(trial, text => text.replace('giveUpMilliseconds: minutes(5)', 'giveUpMilliseconds: seconds(45)'))
const quickGood: (edit: Change) => void = edit =>
  edit(trial, text => text.replace('goodMilliseconds: seconds(60)', 'goodMilliseconds: seconds(15)'))
const migrates: (edit: Change) => void = edit =>
  edit('usr/lib/lanline/src/store/migrations.ts', text =>
    text.replace(/\]\n$/, '  `create table later (x integer) strict;`,\n]\n'),
  )
const onServe = (code: string) => (text: string) =>
  text.replace(/\n(?=import )/, `\nif (process.argv[2] === 'serve') { ${code} }\n`)
const main = 'usr/lib/lanline/src/main.ts'
const newer = ['--schema', String(schema + 1)]

// The machine: prepared once and frozen as it runs; each step goes on from a copy of that.

let running: Appliance | undefined

interface Prepared {
  readonly directory: string
  readonly data: string
}

async function start(directory: string, more: readonly string[] = [], slow = false): Promise<Appliance> {
  const throttle = slow ? ',throttling.bps-write=10000000' : ''
  const file = `file=${join(directory, 'card.qcow2')},format=qcow2,cache=none${throttle}`
  const drive = ['-drive', `if=none,id=card,${file}`]
  const parcel = `if=none,id=parcel,file=${at('parcel')},format=raw,readonly=on`
  const devices = ['-drive', parcel, '-device', 'virtio-blk-pci,drive=parcel', '-device', 'qemu-xhci,id=usb']
  // Translated on a busy machine, the kernel takes the late timer for a broken one and stops.
  const commandLine = 'no_timer_check'
  running = await Appliance.start({ image, directory, drive, commandLine, more: [...devices, ...more] })
  return running
}

/** A second disk, on which a bundle comes in faster than through an emulated machine's TLS. */
const parcelBytes = 160_000_000

/** As it was when it was frozen. */
async function thawed(prepared: Prepared, name: string, slow = false): Promise<Appliance> {
  const directory = at(name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  copyFileSync(join(prepared.directory, 'card.qcow2'), join(directory, 'card.qcow2'))
  const machine = await start(directory, ['-loadvm', 'ready'], slow)
  await machine.untilWell(60)
  return machine
}

/** What must be there whatever happens. */
async function dataOf(machine: Appliance): Promise<string> {
  const [users, calls] = [await machine.ask('GET', '/users'), await machine.ask('GET', '/calls')]
  const people = users.body.map((user: { name: string; devices: { id: string; reachable: boolean }[] }) => [
    user.name,
    user.devices.map(({ id, reachable }) => [id, reachable]),
  ])
  return JSON.stringify({ people, calls: calls.body.calls.map(({ id }: { id: string }) => id) })
}

async function prepare(): Promise<Prepared> {
  for (const file of [built, squashfs, key]) {
    if (!existsSync(file))
      throw new Error(`${file} is missing; run image-build/build-image --arch amd64 first`)
  }
  say('taking the root file system apart')
  command('cp', '--sparse=always', built, image)
  command('truncate', '-s', String(parcelBytes), at('parcel'))
  command('unsquashfs', '-quiet', '-no-progress', '-d', at('tree'), squashfs)
  const directory = at('prepared')
  mkdirSync(directory)
  newDisk(image, join(directory, 'card.qcow2'), 3)
  const machine = await start(directory)
  const { version: first } = await machine.untilWell(600)
  say(`first start: lanline ${first} is well after ${Math.round(machine.vm.seconds())} s`)
  const claimed = await machine.ask('POST', '/setup', { place: 'Mill', displayName: 'Olivia', password })
  if (claimed.status !== 201) throw new Error(`claim: ${claimed.status} ${JSON.stringify(claimed.body)}`)
  machine.use(claimed)
  await machine.ask('POST', '/users', { name: 'anna', sipPassword })
  await machine.ask('POST', '/users', { name: 'bob' })
  await registerAndCall(machine)
  const data = await dataOf(machine)
  if (!/true/.test(data) || !/"calls":\["/.test(data)) throw new Error(`no binding or no call: ${data}`)
  say(`people, a registered phone and a call: ${data}`)
  await machine.vm.run('sync')
  machine.vm.forgetShell()
  await machine.vm.qmp('human-monitor-command', { 'command-line': 'savevm ready' })
  await machine.vm.cut()
  return { directory, data }
}

async function registerAndCall(machine: Appliance): Promise<void> {
  const peer = await RawPeer.open('udp', machine.vm.port('udp', 5060))
  const aor = 'sip:anna@lanline.local'
  const asked = async (parts: RequestParts): Promise<number> => {
    const first = await peer.ask(request(parts))
    if (first === undefined) throw new Error(`${parts.method}: no answer`)
    const { method, uri } = parts
    const proof = digest({ user: 'anna', password: sipPassword, method, uri, challenge: challengeOf(first) })
    const header = first.status === 407 ? 'Proxy-Authorization' : 'Authorization'
    const more = [...(parts.more ?? []), `${header}: ${proof}`]
    return (await peer.ask(request({ ...parts, cseq: 2, more })))?.status ?? 0
  }
  const contact = `Contact: <sip:anna@10.0.2.2:${peer.localPort}>`
  const common = { from: `<${aor}>`, transport: 'udp' } as const
  const registered = await asked({
    ...{ ...common, method: 'REGISTER', uri: 'sip:lanline.local', to: `<${aor}>` },
    // On a busy machine all steps take more than an hour.
    more: [contact, 'Expires: 7200'],
  })
  const called = await asked({
    ...{
      ...common,
      method: 'INVITE',
      uri: 'sip:bob@lanline.local',
      to: '<sip:bob@lanline.local>',
      more: [contact],
    },
  })
  peer.close()
  say(`a phone registers: ${registered}; it calls somebody who is away: ${called}`)
}

// What a step may do.

const stateOf = async (machine: Appliance): Promise<UpdateState | undefined> => {
  const answer = await machine.ask('GET', '/update').catch(() => undefined)
  if (answer?.status === 401) await machine.logIn(owner).catch(() => {})
  return answer?.status === 200 ? (answer.body as UpdateState) : undefined
}

async function upload(machine: Appliance, bundle: Uint8Array) {
  await machine.logIn(owner)
  return machine.ask('POST', '/update', bundle)
}

async function install(machine: Appliance, bundle: string): Promise<void> {
  const uploaded = await upload(machine, readFileSync(bundle))
  if (uploaded.status !== 200) throw new Error(`upload: ${uploaded.status} ${JSON.stringify(uploaded.body)}`)
  const asked = await machine.ask('POST', '/update/install', {})
  if (asked.status !== 202) throw new Error(`install: ${asked.status} ${JSON.stringify(asked.body)}`)
  say(`  uploaded and verified (${uploaded.body.from} to ${uploaded.body.manifest.version}), installing`)
}

/** As the daemon leaves it to root. */
async function layBeforeRoot(machine: Appliance, bundle: string): Promise<void> {
  writeFileSync(at('parcel'), readFileSync(bundle))
  command('truncate', '-s', String(parcelBytes), at('parcel'))
  const part = '/var/lib/lanline/update/part'
  const { code, output } = await machine.vm.run(
    `install -d -o 700 -g 700 -m 700 /var/lib/lanline/update && head -c ${statSync(bundle).size} /dev/vdb >${part} && chown 700:700 ${part} && mv ${part} /var/lib/lanline/update/bundle`,
    300,
  )
  if (code !== 0) throw new Error(`the bundle was not laid: ${output}`)
  machine.vm.forgetShell()
  say('  laid before root, which verifies it')
}

/** Resolves when an update has ended, one way or the other; says what it passes through. */
async function ended(
  machine: Appliance,
  seconds: number,
): Promise<{ status: ToldStatus; state: UpdateState }> {
  const until = Date.now() + seconds * 1_000
  let before = ''
  while (Date.now() < until) {
    const state = await stateOf(machine)
    const phase = state?.status?.phase ?? 'silent'
    if (phase !== before) say(`  ${state?.version ?? ''} ${phase}`)
    before = phase
    const arrived = phase !== 'wentBack' || state?.slot !== state?.status?.slot
    const over = ['confirmed', 'wentBack', 'failed'].includes(phase) && !state!.trial && arrived
    if (over) return { status: state!.status!, state: state! }
    await pause(700)
  }
  throw new Error(
    `no end after ${seconds} s; the console says:\n${machine.vm.serial().split('\n').slice(-12).join('\n')}`,
  )
}

async function sameData(machine: Appliance, { data }: Prepared): Promise<void> {
  await machine.logIn(owner)
  const now = await dataOf(machine)
  if (now !== data) throw new Error(`data: ${now}\n  instead of ${data}`)
}

async function run(machine: Appliance, line: string): Promise<void> {
  const { code, output } = await machine.vm.run(line)
  if (code !== 0) throw new Error(`${line}: ${output}`)
}

const slotHash = async (machine: Appliance): Promise<string> => {
  const { output } = await machine.vm.run('head -c 67108864 /dev/vda3 | sha256sum', 300)
  return /[0-9a-f]{64}/.exec(output)?.[0] ?? `no hash: ${output}`
}

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`not so: ${what}`)
}

// The steps.

type Step = (prepared: Prepared) => Promise<string>
const steps = new Map<string, Step>()

steps.set('refused', async prepared => {
  const node = join(import.meta.dirname, '../node_modules/.bin/node')
  const make = (name: string, ...words: string[]): Buffer => {
    const main = join(import.meta.dirname, '../src/main.ts')
    command(node, main, 'update', 'make', at('root'), at(name), ...words)
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

steps.set('exits', prepared =>
  bad(prepared, '0.3.0', edit => {
    quickEnd(edit)
    migrates(edit)
    edit(main, onServe('process.exit(1)'))
  }),
)
steps.set('cannot-run', prepared =>
  bad(prepared, '0.3.1', edit => edit('usr/bin/lanline', () => '#!/bin/sh\nexit 1\n')),
)
steps.set('no-network', prepared =>
  bad(prepared, '0.3.3', edit => {
    quickEnd(edit)
    edit('etc/systemd/network/50-lanline.network', text => text.replace('Type=ether', 'Type=none'))
  }),
)
steps.set('unfenced', prepared =>
  // What is to watch the trial cannot be started as its unit asks for.
  bad(prepared, '0.3.4', edit =>
    edit('usr/lib/systemd/system/lanline-confirm.service', text =>
      text.replace('ReadWritePaths=', 'ReadWritePaths=/nowhere '),
    ),
  ),
)
steps.set('panics', prepared =>
  bad(
    prepared,
    '0.3.2',
    edit => edit('usr/lib/os-release', text => `${text}\n`),
    tree => {
      rmSync(join(tree, 'usr/lib/systemd/systemd'))
      cpSync(join(tree, 'usr/bin/true'), join(tree, 'usr/lib/systemd/systemd'))
    },
  ),
)
steps.set('hangs', prepared =>
  bad(prepared, '0.4.0', edit => {
    quickEnd(edit)
    edit(main, onServe('for (;;) {}'))
  }),
)
steps.set('stopped', prepared =>
  bad(prepared, '0.4.1', edit => {
    quickEnd(edit)
    edit(main, onServe("setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 12_000)"))
  }),
)
steps.set('never-well', prepared =>
  // As shipped: five minutes. The database is changed before.
  bad(prepared, '0.5.0', edit => {
    migrates(edit)
    edit('usr/lib/lanline/src/state.ts', text =>
      text.replace("sip: {\n        state: 'ok'", "sip: {\n        state: 'failed'"),
    )
  }),
)

/** Ends on the old version by itself, with all data. */
async function bad(
  prepared: Prepared,
  to: string,
  change: (edit: Change) => void,
  inTree?: (tree: string) => void,
): Promise<string> {
  const all = (edit: Change): void => {
    change(edit)
    inTree?.(at(`tree-${to}`))
  }
  const bundle = makeBundle(to, to, all, newer)
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
    cutBundle ??= makeBundle(
      'cut',
      '0.6.0',
      edit => {
        quickGood(edit)
        migrates(edit)
      },
      newer,
    )
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
  const change = (edit: Change): void => {
    quickGood(edit)
    migrates(edit)
  }
  const stick = stickWith(makeBundle('newer', '0.8.0', change, newer))
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
    await running?.vm.cut()
  }
} finally {
  await running?.vm.cut()
  rmSync(work, { recursive: true, force: true })
}
const width = Math.max(...results.map(([name]) => name.length))
process.stdout.write(
  `\n${results.map(([name, how, what]) => `${name.padEnd(width)}  ${how.padEnd(6)}  ${what}`).join('\n')}\n`,
)
process.exitCode = results.every(([, how]) => how === 'held') && results.length > 0 ? 0 : 1
