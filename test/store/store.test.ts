import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Incident } from '../../src/help/message.ts'
import { openStore } from '../../src/store/store.ts'
import type { TraceEvent } from '../../src/trace/message.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-store-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('the identity chosen at the first start is the same at every later one', async () => {
  const first = await openStore(directory)
  const identity = first.settings.identity()
  expect(identity.realm).toMatch(/^lanline-[0-9a-f]{12}$/)
  expect(identity.tokenKey).toHaveLength(32)
  await first.close()
  const second = await openStore(directory)
  expect(second.settings.identity()).toEqual(identity)
  await second.close()
})

test('the database can be read, and its lock be held, by its owner alone', async () => {
  const store = await openStore(directory)
  await store.directory.addUser({ name: 'alice' })
  for (const file of ['lanline.db', 'lanline.db-wal', 'lanline.lock']) {
    expect(statSync(join(directory, file)).mode & 0o077).toBe(0)
  }
  await store.close()
})

test('a second opener is refused and told who holds the directory', async () => {
  const store = await openStore(directory)
  await expect(openStore(directory)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  await store.close()
  await (await openStore(directory)).close()
})

test('a database of a newer lanline is refused', async () => {
  await (await openStore(directory)).close()
  const db = new Sqlite(join(directory, 'lanline.db'))
  db.pragma('user_version = 999')
  db.close()
  await expect(openStore(directory)).rejects.toMatchObject({
    code: 'newer',
    message: expect.stringContaining('newer lanline'),
  })
})

test('a damaged database is refused with a way out', async () => {
  writeFileSync(join(directory, 'lanline.db'), Buffer.alloc(8192, 'x'))
  await expect(openStore(directory)).rejects.toMatchObject({ code: 'corrupt' })
})

test('a data directory that cannot be made is a clear refusal', async () => {
  writeFileSync(join(directory, 'file'), '')
  await expect(openStore(join(directory, 'file', 'data'))).rejects.toMatchObject({ name: 'StoreError' })
})

test('a closed store refuses further writes and closing twice is harmless', async () => {
  const store = await openStore(directory)
  await store.close()
  await store.close()
  await expect(store.directory.addUser({ name: 'late' })).rejects.toMatchObject({ code: 'closed' })
})

test('what a job of a batch violates undoes that job alone', async () => {
  const store = await openStore(directory)
  await store.directory.addUser({ name: 'alice', sipPassword: 'secret' })
  const device = store.directory.devices('alice')[0]!
  const outcome = await Promise.allSettled([
    store.bindings.save([binding('good', 'alice', device.id)], []),
    store.bindings.save([binding('half', 'alice', device.id), binding('bad', 'alice', 'nobody')], []),
    store.bindings.save([binding('also', 'alice', device.id)], []),
  ])
  expect(outcome.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((await store.bindings.load()).map(row => row.key).sort()).toEqual(['also', 'good'])
  await store.close()
})

test('a full disk is said as such, and saving works again once there is room', async () => {
  const store = await openStore(directory)
  await store.close()
  const db = new Sqlite(join(directory, 'lanline.db'))
  const pages = db.pragma('page_count', { simple: true }) as number
  db.close()
  // SQLite's own page limit stands in for the disk's end: it raises the same SQLITE_FULL.
  const { Database } = await import('../../src/store/database.ts')
  const database = new Database(directory)
  database.read({ sql: `pragma max_page_count = ${pages + 1}`, values: [] })
  const big = [{ sql: "insert into settings values ('big', ?)", values: ['x'.repeat(100_000)] }]
  const small = [{ sql: "insert into settings values ('small', 'x')", values: [] }]
  let failures = 0
  try {
    failures += database.commit([big]).filter(Boolean).length
  } catch (error) {
    expect(error).toMatchObject({ code: 'diskFull' })
    failures++
  }
  expect(failures).toBe(1)
  database.read({ sql: 'pragma max_page_count = 100000', values: [] })
  expect(database.commit([small])).toEqual([undefined])
  expect(database.read({ sql: 'select key from settings where value = ?', values: ['x'] })).toEqual([
    { key: 'small' },
  ])
  database.close()
})

test('rows acknowledged before SIGKILL are there afterwards', async () => {
  for (const killAfter of [1, 25, 120]) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const acknowledged: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line)
      if (acknowledged.length === killAfter) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    const store = await openStore(directory)
    for (const name of acknowledged) expect(store.directory.user(name)?.name).toBe(name)
    await store.close()
    expect(existsSync(join(directory, 'lanline.db'))).toBe(true)
  }
})

function binding(key: string, user: string, device: string) {
  return {
    key,
    user,
    device,
    contact: `sip:${user}@10.0.0.2:5060`,
    instance: undefined,
    regId: undefined,
    path: [],
    q: 1,
    callId: 'c',
    cseq: 1,
    userAgent: 'phone',
    transport: 'udp' as const,
    local: { address: '10.0.0.1', port: 5060 },
    remote: { address: '10.0.0.2', port: 5060 },
    expiresSeconds: 3_600,
  }
}

test.each([
  ['garbage', Buffer.alloc(8_192, 'x')],
  ['cut off', Buffer.from('SQLite')],
  ['empty', Buffer.alloc(0)],
])('a lock file that is %s holds nobody off, and is a lock again', async (_, bytes) => {
  await (await openStore(directory)).close()
  writeFileSync(join(directory, 'lanline.lock'), bytes)
  const store = await openStore(directory)
  await expect(openStore(directory)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  await store.close()
})

test('a lock that is damaged while somebody holds it goes on holding others off', async () => {
  const store = await openStore(directory)
  writeFileSync(join(directory, 'lanline.lock'), Buffer.alloc(8_192, 'x'))
  await expect(openStore(directory)).rejects.toMatchObject({ code: 'locked' })
  await store.close()
})

test('a row that a worn card made unreadable costs that row and no other, nor the start', async () => {
  const first = await openStore(directory)
  const row = { callerUser: 'anna', calleeUser: 'bert', startedAt: 1, missed: false }
  for (const id of ['one', 'two', 'open']) {
    await first.calls.save({ ...row, id, ...(id === 'open' ? {} : { endedAt: 2 }) } as unknown as CallRow)
  }
  await first.incidents.save(new Map([['key', { kind: 'away', lastAt: 1 } as unknown as Incident]]))
  await first.traces.save('open', [{ number: 7 } as unknown as TraceEvent])
  await first.close()
  const db = new Sqlite(join(directory, 'lanline.db'))
  db.exec(`update calls set row = '{"id":' where id in ('two', 'open')`)
  db.exec(`update incidents set incident = '{'`)
  db.exec(`update trace_segments set events = x'28b52ffd0102'`)
  db.close()
  const second = await openStore(directory)
  expect((await second.calls.list({ limit: 10 })).calls.map(({ id }) => id)).toEqual(['one'])
  expect(await second.calls.get('two')).toBe(undefined)
  expect(await second.calls.open()).toEqual([])
  expect(await second.incidents.load()).toEqual([])
  expect((await second.traces.lastEvent('open')).number).toBe(0)
  expect(await second.traces.events('open')).toEqual([])
  expect(await second.traces.networked(10)).toEqual([])
  await second.close()
})
