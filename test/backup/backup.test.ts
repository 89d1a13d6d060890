import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acceptBackup, applyBackup, checkBackup, forgetBackup, makeBackup } from '../../src/backup/backup.ts'
import { seal, unseal } from '../../src/backup/container.ts'
import { silent } from '../../src/core/log.ts'
import { openData } from '../../src/loading.ts'
import type { BindingRow } from '../../src/sip/message.ts'
import { openStore } from '../../src/store/store.ts'

const passphrase = 'three words and one'
const bytesOf = async (parts: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}
async function* inPieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/** Of a phone. */
const binding: Omit<BindingRow, 'key' | 'user' | 'device'> = {
  ...{ contact: 'sip:phone@10.0.0.5', instance: undefined, regId: undefined, path: [], q: 1 },
  ...{ callId: 'c', cseq: 1, userAgent: '', transport: 'udp', expiresSeconds: 3_600 },
  ...{ local: { address: '10.0.0.1', port: 5060 }, remote: { address: '10.0.0.5', port: 5060 } },
}

/** To remove as much takes the system some fifty milliseconds. */
const largeMegabytes = 300

let directories: string[] = []
beforeEach(() => {
  directories = []
})
afterEach(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})
const place = () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'lanline-backup-'))
  directories.push(dataDirectory)
  return { dataDirectory, version: '1.2.3', schema: 1_000, freeBytes: () => 1e12 }
}

describe('a backup', () => {
  it('is taken while the store is open, and gives a new data directory the same people, realm and authority', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const claimed = await store.directory.claim({
      ...{ displayName: 'Olivia', place: 'Mill', passwordHash: 'x', device: { name: 'B', kind: 'page' } },
    })
    const file = await bytesOf(makeBackup(here, passphrase))
    const identity = store.settings.identity()
    const traceKey = store.settings.traceKey()
    await store.close()
    expect(readdirSync(here.dataDirectory).filter(name => name.includes('backup'))).toEqual([])
    expect(file.includes('Olivia')).toBe(false)

    const there = place()
    const other = await openStore(there.dataDirectory)
    await other.close()
    const manifest = await checkBackup(there, inPieces(file), passphrase)
    expect(manifest).toMatchObject({ place: 'Mill', users: 1, devices: 1, calls: 0, version: '1.2.3' })
    expect(applyBackup(there.dataDirectory)).toBe(false)
    expect(await acceptBackup(there.dataDirectory)).toBe(true)
    expect(applyBackup(there.dataDirectory)).toBe(true)
    const restored = await openStore(there.dataDirectory)
    expect(restored.settings.identity()).toEqual(identity)
    expect(restored.settings.traceKey()).toEqual(traceKey)
    expect(restored.directory.byToken(claimed.token)?.user).toBe('olivia')
    await restored.close()
    expect(readdirSync(there.dataDirectory)).toContain('before-restore.db')
  })

  it('that is large holds no packet when it is forgotten', async () => {
    const { dataDirectory } = place()
    const checked = join(dataDirectory, 'restore-checked.db')
    for (let megabyte = 0; megabyte < largeMegabytes; megabyte++) appendFileSync(checked, Buffer.alloc(1e6))
    const before = process.threadCpuUsage()
    const gone = forgetBackup(dataDirectory)
    expect(process.threadCpuUsage(before).system / 1_000).toBeLessThan(10)
    await gone
    expect(readdirSync(dataDirectory)).toEqual([])
  })

  it('is readable by nobody else while it is made, whatever the mode of the directory', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    chmodSync(here.dataDirectory, 0o755)
    const parts = makeBackup(here, passphrase)
    await parts.next()
    const kept = readdirSync(here.dataDirectory).filter(name => name.endsWith('.db'))
    expect(kept).toHaveLength(2)
    for (const name of kept) expect(statSync(join(here.dataDirectory, name)).mode & 0o777, name).toBe(0o600)
    await parts.return(undefined)
    await store.close()
  })

  it('goes on where the power went while it took its place', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    await checkBackup(here, inPieces(file), passphrase)
    await acceptBackup(here.dataDirectory)
    // As after the first half: the old database has left, the new one is not there.
    rmSync(join(here.dataDirectory, 'lanline.db'))
    expect(applyBackup(here.dataDirectory)).toBe(true)
    await (await openStore(here.dataDirectory)).close()
  })

  it('waits while somebody works in the data directory: their database stays where it is', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await checkBackup(here, inPieces(file), passphrase)
    await acceptBackup(here.dataDirectory)
    const start = { image: false, onTrial: false }
    await expect(openData(here.dataDirectory, silent, start)).rejects.toMatchObject({ code: 'locked' })
    expect(readdirSync(here.dataDirectory)).toContain('restore-ready.db')
    await store.directory.addUser({ name: 'anna' })
    await store.close()
    await (await openData(here.dataDirectory, silent, start)).close()
    const kept = new Sqlite(join(here.dataDirectory, 'before-restore.db'))
    expect(kept.prepare('select name from users').pluck().all()).toEqual(['anna'])
    kept.close()
  })

  it('keeps what was there before it whole, also where a restore before it kept something', async () => {
    const here = place()
    const at = (name: string): string => join(here.dataDirectory, name)
    const store = await openStore(here.dataDirectory)
    await store.directory.addUser({ name: 'long-ago' })
    // As a killed one leaves it: all of it in its log.
    for (const suffix of ['', '-wal'])
      copyFileSync(at(`lanline.db${suffix}`), at(`before-restore.db${suffix}`))
    await store.directory.removeUser('long-ago')
    await store.directory.addUser({ name: 'lately' })
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    await checkBackup(here, inPieces(file), passphrase)
    await acceptBackup(here.dataDirectory)
    expect(applyBackup(here.dataDirectory)).toBe(true)
    const kept = new Sqlite(at('before-restore.db'))
    expect(kept.prepare('select name from users').pluck().all()).toEqual(['lately'])
    expect(kept.pragma('integrity_check', { simple: true })).toBe('ok')
    kept.close()
  })

  it('leaves phones where they are now; one that was removed meanwhile is looked for where it was', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const phoneOf = async (name: string): Promise<BindingRow> => {
      await store.directory.addUser({ name, sipPassword: 'secret' })
      return { ...binding, key: name, user: name, device: store.directory.devices(name)[0]!.id }
    }
    const [anna, bert, carl] = [await phoneOf('anna'), await phoneOf('bert'), await phoneOf('carl')]
    await store.bindings.save([anna, bert, carl], [])
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.bindings.save([{ ...anna, contact: 'sip:anna@10.0.0.9' }], [carl.key])
    await store.directory.removeUser('bert')
    await store.bindings.save([await phoneOf('dora')], [])
    await store.close()
    await checkBackup(here, inPieces(file), passphrase)
    await acceptBackup(here.dataDirectory)
    expect(applyBackup(here.dataDirectory)).toBe(true)
    const restored = await openStore(here.dataDirectory)
    const found = (await restored.bindings.load()).map(({ user, contact }) => `${user} ${contact}`)
    expect(found.sort()).toEqual(['anna sip:anna@10.0.0.9', `bert ${binding.contact}`])
    await restored.close()
  })

  it('takes the place of a database that is damaged', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    await store.directory.addUser({ name: 'anna' })
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    await checkBackup(here, inPieces(file), passphrase)
    await acceptBackup(here.dataDirectory)
    writeFileSync(join(here.dataDirectory, 'lanline.db'), 'worn')
    expect(applyBackup(here.dataDirectory)).toBe(true)
    const restored = await openStore(here.dataDirectory)
    expect(restored.directory.user('anna')).toBeDefined()
    await restored.close()
  })

  it('is looked through in a data directory that is not there yet', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    const there = { ...here, dataDirectory: join(here.dataDirectory, 'new', 'data') }
    await checkBackup(there, inPieces(file), passphrase)
    expect(await acceptBackup(there.dataDirectory)).toBe(true)
    expect(applyBackup(there.dataDirectory)).toBe(true)
  })

  it('of a newer database is refused, and leaves nothing behind', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    const older = { ...place(), schema: 1 }
    await expect(checkBackup(older, inPieces(file), passphrase)).rejects.toMatchObject({ code: 'newer' })
    expect(readdirSync(older.dataDirectory)).toEqual([])
  })

  it('that would leave too little room while it is made is not begun', async () => {
    const here = { ...place(), freeBytes: () => 64_000_000 }
    await (await openStore(here.dataDirectory)).close()
    const before = readdirSync(here.dataDirectory)
    await expect(bytesOf(makeBackup(here, passphrase))).rejects.toMatchObject({ code: 'noRoom' })
    expect(readdirSync(here.dataDirectory)).toEqual(before)
  })

  it('that would leave too little room is refused as it is unpacked, and leaves nothing behind', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    const small = { ...place(), freeBytes: () => 64_000_000 + 10_000 }
    await expect(checkBackup(small, inPieces(file), passphrase)).rejects.toMatchObject({ code: 'noRoom' })
    expect(readdirSync(small.dataDirectory)).toEqual([])
  })

  it('is looked through beside another, by the console and the command line at once', async () => {
    const here = place()
    const store = await openStore(here.dataDirectory)
    const file = await bytesOf(makeBackup(here, passphrase))
    await store.close()
    const there = place()
    const both = [1, 2].map(() => checkBackup(there, inPieces(file), passphrase))
    expect((await Promise.all(both)).map(({ users }) => users)).toEqual([0, 0])
    expect(readdirSync(there.dataDirectory)).toEqual(['restore-checked.db'])
  })

  it('of a database that works by itself, or that no lanline made, is refused', async () => {
    for (const change of [
      "create trigger t after update on users begin update users set role = 'owner'; end",
      "create view v as select name from users where password_hash != ''",
      'pragma user_version = 0',
      'pragma user_version = -1',
    ]) {
      const here = place()
      await (await openStore(here.dataDirectory)).close()
      const database = new Sqlite(join(here.dataDirectory, 'lanline.db'))
      database.exec(change)
      database.close()
      const file = await bytesOf(makeBackup(here, passphrase))
      const checked = checkBackup(place(), inPieces(file), passphrase)
      await expect(checked, change).rejects.toMatchObject({ code: 'damaged' })
    }
  })

  it('with another passphrase, cut, changed or reordered opens nothing', async () => {
    const plain = Buffer.alloc(200_000, 'lanline')
    const file = await bytesOf(seal(inPieces(plain), passphrase))
    expect(await bytesOf(unseal(inPieces(file, 777), passphrase))).toEqual(plain)
    const fails = async (bytes: Buffer, words: string, code: string) =>
      expect(bytesOf(unseal(inPieces(bytes, 5_000), words))).rejects.toMatchObject({ code })
    await fails(file, 'another passphrase', 'wrongPassphrase')
    await fails(Buffer.from('PK a zip file\nand more'), passphrase, 'notABackup')
    await fails(file.subarray(0, file.length - 1), passphrase, 'damaged')
    const headerEnd = file.indexOf(10) + 1
    const chunk = 4 + 65_536 + 16
    // Ends exactly after a chunk that was not the last.
    await fails(file.subarray(0, headerEnd + chunk * 2), passphrase, 'damaged')
    const swapped = Buffer.from(file)
    file.copy(swapped, headerEnd + chunk, headerEnd + chunk * 2, headerEnd + chunk * 3)
    file.copy(swapped, headerEnd + chunk * 2, headerEnd + chunk, headerEnd + chunk * 2)
    await fails(swapped, passphrase, 'damaged')
    for (const at of [headerEnd + 10, headerEnd + chunk + 100, file.length - 20]) {
      const changed = Buffer.from(file)
      changed[at]! ^= 1
      await expect(bytesOf(unseal(inPieces(changed, 5_000), passphrase))).rejects.toThrow()
    }
  })
})
