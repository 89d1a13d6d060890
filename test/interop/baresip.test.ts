import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { Verdict } from '../../src/trace/message.ts'
import { barriers } from '../net/axe.ts'
import { between, Capture, srtp } from '../net/capture.ts'
import { bobSeat, House } from '../net/house.ts'
import { must } from '../net/lan.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

const hertz = 700

const line = (verdict: Verdict, id: string): string => verdict.checked.find(one => one.id === id)!.figures

describeWith(
  ['namespaces', 'chromium', 'certutil', 'baresip', 'dumpcap', 'tshark', 'nft'],
  'a baresip phone',
  () => {
    let house: House
    let bob: PhonePage
    let desk: Baresip

    beforeAll(async () => {
      house = await House.build({ seats: [bobSeat], otherHosts: ['desk', 'hall'] })
      await house.owner.addUser('bob', 'Bob')
      await house.owner.addUser('paula', 'Paula', 'paula-secret')
      await house.owner.addUser('hal', 'Hal', 'hals-secret')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    describe.each(['udp', 'tcp', 'tls'] as const)('registered over %s', transport => {
      beforeAll(async () => {
        desk = phoneAt('desk', 'paula', 'paula-secret', transport)
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
        const { verdict, events } = await newestTrace()
        expect(verdict).toMatchObject({
          ...{ path: 'direct', grade: 'oneEnd', contradictions: [] },
          sentence: 'Direct, as the callee says; the caller says nothing.',
        })
        expect(verdict.missing).toEqual(
          expect.arrayContaining([
            'a client at the caller’s end that reports its selected pair',
            'the caller’s DTLS state',
            'the fingerprint that the caller applied',
          ]),
        )
        // What a silent phone's description carried is compared with what the other end applied all the same.
        expect(line(verdict, 'fingerprints')).toMatch(
          /^caller: carried sha-\d+ ([0-9A-F:]+)…, applied sha-\d+ \1…; callee: carried .*, applied not said$/,
        )
        const names = events.flatMap(one => (one.kind === 'sip' && one.party === 'caller' ? one.name : []))
        expect(names).toEqual(expect.arrayContaining(['INVITE', 'ACK', 'BYE']))
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
      // One more for each that was tried again.
      expect(rows.length).toBeGreaterThanOrEqual(6)
      for (const row of rows) expect([row.reason, row.missed]).toEqual(['hangup', false])
    })

    it('calls one of its kind by its short number: no end says which way media went, and that is what the trace says', async () => {
      desk = phoneAt('desk', 'paula', 'paula-secret', 'udp')
      const hall = phoneAt('hall', 'hal', 'hals-secret', 'tcp')
      try {
        await Promise.all([desk.start(), hall.start()])
        // The owner has 20, Bob 21, Paula 22.
        await desk.dial(`sip:23@${house.host('pi').address}`)
        await hall.says(/Incoming call/)
        await hall.accept()
        await Promise.all([desk, hall].map(phone => phone.says(/Call established/)))
        await pause(1_000)
        await desk.hangUp()
        await hall.says(/session closed|terminated/)
        expect((await house.daemon.calls())[0]).toMatchObject({ calleeUser: 'hal', calleeName: 'Hal' })
        const { verdict } = await newestTrace()
        expect(verdict).toMatchObject({
          ...{ path: 'unknown', grade: 'none', contradictions: [] },
          sentence: 'Unknown: no end says which way media went.',
        })
        for (const role of ['caller', 'callee']) {
          expect(verdict.missing).toContain(`a client at the ${role}’s end that reports its selected pair`)
        }
        expect(line(verdict, 'ledger')).toBe('0 bytes: the relay was never opened')
      } finally {
        await Promise.all([desk.stop(), hall.stop()])
      }
    })

    it('puts a page on hold, which then sends nothing, and takes it back', async () => {
      desk = phoneAt('desk', 'paula', 'paula-secret', 'udp')
      await desk.start()
      try {
        await desk.dial(`sip:bob@${house.host('pi').address}`)
        await bob.rings('Paula')
        await bob.accept()
        await bob.inCall()
        await hears(bob.page, hertz)
        for (const [command, direction] of [
          ['/hold', 'recvonly'],
          ['/resume', 'sendrecv'],
        ] as const) {
          await desk.command(command)
          await until(`the page is ${direction}`, async () => (await directions()).includes(direction))
          await bob.page
            .getByText('Paula has put you on hold: they do not hear you.')
            .waitFor({ state: command === '/hold' ? 'visible' : 'detached' })
        }
        await hears(bob.page, hertz)
        await bob.inCall()
        await desk.hangUp()
        await bob.ready()
      } finally {
        await desk.stop()
      }
    })

    it('is put on hold by a page that asks another phone first, and taken back', async () => {
      desk = phoneAt('desk', 'paula', 'paula-secret', 'udp')
      const hall = phoneAt('hall', 'hal', 'hals-secret', 'tcp')
      await Promise.all([desk.start(), hall.start()])
      const audioIs = (direction: string) =>
        until(`the phone says ${direction}`, async () =>
          (await desk.command('/audio_debug')).includes(`audio dir=${direction}`),
        )
      try {
        await bob.callAudio('Paula')
        await desk.says(/Incoming call/)
        await desk.accept()
        await bob.inCall()
        await until('the phone hears the page', () => (desk.heardShare(1_000) ?? 0) > 0.5)
        await bob.press('Transfer Paula to somebody else')
        await bob.press('Ask first: Hal')
        await hall.says(/Incoming call/)
        await audioIs('recvonly')
        await bob.press('Back to Paula: hang up on Hal')
        // That the phone hears the page again its recording does not tell: it ends with the hold.
        await audioIs('sendrecv')
        await hears(bob.page, hertz)
        await desk.hangUp()
        await bob.ready()
      } finally {
        await Promise.all([desk.stop(), hall.stop()])
      }
    })

    it('that hides who calls is nobody to another phone; a page and the log have who it is', async () => {
      const from = (await house.daemon.calls()).length
      desk = new Baresip(house.host('desk'), {
        ...{ user: 'paula', password: 'paula-secret', transport: 'udp', hertz, hidden: true },
        server: house.host('pi').address,
      })
      const hall = phoneAt('hall', 'hal', 'hals-secret', 'udp')
      try {
        desk.begin()
        await desk.says(/baresip is ready/)
        await hall.start()
        await desk.dial(`sip:hal@${house.host('pi').address}`)
        const told = await hall.says(/Incoming call from: .*/)
        expect(told[0]).toMatch(/anonymous@anonymous\.invalid/i)
        await hall.accept()
        await Promise.all([desk, hall].map(phone => phone.says(/Call established/)))
        await hall.hangUp()
        await desk.says(/session closed|terminated/)
        expect(hall.output).not.toMatch(/paula/i)
        const before = desk.output.length
        await desk.dial(`sip:bob@${house.host('pi').address}`)
        await bob.rings('Paula')
        await bob.accept()
        await bob.inCall()
        await hears(bob.page, hertz)
        await desk.command('/hold')
        await desk.command('/resume')
        await bob.hangUp()
        await desk.says(/session closed|terminated/, before)
        await bob.ready()
        const rows = await until('both are in the log', async () => {
          const all = await house.daemon.calls()
          return all.length === from + 2 ? all.slice(0, 2) : undefined
        })
        expect(rows.map(row => [row.callerUser, row.callerName, row.reason])).toEqual(
          Array(2).fill(['paula', 'Paula', 'hangup']),
        )
      } finally {
        await Promise.all([desk.stop(), hall.stop()])
      }
    })

    it('with two flows rings once, and by the other one where one is cut and nobody was told', async () => {
      const [pi, at] = [house.host('pi').address, house.host('desk').address]
      desk = new Baresip(house.host('desk'), {
        ...{ user: 'paula', password: 'paula-secret', transport: 'udp', hertz, hasTwoFlows: true },
        server: pi,
      })
      const capture = await Capture.start(house.lan)
      const callPaula = async () => {
        const from = desk.output.length
        await bob.callAudio('Paula')
        await desk.says(/Incoming call/, from)
        await desk.accept()
        await bob.inCall()
        await hears(bob.page, hertz)
        await bob.hangUp()
        await desk.says(/session closed|terminated/, from)
        await bob.ready()
      }
      try {
        desk.begin()
        await desk.says(/\b2\/TCP\/v4\} 200 OK\b.*\[2 bindings/)
        await callPaula()
        const cut =
          'table inet cut { chain out { type filter hook output priority 0; tcp sport 5060 drop; }; }'
        await must(house.host('pi').exec('nft', ['-f', '-'], cut))
        try {
          await callPaula()
          // Before the first of them has a way again: the system would bring by it what was lost.
          await capture.stop()
        } finally {
          await must(house.host('pi').exec('nft', ['delete', 'table', 'inet', 'cut']))
        }
        const asked = await capture.fields(`sip.Method == "INVITE" && ip.src == ${pi} && ip.dst == ${at}`, [
          'ip.proto',
        ])
        // The first by the flow that was registered last; the second by the other, since what was sent by the first is lost.
        expect(asked.flat()).toEqual(['6', '17'])
      } finally {
        await desk.stop()
      }
    })

    it('hears the keys that are pressed at a page, and opens as a door station does', async () => {
      const openDoor = () => bob.page.getByRole('button', { name: 'Open the door' })
      desk = phoneAt('desk', 'paula', 'paula-secret', 'udp')
      await desk.start()
      try {
        await desk.dial(`sip:bob@${house.host('pi').address}`)
        await bob.rings('Paula')
        await bob.accept()
        await bob.inCall()
        await hears(bob.page, hertz)
        const from = desk.output.length
        await bob.press('Keypad')
        expect(await barriers(bob.page)).toEqual([])
        await bob.press('7')
        await bob.press('Hash')
        await bob.page.keyboard.press('5')
        await desk.says(/event: '7'.*event: '#'.*event: '5'/s, from)
        await bob.page.getByLabel('Pressed so far').getByText('7#5').waitFor()
        await bob.press('Close')
        expect(await openDoor().count(), 'nobody said what opens it').toBe(0)
        await house.owner.request('PATCH', '/users/paula', { doorKeys: '*9' })
        const before = desk.output.length
        await openDoor().click()
        await desk.says(/event: '\*'.*event: '9'/s, before)
        await bob.page.getByRole('status').getByText('Paula was sent *9.').waitFor()
        expect(await barriers(bob.page)).toEqual([])
        await bob.hangUp()
        await bob.ready()
      } finally {
        await desk.stop()
      }
    })

    /** What of RTCPeerConnections that are connected goes where (RFC 3264 §5.1), as Bob's page has it. */
    const directions = (): Promise<string[]> =>
      bob.page.evaluate(() => {
        const { watched } = window as unknown as { watched: { connections: RTCPeerConnection[] } }
        return watched.connections
          .filter(one => one.connectionState === 'connected')
          .flatMap(one => one.getTransceivers().map(each => each.currentDirection ?? ''))
      })

    function phoneAt(
      host: string,
      user: string,
      password: string,
      transport: 'udp' | 'tcp' | 'tls',
    ): Baresip {
      return new Baresip(house.host(host), {
        ...{ user, password, transport, hertz, server: house.host('pi').address },
        authorityFile: house.daemon.authorityFile,
      })
    }

    /** Of the newest call, which is over. */
    async function newestTrace(): Promise<SignedTrace> {
      const row = await until('the newest call is over', async () => {
        const [newest] = await house.daemon.calls()
        return newest?.endedAt == null ? undefined : newest
      })
      return house.owner.trace(row.id)
    }

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
