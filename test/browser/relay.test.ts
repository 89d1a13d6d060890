import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { WhyNotDirect } from '../../src/trace/message.ts'
import { between, Capture, srtp } from '../net/capture.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { type Host, type Lan, must } from '../net/lan.ts'
import { hears, sees, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

/** How often each scenario runs: once in the suite. */
const repeats = process.env.LANLINE_SOAK ? 10 : 1

/** Reads a rule set of its own into a host's packet filter; returns what takes it out again. */
async function filter(host: Host, hook: 'input' | 'forward', rules: string): Promise<() => Promise<void>> {
  const chain = `chain ${hook} { type filter hook ${hook} priority 0; policy accept; ${rules}; }`
  await must(host.exec('nft', ['-f', '-'], `table inet lanline {\n${chain}\n}\n`))
  return async () => void (await must(host.exec('nft', ['delete', 'table', 'inet', 'lanline'])))
}

/**
 * What stands between the two networks, how it is put there, and what the trace says of it. Each gives what undoes it.
 */
const obstacles: readonly (readonly [
  name: string,
  put: (house: House) => Promise<() => Promise<void>>,
  reason: WhyNotDirect,
])[] = [
  ['no route', async () => async () => {}, 'noRoute'],
  ['a gateway that does not forward', house => routes(house, 'pi'), 'noRoute'],
  ['a router that drops', house => router(house, 'drop'), 'noRoute'],
  ['a router that rejects', house => router(house, 'reject'), 'noRoute'],
  [
    'a router that drops what comes from one of them',
    house => router(house, 'ip saddr 10.78.0.0/24 drop'),
    'filtered',
  ],
  [
    'no route, and UDP to the relay blocked',
    house => filter(house.host('pi'), 'input', 'udp dport 3478 drop'),
    'noRoute',
  ],
  [
    'no route, and UDP and TCP to the relay blocked',
    house => filter(house.host('pi'), 'input', 'udp dport 3478 drop; tcp dport 3478 drop'),
    'noRoute',
  ],
]

/** A default route for both, by that host's address on each network. */
async function routes(house: House, gateway: string): Promise<() => Promise<void>> {
  const { number } = house.host(gateway)
  const route = (name: string, action: string, network: number): Promise<unknown> =>
    must(house.host(name).exec('ip', ['route', action, 'default', 'via', `10.${network}.0.${number}`]))
  await Promise.all([route('alice', 'add', 77), route('bob', 'add', 78)])
  return async () => void (await Promise.all([route('alice', 'del', 77), route('bob', 'del', 78)]))
}

async function router(house: House, rule: string): Promise<() => Promise<void>> {
  const gate = house.host('gate')
  await gate.forward()
  const undo = [await filter(gate, 'forward', rule), await routes(house, 'gate')]
  return async () => void (await Promise.all(undo.map(each => each())))
}

describeWith(
  ['namespaces', 'chromium', 'certutil', 'dumpcap', 'tshark', 'nft'],
  'two people on two networks that do not reach each other',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, bobSeat], otherHosts: ['gate'], prepare })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    for (let run = 1; run <= repeats; run++) {
      describe.each(obstacles)(`with %s${repeats > 1 ? `, run ${run}` : ''}`, (name, put, reason) => {
        it('hear and see each other within three seconds of pick-up, are told why, and nothing is left open', async () => {
          if (repeats > 1) await anew()
          const remove = await put(house)
          try {
            const milliseconds = await talk()
            console.info(
              `${name}: ${Math.round(milliseconds)} ms from pick-up to sound and picture both ways`,
            )
            for (const phone of [alice, bob]) {
              expect(await phone.badge()).toMatch(/^Media path: relayed via lanline.*network/i)
            }
            expect(await relaySockets()).toBeGreaterThan(0)
            await pause(1_000)
            await alice.hangUp()
            await until('no relay is open', async () => (await relaySockets()) === 0, { seconds: 1 })
            await Promise.all([alice.ready(), bob.ready()])
            // The way is from one of them straight to the other's relay, or through both their relays.
            const row = await until('the row has what was relayed', async () => {
              const [newest] = await house.daemon.calls()
              const { caller, callee } = newest!.ledger!
              return caller.sentPackets + callee.sentPackets > 20 ? newest : undefined
            })
            expect(row).toMatchObject({ reason: 'hangup', relayReason: 'otherNetwork' })
            expect(row.ledger).toMatchObject({
              caller: { openAllocations: 0 },
              callee: { openAllocations: 0 },
            })
            const { verdict } = await house.owner.trace(row.id)
            console.info(verdict.checked.map(({ id, figures }) => `${id}: ${figures}`).join('\n'))
            expect(verdict).toMatchObject({ path: 'relayed', grade: 'ledger', contradictions: [] })
            expect(verdict.whyNotDirect?.reason).toBe(reason)
          } finally {
            await remove()
          }
        }, 60_000)
      })
    }

    it('are told afterwards, when they check the connection, that it was as it should be', async () => {
      await talk()
      await until('the badge says so', async () => /relayed/i.test(await alice.badge()))
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      await alice.press('Check my connection')
      await alice.press('Start the check')
      const { lines } = await alice.checked()
      expect(lines.join('\n')).toMatch(/OK: In the last call Bob’s device was on another network/)
      await alice.press('Back')
    }, 60_000)

    it('talk directly again when they are on one network, and the ledger of that call is zero', async () => {
      await house.lan.move('bob', house.lan.bridge)
      await bob.page.reload()
      await bob.ready()
      const [a, b, pi] = [house.host('alice').address, house.host('bob').address, house.host('pi').address]
      const everywhere = await Capture.start(house.lan)
      await talk()
      for (const phone of [alice, bob]) expect(await phone.badge()).toMatch(/direct/i)
      expect(await selectedPair(alice.page)).toMatchObject({ localAddress: a, remoteAddress: b })
      await pause(2_000)
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      await everywhere.stop()
      expect(await everywhere.count(`${between(a, b)} && ${srtp}`)).toBeGreaterThan(100)
      expect(await everywhere.count(`ip.addr == ${pi} && udp.port == 3478`)).toBe(0)
      const [row] = await house.daemon.calls()
      for (const party of [row!.ledger!.caller, row!.ledger!.callee]) {
        expect(party).toMatchObject({ allocations: 0, sentPackets: 0, receivedPackets: 0, refusals: 0 })
      }
      await house.lan.move('bob', 'vlan20')
      await bob.page.reload()
      await bob.ready()
    }, 60_000)

    it('are relayed again by themselves after the appliance died in mid-call', async () => {
      await talk()
      await house.daemon.kill()
      await pause(1_000)
      await house.daemon.start()
      const ready = performance.now()
      await Promise.all([media(alice, 'blue'), media(bob, 'red')])
      console.info(`relayed again ${Math.round(performance.now() - ready)} ms after the appliance was ready`)
      // Until the other end's candidate is told, nothing is said of the way.
      await alice.inCall()
      expect(await alice.badge()).toMatch(/relayed/i)
      await bob.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      const row = await until('the row has its end', async () => {
        const [newest] = await house.daemon.calls()
        return newest?.endedAt === undefined || newest.endedAt === null ? undefined : newest
      })
      expect(row).toMatchObject({
        reason: 'hangup',
        endedBy: 'callee',
        relayReason: 'otherNetwork',
      } satisfies Partial<CallRow>)
    }, 60_000)

    it('find each other again within five seconds wherever one of them goes, in one and the same call', async () => {
      await house.lan.extend('annex')
      await house.lan.move('bob', house.lan.bridge)
      await bob.page.reload()
      await bob.ready()
      const { length } = await house.daemon.calls()
      await talk()
      expect(await alice.badge()).toMatch(/direct/i)
      const moves = [
        [
          'another switch and address of the network',
          () => house.lan.readdress('bob', '10.77.0.50', 'annex'),
          /direct/i,
        ],
        ['the other network', () => house.lan.move('bob', 'vlan20'), /relayed/i],
        ['the first network again', () => house.lan.move('bob', house.lan.bridge), /direct/i],
      ] as const
      for (const [where, move, badge] of moves) {
        await move()
        const moved = performance.now()
        await Promise.all([media(alice, 'blue'), media(bob, 'red')])
        console.info(`${where}: media again after ${Math.round(performance.now() - moved)} ms`)
        await until(`the badge says ${badge}`, async () => badge.test(await alice.badge()))
        await pause(1_000)
      }
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      const rows = await house.daemon.calls()
      expect(rows.length).toBe(length + 1)
      expect(rows[0]).toMatchObject({ reason: 'hangup', endedBy: 'caller' })
      const trace = JSON.parse(
        (await house.daemon.cli(['trace', 'export', rows[0]!.id])).stdout,
      ) as SignedTrace
      console.info(trace.verdict.checked.map(({ id, figures }) => `${id}: ${figures}`).join('\n'))
      expect(trace.verdict).toMatchObject({ path: 'relayed', contradictions: [] })
      expect(traced(trace)).toEqual({
        addresses: ['10.77.0.50', '10.78.0.13', '10.77.0.13'],
        paths: ['direct', 'relayed', 'direct'],
      })
    }, 120_000)

    /** Fresh pages of the same phones. */
    async function anew(): Promise<void> {
      await Promise.all([alice, bob].map(phone => phone.page.reload()))
      await Promise.all([alice.ready(), bob.ready()])
    }

    /** Alice calls, Bob answers; milliseconds from pick-up until both hear and see each other. */
    async function talk(): Promise<number> {
      await alice.callVideo('Bob')
      await bob.rings('Alice')
      const pickedUp = performance.now()
      await bob.accept()
      await Promise.all([
        hears(alice.page, 1_000, 20, 2),
        hears(bob.page, 440, 20, 2),
        sees(alice.page, 'blue'),
        sees(bob.page, 'red'),
      ])
      const milliseconds = performance.now() - pickedUp
      await Promise.all([alice.inCall(), bob.inCall()])
      return milliseconds
    }

    /** Sockets of relayed addresses, as the appliance's own kernel lists them. */
    async function relaySockets(): Promise<number> {
      const { stdout } = await must(house.host('pi').exec('ss', ['-Hnua']))
      const ports = [...stdout.matchAll(/:([0-9]+)\s+\S+:\*/g)].map(found => Number(found[1]))
      return ports.filter(port => port >= 49_152 && port <= 50_151).length
    }
  },
)

/** Where the callee went and how the caller sent, one after the other, as the trace of their call tells. */
function traced({ events }: SignedTrace): { addresses: string[]; paths: string[] } {
  const changes = (list: readonly string[]): string[] => list.filter((one, at) => one !== list[at - 1])
  const addresses = events.flatMap(one =>
    one.kind === 'network' && one.who === 'callee' ? one.addresses : [],
  )
  const paths = events.flatMap(one => {
    if (one.kind !== 'pair' || one.source !== 'caller') return []
    return [one.pair.localType, one.pair.remoteType].includes('relay') ? 'relayed' : 'direct'
  })
  return { addresses: changes(addresses), paths: changes(paths) }
}

/** The appliance and a router in two networks, Alice on the first, Bob on the second; nothing forwards by itself. */
async function prepare(lan: Lan): Promise<void> {
  await lan.join('pi', 'eth0.20', 'vlan20')
  await lan.join('gate', 'eth0.20', 'vlan20')
  await lan.move('alice', lan.bridge)
  await lan.move('bob', 'vlan20')
}

/** Packets of the other's picture come in again: more of them now than a moment ago. */
async function media(phone: PhonePage, colour: 'red' | 'blue'): Promise<void> {
  const received = (): Promise<number> =>
    phone.page.evaluate(async () => {
      const scope = window as unknown as { watched: { connections: RTCPeerConnection[] } }
      const connection = scope.watched.connections.filter(each => each.connectionState !== 'closed').at(-1)
      let packets = 0
      for (const stat of (await connection?.getStats())?.values() ?? []) {
        if (stat.type === 'inbound-rtp') packets += Number(stat.packetsReceived)
      }
      return packets
    })
  const before = await received()
  await until('media flows', async () => (await received()) > before + 20, {
    seconds: 15,
    everyMilliseconds: 50,
  })
  await sees(phone.page, colour)
}
