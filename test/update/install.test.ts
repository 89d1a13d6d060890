/** An update on a machine that is a folder: its slots are files, its start is `chosenAtStart`. */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { headOfFile, makeBundle, verifyFile } from '../../src/update/bundle-io.ts'
import { install } from '../../src/update/install-io.ts'
import { Updates } from '../../src/update/io.ts'
import { keysOf, stateOf, statusOf, writeState } from '../../src/update/machine-io.ts'
import { placesUnder } from '../../src/update/places.ts'
import { newestOn } from '../../src/update/stick-io.ts'
import {
  bundleOf,
  headOf,
  inPieces,
  keyPair,
  machine,
  manifestOf,
  pemOf,
  privateKey,
  publicKey,
  root,
} from './house.ts'

const slotBytes = 1_000_000
const freeBytes = 1e9
let folder: string
const at = (path: string): string => join(folder, path)
const places = () => placesUnder(folder)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanline-update-'))
  for (const path of ['run', 'data/slots', 'data/lanline', 'usr/lib/lanline', 'proc/self', 'dev']) {
    mkdirSync(at(path), { recursive: true })
  }
  writeFileSync(at('usr/lib/lanline/update-key.pub'), pemOf(publicKey))
  writeFileSync(at('proc/self/mounts'), '/dev/vda4 /data ext4 rw 0 0\n')
  writeFileSync(at('dev/vda2'), Buffer.alloc(slotBytes, 'a'))
  writeFileSync(at('dev/vda3'), Buffer.alloc(slotBytes, 'b'))
  bootedFrom('slot=a\ntrial=no\n')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const bootedFrom = (text: string): void => writeFileSync(at('run/lanline-slot'), text)
const updates = () =>
  new Updates({
    ...{ places: places(), dataDirectory: at('data/lanline'), programDirectory: '/usr/lib/lanline' },
    ...{ version: '0.1.0', architecture: 'arm64', schema: 12, epoch: () => 5, mayGoBack: () => true },
    freeBytes: () => freeBytes,
  })
function installing(bundle: Uint8Array, change: { evenIfNotNewer?: boolean } = {}) {
  const file = at('data/lanline/bundle')
  writeFileSync(file, bundle)
  return install({
    ...{ places: places(), file, removeFile: true, ...machine, failedBefore: [], epoch: () => 5 },
    ...{ evenIfNotNewer: false, onProgress: () => {}, ...change },
  })
}
const slotsAreUntouched = (): void => {
  expect(readFileSync(at('dev/vda2'))).toEqual(Buffer.alloc(slotBytes, 'a'))
  expect(readFileSync(at('dev/vda3'))).toEqual(Buffer.alloc(slotBytes, 'b'))
  expect(stateOf(places())).toEqual({ good: 'a', trial: undefined })
}

describe('an update that is installed', () => {
  it('is in the other slot, has its trial at the next start, and its file is gone', async () => {
    await installing(bundleOf())
    const slot = readFileSync(at('dev/vda3'))
    expect(slot.subarray(0, root.length).equals(root)).toBe(true)
    expect(slot.subarray(root.length)).toEqual(Buffer.alloc(slotBytes - root.length, 'b'))
    expect(readFileSync(at('dev/vda2'))).toEqual(Buffer.alloc(slotBytes, 'a'))
    expect(stateOf(places())).toEqual({ good: 'a', trial: { next: 'b', tries: 0 } })
    expect(statusOf(places())).toMatchObject({ phase: 'restarting', from: '0.1.0', to: '0.2.0', slot: 'b' })
    expect(() => statSync(at('data/lanline/bundle'))).toThrow()
  })

  it('goes to slot a where b runs', async () => {
    writeState(places(), { good: 'b', trial: undefined })
    bootedFrom('slot=b\ntrial=no\n')
    await installing(bundleOf())
    expect(readFileSync(at('dev/vda2')).subarray(0, root.length).equals(root)).toBe(true)
    expect(stateOf(places())).toEqual({ good: 'b', trial: { next: 'a', tries: 0 } })
  })

  it('may follow one whose trial ended well since the start', async () => {
    writeState(places(), { good: 'b', trial: undefined })
    bootedFrom('slot=b\ntrial=yes\n')
    await installing(bundleOf())
    expect(stateOf(places())).toEqual({ good: 'b', trial: { next: 'a', tries: 0 } })
  })

  it('may be an older one at the owner’s word', async () => {
    await installing(bundleOf({ version: '0.0.9' }), { evenIfNotNewer: true })
    expect(stateOf(places()).trial).toBeDefined()
  })
})

it('a bundle that becomes another between the look and the write leaves nothing that a start takes for a root', async () => {
  const file = at('data/lanline/bundle')
  const other = Buffer.concat([headOf(manifestOf()), Buffer.alloc(root.length, 'hsqs')])
  writeFileSync(file, bundleOf())
  const written = install({
    ...{ places: places(), file, removeFile: true, ...machine, failedBefore: [], epoch: () => 5 },
    evenIfNotNewer: false,
    onProgress: (phase, percent) => {
      if (phase === 'verifying' && percent === 100) writeFileSync(file, other)
    },
  })
  await expect(written).rejects.toMatchObject({ code: 'damaged' })
  expect(stateOf(places())).toEqual({ good: 'a', trial: undefined })
  // Were the good slot not to be read, the first steps of the start would try this one.
  expect(readFileSync(at('dev/vda3')).subarray(0, 512)).toEqual(Buffer.alloc(512))
})

describe('nothing is written of a bundle', () => {
  const refused = async (bundle: Uint8Array, code: string) => {
    await expect(installing(bundle)).rejects.toMatchObject({ code })
    // Or it would be installed again and again.
    expect(() => statSync(at('data/lanline/bundle'))).toThrow()
    slotsAreUntouched()
  }

  it('of which any one byte was changed, wherever', async () => {
    const whole = bundleOf()
    const headBytes = whole.length - root.length
    for (const place of [
      0,
      17,
      60,
      headBytes - 2,
      headBytes,
      headBytes + 1,
      headBytes + 150_000,
      whole.length - 1,
    ]) {
      const changed = Buffer.from(whole)
      changed[place]! ^= 1
      await refused(changed, place < 17 ? 'notAnUpdate' : place < headBytes ? 'untrusted' : 'damaged')
      expect(statusOf(places())?.phase).toBe('failed')
    }
  })
  it('that is no file but a pipe, which nobody writes to', async () => {
    const file = at('data/lanline/bundle')
    execFileSync('mkfifo', [file])
    const refused = install({
      ...{ places: places(), file, removeFile: true, ...machine, failedBefore: [], epoch: () => 5 },
      ...{ evenIfNotNewer: false, onProgress: () => {} },
    })
    await expect(refused).rejects.toMatchObject({ code: 'notAnUpdate' })
    slotsAreUntouched()
  })

  it('that is no file but a directory, which is put aside for the daemon to delete', async () => {
    const file = at('data/lanline/update/bundle')
    mkdirSync(join(file, 'below'), { recursive: true })
    const refused = install({
      ...{ places: places(), file, removeFile: true, ...machine, failedBefore: [], epoch: () => 5 },
      ...{ evenIfNotNewer: false, onProgress: () => {} },
    })
    await expect(refused).rejects.toMatchObject({ code: 'notAnUpdate' })
    slotsAreUntouched()
    expect(readdirSync(at('data/lanline/update'))).toEqual([expect.stringMatching(/^incoming-/)])
    updates()
    expect(readdirSync(at('data/lanline/update'))).toEqual([])
  })

  it('by another key, cut off, or longer than it says', async () => {
    await refused(bundleOf({}, keyPair().privateKey), 'untrusted')
    const whole = bundleOf()
    await refused(whole.subarray(0, whole.length - 1), 'damaged')
    await refused(whole.subarray(0, 100), 'notAnUpdate')
    await refused(new Uint8Array(), 'notAnUpdate')
    await refused(Buffer.concat([whole, Buffer.from('x')]), 'damaged')
  })
  it('for another machine, of an older version, or too large', async () => {
    await refused(bundleOf({ architecture: 'amd64' }), 'wrongArchitecture')
    await refused(bundleOf({ version: '0.0.9' }), 'notNewer')
    await refused(bundleOf({ version: '0.1.0' }), 'notNewer')
    const large = Buffer.alloc(slotBytes + 1)
    await refused(Buffer.concat([headOf(manifestOf({}, large)), large]), 'tooLarge')
  })
  it('while another is on trial, or where this is no image', async () => {
    bootedFrom('slot=b\ntrial=yes\n')
    await refused(bundleOf(), 'busy')
    rmSync(at('run/lanline-slot'))
    await refused(bundleOf(), 'notAnImage')
  })
})

describe('an upload', () => {
  it('in pieces of any size is verified, told, and laid where root finds it', async () => {
    for (const size of [1, 7_001, 400_000]) {
      const ready = await updates().take(inPieces(bundleOf().subarray(), size))
      expect(ready).toMatchObject({ from: '0.1.0', relation: 'newer', manifest: { version: '0.2.0' } })
    }
    expect((await updates().state()).ready?.manifest).toEqual(manifestOf())
    expect(await updates().install(false)).toBe(true)
    expect(readFileSync(at('data/lanline/update/bundle')).equals(bundleOf())).toBe(true)
    expect(await updates().install(false)).toBe(false)
    await expect(updates().take(inPieces(bundleOf()))).rejects.toMatchObject({ code: 'busy' })
  })

  it('that is refused leaves nothing, and what was ready stays', async () => {
    await updates().take(inPieces(bundleOf()))
    const changed = bundleOf()
    changed[changed.length - 1]! ^= 1
    await expect(updates().take(inPieces(bundleOf({}, keyPair().privateKey)))).rejects.toMatchObject({
      code: 'untrusted',
    })
    expect((await updates().state()).ready).toBeDefined()
    await expect(updates().take(inPieces(changed))).rejects.toMatchObject({ code: 'damaged' })
    expect(() => statSync(at('data/lanline/update/incoming'))).toThrow()
  })

  it('of an older version is told to be one, and needs a word to be installed', async () => {
    const { relation } = await updates().take(inPieces(bundleOf({ version: '0.0.9' })))
    expect(relation).toBe('older')
    await expect(updates().install(false)).rejects.toMatchObject({ code: 'notNewer' })
    expect(await updates().install(true)).toBe(true)
    expect(statSync(at('data/lanline/update/bundle-not-newer')).isFile()).toBe(true)
  })

  it('is not taken where this is no image, which the state tells', async () => {
    rmSync(at('run/lanline-slot'))
    expect((await updates().state()).installation).toBe('package')
    await expect(updates().take(inPieces(bundleOf()))).rejects.toMatchObject({ code: 'notAnImage' })
  })

  it('during a trial waits for its end, as changes do', async () => {
    writeState(places(), { good: 'a', trial: { next: 'b', tries: 1 } })
    bootedFrom('slot=b\ntrial=yes\n')
    const during = updates()
    expect(await during.state()).toMatchObject({ trial: true, changesWait: true })
    await expect(during.take(inPieces(bundleOf()))).rejects.toMatchObject({ code: 'busy' })
    writeState(places(), { good: 'b', trial: undefined })
    expect(await during.state()).toMatchObject({ trial: false, changesWait: false })
  })
})

describe('on a stick', () => {
  const stick = () => at('stick')
  const found = () =>
    newestOn(stick(), {
      ...{ places: places(), version: '0.1.0', epoch: () => 5 },
      onTell: line => passedBy.push(line),
    })
  const lay = (name: string, bundle: Uint8Array): void => writeFileSync(join(stick(), name), bundle)
  let passedBy: string[] = []
  beforeEach(() => {
    passedBy = []
    mkdirSync(stick())
  })

  it('the newest is taken of those that are newer and signed', async () => {
    lay('lanline-1.update', bundleOf())
    lay('lanline-2.update', bundleOf({ version: '0.3.0' }))
    lay('lanline-3.update', bundleOf({ version: '0.0.9' }))
    lay('lanline-4.update', bundleOf({ version: '0.4.0' }, keyPair().privateKey))
    lay('other-5.update', bundleOf({ version: '0.5.0' }))
    expect(await found()).toBe(join(stick(), 'lanline-2.update'))
    expect(passedBy).toEqual([expect.stringMatching(/^lanline-4.update: .*not signed/)])
  })

  it('what was tried and went back is not tried again', async () => {
    lay('lanline-1.update', bundleOf())
    await installing(bundleOf())
    rmSync(at('run/lanline-update'))
    writeState(places(), { good: 'a', trial: undefined })
    expect(await found()).toBeUndefined()
    expect(passedBy[0]).toMatch(/went back/)
    // Else that would go back next, and this be tried after it, for as long as the stick is there.
    lay('lanline-2.update', bundleOf({ version: '0.1.5' }))
    expect(await found()).toBeUndefined()
    lay('lanline-3.update', bundleOf({ version: '0.3.0' }))
    expect(await found()).toBe(join(stick(), 'lanline-3.update'))
  })

  it('pipes, links and directories by the name of an update are passed by', async () => {
    execFileSync('mkfifo', [join(stick(), 'lanline-1.update')])
    symlinkSync('/dev/zero', join(stick(), 'lanline-2.update'))
    mkdirSync(join(stick(), 'lanline-3.update'))
    lay('lanline-4.update', bundleOf())
    expect(await found()).toBe(join(stick(), 'lanline-4.update'))
    await expect(headOfFile(join(stick(), 'lanline-1.update'), [publicKey])).rejects.toMatchObject({
      code: 'notAnUpdate',
    })
  })
})

describe('a bundle that is made', () => {
  it('is one that its key opens', async () => {
    writeFileSync(at('root.squashfs'), root)
    writeFileSync(at('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const { product: _, rootBytes: _1, rootSha256: _2, ...words } = manifestOf()
    const manifest = await makeBundle(at('root.squashfs'), at('x.update'), at('key.pem'), words)
    expect(await verifyFile(at('x.update'), keysOf(places()))).toEqual(manifest)
    expect(await headOfFile(at('x.update'), [publicKey])).toEqual(manifestOf())
  })
})
