/** Looks into the data partition that a cut left: heals it as the first steps of a start do, then looks whether all is whole. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Database, databaseFile } from '../../src/store/database.ts'
import { openStore } from '../../src/store/store.ts'

export interface Inspection {
  /** What is not whole. */
  readonly damage: readonly string[]
  /** By the ledger's keys; empty when nothing could be read. */
  readonly found: ReadonlyMap<string, string>
}

/** `e2fsck -p` could not do it without losing something (e2fsck(8), exit code). */
const notHealed = 4

/** Works in `directory`, which is made anew; `partition` is changed. */
export async function inspect(partition: string, directory: string): Promise<Inspection> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const healed = await run('e2fsck', ['-p', partition])
  if (healed.code >= notHealed) return { damage: [`e2fsck -p: ${healed.text}`], found: new Map() }
  const damage: string[] = []
  if (/with errors|UNEXPECTED/.test(healed.text)) damage.push(`e2fsck -p: ${healed.text}`)
  const checked = await run('e2fsck', ['-f', '-n', partition])
  if (checked.code !== 0) damage.push(`e2fsck -f -n: ${checked.text}`)
  const dumped = await run('debugfs', ['-R', `rdump / ${directory}`, partition])
  if (dumped.code !== 0) return { damage: [...damage, `debugfs: ${dumped.text}`], found: new Map() }
  damage.push(...smallFiles(directory))
  try {
    const found = await household(join(directory, 'lanline'))
    const machine = join(directory, 'identity/machine-id')
    if (existsSync(machine)) found.set('identity:machine-id', hash(readFileSync(machine, 'latin1')))
    return { damage, found }
  } catch (error) {
    return { damage: [...damage, String(error)], found: new Map() }
  }
}

/** Files that are replaced as a whole must be the old or the new one. */
function smallFiles(directory: string): string[] {
  const shapes: readonly (readonly [string, RegExp])[] = [
    ['slots/state', /^good=[ab]\n(next=[ab]\ntries=\d\n)?$/],
    ['identity/machine-id', /^[0-9a-f]{32}\n$/],
  ]
  return shapes.flatMap(([name, shape]) => {
    const file = join(directory, name)
    if (!existsSync(file)) return []
    const text = readFileSync(file, 'latin1')
    return shape.test(text) ? [] : [`${name}: ${JSON.stringify(text.slice(0, 200))}`]
  })
}

/** With the program's own code; throws when the database is damaged. Empty where the program never ran. */
export async function household(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  if (!existsSync(join(directory, databaseFile))) return found
  const store = await openStore(directory)
  for (const user of store.directory.users()) found.set(`person:${user.name}`, user.displayName)
  for (const device of store.directory.devices()) found.set(`device:${device.id}`, device.user)
  const place = store.settings.place()
  if (place !== undefined) found.set('setting:place', place)
  await store.close()
  const database = new Database(directory)
  try {
    const read = (sql: string) => database.read({ sql, values: [] })
    const [verdict] = read('pragma integrity_check')
    if (verdict?.integrity_check !== 'ok') throw new Error(`integrity_check: ${verdict?.integrity_check}`)
    if (read('pragma foreign_key_check').length > 0)
      throw new Error('foreign_key_check: rows without parents')
    for (const { contact, user } of read('select contact, user from bindings'))
      found.set(`binding:${/^<?sips?:([^@]+)@/.exec(String(contact))?.[1]}`, String(user))
    for (const { id, ended_at } of read('select id, ended_at from calls'))
      found.set(`call:${id}`, ended_at === null ? 'open' : 'ended')
    // Never changed again: whoever trusts the appliance trusts these.
    for (const key of ['realm', 'tokenKey', 'authority.root', 'authority.intermediate']) {
      const [row] = read(`select value from settings where key = '${key}'`)
      if (row !== undefined) found.set(`identity:${key}`, hash(String(row.value)))
    }
  } finally {
    database.close()
  }
  return found
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

function run(program: string, words: readonly string[]): Promise<{ code: number; text: string }> {
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  return new Promise(resolve =>
    execFile(program, words, { env: environment, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127
      resolve({ code, text: `${stdout}${stderr}`.trim().slice(-2_000) })
    }),
  )
}
