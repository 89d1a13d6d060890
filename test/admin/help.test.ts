import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { AdminHouse } from './house.ts'

let house: AdminHouse
let owner: { cookie: string; 'x-csrf-token': string }
let restarts = 0
const help = (canRestart: boolean) => ({
  diagnose: async (user: string, at: Epoch | undefined) => ({
    ...{ user, at: at ?? (7 as Epoch), calls: [] },
    findings: [
      {
        ...({
          stage: 'media',
          cause: 'silence',
          weight: 'failed',
          sentence: 's',
          evidence: 'e',
          fix: 'f',
        } as const),
        ...{ since: 5 as Epoch, until: undefined, call: 'c' },
      },
    ],
  }),
  networks: async () => ({ networks: ['a'], cells: [], calls: 1, unknown: 1 }),
  diagnostics: async () => '{"about":"x"}',
  canRestart,
  restart: () => void restarts++,
})

beforeEach(async () => {
  house = await AdminHouse.open({ help: help(true) })
  owner = await house.owner()
})
afterEach(() => house.close())

test('the owner asks for a person and a time, and is told of nobody who is not there', async () => {
  const now = await house.api('GET', '/help/diagnosis?user=olivia', { headers: owner })
  expect(now.body).toMatchObject({ user: 'olivia', at: 7, findings: [{ cause: 'silence', call: 'c' }] })
  const then = await house.api('GET', '/help/diagnosis?user=olivia&at=1800000000000', { headers: owner })
  expect(then.body.at).toBe(1_800_000_000_000)
  expect((await house.api('GET', '/help/diagnosis?user=nobody', { headers: owner })).status).toBe(404)
  expect((await house.api('GET', '/help/diagnosis?user=olivia&at=x', { headers: owner })).status).toBe(400)
  expect((await house.api('GET', '/help/diagnosis', { headers: owner })).status).toBe(400)
})

test('networks and diagnostics are there to be had', async () => {
  expect((await house.api('GET', '/help/networks', { headers: owner })).body.networks).toEqual(['a'])
  const file = await house.api('GET', '/help/diagnostics', { headers: owner })
  expect(file.text).toBe('{"about":"x"}')
})

test('a restart needs somebody who starts lanline again', async () => {
  expect((await house.api('GET', '/help', { headers: owner })).body).toEqual({ canRestart: true })
  expect((await house.api('POST', '/help/restart', { headers: owner })).status).toBe(202)
  expect(restarts).toBe(1)
  const alone = await AdminHouse.open({ help: help(false) })
  const answer = await alone.api('POST', '/help/restart', { headers: await alone.owner() })
  expect([answer.status, answer.body.error.code]).toEqual([409, 'notSupervised'])
  expect(restarts).toBe(1)
  await alone.close()
})
