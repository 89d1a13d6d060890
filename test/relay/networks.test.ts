import { expect, test } from 'vitest'
import { parseSubnet, type Subnet } from '../../src/core/endpoint.ts'
import { addressesTowards, isProvable, type OwnAddresses, onSameNetwork } from '../../src/relay/networks.ts'

const own: OwnAddresses = [
  { interface: 'eth0.10', address: '10.0.10.1', prefixLength: 24, loopback: false },
  { interface: 'eth0.10', address: 'fd00:10::1', prefixLength: 64, loopback: false },
  { interface: 'eth0.20', address: '10.0.20.1', prefixLength: 24, loopback: false },
  { interface: 'eth0.20', address: '10.0.20.2', prefixLength: 24, loopback: false },
  { interface: 'lo', address: '127.0.0.1', prefixLength: 8, loopback: true },
]
const configured = ['192.168.0.0/16', '192.168.7.0/24', 'fd99::/48'].map(text => parseSubnet(text)!)

test.each<[string, string, string, boolean]>([
  ['two devices on one interface', '10.0.10.5', '10.0.10.6', true],
  ['both families of one interface', '10.0.10.5', 'fd00:10::5', true],
  ['two interfaces', '10.0.10.5', '10.0.20.5', false],
  ['an interface and a network behind a router', '10.0.10.5', '192.168.1.5', false],
  ['one configured network', '192.168.1.5', '192.168.2.5', true],
  ['the narrowest configured network counts', '192.168.1.5', '192.168.7.5', false],
  ['one configured IPv6 network', 'fd99:0:0:1::5', 'fd99:0:0:2::5', true],
  ['unknown, one /24', '172.16.3.5', '172.16.3.200', true],
  ['unknown, two /24', '172.16.3.5', '172.16.4.5', false],
  ['unknown, one /64', 'fd01::5', 'fd01::ffff', true],
  ['unknown, two /64', 'fd01::5', 'fd01:0:0:1::5', false],
  ['unknown, both families', '172.16.3.5', 'fd01::5', false],
  ['this machine is on every network', '10.0.20.1', '10.0.10.5', true],
  ['loopback is on every network', '127.0.0.1', '192.168.1.5', true],
  ['IPv6 loopback is on every network', '::1', '192.168.1.5', true],
])('%s: %s and %s', (_name, one, other, same) => {
  expect(onSameNetwork(one, other, own, configured)).toBe(same)
  expect(onSameNetwork(other, one, own, configured)).toBe(same)
})

test('an own subnet goes before a configured network that holds it', () => {
  const all: Subnet[] = [parseSubnet('10.0.0.0/8')!]
  expect(onSameNetwork('10.0.10.5', '10.0.20.5', own, all)).toBe(false)
})

test.each([
  '10.0.10.5',
  '192.168.1.5',
  '8.8.8.8',
  '172.16.3.255',
  'fd00:10::5',
  '2001:db8::5',
  'fd00::5efe:1',
])('%s is an address that a device can prove', address => expect(isProvable(address, own)).toBe(true))

test.each([
  ...['10.0.10.1', '10.0.20.2', 'fd00:10::1', '127.0.0.1', '127.8.8.8', '::1', '0.0.0.0', '0.1.2.3', '::'],
  ...['169.254.169.254', '224.0.0.251', '239.1.1.1', '240.0.0.1', '255.255.255.255', '10.0.10.255'],
  ...['10.0.20.0', '192.88.99.1', 'fe80::1', 'fec0::1', 'ff02::1', 'ff0e::1', '64:ff9b::a00:a05'],
  ...['64:ff9b:1::a00:a05', '2002:a00:a05::1', '2001::a00:a05', '::a00:a05', '::ffff:10.0.10.5'],
  ...['::ffff:0:a00:a05', 'fd00::5efe:a00:a05', 'fd00::200:5efe:a00:a05', '100::1', '4000::1'],
  ...['010.0.10.5', '10.0.10', '167774725', '0x0a.0.10.5', 'FD00:10::5', 'fd00:10:0::5', 'fe80::1%eth0', ''],
])('%s is not', address => expect(isProvable(address, own)).toBe(false))

test('a party is sent to from the address its flow came to, then from the others of that interface', () => {
  expect(addressesTowards({ remote: '10.0.20.5', local: '10.0.20.2' }, own)).toEqual([
    '10.0.20.2',
    '10.0.20.1',
  ])
  expect(addressesTowards({ remote: 'fd00:10::5', local: 'fd00:10::1' }, own)).toEqual([
    'fd00:10::1',
    '10.0.10.1',
  ])
})

test('a flow that came to an address we no longer have is answered on the interface towards its device', () => {
  expect(addressesTowards({ remote: '10.0.10.5', local: '10.0.99.1' }, own)).toEqual([
    '10.0.10.1',
    'fd00:10::1',
  ])
})

test('towards a device behind a router, on every address that is not loopback', () => {
  expect(addressesTowards({ remote: '192.168.1.5', local: '10.0.99.1' }, own)).toHaveLength(4)
})

test.each([
  ['10.20.0.0/16', { network: '10.20.0.0', prefixLength: 16 }],
  ['FD00:20::/64', { network: 'fd00:20::', prefixLength: 64 }],
  ['10.20.0.0', undefined],
  ['10.20.0.0/33', undefined],
  ['10.20.0.0/-1', undefined],
  ['10.20.0.0/16/16', undefined],
  ['fe80::%eth0/64', undefined],
  ['lan/16', undefined],
  ['/16', undefined],
])('%s as a network', (text, subnet) => expect(parseSubnet(text)).toEqual(subnet))
