/**
 * Calls between networks that do not reach each other, on the simulated network: the whole exchange, clients whose
 * media needs a relay, and a relay whose word may be late or never come. First what has to happen; then, whatever the
 * seed, what may never: two parties that start anew in one call, a grant that outlives its call, a row that stays open.
 */
import { describe, expect, it } from 'vitest'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'
import { RelayedClient, RelayWorld } from '../sim/relayed-client.ts'

const users = ['alice', 'bob', 'carol']

class House {
  readonly network: SimNetwork
  readonly exchange: SimExchange
  readonly world: RelayWorld
  readonly alice: RelayedClient
  readonly bob: RelayedClient

  constructor(seed = 1) {
    this.network = new SimNetwork(seed)
    this.exchange = new SimExchange(this.network, users)
    this.world = new RelayWorld(this.exchange)
    this.alice = new RelayedClient(this.exchange, 'alice-1', '10.0.1.5', this.world)
    this.bob = new RelayedClient(this.exchange, 'bob-1', '10.0.2.5', this.world)
    this.alice.peers.push(this.bob)
    this.bob.peers.push(this.alice)
    this.alice.connect()
    this.bob.connect()
    this.network.run(500)
  }

  /** Alice calls Bob, who picks up; resolves with the call's id, at pick-up. */
  connect(): string {
    this.alice.call('bob')
    this.network.run(500)
    const [call] = [...this.bob.calls.keys()]
    this.bob.answer(call!)
    this.network.run(50)
    return call!
  }

  relayed = (call: string): boolean =>
    this.alice.path(call) === 'relayed' && this.bob.path(call) === 'relayed'

  direct = (call: string): boolean => this.alice.path(call) === 'direct' && this.bob.path(call) === 'direct'

  /** Milliseconds until then; fails when it takes longer than `limit`. */
  until(done: () => boolean, limit: number): number {
    const from = this.network.monotonic()
    expect(this.network.runUntil(done, limit)).toBe(true)
    return this.network.monotonic() - from
  }

  get restarts(): number {
    return this.alice.restarts.length + this.bob.restarts.length
  }

  end(): void {
    this.network.run(200_000)
    for (const client of this.world.clients) for (const call of [...client.calls.keys()]) client.hangUp(call)
    this.network.run(15 * 60_000)
    expect(this.exchange.leftovers()).toEqual({})
  }
}

describe('a call between two networks', () => {
  it.each<[string, boolean, boolean]>([
    ['both notice', true, true],
    ['only the caller notices', true, false],
    ['only the callee notices', false, true],
  ])('is relayed within three seconds when %s, by one restart of the caller', (_name, alice, bob) => {
    const house = new House()
    house.alice.detects = alice
    house.bob.detects = bob
    const call = house.connect()
    expect(house.until(() => house.relayed(call), 3_000)).toBeGreaterThan(1_500)
    house.network.run(3_000)
    expect([house.alice.restarts.length, house.bob.restarts.length]).toEqual([1, 0])
    const [caller, callee] = house.exchange.thread.grants.get(call)!.parties
    expect([caller.proven, callee.proven]).toEqual([['10.0.1.5'], ['10.0.2.5']])
    expect([caller.relayOn, callee.relayOn]).toEqual([['10.0.2.1'], ['10.0.1.1']])
    house.end()
  })

  it('tells each party servers at the address it reaches us by', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    const urls = (client: RelayedClient): readonly string[] => client.media.get(call)!.servers[0]!.urls
    expect(urls(house.alice)).toEqual([
      'turn:10.0.1.1:3478?transport=udp',
      'turn:10.0.1.1:3478?transport=tcp',
      'turns:10.0.1.1:5349?transport=tcp',
    ])
    expect(urls(house.bob)[0]).toBe('turn:10.0.2.1:3478?transport=udp')
    house.end()
  })

  it('loses its grant with the hang-up, and its row tells what was carried', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.network.run(5_000)
    house.bob.hangUp(call)
    house.network.run(1_000)
    expect(house.exchange.thread.grants.size).toBe(0)
    const row = house.exchange.rows.get(call)!
    expect(row.relayReason).toBe('otherNetwork')
    expect(row.ledger!.caller.sentPackets).toBeGreaterThan(500)
    expect(row.ledger!.caller.openAllocations).toBe(0)
    house.end()
  })

  it('is relayed although a client never says that it took the servers', () => {
    const house = new House()
    house.bob.readyMilliseconds = undefined
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.end()
  })

  it('waits for a relay that takes its time', () => {
    const house = new House()
    house.exchange.thread.delay = () => 1_500
    const call = house.connect()
    expect(house.until(() => house.relayed(call), 5_000)).toBeGreaterThan(3_300)
    expect(house.restarts).toBe(1)
    house.end()
  })

  it('is told that the relay did not answer, and may be relayed when it does again', () => {
    const house = new House()
    house.exchange.thread.delay = () => undefined
    const call = house.connect()
    house.until(() => house.alice.refusals.length > 0 && house.bob.refusals.length > 0, 5_000)
    expect(house.alice.refusals[0]!.reason).toBe('failed')
    house.exchange.thread.delay = () => 1
    house.alice.offer(call)
    house.until(() => house.relayed(call), 5_000)
    house.end()
  })

  it('is told that the relay is full', () => {
    const house = new House()
    house.exchange.thread.room = 0
    house.connect()
    house.until(() => house.alice.refusals.length > 0, 5_000)
    expect(house.alice.refusals[0]).toMatchObject({
      reason: 'full',
      message: expect.stringMatching(/Try again/),
    })
    house.end()
  })

  it('is relayed again by itself when the daemon was killed, by new credentials', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    const before = house.alice.media.get(call)!.servers[0]!.credential
    house.exchange.stop()
    house.alice.detects = false
    house.bob.detects = false
    house.network.run(1_000)
    expect(house.relayed(call)).toBe(false)
    house.exchange.start()
    house.until(() => house.relayed(call), 2_500)
    expect(house.alice.media.get(call)!.servers[0]!.credential).not.toBe(before)
    expect(house.bob.restarts).toEqual([])
    house.end()
  })

  it('keeps what was carried before the daemon was killed', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.network.run(61_000)
    const before = house.exchange.rows.get(call)!.ledger!.caller.sentPackets
    expect(before).toBeGreaterThan(1_000)
    house.exchange.stop()
    house.exchange.start()
    house.until(() => house.relayed(call), 2_500)
    house.network.run(1_000)
    house.alice.hangUp(call)
    house.network.run(1_000)
    expect(house.exchange.rows.get(call)!.ledger!.caller.sentPackets).toBeGreaterThan(before)
    house.end()
  })

  it('waits for the second party after the daemon was killed, however long it stays away', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.bob.stopped = true
    house.exchange.stop()
    house.exchange.start()
    house.network.run(10_000)
    expect(house.exchange.thread.grants.size).toBe(0)
    expect(house.alice.restarts).toHaveLength(1)
    house.bob.stopped = false
    house.bob.connect()
    house.until(() => house.relayed(call), 1_000)
    house.end()
  })

  it('that ended while the daemon was away gets no grant', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.exchange.stop()
    house.network.run(100)
    house.alice.hangUp(call)
    house.exchange.start()
    house.network.run(5_000)
    expect(house.exchange.thread.grants.size).toBe(0)
    expect(house.exchange.rows.get(call)!.endedAt).toBeDefined()
    house.end()
  })

  it('is relayed again when the relay’s thread died', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.exchange.thread.stop(true)
    expect(house.relayed(call)).toBe(false)
    house.exchange.thread.start()
    house.until(() => house.relayed(call), 1_000)
    house.end()
  })

  it('ends its grant when a party’s right does', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    house.exchange.revoke('bob-1')
    house.network.run(10)
    expect(house.exchange.thread.grants.size).toBe(0)
    house.alice.send({ type: 'noPath', call })
    house.network.run(5_000)
    expect(house.exchange.thread.grants.size).toBe(0)
    house.end()
  })

  it('of a person with two devices names the one that took it', () => {
    const house = new House()
    const other = new RelayedClient(house.exchange, 'bob-2', '10.0.3.5', house.world)
    other.connect()
    house.network.run(500)
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    const devices = house.exchange.thread.grants.get(call)!.parties.map(party => party.device)
    expect(devices).toEqual(['alice-1', 'bob-1'])
    expect(other.told.filter(({ type }) => type === 'relay' || type === 'restart')).toEqual([])
    house.end()
  })
})

describe('a call whose party moves', () => {
  it('from one network to another and back is relayed, and direct again, each time in five seconds', () => {
    const house = new House()
    house.bob.move('10.0.1.6')
    house.network.run(1_000)
    const call = house.connect()
    house.network.run(3_000)
    expect(house.direct(call)).toBe(true)
    expect(house.exchange.thread.given).toEqual([])
    house.bob.move('10.0.2.6')
    house.until(() => house.relayed(call), 5_000)
    house.network.run(3_000)
    house.bob.move('10.0.1.7')
    house.until(() => house.direct(call), 5_000)
    house.network.run(1_000)
    expect(house.exchange.thread.grants.size).toBe(0)
    expect(house.alice.media.get(call)!.servers).toEqual([])
    house.bob.move('10.0.2.7')
    house.until(() => house.relayed(call), 5_000)
    expect(house.bob.restarts).toEqual([])
    expect(house.exchange.rows.size).toBe(1)
    house.end()
  })

  it('inside its network starts anew and needs no relay', () => {
    const house = new House()
    house.bob.move('10.0.1.6')
    house.network.run(1_000)
    const call = house.connect()
    house.network.run(3_000)
    house.bob.move('10.0.1.9')
    expect(house.direct(call)).toBe(false)
    house.until(() => house.direct(call), 1_000)
    expect(house.restarts).toBe(1)
    expect(house.exchange.thread.given).toEqual([])
    house.end()
  })

  it('while relayed keeps its grant, with the newest four addresses', () => {
    const house = new House()
    const call = house.connect()
    house.until(() => house.relayed(call), 3_000)
    for (const host of [6, 7, 8, 9]) {
      house.bob.move(`10.0.2.${host}`)
      house.until(() => house.relayed(call), 1_500)
      house.network.run(500)
    }
    const [, callee] = house.exchange.thread.grants.get(call)!.parties
    expect(callee.proven).toEqual(['10.0.2.6', '10.0.2.7', '10.0.2.8', '10.0.2.9'])
    house.end()
  })

  it('while the other one’s line is down starts anew as soon as both are there', () => {
    const house = new House()
    house.bob.move('10.0.1.6')
    house.network.run(1_000)
    const call = house.connect()
    house.network.run(3_000)
    house.alice.stopped = true
    house.alice.drop(false)
    house.bob.move('10.0.1.9')
    house.network.run(3_000)
    expect(house.direct(call)).toBe(false)
    house.alice.stopped = false
    house.alice.connect()
    house.until(() => house.direct(call), 1_000)
    house.end()
  })
})

describe('policy', () => {
  const refused = (policy: 'off' | 'cross-vlan', bobAt: string) => {
    const house = new House()
    house.exchange.stop()
    house.exchange.policy = policy
    house.exchange.start()
    house.bob.move(bobAt)
    house.network.run(2_000)
    const call = house.connect()
    house.network.run(500)
    house.alice.send({ type: 'noPath', call })
    house.bob.send({ type: 'noPath', call })
    house.network.run(5_000)
    const told = house.alice.refusals.map(({ reason }) => reason)
    expect(house.bob.refusals.map(({ reason }) => reason)).toEqual(told)
    expect(house.exchange.thread.given).toEqual([])
    house.end()
    return told
  }

  it('off refuses every call, once for both parties', () => expect(refused('off', '10.0.2.6')[0]).toBe('off'))

  it('cross-vlan refuses a call inside one network, and tells each party once although both asked', () =>
    expect(refused('cross-vlan', '10.0.1.6')).toEqual(['sameNetwork']))

  it('on-failure relays inside one network, and says why', () => {
    const house = new House()
    house.exchange.stop()
    house.exchange.policy = 'on-failure'
    house.exchange.start()
    house.bob.move('10.0.1.6')
    house.network.run(2_000)
    const call = house.connect()
    house.alice.send({ type: 'noPath', call })
    house.network.run(100)
    expect(house.exchange.rows.get(call)!.relayReason).toBe('checksFailed')
    house.end()
  })
})

describe('a call with a phone without TURN', () => {
  const withPhone = (phoneCalls: boolean) => {
    const house = new House()
    const phone = new SimPhone(house.exchange.house, {
      ...{ device: 'carol-1', transport: 'udp', address: '10.0.3.9' },
    })
    house.world.phones.set('carol-1', '10.0.3.9')
    phone.register()
    phone.onInvite = 'answer'
    house.network.run(500)
    if (phoneCalls) {
      house.alice.onIncoming = ({ call }) => house.alice.answer(call)
      phone.call('alice')
    } else house.alice.call('carol')
    house.until(() => house.alice.calls.size > 0, 2_000)
    const [call] = [...house.alice.calls.keys()]
    house.until(() => house.alice.path(call!) === 'relayed', 5_000)
    const parties = house.exchange.thread.grants.get(call!)!.parties
    const ofPhone = parties.find(({ device }) => device === 'carol-1')!
    expect([ofPhone.credential, ofPhone.proven]).toEqual([undefined, ['10.0.3.9']])
    expect(house.alice.restarts).toHaveLength(1)
    house.alice.hangUp(call!)
    house.network.run(1_000)
    expect(house.exchange.thread.grants.size).toBe(0)
  }

  it('is relayed from the page’s relay to its proven address', () => withPhone(false))
  it('that called is relayed as well, and the page starts anew', () => withPhone(true))
})

const seeds = process.env.LANLINE_SOAK === '1' ? 10_000 : 100
const batch = 50

describe('whatever people, networks and plugs do', () => {
  for (let first = 1; first <= seeds; first += batch) {
    it(`one party starts anew, no grant outlives its call, every row closes (seeds ${first} to ${first + batch - 1})`, () => {
      for (let seed = first; seed < first + batch; seed++) explore(seed)
    }, 600_000)
  }

  it('is no quiet life: grants are opened, renewed, lost and given again', () => {
    const seen = { given: 0, renewed: 0, restarts: 0, relayed: 0, refused: 0 }
    for (let seed = 1; seed <= 50; seed++) {
      const { exchange, world } = explore(seed)
      const calls = exchange.thread.given.map(({ call }) => call)
      seen.given += new Set(calls).size
      seen.renewed += calls.length - new Set(calls).size
      seen.restarts += world.clients.flatMap(client => client.restarts).length
      seen.refused += world.clients.flatMap(client => client.refusals).length
      for (const row of exchange.rows.values()) if ((row.ledger?.caller.sentPackets ?? 0) > 0) seen.relayed++
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20)
  })
})

interface Exploration {
  readonly seed: number
  readonly network: SimNetwork
  readonly exchange: SimExchange
  readonly world: RelayWorld
  readonly phones: readonly SimPhone[]
  readonly calls: ReturnType<SimPhone['call']>[]
}

function explore(seed: number): Exploration {
  const network = new SimNetwork(seed)
  const exchange = new SimExchange(network, users)
  exchange.policy = seed % 4 === 0 ? 'on-failure' : 'cross-vlan'
  const world = new RelayWorld(exchange)
  for (const [index, device] of ['alice-1', 'alice-2', 'bob-1', 'bob-2', 'carol-1'].entries()) {
    const client = new RelayedClient(exchange, device, `10.0.${1 + (index % 2)}.${5 + index}`, world)
    client.detects = network.random.below(4) > 0
    client.readyMilliseconds = [1, 100, 700, undefined][network.random.below(4)]
    client.connect()
  }
  for (const client of world.clients) client.peers.push(...world.clients.filter(other => other !== client))
  const phone = new SimPhone(exchange.house, { device: 'carol-3', transport: 'udp', address: '10.0.3.9' })
  world.phones.set('carol-3', '10.0.3.9')
  phone.onInvite = 'answer'
  phone.register()
  network.run(2_000)
  const all: Exploration = { seed, network, exchange, world, phones: [phone], calls: [] }
  for (let step = 0; step < 40; step++) {
    act(all)
    network.run([0, 1, 10, 100, 1_000, 3_000][network.random.below(6)]!)
    check(all)
  }
  settle(all)
  return all
}

function act({ network, exchange, world, phones, calls }: Exploration): void {
  const { random } = network
  const client = world.clients[random.below(world.clients.length)]!
  const call = [...client.calls.keys()][random.below(Math.max(1, client.calls.size))]
  const { thread } = exchange
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2:
      client.call(users[random.below(users.length)]!)
      break
    case 3:
      calls.push(phones[0]!.call(users[random.below(2)]!))
      break
    case 4:
    case 5:
    case 6:
    case 7:
      for (const each of world.clients) {
        for (const ringing of each.calls.values()) if (ringing.state === 'ringing') each.answer(ringing.call)
      }
      break
    case 8:
      if (call !== undefined) client.hangUp(call)
      break
    case 9:
    case 10:
      client.move(`10.0.${1 + random.below(3)}.${20 + random.below(200)}`)
      break
    case 11:
      client.drop(random.below(2) === 0)
      break
    case 12:
      if (!exchange.up) break
      exchange.stop()
      network.later([10, 1_000, 20_000][random.below(3)]!, () => {
        exchange.start()
        for (const each of phones) each.register()
      })
      break
    case 13:
      if (!exchange.up || !thread.up) break
      thread.stop(true)
      network.later([10, 1_000, 5_000][random.below(3)]!, () => {
        if (exchange.up && !thread.up) thread.start()
      })
      break
    case 14:
      thread.delay = [() => 1, () => 300, () => 3_000, () => undefined][random.below(4)]!
      break
    case 15:
      thread.delay = () => 1
      thread.room = [500, 500, 1][random.below(3)]!
      break
    case 16:
      if (call !== undefined) client.send({ type: 'noPath', call })
      break
    case 17:
      if (call !== undefined) client.send({ type: 'relayReady', call })
      break
    case 18:
      // The hang-up crosses the restart.
      if (call === undefined) break
      client.send({ type: 'noPath', call })
      network.later(random.below(20), () => client.hangUp(call))
      break
    case 19:
      // By somebody who is in no such call.
      for (const id of exchange.rows.keys()) client.send({ type: 'noPath', call: id })
      break
    case 20:
      if (random.below(3) === 0 && exchange.up) exchange.revoke(client.device)
      break
    default:
      network.run(5_000)
  }
}

/** What may never be, at any moment. */
function check({ seed, network, exchange, world }: Exploration): void {
  const restarters = new Map<string, Set<string>>()
  for (const client of world.clients) {
    for (const { call } of client.restarts) {
      restarters.set(call, (restarters.get(call) ?? new Set()).add(client.device))
    }
  }
  for (const [call, devices] of restarters) expect([...devices], `seed ${seed}: ${call}`).toHaveLength(1)
  for (const { call, parties } of exchange.thread.grants.values()) {
    const row = exchange.rows.get(call)
    expect(row?.answeredAt, `seed ${seed}: a grant before the answer of ${call}`).toBeDefined()
    const devices = parties.map(({ device }) => device)
    expect(devices, `seed ${seed}: ${call}`).toEqual([row!.callerDevice, row!.calleeDevice])
    // Longer than the slowest relay takes to close it.
    const over = row!.endedAt === undefined || !exchange.up ? 0 : network.epoch() - row!.endedAt
    const lost = row!.reason === 'lost'
    expect(lost ? 0 : over, `seed ${seed}: a grant of ${call}, which is over`).toBeLessThan(4_000)
  }
  const calls = [...exchange.thread.grants.values()]
  for (const { call, parties } of calls) {
    for (const { role, credential } of parties) {
      const named = credential?.username.startsWith(`${call.slice(0, 16)}.${role}.`) ?? true
      expect(named, `seed ${seed}: a credential of another call or party`).toBe(true)
    }
  }
}

function settle(all: Exploration): void {
  const { seed, network, exchange, world, phones, calls } = all
  exchange.thread.delay = () => 1
  network.run(60_000)
  if (!exchange.thread.up) exchange.thread.start()
  network.run(60_000)
  check(all)
  for (const client of world.clients) for (const call of [...client.calls.keys()]) client.hangUp(call)
  for (const phone of phones) {
    for (const { dialog } of [...calls, ...phone.incoming]) {
      if (dialog !== undefined && !dialog.ended) phone.hangUp(dialog)
    }
  }
  network.run(2_000)
  network.run(15 * 60_000)
  expect(exchange.leftovers(), `seed ${seed}: left behind`).toEqual({})
  const open = [...exchange.rows.values()].filter(row => row.endedAt === undefined)
  expect(open, `seed ${seed}: open rows`).toEqual([])
}
