/** Firefox as a phone beside Chromium: called and calling, on one network and on two. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import { openPage } from '../net/chromium.ts'
import { ConsolePage } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { openFirefoxPage } from '../net/firefox.ts'
import { aliceSeat, faySeat, fritzSeat, House } from '../net/house.ts'
import { type Host, type Lan, must } from '../net/lan.ts'
import { hears, mediaComesIn, sees, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

interface Person {
  readonly name: string
  readonly phone: PhonePage
}

const isSoak = process.env.LANLINE_SOAK !== undefined

describeWith(
  ['namespaces', 'chromium', 'firefox-esr', 'pulseaudio', 'certutil', 'nft', 'baresip'],
  'people in Chromium and in Firefox',
  () => {
    let house: House
    /** Alice has Chromium; Fay is on her network, Fritz on another one, both have Firefox. Fritz' hides its addresses. */
    let alice: Person
    let fay: Person
    let fritz: Person
    /** Another house's appliance on Alice's and Fay's network, which belongs to nobody. */
    let mill: Daemon

    beforeAll(async () => {
      const neighbour = async (lan: Lan): Promise<Daemon> => {
        mill = new Daemon(lan.host('mill'), { 'net.hostname': 'mill' }, { byAddress: true })
        await mill.start()
        return mill
      }
      const seats = [aliceSeat, faySeat, fritzSeat]
      house = await House.build({ seats, otherHosts: ['mill', 'desk'], prepare, neighbour })
      const people = ['Alice', 'Fay', 'Fritz'].map(async name => {
        const host = name.toLowerCase()
        await house.owner.addUser(host, name)
        return { name, phone: await house.phone(name, host) }
      })
      ;[alice, fay, fritz] = (await Promise.all(people)) as [Person, Person, Person]
    }, 120_000)
    afterAll(() => house?.remove())

    it.each(['Chromium', 'Firefox'])('talk directly on one network when %s calls', async who => {
      await talk(who, fay)
      for (const { phone } of [alice, fay]) expect(await phone.badge()).toMatch(/^Media path: direct/)
      const [a, f] = [house.host('alice').address, house.host('fay').address]
      const seen = await selectedPair(alice.phone.page)
      expect(seen).toMatchObject({ localAddress: a, dtls: 'connected' })
      expect(seen?.remoteAddress).toBe(f)
      expect(await selectedPair(fay.phone.page)).toMatchObject({ remoteAddress: a, dtls: 'connected' })
      // Firefox leaves out what came before it was ready: a few packets, and too many of a call of a second.
      if (who === 'Chromium') await pause(5_000)
      await hangUp(fay)
      const { verdict, events } = await newestTrace(house)
      for (const { outcome, question, figures } of verdict.checked) {
        console.info(`${outcome} ${question}\n    ${figures}`)
      }
      expect(verdict).toMatchObject({ path: 'direct', contradictions: [] })
      if (who === 'Chromium') expect(verdict.grade).toBe('bothEnds')
      const figures = (id: string): string => verdict.checked.find(line => line.id === id)!.figures
      const [fox, chrome] = who === 'Firefox' ? ['caller', 'callee'] : ['callee', 'caller']
      // Of checks it counts the answers alone: what it does not count is not told as none.
      expect(figures('checks')).toMatch(
        new RegExp(`${fox} (\\d) of \\1 pairs answered[^;]*succeeded, \\d+ answered`),
      )
      expect(figures('checks')).toMatch(new RegExp(`${chrome} \\d of \\d[^;]*\\d+ sent, \\d+ answered`))
      expect(figures('dtls').match(/connected, DTLS 1\.[23], TLS_\w+, SRTP_\w+/g)?.length).toBe(2)
      for (const party of ['caller', 'callee'] as const) {
        const said = events.filter(event => event.source === party)
        expect(said.find(event => event.kind === 'dtls')?.localFingerprint).toMatch(/^sha-256 [0-9A-F:]{95}$/)
        const media = said.flatMap(one => (one.kind === 'firstMedia' ? `${one.direction} ${one.media}` : []))
        expect(media.toSorted()).toEqual(['received audio', 'received video', 'sent audio', 'sent video'])
      }
    })

    it.each([
      ['Chromium', 'directly', () => fay],
      ...(isSoak ? [['Firefox', 'directly', () => fay] as const] : []),
      ['Firefox', 'through the relay', () => fritz],
    ] as const)('begin with sound and show each other a picture, %s first, %s', async (who, _way, person) => {
      const other = person()
      await alice.phone.callAudio(other.name)
      await other.phone.rings('Alice')
      await other.phone.accept()
      await Promise.all([alice.phone.inCall(), other.phone.inCall()])
      await hears(alice.phone.page, faySeat.hertz, 20, 2)
      const way = await alice.phone.badge()
      const pictures = [() => sees(other.phone.page, 'red'), () => mediaComesIn(alice.phone.page)]
      const people = [alice, other]
      if (who === 'Firefox') for (const both of [pictures, people]) both.reverse()
      for (const [index, { phone }] of people.entries()) {
        await phone.press('Turn camera on')
        await pictures[index]!()
      }
      await hears(alice.phone.page, faySeat.hertz, 20, 2)
      expect((await alice.phone.badge()).split(',')[0]).toBe(way.split(',')[0])
      await pause(5_000)
      await hangUp(other)
      const { verdict } = await newestTrace(house)
      console.info(verdict.checked.map(({ outcome, figures }) => `${outcome} ${figures}`).join('\n'))
      expect(verdict).toMatchObject({ contradictions: [], path: other === fritz ? 'relayed' : 'direct' })
    })

    it('and a SIP phone call each other', async () => {
      const pi = house.host('pi').address
      const desk = new Baresip(house.host('desk'), {
        ...{ user: 'dora', password: 'dora-secret', server: pi, transport: 'udp', hertz: 1_000 },
      })
      await house.owner.addUser('dora', 'Dora', 'dora-secret')
      await desk.start()
      const bothHear = async (): Promise<void> => {
        await fay.phone.inCall()
        await hears(fay.phone.page, 1_000)
        await until('the phone hears Fay', () => (desk.heardShare(faySeat.hertz) ?? 0) > 0.3)
        expect(await fay.phone.badge()).toMatch(/^Media path: direct/)
        await fay.phone.hangUp()
        await fay.phone.ready()
      }
      await fay.phone.callAudio('Dora')
      await desk.says(/Incoming call/)
      await desk.accept()
      await bothHear()
      await desk.dial(`sip:fay@${pi}`)
      await fay.phone.rings('Dora')
      await fay.phone.accept()
      await bothHear()
      await desk.stop()
    })

    it('get back from the echo what Firefox sends', async () => {
      await fay.phone.callVideo('Echo test')
      await fay.phone.inCall()
      await hears(fay.phone.page, faySeat.hertz)
      await fay.phone.hangUp()
      await fay.phone.ready()
    })

    it.each([
      ['UDP', 'Chromium', 'udp dport 1 drop'],
      ['UDP', 'Firefox', 'udp dport 1 drop'],
      ['TCP', 'Firefox', 'udp dport 3478 drop'],
      ['TLS', 'Chromium', 'udp dport 3478 drop; tcp dport 3478 drop'],
      ['TLS', 'Firefox', 'udp dport 3478 drop; tcp dport 3478 drop'],
    ])('are relayed over %s on two networks when %s calls, and are told why', async (transport, who, rules) => {
      const remove = await filter(house.host('pi'), rules)
      try {
        const milliseconds = await talk(who, fritz)
        console.info(
          `${transport}, ${who} calls: ${Math.round(milliseconds)} ms from pick-up to media both ways`,
        )
        for (const { phone } of [alice, fritz]) {
          const isRelayed = async (): Promise<boolean> =>
            /^Media path: relayed via lanline.*network/i.test(await phone.badge())
          await until('the badge says that it is relayed, and why', isRelayed)
        }
        expect(await relaySockets()).toBeGreaterThan(0)
        await hangUp(fritz)
        const [row] = await house.daemon.calls()
        expect(row).toMatchObject({ reason: 'hangup', relayReason: 'otherNetwork' })
      } finally {
        await remove()
      }
    })

    it('claim a fresh appliance in Firefox’s console, let Chromium in and call it', async () => {
      const console = await ConsolePage.claim(
        await openFirefoxPage(house.browser('fay')),
        `${mill.origin}/admin/`,
        'Fay',
      )
      const guest = await PhonePage.open(await openPage(house.browser('alice'), mill.origin), mill.origin)
      await guest.askToJoin('Alice')
      await console.allow('Alice')
      await guest.ready()
      await console.openPhone()
      const phone = new PhonePage(console.page)
      await phone.ready()
      await phone.callVideo('Alice')
      await guest.rings('Fay')
      await guest.accept()
      await Promise.all([
        hears(guest.page, faySeat.hertz, 20, 2),
        hears(console.page, aliceSeat.hertz, 20, 2),
        sees(console.page, 'red'),
      ])
      expect(await phone.badge()).toMatch(/^Media path: direct/)
      await phone.hangUp()
      await Promise.all([phone.ready(), guest.ready()])
      await console.page.goto(`${mill.origin}/admin/calls`)
      await console.page.getByRole('link', { name: /^Fay.*Alice/ }).click()
      await console.page.getByRole('heading', { level: 1, name: 'Fay → Alice' }).waitFor()
      await console.page
        .getByText(/^Direct[:,] /)
        .first()
        .waitFor()
      await console.page.context().close()
      await guest.page.context().close()
    })

    /** One calls, the other answers; milliseconds from pick-up until sound and picture come in at both. */
    async function talk(who: string, other: Person): Promise<number> {
      const [caller, callee] = who === 'Firefox' ? [other, alice] : [alice, other]
      await caller.phone.callVideo(callee.name)
      await callee.phone.rings(caller.name)
      const pickedUp = performance.now()
      await callee.phone.accept()
      await Promise.all([
        hears(alice.phone.page, faySeat.hertz, 20, 2),
        mediaComesIn(alice.phone.page),
        other === fay ? hears(fay.phone.page, aliceSeat.hertz, 20, 2) : mediaComesIn(other.phone.page),
        sees(other.phone.page, 'red'),
      ])
      const milliseconds = performance.now() - pickedUp
      await Promise.all([alice.phone.inCall(), other.phone.inCall()])
      return milliseconds
    }

    async function hangUp(other: Person): Promise<void> {
      await alice.phone.hangUp()
      await until('no relay is open', async () => (await relaySockets()) === 0, { seconds: 1 })
      await Promise.all([alice.phone.ready(), other.phone.ready()])
      await until('the row has its end', async () => (await house.daemon.calls())[0]?.endedAt != null)
    }

    /** Sockets of relayed addresses, as the appliance's own kernel lists them. */
    async function relaySockets(): Promise<number> {
      const { stdout } = await must(house.host('pi').exec('ss', ['-Hnua']))
      const ports = [...stdout.matchAll(/:([0-9]+)\s+\S+:\*/g)].map(found => Number(found[1]))
      return ports.filter(port => port >= 49_152 && port <= 50_151).length
    }
  },
)

/** The trace of the newest call, when both ends have told their last counts. */
async function newestTrace(house: House): Promise<SignedTrace> {
  const [row] = await house.daemon.calls()
  return until('both ends told their last counts', async () => {
    const trace = await house.owner.trace(row!.id)
    const last = trace.events.filter(event => event.kind === 'quality' && event.final)
    return new Set(last.map(({ source }) => source)).size === 2 ? trace : undefined
  })
}

/** Reads rules into a host's packet filter; returns what takes them out again. */
async function filter(host: Host, rules: string): Promise<() => Promise<void>> {
  const chain = `chain input { type filter hook input priority 0; policy accept; ${rules}; }`
  await must(host.exec('nft', ['-f', '-'], `table inet lanline {\n${chain}\n}\n`))
  return async () => void (await must(host.exec('nft', ['delete', 'table', 'inet', 'lanline'])))
}

/** The appliance in two networks, Fritz on the second; nothing forwards between them. */
async function prepare(lan: Lan): Promise<void> {
  await lan.join('pi', 'eth0.20', 'vlan20')
  await lan.move('alice', lan.bridge)
  await lan.move('fay', lan.bridge)
  await lan.move('fritz', 'vlan20')
}
