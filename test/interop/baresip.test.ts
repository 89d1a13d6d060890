import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { between, Capture, srtp } from '../net/capture.ts'
import { bobSeat, House } from '../net/house.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

const hertz = 700

describeWith(
  ['namespaces', 'chromium', 'certutil', 'baresip', 'dumpcap', 'tshark'],
  'a baresip phone',
  () => {
    let house: House
    let bob: PhonePage
    let desk: Baresip

    beforeAll(async () => {
      house = await House.build({ seats: [bobSeat], otherHosts: ['desk'] })
      await house.owner.addUser('bob', 'Bob')
      await house.owner.addUser('paula', 'Paula', 'paula-secret')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    describe.each(['udp', 'tcp', 'tls'] as const)('registered over %s', transport => {
      beforeAll(async () => {
        desk = new Baresip(house.host('desk'), {
          user: 'paula',
          password: 'paula-secret',
          server: house.host('pi').address,
          transport,
          hertz,
          authorityFile: house.daemon.authorityFile,
        })
        await desk.start()
      })
      afterEach(() => bob.ready())
      afterAll(() => desk.stop())

      it('calls a lanline page; voice goes both ways, directly', async () => {
        const capture = await Capture.start(house.lan)
        await desk.dial(`sip:bob@${house.host('pi').address}`)
        await bob.rings('Paula')
        await bob.accept()
        await desk.says(/Call established/)
        await talk(capture)
        await desk.hangUp()
        await bob.ready()
      })

      it('is called by a lanline page; voice goes both ways, directly', async () => {
        const from = desk.output.length
        const capture = await Capture.start(house.lan)
        await bob.callAudio('Paula')
        await desk.says(/Incoming call/, from)
        await desk.accept()
        await desk.says(/Call established/, from)
        await talk(capture)
        await bob.hangUp()
        await desk.says(/session closed|terminated/, from)
      })
    })

    it('left a closed row for each call', async () => {
      const rows = await house.daemon.calls()
      expect(rows.map(row => [row.reason, row.missed])).toEqual(Array(6).fill(['hangup', false]))
    })

    async function talk(capture: Capture): Promise<void> {
      await bob.inCall()
      await hears(bob.page, hertz)
      await pause(1_500)
      await until('the phone hears 1 kHz', () => (desk.heardShare(1_000) ?? 0) > 0.3)
      await capture.stop()
      const [desks, bobs, pi] = [
        house.host('desk').address,
        house.host('bob').address,
        house.host('pi').address,
      ]
      expect(await capture.count(`${between(desks, bobs)} && ${srtp}`)).toBeGreaterThan(100)
      expect(await capture.count(`ip.addr == ${pi} && udp && ${srtp}`)).toBe(0)
    }
  },
)
