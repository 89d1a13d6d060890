/** What becomes one answer of several (RFC 3261 §16.7), and of what telephones register (§16.6 step 2). */
import { expect, it } from 'vitest'
import { values } from '../../src/sip/codec.ts'
import { proxyLimits } from '../../src/sip/proxy.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

function home(count = 3) {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob'])
  const run = (): void => at.network.run(300)
  const alice = new SimPhone(at, { device: 'alice-1', address: '10.0.1.2' })
  const bobs = Array.from({ length: count }, (_, index) => {
    const device = `bob-${index + 1}`
    return new SimPhone(at, { device, address: `10.0.1.${index + 3}`, onInvite: 'silent' })
  })
  for (const phone of [alice, ...bobs]) phone.register()
  run()
  return { at, run, alice, bobs }
}

const challenge = (realm: string) => ({
  name: 'WWW-Authenticate',
  value: `Digest realm="${realm}", nonce="1"`,
})

it('the challenges of all telephones that challenge are told, as they were', () => {
  const { run, alice, bobs } = home()
  const call = alice.call('bob')
  run()
  for (const [index, phone] of bobs.entries()) {
    const { request, tag } = phone.incoming[0]!
    if (index === 2) phone.refuse(404)
    else phone.answer(request, 401, tag, [challenge(`of ${index}`), challenge(`too ${index}`)])
  }
  run()
  expect(call.final).toBe(401)
  expect(values(call.responses.at(-1)!, 'WWW-Authenticate')).toEqual(
    ['of 0', 'too 0', 'of 1', 'too 1'].map(realm => challenge(realm).value),
  )
})

it('those of one that challenges are told by a better answer of nobody', () => {
  const { run, alice, bobs } = home(2)
  const call = alice.call('bob')
  run()
  bobs[0]!.answer(bobs[0]!.incoming[0]!.request, 401, bobs[0]!.incoming[0]!.tag, [challenge('one')])
  bobs[1]!.refuse(603)
  run()
  expect(call.final).toBe(603)
  expect(values(call.responses.at(-1)!, 'WWW-Authenticate')).toEqual([])
})

it('large challenges of many make no larger answer than one may be', () => {
  const { run, alice, bobs } = home(8)
  const call = alice.call('bob')
  run()
  for (const phone of bobs) {
    const { request, tag } = phone.incoming[0]!
    phone.answer(request, 407, tag, [{ ...challenge('r'.repeat(20_000)), name: 'Proxy-Authenticate' }])
  }
  run()
  expect(call.final).toBe(407)
  const told = values(call.responses.at(-1)!, 'Proxy-Authenticate').join('').length
  expect(told).toBeLessThan(21_000 + proxyLimits.challengeCharacters)
})

it('that a flow failed is no word for a caller (RFC 5626 §11.5)', () => {
  const { run, alice, bobs } = home(1)
  const call = alice.call('bob')
  run()
  bobs[0]!.refuse(430)
  run()
  expect(call.final).toBe(480)
})

it('a contact is asked without what stands in no Request-URI', () => {
  const { at, run, alice, bobs } = home(1)
  const [bob] = bobs as [SimPhone]
  for (const [contact, uri] of [
    ['sip:b@10.0.1.3:5060;ob;method=INVITE;x=1', 'sip:b@10.0.1.3:5060;ob;x=1'],
    ['sip:c@10.0.1.3:5060;Method=BYE?Subject=hello&Route=%3Csip:a%3E', 'sip:c@10.0.1.3:5060'],
    ['sip:d@10.0.1.3:5060?Replaces=a', 'sip:d@10.0.1.3:5060'],
    ['sip:method=a;b@10.0.1.3:5060;methodical=1', 'sip:method=a;b@10.0.1.3:5060;methodical=1'],
  ]) {
    bob.register(0)
    run()
    bob.register(0, { contact: '*' })
    run()
    bob.register(3600, { contact: `<${contact}>` })
    run()
    const before = bob.incoming.length
    const call = alice.call('bob')
    run()
    expect(bob.incoming[before]?.request.uri).toBe(uri)
    alice.cancel(call)
    run()
  }
  expect(at.machine.sizes.bindings).toBe(2)
})
