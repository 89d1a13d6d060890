/** Devices with every right to be here, who want to be taken for somebody else, or not to be seen at all. */
import { describe, expect, it } from 'vitest'
import { values } from '../../src/sip/codec.ts'
import type { HeaderField, SipRequest } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type SimDialog, SimPhone } from '../sim/phone.ts'

type Name = 'alice' | 'bob' | 'mallory'

function house(transport: 'udp' | 'tcp' = 'udp'): { home: SimHouse; phones: Record<Name, SimPhone> } {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'mallory'])
  const register = (name: Name): SimPhone => {
    const phone = new SimPhone(home, { device: `${name}-1`, transport, onInvite: 'answer' })
    phone.register()
    home.network.runUntil(() => phone.statuses.length > 0, 1_000)
    return phone
  }
  const phones = { alice: register('alice'), bob: register('bob'), mallory: register('mallory') }
  return { home, phones }
}

/** An answered call, as its caller and as its callee hold it. */
function talk(home: SimHouse, caller: SimPhone, callee: SimPhone): { caller: SimDialog; callee: SimDialog } {
  const call = caller.call(callee.user)
  home.network.run(1_000)
  const incoming = callee.incoming.at(-1)!
  return { caller: call.dialog!, callee: incoming.dialog! }
}

/** An ACK asks for nothing, and means nothing to who has no such dialog. */
const asked = (phone: SimPhone): string[] => phone.requests.filter(method => method !== 'ACK')

const routesOf = (dialog: SimDialog): HeaderField[] => dialog.routes.map(value => ({ name: 'Route', value }))

function ask(
  home: SimHouse,
  phone: SimPhone,
  o: { method: string; uri: string; to: string; from?: string; callId?: string; extra?: HeaderField[] },
): number | undefined {
  let status: number | undefined
  phone.request({
    ...o,
    done: response => {
      status = response.status
    },
  })
  home.network.run(500)
  return status
}

describe('a call to a contact', () => {
  it('is a call like any other: it stands in the log', () => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.mallory, phones.bob)
    home.calls.length = 0
    phones.mallory.call(caller.target)
    home.network.run(1_000)
    expect(home.callLog()).toEqual(['started', 'ringing', 'answered'])
    expect(home.calls[0]).toMatchObject({ caller: { user: 'mallory' }, callee: { user: 'bob' } })
  })

  it('does not ring who is not to be disturbed', () => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.mallory, phones.bob)
    home.doNotDisturb.add('bob')
    phones.bob.requests.length = 0
    const call = phones.mallory.call(caller.target)
    home.network.run(1_000)
    expect(call.final).toBe(480)
    expect(asked(phones.bob)).toEqual([])
  })
})

describe('a contact that somebody else has registered, too', () => {
  it.each(['before', 'after'])('leads to who is where it says, though it was registered %s', when => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.alice, phones.bob)
    const before = { mallory: phones.mallory.incoming.length, bob: phones.bob.incoming.length }
    if (when === 'before') phones.bob.register(0)
    home.network.run(100)
    phones.mallory.register(3600, { contact: `<${caller.target}>` })
    home.network.run(100)
    if (when === 'before') phones.bob.register()
    home.network.run(100)
    phones.alice.call(caller.target)
    home.network.run(1_000)
    expect(phones.mallory.incoming.length).toBe(before.mallory)
    expect(phones.bob.incoming.length).toBe(before.bob + 1)
  })
})

describe('routes of an earlier call', () => {
  it('lead to nobody outside a dialog: who is asked for counts, and whether they may be', () => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.mallory, phones.bob)
    home.mayCall = (from, to) => from !== 'mallory' || to !== 'bob'
    phones.bob.requests.length = 0
    const uris = ['sip:bob@lanline.local', caller.target]
    const statuses = uris.flatMap(uri =>
      ['INVITE', 'MESSAGE'].map(method =>
        ask(home, phones.mallory, { method, uri, to: '<sip:bob@lanline.local>', extra: routesOf(caller) }),
      ),
    )
    expect(statuses).toEqual([404, 404, 404, 404])
    expect(asked(phones.bob)).toEqual([])
  })
})

describe('a To tag that somebody made up', () => {
  it('does not ring who is not to be disturbed, and does not keep a call out of the log', () => {
    const { home, phones } = house()
    const to = '<sip:bob@lanline.local>;tag=made'
    const extra = [{ name: 'Contact', value: phones.mallory.contact }]
    const made = { method: 'INVITE', uri: 'sip:bob@lanline.local', to, extra }
    // This phone takes it for something within a call.
    expect(ask(home, phones.mallory, made)).toBe(200)
    expect(home.callLog()).toEqual(['started', 'answered'])
    home.doNotDisturb.add('bob')
    phones.bob.requests.length = 0
    expect(ask(home, phones.mallory, made)).toBe(480)
    expect(asked(phones.bob)).toEqual([])
  })
})

describe('what says that it is in a dialog', () => {
  const made = (to: string, tag = 'made') => `<sip:${to}@lanline.local>;tag=${tag}`

  it('does not ring who is not to be disturbed by way of their contact', () => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.mallory, phones.bob)
    home.doNotDisturb.add('bob')
    phones.bob.requests.length = 0
    home.calls.length = 0
    const extra = [{ name: 'Contact', value: phones.mallory.contact }]
    const invite = { method: 'INVITE', uri: caller.target, to: made('bob'), extra }
    expect(ask(home, phones.mallory, invite)).toBe(481)
    expect(phones.bob.requests).toEqual([])
    expect(home.callLog()).toEqual([])
    expect(home.notes).toContain('strayDialog')
  })

  it.each([
    'udp',
    'tcp',
  ] as const)('comes over %s by the routes of that dialog, not by those of an earlier one', transport => {
    const { home, phones } = house(transport)
    const { caller } = talk(home, phones.mallory, phones.bob)
    const extra = [...routesOf(caller), { name: 'Contact', value: phones.mallory.contact }]
    const within = { uri: caller.target, to: caller.remote, from: caller.local, callId: caller.callId, extra }
    expect(ask(home, phones.mallory, { ...within, method: 'INVITE' })).toBe(200)
    phones.bob.requests.length = 0
    const { callId: _, ...elsewhere } = within
    for (const other of [
      { ...elsewhere, to: made('bob') },
      { ...within, from: '<sip:mallory@lanline.local>;tag=another' },
      { ...elsewhere, callId: 'another' },
    ]) {
      for (const method of ['INVITE', 'UPDATE', 'REFER', 'MESSAGE'])
        expect(ask(home, phones.mallory, { ...other, method }), method).toBe(481)
    }
    // One's own call with somebody else is no way to them either.
    const alices = talk(home, phones.mallory, phones.alice).caller
    const routes = [alices.routes[0]!, caller.routes[1]!].map(value => ({ name: 'Route', value }))
    const mixed = { ...within, callId: alices.callId, from: alices.local, to: alices.remote, extra: routes }
    expect(ask(home, phones.mallory, { ...mixed, method: 'INVITE' })).toBe(481)
    expect(phones.bob.requests).toEqual([])
  })

  it('and is proved by its routes after a restart, too', () => {
    const { home, phones } = house()
    const { caller, callee } = talk(home, phones.alice, phones.bob)
    home.stop()
    home.start()
    const held = [phones.alice.reInvite(caller), phones.bob.reInvite(callee)]
    home.network.run(1_000)
    expect(held).toEqual([[200], [200]])
  })
})

describe('a NOTIFY that nobody subscribed to', () => {
  it('reaches nobody: some phones start anew for it', () => {
    const { home, phones } = house()
    const { caller } = talk(home, phones.mallory, phones.bob)
    phones.bob.requests.length = 0
    const extra = [{ name: 'Event', value: 'check-sync' }]
    for (const uri of ['sip:bob@lanline.local', caller.target]) {
      for (const to of ['<sip:bob@lanline.local>', '<sip:bob@lanline.local>;tag=made']) {
        expect(ask(home, phones.mallory, { method: 'NOTIFY', uri, to, extra })).toBe(481)
      }
    }
    expect(asked(phones.bob)).toEqual([])
    // In a dialog it is whatever the two agreed on.
    const within = { uri: caller.target, to: caller.remote, from: caller.local, callId: caller.callId }
    expect(ask(home, phones.mallory, { ...within, method: 'NOTIFY', extra: routesOf(caller) })).toBe(200)
  })
})

describe.each(['udp', 'tcp'] as const)('in a dialog, over %s', transport => {
  const asAlice = '<sip:alice@lanline.local>;tag=1'

  it('a caller writes in no other name than their own', () => {
    const { home, phones } = house(transport)
    const { caller } = talk(home, phones.mallory, phones.bob)
    const forged = { uri: caller.target, to: caller.remote, from: asAlice, extra: routesOf(caller) }
    phones.bob.requests.length = 0
    for (const method of ['MESSAGE', 'INFO', 'BYE']) {
      expect([403, 407]).toContain(ask(home, phones.mallory, { ...forged, method }))
    }
    expect(asked(phones.bob)).toEqual([])
  })

  it('who was called sends no messages in another name, but hangs up as whoever they were called', () => {
    const { home, phones } = house(transport)
    const { callee } = talk(home, phones.bob, phones.mallory)
    const forged = { uri: callee.target, to: callee.remote, from: asAlice, extra: routesOf(callee) }
    phones.bob.requests.length = 0
    for (const method of ['MESSAGE', 'REFER']) {
      expect([403, 407]).toContain(ask(home, phones.mallory, { ...forged, method }))
    }
    expect(asked(phones.bob)).toEqual([])
    // RFC 3261 §8.1.3.4: the phone that followed a redirection still has the first one's name in To.
    expect(ask(home, phones.mallory, { ...forged, method: 'BYE' })).toBe(200)
  })

  it('the other one’s route is not one’s own', () => {
    const { home, phones } = house(transport)
    const bobs = talk(home, phones.mallory, phones.bob).caller
    const { callee: alices } = talk(home, phones.alice, phones.mallory)
    const routes = [alices.routes.at(-1)!, bobs.routes.at(-1)!].map(value => ({ name: 'Route', value }))
    phones.bob.requests.length = 0
    const forged = { uri: bobs.target, to: bobs.remote, from: asAlice, extra: routes }
    expect([403, 407]).toContain(ask(home, phones.mallory, { ...forged, method: 'BYE' }))
    expect(asked(phones.bob)).toEqual([])
  })
})

describe('who somebody is', () => {
  const claims = ['P-Asserted-Identity', 'remote-party-id', 'P-PREFERRED-IDENTITY'].map(name => ({
    name,
    value: '"Alice" <sip:alice@lanline.local>',
  }))
  const claimed = (headers: readonly HeaderField[]): HeaderField[] =>
    headers.filter(({ value }) => value.includes('alice'))
  const asserted = (request: SipRequest): string[] => values(request, 'P-Asserted-Identity')

  it('is not for a device to assert, neither in what it asks nor in what it answers', () => {
    const { home, phones } = house()
    phones.bob.onInvite = 'ring'
    const call = phones.mallory.call('bob', { extra: claims })
    home.network.run(500)
    const { request, tag } = phones.bob.incoming.at(-1)!
    expect(claimed(request.headers)).toEqual([])
    expect(asserted(request)).toEqual(['"MALLORY" <sip:mallory@lanline.local>'])
    phones.bob.answer(request, 183, tag, claims)
    phones.bob.answer(request, 486, tag, claims)
    home.network.run(500)
    expect(call.statuses).toEqual(expect.arrayContaining([183, 486]))
    expect(call.responses.flatMap(({ headers }) => claimed(headers))).toEqual([])
  })

  // A phone shows From or, where it is told to or always, this (RFC 3325 §9.1).
  it('is asserted by lanline as the owner named them, unless they wish not to be known', () => {
    const { home, phones } = house()
    phones.bob.onInvite = 'ring'
    const named = (value: string) => [{ name: 'Privacy', value }]
    for (const extra of [[], named('none'), named('header;id'), named('id')])
      phones.mallory.call('bob', { extra })
    home.network.run(500)
    const told = phones.bob.incoming.map(({ request }) => asserted(request).length)
    expect(told).toEqual([1, 1, 0, 0])
  })

  it.each([
    'MALLORY',
    'mallory-1',
    '%6Dallory',
  ])('is told to pages however their phone writes it: %s', from => {
    const { home, phones } = house()
    const place = { address: '10.0.1.9', port: 4_000 }
    const page = { user: 'bob', displayName: 'Bob', userAgent: 'x', remote: place, local: home.local }
    home.agent('bob-2', { kind: 'attach', ...page })
    const call = phones.mallory.call('bob', { from })
    home.network.run(500)
    expect(call.statuses).toContain(100)
    const told = home.agentEvents.flatMap(({ event }) => (event.kind === 'incoming' ? [event.from.user] : []))
    expect(told).toEqual(['mallory'])
  })
})
