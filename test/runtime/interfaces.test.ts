import { describe, expect, it } from 'vitest'
import {
  type Interfaces,
  ownAddresses,
  ownLinks,
  readInterfaces,
  watchInterfaces,
} from '../../src/runtime/interfaces.ts'

const everyMilliseconds = 5

describe('a change of own addresses', () => {
  it('that came while whoever watches was starting is told', async () => {
    const known: Interfaces = { addresses: [], links: [] }
    let stop = () => {}
    const told = await new Promise<Interfaces>(resolve => {
      stop = watchInterfaces([], known, resolve, everyMilliseconds)
    })
    stop()
    expect(told).toEqual(readInterfaces([]))
    expect(told.addresses).not.toEqual([])
  })

  it('is told once', async () => {
    const told: Interfaces[] = []
    const stop = watchInterfaces([], { addresses: [], links: [] }, each => told.push(each), everyMilliseconds)
    await expect.poll(() => told.length).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 10 * everyMilliseconds))
    stop()
    expect(told).toHaveLength(1)
  })

  it('that the system cannot tell, with no descriptor left to ask by, ends nothing', async () => {
    const known = readInterfaces([])
    const refused = Object.assign(new Error('uv_interface_addresses returned EMFILE'), { errno: 24 })
    const reads = [
      () => {
        throw refused
      },
      (): Interfaces => ({ addresses: [], links: [] }),
    ]
    let stop = () => {}
    const told = await new Promise<Interfaces>(resolve => {
      stop = watchInterfaces([], known, resolve, everyMilliseconds, () => reads.shift()?.() ?? known)
    })
    stop()
    expect(told).toEqual({ addresses: [], links: [] })
  })
})

const info = (cidr: string, mac = '02:00:00:00:00:01') => ({
  ...{ cidr, mac, internal: false, netmask: '', address: cidr.split('/')[0]! },
  ...(cidr.includes(':') ? { family: 'IPv6' as const, scopeid: 3 } : { family: 'IPv4' as const }),
})
const tunnelled = (...cidrs: string[]) => cidrs.map(cidr => info(cidr, '00:00:00:00:00:00'))

describe('of the networks of a machine', () => {
  const wifi = [info('2001:db8::7/64'), info('fd12::7/64'), info('192.168.1.7/24'), info('fe80::7/64')]
  const machine = {
    eth0: [info('169.254.3.4/16'), info('fe80::4/64')],
    ppp0: tunnelled('100.64.0.9/32', 'fe80::9/64'),
    tun0: tunnelled('10.8.0.1/24'),
    wlan0: wifi,
  } as never

  it('the one that phones are on comes first, not a VPN, a provider or what an interface gave itself', () => {
    const addresses = ownAddresses([], machine).map(({ address }) => address)
    const there = ['192.168.1.7', '169.254.3.4', 'fd12::7', '2001:db8::7']
    expect(addresses).toEqual([...there, '100.64.0.9', '10.8.0.1'])
  })

  it('provider and VPN are not told who is here, unless the owner names them', () => {
    expect(ownLinks([], machine).map(({ name }) => name)).toEqual(['wlan0', 'eth0'])
    expect(ownLinks(['tun0'], machine).map(({ name }) => name)).toEqual(['tun0'])
  })

  it('a bridge is one when somebody named it, and none when Docker numbered it', () => {
    const bridges = { 'br-lan': wifi, 'br-3f1c09ab77de': [info('172.18.0.1/16')] } as never
    expect(ownLinks([], bridges).map(({ name }) => name)).toEqual(['br-lan'])
  })
})
