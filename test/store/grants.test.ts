import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/store.ts'

test('a grant is remembered over a restart until it is forgotten', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-grants-'))
  const first = await openStore(directory)
  await Promise.all([
    first.grants.remember('a', 'otherNetwork'),
    first.grants.remember('b', 'otherNetwork'),
    first.grants.remember('b', 'checksFailed'),
    first.grants.remember('c', 'otherNetwork'),
    first.grants.forget('c'),
    first.grants.forget('never there'),
  ])
  await first.close()
  const second = await openStore(directory)
  expect(await second.grants.load()).toEqual([
    { call: 'a', reason: 'otherNetwork' },
    { call: 'b', reason: 'checksFailed' },
  ])
  await second.close()
  rmSync(directory, { recursive: true, force: true })
})
