import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { damagedFile } from '../../src/core/damaged.ts'
import { essentialsFile, touchesEssentials } from '../../src/store/essentials.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openStore, type Store } from '../../src/store/store.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'lanline-essentials-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const file = (name: string): string => join(path, name)
const database = 'lanline.db'

/** Some people, one with a device; the store is closed again. */
async function household(): Promise<{ readonly token: string; readonly before: unknown }> {
  const store = await openStore(path)
  const { token } = await store.directory.claim({
    ...{ displayName: 'Olivia', place: 'Home', passwordHash: 'scrypt' },
    device: { name: 'Page', kind: 'page' },
  })
  await store.directory.addUser({ name: 'bob', displayName: 'Bob', sipPassword: 'secret phone' })
  await store.directory.addInvite('bob', 3_600_000)
  const before = essentialsOf(store)
  await store.close()
  return { token, before }
}

const essentialsOf = ({ directory, settings }: Store) => ({
  users: directory.users(),
  devices: directory.devices(),
  invites: directory.invites(),
  place: settings.place(),
  identity: settings.identity(),
  traceKey: settings.traceKey(),
})

/** What a page of a card that went bad does to it. */
function damage(name: string): void {
  const bytes = readFileSync(file(name))
  bytes.fill(0xa5, 4_096, 3 * 4_096)
  writeFileSync(file(name), bytes)
}

function leftByNewer(): void {
  const kept = new Sqlite(file(essentialsFile))
  kept.pragma(`user_version = ${migrations.length + 1}`)
  kept.close()
}

describe('a database that is damaged', () => {
  it.each([
    ['pages of it', () => damage(database)],
    ['its end', () => truncateSync(file(database), 3 * 4_096)],
    ['its head', () => writeFileSync(file(database), 'something else altogether')],
    ['all of it, by a power cut', () => truncateSync(file(database), 0)],
  ])('gives way to people, devices and keys as they were: %s', async (_what, harm) => {
    const { token, before } = await household()
    harm()
    const harmed = readFileSync(file(database))
    const store = await openStore(path)
    expect(essentialsOf(store)).toEqual(before)
    expect(store.directory.byToken(token)?.user).toBe('olivia')
    // It is a database like any other, and what it replaced is kept for whoever can read it.
    await store.directory.addUser({ name: 'carol' })
    await store.close()
    expect(readFileSync(file(damagedFile))).toEqual(harmed)
    const again = await openStore(path)
    expect(again.directory.users().map(({ name }) => name)).toEqual(['bob', 'carol', 'olivia'])
    await again.close()
  })

  it('is said, and nothing is touched, where there is nothing to go on with', async () => {
    await household()
    damage(database)
    damage(essentialsFile)
    const harmed = readFileSync(file(database))
    await expect(openStore(path)).rejects.toMatchObject({ code: 'corrupt' })
    rmSync(file(essentialsFile))
    await expect(openStore(path)).rejects.toMatchObject({ code: 'corrupt' })
    expect(readFileSync(file(database))).toEqual(harmed)
    expect(existsSync(file(damagedFile))).toBe(false)
  })

  it('does not give way to what only a newer lanline can read', async () => {
    await household()
    // As one leaves them whose trial failed, where it did no more than add a table.
    leftByNewer()
    damage(database)
    const harmed = readFileSync(file(database))
    await expect(openStore(path)).rejects.toMatchObject({ code: 'corrupt' })
    expect(readFileSync(file(database))).toEqual(harmed)
  })

  it('of before gives way to the next', async () => {
    await household()
    for (const word of ['first', 'second']) {
      writeFileSync(file(database), `${word} ${'x'.repeat(5_000)}`)
      await (await openStore(path)).close()
      expect(readFileSync(file(damagedFile), 'utf8')).toMatch(new RegExp(`^${word} `))
    }
  })
})

describe('the essentials', () => {
  it('are ours alone, hold no calls, and are written where something changed', async () => {
    await household()
    expect(statSync(file(essentialsFile)).mode & 0o777).toBe(0o600)
    const written = () => statSync(file(essentialsFile)).mtimeMs
    const first = written()
    const store = await openStore(path)
    await store.directory.seen(store.directory.devices()[0]!.id)
    await store.close()
    expect(written()).toBe(first)
    const next = await openStore(path)
    await next.directory.removeUser('bob')
    await next.close()
    expect(written()).not.toBe(first)
    const kept = new Sqlite(file(essentialsFile), { readonly: true })
    expect(kept.prepare('select name from users').pluck().all()).toEqual(['olivia'])
    expect(kept.prepare('select count(*) from invites').pluck().get()).toBe(0)
    kept.close()
  })

  it('of a newer lanline are written anew, though nobody has changed', async () => {
    const { before } = await household()
    leftByNewer()
    await (await openStore(path)).close()
    damage(database)
    const store = await openStore(path)
    expect(essentialsOf(store)).toEqual(before)
    await store.close()
  })

  it('are none while nobody has joined', async () => {
    await (await openStore(path)).close()
    expect(existsSync(file(essentialsFile))).toBe(false)
  })

  it.each([
    ['insert into users values (?)', true],
    ['update settings set value = ?', true],
    ['delete from devices where id = ?', true],
    ['insert into invites values (?)', true],
    ['insert into calls values (?)', false],
    ['insert or replace into bindings values (?)', false],
  ])('may be changed by: %s', (sql, may) => {
    expect(touchesEssentials(sql)).toBe(may)
  })
})
