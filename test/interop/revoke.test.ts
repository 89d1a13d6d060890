/** A device whose right is taken away in the middle of a call, at a running daemon. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Device } from '../../src/admin/message.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { ChannelClient } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, type RawMessage, RawPeer, request, token } from './raw-sip.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-revoke-'))
const domain = 'lanline.local'
const password = 'right'
const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'
/** At once: what people would call so, with a busy machine in mind. */
const atOnceMilliseconds = 1_500

let daemon: LocalDaemon

beforeAll(async () => {
  const names = ['alice', 'bob', 'desk', 'other']
  const users = names.map(name => ({ name, password }))
  daemon = await startLocalDaemon({ directory, users, apps: names })
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const cli = <Answer>(...args: string[]): Answer => JSON.parse(daemon.cli(...args, '--json')) as Answer
const deviceOf = (user: string, kind: Device['kind']): Device | undefined =>
  cli<Device[]>('device', 'list').find(device => device.user === user && device.kind === kind)
const revoke = (user: string, kind: Device['kind']): void => {
  daemon.cli('device', 'revoke', deviceOf(user, kind)!.id)
}
const rowOf = (call: string): CallRow => cli('call', 'show', call)

async function enter(user: string): Promise<ChannelClient> {
  const client = await ChannelClient.open(daemon.ports.http)
  client.say({ type: 'hello', token: daemon.tokens[user], client: 'test', tab: user, resume: [] })
  expect(await client.next('welcome')).toBeDefined()
  return client
}

function registration(user: string, peer: RawPeer, challenge?: RawMessage): string {
  const uri = `sip:${domain}`
  const value =
    challenge && digest({ user, password, method: 'REGISTER', uri, challenge: challengeOf(challenge) })
  return request({
    ...{ method: 'REGISTER', uri, from: `<sip:${user}@${domain}>`, to: `<sip:${user}@${domain}>` },
    transport: 'tcp',
    more: [
      `Contact: <sip:${user}@127.0.0.1:${peer.localPort};transport=tcp>`,
      'Expires: 600',
      ...(value === undefined ? [] : [`Authorization: ${value}`]),
    ],
  })
}

/** A SIP phone on TCP, and what its registration was answered with. */
async function phone(user: string): Promise<{ peer: RawPeer; status: number | undefined }> {
  const peer = await RawPeer.open('tcp', daemon.ports.sip)
  const challenge = await peer.ask(registration(user, peer))
  expect(challenge?.status).toBe(401)
  return { peer, status: (await peer.ask(registration(user, peer, challenge)))?.status }
}

/** The SIP phone takes the call of the app: the call's id. */
async function called(caller: ChannelClient, callee: string, peer: RawPeer): Promise<string> {
  caller.say({ type: 'call', ref: 'r1', to: callee, sdp, video: false })
  const call = String((await caller.next('calling'))?.call)
  const invite = await peer.next(message => message.method === 'INVITE')
  const contact = `sip:${callee}@127.0.0.1:${peer.localPort};transport=tcp`
  const ok = answer(invite!, 200, { tag: token(), contact, body: sdp })
  peer.send(ok.replace('Content-Length', 'Content-Type: application/sdp\r\nContent-Length'))
  expect(await caller.next('answered')).toBeDefined()
  expect(await peer.next(message => message.method === 'ACK')).toBeDefined()
  return call
}

describe('an app whose right is taken away in a call', () => {
  it('is told and cut off, the other one is told, nothing is left of it, and it does not come back', async () => {
    const [alice, bob] = [await enter('alice'), await enter('bob')]
    alice.say({ type: 'call', ref: 'r1', to: 'bob', sdp, video: false })
    const call = String((await alice.next('calling'))?.call)
    await bob.next('incoming')
    bob.say({ type: 'answer', call, sdp })
    await alice.next('answered')
    revoke('alice', 'app')
    expect(await alice.next('error', atOnceMilliseconds)).toMatchObject({ code: 'revoked' })
    expect(await alice.untilClosed(atOnceMilliseconds)).toBe(4403)
    expect(await bob.next('ended', atOnceMilliseconds)).toMatchObject({
      ...{ call, by: 'peer', reason: 'revoked' },
    })
    expect(await bob.next('presence', atOnceMilliseconds)).toBeDefined()
    expect(rowOf(call)).toMatchObject({ reason: 'revoked', endedAt: expect.any(Number) })
    expect(deviceOf('alice', 'app')).toBeUndefined()
    const again = await ChannelClient.open(daemon.ports.http)
    again.say({ type: 'hello', token: daemon.tokens.alice, client: 'test', tab: 'new', resume: [] })
    expect(await again.untilClosed()).toBe(4401)
    bob.close()
  })
})

describe('a SIP phone on TCP', () => {
  let bob: ChannelClient
  beforeEach(async () => {
    bob = await enter('bob')
    return () => bob.close()
  })

  it('whose right is taken away in a call hears BYE, loses connection and registration, and the app is told', async () => {
    const { peer, status } = await phone('desk')
    expect(status).toBe(200)
    const call = await called(bob, 'desk', peer)
    revoke('desk', 'sip')
    expect(await peer.next(message => message.method === 'BYE', atOnceMilliseconds)).toBeDefined()
    expect(await peer.untilClosed(atOnceMilliseconds)).toBe(true)
    expect(await bob.next('ended', atOnceMilliseconds)).toMatchObject({
      ...{ call, by: 'peer', reason: 'revoked' },
    })
    expect(rowOf(call)).toMatchObject({ reason: 'revoked', endedBy: 'server' })
    expect(deviceOf('desk', 'sip')).toBeUndefined()
    expect((await phone('desk')).status).toBe(401)
    bob.say({ type: 'call', ref: 'r2', to: 'desk', sdp, video: false })
    expect(await bob.next('ended')).toMatchObject({ reason: 'unreachable' })
  })

  it('hears BYE when the app at the other end of its call loses its right, and stays registered', async () => {
    const other = await enter('other')
    const { peer } = await phone('other')
    const call = await called(bob, 'other', peer)
    revoke('bob', 'app')
    expect(await peer.next(message => message.method === 'BYE', atOnceMilliseconds)).toBeDefined()
    expect(await bob.untilClosed(atOnceMilliseconds)).toBe(4403)
    expect(rowOf(call)).toMatchObject({ reason: 'revoked' })
    expect(peer.closed).toBe(false)
    expect(deviceOf('other', 'sip')).toMatchObject({ reachable: true })
    peer.close()
    other.close()
  })
})
