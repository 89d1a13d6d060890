/** Calls to a name that several answer to, as those hear of them whom it rings at, and who calls. */
import { describe, expect, it } from 'vitest'
import type { ServerMessage } from '../../src/signalling/message.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'

const house = { user: 'house', name: 'HOUSE' }

/** Calls to "house" ring at Bob and Carol. Everybody has a page. */
function home() {
  const network = new SimNetwork(1)
  const exchange = new SimExchange(network, ['alice', 'bob', 'carol', 'house'])
  exchange.house.alsoRings.set('house', ['bob', 'carol'])
  const page = (device: string): SimClient => {
    const client = new SimClient(exchange, device)
    client.connect()
    network.run(200)
    return client
  }
  const [alice, bob, carol] = ['alice-1', 'bob-1', 'carol-1'].map(page) as [SimClient, SimClient, SimClient]
  const calls = (from: SimClient, to: string): string => {
    from.call(to)
    network.run(200)
    return [...from.calls.keys()].at(-1)!
  }
  const run = (milliseconds = 200): void => network.run(milliseconds)
  return { network, exchange, alice, bob, carol, page, calls, run }
}

const told = <Type extends ServerMessage['type']>(client: SimClient, type: Type) =>
  client.told.filter((message): message is Extract<ServerMessage, { type: Type }> => message.type === type)
/** For whom each of the calls was that stand in their list of missed ones. */
const missed = (client: SimClient) => {
  const lists = client.told.filter(({ type }) => type === 'welcome' || type === 'missed')
  const { missed } = lists.at(-1) as Extract<ServerMessage, { type: 'missed' }>
  return missed.map(one => [one.name, one.for?.name])
}

describe('a call to a house', () => {
  it('is for the house where it rings, again after the line was away', () => {
    const { alice, bob, calls, run } = home()
    calls(alice, 'house')
    expect(told(bob, 'incoming')).toMatchObject([{ from: { name: 'ALICE' }, for: house }])
    bob.drop(true)
    run(1_000)
    expect(told(bob, 'incoming')).toMatchObject([{}, { from: { name: 'ALICE' }, for: house }])
    calls(alice, 'bob')
    expect(told(bob, 'incoming').at(-1)).not.toHaveProperty('for')
  })

  it('is that of who took it to the caller, and nobody missed it', () => {
    const { exchange, alice, bob, carol, calls, run } = home()
    const call = calls(alice, 'house')
    carol.answer(call)
    run()
    expect(told(alice, 'answered')).toMatchObject([{ by: { user: 'carol', name: 'CAROL' } }])
    alice.hangUp(call)
    run()
    expect([bob, carol].map(missed)).toEqual([[], []])
    expect(exchange.rows.get(call)).toMatchObject({
      missed: false,
      others: [{ user: 'bob' }, { user: 'carol' }],
    })
  })

  it('that nobody took is missed by all it rang at, and by who was not there, until each has looked', () => {
    const { exchange, alice, bob, carol, page, calls, run } = home()
    carol.leave()
    run(20_000)
    const call = calls(alice, 'house')
    alice.hangUp(call)
    run()
    expect(missed(bob)).toEqual([['ALICE', 'HOUSE']])
    bob.send({ type: 'missedSeen' })
    run()
    expect(missed(bob)).toEqual([])
    expect(missed(page('carol-2'))).toEqual([['ALICE', 'HOUSE']])
    expect(missed(page('bob-2'))).toEqual([])
    exchange.stop()
    exchange.start()
    run(2_000)
    expect(missed(page('carol-3'))).toEqual([['ALICE', 'HOUSE']])
    expect(missed(page('bob-3'))).toEqual([])
  })

  it('is not missed by who declined it, and by the others still', () => {
    const { exchange, alice, bob, carol, page, calls, run } = home()
    const call = calls(alice, 'house')
    bob.decline(call)
    run()
    expect(told(alice, 'ended')).toEqual([])
    // The 603 is the best answer then (RFC 3261 §16.7 step 6), and yet Carol never had a say.
    carol.leave()
    run(20_000)
    expect(told(alice, 'ended')).toMatchObject([{ reason: 'declined' }])
    expect(exchange.rows.get(call)).toMatchObject({ missed: true })
    expect([bob, page('carol-2')].map(missed)).toEqual([[], [['ALICE', 'HOUSE']]])
  })

  it('is missed by nobody where all declined it', () => {
    const { exchange, alice, bob, carol, calls, run } = home()
    const call = calls(alice, 'house')
    for (const one of [bob, carol]) one.decline(call)
    run()
    expect(exchange.rows.get(call)).toMatchObject({ missed: false, reason: 'declined' })
    expect([bob, carol].map(missed)).toEqual([[], []])
  })

  it('is not missed by who called', () => {
    const { alice, bob, carol, calls, run } = home()
    bob.hangUp(calls(bob, 'house'))
    run()
    expect([alice, bob, carol].map(missed)).toEqual([[], [], [['BOB', 'HOUSE']]])
  })
})

it('a call that rings at another as well is missed by them alone if who was called declined it', () => {
  const { exchange, alice, bob, carol, calls, run } = home()
  exchange.house.alsoRings.set('bob', ['carol'])
  const call = calls(alice, 'bob')
  bob.decline(call)
  run()
  alice.hangUp(call)
  run()
  expect([bob, carol].map(missed)).toEqual([[], [['ALICE', 'BOB']]])
})
