/** baresip that answers nothing any more, though its registration goes on: who calls it, and what it finds when it is back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import { bobSeat, House } from '../net/house.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'
import { type LocalDaemon, startLocalDaemon } from './local-daemon.ts'
import { answer, challengeOf, digest, RawPeer, request, token } from './raw-sip.ts'

/** Where all waited for the dead telephone it took half a minute. */
const atOnceMilliseconds = 3_000

describeWith(['namespaces', 'chromium', 'certutil', 'baresip'], 'a baresip phone that is dead', () => {
  let house: House
  let paula: PhonePage
  let paulas: Baresip
  let hals: Baresip

  beforeAll(async () => {
    house = await House.build({ seats: [bobSeat], otherHosts: ['desk', 'hall'] })
    await house.owner.addUser('paula', 'Paula', 'paula-secret')
    await house.owner.addUser('hal', 'Hal', 'hals-secret')
    paula = await house.phone('Paula', 'bob')
    const server = house.host('pi').address
    const phone = (host: string, user: string, password: string) =>
      new Baresip(house.host(host), { user, password, server, transport: 'udp', hertz: 700 })
    paulas = phone('desk', 'paula', 'paula-secret')
    hals = phone('hall', 'hal', 'hals-secret')
    await Promise.all([paulas.start(), hals.start()])
  }, 120_000)
  afterAll(async () => {
    await Promise.all([paulas?.stop(), hals?.stop()])
    house?.remove()
  })

  const newest = async () => (await house.daemon.calls())[0]
  const took = async (what: () => Promise<unknown>): Promise<number> => {
    const from = performance.now()
    await what()
    return performance.now() - from
  }

  it('does not keep from who calls that they are declined at another device', async () => {
    paulas.freeze()
    const from = hals.output.length
    await hals.dial(`sip:paula@${house.host('pi').address}`)
    await paula.rings('Hal')
    const heard = await took(async () => {
      await paula.decline()
      await hals.says(/603 Decline/i, from, 40)
    })
    expect(heard).toBeLessThan(atOnceMilliseconds)
    await until('the row is closed', async () => (await newest())?.reason === 'declined', { seconds: 3 })
    const back = paulas.output.length
    paulas.thaw()
    // It rings, if at all, for as long as it takes to tell it that nobody calls any longer.
    await paulas.says(/session closed|terminated|cancel/i, back)
  })

  it('leaves who gives up at once, and is in no call when it is back', async () => {
    hals.freeze()
    await paula.ready()
    await paula.callAudio('Hal')
    await pause(1_000)
    await paula.press('Cancel call')
    const closed = await took(() =>
      until('the row is closed', async () => (await newest())?.endedAt != null, { seconds: 40 }),
    )
    expect(closed).toBeLessThan(atOnceMilliseconds)
    const isCancelled = { calleeUser: 'hal', endedBy: 'caller', reason: 'cancelled' }
    expect(await newest()).toMatchObject(isCancelled)
    const back = hals.output.length
    hals.thaw()
    await hals.says(/session closed/, back)
    expect(await newest()).toMatchObject(isCancelled)
  })

  it('takes a call that rang when the appliance was killed, once that is back, and either may hang up', async () => {
    for (const ends of [hals, paulas]) {
      const [rang, called] = [paulas.output.length, hals.output.length]
      await hals.dial(`sip:paula@${house.host('pi').address}`)
      await paulas.says(/Incoming call/, rang)
      // By then its row is on the disk.
      await pause(1_000)
      await house.daemon.kill()
      await house.daemon.start()
      await paulas.accept()
      await hals.says(/Call established/, called)
      await until('the call is in the log', async () => (await newest())?.answeredAt != null)
      await ends.hangUp()
      const endedBy = ends === hals ? 'caller' : 'callee'
      await until('the row is closed', async () => (await newest())?.endedBy === endedBy)
      expect(await newest()).toMatchObject({ reason: 'hangup', calleeUser: 'paula', missed: false })
    }
  })

  it('is asked after a start whether it is still in its call, and talks on, or the call is over', async () => {
    await hals.dial(`sip:paula@${house.host('pi').address}`)
    const isBegun = async () => (await newest())?.answeredAt != null
    const answered = async () => {
      await paulas.says(/Incoming call/, heard)
      await paulas.accept()
      await until('the call is in the log', isBegun)
    }
    let heard = paulas.output.length
    await answered()
    const restart = async () => {
      await house.daemon.kill()
      await house.daemon.start()
    }
    await restart()
    const { id } = (await newest())!
    await until('both have said that they are', async () => {
      const { stdout } = await house.daemon.cli(['trace', 'export', id])
      const { events } = JSON.parse(stdout) as SignedTrace
      const said = events.flatMap(one =>
        one.kind === 'sip' && one.cseq === '0 INFO' ? [`${one.party} ${one.name}`] : [],
      )
      return said.length >= 4
    })
    expect((await newest())?.endedAt ?? undefined).toBeUndefined()
    await hals.hangUp()
    await until('the row is closed', async () => (await newest())?.reason === 'hangup')
    // The power of the whole house, then that of the phones alone.
    for (const appliance of [house.daemon, undefined]) {
      heard = paulas.output.length
      await hals.dial(`sip:paula@${house.host('pi').address}`)
      await answered()
      const { id } = (await newest())!
      await Promise.all([hals.cutOff(), paulas.cutOff(), appliance?.kill()])
      await appliance?.start()
      await Promise.all([hals.start(), paulas.start()])
      await until('the row is closed', async () => (await newest())?.reason === 'lost')
      expect(await newest()).toMatchObject({ id, callerUser: 'hal', calleeUser: 'paula', endedBy: 'server' })
    }
  })
})

describe('a telephone that answers when who called has given up', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'lanline-dead-'))
  const names = ['alice', 'bob'] as const
  let daemon: LocalDaemon
  let alice: RawPeer
  let bob: RawPeer

  beforeAll(async () => {
    daemon = await startLocalDaemon({ directory, users: names.map(name => ({ name, password: 'secret' })) })
    ;[alice, bob] = (await Promise.all(names.map(registered))) as [RawPeer, RawPeer]
  })
  afterAll(async () => {
    for (const peer of [alice, bob]) peer?.close()
    await daemon?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it('is acknowledged and hung up by lanline', async () => {
    const [callId, branch, tag] = [token(), `z9hG4bK${token()}`, token()]
    const parts = { ...addresses('bob', 'alice'), callId, branch, tag }
    const more = [`Contact: <sip:alice@127.0.0.1:${alice.localPort}>`]
    const challenge = challengeOf(
      (await alice.ask(request({ ...parts, branch: token(), method: 'INVITE', more })))!,
    )
    const credentials = digest({
      user: 'alice',
      password: 'secret',
      method: 'INVITE',
      uri: parts.uri,
      challenge,
    })
    const proven = [...more, `Proxy-Authorization: ${credentials}`]
    alice.send(request({ ...parts, method: 'INVITE', cseq: 2, more: proven }))
    const invite = await bob.next(message => message.method === 'INVITE')
    alice.send(request({ ...parts, method: 'CANCEL', cseq: 2 }))
    const refusal = await alice.next(message => message.status === 487, 1_000)
    expect(refusal?.header('CSeq')).toBe('2 INVITE')
    alice.send(request({ ...parts, method: 'ACK', cseq: 2, to: refusal!.header('To') }))
    bob.send(answer(invite!, 200, { tag: 'bobs', contact: `sip:bob@127.0.0.1:${bob.localPort}` }))
    const ack = await bob.next(message => message.method === 'ACK')
    const bye = await bob.next(message => message.method === 'BYE')
    for (const [message, cseq] of [
      [ack, '2 ACK'],
      [bye, '3 BYE'],
    ] as const) {
      expect(message?.header('CSeq')).toBe(cseq)
      expect(message?.header('Call-ID')).toBe(callId)
      expect(message?.header('From')).toContain(tag)
      expect(message?.header('To')).toContain('tag=bobs')
      expect(message?.uri).toBe(`sip:bob@127.0.0.1:${bob.localPort}`)
    }
    bob.send(answer(bye!, 200))
    expect(
      await alice.next(message => message.status === 200 && message.header('CSeq').includes('INVITE'), 500),
    ).toBeUndefined()
  })

  async function registered(user: string): Promise<RawPeer> {
    const peer = await RawPeer.open('udp', daemon.ports.sip)
    const parts = { ...addresses(user, user), method: 'REGISTER', uri: 'sip:lanline.local', callId: token() }
    const more = [`Contact: <sip:${user}@127.0.0.1:${peer.localPort}>`, 'Expires: 600']
    const challenge = challengeOf((await peer.ask(request({ ...parts, more })))!)
    const credentials = digest({ user, password: 'secret', method: 'REGISTER', uri: parts.uri, challenge })
    const proven = [...more, `Authorization: ${credentials}`]
    expect((await peer.ask(request({ ...parts, cseq: 2, more: proven })))?.status).toBe(200)
    return peer
  }
})

const addresses = (to: string, from: string) => ({
  uri: `sip:${to}@lanline.local`,
  to: `<sip:${to}@lanline.local>`,
  from: `<sip:${from}@lanline.local>`,
})
