/** Updates through the interface: refusals by their codes, and changes that wait for the end of a trial. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AppDeps } from '../../src/admin/ports.ts'
import type { UpdateState } from '../../src/update/message.ts'
import { AdminHouse } from './house.ts'

const state: UpdateState = {
  ...{ installation: 'image', version: '0.1.0', slot: 'a', trial: false, changesWait: false },
  ...{ ready: undefined, status: undefined },
}
const calm: AppDeps['update'] = {
  ...{ changesWait: false, state: async () => state, install: async () => true, forget: async () => {} },
  take: async () => {
    throw Object.assign(new Error('signed by somebody else'), { name: 'UpdateError', code: 'untrusted' })
  },
}

let house: AdminHouse
let waits = false
beforeEach(async () => {
  waits = false
  const update = {
    ...calm,
    get changesWait() {
      return waits
    },
  }
  house = await AdminHouse.open({ update })
})
afterEach(() => house.close())

it('what is refused is told by a code', async () => {
  const headers = { ...(await house.owner()), 'content-type': 'application/octet-stream' }
  const { status, body } = await house.api('POST', '/update', { headers, body: 'x' })
  expect([status, body.error.code]).toEqual([403, 'untrusted'])
})

it('while a version is tried that changed the database, changes are refused and everything else works', async () => {
  const headers = await house.owner()
  waits = true
  const refused = await house.api('POST', '/users', { headers, body: { name: 'rex' } })
  expect([refused.status, refused.body.error.code, refused.headers.get('retry-after')]).toEqual([
    503,
    'onTrial',
    '30',
  ])
  expect((await house.api('GET', '/users', { headers })).status).toBe(200)
  const session = { user: 'olivia', password: 'wrong' }
  expect((await house.api('POST', '/session', { body: session })).status).toBe(401)
  waits = false
  expect((await house.api('POST', '/users', { headers, body: { name: 'rex' } })).status).toBe(201)
})
