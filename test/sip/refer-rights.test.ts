/** Who may hand on whom to whom: REFER in a house with a guest, by phones and by pages. */
import { describe, expect, it } from 'vitest'
import { first } from '../../src/sip/codec.ts'
import type { AgentEvent, HeaderField } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type SimDialog, SimPhone } from '../sim/phone.ts'
import { sdpOf } from './agent-bench.ts'

/** Alice is a guest, who may know Bob and Dora and not Carol. Each has a telephone, and `page` is told what a page hears. */
function house() {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol', 'dora'])
  home.mayCall = (caller, callee) => caller !== 'alice' || ['alice', 'bob', 'dora'].includes(callee)
  const phone = (user: string): SimPhone => {
    const one = new SimPhone(home, { device: `${user}-1`, onInvite: 'answer' })
    one.register()
    home.network.runUntil(() => one.statuses.length > 0, 1_000)
    return one
  }
  const [alice, bob, carol, dora] = ['alice', 'bob', 'carol', 'dora'].map(phone) as [
    SimPhone,
    SimPhone,
    SimPhone,
    SimPhone,
  ]
  /** A page of `user` in a call that `by` placed. */
  const page = (user: string, by: SimPhone) => {
    const device = `${user}-2`
    const endpoint = { address: '10.0.0.99', port: 1 }
    home.agent(device, {
      ...{ kind: 'attach', user, displayName: user, userAgent: 'page', remote: endpoint, local: endpoint },
    })
    // The contact of a page, so that their telephone does not ring.
    const placed = by.call(`sip:${device}@hosted.invalid`)
    home.network.run(100)
    const call = heard(device, 'incoming')!.call
    home.agent(device, { kind: 'answer', call, sdp: sdpOf(1) })
    home.network.run(100)
    return { device, call, dialog: placed.dialog! }
  }
  const heard = <Kind extends AgentEvent['kind']>(device: string, kind: Kind) =>
    home.agentEvents.findLast(one => one.device === device && one.event.kind === kind)?.event as
      | Extract<AgentEvent, { kind: Kind }>
      | undefined
  const refer = (by: SimPhone, dialog: SimDialog, to: string, more: HeaderField[] = []): number => {
    let told = 0
    const done = (status: number) => {
      told = status
    }
    by.inDialog(dialog, 'REFER', done, [{ name: 'Refer-To', value: `<${to}>` }, ...more])
    home.network.run(200)
    return told
  }
  return { home, alice, bob, carol, dora, page, heard, refer }
}

const contactOf = (phone: SimPhone): string => /<([^>]+)>/.exec(phone.contact)![1]!
const askedFor = (phone: SimPhone): string[] => phone.requests.filter(method => method === 'REFER')

describe('a guest', () => {
  it.each([
    ['by name', () => 'sip:carol@lanline.local'],
    ['by an escaped name', () => 'sip:%63arol@lanline.local;x=y?Replaces=a'],
    ['by a device', () => 'sip:carol-1@lanline.local'],
    ['by their contact', contactOf],
    ['and nobody', () => 'sip:nobody@lanline.local'],
  ])('neither asks somebody to call whom they may not know, nor is asked, %s', (_, address) => {
    const { home, alice, bob, carol, refer } = house()
    const to = address(carol)
    const call = alice.call('bob')
    home.network.run(200)
    expect(refer(alice, call.dialog!, to)).toBe(404)
    expect(refer(bob, bob.incoming[0]!.dialog!, to)).toBe(404)
    expect([askedFor(alice), askedFor(bob)]).toEqual([[], []])
    expect(refer(alice, call.dialog!, 'sip:dora@lanline.local')).toBe(200)
    expect(refer(bob, bob.incoming[0]!.dialog!, 'sip:dora@lanline.local')).toBe(200)
  })

  it('has no page call whom they may not know', () => {
    const { alice, carol, page, heard, refer } = house()
    const { device, dialog } = page('bob', alice)
    expect(refer(alice, dialog, 'sip:carol@lanline.local')).toBe(404)
    expect(heard(device, 'referred')).toBeUndefined()
    expect(carol.requests).toEqual([])
    expect(refer(alice, dialog, 'sip:dora@lanline.local')).toBe(202)
    expect(heard(device, 'referred')).toMatchObject({ to: { user: 'dora' } })
  })

  it('is not handed on by a page to whom they may not know', () => {
    const { home, alice, page, heard } = house()
    const { device, call } = page('bob', alice)
    home.agent(device, { kind: 'refer', call, to: 'carol' })
    home.network.run(200)
    expect(heard(device, 'referral')).toMatchObject({ call, state: 'failed', reason: 'notFound' })
    expect(askedFor(alice)).toEqual([])
  })

  it('is not handed on to them where they were asked first, either', () => {
    const { home, alice, carol, page, heard } = house()
    const asked = page('bob', carol)
    const { device, call } = page('bob', alice)
    home.agent(device, { kind: 'refer', call, to: 'carol', replaces: asked.call })
    home.network.run(200)
    expect(heard(device, 'referral')).toMatchObject({ call, state: 'failed', reason: 'notFound' })
    expect(askedFor(alice)).toEqual([])
  })

  it('on a page hands nobody on to whom they may not know', () => {
    const { home, bob, page, heard } = house()
    const { device, call } = page('alice', bob)
    for (const to of ['carol', 'nobody']) {
      home.agent(device, { kind: 'refer', call, to })
      home.network.run(200)
      expect(heard(device, 'referral')).toMatchObject({ call, state: 'failed', reason: 'notFound' })
    }
    expect(askedFor(bob)).toEqual([])
  })
})

describe('a page', () => {
  it('hands on to whom it has asked itself, and has nobody take the place of another device in a call', () => {
    const { home, bob, carol, dora, page, heard } = house()
    const others = page('alice', dora)
    const asked = page('bob', carol)
    const { device, call } = page('bob', dora)
    for (const replaces of [others.call, call, 'f'.repeat(32)]) {
      home.agent(device, { kind: 'refer', call, to: 'carol', replaces })
      home.network.run(200)
      expect(heard(device, 'referral'), replaces).toMatchObject({ call, state: 'failed', reason: 'failed' })
    }
    expect(askedFor(dora)).toEqual([])
    home.agent(device, { kind: 'refer', call, to: 'carol', replaces: asked.call })
    home.network.run(200)
    expect(askedFor(dora)).toEqual(['REFER'])
    const { callId, localTag, remote } = asked.dialog
    const value = `${callId};to-tag=${localTag};from-tag=${/tag=(.*)$/.exec(remote)![1]}`
    const told = dora.received.findLast(one => one.kind === 'request' && one.method === 'REFER')!
    expect(first(told, 'Refer-To')).toContain(`?Replaces=${encodeURIComponent(value)}>`)
    expect(bob.requests).toEqual([])
  })
})

describe('who handed a caller on', () => {
  it.each([
    ['carol', undefined],
    ['dora', '<sip:dora@lanline.local>'],
  ])('is told to a guest who may know %s, by telephone and page', (by, told) => {
    const { home, alice, bob } = house()
    const device = 'alice-2'
    const endpoint = { address: '10.0.0.99', port: 1 }
    home.agent(device, {
      ...{ kind: 'attach', user: 'alice', displayName: 'alice', userAgent: 'page' },
      ...{ remote: endpoint, local: endpoint },
    })
    bob.call('alice', { extra: [{ name: 'Referred-By', value: `<sip:${by}@lanline.local>` }] })
    home.network.run(200)
    const invite = alice.received.find(one => one.kind === 'request' && one.method === 'INVITE')!
    expect(first(invite, 'Referred-By')).toBe(told)
    const page = home.agentEvents.find(one => one.device === device && one.event.kind === 'incoming')!.event
    expect(page).toMatchObject({ referredBy: by === 'dora' ? { user: 'dora' } : undefined })
  })

  it.each([
    '"Carol" <sip:x7@10.0.0.3:5060>',
    'sip:carol%2D1@lanline.local',
    '"Carol" <tel:carol>',
    'Carol',
  ])('is not told to a guest where nobody knows who that is: %s', written => {
    const { home, alice, bob } = house()
    bob.call('alice', { extra: [{ name: 'Referred-By', value: written }] })
    home.network.run(200)
    const invite = alice.received.find(one => one.kind === 'request' && one.method === 'INVITE')!
    expect(first(invite, 'Referred-By')).toBeUndefined()
  })

  it('is not told to a guest who calls without being registered, either', () => {
    const { home, bob, refer } = house()
    const alice = new SimPhone(home, { device: 'alice-3' })
    alice.call('bob')
    home.network.run(500)
    const { dialog } = bob.incoming[0]!
    const extra = [{ name: 'Referred-By', value: '<sip:carol@lanline.local>' }]
    refer(bob, dialog!, 'sip:dora@lanline.local', extra)
    const received = alice.received.find(one => one.kind === 'request' && one.method === 'REFER')!
    expect(first(received, 'Referred-By')).toBeUndefined()
  })
})

describe('a page of somebody who is not to be disturbed', () => {
  it('goes on with who is handed on to it, and nothing else rings there', () => {
    const { home, bob, carol, dora, page, heard } = house()
    const { device, call, dialog } = page('carol', bob)
    home.doNotDisturb.add('carol')
    carol.requests.length = 0
    const replacing = (callId: string, to = 'carol') => {
      const tag = /tag=(.*)$/.exec(dialog.remote)![1]
      const value = `${callId};to-tag=${tag};from-tag=${dialog.localTag}`
      const placed = dora.call(to, { extra: [{ name: 'Replaces', value }] })
      home.network.run(200)
      return placed
    }
    expect(replacing('made up').final).toBe(481)
    expect(heard(device, 'incoming')).toMatchObject({ call })
    const placed = replacing(dialog.callId)
    expect(heard(device, 'incoming')).toMatchObject({ from: { user: 'dora' }, replaces: call })
    dora.cancel(placed)
    home.network.run(200)
    replacing(dialog.callId, `sip:${device}@hosted.invalid`)
    expect(heard(device, 'incoming')).toMatchObject({ replaces: call })
    expect(replacing(dialog.callId, contactOf(carol)).final).toBe(480)
    expect(carol.requests).toEqual([])
  })
})

describe('a page that is handed on', () => {
  it('is told who that is where a contact of theirs is written, and calls them by their name', () => {
    const { home, bob, carol, page, heard, refer } = house()
    const { device, call, dialog } = page('dora', bob)
    const contact = contactOf(carol)
    expect(refer(bob, dialog, `${contact};ob`)).toBe(202)
    expect(heard(device, 'referred')).toMatchObject({ to: { user: 'carol' } })
    home.agent(device, {
      ...{ kind: 'invite', ref: 'r', to: 'carol', sdp: sdpOf(2), video: false, referred: call },
    })
    home.network.run(200)
    // By it she may hand on herself.
    expect(first(carol.incoming[0]!.request, 'To')).toBe('<sip:carol@lanline.local>')
    expect(refer(carol, carol.incoming[0]!.dialog!, 'sip:alice@lanline.local')).toBe(202)
  })

  it('is not made to call anybody outside, or what is no name, nor told that this is somebody in the house', () => {
    const { bob, page, heard, refer } = house()
    const { device, dialog } = page('dora', bob)
    for (const to of ['sip:carol@evil.example', 'sip:carol@10.9.9.9', 'sips:carol@evil.example'])
      expect(refer(bob, dialog, to)).toBe(404)
    expect(refer(bob, dialog, 'tel:+4930123')).toBe(416)
    expect(refer(bob, dialog, `sip:${'a'.repeat(40_000)}@lanline.local`)).toBe(404)
    expect(heard(device, 'referred')).toBeUndefined()
  })
})
