/** People whose devices ring as well when somebody is called: a house, a department, a door. */
import { describe, expect, it } from 'vitest'
import { first, values } from '../../src/sip/codec.ts'
import type { SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

/** Calls to "house", who has no device, ring at Bob and Carol; Alice is at the door. */
function home(rings: readonly string[] = ['bob', 'carol']) {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol', 'dora', 'house'])
  at.alsoRings.set('house', rings)
  const phones = Object.fromEntries(
    ['alice-1', 'bob-1', 'bob-2', 'carol-1', 'dora-1'].map((device, index) => {
      const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}`, onInvite: 'ring' })
      phone.register()
      return [device.replace('-1', '').replace('-', ''), phone]
    }),
  ) as Record<'alice' | 'bob' | 'bob2' | 'carol' | 'dora', SimPhone>
  at.network.run(300)
  const declines = (phone: SimPhone, status = 603): void => {
    const { request, tag } = phone.incoming.at(-1)!
    phone.answer(request, status, tag)
    at.network.run(300)
  }
  const calls = (from: SimPhone, whom = 'house') => {
    const call = from.call(whom)
    at.network.run(300)
    return call
  }
  return { at, declines, calls, ...phones }
}

const rang = (phone: SimPhone): boolean => phone.requests.includes('INVITE')

describe('a person whose calls ring at others as well', () => {
  it('is answered by whoever is first, and the others stop', () => {
    const { at, calls, alice, bob, bob2, carol, dora } = home()
    const call = calls(alice)
    expect([bob, bob2, carol, dora].map(rang)).toEqual([true, true, true, false])
    carol.pickUp()
    at.network.run(300)
    expect(call.final).toBe(200)
    expect([bob, bob2].map(phone => phone.requests)).toEqual([
      ['INVITE', 'CANCEL', 'ACK'],
      ['INVITE', 'CANCEL', 'ACK'],
    ])
    expect(at.calls[0]).toMatchObject({ callee: { user: 'house' } })
    expect(at.calls.find(({ kind }) => kind === 'answered')).toMatchObject({
      callee: { user: 'carol', device: 'carol-1' },
    })
    alice.hangUp(call.dialog!)
    at.network.run(300)
    expect(carol.requests).toContain('BYE')
    expect(at.callLog().at(-1)).toBe('ended caller 0 hangup')
  })

  it('goes on ringing at the others when one of them declines, on all of their own devices', () => {
    const { at, calls, declines, alice, bob, bob2, carol } = home()
    const call = calls(alice)
    declines(bob)
    expect(bob2.requests).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(carol.requests).toEqual(['INVITE'])
    expect(call.final).toBeUndefined()
    carol.pickUp()
    at.network.run(300)
    expect(call.final).toBe(200)
  })

  it('has declined when all of them have', () => {
    const { at, calls, declines, alice, bob, carol } = home()
    const call = calls(alice)
    declines(bob)
    declines(carol)
    expect(call.final).toBe(603)
    expect(at.callLog().at(-1)).toBe('ended callee 603 declined')
    at.network.run(60_000)
    expect(at.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0, branches: 0 })
  })

  it('does not ring at whoever calls, nor at who is not to be disturbed', () => {
    const { at, calls, bob, bob2, carol } = home()
    at.doNotDisturb.add('carol')
    expect(calls(bob).final).toBe(480)
    expect([bob, bob2, carol].map(rang)).toEqual([false, false, false])
  })

  it('is not to be disturbed with all of them', () => {
    const { at, calls, alice, bob } = home()
    at.doNotDisturb.add('house')
    expect(calls(alice).final).toBe(480)
    expect(rang(bob)).toBe(false)
  })

  it('rings at their own devices as well, and not at whom those let ring in turn', () => {
    const { at, calls, alice, bob, carol, dora } = home(['bob'])
    at.alsoRings.set('bob', ['carol'])
    calls(alice)
    expect([bob, carol].map(rang)).toEqual([true, false])
    calls(dora, 'bob')
    expect(rang(carol)).toBe(true)
  })

  it('takes no message for the others', () => {
    const { at, alice, bob } = home()
    let status = 0
    const [uri, to] = ['sip:house@lanline.local', '<sip:house@lanline.local>']
    alice.request({ method: 'MESSAGE', uri, to, done: answer => (status = answer.status) })
    at.network.run(300)
    expect(status).toBe(480)
    expect(bob.requests).toEqual([])
  })

  it('sends no call twice to whom one of them forwards it', () => {
    const { at, calls, alice, bob, carol } = home()
    const call = calls(alice)
    const { request, tag } = bob.incoming[0]!
    bob.answer(request, 302, tag, [{ name: 'Contact', value: '<sip:carol@lanline.local>' }])
    at.network.run(300)
    expect(carol.requests).toEqual(['INVITE'])
    carol.pickUp()
    at.network.run(300)
    expect(call.final).toBe(200)
  })
})

describe('whom a call is for', () => {
  const diversions = (phone: SimPhone): string[] => values(phone.incoming.at(-1)!.request, 'Diversion')
  const forHouse = '"HOUSE" <sip:house@lanline.local>;reason=unconditional;counter=1'

  it('is told to who it rings at in somebody’s place (RFC 5806), and to nobody else', () => {
    const { calls, alice, bob, carol } = home()
    calls(alice)
    expect([bob, carol].map(diversions)).toEqual([[forHouse], [forHouse]])
    calls(alice, 'bob')
    expect(diversions(bob)).toEqual([])
  })

  it('is told by lanline alone: what a device says of it is taken out', () => {
    const { calls, alice, bob, at } = home()
    const extra = ['Diversion', 'diversion'].map(name => ({ name, value: '<sip:dora@lanline.local>' }))
    alice.call('bob', { extra })
    at.network.run(300)
    expect(diversions(bob)).toEqual([])
    alice.call('house', { extra })
    at.network.run(300)
    expect(diversions(bob)).toEqual([forHouse])
    calls(alice)
  })

  it('is who was called, by however many it was forwarded', () => {
    const { at, calls, alice, bob, dora } = home(['bob'])
    calls(alice)
    const { request, tag } = bob.incoming[0]!
    bob.answer(request, 302, tag, [{ name: 'Contact', value: '<sip:dora@lanline.local>' }])
    at.network.run(300)
    expect(diversions(dora)).toEqual(['"HOUSE" <sip:house@lanline.local>;reason=unknown;counter=1'])
  })

  it('is not told to a guest who may not know them', () => {
    const { at, calls, alice, bob, carol } = home()
    at.mayCall = (caller, callee) => caller !== 'carol' || callee !== 'house'
    calls(alice)
    expect([bob, carol].map(diversions)).toEqual([[forHouse], []])
  })
})

describe('who took it', () => {
  const asserted = ({ responses }: { responses: readonly SipResponse[] }): (string | undefined)[] =>
    responses
      .filter(({ status }) => status > 100 && status < 300)
      .map(response => first(response, 'P-Asserted-Identity'))

  it('is told to the caller with the answer, each time it is said (RFC 3325 §9.1)', () => {
    const { at, calls, alice, carol } = home()
    const call = calls(alice)
    // The first ones are lost on their way.
    alice.deaf = true
    carol.pickUp()
    at.network.run(300)
    alice.deaf = false
    at.network.run(3_000)
    const rings = call.statuses.filter(status => status === 180).length
    const told = asserted(call)
    expect(told.slice(0, rings)).toEqual(Array(rings).fill(undefined))
    expect(told.slice(rings)).toEqual(['"CAROL" <sip:carol@lanline.local>'])
  })

  it('is told of who was called as well', () => {
    const { at, calls, alice, bob } = home()
    const call = calls(alice, 'bob')
    bob.pickUp()
    at.network.run(300)
    expect(asserted(call).at(-1)).toBe('"BOB" <sip:bob@lanline.local>')
  })

  it.each([
    ['it is a guest who may not know them', false, []],
    ['they wish not to be known', true, [{ name: 'Privacy', value: 'id' }]],
  ])('is not told where %s', (_why, mayKnow, extra) => {
    const { at, calls, alice, carol } = home()
    at.mayCall = (caller, callee) => mayKnow || caller !== 'alice' || callee !== 'carol'
    const call = calls(alice)
    const { request, tag } = carol.incoming[0]!
    const contact = { name: 'Contact', value: carol.contact }
    const claim = { name: 'P-Asserted-Identity', value: '"Mallory" <sip:mallory@lanline.local>' }
    carol.answer(request, 200, tag, [contact, claim, ...extra])
    at.network.run(300)
    expect(call.final).toBe(200)
    expect(asserted(call).at(-1)).toBeUndefined()
  })
})

describe('the log of calls', () => {
  const told = (at: SimHouse) =>
    at.calls.flatMap(event =>
      event.kind === 'started'
        ? [['for', ...(event.others ?? [])]]
        : event.kind === 'forwarded'
          ? [['forwarded', ...event.to]]
          : event.kind === 'declined'
            ? [['declined', event.user]]
            : [],
    )

  it('hears whose call it is as well, whether they can be rung or not, and who of them declines', () => {
    const { at, calls, declines, alice, bob } = home(['bob', 'carol', 'dora', 'alice', 'nobody'])
    at.doNotDisturb.add('dora')
    calls(alice)
    declines(bob)
    expect(told(at)).toEqual([
      ['for', 'bob', 'carol', 'dora'],
      ['declined', 'bob'],
    ])
  })

  it('hears whom it is forwarded to, but for the caller and whom they may not call', () => {
    const { at, calls, alice, bob } = home()
    at.mayCall = (caller, callee) => caller !== 'alice' || callee !== 'dora'
    calls(alice, 'bob')
    const { request, tag } = bob.incoming[0]!
    const contacts = ['alice', 'carol', 'dora'].map(name => ({
      name: 'Contact',
      value: `<sip:${name}@lanline.local>`,
    }))
    bob.answer(request, 302, tag, contacts)
    at.network.run(300)
    expect(told(at)).toEqual([['for'], ['forwarded', 'carol']])
  })

  it('hears nothing of whom a house rings at that a guest may not know', () => {
    const { at, calls, alice } = home()
    at.mayCall = (caller, callee) => caller !== 'alice' || callee !== 'house'
    expect(calls(alice).final).toBe(404)
    expect(told(at)).toEqual([['for']])
  })
})
