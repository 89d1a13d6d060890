/** Misuse of `lanline.v1`, said to a running daemon over real WebSockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { ChannelClient, type Told } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-channel-'))
const clients: ChannelClient[] = []
let daemon: LocalDaemon

beforeAll(async () => {
  const names = ['alice', 'bob', 'mallory']
  const users = names.map(name => ({ name, password: 'unused' }))
  daemon = await startLocalDaemon({ directory, users, apps: names })
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
})

afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function open(origin?: string): Promise<ChannelClient> {
  const client = await ChannelClient.open(daemon.ports.http, origin)
  clients.push(client)
  return client
}

async function enter(
  user: string,
  resume: readonly unknown[] = [],
): Promise<{ client: ChannelClient; welcome: Told }> {
  const client = await open()
  client.say({ type: 'hello', token: daemon.tokens[user], client: 'test', tab: `tab-${user}`, resume })
  const welcome = await client.next('welcome')
  expect(welcome).toBeDefined()
  return { client, welcome: welcome! }
}

const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'

/** Alice and Bob in a call: its id, and the newest dialog token of each. */
async function inCall() {
  const alice = (await enter('alice')).client
  const bob = (await enter('bob')).client
  alice.say({ type: 'call', ref: 'r1', to: 'bob', sdp, video: false })
  const call = String((await alice.next('calling'))?.call)
  await bob.next('incoming')
  bob.say({ type: 'answer', call, sdp })
  await alice.next('answered')
  const dialog = String((await alice.next('dialog'))?.dialog)
  return { alice, bob, call, dialog }
}

const rowOf = (call: string): CallRow => JSON.parse(daemon.cli('call', 'show', call, '--json')) as CallRow

describe("somebody else's call", () => {
  it('can be neither ended, held, answered nor reported on by who knows its id', async () => {
    const { alice, bob, call } = await inCall()
    const { client: mallory } = await enter('mallory')
    for (const message of [
      { type: 'bye', call, reason: 'hangup' },
      { type: 'answer', call, sdp },
      { type: 'offer', call, sdp },
      { type: 'ringing', call },
      { type: 'decline', call, reason: 'busy' },
      { type: 'candidate', call, candidate: { candidate: '' } },
    ]) {
      mallory.say(message)
      expect(await mallory.next('error'), message.type).toMatchObject({ code: 'noSuchCall', ref: call })
    }
    for (const party of [alice, bob]) {
      party.say({ type: 'ping', id: 1 })
      await party.next('pong')
      expect(party.told.filter(told => told.type === 'ended' && told.call === call)).toEqual([])
    }
    expect(bob.told.filter(({ type }) => type === 'offer')).toEqual([])
  })

  it('cannot be resumed or be said to have ended', async () => {
    const { alice, call, dialog } = await inCall()
    for (const resume of [
      { call, dialog: '' },
      { call, dialog },
      { call, dialog: '', ended: { by: 'self', reason: 'hangup', agoMilliseconds: 60_000 } },
      { call, dialog, ended: { by: 'peer', reason: 'declined', agoMilliseconds: 0 } },
    ]) {
      const { welcome } = await enter('mallory', [resume])
      expect(welcome.resumed).toMatchObject([{ call, state: 'ended' }])
    }
    alice.say({ type: 'ping', id: 1 })
    await alice.next('pong')
    expect(alice.told.filter(told => told.type === 'ended' && told.call === call)).toEqual([])
    const row = rowOf(call)
    expect(row.endedAt ?? null).toBeNull()
    expect(row).toMatchObject({ callerUser: 'alice', calleeUser: 'bob' })
  })
})

describe('a dialog token', () => {
  it('that was altered brings no call back', async () => {
    const { call, dialog } = await inCall()
    const [body = '', mac = ''] = dialog.split('.')
    const content = JSON.parse(Buffer.from(body, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...content, remote: 'sip:owner@lanline.local' })).toString(
      'base64url',
    )
    const unknown = call.replace(/^./, digit => (digit === '0' ? '1' : '0'))
    for (const token of [
      `${forged}.${mac}`,
      `${body}.${'A'.repeat(mac.length)}`,
      body,
      '.',
      'x'.repeat(8_000),
    ]) {
      const { client } = await enter('alice', [{ call: unknown, dialog: token }])
      expect(await client.next('ended'), token.slice(-50)).toMatchObject({ call: unknown, reason: 'lost' })
    }
  })
})

describe('frames', () => {
  it.each([
    ['no JSON', '{'],
    ['an array', '[]'],
    ['an unknown type', '{"type":"shutdown"}'],
    ['a prototype', '{"type":"ping","id":1,"__proto__":{"id":2},"constructor":1}x'],
    ['JSON 20,000 levels deep', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['an object 10,000 levels deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a number beyond numbers', '{"type":"ping","id":1e999}'],
  ])('with %s are answered with an error, and the connection goes on', async (_, frame) => {
    const { client } = await enter('mallory')
    client.say(frame)
    expect((await client.next('error'))?.code).toBe('badMessage')
    client.say({ type: 'ping', id: 7 })
    expect((await client.next('pong'))?.id).toBe(7)
  })

  it('before hello are refused, and a silent connection is closed', async () => {
    const client = await open()
    client.say({ type: 'doNotDisturb', on: true })
    expect((await client.next('error'))?.code).toBe('notReady')
    expect(await client.untilClosed(8_000)).toBe(4408)
  })

  it('larger than 64 KiB close the connection', async () => {
    const { client } = await enter('mallory')
    client.say(
      JSON.stringify({ type: 'call', ref: 'r', to: 'bob', sdp: `${sdp}${'a'.repeat(70_000)}`, video: false }),
    )
    expect(await client.untilClosed()).toBeDefined()
  })

  it('faster than anybody types close the connection, and only that', async () => {
    const { client: quiet } = await enter('alice')
    const { client } = await enter('mallory')
    for (let index = 0; index < 5_000; index++) client.say('{"type":"ping","id":1}')
    expect(await client.untilClosed()).toBe(4408)
    quiet.say({ type: 'ping', id: 9 })
    expect((await quiet.next('pong'))?.id).toBe(9)
  })

  it('with a wrong token close with a code of its own', async () => {
    const client = await open()
    client.say({ type: 'hello', token: 'x', client: 'test', tab: 't', resume: [] })
    expect(await client.untilClosed()).toBe(4401)
  })

  it('from a page of another site are not even taken', async () => {
    await expect(open('https://evil.example')).rejects.toThrow()
  })

  it('calling more people than a device can are refused', async () => {
    const { client } = await enter('mallory')
    for (let index = 0; index < 12; index++)
      client.say({ type: 'call', ref: `r${index}`, to: 'bob', sdp, video: false })
    const codes: unknown[] = []
    for (let told = await client.next('error', 500); told; told = await client.next('error', 500))
      codes.push(told.code)
    const ended = client.told.filter(({ type }) => type === 'ended').length
    expect(codes.every(code => code === 'tooMany')).toBe(true)
    expect(codes.length + ended).toBeGreaterThanOrEqual(4)
  })
})
