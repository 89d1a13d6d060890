import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { between, Capture, clientHello, srtp } from '../net/capture.ts'
import { aliceSeat, bobSeat, carolSeat, House } from '../net/house.ts'
import { hears, sees, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

describeWith(
  ['namespaces', 'chromium', 'certutil', 'dumpcap', 'tshark'],
  'people in three browsers on one LAN',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage
    let carol: PhonePage

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, bobSeat, carolSeat] })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    it('hear and see each other directly, and no packet of it passes the appliance', async () => {
      const [a, b, pi] = [house.host('alice').address, house.host('bob').address, house.host('pi').address]
      const [everywhere, atTheAppliance] = [
        await Capture.start(house.lan),
        await Capture.start(house.lan, house.host('pi')),
      ]
      await alice.callVideo('Bob')
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([hears(bob.page, 440), hears(alice.page, 1_000)])
      await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
      expect(await selectedPair(alice.page)).toMatchObject({
        localType: 'host',
        localAddress: a,
        remoteType: 'host',
        remoteAddress: b,
        dtls: 'connected',
      })
      expect(await selectedPair(bob.page)).toMatchObject({
        localType: 'host',
        localAddress: b,
        remoteType: 'host',
        remoteAddress: a,
        dtls: 'connected',
      })
      expect(await alice.badge()).toMatch(/direct/i)
      await pause(5_000)
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      await Promise.all([everywhere.stop(), atTheAppliance.stop()])

      const hellos = await everywhere.count(`${between(a, b)} && ${clientHello}`)
      const packets = await everywhere.count(`${between(a, b)} && ${srtp}`)
      console.info(`${hellos} ClientHellos, ${packets} SRTP packets between the two`)
      expect(hellos).toBeGreaterThan(0)
      expect(packets).toBeGreaterThan(500)
      expect(await atTheAppliance.count(`${between(a, b)} && ${srtp}`)).toBe(0)
      expect(await everywhere.count(`ip.addr == ${pi} && udp && ${srtp}`)).toBe(0)
    }, 90_000)

    it('leave a complete row of their call', async () => {
      const [row] = await closedCalls(1)
      const [a, b] = [house.host('alice').address, house.host('bob').address]
      expect(row).toMatchObject({
        callerUser: 'alice',
        callerName: 'Alice',
        calleeUser: 'bob',
        calleeName: 'Bob',
        video: true,
        reason: 'hangup',
        endedBy: 'caller',
        missed: false,
        callerPair: {
          localType: 'host',
          localAddress: a,
          remoteType: 'host',
          remoteAddress: b,
          protocol: 'udp',
        },
        calleePair: {
          localType: 'host',
          localAddress: b,
          remoteType: 'host',
          remoteAddress: a,
          protocol: 'udp',
        },
      })
      expect(row?.callerDevice).toBeTruthy()
      expect(row?.calleeDevice).toBeTruthy()
      const times = [row?.startedAt, row?.ringingAt, row?.answeredAt, row?.endedAt].map(Number)
      expect(times).toEqual([...times].sort((one, other) => one - other))
      expect(times.every(Number.isFinite)).toBe(true)
    })

    it('leave a trace in which both ends tell their checks, their keys and how it sounded', async () => {
      const [row] = await closedCalls(1)
      // The last counts of both ends come a moment after the call's end.
      const { verdict, events } = await until('every stream is counted to its end', async () => {
        const trace = await house.owner.trace(row!.id)
        const { figures } = trace.verdict.checked.find(line => line.id === 'streams')!
        const counted = figures.match(/: sent \d+, received \d+ \+ lost \d+ in all/g)
        return counted?.length === 4 ? trace : undefined
      })
      for (const { outcome, question, figures } of verdict.checked) {
        console.info(`${outcome} ${question}\n    ${figures}`)
      }
      expect(verdict).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
      expect(verdict.checked.filter(line => line.outcome !== 'holds').map(line => line.id)).toEqual([
        'packets',
      ])
      for (const party of ['caller', 'callee'] as const) {
        const said = events.filter(event => event.source === party)
        const answered = said
          .flatMap(event => (event.kind === 'checks' ? event.pairs : []))
          .findLast(pair => pair.state === 'succeeded')
        expect(answered?.requestsSent).toBeGreaterThan(0)
        expect(answered?.responsesReceived).toBeGreaterThan(0)
        const dtls = said.findLast(event => event.kind === 'dtls')
        expect(dtls).toMatchObject({ version: expect.stringMatching(/^DTLS 1\.[23]$/) })
        expect(dtls?.cipher).toMatch(/AES|CHACHA/)
        expect(dtls?.srtpProfile).toMatch(/AES/)
        const streams = said.findLast(event => event.kind === 'quality')?.streams ?? []
        const heard = streams.find(stream => stream.media === 'audio' && stream.direction === 'received')
        expect(heard?.jitterMilliseconds).toBeGreaterThanOrEqual(0)
        expect(heard?.samples).toBeGreaterThan(48_000)
        const seen = streams.find(stream => stream.media === 'video' && stream.direction === 'received')
        expect(seen?.frames).toBeGreaterThan(10)
        const states = said.flatMap(event => (event.kind === 'state' ? `${event.what} ${event.to}` : []))
        expect(states).toContain('connection connected')
        // Chromium tells of a state after it came: a busy page may find one of these over already.
        expect(states).toContainEqual(
          expect.stringMatching(/^(iceConnection checking|connection connecting)$/),
        )
        const media = said.flatMap(event =>
          event.kind === 'firstMedia' ? `${event.direction} ${event.media}` : [],
        )
        expect(media.toSorted()).toEqual(['received audio', 'received video', 'sent audio', 'sent video'])
      }
    })

    it('are counted on the cable of the appliance as soon as its host is made their router', async () => {
      const [a, b, pi] = [house.host('alice'), house.host('bob'), house.host('pi')]
      await pi.forward()
      await a.routeThrough(pi, b)
      await b.routeThrough(pi, a)
      const atTheAppliance = await Capture.start(house.lan, pi)
      await bob.callVideo('Alice')
      await alice.rings('Bob')
      await alice.accept()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
      await pause(6_000)
      await bob.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      await atTheAppliance.stop()
      expect(
        await atTheAppliance.count(`${between(a.address, b.address)} && ${clientHello}`),
      ).toBeGreaterThan(0)
      expect(await atTheAppliance.count(`${between(a.address, b.address)} && ${srtp}`)).toBeGreaterThan(500)
      await a.routeDirect(b)
      await b.routeDirect(a)
    }, 60_000)

    it('ring on every device of a person until one answers, then the others stop', async () => {
      carol = await house.phone('Bob', 'carol')
      await alice.callAudio('Bob')
      await Promise.all([bob.rings('Alice'), carol.rings('Alice')])
      await carol.accept()
      await Promise.all([alice.inCall(), carol.inCall()])
      await bob.ready()
      await hears(alice.page, 700)
      await hears(carol.page, 440)
      await carol.hangUp()
      await Promise.all([alice.ready(), carol.ready()])
      const [row] = await closedCalls(3)
      expect(row).toMatchObject({ callerUser: 'alice', calleeUser: 'bob', endedBy: 'callee', missed: false })
      expect(row?.calleePair?.localAddress).toBe(house.host('carol').address)
    }, 60_000)

    /** The call rows, newest first, once there are `count` and all have ended. */
    async function closedCalls(count: number): Promise<readonly CallRow[]> {
      return until(`${count} closed call rows`, async () => {
        const rows = await house.daemon.calls()
        return rows.length === count && rows.every(row => typeof row.endedAt === 'number') ? rows : undefined
      })
    }
  },
)
