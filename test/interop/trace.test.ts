/** What a running daemon makes of a call: the trace of clients that agree, and of a phone that reports nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../../src/store/store.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, type RawMessage, RawPeer, request, token } from './raw-sip.ts'
import { Reporters, report, sdp } from './reporting.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lanline-trace-'))
const domain = 'lanline.local'
const password = 'phone password'
let daemon: LocalDaemon
let reporters: Reporters
beforeAll(async () => {
  daemon = await startLocalDaemon({ directory, users: [{ name: 'phone', password }] })
  reporters = new Reporters(path.join(directory, 'data'), daemon.ports.http)
})
afterAll(async () => {
  await daemon?.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('two that agree are direct by both ends', async () => {
  const trace = await (await reporters.call()).told()
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
  // Reports may come for 20 s more; the list is not kept waiting for them.
  const outcome = async () => (await reporters.listed(trace.call.id)).outcome
  await expect.poll(outcome, { timeout: 5_000 }).toMatchObject({ path: 'direct', grade: 'bothEnds' })
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
  const { channel } = await reporters.enter()
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
  channel.say({ type: 'report', call, report: report('caller', 1_000) })
  channel.say({ type: 'bye', call, reason: 'hangup' })
  const bye = await peer.next(message => message.method === 'BYE')
  peer.send(answer(bye!, 200))
  await channel.next('ended')
  const trace = await reporters.trace(call)
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
  expect(shown).toMatch(/│─+ INVITE \(SDP\) ─+▶│/)
  peer.close()
  channel.close()
})

it('calls that end just before a stop or a power cut have their verdict in the list afterwards', async () => {
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'lanline-trace-'))
  const data = path.join(elsewhere, 'data')
  /** Ends for both a moment before `end` does it to the appliance. */
  const until = async (end: (daemon: LocalDaemon) => Promise<void>): Promise<string[]> => {
    const begun = await startLocalDaemon({ directory: elsewhere, users: [] })
    const people = new Reporters(data, begun.ports.http)
    const silent = await people.call()
    silent.caller.say({ type: 'bye', call: silent.call, reason: 'hangup' })
    await silent.callee.next('ended')
    await silent.close()
    const told = (await (await people.call()).told()).call.id
    await end(begun)
    return [silent.call, told]
  }
  const kept = async (calls: readonly string[]) => {
    const store = await openStore(data)
    const rows = await Promise.all(calls.map(call => store.calls.get(call)))
    await store.close()
    return rows.map(row => row?.outcome?.path)
  }
  try {
    const stopped = await until(one => one.stop())
    expect(await kept(stopped)).toEqual(['unknown', 'direct'])
    const cut = await until(async one => {
      process.kill(one.pid, 'SIGKILL')
      await one.stop()
    })
    // Nobody told anything of the first one, so nothing is concluded of it before 20 s have passed.
    expect((await kept(cut))[0]).toBe(undefined)
    const again = await startLocalDaemon({ directory: elsewhere, users: [] })
    const people = new Reporters(data, again.ports.http)
    const paths = () => Promise.all(cut.map(async call => (await people.listed(call)).outcome?.path))
    await expect.poll(paths, { timeout: 10_000 }).toEqual(['unknown', 'direct'])
    await again.stop()
  } finally {
    rmSync(elsewhere, { recursive: true, force: true })
  }
}, 120_000)
