/**
 * Seeded exploration of call set-up: JSON clients and SIP telephones call, answer, decline, offer at once, hang up at
 * once, lose their connections, and the daemon is killed and started in between. Whatever the seed: every row closes,
 * nothing is left in any table, and no call has two answers. A failure names its seed.
 */
import { describe, expect, it } from 'vitest'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const users = ['alice', 'bob', 'carol']
const seeds = process.env.LANLINE_SOAK === '1' ? 20_000 : 300
const batch = 50

describe('whatever people, networks and plugs do', () => {
  for (let first = 1; first <= seeds; first += batch) {
    it(`every call row closes and nothing is left behind (seeds ${first} to ${first + batch - 1})`, () => {
      for (let seed = first; seed < first + batch; seed++) explore(seed)
    }, 600_000)
  }
})

describe('a client that answers by itself and never says that it rings', () => {
  it('hears at once that the caller gave up, and rings for two minutes as others do', () => {
    const network = new SimNetwork(1, { latencyMilliseconds: [1, 5], loss: 0, duplication: 0, reordering: 0 })
    const exchange = new SimExchange(network, users)
    const [alice, bob] = ['alice-5', 'bob-5'].map(device => new SimClient(exchange, device)) as [
      SimClient,
      SimClient,
    ]
    bob.onIncoming = () => {}
    alice.connect()
    bob.connect()
    network.run(1_000)
    const ends = () => bob.told.filter(message => message.type === 'ended').map(message => message.reason)
    alice.call('bob')
    network.run(1_000)
    expect(bob.calls.size).toBe(1)
    for (const call of alice.calls.keys()) alice.hangUp(call)
    network.run(1_000)
    expect(ends()).toEqual(['cancelled'])
    expect(bob.told.some(message => message.type === 'missed')).toBe(true)
    alice.call('bob')
    network.run(100_000)
    expect(bob.calls.size, 'it still rings').toBe(1)
    network.run(30_000)
    expect(ends()).toEqual(['cancelled', 'noAnswer'])
  })
})

function explore(seed: number): void {
  const network = new SimNetwork(seed, {
    latencyMilliseconds: [1, 5],
    loss: seed % 3 === 0 ? 0.1 : 0,
    duplication: seed % 4 === 0 ? 0.05 : 0,
    reordering: seed % 5 === 0 ? 0.05 : 0,
  })
  const exchange = new SimExchange(network, users)
  const clients = ['alice-5', 'alice-6', 'bob-5', 'bob-6', 'carol-5'].map(
    device => new SimClient(exchange, device),
  )
  const phones = ['carol-1', 'bob-1'].map(
    (device, index) =>
      new SimPhone(exchange.house, {
        device,
        transport: index === 0 ? 'udp' : 'tcp',
        address: `10.0.1.${index + 1}`,
      }),
  )
  for (const client of clients) {
    client.peers.push(...clients.filter(other => other !== client))
    client.connect()
  }
  for (const phone of phones) {
    if (phone.transport === 'tcp') phone.listen()
    phone.register()
  }
  network.run(2_000)
  const world = { exchange, network, clients, phones, calls: [] as ReturnType<SimPhone['call']>[] }
  const steps = 20 + network.random.below(40)
  for (let step = 0; step < steps; step++) {
    act(world)
    network.run([0, 1, 3, 10, 100, 1_000, 5_000][network.random.below(7)]!)
  }
  settle(world)
  expect(exchange.leftovers(), `seed ${seed}: left behind`).toEqual({})
  const open = [...exchange.rows.values()].filter(row => row.endedAt === undefined)
  expect(open, `seed ${seed}: open rows`).toEqual([])
  const held = clients.flatMap(client =>
    [...client.calls.values()].map(call => `${client.device} ${call.state}`),
  )
  expect(held, `seed ${seed}: calls that clients still hold`).toEqual([])
  for (const [call, answers] of answersByCall(exchange)) {
    expect(answers, `seed ${seed}: answers of ${call}`).toBe(1)
  }
  for (const row of exchange.rows.values()) {
    expect(row.endedAt! >= row.startedAt, `seed ${seed}: ${row.id} ended before it began`).toBe(true)
  }
}

interface World {
  readonly exchange: SimExchange
  readonly network: SimNetwork
  readonly clients: readonly SimClient[]
  readonly phones: readonly SimPhone[]
  readonly calls: ReturnType<SimPhone['call']>[]
}

function act({ exchange, network, clients, phones, calls }: World): void {
  const { random } = network
  const client = clients[random.below(clients.length)]!
  const phone = phones[random.below(phones.length)]!
  const held = [...client.calls.values()]
  const call = held[random.below(Math.max(1, held.length))]
  const other = clients.find(each => each !== client && call !== undefined && each.calls.has(call.call))
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      client.call(users[random.below(users.length)]!)
      break
    case 5:
      calls.push(phone.call(users[random.below(users.length)]!, offerless(random)))
      break
    case 6:
    case 7:
    case 8:
      for (const each of clients) {
        for (const ringing of each.calls.values()) if (ringing.state === 'ringing') each.answer(ringing.call)
      }
      break
    case 9:
      if (call?.state === 'ringing') client.decline(call.call)
      break
    case 10:
      phone.onInvite = (['ring', 'answer', 'busy', 'decline', 'silent'] as const)[random.below(5)]!
      break
    case 11:
    case 12:
      if (call !== undefined) client.hangUp(call.call)
      break
    case 13:
      if (call !== undefined) {
        client.hangUp(call.call)
        other?.hangUp(call.call)
      }
      break
    case 14:
      if (call?.state === 'established') {
        client.offer(call.call)
        if (other?.calls.get(call.call)?.state === 'established') other.offer(call.call)
      }
      break
    case 15:
      if (call !== undefined) client.candidate(call.call)
      break
    case 16:
      client.drop(random.below(2) === 0)
      break
    case 17:
      if (exchange.up) {
        exchange.stop()
        network.later([100, 1_000, 20_000, 180_000][random.below(4)]!, () => {
          exchange.start()
          for (const each of phones) if (each.transport === 'tcp') each.connect()
          for (const each of phones) each.register()
        })
      }
      break
    case 18: {
      const ringing = phone.incoming.at(-1)
      if (ringing !== undefined && ringing.dialog === undefined) phone.pickUp()
      break
    }
    case 19:
      for (const each of calls) {
        if (each.dialog !== undefined && !each.dialog.ended)
          for (const one of phones) hangUpOf(one, each.dialog)
        else if (each.final === undefined && each.statuses.includes(180)) phone.cancel(each)
      }
      break
    case 20:
      for (const { dialog } of [...calls, ...phone.incoming]) {
        if (dialog && !dialog.ended && dialog.local.includes(`sip:${phone.user}@`)) {
          phone.reInvite(dialog, offerless(random))
        }
      }
      break
    case 21: {
      // Handed on: one telephone calls in place of another, or of itself.
      const dialog = [...calls, ...phone.incoming].find(({ dialog }) => dialog && !dialog.ended)?.dialog
      if (dialog === undefined) break
      const [to = ''] = /(?<=<sip:)[^@]+/.exec(dialog.remote) ?? []
      const tag = /(?<=;tag=).*/.exec(dialog.remote)?.[0]
      const value = `${dialog.callId};to-tag=${tag};from-tag=${dialog.localTag}`
      calls.push(phone.call(to, { ...offerless(random), extra: [{ name: 'Replaces', value }] }))
      break
    }
  }
}

/** Half of all telephones leave the offer to the other side, and some of those then do not answer it. */
const offerless = (random: SimNetwork['random']) => ({
  delayed: random.below(2) === 0,
  ackWithout: random.below(5) === 0,
})

type Dialog = NonNullable<ReturnType<SimPhone['call']>['dialog']>

function hangUpOf(phone: SimPhone, dialog: Dialog | undefined): void {
  if (dialog?.local.includes(`sip:${phone.user}@`)) phone.hangUp(dialog)
}

/** The daemon comes up, everybody hangs up, and time passes until every timer has fired. */
function settle({ exchange, network, clients, phones, calls }: World): void {
  network.run(200_000)
  expect(partiesTwice(clients), 'more than one party answered or called').toEqual([])
  for (const client of clients) for (const call of [...client.calls.keys()]) client.hangUp(call)
  for (const phone of phones) {
    for (const { dialog } of [...calls, ...phone.incoming]) if (!dialog?.ended) hangUpOf(phone, dialog)
  }
  expect(exchange.up).toBe(true)
  network.run(15 * 60_000)
}

/** Calls that two clients believe to be the caller, or the callee, of. */
function partiesTwice(clients: readonly SimClient[]): string[] {
  const seen = new Set<string>()
  const twice: string[] = []
  for (const client of clients) {
    for (const { call, role, state } of client.calls.values()) {
      if (state !== 'established') continue
      if (seen.has(`${role} ${call}`)) twice.push(`${role} ${call}`)
      seen.add(`${role} ${call}`)
    }
  }
  return twice
}

function answersByCall(exchange: SimExchange): Map<string, number> {
  const answers = new Map<string, number>()
  for (const event of exchange.events) {
    if (event.kind === 'answered') answers.set(event.call, (answers.get(event.call) ?? 0) + 1)
  }
  return answers
}
