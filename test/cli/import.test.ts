/** `lanline trace import` against a daemon's socket: what it prints, how it ends, what it says of what is wrong. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { nodeListener } from '../../src/admin/listener.ts'
import { run } from '../../src/cli/run.ts'
import { listenLocal } from '../../src/runtime/http.ts'
import { AdminHouse } from '../admin/house.ts'
import { captured } from '../trace/packets/files.ts'
import { TraceHouse } from '../trace/packets/house.ts'

let directory: string
let house: AdminHouse
let traces: TraceHouse
let socket: { close(): void }
let call: string
let out = ''
let err = ''

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-import-'))
  house = await AdminHouse.open({
    trace: {
      ...{
        file: async () => Buffer.alloc(0),
        pagePolicy: '',
        key: () => ({ publicKey: '', fingerprint: '' }),
      },
      capturePlan: async () => ({ state: 'ringing', caller: [], callee: [], captures: [] }),
      importCapture: (row, upload) => traces.io.importCapture(row, upload),
    },
  })
  traces = TraceHouse.on(house.store)
  socket = await listenLocal(join(directory, 'lanline.sock'), nodeListener(house.app, 'unix'))
})
afterAll(async () => {
  socket.close()
  await traces.close()
  await house.close()
  rmSync(directory, { recursive: true })
})
beforeEach(async () => {
  ;[out, err] = ['', '']
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    out += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    err += String(text)
    return true
  })
  await traces.keep('direct')
  call = (await traces.row('direct')).id
})
afterEach(() => vi.restoreAllMocks())

const lanline = (...argv: readonly string[]): Promise<number> =>
  run(argv, { environment: { LANLINE_DATA_DIR: directory }, root: false })

function file(name: string, bytes: Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}

it('says what the capture shows, stream by stream, and the verdict with it', async () => {
  const path = file('switch.pcapng', captured('direct'))
  expect(await lanline('trace', 'import', call, path, '--taken-at', 'switch')).toBe(0)
  expect(out).toMatch(/^switch\.pcapng: 837 of 877 packets belong to this call \(event \d+ of its trace\)$/m)
  expect(out).toContain('10.77.0.12:37716 → 10.77.0.13:46700  direct, from the caller')
  expect(out).toContain('RTP 0x752ba34c  226 packets')
  expect(out).toContain('verdict  Direct: captured packets show it, and both ends agree.')
  expect(out).toContain('switch.pcapng (brought by the owner)')
  expect(err).toBe('')
})

it('says the same as JSON', async () => {
  const path = file('switch.pcapng', captured('direct'))
  expect(await lanline('trace', 'import', call, path, '--json')).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ kind: 'added', verdict: { grade: 'packets' } })
})

it('says that the same file changes nothing, and one of another call neither', async () => {
  const path = file('switch.pcapng', captured('direct'))
  await lanline('trace', 'import', call, path)
  out = ''
  expect(await lanline('trace', 'import', call, path)).toBe(0)
  expect(out).toMatch(/this very file was imported before \(event \d+\); nothing was changed/)
  out = ''
  expect(await lanline('trace', 'import', call, file('other.pcapng', captured('relayed')))).toBe(0)
  expect(out).toMatch(/nothing in its \d+ packets belongs to this call; nothing was changed/)
})

it('tells of a file that was cut off how far it was read', async () => {
  const path = file('cut.pcapng', captured('direct').subarray(0, 50_000))
  expect(await lanline('trace', 'import', call, path)).toBe(0)
  expect(out).toContain('read in part: The file ends in the middle of a packet')
})

it('tells how far it is, once that takes longer than two seconds', async () => {
  const path = file('switch.pcapng', Buffer.concat(Array.from({ length: 20 }, () => captured('direct'))))
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 700
    return now
  })
  expect(await lanline('trace', 'import', call, path)).toBe(0)
  const told = err.trim().split('\n')
  expect(told.length).toBeGreaterThan(3)
  for (const line of told) expect(line).toMatch(/^\d\.\d MB of 2\.3 MB read$/)
  expect(out).toContain('of 17540 packets belong to this call')
})

it('ends with 1 and says what to do where a capture cannot be taken', async () => {
  const large = file('large.pcapng', captured('direct'))
  truncateSync(large, 200_000_001)
  const wrong: readonly [string, string, RegExp][] = [
    [call, file('text.txt', Buffer.from('hello, this is no capture')), /neither a pcap nor a pcapng file/],
    [call, file('none.pcapng', Buffer.alloc(0)), /The file is empty/],
    [call, file('zipped.pcapng.gz', Buffer.from('1f8b080000', 'hex')), /Unpack it first/],
    [call, large, /more than the 200\.0 MB that are taken; .*editcap/],
    [call, join(directory, 'nowhere.pcapng'), /there is no file .*nowhere\.pcapng/],
    [call, directory, /is no file; give a pcap or pcapng file/],
    ['no-such-call', file('switch.pcapng', captured('direct')), /there is no such call/],
  ]
  for (const [id, path, message] of wrong) {
    err = ''
    expect(await lanline('trace', 'import', id, path)).toBe(1)
    expect(err).toMatch(message)
    expect(err.trim().split('\n').length).toBe(1)
  }
  expect(out).toBe('')
})

it('says that the events are forgotten', async () => {
  await traces.keep('direct', [])
  const { id } = await traces.row('direct')
  expect(await lanline('trace', 'import', id, file('a.pcapng', captured('direct')))).toBe(1)
  expect(err).toMatch(/the events of this call are no longer kept/)
})

it('ends with 2 when called wrongly', async () => {
  expect(await lanline('trace', 'import', call)).toBe(2)
  expect(err).toContain('usage: lanline trace import <call> <file>')
  expect(await lanline('trace', 'import', call, 'file', '--taken-at', 'moon')).toBe(2)
})
