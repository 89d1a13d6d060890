import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isBridged } from '../../src/runtime/bridged.ts'

const inContainer = { container: true, net: { bind: [] } }

let sysClassNet: string
beforeEach(() => {
  sysClassNet = mkdtempSync(join(tmpdir(), 'lanline-sysfs-'))
})
afterEach(() => rmSync(sysClassNet, { recursive: true }))

function link(name: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(sysClassNet, name))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(sysClassNet, name, file), `${text}\n`)
}

/** As the kernel shows them: in Docker's default network, and on the network of a computer. */
const veth = { ifindex: '7', iflink: '8', speed: '10000' }
const card = { ifindex: '2', iflink: '2', speed: '1000' }

it.each([
  ['one end of a pair', { eth0: veth }, true],
  [
    'a pair in each of two networks of Compose',
    { eth0: veth, eth1: { ...veth, ifindex: '9', iflink: '10' } },
    true,
  ],
  ['a tap of slirp4netns', { tap0: { ifindex: '2', iflink: '2', tun_flags: '0x5002' } }, true],
  ['a network card', { eth0: card }, false],
  ['a macvlan on one', { eth0: { ...card, ifindex: '12' } }, false],
  ['a pair beside a network card', { eth0: card, eth1: veth }, false],
  [
    'a VPN beside a network card',
    { eth0: card, tun0: { ifindex: '4', iflink: '4', tun_flags: '0x1' } },
    false,
  ],
] as const)('%s: %o is a network of its own: %s', (_, links, own) => {
  for (const [name, files] of Object.entries(links)) link(name, files)
  link('lo', { ifindex: '1', iflink: '1' })
  expect(isBridged(inContainer, Object.keys(links), sysClassNet)).toBe(own)
})

it('the network of a machine that itself is a container of another kind is not, since the bridge of its engine is seen there', () => {
  link('eth0', veth)
  expect(isBridged(inContainer, ['eth0'], sysClassNet)).toBe(true)
  link('docker0', card)
  expect(isBridged(inContainer, ['eth0'], sysClassNet)).toBe(false)
})

it('no address at all says nothing of it', () => {
  expect(isBridged(inContainer, [], sysClassNet)).toBe(false)
})

it('what somebody has chosen by its name is none, be it a macvlan on a card of 10 gigabits', () => {
  link('eth0', veth)
  expect(isBridged({ ...inContainer, net: { bind: ['eth0'] } }, ['eth0'], sysClassNet)).toBe(false)
})

it('is none where lanline is in no container, whatever interfaces there are', () => {
  link('eth0', veth)
  expect(isBridged({ ...inContainer, container: false }, ['eth0'], sysClassNet)).toBe(false)
})
