/** A copy of the database before a new version changes it, and the two ways back. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acceptCopy, applyBackup } from '../../src/backup/backup.ts'
import { silent } from '../../src/core/log.ts'
import { openData } from '../../src/loading.ts'
import { copiesIn, copyLimits, keepTrialCopy, trialCopyIn } from '../../src/store/copies.ts'
import { essentialsFile } from '../../src/store/essentials.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/store.ts'

const newest = migrations.length
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-copies-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const database = () => new Sqlite(join(directory, 'lanline.db'))
const schemaNow = (): number => {
  const db = database()
  const schema = Number(db.pragma('user_version', { simple: true }))
  db.close()
  return schema
}

/** As an older version left it: the first so many steps, and a person. */
function leftByOlder(schema: number, person: string): void {
  const db = database()
  for (const step of migrations.slice(0, schema)) db.exec(step)
  db.pragma(`user_version = ${schema}`)
  db.exec("insert into settings values ('realm', 'lanline-0123456789ab')")
  db.prepare("insert into users (name, display_name, role, created_at) values (?, ?, 'member', 1)").run(
    person,
    person,
  )
  db.close()
}

/** As a newer version left it. */
function changedByNewer(person: string): void {
  const db = database()
  db.prepare("insert into users (name, display_name, role, created_at) values (?, ?, 'member', 1)").run(
    person,
    person,
  )
  db.pragma(`user_version = ${newest + 1}`)
  db.close()
}

const openTrial = () => openStore(directory, undefined, undefined, true)
const peopleOf = async (): Promise<string[]> => {
  const store = await openStore(directory)
  const names = store.directory.users().map(({ name }) => name)
  await store.close()
  return names
}

describe('before a database is changed', () => {
  it('a copy is made that only its owner reads, and that holds it as it was', async () => {
    leftByOlder(newest - 1, 'alice')
    expect(await peopleOf()).toEqual(['alice'])
    expect(schemaNow()).toBe(newest)
    const [copy, ...others] = copiesIn(directory)
    expect(others).toEqual([])
    expect(copy).toMatchObject({ schema: newest - 1, madeAt: expect.stringMatching(/^\d{4}-/) })
    expect(statSync(join(directory, copy!.name)).mode & 0o077).toBe(0)
    const db = new Sqlite(join(directory, copy!.name), { readonly: true })
    expect(db.pragma('user_version', { simple: true })).toBe(newest - 1)
    expect(db.prepare('select name from users').pluck().all()).toEqual(['alice'])
    db.close()
  })

  it('none is made of one that is new or already as it should be', async () => {
    await (await openStore(directory)).close()
    await (await openStore(directory)).close()
    expect(copiesIn(directory)).toEqual([])
  })

  it('the last two are kept', async () => {
    for (const schema of [newest - 3, newest - 2, newest - 1]) {
      rmSync(join(directory, 'lanline.db'), { force: true })
      leftByOlder(schema, 'alice')
      await (await openStore(directory)).close()
    }
    expect(copiesIn(directory).map(({ schema }) => schema)).toEqual([newest - 1, newest - 2])
    expect(copyLimits.kept).toBe(2)
  })
})

/** A disk of 64 MB of its own: root alone may mount one. */
const mayMount = process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0

describe.skipIf(!mayMount)('on a small disk (needs root, to mount one)', () => {
  it('what a copy that was cut off has left takes no room from the next', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', directory])
    try {
      leftByOlder(newest - 2, 'alice')
      await (await openStore(directory)).close()
      rmSync(join(directory, 'lanline.db'))
      leftByOlder(newest - 1, 'alice')
      writeFileSync(join(directory, 'lanline-schema-copy.part'), Buffer.alloc(40_000_000))
      await (await openStore(directory)).close()
      expect(copiesIn(directory).map(({ schema }) => schema)).toEqual([newest - 1, newest - 2])
      expect(readdirSync(directory).filter(name => name.endsWith('.part'))).toEqual([])
    } finally {
      execFileSync('umount', [directory])
    }
  })
})

describe('a newer database', () => {
  it('is refused with the file and the command that go back, which loses only what came since', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openStore(directory)).close()
    changedByNewer('later')
    const [{ name } = { name: '' }] = copiesIn(directory)
    await expect(openStore(directory)).rejects.toMatchObject({
      code: 'newer',
      message: expect.stringContaining(`lanline backup restore-copy ${name}`),
    })
    const place = { dataDirectory: directory, version: '0.1.0', schema: newest, freeBytes: () => 1e12 }
    expect(await acceptCopy(place, name)).toMatchObject({ users: 1 })
    expect(applyBackup(directory)).toBe(true)
    expect(await peopleOf()).toEqual(['alice'])
    expect(readdirSync(directory)).toContain('before-restore.db')
  })

  it('without a copy is refused with the word about a backup', async () => {
    await (await openStore(directory)).close()
    changedByNewer('later')
    await expect(openStore(directory)).rejects.toMatchObject({
      message: expect.stringContaining('lanline restore <file>'),
    })
    const place = { dataDirectory: directory, version: '0.1.0', schema: newest, freeBytes: () => 1e12 }
    await expect(acceptCopy(place, 'none.db')).rejects.toMatchObject({ code: 'notABackup' })
  })
})

describe('a version on trial that changed the database', () => {
  const start = (change: object = {}) =>
    openData(directory, silent, { image: true, onTrial: false, ...change })

  it('and failed: the version before finds the database as it left it', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openTrial()).close()
    // A second try keeps the copy of the first.
    const first = trialCopyIn(directory)
    changedByNewer('lost')
    expect(first).toMatchObject({ schema: newest - 1, madeAt: undefined })
    const store = await start()
    expect(store.directory.users().map(({ name }) => name)).toEqual(['alice'])
    await store.close()
    expect(trialCopyIn(directory)).toBeUndefined()
    expect(readdirSync(directory)).toContain('before-restore.db')
  })

  it('and failed, its card too: the version before finds the copy, not the pages of a newer one', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openTrial()).close()
    changedByNewer('lost')
    const essentials = new Sqlite(join(directory, essentialsFile))
    essentials.pragma(`user_version = ${newest + 1}`)
    essentials.close()
    const database = join(directory, 'lanline.db')
    writeFileSync(database, readFileSync(database).fill(0xa5, 4_096, 3 * 4_096))
    const store = await start()
    expect(store.directory.users().map(({ name }) => name)).toEqual(['alice'])
    await store.close()
  })

  it('does not go back by itself, nor where this is no image', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openTrial()).close()
    changedByNewer('lost')
    await expect(start({ onTrial: true })).rejects.toMatchObject({ code: 'newer' })
    await expect(start({ image: false })).rejects.toMatchObject({ code: 'newer' })
    expect(trialCopyIn(directory)).toBeDefined()
  })

  it('and was good: its copy is kept as any other, and never comes back by itself', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openTrial()).close()
    keepTrialCopy(directory, new Date())
    expect(trialCopyIn(directory)).toBeUndefined()
    expect(copiesIn(directory)).toHaveLength(1)
    changedByNewer('kept')
    await expect(start()).rejects.toMatchObject({ code: 'newer' })
  })

  it('and was good, but its end was cut off: the next start makes up for it', async () => {
    leftByOlder(newest - 1, 'alice')
    await (await openTrial()).close()
    await (await start()).close()
    expect(trialCopyIn(directory)).toBeUndefined()
    expect(copiesIn(directory)).toHaveLength(1)
  })

  it('that the database was never changed by: nothing goes back', async () => {
    leftByOlder(newest, 'alice')
    await (await openTrial()).close()
    const store = await openTrial()
    await store.directory.addUser({ name: 'kept' })
    await store.close()
    expect(copiesIn(directory)).toEqual([])
    const back = await start()
    expect(back.directory.users().map(({ name }) => name)).toContain('kept')
    await back.close()
  })
})
