/** Quiet hours of a real lanline, whose wall clock is set as it runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pause } from '../net/wait.ts'
import { ChannelClient, type Told } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'

const clock = fileURLToPath(new URL('../net/shifted-clock.ts', import.meta.url))
const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'

describe('a person with quiet hours', () => {
  let directory: string
  let daemon: LocalDaemon
  let tokens: LocalDaemon['tokens']

  let shift = 0
  const now = (): number => Date.now() + shift
  const setClock = (time: number): void => {
    shift = Math.round(time - Date.now())
    writeFileSync(path.join(directory, 'shift'), String(shift))
  }
  const start = async (apps: readonly string[] = []): Promise<void> => {
    const users = apps.map(name => ({ name, password: `${name}-secret` }))
    const environment = { SHIFTED_CLOCK_FILE: path.join(directory, 'shift') }
    const nodeOptions = ['--import', clock]
    const configuration = '[mdns]\nmode = "off"'
    daemon = await startLocalDaemon({ directory, users, apps, nodeOptions, environment, configuration })
    if (apps.length > 0) tokens = daemon.tokens
  }
  const enter = async (user: string): Promise<{ client: ChannelClient; welcome: Told }> => {
    const client = await ChannelClient.open(daemon.ports.http)
    client.say({ type: 'hello', token: tokens[user], client: 'test', tab: user, resume: [] })
    return { client, welcome: (await client.next('welcome'))! }
  }
  const presenceOfBob = async (client: ChannelClient, milliseconds: number): Promise<unknown> => {
    const told = await client.next('presence', milliseconds)
    const { user, presence } = (told?.person ?? {}) as { user?: string; presence?: string }
    return user === undefined || user === 'bob' ? presence : presenceOfBob(client, milliseconds)
  }
  const call = async (client: ChannelClient, to: string): Promise<unknown> => {
    client.say({ type: 'call', ref: 'r', to, sdp, video: false })
    const ended = await client.next('ended')
    return [ended?.reason, ended?.code]
  }

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'lanline-quiet-'))
    setClock(Date.parse('2027-03-01T21:00:00Z'))
    await start(['alice', 'bob'])
  })
  afterAll(async () => {
    await daemon?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it('is not rung at from their begin to their end, by a clock that is set as well, and over a restart', async () => {
    const bob = await enter('bob')
    const alice = await enter('alice')
    expect(bob.welcome).toMatchObject({ doNotDisturb: false, quiet: { within: false, hours: null } })

    // By less than what counts as a clock that was set, so that nothing but the hours themselves can begin them.
    const begin = Math.ceil(now() / 60_000) * 60_000
    if (begin - now() > 8_000) setClock(begin - 8_000)
    // The daemon sees it by then, however busy this machine is.
    await pause(2_000)
    const hours = `${new Date(begin).toISOString().slice(11, 16)}-07:00`
    expect(daemon.cli('user', 'quiet', 'bob', hours, '--zone', 'UTC')).toContain('by the clock of UTC')
    expect(await presenceOfBob(alice.client, 20_000)).toBe('doNotDisturb')
    expect(now()).toBeGreaterThanOrEqual(begin)
    const told = bob.client.told.filter(({ type }) => type === 'doNotDisturb')
    expect(told.at(-1)).toMatchObject({ on: true, quiet: { byHand: false, within: true } })
    expect(await call(alice.client, 'bob')).toEqual(['doNotDisturb', 480])
    expect(await bob.client.next('missed')).toMatchObject({ missed: [{ user: 'alice' }] })
    expect(bob.client.told.filter(({ type }) => type === 'incoming')).toEqual([])

    // In a house's place nobody is rung who has quiet hours.
    daemon.cli('user', 'add', 'house')
    daemon.cli('user', 'rings', 'house', 'bob')
    expect(await call(alice.client, 'house')).toEqual(['unreachable', 480])

    bob.client.say({ type: 'doNotDisturb', on: false })
    expect(await presenceOfBob(alice.client, 3_000)).toBe('available')
    bob.client.say({ type: 'doNotDisturb', on: true })
    expect(await presenceOfBob(alice.client, 3_000)).toBe('doNotDisturb')

    await daemon.stop()
    await start()
    const again = await enter('bob')
    const caller = await enter('alice')
    expect(again.welcome).toMatchObject({ doNotDisturb: true, quiet: { byHand: false, within: true } })
    expect(await call(caller.client, 'bob')).toEqual(['doNotDisturb', 480])

    // A time server answers at last.
    setClock(Date.parse('2027-03-02T07:30:00Z'))
    expect(await presenceOfBob(caller.client, 15_000)).toBe('available')
    caller.client.say({ type: 'call', ref: 'r', to: 'bob', sdp, video: false })
    expect(await again.client.next('incoming')).toMatchObject({ from: { user: 'alice' } })

    // Without a clock nobody knows what hours it is: it rings rather than not.
    setClock(Date.parse('1970-01-01T23:00:00Z'))
    await pause(500)
    again.client.close()
    const unset = await enter('bob')
    expect(unset.welcome).toMatchObject({
      doNotDisturb: false,
      quiet: { within: false, hours: { zone: 'UTC' } },
    })
    const everyDay = 'beginning on mon,tue,wed,thu,fri,sat,sun, by the clock of UTC'
    expect(daemon.cli('user', 'quiet', 'bob')).toBe(`quiet hours of bob: ${hours}, ${everyDay}\n`)
    const changed = `quiet hours of bob: 21:00-07:00, ${everyDay}\n`
    expect(daemon.cli('user', 'quiet', 'bob', '21:00-07:00')).toBe(changed)
    expect(daemon.cli('user', 'quiet', 'bob', 'off')).toContain('bob has no quiet hours')
    for (const { client } of [unset, caller]) client.close()
  })
})
