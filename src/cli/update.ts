/** Updates of an image: what one is, root's part of installing it, and its trial. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Health, Network } from '../admin/message.ts'
import { realClock } from '../runtime/clock.ts'
import { freeBytesIn } from '../runtime/disk.ts'
import { keepTrialCopy, trialCopyIn } from '../store/copies.ts'
import { migrations } from '../store/migrations.ts'
import { headOfFile, makeBundle, verifyFile } from '../update/bundle-io.ts'
import { trustedKeys } from '../update/codec.ts'
import { confirmTrial } from '../update/confirm-io.ts'
import { install } from '../update/install-io.ts'
import { Updates } from '../update/io.ts'
import { architectureOf, keysOf, takeAway, UpdateError } from '../update/machine-io.ts'
import { type Architecture, architectures, type UpdateManifest, type UpdateState } from '../update/message.ts'
import { type Places, placesUnder, waiting } from '../update/places.ts'
import { newestOn } from '../update/stick-io.ts'
import { failedParts, type HealthLook, networkPart } from '../update/trial.ts'
import { api, NotRunning } from './api.ts'
import { type Command, CommandError, type Invocation, moment, UsageError } from './command.ts'
import { ownVersion } from './version.ts'

export const updateMake: Command = {
  name: 'update make',
  usage: '<root.squashfs> <out.update> --key FILE --arch ARCH [--version V] [--build TEXT] [--boot N]',
  about: 'makes an update of a root file system, signed with an Ed25519 private key (PEM)',
  words: [2, 2],
  options: {
    ...{ key: { type: 'string' }, arch: { type: 'string' }, version: { type: 'string' } },
    ...{ build: { type: 'string' }, boot: { type: 'string' }, schema: { type: 'string' } },
  },
  run: async call => {
    const [root, to] = call.words as [string, string]
    const { key, arch, version, build, boot, schema } = call.options
    const architecture = architectures.find(known => known === arch)
    if (typeof key !== 'string' || architecture === undefined) {
      throw new UsageError(`update make needs --key FILE and --arch ${architectures.join('|')}`)
    }
    const made = await saying(
      makeBundle(root, to, key, {
        ...{ version: String(version ?? ownVersion()), build: String(build ?? ''), architecture },
        ...{ schema: Number(schema ?? migrations.length), boot: Number(boot ?? 1), createdAt: Date.now() },
      }),
    )
    call.print(made, () => `${to}: ${linesOf(made).join('\n')}`)
  },
}

const keyOption = { key: { type: 'string' } } as const

/** Says what an update is, by as much of it as `read` looks at. */
const saysWhat = (
  read: typeof headOfFile,
  conclusion: readonly string[],
): Pick<Command, 'usage' | 'words' | 'options' | 'run'> => ({
  usage: '<file> [--key PUBLIC_KEY.pem]',
  words: [1, 1],
  options: keyOption,
  run: async call => {
    const manifest = await saying(read(call.words[0]!, keysFor(call)))
    call.print(manifest, () => [...linesOf(manifest), ...conclusion].join('\n'))
  },
})

export const updateVerify: Command = {
  name: 'update verify',
  about: 'reads an update to its end and says what it is, and whether it is whole and signed',
  ...saysWhat(verifyFile, ['signed and whole']),
}

export const updateShow: Command = {
  name: 'update show',
  about: 'says what an update is, by its signed beginning',
  ...saysWhat(headOfFile, []),
}

export const updateStatus: Command = {
  name: 'update status',
  usage: '',
  about: 'which version runs, how it is updated here, and how the last update went',
  run: async call => {
    const state = await api<UpdateState>(call.config, 'GET', '/update').catch(error => {
      if (error instanceof NotRunning) return withoutDaemon(call).state()
      throw error
    })
    call.print(state, () => statusLines(state).join('\n'))
  },
}

export const updateInstall: Command = {
  name: 'update install',
  usage: '[file] [--even-if-not-newer]',
  about: 'writes an update to the slot that does not run and starts it; as root, on an image',
  words: [0, 1],
  options: { 'even-if-not-newer': { type: 'boolean' } },
  run: async call => {
    const directory = join(call.config.data.dir, waiting.directory)
    const word = join(directory, waiting.evenIfNotNewer)
    const file = call.words[0] ?? join(directory, waiting.bundle)
    const isWaiting = call.words.length === 0
    if (!existsSync(file)) {
      throw new CommandError(isWaiting ? 'no update waits; give a file' : `there is no file ${file}`)
    }
    const evenIfNotNewer = call.options['even-if-not-newer'] === true || (isWaiting && existsSync(word))
    if (isWaiting) takeAway(word)
    await installFile(call, file, { removeFile: isWaiting, evenIfNotNewer })
  },
}

export const updateStick: Command = {
  name: 'update stick',
  usage: '<directory>',
  about: 'installs the newest update that lies at the top of a stick, if it is newer than what runs',
  words: [1, 1],
  run: async call => {
    const found = await newestOn(call.words[0]!, {
      ...{ places: placesOf(call), version: ownVersion(), epoch: realClock.epoch },
      onTell: line => process.stderr.write(`${line}\n`),
    })
    if (found === undefined) return call.print({ found: false }, () => 'no newer update is on this stick')
    await installFile(call, found, { removeFile: false, evenIfNotNewer: false })
  },
}

export const updateConfirm: Command = {
  name: 'update confirm',
  usage: '',
  about:
    'waits until a new version is well and keeps it, or brings back the one before; as root, on an image',
  run: async call => {
    const { dir } = call.config.data
    const outcome = await confirmTrial({
      ...{ places: placesOf(call), version: ownVersion(), monotonic: realClock.monotonic },
      ...{ epoch: realClock.epoch, pause },
      health: () => healthOf(call),
      keepCopy: () => trialCopyIn(dir) && keepTrialCopy(dir, new Date()),
      onTell: line => process.stderr.write(`${line}\n`),
    })
    call.print({ outcome }, () => ({ notOnTrial, confirmed, givenUp })[outcome])
    if (outcome === 'givenUp') await restartMachine()
  },
}

const notOnTrial = 'this version is not on trial'
const confirmed = 'this version is good and stays'
const givenUp = 'this version is not well: the one before starts now'

async function installFile(
  call: Invocation,
  file: string,
  how: { readonly removeFile: boolean; readonly evenIfNotNewer: boolean },
): Promise<void> {
  const manifest = await saying(
    install({
      ...{ places: placesOf(call), file, version: ownVersion(), schema: migrations.length, ...how },
      architecture: architectureOf(process.arch),
      failedBefore: failedParts(await healthOf(call)),
      epoch: realClock.epoch,
      onProgress: (phase, percent) =>
        process.stderr.write(percent === undefined ? `${phase}\n` : `${phase} ${percent} %\n`),
    }),
  )
  call.print(manifest, () => `lanline ${manifest.version} is written; this machine starts anew with it now`)
  await restartMachine()
}

async function healthOf({ config }: Invocation): Promise<HealthLook | undefined> {
  try {
    const { version, parts } = await api<Health>(config, 'GET', '/health')
    const { addresses } = await api<Network>(config, 'GET', '/network')
    return { version, parts: { ...parts, network: networkPart(addresses) } }
  } catch {
    return undefined
  }
}

const placesOf = (call: Invocation): Places => placesUnder(call.environment.LANLINE_APPLIANCE_ROOT)

function keysFor(call: Invocation) {
  const file = call.options.key
  if (typeof file !== 'string') {
    const keys = keysOf(placesOf(call))
    if (keys.length > 0) return keys
    throw new CommandError('this machine has no key of its own for updates; give one: --key PUBLIC_KEY.pem')
  }
  const keys = existsSync(file) ? trustedKeys(readFileSync(file, 'utf8')) : []
  if (keys.length === 0) throw new CommandError(`${file} holds no Ed25519 public key (PEM)`)
  return keys
}

const withoutDaemon = (call: Invocation): Updates =>
  new Updates({
    ...{ places: placesOf(call), dataDirectory: call.config.data.dir, version: ownVersion() },
    ...{ architecture: architectureOf(process.arch), schema: migrations.length, epoch: realClock.epoch },
    programDirectory: join(import.meta.dirname, '../..'),
    freeBytes: () => freeBytesIn(call.config.data.dir),
    mayGoBack: () => trialCopyIn(call.config.data.dir) !== undefined,
  })

async function restartMachine(): Promise<void> {
  await promisify(execFile)('systemctl', ['reboot']).catch(error => {
    throw new CommandError(`start this machine anew by hand: ${error.message}`)
  })
}

function saying<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch(error => {
    if (error instanceof UpdateError) throw new CommandError(error.message)
    if (error instanceof Error && 'code' in error) throw new CommandError(error.message)
    throw error
  })
}

function linesOf({ version, build, architecture, rootBytes, createdAt }: UpdateManifest): string[] {
  const of: Readonly<Record<Architecture, string>> = { arm64: 'Raspberry Pi (arm64)', amd64: 'amd64' }
  return [
    `lanline ${version}${build === '' ? '' : ` (${build})`} for ${of[architecture]}`,
    `made ${moment(createdAt)}, ${Math.ceil(rootBytes / 1_000_000)} MB`,
  ]
}

const installations: Readonly<Record<UpdateState['installation'], string>> = {
  image: 'updated by a file: lanline-….update',
  package: 'updated by its package: apt install ./lanline_….deb',
  source: 'updated in its checkout: git pull, then start it anew',
}

function statusLines({ version, installation, slot, trial, ready, status }: UpdateState): string[] {
  const where = slot === undefined ? '' : ` in slot ${slot}`
  const why = status?.why === undefined ? '' : `: ${status.why}`
  return [
    `lanline ${version}${where}${trial ? ', on trial' : ''}; ${installations[installation]}`,
    ...(ready === undefined ? [] : [`uploaded, not installed: lanline ${ready.manifest.version}`]),
    ...(status === undefined
      ? []
      : [`last update ${moment(status.at)}: ${status.from} to ${status.to}, ${status.phase}${why}`]),
  ]
}
