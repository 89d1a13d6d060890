/** What the command line says of a file that it was named and that is not there, or is none. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { run } from '../../src/cli/run.ts'

let err = ''

beforeEach(() => {
  err = ''
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    err += String(text)
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

const nowhere = join(tmpdir(), 'lanline-nowhere', 'call.json')

it.each([
  ['show', nowhere, `lanline: there is no file ${nowhere}\n`],
  ['verify', nowhere, `lanline: there is no file ${nowhere}\n`],
  ['show', tmpdir(), `lanline: ${tmpdir()} is a directory\n`],
])('trace %s %s', async (command, file, said) => {
  expect(await run(['trace', command, file], { environment: {}, root: false })).toBe(1)
  expect(err).toBe(said)
})

it('restore', async () => {
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(
    Readable.from(['a long passphrase\n']) as typeof process.stdin,
  )
  expect(await run(['restore', nowhere, '--passphrase-stdin'], { environment: {}, root: false })).toBe(1)
  expect(err).toMatch(`lanline: there is no file ${nowhere}\n`)
})
