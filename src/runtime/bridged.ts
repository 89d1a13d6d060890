/**
 * Whether a container is on a network that its engine has made for it, where no phone is: mDNS does not get out of it, and
 * its addresses are known to nobody outside this machine.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { isContainerBridge } from './interfaces.ts'

/** What a veth says of its speed whatever it is part of, in megabits a second (the kernel's drivers/net/veth.c). */
const vethSpeed = '10000'

/**
 * True where every interface with an address is one end of a pair whose other end is in another network namespace, or a tap
 * that a program answers for (slirp4netns, pasta). Who sees the bridge of an engine is on the network of the machine
 * itself. A macvlan has an address of the LAN; one on a card of 10 gigabits cannot be told from a veth, but where `net.bind`
 * names interfaces somebody has chosen them. False outside of a container. `names`: the interfaces with an address, without loopback.
 */
export function isBridged(
  { container, net }: { readonly container: boolean; readonly net: { readonly bind: readonly string[] } },
  names = interfaceNames(),
  sysClassNet = '/sys/class/net',
): boolean {
  const read = (name: string, what: string): string => {
    try {
      return readFileSync(join(sysClassNet, name, what), 'utf8').trim()
    } catch {
      return ''
    }
  }
  const isPaired = (name: string): boolean =>
    read(name, 'iflink') !== read(name, 'ifindex') && read(name, 'speed') === vethSpeed
  const isTap = (name: string): boolean => existsSync(join(sysClassNet, name, 'tun_flags'))
  if (!container || net.bind.length > 0 || names.length === 0) return false
  if (readdirSync(sysClassNet).some(isContainerBridge)) return false
  return names.every(name => isPaired(name) || isTap(name))
}

const interfaceNames = (): string[] =>
  Object.entries(networkInterfaces()).flatMap(([name, infos = []]) =>
    infos.some(({ internal }) => !internal) ? [name] : [],
  )
