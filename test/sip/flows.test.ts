/**
 * A telephone that keeps several flows (RFC 5626): it is asked by one of them at a time, and by the next where that one
 * is gone, fails or says nothing.
 */
import { describe, expect, it } from 'vitest'
import { branchLimits } from '../../src/sip/branches.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const instance = '"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'
const supported = { extra: [{ name: 'Supported', value: 'path, outbound' }] }

/** Alice, and Bob's one telephone as its two flows: `flows[1]` is the one it spoke by last. */
function home(
  options: Partial<PhoneOptions> = {},
  count = 2,
  at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol']),
) {
  const run = (milliseconds = 300): void => at.network.run(milliseconds)
  const alice = new SimPhone(at, { device: 'alice-1', address: '10.0.1.2' })
  alice.register()
  const flows = Array.from({ length: count }, (_, index) => {
    const flow = new SimPhone(at, {
      device: 'bob-1',
      address: '10.0.1.3',
      port: 5060 + index,
      contactParams: `;reg-id=${index + 1};+sip.instance=${instance}`,
      ...options,
    })
    flow.register(3600, supported)
    run()
    expect(flow.statuses).toEqual([200])
    return flow
  })
  expect(at.machine.sizes.bindings).toBe(1 + count)
  const asked = (): string[][] => flows.map(({ requests }) => requests)
  return { at, run, alice, flows: flows as [SimPhone, SimPhone], asked }
}

describe('one telephone with two flows', () => {
  it('is called by one of them, the one it spoke by last', () => {
    const { at, run, alice, flows, asked } = home({ onInvite: 'answer' })
    const call = alice.call('bob')
    run()
    expect(call.statuses).toEqual([100, 180, 200])
    alice.hangUp(call.dialog!)
    run(40_000)
    expect(asked()).toEqual([[], ['INVITE', 'ACK', 'BYE']])
    flows[0].register(3600, supported)
    run()
    alice.call('bob')
    run()
    expect(flows[0].requests).toEqual(['INVITE', 'ACK'])
    expect(at.machine.sizes.branches).toBe(0)
  })

  it('is asked by one of them for what is no call', () => {
    const { run, alice, asked } = home()
    const statuses: number[] = []
    alice.request({
      ...{ method: 'MESSAGE', uri: 'sip:bob@lanline.local', to: '<sip:bob@lanline.local>' },
      done: ({ status }) => statuses.push(status),
    })
    run()
    expect([statuses, asked()]).toEqual([[200], [[], ['MESSAGE']]])
  })

  it('rings beside another telephone of that person', () => {
    const { at, run, alice, asked } = home()
    const other = new SimPhone(at, { device: 'bob-1', address: '10.0.1.9' })
    other.register()
    run()
    alice.call('bob')
    run()
    expect([asked(), other.requests]).toEqual([[[], ['INVITE']], ['INVITE']])
  })

  it.each([408, 430])('is called by the other one where one says %d', status => {
    const { run, alice, flows, asked } = home({ onInvite: 'silent' })
    const call = alice.call('bob')
    run()
    flows[0].onInvite = 'answer'
    flows[1].refuse(status)
    run()
    expect(call.statuses).toEqual([100, 180, 200])
    expect(asked()).toEqual([
      ['INVITE', 'ACK'],
      ['INVITE', 'ACK'],
    ])
  })

  it.each([404, 480, 486, 500, 503, 603])('has given its answer with %d', status => {
    const { run, alice, flows, asked } = home({ onInvite: 'silent' })
    const call = alice.call('bob')
    run()
    flows[1].refuse(status)
    run(10_000)
    expect(call.final).toBe(status === 503 ? 500 : status)
    expect(asked()).toEqual([[], ['INVITE', 'ACK']])
  })

  it('is called by the other one where the connection of one is gone, and its port closed', () => {
    const { run, alice, flows, asked } = home({ transport: 'tcp', onInvite: 'answer' })
    flows[1].disconnect()
    run()
    const call = alice.call('bob')
    run()
    expect([call.statuses, asked()]).toEqual([
      [100, 180, 200],
      [['INVITE', 'ACK'], []],
    ])
  })

  it('is called by the other one where the connection of one goes while it is asked', () => {
    const { at, run, alice, flows, asked } = home({ transport: 'tcp', onInvite: 'silent' })
    const call = alice.call('bob')
    run()
    flows[0].onInvite = 'answer'
    flows[1].disconnect()
    run()
    expect([call.statuses, asked()]).toEqual([
      [100, 180, 200],
      [['INVITE', 'ACK'], ['INVITE']],
    ])
    expect(at.callLog()).toEqual(['started', 'ringing', 'answered'])
  })

  it.each(['udp', 'tcp'] as const)('is called by the other one where one says nothing over %s', transport => {
    const { run, alice, flows, asked } = home({ transport })
    flows[1].deaf = true
    const call = alice.call('bob')
    run(branchLimits.silentMilliseconds - 500)
    expect([call.statuses, asked()]).toEqual([[100], [[], []]])
    run(1_000)
    expect([call.statuses, asked()]).toEqual([
      [100, 180],
      [['INVITE'], []],
    ])
    flows[0].refuse(486)
    run()
    // Nobody waits for the one that says nothing.
    expect(call.final).toBe(486)
    flows[1].deaf = false
    run(40_000)
    // It heard a late copy, and was told at once that it is over.
    if (transport === 'udp') expect(flows[1].requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
  })

  it('rings on where it was silent for a while and knows the second INVITE for the first', () => {
    const { run, alice, flows } = home({ onInvite: 'silent' })
    const call = alice.call('bob')
    run(branchLimits.silentMilliseconds + 500)
    flows[1].pickUp()
    flows[0].refuse(482)
    run()
    expect(call.final).toBe(200)
  })

  it('does not ring by the other one when the caller has given up', () => {
    const { at, run, alice, flows, asked } = home()
    flows[1].deaf = true
    const call = alice.call('bob')
    run()
    alice.cancel(call)
    run(40_000)
    expect([call.final, asked()]).toEqual([487, [[], []]])
    expect(at.machine.sizes).toMatchObject({ branches: 0, clientTransactions: 0 })
  })

  it('does not ring by the other one when somebody else took the call, or its right ended', () => {
    const taken = home({ transport: 'tcp' })
    const other = new SimPhone(taken.at, { device: 'bob-2', address: '10.0.1.9', onInvite: 'answer' })
    other.register()
    taken.run()
    taken.flows[1].deaf = true
    taken.alice.call('bob')
    taken.run()
    taken.flows[1].disconnect()
    taken.run(10_000)
    expect(taken.asked()).toEqual([[], []])

    const revoked = home({ onInvite: 'silent' })
    const call = revoked.alice.call('bob')
    revoked.run()
    revoked.at.revoke('bob-1')
    revoked.run(40_000)
    expect([revoked.asked()[0], call.final]).toEqual([[], 480])
  })

  it('is not called by one that is over by then', () => {
    const { run, alice, flows, asked } = home()
    flows[1].deaf = true
    const call = alice.call('bob')
    run()
    flows[0].register(0, supported)
    run(40_000)
    expect([call.final, asked()]).toEqual([408, [[], []]])
  })

  it('is called by TLS alone where sips is asked for', () => {
    const { at, run, alice, flows, asked } = home()
    const secure = new SimPhone(at, {
      ...{ device: 'bob-1', address: '10.0.1.3', port: 5069, transport: 'tls', onInvite: 'silent' },
      contactParams: `;reg-id=9;+sip.instance=${instance}`,
    })
    secure.register(3600, supported)
    run()
    alice.call('bob', { uri: 'sips:bob@lanline.local' })
    run()
    expect(secure.requests).toEqual(['INVITE'])
    secure.refuse(430)
    run()
    expect([asked(), flows.length]).toEqual([[[], []], 2])
  })

  it('hears the end of its call by the other one where the one it came by is gone', () => {
    const { run, alice, flows, asked } = home({ transport: 'tcp', onInvite: 'answer' })
    const call = alice.call('bob')
    run()
    flows[1].disconnect()
    run()
    const statuses: number[] = []
    alice.inDialog(call.dialog!, 'BYE', status => statuses.push(status))
    run()
    expect([statuses, asked()[0]]).toEqual([[200], ['BYE']])
  })

  it('hears the end of its call by the other one where the one it came by says nothing', () => {
    const { run, alice, flows, asked } = home({ onInvite: 'answer' })
    const call = alice.call('bob')
    run()
    flows[1].deaf = true
    const statuses: number[] = []
    alice.inDialog(call.dialog!, 'BYE', status => statuses.push(status))
    run(branchLimits.silentMilliseconds + 500)
    expect([statuses, asked()[0]]).toEqual([[200], ['BYE']])
  })

  it('that moved, and says its instance alone, is asked where it registered last', () => {
    const { run, alice, asked } = home({ contactParams: `;+sip.instance=${instance}` })
    alice.call('bob')
    run()
    expect(asked()).toEqual([[], ['INVITE']])
  })
})

it('a telephone with many flows is asked by each once, whatever fails', () => {
  const { at, run, alice, flows, asked } = home({ onInvite: 'silent' }, 6)
  const call = alice.call('bob')
  for (const flow of flows.toReversed()) {
    run()
    flow.refuse(430)
  }
  run()
  // RFC 5626 §11.5: 430 is a word between proxies.
  expect(call.final).toBe(480)
  expect(asked()).toEqual(Array(6).fill(['INVITE', 'ACK']))
  run(40_000)
  expect(at.machine.sizes).toMatchObject({ branches: 0, clientTransactions: 0, serverTransactions: 0 })
})

it('two telephones with one password and one instance of their own each ring both', () => {
  const { at, run, alice, asked } = home()
  const other = new SimPhone(at, {
    ...{ device: 'bob-1', address: '10.0.1.9' },
    contactParams: ';reg-id=1;+sip.instance="<urn:uuid:11111111-0000-1000-8000-000a95a0e128>"',
  })
  other.register(3600, supported)
  run()
  alice.call('bob')
  run()
  expect([asked(), other.requests]).toEqual([[[], ['INVITE']], ['INVITE']])
})

it('a page that calls reaches it by one flow, and by the other where that one fails', () => {
  const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob'])
  const { run, flows, asked } = home({ onInvite: 'silent' }, 2, exchange.house)
  const page = new SimClient(exchange, 'alice-5')
  page.connect()
  run(1_000)
  page.call('bob')
  run()
  expect(asked()).toEqual([[], ['INVITE']])
  flows[0].onInvite = 'answer'
  flows[1].refuse(430)
  run()
  expect(asked()).toEqual([
    ['INVITE', 'ACK'],
    ['INVITE', 'ACK'],
  ])
  expect(page.told.map(({ type }) => type)).toContain('answered')
})
