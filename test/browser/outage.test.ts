import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { Capture, longestGaps } from '../net/capture.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

const isSoak = process.env.LANLINE_SOAK !== undefined
/** The long outage: what the suite has time for, or three minutes in a soak. */
const longSeconds = isSoak ? 180 : 8
/**
 * Where silences are measured, a picture is part of the call only in a soak, which runs one file at a time: two encoders
 * that come before all others would leave the other files too little of two processors.
 */
const hasPicture = isSoak
/** No two media packets of one direction further apart than this, whatever happens to the appliance. */
const gapMilliseconds = 200
/** The appliance tells the end of a call it did not see from the parties' word; their clocks are their own. */
const endToleranceMilliseconds = 2_000

describeWith(
  ['namespaces', 'chromium', 'certutil', 'dumpcap', 'tshark'],
  'a call while the appliance is away',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage
    let closedBefore = 0

    beforeAll(async () => {
      const seats = [aliceSeat, bobSeat].map(seat => ({ ...seat, isFirst: true }))
      house = await House.build({ seats })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    const patient = { timeout: (longSeconds + 150) * 1_000 }

    /** Each scenario begins with the appliance up and two idle phones, whatever became of the one before. */
    beforeEach(async () => {
      await house.host('pi').linkUp()
      const isUp = await house.daemon.health().then(
        () => true,
        () => false,
      )
      if (!isUp) {
        await house.daemon.kill()
        await house.daemon.start()
      }
      for (const phone of [alice, bob]) await phone.page.reload()
      await Promise.all([alice.ready(60), bob.ready(60)])
      closedBefore = await until('no call is open', async () => {
        const rows = await house.daemon.calls()
        return rows.every(row => typeof row.endedAt === 'number') ? { count: rows.length } : undefined
      }).then(({ count }) => count)
    })

    it(
      'goes on over a SIGKILL and a start a second later; both pages come back; hanging up closes the row',
      patient,
      async () => {
        const capture = await talk()
        await house.daemon.kill()
        await pause(1_000)
        await house.daemon.start()
        await backAndHangUp(capture, alice, bob, 'caller')
      },
    )

    it(`goes on over ${longSeconds} s without an appliance, both pages saying so`, patient, async () => {
      const capture = await talk()
      await house.daemon.kill()
      await Promise.all([alice.lineAway(), bob.lineAway()])
      await pause(longSeconds * 1_000)
      await Promise.all([hears(alice.page, 1_000), hears(bob.page, 440)])
      if (hasPicture) await sees(bob.page, 'red')
      await house.daemon.start()
      await backAndHangUp(capture, bob, alice, 'callee')
    })

    it(
      'can be ended while the appliance is dead; the row closes with the true end once it is back',
      patient,
      async () => {
        const capture = await talk()
        await house.daemon.kill()
        await Promise.all([alice.lineAway(), bob.lineAway()])
        await endedWhileAway(capture, bob, alice, 'callee', async () => {
          await pause(2_000)
          await house.daemon.start()
        })
      },
    )

    it(
      `goes on when the appliance vanishes from the LAN without a FIN for ${longSeconds} s`,
      patient,
      async () => {
        const capture = await talk()
        await house.host('pi').linkDown()
        await Promise.all([alice.lineAway(), bob.lineAway()])
        await pause(longSeconds * 1_000)
        await house.host('pi').linkUp()
        await backAndHangUp(capture, alice, bob, 'caller')
      },
    )

    it(
      'can be ended while the appliance has lost its power; the row closes with the true end',
      patient,
      async () => {
        const capture = await talk()
        await house.host('pi').linkDown()
        await house.daemon.kill()
        await Promise.all([alice.lineAway(), bob.lineAway()])
        await endedWhileAway(capture, alice, bob, 'caller', async () => {
          await pause(2_000)
          await house.daemon.start()
          await house.host('pi').linkUp()
        })
      },
    )

    it('is taken all the same by who answered when the appliance had just gone', patient, async () => {
      await alice.callVideo('Bob')
      await bob.rings('Alice')
      await house.host('pi').linkDown()
      await bob.accept()
      await Promise.all([alice.lineAway(), bob.lineAway()])
      // By then a new line is sooner there than TCP tries again to bring what was said on the old one.
      await pause(3_000)
      await house.host('pi').linkUp()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([hears(bob.page, 440), hears(alice.page, 1_000)])
      await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      expect((await house.daemon.calls())[0]).toMatchObject({ calleeUser: 'bob', missed: false })
    })

    /** Alice calls Bob, both talk, and the bridge is watched from then on. */
    async function talk(): Promise<Capture> {
      await (hasPicture ? alice.callVideo('Bob') : alice.callAudio('Bob'))
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([hears(bob.page, 440), hears(alice.page, 1_000)])
      const capture = await Capture.start(house.lan)
      await pause(1_000)
      return capture
    }

    async function backAndHangUp(
      capture: Capture,
      who: PhonePage,
      other: PhonePage,
      endedBy: 'caller' | 'callee',
    ): Promise<void> {
      await Promise.all([alice.lineBack(), bob.lineBack()])
      await Promise.all([hears(bob.page, 440), hears(alice.page, 1_000)])
      await expectNoGap(capture)
      const hungUpAt = Date.now()
      await who.hangUp()
      await Promise.all([who.ready(), other.ready()])
      await expectRow(hungUpAt, endedBy)
    }

    async function endedWhileAway(
      capture: Capture,
      who: PhonePage,
      other: PhonePage,
      endedBy: 'caller' | 'callee',
      comeBack: () => Promise<void>,
    ): Promise<void> {
      await pause(2_000)
      await expectNoGap(capture)
      const hungUpAt = Date.now()
      await who.hangUp()
      await other.notInCall()
      await comeBack()
      await Promise.all([alice.ready(60), bob.ready(60)])
      await expectRow(hungUpAt, endedBy)
    }

    async function expectNoGap(capture: Capture): Promise<void> {
      await capture.stop()
      const { there, back } = await longestGaps(
        capture,
        house.host('alice').address,
        house.host('bob').address,
      )
      console.info(
        `longest silence ${there.gapMilliseconds} and ${back.gapMilliseconds} ms in ${there.packets} and ${back.packets} packets`,
      )
      expect(there.packets).toBeGreaterThan(100)
      expect(back.packets).toBeGreaterThan(100)
      expect(there.gapMilliseconds).toBeLessThanOrEqual(gapMilliseconds)
      expect(back.gapMilliseconds).toBeLessThanOrEqual(gapMilliseconds)
    }

    async function expectRow(endedAt: number, endedBy: 'caller' | 'callee'): Promise<void> {
      const row: CallRow = await until('the call row is closed', async () => {
        const rows = await house.daemon.calls()
        return rows.length === closedBefore + 1 && typeof rows[0]?.endedAt === 'number' ? rows[0] : undefined
      })
      expect(row).toMatchObject({
        callerUser: 'alice',
        calleeUser: 'bob',
        reason: 'hangup',
        endedBy,
        missed: false,
      })
      expect(Math.abs(Number(row.endedAt) - endedAt)).toBeLessThan(endToleranceMilliseconds)
      expect(Number(row.answeredAt)).toBeLessThan(endedAt)
    }
  },
)
