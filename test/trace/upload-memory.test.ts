/** A capture is never held: the server grows by little, however large it is and whatever is in it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isSoak } from '../property/counts.ts'
import { captured } from './packets/files.ts'

const run = promisify(execFile)
const megabytes = 60
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-upload-'))
  writeFileSync(join(directory, 'small'), captured('direct'))
})
afterAll(() => rmSync(directory, { recursive: true }))

async function sent(path: string) {
  const process = join(import.meta.dirname, 'upload-memory.ts')
  const { stdout } = await run(globalThis.process.execPath, [process, path, join(directory, 'small')])
  return JSON.parse(stdout) as { kind: string; bytes: number; frames: number; grownMegabytes: number }
}

it('a server to which a capture of some megabytes is sent grows by less than 60 MB', async () => {
  const path = join(directory, 'some')
  writeFileSync(path, Buffer.concat(Array.from({ length: 200 }, () => captured('direct'))))
  const { kind, bytes, frames, grownMegabytes } = await sent(path)
  expect({ kind, bytes, frames }).toEqual({ kind: 'added', bytes: 200 * 116_104, frames: 200 * 877 })
  expect(grownMegabytes).toBeLessThan(megabytes)
}, 120_000)

it.each(isSoak ? ['media', 'hostile'] : [])('100 MB of %s too', async what => {
  const path = join(directory, what)
  const writer = join(import.meta.dirname, '../property/capture-memory.ts')
  if (what === 'hostile') await run(process.execPath, [writer, 'write', what, path])
  else writeFileSync(path, oneLongCapture())
  const told = await sent(path)
  console.info(what, told)
  expect(told.bytes).toBeGreaterThan(100_000_000)
  expect(told.grownMegabytes).toBeLessThan(megabytes)
}, 600_000)

/** The packets again and again behind one header, so that it is one capture with two interfaces. */
function oneLongCapture(): Buffer {
  const file = captured('direct')
  const packetBlock = 6
  let begin = 0
  while (file.readUInt32LE(begin) !== packetBlock) begin += file.readUInt32LE(begin + 4)
  let end = begin
  while (end < file.length && file.readUInt32LE(end) === packetBlock) end += file.readUInt32LE(end + 4)
  const packets = file.subarray(begin, end)
  const times = Math.ceil(100_000_000 / packets.length) + 1
  return Buffer.concat([file.subarray(0, begin), ...Array.from({ length: times }, () => packets)])
}
