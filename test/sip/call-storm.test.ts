import { expect, it } from 'vitest'
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
