/**
 * What the steps of `image-build/test-update` work with: versions made of the image's own root file system, and a machine that
 * is prepared once, frozen as it runs, and gone on from in each step.
 */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrations } from '../../src/store/migrations.ts'
import type { ToldStatus, UpdateState } from '../../src/update/message.ts'
import { challengeOf, digest, RawPeer, type RequestParts, request } from '../../test/interop/raw-sip.ts'
import { newDisk } from '../vm.ts'
import { Appliance } from './appliance.ts'
import { type Change, changedTree } from './versions.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { key: { type: 'string' }, steady: { type: 'boolean' } },
})
export const [version = '', ...wanted] = positionals
const out = join(import.meta.dirname, '../out')
export const key = values.key ?? join(out, 'development-key.pem')
const built = join(out, `lanline-${version}-qemu-amd64.img`)
const squashfs = join(out, `lanline-${version}-root-amd64.squashfs`)
export const work = mkdtempSync(join(out, 'test-update.'))
export const at = (name: string): string => join(work, name)
/** Of one's own, since another build may replace it meanwhile. */
const image = at('image')
const password = 'ten letters or so'
const sipPassword = 'anna-anna'
export const owner = { user: 'olivia', password }
export const schema = migrations.length

const began = Date.now()
export const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${line}\n`)
export const command = (program: string, ...words: string[]): void =>
  void execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })

/** `lanline update make` of these sources. */
export function updateMake(root: string, bundle: string, ...words: string[]): void {
  const node = join(import.meta.dirname, '../../node_modules/.bin/node')
  command(node, join(import.meta.dirname, '../../src/main.ts'), 'update', 'make', root, bundle, ...words)
}

// Versions: the image's own root file system, changed.

export function makeBundle(name: string, to: string, change: Change, words: readonly string[] = []): string {
  const tree = at(`tree-${name}`)
  changedTree(at('tree'), tree, { from: version, to }, change)
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
  const signed = ['--key', key, '--arch', 'amd64', '--version', to, '--build', name]
  updateMake(root, bundle, ...signed, ...words)
  rmSync(root)
  return bundle
}

export const newer = ['--schema', String(schema + 1)]

// The machine: prepared once and frozen as it runs; each step goes on from a copy of that.

let running: Appliance | undefined

/** Whatever runs. */
export const cut = async (): Promise<void> => running?.vm.cut()

export interface Prepared {
  readonly directory: string
  readonly data: string
}

export async function start(
  directory: string,
  more: readonly string[] = [],
  slow = false,
): Promise<Appliance> {
  const throttle = slow ? ',throttling.bps-write=10000000' : ''
  const file = `file=${join(directory, 'card.qcow2')},format=qcow2,cache=none${throttle}`
  const drive = ['-drive', `if=none,id=card,${file}`]
  const parcel = `if=none,id=parcel,file=${at('parcel')},format=raw,readonly=on`
  const devices = ['-drive', parcel, '-device', 'virtio-blk-pci,drive=parcel', '-device', 'qemu-xhci,id=usb']
  // Translated on a busy machine, the kernel takes the late timer for a broken one and stops.
  const commandLine = 'no_timer_check'
  const countsInstructions = values.steady === true
  const all = { image, directory, drive, commandLine, countsInstructions, more: [...devices, ...more] }
  running = await Appliance.start(all)
  return running
}

/** A second disk, on which a bundle comes in faster than through an emulated machine's TLS. */
const parcelBytes = 160_000_000

/** As it was when it was frozen. */
export async function thawed(prepared: Prepared, name: string, slow = false): Promise<Appliance> {
  const directory = at(name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  copyFileSync(join(prepared.directory, 'card.qcow2'), join(directory, 'card.qcow2'))
  const machine = await start(directory, ['-loadvm', 'ready'], slow)
  await machine.untilWell(600)
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

export async function prepare(): Promise<Prepared> {
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
  const { version: first } = await machine.untilWell(1_800)
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

export const stateOf = async (machine: Appliance): Promise<UpdateState | undefined> => {
  const answer = await machine.ask('GET', '/update').catch(() => undefined)
  if (answer?.status === 401) await machine.logIn(owner).catch(() => {})
  return answer?.status === 200 ? (answer.body as UpdateState) : undefined
}

export async function upload(machine: Appliance, bundle: Uint8Array) {
  await machine.logIn(owner)
  return machine.ask('POST', '/update', bundle)
}

export async function install(machine: Appliance, bundle: string): Promise<void> {
  const uploaded = await upload(machine, readFileSync(bundle))
  if (uploaded.status !== 200) throw new Error(`upload: ${uploaded.status} ${JSON.stringify(uploaded.body)}`)
  const asked = await machine.ask('POST', '/update/install', {})
  if (asked.status !== 202) throw new Error(`install: ${asked.status} ${JSON.stringify(asked.body)}`)
  say(`  uploaded and verified (${uploaded.body.from} to ${uploaded.body.manifest.version}), installing`)
}

/** As the daemon leaves it to root. */
export async function layBeforeRoot(machine: Appliance, bundle: string): Promise<void> {
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
export async function ended(
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

export async function sameData(machine: Appliance, { data }: Prepared): Promise<void> {
  await machine.logIn(owner)
  const now = await dataOf(machine)
  if (now !== data) throw new Error(`data: ${now}\n  instead of ${data}`)
}

export async function run(machine: Appliance, line: string): Promise<void> {
  const { code, output } = await machine.vm.run(line)
  if (code !== 0) throw new Error(`${line}: ${output}`)
}

export const slotHash = async (machine: Appliance): Promise<string> => {
  const { output } = await machine.vm.run('head -c 67108864 /dev/vda3 | sha256sum', 300)
  return /[0-9a-f]{64}/.exec(output)?.[0] ?? `no hash: ${output}`
}

export const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`not so: ${what}`)
}
