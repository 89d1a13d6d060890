/** What a running daemon makes of a call: the trace of a phone that reports nothing, and of clients that lie. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Enrolment } from '../../src/admin/message.ts'
import type { SelectedPair } from '../../src/calls/message.ts'
import { api } from '../../src/cli/api.ts'
import type { Config } from '../../src/config.ts'
import type { MediaReport } from '../../src/signalling/message.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import { ChannelClient } from './channel.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, type RawMessage, RawPeer, request, token } from './raw-sip.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-trace-'))
const domain = 'lanline.local'
const password = 'phone password'
const print = (byte: string): string => `sha-256 ${Array(32).fill(byte).join(':')}`
const sdp = (byte: string): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:u${byte}\r\na=ice-pwd:verysecretpassword\r\na=fingerprint:${print(byte)}\r\n`

let daemon: LocalDaemon
beforeAll(async () => {
  daemon = await startLocalDaemon({ directory, users: [{ name: 'phone', password }] })
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

const config = { data: { dir: path.join(directory, 'data') } } as Config
const traceOf = (call: string): Promise<SignedTrace> => api(config, 'GET', `/calls/${call}/trace.json`)

let people = 0
async function enter(): Promise<{ channel: ChannelClient; user: string }> {
  const user = `person-${++people}`
  await api(config, 'POST', '/users', { name: user })
  const wish = { displayName: user, deviceName: 'test', kind: 'app', user }
  const enrolment = await api<Enrolment>(config, 'POST', '/devices', wish)
  const channel = await ChannelClient.open(daemon.ports.http)
  channel.say({ type: 'hello', token: enrolment.token, client: 'test', tab: 'one', resume: [] })
  expect(await channel.next('welcome')).toBeDefined()
  return { channel, user }
}

const pair = (local: number, remote: number): SelectedPair => ({
  ...{ localType: 'host', localAddress: '10.0.0.2', localPort: local, protocol: 'udp', rttMilliseconds: 1 },
  ...{ remoteType: 'host', remoteAddress: '10.0.0.2', remotePort: remote },
})

const report = (
  at: number,
  own: string,
  other: string,
  chosen: SelectedPair,
  ssrcs: readonly [number, number],
): MediaReport => ({
  ...{ atMilliseconds: at, roundTripMilliseconds: 2, iceConnection: 'connected', iceGathering: 'complete' },
  ...{
    connection: 'connected',
    dtls: 'connected',
    localFingerprint: print(own),
    remoteFingerprint: print(other),
    pair: chosen,
  },
  streams: (['sent', 'received'] as const).map((direction, index) => ({
    ...{ ssrc: ssrcs[index]!, kind: 'audio', direction, packets: at / 20, bytes: at * 4, lost: 0 },
  })),
})

/** Two clients in a call, telling what they like. */
async function told(calleeApplied: string, calleePort: number): Promise<SignedTrace> {
  const [alice, bob] = [await enter(), await enter()]
  alice.channel.say({ type: 'call', ref: 'r1', to: bob.user, sdp: sdp('AA'), video: false })
  const call = String((await alice.channel.next('calling'))?.call)
  await bob.channel.next('incoming')
  bob.channel.say({ type: 'answer', call, sdp: sdp('BB') })
  await alice.channel.next('answered')
  for (const at of [1_000, 2_000, 3_000, 4_000]) {
    // Counters are compared over time, and a clock that runs ahead of the appliance's is not believed.
    await new Promise(resolve => setTimeout(resolve, 1_000))
    alice.channel.say({ type: 'report', call, report: report(at, 'AA', 'BB', pair(5_002, 5_003), [1, 2]) })
    bob.channel.say({
      type: 'report',
      call,
      report: report(at, 'BB', calleeApplied, pair(calleePort, 5_002), [2, 1]),
    })
  }
  alice.channel.say({ type: 'bye', call, reason: 'hangup' })
  await bob.channel.next('ended')
  // Answered after the reports, which are handled in order.
  for (const { channel } of [alice, bob]) {
    channel.say({ type: 'ping', id: 7 })
    await channel.next('pong')
    channel.close()
  }
  return traceOf(call)
}

it('two that agree are direct by both ends', async () => {
  const trace = await told('AA', 5_003)
  expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
  const types = trace.events.flatMap(one =>
    one.kind === 'channel' ? `${one.party} ${one.direction} ${one.type}` : [],
  )
  expect(types.slice(0, 6)).toEqual([
    'caller in call',
    'caller out calling',
    'callee out incoming',
    'callee in answer',
    'caller out answered',
    'caller in bye',
  ])
  expect(JSON.stringify(trace)).not.toContain('verysecretpassword')
})

it('one that applied another certificate, and one that names another port, are contradicted', async () => {
  expect((await told('CC', 5_003)).verdict).toMatchObject({
    path: 'contradicted',
    contradictions: [{ about: 'the caller’s certificate' }],
  })
  expect((await told('AA', 6_003)).verdict).toMatchObject({
    path: 'contradicted',
    contradictions: [{ about: 'the selected pairs' }],
  })
})

it('of a SIP phone every message is there, without its secrets, and what it does not tell is said', async () => {
  const peer = await RawPeer.open('tcp', daemon.ports.sip)
  const uri = `sip:${domain}`
  const register = (challenge?: RawMessage): string =>
    request({
      ...{
        method: 'REGISTER',
        uri,
        from: `<sip:phone@${domain}>`,
        to: `<sip:phone@${domain}>`,
        transport: 'tcp',
      },
      more: [
        `Contact: <sip:phone@127.0.0.1:${peer.localPort};transport=tcp>`,
        ...(challenge
          ? [
              `Authorization: ${digest({ user: 'phone', password, method: 'REGISTER', uri, challenge: challengeOf(challenge) })}`,
            ]
          : []),
      ],
    })
  const registered = await peer.ask(register(await peer.ask(register())))
  expect(registered?.status).toBe(200)
  const { channel } = await enter()
  channel.say({ type: 'call', ref: 'r1', to: 'phone', sdp: sdp('AA'), video: false })
  const call = String((await channel.next('calling'))?.call)
  const invite = await peer.next(message => message.method === 'INVITE')
  const contact = `sip:phone@127.0.0.1:${peer.localPort};transport=tcp`
  peer.send(
    answer(invite!, 200, { tag: token(), contact, body: sdp('BB') }).replace(
      'Content-Length',
      'Content-Type: application/sdp\r\nContent-Length',
    ),
  )
  await channel.next('answered')
  expect(await peer.next(message => message.method === 'ACK')).toBeDefined()
  channel.say({ type: 'report', call, report: report(1_000, 'AA', 'BB', pair(5_002, 5_003), [1, 2]) })
  channel.say({ type: 'bye', call, reason: 'hangup' })
  const bye = await peer.next(message => message.method === 'BYE')
  peer.send(answer(bye!, 200))
  await channel.next('ended')
  const trace = await traceOf(call)
  const sip = trace.events.flatMap(one =>
    one.kind === 'sip' ? `${one.party} ${one.direction} ${one.name}` : [],
  )
  expect(sip.slice(0, 4)).toEqual([
    'callee out INVITE',
    'callee in 200 Answer',
    'callee out ACK',
    'callee out BYE',
  ])
  expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'oneEnd' })
  expect(trace.verdict.missing).toContain('a client at the callee’s end that reports its selected pair')
  expect(trace.verdict.checked.find(one => one.id === 'fingerprints')?.figures).toContain(
    'callee: carried sha-256 BB',
  )
  expect(JSON.stringify(trace)).not.toMatch(/verysecretpassword|nonce="/)
  const shown = daemon.cli('call', 'show', call)
  expect(shown).toContain('verdict  Direct, as the caller says; the callee says nothing.')
  expect(shown).toMatch(/│─+ INVITE ─+▶│/)
  peer.close()
  channel.close()
})
