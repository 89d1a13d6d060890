import { describe, expect, it } from 'vitest'
import { ownAddresses } from '../../src/runtime/interfaces.ts'
import { OwnNames } from '../../src/runtime/names.ts'

const info = (address: string, cidr: string, internal = false) => ({
  address,
  cidr,
  internal,
  netmask: '',
  mac: '',
  family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
  ...(address.includes(':') ? { scopeid: 0 } : {}),
})
const machine = {
  lo: [info('127.0.0.1', '127.0.0.1/8', true), info('::1', '::1/128', true)],
  eth0: [
    info('192.0.2.5', '192.0.2.5/24'),
    info('2001:db8::5', '2001:db8::5/64'),
    info('fe80::1', 'fe80::1/64'),
  ],
  docker0: [info('172.17.0.1', '172.17.0.1/16')],
  'br-0a1b': [info('172.18.0.1', '172.18.0.1/16')],
  wlan0: [info('198.51.100.5', '198.51.100.5/24')],
} as never
const addressesOf = (bind: string[]) => ownAddresses(bind, machine).map(own => own.address)

describe('own addresses', () => {
  it('are those of all interfaces but container bridges, without link-local ones, loopback last', () => {
    expect(addressesOf([])).toEqual(['192.0.2.5', '198.51.100.5', '2001:db8::5', '127.0.0.1', '::1'])
  })

  it('are only those that net.bind names, by interface or address, and loopback', () => {
    expect(addressesOf(['wlan0'])).toEqual(['198.51.100.5', '127.0.0.1', '::1'])
    expect(addressesOf(['2001:db8::5', 'docker0'])).toEqual(['172.17.0.1', '2001:db8::5', '127.0.0.1', '::1'])
  })
})

describe('own names', () => {
  const names = new OwnNames({
    hostname: 'lanline',
    machineName: 'Pi4.fritz.box',
    addresses: ownAddresses(['eth0'], machine),
    limited: true,
  })

  it.each([
    'lanline',
    'LANLINE.local',
    'lanline.lan',
    'pi4.local',
    'localhost',
    '192.0.2.5',
    '2001:DB8:0::5',
  ])('%s is one', host => expect(names.isOwnHost(host)).toBe(true))

  it.each(['lanline.example', 'evil.local', '192.0.2.6', '198.51.100.5', ''])('%s is none', host =>
    expect(names.isOwnHost(host)).toBe(false))

  it('decide where one may connect to', () => {
    expect(['192.0.2.5', '127.0.0.2', '198.51.100.5', '172.17.0.1'].map(a => names.isBound(a))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('of a certificate that the owner brought are own ones, until it is given up', () => {
    const named = new OwnNames({ hostname: 'lanline', machineName: '', addresses: [], limited: false })
    named.certifiedChanged(['phone.example.com', '*.calls.example'])
    expect(
      ['phone.example.com', 'PHONE.example.com', 'a.calls.example'].every(one => named.isOwnHost(one)),
    ).toBe(true)
    expect(['example.com', 'calls.example', 'a.b.calls.example'].some(one => named.isOwnHost(one))).toBe(
      false,
    )
    expect(named.subjects().names).not.toContain('phone.example.com')
    named.certifiedChanged([])
    expect(named.isOwnHost('phone.example.com')).toBe(false)
  })

  it('go with the address on the network of whoever asks, where we are on it', () => {
    const both = new OwnNames({
      ...{ hostname: 'lanline', machineName: '', addresses: ownAddresses([], machine), limited: false },
    })
    const beside = ['198.51.100.77', '192.0.2.77', '2001:db8::77', '203.0.113.9', ''].map(peer =>
      both.addressBeside(peer),
    )
    expect(beside).toEqual(['198.51.100.5', '192.0.2.5', '192.0.2.5', '192.0.2.5', '192.0.2.5'])
    both.addressesChanged([])
    expect(both.addressBeside('192.0.2.77')).toBe(undefined)
  })

  it('that a router made of the bare name and a domain of its own lead phones here, and pages not', () => {
    const named = new OwnNames({ hostname: 'lanline', machineName: 'nas', addresses: [], limited: false })
    expect(['lanline.fritz.box', 'NAS.speedport.ip'].map(host => named.isCalled(host))).toEqual([true, true])
    expect(named.isOwnHost('lanline.fritz.box')).toBe(false)
    const others = [
      'fritz.box',
      'lanline2.fritz.box',
      'x.lanline.fritz.box',
      'lanline',
      '10.0.0.1',
      '2001:db8::5',
    ]
    expect(others.some(host => named.isCalled(host))).toBe(false)
  })

  it('follow the addresses', () => {
    const moving = new OwnNames({ hostname: 'lanline', machineName: '', addresses: [], limited: false })
    expect(moving.isOwnHost('192.0.2.5')).toBe(false)
    moving.addressesChanged(ownAddresses([], machine))
    expect(moving.isOwnHost('192.0.2.5')).toBe(true)
    expect(moving.subjects().addresses).toContain('192.0.2.5')
  })
})
