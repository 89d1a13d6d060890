/** What older versions left is carried over by every later one: people, devices, calls and traces, whole. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Passwords } from '../../src/admin/password.ts'
import type { Epoch } from '../../src/core/clock.ts'
import { digestHashes } from '../../src/store/credentials.ts'
import { databaseFile } from '../../src/store/database.ts'
import { essentialsFile } from '../../src/store/essentials.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { type Household, type Kept, keptDatabases, schemaOf } from './kept.ts'

const kept = keptDatabases()
const named = kept.map(one => [`schema ${one.schema}`, one] as const)

let directory: string
let store: Store | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-migrations-'))
})
afterEach(async () => {
  await store?.close()
  store = undefined
  rmSync(directory, { recursive: true, force: true })
})

function put({ sql }: Kept, file = databaseFile): void {
  const db = new Sqlite(join(directory, file))
  db.exec(sql)
  db.close()
}

const open = async ({ at }: Household): Promise<Store> => {
  store = await openStore(directory, () => at as Epoch)
  return store
}

/** As steps 1 to `schema` of today make it. */
function schemaAfter(schema: number) {
  const db = new Sqlite(':memory:')
  for (const step of migrations.slice(0, schema)) db.exec(step)
  const parts = schemaOf(db)
  db.close()
  return parts
}

it('the newest schema is kept: run test/store/keep-schema.ts with a new step', () => {
  expect(kept.at(-1)?.schema).toBe(migrations.length)
})

describe.each(named)('a database of %s', (_name, one) => {
  const { schema, household } = one

  it('is what the steps to it make to this day: none was changed afterwards', () => {
    put(one)
    const db = new Sqlite(join(directory, databaseFile))
    expect(schemaOf(db)).toEqual(schemaAfter(schema))
    expect(db.pragma('user_version', { simple: true })).toBe(schema)
    db.close()
  })

  it('becomes like one made today, with its registrations', async () => {
    put(one)
    await (await open(household)).close()
    store = undefined
    const db = new Sqlite(join(directory, databaseFile))
    expect(schemaOf(db)).toEqual(schemaAfter(migrations.length))
    expect(db.pragma('user_version', { simple: true })).toBe(migrations.length)
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(db.pragma('foreign_key_check')).toEqual([])
    const registered = db.prepare('select user from bindings order by user').pluck().all()
    expect(registered).toEqual([...household.registered].sort())
    db.close()
  })

  it('has its people, and each of them gets in as before', async () => {
    put(one)
    const { directory: people, settings } = await open(household)
    expect(settings.place()).toBe(household.place)
    const there = people.users().map(({ name, displayName, role }) => [name, { name: displayName, role }])
    expect(Object.fromEntries(there)).toEqual(household.people)
    const numbers = people.users().map(({ number }) => number)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.every(number => /^\d{2,6}$/.test(number))).toBe(true)
    for (const [user, token] of Object.entries(household.tokens)) {
      expect(people.byToken(token)?.user).toBe(user)
    }
    const { realm } = settings.identity()
    for (const [user, password] of Object.entries(household.sipPasswords)) {
      expect(people.byDigestUser(user)).toMatchObject({ user, ...digestHashes(user, realm, password) })
    }
    const { passwordHash } = people.owner()!
    expect(await new Passwords().verify(household.ownerPassword, passwordHash)).toBe(true)
  })

  it('has its open invitation and the guests with their time', async () => {
    put(one)
    const { directory: people } = await open(household)
    const guests = people.users().filter(({ role }) => role === 'guest')
    for (const { name } of guests) expect(people.staySeconds(name)).toBeGreaterThan(86_400)
    const { token, user } = household.invite
    const joined = await people.enrolByInvite(token, '', { name: 'new', kind: 'page' })
    expect(joined.device.user).toBe(user)
  })

  it('has its calls, with the events and what was concluded of them', async () => {
    put(one)
    const { calls, traces } = await open(household)
    const { calls: listed, total } = await calls.list({ limit: 500 })
    expect(total).toBe(Object.keys(household.calls).length)
    const there = await Promise.all(
      listed.map(async ({ id, callerUser, calleeUser, missed, outcome }) => {
        const events = await traces.events(id)
        expect(new Set(events.map(({ number }) => number)).size).toBe(events.length)
        const told = { caller: callerUser, callee: calleeUser, missed, path: outcome?.path ?? null }
        const summary = await traces.summary(id)
        if (summary !== undefined) expect(summary.verdict.path).toBe(outcome?.path)
        else expect(outcome?.path ?? 'unknown').toBe('unknown')
        return [id, { ...told, mos: outcome?.mos ?? null, events: events.length }]
      }),
    )
    expect(Object.fromEntries(there)).toEqual(household.calls)
    for (const { path } of new Set(Object.values(household.calls))) {
      if (path === null) continue
      const found = Object.entries(household.calls).filter(([, call]) => call.path === path)
      const { calls: filtered } = await calls.list({ limit: 500, path: path as 'direct' })
      expect(filtered.map(({ id }) => id).sort()).toEqual(found.map(([id]) => id).sort())
    }
  })

  it('takes the place of a damaged one', async () => {
    put(one, essentialsFile)
    writeFileSync(join(directory, databaseFile), 'no database '.repeat(1_000))
    const { directory: people } = await open(household)
    expect(
      people
        .users()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(household.people).sort())
  })
})

it('a step that fails leaves the database as it was before it', async () => {
  const one = kept[0]!
  put(one)
  const db = new Sqlite(join(directory, databaseFile))
  // In the way of the table that a later step makes.
  db.exec('create table incidents (key text)')
  db.close()
  await expect(openStore(directory)).rejects.toThrow('incidents')
  const left = new Sqlite(join(directory, databaseFile))
  left.exec('drop table incidents')
  left.close()
  expect((await open(one.household)).directory.users().length).toBe(Object.keys(one.household.people).length)
})
