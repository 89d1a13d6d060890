/** Pages and a telephone where no host has IPv4: found by name, talking directly, and through the relay. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Capture } from '../net/capture.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

const secret = 'paula-secret'

describeWith(
  ['namespaces', 'chromium', 'certutil', 'baresip', 'dumpcap', 'tshark'],
  'a network without IPv4',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage
    let desk: Baresip | undefined

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, bobSeat], otherHosts: ['desk'], ipv6Only: true })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      await house.owner.addUser('paula', 'Paula', secret)
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterEach(() => desk?.stop())
    afterAll(() => house?.remove())

    it('lets two pages hear and see each other directly', async () => {
      const capture = await Capture.start(house.lan)
      await talk()
      await capture.stop()
      const there = `ipv6.src == ${house.host('alice').address} && ipv6.dst == ${house.host('bob').address}`
      expect(await capture.count(`${there} && udp`)).toBeGreaterThan(100)
      expect(await capture.count('ip')).toBe(0)
      const { verdict } = await newestTrace()
      expect(verdict).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
    })

    it('lets a telephone call a page and be called by it', async () => {
      const server = `[${house.host('pi').address}]`
      const options = { user: 'paula', password: secret, server, transport: 'udp', hertz: 700 } as const
      const phone = new Baresip(house.host('desk'), options)
      desk = phone
      await phone.start()
      await phone.dial(`sip:bob@${server}`)
      await bob.rings('Paula')
      await bob.accept()
      await phone.says(/Call established/)
      await hears(bob.page, 700)
      await until('it hears Bob', () => (phone.heardShare(1_000) ?? 0) > 0.3)
      await phone.hangUp()
      await bob.ready()

      await bob.callAudio('Paula')
      await phone.says(/Incoming call/)
      await phone.accept()
      await bob.inCall()
      await hears(bob.page, 700)
      await bob.hangUp()
      await bob.ready()
    })

    it('relays between two of its kind', async () => {
      await house.lan.join('pi', 'eth1', 'other')
      await house.lan.move('bob', 'other')
      await bob.ready(60)
      await talk()
      const { verdict } = await newestTrace()
      expect(verdict).toMatchObject({ path: 'relayed', contradictions: [] })
      const pairs = verdict.checked.find(({ id }) => id === 'pairs')!.figures
      expect(pairs).toMatch(/relay \[fd7[78]::11\]:\d+/)
    }, 120_000)

    /** Alice calls Bob with a picture, until both ends have told a second or two of it, and hangs up. */
    async function talk(): Promise<void> {
      await alice.callVideo('Bob')
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([hears(bob.page, 440), hears(alice.page, 1_000)])
      await Promise.all([sees(bob.page, 'red'), sees(alice.page, 'blue')])
      await pause(2_000)
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
    }

    async function newestTrace() {
      const [row] = await house.daemon.calls()
      return house.owner.trace(row!.id)
    }
  },
)
