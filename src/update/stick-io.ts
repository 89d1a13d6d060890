/** What lies on a stick that somebody brought: only its names and the signed beginnings of files are looked at. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { headOfFile } from './bundle-io.ts'
import { relationOf } from './codec.ts'
import { bootedOf, hasWorked, keysOf, statusOf } from './machine-io.ts'
import type { Places } from './places.ts'
import { told } from './trial.ts'

export interface StickOptions {
  readonly places: Places
  /** What runs. */
  readonly version: string
  readonly epoch: () => number
  /** Why a file is passed by. */
  readonly onTell: (line: string) => void
}

const filesLimit = 100

/** The newest update at the top of a stick; undefined: none is newer than what runs and is newer than what failed its trial here. */
export async function newestOn(directory: string, options: StickOptions): Promise<string | undefined> {
  const { places, version: running, epoch, onTell } = options
  // Files alone: a link may lead to any device of this machine, and a pipe has no end.
  const names = readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isFile() && /^lanline-.*\.update$/.test(entry.name))
    .map(({ name }) => name)
  const last = told(statusOf(places), { booted: bootedOf(places), worked: hasWorked(places), at: epoch() })
  let best: { readonly version: string; readonly file: string } | undefined
  for (const name of names.slice(0, filesLimit)) {
    const file = join(directory, name)
    try {
      const { version } = await headOfFile(file, keysOf(places))
      // Nor what is older than what failed: two that go back would take turns for ever.
      const failed = last?.phase === 'wentBack' && relationOf(version, last.to) !== 'newer'
      if (failed && relationOf(version, running) === 'newer')
        onTell(`${name}: was tried, and went back: ${last.why}`)
      else if (!failed && relationOf(version, best?.version ?? running) === 'newer') best = { version, file }
    } catch (error) {
      onTell(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return best?.file
}
