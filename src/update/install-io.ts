/**
 * What root does with an update: reads all of it and believes none of it until then, writes the slot that does not run,
 * reads that back, and lets it have its trial at the next start. A power cut at any moment leaves the slot that runs.
 */
import { createHash } from 'node:crypto'
import { createReadStream, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openBundle, verified } from './bundle-io.ts'
import { judge } from './codec.ts'
import {
  bootedOf,
  deviceOf,
  keysOf,
  type SlotDevice,
  stateOf,
  syncDirectory,
  takeAway,
  UpdateError,
  writeState,
  writeStatus,
} from './machine-io.ts'
import type { Booted, UpdateManifest, UpdateStatus } from './message.ts'
import type { Places } from './places.ts'
import { otherSlot, tryNext } from './slots.ts'

export interface InstallOptions {
  readonly places: Places
  /** The bundle. */
  readonly file: string
  /** Is gone when this ends, however it ends, so that it is not installed again and again. */
  readonly removeFile: boolean
  readonly version: string
  readonly architecture: string
  readonly schema: number
  readonly evenIfNotNewer: boolean
  readonly failedBefore: readonly string[]
  readonly epoch: () => number
  readonly onProgress: (phase: UpdateStatus['phase'], percent: number | undefined) => void
}

const chunkBytes = 1 << 20
/** A squashfs begins with its superblock. */
const firstBytes = 4_096

/** Resolves when the machine is to be started anew. Rejects with `UpdateError`: nothing that starts has changed. */
export async function install(options: InstallOptions): Promise<UpdateManifest> {
  try {
    return await installHere(options)
  } finally {
    if (options.removeFile) takeAway(options.file)
  }
}

async function installHere(options: InstallOptions): Promise<UpdateManifest> {
  const { places } = options
  const booted = bootedOf(places)
  if (booted === undefined) {
    throw new UpdateError(
      'notAnImage',
      'this machine was not started from a lanline image; lanline update status says how it is updated',
    )
  }
  const state = stateOf(places)
  // That this start was a trial is still told after its good end.
  if (state.trial !== undefined || (booted.trial && state.good !== booted.slot)) {
    throw new UpdateError('busy', 'another update is on trial; wait for its end, a few minutes')
  }
  const slot = otherSlot(booted.slot)
  const progress = new Progress(options, slot)
  try {
    const device = deviceOf(places, slot)
    if (device === undefined)
      throw new UpdateError('failed', `the partition of slot ${slot} is not to be found`)
    // Held open: what was verified is what is written, whatever becomes of its name.
    const bundle = await openBundle(options.file)
    try {
      return await carryOut(options, booted, device, bundle, progress)
    } finally {
      await bundle.close()
    }
  } catch (error) {
    const told = error instanceof UpdateError ? error : new UpdateError('failed', sentenceOf(error))
    progress.failed(told.message)
    throw told
  }
}

async function carryOut(
  options: InstallOptions,
  booted: Booted,
  device: SlotDevice,
  bundle: FileHandle,
  progress: Progress,
): Promise<UpdateManifest> {
  const { places } = options
  const keys = keysOf(places)
  const machine = { ...options, boot: booted.boot, slotBytes: device.bytes }
  const pass = () =>
    verified(chunksOf(bundle), keys, async manifest => judge(manifest, machine, options.evenIfNotNewer))
  let manifest: UpdateManifest | undefined
  for await (const part of pass()) {
    manifest = part.manifest
    progress.passed('verifying', manifest, part)
  }
  await write(device, pass(), progress)
  await readBack(places, device, manifest!, progress)
  // Before the state: with it written, the next start is a trial, and this must not be installed a second time.
  if (options.removeFile) {
    takeAway(options.file)
    syncDirectory(dirname(options.file))
  }
  writeState(places, tryNext(booted))
  progress.told('restarting')
  return manifest!
}

/**
 * Without its first block no start takes a slot for a root, not even when the good one cannot be read. So that goes first
 * and comes last: when all of it was what was signed.
 */
async function write(
  device: SlotDevice,
  parts: ReturnType<typeof verified>,
  progress: Progress,
): Promise<void> {
  const slot = await open(device.path, 'r+')
  try {
    await writeAll(slot, Buffer.alloc(firstBytes), 0)
    await slot.sync()
    const first: Uint8Array[] = []
    let at = 0
    for await (const part of parts) {
      if (part.of === 'root') {
        const held = part.bytes.subarray(0, Math.max(0, firstBytes - at))
        if (held.length > 0) first.push(held)
        await writeAll(slot, part.bytes.subarray(held.length), at + held.length)
        at += part.bytes.length
      }
      progress.passed('writing', part.manifest, part)
    }
    await slot.sync()
    await writeAll(slot, Buffer.concat(first), 0)
    await slot.sync()
  } finally {
    await slot.close()
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
  }
}

/** What the disk has, not what the system still holds of it in memory. */
async function readBack(
  places: Places,
  device: SlotDevice,
  manifest: UpdateManifest,
  progress: Progress,
): Promise<void> {
  try {
    writeFileSync(places.dropCaches, '1')
  } catch {
    // Then from memory; the slot's trial will tell.
  }
  const hash = createHash('sha256')
  const { rootBytes, rootSha256 } = manifest
  for await (const bytes of createReadStream(device.path, {
    end: rootBytes - 1,
    highWaterMark: chunkBytes,
  })) {
    hash.update(bytes as Uint8Array)
    progress.passed('checking', manifest, { of: 'root', bytes: bytes as Uint8Array })
  }
  if (hash.digest('hex') !== rootSha256) {
    throw new UpdateError('failed', 'the card did not keep what was written to it; it may be worn out')
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The card has enough to do: where it stands is written down in steps of so many percent. */
const stepPercent = 5

class Progress {
  readonly #options: InstallOptions
  readonly #slot: UpdateStatus['slot']
  #to = ''
  #phase: UpdateStatus['phase'] | undefined
  #bytes = 0
  #step = -1

  constructor(options: InstallOptions, slot: UpdateStatus['slot']) {
    this.#options = options
    this.#slot = slot
  }

  passed(
    phase: UpdateStatus['phase'],
    { version, rootBytes }: UpdateManifest,
    part: { readonly of: 'head' | 'root'; readonly bytes: Uint8Array },
  ): void {
    this.#to = version
    if (this.#phase !== phase) {
      this.#phase = phase
      this.#bytes = 0
      this.#step = -1
    }
    if (part.of === 'root') this.#bytes += part.bytes.length
    const percent = Math.floor((this.#bytes / rootBytes) * 100)
    if (Math.floor(percent / stepPercent) === this.#step) return
    this.#step = Math.floor(percent / stepPercent)
    this.#write(phase, percent)
  }

  told(phase: UpdateStatus['phase']): void {
    this.#write(phase, undefined)
  }

  failed(why: string): void {
    try {
      this.#write('failed', undefined, why)
    } catch {
      // A disk that takes nothing more: who called is told all the same.
    }
  }

  #write(phase: UpdateStatus['phase'], percent: number | undefined, why?: string): void {
    const { places, version, failedBefore, epoch, onProgress } = this.#options
    writeStatus(places, {
      ...{ phase, from: version, to: this.#to, slot: this.#slot, percent, why, failedBefore },
      at: epoch(),
    })
    onProgress(phase, percent)
  }
}

const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
