import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { Verdict } from '../../src/trace/message.ts'
import { between, Capture, srtp } from '../net/capture.ts'
import { bobSeat, House } from '../net/house.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

const hertz = 700

const line = (verdict: Verdict, id: string): string => verdict.checked.find(one => one.id === id)!.figures

describeWith(
  ['namespaces', 'chromium', 'certutil', 'baresip', 'dumpcap', 'tshark'],
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
      expect(rows.map(row => [row.reason, row.missed])).toEqual(Array(6).fill(['hangup', false]))
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
        expect(await house.daemon.calls()).toMatchObject([
          { calleeUser: 'hal', calleeName: 'Hal' },
          {},
          {},
          {},
          {},
          {},
          {},
        ])
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
        }
        await hears(bob.page, hertz)
        await bob.inCall()
        await desk.hangUp()
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
