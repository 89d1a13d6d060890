/** A card with a file `reset-owner` on it: the owner who lost the password claims anew, at a running daemon. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Device, HealthDetail, SetupResponse, SetupState } from '../../src/admin/message.ts'
import { api } from '../../src/cli/api.ts'
import type { Config } from '../../src/config.ts'
import { startLocalDaemon } from './local-daemon.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-reset-'))
const data = path.join(directory, 'data')
const file = path.join(data, 'reset-owner')
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Over the socket of the command line, but for what is asked as a browser: that socket has the owner's rights. */
const config = { data: { dir: data } } as Config

interface Anna {
  readonly setup: () => Promise<SetupState>
  readonly claim: (password: string) => Promise<Response>
  readonly logIn: (password: string) => Promise<number>
}

function anna(http: number): Anna {
  const base = `http://localhost:${http}/api/v1`
  const post = (where: string, body: unknown): Promise<Response> =>
    fetch(base + where, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  return {
    setup: async () => (await fetch(`${base}/setup`)).json() as Promise<SetupState>,
    claim: password => post('/setup', { place: 'Mill', displayName: 'Anna', password }),
    logIn: async password => (await post('/session', { user: 'anna', password })).status,
  }
}

const start = () => startLocalDaemon({ directory, users: [] })

test('one new claim, everybody’s devices still there, the old password worth nothing, and the console tells of it', async () => {
  let daemon = await start()
  let she = anna(daemon.ports.http)
  expect(await she.setup()).toMatchObject({ claimed: false, reset: false })
  expect((await she.claim('correct horse battery')).status).toBe(201)
  await api(config, 'POST', '/users', { name: 'bob', sipPassword: 'right one' })
  const before = await api<Device[]>(config, 'GET', '/devices')
  await daemon.stop()

  writeFileSync(file, '')
  daemon = await start()
  she = anna(daemon.ports.http)
  expect(existsSync(file)).toBe(false)
  expect(await she.setup()).toMatchObject({ claimed: false, reset: true, place: 'Mill' })
  const claimed = await she.claim('another staple now')
  expect(claimed.status).toBe(201)
  expect(((await claimed.json()) as SetupResponse).session).toMatchObject({ user: 'anna', role: 'owner' })
  expect(await she.setup()).toMatchObject({ claimed: true, reset: false })
  const after = await api<Device[]>(config, 'GET', '/devices')
  expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(before.map(({ id }) => id)))
  expect(after).toHaveLength(before.length + 1)
  expect(await she.logIn('correct horse battery')).toBe(401)
  await daemon.stop()

  daemon = await start()
  she = anna(daemon.ports.http)
  expect(await she.setup()).toMatchObject({ claimed: true })
  expect(await she.logIn('another staple now')).toBe(200)
  const { findings } = await api<HealthDetail>(config, 'GET', '/health/detail')
  expect(findings.find(({ check }) => check === 'owner')).toMatchObject({ level: 'warning' })
  await daemon.stop()
})
