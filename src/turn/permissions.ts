/** Whom an allocation may hear and send to: its permissions and channels (RFC 8656 §9, §12). */
import { after, type Monotonic, minutes } from '../core/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Allocation, Channel } from './state.ts'

export const permissionLimits = {
  permissions: 32,
  channels: 64,
  /** RFC 8656 §9, §12: five and ten minutes. */
  permissionMilliseconds: minutes(5),
  channelMilliseconds: minutes(10),
} as const

export const peerKey = (peer: Endpoint): string => `${peer.address} ${peer.port}`

export function isPermitted(allocation: Allocation, address: string, now: Monotonic): boolean {
  const permission = allocation.permissions.get(address)
  return permission !== undefined && permission.until > now
}

/** False when there are too many. */
export function permit(allocation: Allocation, address: string, now: Monotonic): boolean {
  const { permissions, holder } = allocation
  const until = after(now, permissionLimits.permissionMilliseconds)
  const known = permissions.get(address)
  if (known !== undefined) {
    known.until = until
    return true
  }
  for (const [other, { until }] of permissions) if (until <= now) permissions.delete(other)
  if (permissions.size >= permissionLimits.permissions) return false
  permissions.set(address, { until })
  const ledger = holder.party?.ledger
  if (ledger) {
    ledger.permissions++
    ledger.changed = true
  }
  return true
}

/** The channel of this number while it lasts. */
export function channelOf(allocation: Allocation, number: number, now: Monotonic): Channel | undefined {
  const channel = allocation.channels.get(number)
  return channel !== undefined && channel.until > now ? channel : undefined
}

/** RFC 8656 §12.2: a number has one peer and a peer one number, for as long as the binding lasts. */
export function bindChannel(
  allocation: Allocation,
  number: number,
  peer: Endpoint,
  now: Monotonic,
): 'ok' | 'otherBinding' | 'full' {
  const { channels, channelsByPeer } = allocation
  for (const [each, { until, key }] of channels) {
    if (until > now) continue
    channels.delete(each)
    channelsByPeer.delete(key)
  }
  const key = peerKey(peer)
  const byNumber = channels.get(number)
  if (byNumber !== channelsByPeer.get(key)) return 'otherBinding'
  const until = after(now, permissionLimits.channelMilliseconds)
  if (byNumber !== undefined) {
    byNumber.until = until
    return 'ok'
  }
  if (channels.size >= permissionLimits.channels) return 'full'
  const channel = { number, peer, key, until }
  channels.set(number, channel)
  channelsByPeer.set(key, channel)
  return 'ok'
}

/** Takes away whatever the holder may no longer reach. */
export function withdraw(allocation: Allocation, mayReach: (peer: Endpoint | string) => boolean): void {
  for (const address of [...allocation.permissions.keys()]) {
    if (!mayReach(address)) allocation.permissions.delete(address)
  }
  for (const channel of [...allocation.channels.values()]) {
    if (mayReach(channel.peer)) continue
    allocation.channels.delete(channel.number)
    allocation.channelsByPeer.delete(channel.key)
  }
}
