/**
 * The daemon's part: takes a bundle in, verifies all of it, tells what it is, and lays it where root finds it. Writes in
 * the data directory only; slots and their state it can read, not change.
 */
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { headOfFile, verified } from './bundle-io.ts'
import { judge, relationOf } from './codec.ts'
import {
  bootedOf,
  deviceOf,
  hasWorked,
  keysOf,
  stateOf,
  statusOf,
  syncDirectory,
  UpdateError,
} from './machine-io.ts'
import type { Booted, Installation, Machine, ReadyUpdate, UpdateManifest, UpdateState } from './message.ts'
import { type Places, waiting } from './places.ts'
import { otherSlot } from './slots.ts'
import { told } from './trial.ts'

export interface UpdatesOptions {
  readonly places: Places
  readonly dataDirectory: string
  readonly version: string
  readonly architecture: string
  readonly schema: number
  /** Where this program lies. */
  readonly programDirectory: string
  readonly epoch: () => number
  /** In the data directory. */
  readonly freeBytes: () => number
  /** Whether a copy of the database lies ready to come back, should the trial fail. */
  readonly mayGoBack: () => boolean
}

/** Left for calls, people and the log while a bundle lies here. */
const spareBytes = 64_000_000

export class Updates {
  readonly #options: UpdatesOptions
  readonly #booted: Booted | undefined
  readonly #directory: string
  #isBusy = false

  constructor(options: UpdatesOptions) {
    this.#options = options
    this.#booted = bootedOf(options.places)
    this.#directory = join(options.dataDirectory, waiting.directory)
    // What an end in the middle of an upload has left, or root has put aside.
    for (const name of existsSync(this.#directory) ? readdirSync(this.#directory) : []) {
      if (name.startsWith(waiting.incoming)) rmSync(this.#at(name), { recursive: true, force: true })
    }
  }

  /** This version is on trial. */
  get onTrial(): boolean {
    return this.#booted?.trial === true && stateOf(this.#options.places).trial !== undefined
  }

  /** On trial with a database that the version before cannot read: what is changed now goes if the trial fails. */
  get changesWait(): boolean {
    return this.#booted?.trial === true && this.#options.mayGoBack() && this.onTrial
  }

  async state(): Promise<UpdateState> {
    const { places, version, epoch } = this.#options
    const now = { booted: this.#booted, worked: hasWorked(places), at: epoch() }
    return {
      ...{ installation: this.#installation(), version, slot: this.#booted?.slot },
      ...{ trial: this.onTrial, changesWait: this.changesWait, ready: await this.#ready() },
      status: this.#booted && told(statusOf(places), now),
    }
  }

  /** Takes a bundle in and verifies all of it. Throws `UpdateError`, or what the upload does. */
  async take(chunks: AsyncIterable<Uint8Array>): Promise<ReadyUpdate> {
    if (this.#isBusy) throw new UpdateError('busy', 'another update is being uploaded; try again in a moment')
    this.#isBusy = true
    const incoming = this.#at(waiting.incoming)
    try {
      this.#mayTake()
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
      const manifest = await this.#takeIn(chunks, incoming)
      renameSync(incoming, this.#at(waiting.ready))
      return this.#readyOf(manifest)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOSPC') throw noRoom()
      throw error
    } finally {
      await rm(incoming, { force: true })
      this.#isBusy = false
    }
  }

  /** Root takes it from here. Throws `UpdateError`; false: nothing was taken in. */
  async install(evenIfNotNewer: boolean): Promise<boolean> {
    const ready = await this.#ready()
    if (ready === undefined) return false
    this.#mayTake()
    const refusal = judge(ready.manifest, this.#machine(), evenIfNotNewer)
    if (refusal !== undefined) throw new UpdateError(refusal.problem, refusal.sentence)
    const word = this.#at(waiting.evenIfNotNewer)
    if (evenIfNotNewer) writeFileSync(word, '')
    else rmSync(word, { force: true })
    renameSync(this.#at(waiting.ready), this.#at(waiting.bundle))
    syncDirectory(this.#directory)
    return true
  }

  /** By another thread: what a large file held takes the system longer than a packet may wait. */
  forget(): Promise<void> {
    return rm(this.#at(waiting.ready), { force: true })
  }

  async #takeIn(chunks: AsyncIterable<Uint8Array>, to: string): Promise<UpdateManifest> {
    let manifest: UpdateManifest | undefined
    // Only one lies here, and its head is good before the one before it goes.
    const accept = async (read: UpdateManifest) => {
      const refusal = judge(read, this.#machine(), true)
      if (refusal !== undefined) return refusal
      // It is as long as was signed, or it is refused; how long the upload says it is counts for nothing.
      if (this.#options.freeBytes() < read.rootBytes + spareBytes) throw noRoom(read.rootBytes)
      await this.forget()
      return undefined
    }
    const keys = keysOf(this.#options.places)
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const part of verified(chunks, keys, accept)) {
        manifest = part.manifest
        yield part.bytes
      }
    }
    await pipeline(bytes, createWriteStream(to, { mode: 0o600 }))
    const file = await open(to, 'r+')
    await file.sync()
    await file.close()
    return manifest!
  }

  #mayTake(): void {
    if (this.#booted === undefined) {
      throw new UpdateError(
        'notAnImage',
        'this lanline is no image: update it by its package, or in its checkout (Settings says how)',
      )
    }
    if (this.onTrial) throw new UpdateError('busy', 'an update is on trial; wait for its end, a few minutes')
    if (existsSync(this.#at(waiting.bundle))) throw new UpdateError('busy', 'an update is being installed')
  }

  async #ready(): Promise<ReadyUpdate | undefined> {
    const path = this.#at(waiting.ready)
    if (!existsSync(path)) return undefined
    try {
      return this.#readyOf(await headOfFile(path, keysOf(this.#options.places)))
    } catch {
      return undefined
    }
  }

  #readyOf(manifest: UpdateManifest): ReadyUpdate {
    const { version: from } = this.#options
    return { manifest, from, relation: relationOf(manifest.version, from) }
  }

  #machine(): Machine {
    const { version, architecture, schema, places } = this.#options
    const slotBytes = this.#booted && deviceOf(places, otherSlot(this.#booted.slot))?.bytes
    return { version, architecture, schema, boot: this.#booted?.boot ?? 0, slotBytes }
  }

  #installation(): Installation {
    if (this.#booted !== undefined) return 'image'
    return this.#options.programDirectory.startsWith('/usr/lib/') ? 'package' : 'source'
  }

  #at(name: string): string {
    return join(this.#directory, name)
  }
}

const noRoom = (bytes?: number): UpdateError => {
  const needed = bytes === undefined ? '' : ` (${Math.ceil((bytes + spareBytes) / 1_000_000)} MB are needed)`
  return new UpdateError(
    'noRoom',
    `there is too little room for this update${needed}; remove old calls, or use a larger card`,
  )
}
