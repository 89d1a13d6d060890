/** A telephone that hides who calls (RFC 3323, RFC 3325 `Privacy: id`): lanline knows it, other telephones are not told. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { first, values } from '../../src/sip/codec.ts'
import type { HeaderField } from '../../src/sip/message.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const nobody = '"Anonymous" <sip:anonymous@anonymous.invalid>'
const hidden: HeaderField[] = [
  { name: 'P-Preferred-Identity', value: '"Alice" <sip:alice@lanline.local>' },
  { name: 'P-Asserted-Identity', value: '<sip:mallory@lanline.local>' },
  { name: 'Privacy', value: 'id' },
]

function home(
  options: Partial<PhoneOptions> = {},
  at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol']),
) {
  const run = (milliseconds = 300): void => at.network.run(milliseconds)
  const [alice, bob, carol] = ['alice-1', 'bob-1', 'carol-1'].map((device, index) => {
    const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}`, ...options })
    phone.register()
    return phone
  }) as [SimPhone, SimPhone, SimPhone]
  run()
  return { at, run, alice, bob, carol }
}

describe.each(['udp', 'tcp', 'wss'] as const)('a call without a name over %s', transport => {
  it('rings at a telephone that is not told who calls, and stands in the log as whose it is', () => {
    const { at, run, alice, bob } = home({ transport })
    const call = alice.call('bob', { from: nobody, extra: hidden })
    run()
    expect(call.statuses).toEqual([100, 180])
    const { request } = bob.incoming[0]!
    expect(first(request, 'From')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/)
    for (const name of [
      'P-Asserted-Identity',
      'P-Preferred-Identity',
      'Remote-Party-ID',
      'Proxy-Authorization',
    ])
      expect(values(request, name)).toEqual([])
    expect(first(request, 'Privacy')).toBe('id')
    expect(at.calls[0]).toMatchObject({
      kind: 'started',
      caller: { user: 'alice', device: 'alice-1' },
      callee: { user: 'bob' },
    })
  })

  it('goes on, and ends from either side', () => {
    for (const by of ['alice', 'bob'] as const) {
      const { at, run, alice, bob } = home({ transport, onInvite: 'answer' })
      const call = alice.call('bob', { from: nobody, extra: hidden })
      run()
      const ends = { alice: call.dialog!, bob: bob.incoming[0]!.dialog! }
      const phones = { alice, bob }
      const statuses: number[] = []
      for (const method of ['INFO', 'UPDATE', 'OPTIONS'])
        for (const one of ['alice', 'bob'] as const)
          phones[one].inDialog(ends[one], method, status => statuses.push(status))
      run()
      expect(statuses).toEqual(Array(6).fill(200))
      expect(alice.reInvite(ends.alice)).toEqual([])
      run()
      expect(bob.reInvite(ends.bob)).toEqual([])
      run()
      phones[by].inDialog(ends[by], 'BYE', status => statuses.push(status))
      run()
      expect(statuses.at(-1)).toBe(200)
      expect(at.callLog().at(-1)).toBe(`ended ${by === 'alice' ? 'caller' : 'callee'} 0 hangup`)
    }
  })

  it('may be given up, and be handed on', () => {
    const { run, alice, bob, carol } = home({ transport })
    const call = alice.call('bob', { from: nobody, extra: hidden })
    run()
    alice.cancel(call)
    run()
    expect(call.final).toBe(487)
    const second = alice.call('bob', { from: nobody, extra: hidden })
    run()
    bob.pickUp()
    run()
    const statuses: number[] = []
    const referTo = { name: 'Refer-To', value: '<sip:carol@lanline.local>' }
    alice.inDialog(second.dialog!, 'REFER', status => statuses.push(status), [referTo])
    bob.inDialog(bob.incoming[1]!.dialog!, 'REFER', status => statuses.push(status), [referTo])
    run()
    expect(statuses).toEqual([200, 200])
    expect(carol.requests).toEqual([])
  })
})

it('who hides by From alone is not named by lanline either', () => {
  const { run, alice, bob } = home()
  for (const from of [
    nobody,
    '<sip:anonymous@anonymous.invalid>',
    'Anonymous <sip:Anonymous@ANONYMOUS.invalid:5060;transport=udp>',
    '"anonymous" <sip:anonymous@lanline.local>',
  ]) {
    const call = alice.call('bob', { from })
    run()
    expect([from, call.statuses]).toEqual([from, [100, 180]])
    expect(values(bob.incoming.at(-1)!.request, 'P-Asserted-Identity')).toEqual([])
    alice.cancel(call)
    run()
  }
  const named = alice.call('bob')
  run()
  expect(named.statuses).toEqual([100, 180])
  expect(values(bob.incoming.at(-1)!.request, 'P-Asserted-Identity')).toHaveLength(1)
})

it('nobody is named who is somebody else, nor by what stands beside it', () => {
  const { run, alice, bob } = home()
  for (const from of [
    '"Anonymous" <sip:carol@anonymous.invalid>',
    '"Anonymous" <sip:carol-1@anonymous.invalid>',
    '"Carol" <sip:anonymous@anonymous.invalid>',
    '"Anonymous Carol" <sip:anonymous@anonymous.invalid>',
    '"Anonymous" <sip:anonymous@elsewhere.example>',
    '"Anonymous" <sip:anonymous@anonymous.invalid.example>',
    '"Anonymous" <sip:someone@anonymous.invalid>',
    '"Anonymous" <sip:anonymous.invalid>',
    '"Anonymous" <tel:anonymous>',
  ]) {
    const call = alice.call('bob', { from })
    run()
    expect([from, call.final]).toEqual([from, 403])
  }
  expect(bob.requests).toEqual([])
})

it('is nobody only where no person has that name', () => {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'anonymous'])
  const [alice, bob, named] = ['alice-1', 'bob-1', 'anonymous-1'].map((device, index) => {
    const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}` })
    phone.register()
    return phone
  }) as [SimPhone, SimPhone, SimPhone]
  at.network.run(300)
  const calls = [alice.call('bob', { from: nobody }), named.call('bob', { from: nobody })]
  at.network.run(300)
  expect(calls.map(call => call.statuses)).toEqual([[403], [100, 180]])
  expect(bob.incoming).toHaveLength(1)
})

it('is not known without a password, nor with a wrong one', () => {
  const { at, run, bob } = home()
  const stranger = new SimPhone(at, { device: 'zoe-1', address: '10.0.1.66' })
  const guesser = new SimPhone(at, { device: 'alice-1', address: '10.0.1.67', password: 'wrong' })
  const calls = [stranger, guesser].map(phone => phone.call('bob', { from: nobody, extra: hidden }))
  run()
  expect(calls.map(call => call.final)).toEqual([407, 407])
  expect(bob.requests).toEqual([])
})

it('rings not at whom the caller may not call, nor who is not to be disturbed', () => {
  const { at, run, alice, bob } = home()
  at.mayCall = (caller, callee) => caller !== 'alice' || callee !== 'carol'
  at.doNotDisturb.add('bob')
  const calls = ['bob', 'carol'].map(name => alice.call(name, { from: nobody }))
  run()
  expect(calls.map(call => call.final)).toEqual([480, 404])
  expect(bob.requests).toEqual([])
})

it('on a connection of several people it takes a password to be known', () => {
  const { at, run, alice, bob } = home({ transport: 'tcp' })
  // Carol's telephone is on Alice's connection as well.
  const carol = new SimPhone(at, { device: 'carol-1', transport: 'tcp', address: '10.0.1.2' })
  carol.disconnect()
  carol.send = message => alice.send(message)
  const received = alice.received.length
  carol.register()
  run()
  const challenge = alice.received.slice(received).find(one => one.kind === 'response')!
  expect(challenge).toMatchObject({ status: 401 })
  alice.request({
    ...{ method: 'REGISTER', uri: 'sip:lanline.local', to: '<sip:carol@lanline.local>' },
    from: '<sip:carol@lanline.local>;tag=1',
    extra: [carol.credentials(challenge as never, 'REGISTER', 'sip:lanline.local')],
    done: () => {},
  })
  run()
  const before = alice.received.length
  const call = alice.call('bob', { from: nobody })
  run()
  expect(alice.received.slice(before)).toMatchObject([{ status: 407 }, { status: 100 }, { status: 180 }])
  expect(call.statuses).toEqual([100, 180])
  expect(at.calls[0]).toMatchObject({ caller: { user: 'alice' } })
  bob.pickUp()
  run()
  const statuses: number[] = []
  alice.inDialog(call.dialog!, 'INFO', status => statuses.push(status))
  alice.inDialog(call.dialog!, 'BYE', status => statuses.push(status))
  run()
  expect(statuses).toEqual([200, 200])
})

it('a page is told who calls, can call back, and is called the same by whoever says so', () => {
  const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob', 'carol'])
  const { run, alice } = home({}, exchange.house)
  const page = new SimClient(exchange, 'bob-5')
  page.connect()
  run(1_000)
  const call = alice.call('bob', { from: nobody, extra: hidden })
  run()
  const told = page.told.find(message => message.type === 'incoming')
  expect(told).toMatchObject({ from: { user: 'alice' } })
  page.answer([...page.calls.keys()][0]!)
  run()
  expect(call.final).toBe(200)
  const statuses: number[] = []
  alice.inDialog(call.dialog!, 'INFO', status => statuses.push(status))
  page.hangUp([...page.calls.keys()][0]!)
  run()
  expect(alice.requests).toContain('BYE')
  expect([...exchange.rows.values()]).toMatchObject([{ callerUser: 'alice' }])
  page.call('alice')
  run()
  expect(alice.requests).toContain('INVITE')
})

it('nothing of who hides reaches another telephone by name, whatever else is said (property)', () => {
  const { run, alice, bob } = home()
  const privacy = fc.constantFrom('id', 'ID', 'header;id', 'user;id;critical', 'none', '')
  const name = fc.constantFrom('P-Preferred-Identity', 'P-Asserted-Identity', 'Remote-Party-ID')
  fc.assert(
    fc.property(privacy, fc.array(name), (value, names) => {
      const extra: HeaderField[] = names.map(one => ({
        name: one,
        value: '"Alice" <sip:alice@lanline.local>',
      }))
      if (value !== '') extra.push({ name: 'Privacy', value })
      const call = alice.call('bob', { from: nobody, extra })
      run()
      expect(call.statuses).toEqual([100, 180])
      const { headers } = bob.incoming.at(-1)!.request
      const telling = headers.filter(
        ({ name: one }) => !['Via', 'Contact', 'Record-Route', 'Call-ID'].includes(one),
      )
      expect(telling.filter(field => /alice/i.test(field.value))).toEqual([])
      alice.cancel(call)
      run()
    }),
    { numRuns: 30 },
  )
})
