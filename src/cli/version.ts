import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './command.ts'

/** The version in package.json, the only place it is written. */
export function ownVersion(): string {
  const file = join(import.meta.dirname, '../../package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

export const version: Command = {
  name: 'version',
  usage: '',
  about: 'prints the version',
  run: async call => {
    const versions = { lanline: ownVersion(), node: process.version.slice(1) }
    call.print(versions, () => `lanline ${versions.lanline} (node ${versions.node})`)
  },
}
