import { expect, it } from 'vitest'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

/** Alice is a guest, who may know Bob and not Carol. */
function house(): { home: SimHouse; phones: Record<'alice' | 'bob' | 'carol', SimPhone> } {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])
  home.mayCall = (caller, callee) => caller !== 'alice' || callee !== 'carol'
  const register = (device: string): SimPhone => {
    const phone = new SimPhone(home, { device })
    phone.register()
    home.network.runUntil(() => phone.statuses.length > 0, 1_000)
    return phone
  }
  return { home, phones: { alice: register('alice-1'), bob: register('bob-1'), carol: register('carol-1') } }
}

it('a guest reaches whom they may know, and may be called by anybody', () => {
  const { home, phones } = house()
  const call = phones.alice.call('bob')
  home.network.run(100)
  expect(call.statuses).toContain(180)
  const back = phones.carol.call('alice')
  home.network.run(100)
  expect(back.statuses).toContain(180)
})

it('whom a guest may not know is to them like somebody who does not exist, by address and by contact alike', () => {
  const { home, phones } = house()
  const contact = /<(sip:[^>]+)>/.exec(phones.carol.contact)?.[1] ?? phones.carol.contact
  const tries = ['carol', 'nobody'].map(name => phones.alice.call(name))
  home.network.run(500)
  expect(tries.map(call => call.final)).toEqual([404, 404])
  const statuses: number[] = []
  for (const method of ['INVITE', 'MESSAGE', 'OPTIONS', 'SUBSCRIBE']) {
    phones.alice.request({
      method,
      uri: contact,
      to: `<${contact}>`,
      done: response => statuses.push(response.status),
    })
    home.network.run(500)
  }
  expect(statuses.filter(status => status !== 404 && status !== 407)).toEqual([])
  // An ACK asks for nothing, and means nothing to who has no such dialog.
  expect(phones.carol.requests.filter(method => method !== 'ACK')).toEqual([])
})

it('whom a guest may not know stands in the log as it was dialled, without the name they have here', () => {
  const { home, phones } = house()
  const contact = /<(sip:[^>]+)>/.exec(phones.carol.contact)?.[1] ?? phones.carol.contact
  for (const uri of ['carol', 'carol-1', 'nobody', contact]) {
    phones.alice.call(uri)
    home.network.run(500)
  }
  const called = home.calls.flatMap(event => (event.kind === 'started' ? [event.callee] : []))
  expect(called.map(({ user, displayName }) => [user, displayName])).toEqual(
    ['carol', 'carol-1', 'nobody', 'carol-1'].map(dialled => [dialled, dialled]),
  )
})

it('what is nobody’s name stands in the log no longer than a name may be', () => {
  const { home, phones } = house()
  phones.bob.call('x'.repeat(1_000))
  home.network.run(500)
  const called = home.calls.flatMap(event => (event.kind === 'started' ? [event.callee] : []))
  expect(called.map(({ user, displayName }) => [user.length, displayName.length])).toEqual([[64, 64]])
})
