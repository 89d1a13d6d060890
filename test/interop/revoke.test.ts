/** A device whose right is taken away in the middle of a call, at a running daemon. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Device, Enrolment } from '../../src/admin/message.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { api } from '../../src/cli/api.ts'
import type { Config } from '../../src/config.ts'
import { ChannelClient } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, type RawMessage, RawPeer, request, token } from './raw-sip.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-revoke-'))
const domain = 'lanline.local'
const password = 'right one'
const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n'
/** At once: what people would call so, with a busy machine in mind. */
const atOnceMilliseconds = 1_500

let daemon: LocalDaemon

beforeAll(async () => {
  daemon = await startLocalDaemon({ directory, users: [] })
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** As the command line asks, but without a process for each question: a silent channel is cut after a while. */
const config = { data: { dir: path.join(directory, 'data') } } as Config
const devicesOf = (user: string): Promise<Device[]> => api(config, 'GET', `/devices?user=${user}`)
const revoke = (device: string): Promise<void> => api(config, 'DELETE', `/devices/${device}`)
const rowOf = (call: string): Promise<CallRow> => api(config, 'GET', `/calls/${call}`)

let people = 0
/** Somebody nobody has met: what a test takes away from them is no other test's. */
async function somebody(sipPassword?: string): Promise<string> {
  const name = `person-${++people}`
  await api(config, 'POST', '/users', { name, ...(sipPassword === undefined ? {} : { sipPassword }) })
  return name
}

interface App {
  readonly channel: ChannelClient
  readonly enrolment: Enrolment
}

async function hello(token: string): Promise<ChannelClient> {
  const channel = await ChannelClient.open(daemon.ports.http)
  channel.say({ type: 'hello', token, client: 'test', tab: 'one', resume: [] })
  return channel
}

async function enter(): Promise<App> {
  const user = await somebody()
  const wish = { displayName: user, deviceName: 'test', kind: 'app', user }
  const enrolment = await api<Enrolment>(config, 'POST', '/devices', wish)
  const channel = await hello(enrolment.token)
  expect(await channel.next('welcome')).toBeDefined()
  return { channel, enrolment }
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
    const [alice, bob] = [await enter(), await enter()]
    alice.channel.say({ type: 'call', ref: 'r1', to: bob.enrolment.user, sdp, video: false })
    const call = String((await alice.channel.next('calling'))?.call)
    await bob.channel.next('incoming')
    bob.channel.say({ type: 'answer', call, sdp })
    await alice.channel.next('answered')
    await revoke(alice.enrolment.device)
    expect(await alice.channel.next('error', atOnceMilliseconds)).toMatchObject({ code: 'revoked' })
    expect(await alice.channel.untilClosed(atOnceMilliseconds)).toBe(4403)
    expect(await bob.channel.next('ended', atOnceMilliseconds)).toMatchObject({
      ...{ call, by: 'peer', reason: 'revoked' },
    })
    expect(await bob.channel.next('presence', atOnceMilliseconds)).toBeDefined()
    expect(await rowOf(call)).toMatchObject({ reason: 'revoked', endedAt: expect.any(Number) })
    expect(await devicesOf(alice.enrolment.user)).toEqual([])
    expect(await (await hello(alice.enrolment.token)).untilClosed()).toBe(4401)
    bob.channel.close()
  })
})

describe('a SIP phone on TCP', () => {
  it('whose right is taken away in a call hears BYE, loses connection and registration, and the app is told', async () => {
    const [desk, bob] = [await somebody(password), await enter()]
    const { peer, status } = await phone(desk)
    expect(status).toBe(200)
    const call = await called(bob.channel, desk, peer)
    const [device] = await devicesOf(desk)
    expect(device).toMatchObject({ kind: 'sip', reachable: true })
    await revoke(device!.id)
    expect(await peer.next(message => message.method === 'BYE', atOnceMilliseconds)).toBeDefined()
    expect(await peer.untilClosed(atOnceMilliseconds)).toBe(true)
    expect(await bob.channel.next('ended', atOnceMilliseconds)).toMatchObject({
      ...{ call, by: 'peer', reason: 'revoked' },
    })
    expect(await rowOf(call)).toMatchObject({ reason: 'revoked', endedBy: 'server' })
    expect(await devicesOf(desk)).toEqual([])
    expect((await phone(desk)).status).toBe(401)
    bob.channel.say({ type: 'call', ref: 'r2', to: desk, sdp, video: false })
    expect(await bob.channel.next('ended')).toMatchObject({ reason: 'unreachable' })
    bob.channel.close()
  })

  it('hears BYE when the app at the other end of its call loses its right, and stays registered', async () => {
    const [desk, bob] = [await somebody(password), await enter()]
    const { peer } = await phone(desk)
    const call = await called(bob.channel, desk, peer)
    await revoke(bob.enrolment.device)
    expect(await peer.next(message => message.method === 'BYE', atOnceMilliseconds)).toBeDefined()
    expect(await bob.channel.untilClosed(atOnceMilliseconds)).toBe(4403)
    expect(await rowOf(call)).toMatchObject({ reason: 'revoked' })
    expect(peer.closed).toBe(false)
    expect(await devicesOf(desk)).toMatchObject([{ reachable: true }])
    peer.close()
  })
})
