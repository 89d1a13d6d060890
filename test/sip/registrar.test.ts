import { describe, expect, it } from 'vitest'
import { first, parseNameAddr, values } from '../../src/sip/codec.ts'
import type { SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const house = (limits = {}): SimHouse => new SimHouse(new SimNetwork(1), ['alice', 'bob'], limits)

const final = (phone: SimPhone): SipResponse =>
  phone.received.filter(one => one.kind === 'response').at(-1) as SipResponse

const linphone = { extra: [{ name: 'User-Agent', value: 'Linphone Desktop/5.2.6 LinphoneCore/5.3.74' }] }

describe('a registration', () => {
  it('is challenged with MD5 first and SHA-256 second, where the phone is known to read both, and then accepted', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, linphone)
    home.network.run(100)
    const challenge = phone.received[0] as SipResponse
    expect(challenge.status).toBe(401)
    const fields = challenge.headers.filter(field => field.name === 'WWW-Authenticate').map(one => one.value)
    expect(fields.map(field => /algorithm=([^,]*)/.exec(field)?.[1])).toEqual(['MD5', 'SHA-256'])
    expect(fields.every(field => field.includes('qop="auth"') && !field.includes('stale'))).toBe(true)
    expect(phone.statuses).toEqual([200])
    expect(first(final(phone), 'Contact')).toContain('expires=3600')
  })

  it('works with SHA-256', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', algorithm: 'SHA-256' })
    phone.register(3600, linphone)
    home.network.run(100)
    expect(phone.statuses).toEqual([200])
  })

  it('is refused for less than a minute and shortened to two hours', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(59)
    home.network.run(100)
    expect(phone.statuses).toEqual([423])
    expect(first(final(phone), 'Min-Expires')).toBe('60')
    phone.register(100_000)
    home.network.run(100)
    expect(first(final(phone), 'Contact')).toContain('expires=7200')
  })

  it('ends by itself, and the device is told to be unreachable', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(60)
    home.network.run(59_000)
    expect(home.reachable).toEqual([{ device: 'alice-1', reachable: true }])
    home.network.run(2_000)
    expect(home.reachable.at(-1)).toEqual({ device: 'alice-1', reachable: false })
    expect(home.rows.size).toBe(0)
  })

  it('says by what the device is reached now, once it was set to another transport or is another phone', () => {
    const home = house()
    const phone = (transport: 'udp' | 'tcp') =>
      new SimPhone(home, { device: 'alice-1', address: '10.0.1.7', transport })
    phone('udp').register()
    home.network.run(100)
    const tcp = phone('tcp')
    for (const _ of [1, 2]) {
      tcp.register()
      home.network.run(100)
    }
    expect(home.reachable).toHaveLength(2)
    tcp.register(3600, linphone)
    home.network.run(100)
    expect(home.reachable).toHaveLength(3)
  })

  it('says where the device is now, also where it was before, while older ones last', () => {
    const home = house()
    const [here, there] = ['10.0.1.7', '10.0.2.7'].map(
      address => new SimPhone(home, { device: 'alice-1', address }),
    )
    const reachedAfter = (phone: SimPhone | undefined, expires: number) => {
      phone!.register(expires)
      home.network.run(100)
      return home.reachedAt.get('alice-1')
    }
    expect(reachedAfter(here, 3_600)).toBe('10.0.1.7')
    expect(reachedAfter(there, 3_600)).toBe('10.0.2.7')
    expect(reachedAfter(here, 3_600)).toBe('10.0.1.7')
    expect(reachedAfter(here, 3_600)).toBe('10.0.1.7')
    expect(home.reachable).toHaveLength(3)
    // Taken back or over, it is where the other one is.
    expect(reachedAfter(here, 0)).toBe('10.0.2.7')
    expect(reachedAfter(here, 60)).toBe('10.0.1.7')
    home.network.run(61_000)
    expect(home.reachedAt.get('alice-1')).toBe('10.0.2.7')
    expect(home.reachable.every(({ reachable }) => reachable)).toBe(true)
    expect(reachedAfter(there, 0)).toBe(undefined)
  })

  it('is taken back with Expires 0, and with a star', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    for (const contact of [undefined, '*']) {
      phone.register()
      home.network.run(100)
      expect(home.machine.sizes.bindings).toBe(1)
      phone.register(0, contact === undefined ? {} : { contact })
      home.network.run(100)
      expect(home.machine.sizes.bindings).toBe(0)
      expect(home.rows.size).toBe(0)
    }
    expect(phone.statuses).toEqual([200, 200, 200, 200])
  })

  it('takes no star beside other contacts or with a lifetime', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { contact: '*' })
    home.network.run(100)
    phone.register(0, { contact: `*, ${phone.contact}` })
    home.network.run(100)
    expect(phone.statuses).toEqual([400, 400])
  })

  it('lists every contact of the user, not only the new one', () => {
    const home = house()
    const one = new SimPhone(home, { device: 'alice-1' })
    const two = new SimPhone(home, { device: 'alice-2' })
    one.register()
    home.network.run(100)
    two.register()
    home.network.run(100)
    expect(values(final(two), 'Contact')).toHaveLength(2)
  })

  it('leaves out what is older than what is known', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', transport: 'tcp' })
    phone.register()
    home.network.run(100)
    const statuses: number[] = []
    const again = (cseq: number): void => {
      phone.request({
        method: 'REGISTER',
        uri: 'sip:lanline.local',
        to: '<sip:alice@lanline.local>',
        callId: first(final(phone), 'Call-ID')!,
        cseq: () => cseq,
        extra: [{ name: 'Contact', value: phone.contact }],
        done: response => statuses.push(response.status),
      })
      home.network.run(100)
    }
    again(2)
    again(3)
    expect(statuses).toEqual([500, 200])
  })

  it('tells of a phone that was switched on, which has another Call-ID than before or counts anew', () => {
    const home = house()
    let anew = 0
    home.observe = effect => {
      if (effect.kind === 'registeredAnew') anew++
    }
    const register = (phone: SimPhone, expires = 3600): number => {
      anew = 0
      phone.register(expires)
      home.network.run(100)
      expect(phone.statuses.at(-1)).toBe(200)
      return anew
    }
    const phone = new SimPhone(home, { device: 'alice-1', address: '10.0.1.7' })
    expect([register(phone), register(phone), register(phone)]).toEqual([1, 0, 0])
    const moved = new SimPhone(home, { device: 'alice-1', address: '10.0.1.8', movedFrom: phone })
    expect(register(moved)).toBe(0)
    const rebooted = new SimPhone(home, { device: 'alice-1', address: '10.0.1.8' })
    expect([register(rebooted), register(rebooted)]).toEqual([1, 0])
    expect(register(rebooted, 0), 'one that leaves').toBe(0)
    const forgetful = new SimPhone(home, { device: 'alice-1', address: '10.0.1.7' })
    forgetful.register(3600)
    home.network.run(100)
    home.network.run(60_000)
    expect(register(forgetful.countingAnew())).toBe(1)
  })

  it('takes ten contacts of a device and no more: those that the same phone said first make room', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    const contacts = Array.from({ length: 11 }, (_, index) => `<sip:a${index}@10.0.1.9>`)
    phone.register(3600, { contact: contacts.slice(0, 10).join(', ') })
    home.network.run(100)
    const another = new SimPhone(home, { device: 'alice-1' })
    another.register(3600, { contact: contacts[10]! })
    home.network.run(100)
    expect([phone.statuses, another.statuses]).toEqual([[200], [403]])
    expect(home.machine.sizes.bindings).toBe(10)
    phone.register(3600, { contact: contacts[10]! })
    home.network.run(100)
    expect(phone.statuses).toEqual([200, 200])
    expect(home.machine.sizes.bindings).toBe(10)
  })

  it('knows a contact written another way', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { contact: '<sip:a%6Cice@PHONE.lan;x=1>' })
    home.network.run(100)
    phone.register(3600, { contact: '<sip:alice@phone.lan;X=1>' })
    home.network.run(100)
    expect(home.machine.sizes.bindings).toBe(1)
  })

  it('with a needed extension we lack is refused by name', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { extra: [{ name: 'Require', value: 'path, magic' }] })
    home.network.run(100)
    expect(phone.statuses).toEqual([420])
    expect(first(final(phone), 'Unsupported')).toBe('magic')
  })

  it('for somebody else is refused', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { to: 'bob' })
    home.network.run(100)
    expect(phone.statuses).toEqual([403])
    expect(home.machine.sizes.bindings).toBe(0)
  })
})

describe('what is acknowledged is written', () => {
  it('answers a new binding only after it is on disk', () => {
    const home = house()
    home.saving = 5_000
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register()
    home.network.run(4_900)
    expect(phone.statuses).toEqual([])
    home.network.run(200)
    expect(phone.statuses).toEqual([200])
    expect(home.rows.size).toBe(1)
  })

  it('answers 500 and forgets the binding when it cannot be written', () => {
    const home = house()
    home.saving = 'fails'
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register()
    home.network.run(100)
    expect(phone.statuses).toEqual([500])
    expect(home.machine.sizes.bindings).toBe(0)
  })

  it('writes refreshes that change nothing every ten minutes at most', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    for (let minute = 0; minute < 30; minute++) {
      phone.register(120)
      home.network.run(60_000)
    }
    expect(phone.statuses).toEqual(Array(30).fill(200))
    expect(home.saves).toBe(3)
  })

  it('keeps a binding over a restart, also one whose last refresh was not written', () => {
    const home = house()
    const alice = new SimPhone(home, { device: 'alice-1' })
    const bob = new SimPhone(home, { device: 'bob-1' })
    for (let minute = 0; minute < 9; minute++) {
      bob.register(120)
      home.network.run(60_000)
    }
    home.stop()
    home.start()
    const call = alice.call('bob')
    home.network.run(100)
    expect(call.statuses).toEqual([100, 180])
    expect(home.reachable.at(-1)).toEqual({ device: 'bob-1', reachable: true })
  })

  it('does not store what lives with its connection', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', transport: 'wss' })
    phone.register()
    home.network.run(100)
    expect(phone.statuses).toEqual([200])
    expect(home.saves).toBe(0)
    phone.disconnect()
    home.network.run(100)
    expect(home.machine.sizes.bindings).toBe(0)
    expect(home.reachable.at(-1)).toEqual({ device: 'alice-1', reachable: false })
  })
})

describe('outbound (RFC 5626)', () => {
  const instance = '"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
  const outbound = {
    device: 'alice-1',
    transport: 'tcp',
    contactParams: `;reg-id=1;+sip.instance=${instance}`,
  } as const
  const supported = { extra: [{ name: 'Supported', value: 'path, outbound' }] }

  it('puts a new flow in the place of the old one of the same instance and reg-id', () => {
    const home = house()
    const before = new SimPhone(home, { ...outbound, address: '10.0.1.5' })
    before.register(3600, supported)
    home.network.run(100)
    const answer = final(before)
    expect(first(answer, 'Require')).toBe('outbound')
    expect(first(answer, 'Flow-Timer')).toBe('120')
    const moved = new SimPhone(home, { ...outbound, address: '10.0.1.6' })
    moved.register(3600, supported)
    home.network.run(100)
    expect(home.machine.sizes.bindings).toBe(1)
    const bob = new SimPhone(home, { device: 'bob-1' })
    bob.call('alice')
    home.network.run(100)
    expect([before.requests, moved.requests]).toEqual([[], ['INVITE']])
  })

  it('gives back an instance that has to be quoted so that it is read as it was written', () => {
    const home = house()
    const phone = new SimPhone(home, { ...outbound, contactParams: ';+sip.instance="a\\"b;expires=1"' })
    phone.register()
    home.network.run(100)
    const contact = parseNameAddr(first(final(phone), 'Contact')!)
    expect(contact?.params.get('+sip.instance')).toBe('a"b;expires=1')
  })

  it.each([
    ['no Path', 439, []],
    ['a Path that does not keep flows', 439, ['<sip:edge.example;lr>']],
    ['one that does, before one that does not', 439, ['<sip:far.example;lr;ob>', '<sip:edge.example;lr>']],
    ['one that does', 200, ['<sip:far.example;lr>', '<sip:edge.example;lr;ob>']],
  ])('by way of a proxy with %s: %i', (_, status, paths) => {
    const home = house()
    const phone = new SimPhone(home, outbound)
    const via = { name: 'Via', value: 'SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKedge' }
    const path = paths.map(value => ({ name: 'Path', value }))
    phone.register(3600, { extra: [...supported.extra, via, ...path] })
    home.network.run(100)
    expect(phone.statuses).toEqual([status])
    expect(home.machine.sizes.bindings).toBe(status === 200 ? 1 : 0)
    phone.register(3600, { extra: [via, ...path] })
    home.network.run(100)
    expect(phone.statuses).toEqual([status, 200])
  })

  it('is plain registration for who does not say it supports it', () => {
    const home = house()
    const phone = new SimPhone(home, outbound)
    phone.register()
    home.network.run(100)
    expect(first(final(phone), 'Require')).toBeUndefined()
  })
})

describe('Path (RFC 3327)', () => {
  it('is given back, and becomes the route to the device', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register(3600, { extra: [{ name: 'Path', value: '<sip:edge.example;lr>' }] })
    home.network.run(100)
    expect(first(final(phone), 'Path')).toBe('<sip:edge.example;lr>')
    const bob = new SimPhone(home, { device: 'bob-1' })
    bob.call('alice')
    home.network.run(100)
    expect(values(phone.incoming[0]!.request, 'Route')).toEqual(['<sip:edge.example;lr>'])
  })
})
