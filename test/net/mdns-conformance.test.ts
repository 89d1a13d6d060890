/**
 * What Apple's Bonjour Conformance Test looks for, on the wire: a party on the same LAN that probes, claims, asks and
 * listens, against the real daemon. The lines of `src/mdns/README.md` name these tests.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ResourceRecord } from '../../src/mdns/message.ts'
import { Capture } from './capture.ts'
import { Daemon } from './daemon.ts'
import { Lan } from './lan.ts'
import { address, type HeardMessage, isProbe, MdnsPeer, recordType, written } from './mdns-peer.ts'
import { Owner } from './owner.ts'
import { describeWith } from './peers.ts'
import { pause, until } from './wait.ts'

const { A, AAAA, ANY, PTR, TXT } = recordType
const service = 'lanline._lanline._tcp.local'

describeWith(['namespaces', 'dumpcap', 'tshark'], 'mDNS on the wire', () => {
  let lan: Lan
  let daemon: Daemon
  let peer: MdnsPeer
  let owner: Owner
  let pi: string

  const answers = (): HeardMessage[] => peer.heard.filter(one => one.address === pi && one.message.response)
  const records = (): ResourceRecord[] => answers().flatMap(({ message }) => [...message.answers])
  const hasAnswer = (line: string) => (one: HeardMessage) =>
    one.message.response && written(one.message.answers).includes(line)
  /** Nothing of the appliance is under way, and the limit of once a second is past. */
  const quiet = async (): Promise<void> => {
    await pause(1_100)
    peer.clear()
  }

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'tester'] })
    pi = lan.host('pi').address
    peer = await MdnsPeer.start(lan.host('tester'))
    daemon = new Daemon(lan.host('pi'), {}, { byAddress: true })
  })
  afterAll(() => lan?.remove())

  it('initial probing: three probes 250 ms apart before any answer; SRV probing; then announcements', async () => {
    // A second try begins like the first.
    await daemon.stop()
    peer.clear()
    const capture = await Capture.start(lan, lan.host('pi'))
    await daemon.start()
    await peer.hears('a second announcement', pi, one => {
      const first = answers()[0]
      return one.message.response && first !== undefined && one.at - first.at > 900
    })
    const probes = peer.heard.filter(one => one.address === pi && isProbe(one))
    expect(probes).toHaveLength(3)
    const gaps = probes.slice(1).map((one, index) => one.at - probes[index]!.at)
    for (const gap of gaps) expect(gap).toBeGreaterThan(200)
    for (const gap of gaps) expect(gap).toBeLessThan(400)
    expect(answers()[0]!.at).toBeGreaterThan(probes[2]!.at + 200)
    for (const { message } of probes) {
      expect(message.questions).toContainEqual({
        name: service.split('.'),
        type: ANY,
        class: 1,
        unicast: true,
      })
      expect(written(message.authorities)).toEqual(
        expect.arrayContaining([`lanline.local 120! A ${pi}`, `${service} 120! SRV lanline.local`]),
      )
    }
    const announced = written(records())
    expect(announced).toEqual(
      expect.arrayContaining([
        `lanline.local 120! A ${pi}`,
        `${service} 120! SRV lanline.local`,
        '_lanline._tcp.local 4500 PTR lanline._lanline._tcp.local',
      ]),
    )
    await capture.stop()
    // TTL 255 on everything.
    const hops = await capture.fields(`udp.port==5353 && ip.src==${pi}`, ['ip.ttl'])
    expect(hops.length).toBeGreaterThan(4)
    expect(new Set(hops.flat())).toEqual(new Set(['255']))
  })

  it('simple reply, cache flush: a question for an address is answered at once, to all, with the flush bit', async () => {
    await quiet()
    await pause(2_000)
    peer.clear()
    const answer = await until('one that came at once', async () => {
      await quiet()
      const asked = performance.now()
      peer.ask([['lanline.local', A]])
      const heard = await peer.hears('the address', pi, hasAnswer(`lanline.local 120! A ${pi}`))
      return performance.now() - asked < 150 ? heard : undefined
    })
    expect(answer).toMatchObject({ port: 5353, toPort: 5353, message: { id: 0, questions: [] } })
  })

  it('shared reply timing: a question for services is answered after 20 to 120 ms', async () => {
    const delays: number[] = []
    for (let turn = 0; turn < 6; turn++) {
      await quiet()
      const before = performance.now()
      peer.ask([['_sip._udp.local', PTR]])
      await peer.hears('the service', pi, one => one.message.response)
      delays.push(performance.now() - before)
    }
    // With a little for two processes and their messages, and one of them late at times.
    expect(Math.min(...delays)).toBeGreaterThan(18)
    expect(delays.filter(delay => delay < 220).length).toBeGreaterThanOrEqual(4)
  })

  it('additional records: with a service comes where it is, and that there is no other address', async () => {
    await quiet()
    peer.ask([['_sip._udp.local', PTR]])
    const { message } = await peer.hears('the service', pi, one => one.message.response)
    expect(written(message.additionals)).toEqual(
      expect.arrayContaining([
        'lanline._sip._udp.local 120! SRV lanline.local',
        'lanline._sip._udp.local 4500! TXT',
        `lanline.local 120! A ${pi}`,
        'lanline.local 120! NSEC',
      ]),
    )
  })

  it('multiple questions, reply aggregation: they are answered in one packet', async () => {
    await quiet()
    peer.ask([
      ['_sip._udp.local', PTR],
      ['_sip._tcp.local', PTR],
      ['lanline.local', A],
      [service, TXT],
    ])
    await peer.hears('the answer', pi, one => one.message.response)
    await pause(400)
    expect(answers()).toHaveLength(1)
    expect(answers()[0]!.message.answers).toHaveLength(4)
  })

  it('duplicate suppression: what the asker knows is not said, unless it knows it for less than half its time', async () => {
    const known = (ttlSeconds: number): ResourceRecord => ({
      ...{ name: ['_sip', '_udp', 'local'], class: 1, flush: false, ttlSeconds },
      data: { type: 'PTR', target: ['lanline', '_sip', '_udp', 'local'] },
    })
    await quiet()
    peer.ask([['_sip._udp.local', PTR]], { answers: [known(4_000)] })
    await pause(500)
    expect(answers()).toEqual([])
    peer.ask([['_sip._udp.local', PTR]], { answers: [known(1_000)] })
    await peer.hears('the answer', pi, one => one.message.response)
    // §7.2: known answers in a second packet.
    await quiet()
    peer.ask([['_sip._udp.local', PTR]], { truncated: true })
    await pause(200)
    peer.ask([], { answers: [known(4_000)] })
    await pause(700)
    expect(answers()).toEqual([])
  })

  it('distributed duplicate suppression: what another says first is not said again', async () => {
    await quiet()
    peer.ask([['_sip._udp.local', PTR]])
    peer.say([
      {
        ...{ name: ['_sip', '_udp', 'local'], class: 1, flush: false, ttlSeconds: 4_500 },
        data: { type: 'PTR', target: ['lanline', '_sip', '_udp', 'local'] },
      },
    ])
    await pause(500)
    expect(answers()).toEqual([])
  })

  it('probe denials, rate limiting: each of many probes for our name is answered, and all others once a second', async () => {
    await quiet()
    for (let turn = 0; turn < 4; turn++) {
      peer.ask([['lanline.local', ANY, true]], { authorities: [address('lanline.local', '10.77.0.99')] })
      await pause(300)
    }
    expect(answers().length).toBeGreaterThanOrEqual(4)
    await quiet()
    for (let turn = 0; turn < 20; turn++) {
      peer.ask([['lanline.local', A]])
      await pause(50)
    }
    // Once at first, and once when the second is over for who has lost it.
    expect(answers().length).toBeLessThanOrEqual(2)
  })

  it('unicast: asked for, it comes to the asker alone; a plain resolver gets its id, its question and short lives', async () => {
    await quiet()
    peer.ask([['lanline.local', A]])
    await quiet()
    peer.ask([['lanline.local', A, true]], { to: pi })
    await peer.hears('a direct answer', pi, hasAnswer(`lanline.local 120! A ${pi}`))
    await quiet()
    peer.ask([['_sip._udp.local', PTR]], { id: 4711, sourcePort: 40_001 })
    const plain = await peer.hears('a plain answer', pi, one => one.toPort === 40_001)
    expect(plain.message).toMatchObject({
      id: 4711,
      questions: [{ name: ['_sip', '_udp', 'local'], type: PTR }],
    })
    const all = [...plain.message.answers, ...plain.message.additionals]
    expect(all.length).toBeGreaterThan(2)
    expect(all.every(one => one.ttlSeconds <= 10 && !one.flush)).toBe(true)
  })

  it('says what there is not', async () => {
    await quiet()
    peer.ask([['lanline.local', AAAA]])
    const { message } = await peer.hears('a denial', pi, one => one.message.response)
    expect(message.answers[0]!.data).toEqual({ type: 'NSEC', next: ['lanline', 'local'], types: [A] })
    await quiet()
    peer.ask([['nobody.local', A]])
    await pause(400)
    expect(answers()).toEqual([])
  })

  it('subsequent conflict: claimed by somebody else the name is probed for, and kept if they let it go', async () => {
    await quiet()
    peer.say([address('lanline.local', '10.77.0.99')])
    await until('three more probes', () => peer.heard.filter(isProbe).length >= 3, { seconds: 3 })
    await peer.hears('the name again', pi, hasAnswer(`lanline.local 120! A ${pi}`))
    expect((await daemon.health()).parts.discovery).toEqual({ state: 'ok', detail: 'lanline.local' })
  })

  it('simultaneous probes: those that say less are won from; those that say more win, and a new name is taken', async () => {
    await daemon.stop()
    await quiet()
    const started = daemon.start()
    await peer.hears('its probe', pi, isProbe, 60)
    peer.ask([['lanline.local', ANY, true]], { authorities: [address('lanline.local', '10.0.0.1')] })
    await started
    await peer.hears('its claim', pi, hasAnswer(`lanline.local 120! A ${pi}`))
    await daemon.stop()
    await quiet()
    const again = daemon.start()
    const lost = await peer.hears('its probe', pi, isProbe, 60)
    const mine = address('lanline.local', '200.0.0.1')
    peer.ask([['lanline.local', ANY, true]], { authorities: [mine] })
    await again
    // It waits a second before it tries again, and hears then that the name is had.
    const next = await peer.hears(
      'its next probe',
      pi,
      one => isProbe(one) && one.at > lost.at + 700 && asksFor(one, 'lanline'),
    )
    expect(next.at - lost.at).toBeGreaterThan(950)
    peer.say([mine])
    await peer.hears('another name', pi, hasAnswer(`lanline-2.local 120! A ${pi}`))
    await until(
      'everybody goes by it',
      async () => (await daemon.health()).parts.discovery!.detail === 'lanline-2.local',
    )
  })

  it('manual name change: the old name is said goodbye to, the new one probed for and announced', async () => {
    owner = await Owner.claim(daemon)
    await quiet()
    await owner.request('PATCH', '/settings', { hostname: 'exchange' })
    await peer.hears('goodbye', pi, hasAnswer(`lanline-2.local 0! A ${pi}`))
    await peer.hears('the new name', pi, hasAnswer(`exchange.local 120! A ${pi}`))
    expect(peer.heard.filter(one => isProbe(one) && asksFor(one, 'exchange'))).toHaveLength(3)
  })

  it('legal characters: names of people and places may hold dots, quotes and other scripts', async () => {
    await quiet()
    await owner.request('PATCH', '/settings', { place: 'Dr. "Q" 台所' })
    await peer.hears('the place', pi, one =>
      one.message.answers.some(({ data }) => data.type === 'PTR' && data.target[0] === 'Dr. "Q" 台所'),
    )
  })

  it('hot-plugging: unplugged and plugged in again it probes anew', async () => {
    await lan.host('pi').linkDown()
    await pause(1_500)
    peer.clear()
    await lan.host('pi').linkUp()
    await until(
      'three probes',
      () => peer.heard.filter(one => one.address === pi && isProbe(one)).length >= 3,
      {
        seconds: 5,
      },
    )
    await peer.hears('its name', pi, hasAnswer(`exchange.local 120! A ${pi}`))
  })

  it('chattiness: left alone it says nothing', async () => {
    await pause(4_000)
    peer.clear()
    await pause(3_000)
    expect(peer.heard.filter(one => one.address === pi)).toEqual([])
  })

  it('stopped, it says goodbye to everything', async () => {
    peer.clear()
    await daemon.stop()
    const gone = written(records())
    expect(gone).toContain(`exchange.local 0! A ${pi}`)
    expect(gone.every(line => / 0!? /.test(line))).toBe(true)
  })
})

const asksFor = ({ message }: HeardMessage, label: string): boolean =>
  message.questions.some(({ name }) => name[0] === label && name.length === 2)
