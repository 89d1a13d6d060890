/** What telephones on desks and at doors are known to do, which the standard does not say or forbids. */
import { describe, expect, it } from 'vitest'
import { parseAuth } from '../../src/sip/codec.ts'
import type { SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const house = (): SimHouse => new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])

function registered(home: SimHouse, device: string, o: Partial<PhoneOptions> = {}): SimPhone {
  const phone = new SimPhone(home, { device, ...o })
  phone.register()
  home.network.run(100)
  expect(phone.statuses).toEqual([200])
  return phone
}

const responses = (phone: SimPhone): SipResponse[] => phone.received.filter(one => one.kind === 'response')

const algorithms = (challenge: SipResponse): (string | undefined)[] =>
  challenge.headers
    .filter(field => field.name === 'WWW-Authenticate')
    .map(field => parseAuth(field.value)!.params.get('algorithm'))

describe('a telephone that fails when it reads of SHA-256', () => {
  it.each([
    ['baresip v1.0.0 (x86_64/linux)', ['MD5']],
    ['baresip v3.9.0 (aarch64/Linux)', ['MD5']],
    ['baresip v3.11.0 (x86_64/Linux)', ['MD5']],
    ['baresip v3.12.1 (x86_64/Linux)', ['MD5', 'SHA-256']],
    ['Yealink SIP-T46S 66.86.0.15', ['MD5', 'SHA-256']],
  ])('%s is asked for %j', (agent, asked) => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { extra: [{ name: 'User-Agent', value: agent }] })
    home.network.run(100)
    expect(algorithms(responses(phone)[0]!)).toEqual(asked)
  })

  it('and is made of PJSIP, under whatever name, is asked for MD5 alone', () => {
    const home = house()
    const door = registered(home, 'alice-1', { branch: 'Pj' })
    expect(algorithms(responses(door)[0]!)).toEqual(['MD5'])
  })
})

describe('a telephone that sends from another port than it listens at', () => {
  const cisco = { address: '10.0.1.40', port: 5060, sendsFrom: 51_234 }

  it('registers, is called, and hangs up', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1', { ...cisco, onInvite: 'answer' })
    const call = alice.call('bob')
    home.network.run(200)
    expect(call.final).toBe(200)
    bob.hangUp(bob.incoming[0]!.dialog!)
    home.network.run(200)
    expect(alice.requests).toEqual(['BYE'])
    expect(home.callLog().at(-1)).toBe('ended callee 0 hangup')
  })

  it('calls, and is hung up on, also after a restart', () => {
    const home = house()
    const alice = registered(home, 'alice-1', { onInvite: 'answer' })
    const bob = registered(home, 'bob-1', cisco)
    const call = bob.call('alice')
    home.network.run(200)
    expect(call.final).toBe(200)
    home.stop()
    home.start()
    alice.hangUp(alice.incoming[0]!.dialog!)
    home.network.run(200)
    expect(bob.requests).toEqual(['BYE'])
  })

  it('calls without having registered, and is hung up on', () => {
    const home = house()
    const alice = registered(home, 'alice-1', { onInvite: 'answer' })
    const bob = new SimPhone(home, { device: 'bob-1', ...cisco })
    const call = bob.call('alice')
    home.network.run(200)
    expect(call.final).toBe(200)
    alice.hangUp(alice.incoming[0]!.dialog!)
    home.network.run(200)
    expect(bob.requests).toEqual(['BYE'])
  })
})
