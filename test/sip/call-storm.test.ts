import { expect, it } from 'vitest'
import { branchLimits } from '../../src/sip/branches.ts'
import { proxyLimits } from '../../src/sip/proxy.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

it('whoever calls and calls again rings so often and no more; nobody else is hindered, and nothing is kept of the rest', () => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])
  const register = (device: string): SimPhone => {
    const phone = new SimPhone(home, { device })
    phone.register()
    home.network.runUntil(() => phone.statuses.length > 0, 1_000)
    return phone
  }
  const phones = { alice: register('alice-1'), bob: register('bob-1'), carol: register('carol-1') }
  const { burst, perSecond } = proxyLimits.calls
  const started = (): number => home.calls.filter(event => event.kind === 'started').length
  // To somebody, to nobody, and to a phone's own contact.
  const contact = /<(sip:[^>]+)>/.exec(phones.carol.contact)?.[1] ?? phones.carol.contact
  const storm = Array.from({ length: burst + 300 }, (_, one) => {
    const call = phones.alice.call(['nobody', contact, 'dave'][one % 3]!)
    home.network.run(20)
    return call
  })
  home.network.run(500)
  const seconds = ((burst + 300) * 20) / 1_000
  expect(started()).toBeGreaterThanOrEqual(burst)
  expect(started()).toBeLessThanOrEqual(burst + Math.ceil(seconds * perSecond) + 1)
  expect(storm.at(-1)!.final).toBe(500)
  const before = started()
  const other = phones.carol.call('bob')
  home.network.run(100)
  expect(other.statuses).toContain(180)
  expect(started()).toBe(before + 1)
  // What was too much is over when a while has passed.
  home.network.run(1_000 / perSecond + 1_000)
  const again = phones.alice.call('bob')
  home.network.run(100)
  expect(again.final).not.toBe(500)
  expect(started()).toBe(before + 2)
})

it('whoever asks many contacts at once that say nothing has so many branches and no more, and still hangs up', () => {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])
  const alice = new SimPhone(home, { device: 'alice-1', transport: 'tcp' })
  const carol = new SimPhone(home, { device: 'carol-1', onInvite: 'answer' })
  const bobs = [1, 2, 3, 4, 5].map(
    device => new SimPhone(home, { device: `bob-${device}`, address: `10.0.2.${device}` }),
  )
  for (const phone of [alice, carol]) phone.register()
  home.network.run(100)
  const talk = alice.call('carol')
  home.network.run(100)
  expect(talk.final).toBe(200)
  for (const bob of bobs) {
    for (let contact = 0; contact < 10; contact++) {
      bob.register(3600, { contact: `<sip:${contact}@${bob.local.address}>` })
      home.network.run(20)
    }
    bob.deaf = true
  }
  const calls = Array.from({ length: 100 }, () => {
    const call = alice.call('bob')
    home.network.run(2)
    return call
  })
  expect(home.machine.sizes.branches).toBe(branchLimits.perCaller)
  expect(calls.filter(call => call.final === 500)).toHaveLength(60)
  let status = 0
  alice.request({
    ...{ method: 'MESSAGE', uri: 'sip:bob@lanline.local', to: '<sip:bob@lanline.local>' },
    done: response => {
      status = response.status
    },
  })
  alice.hangUp(talk.dialog!)
  home.network.run(100)
  expect(status).toBe(500)
  expect(carol.requests.at(-1)).toBe('BYE')
  const others = carol.call('alice')
  home.network.run(100)
  expect(others.statuses).toContain(180)
  // Of what nobody answered nothing is left.
  home.network.run(70_000)
  expect(home.machine.sizes.branches).toBe(1)
  const again = alice.call('carol')
  home.network.run(100)
  expect(again.final).toBe(200)
})
