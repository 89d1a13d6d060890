/** Which way a call's media goes, from the pair that the browser selected. Pure. */
import type { RelayReason, RelayServer } from '../src/relay/message.ts'
import type { MediaFacts } from './report.ts'

export interface CallPath {
  /** `none`: no pair is selected, or media does not flow. */
  readonly kind: 'direct' | 'relayed' | 'none'
  /** Why it is relayed, as the appliance says. */
  readonly reason: RelayReason | undefined
  /** How the relay is reached from here: `udp`, `tcp` or `tls`; undefined when only the other end uses it. */
  readonly via: string | undefined
}

/** What the appliance said of its relay for this call. */
export interface RelayOffer {
  readonly servers: readonly RelayServer[]
  readonly reason: RelayReason
}

export const noPath: CallPath = { kind: 'none', reason: undefined, via: undefined }

export function pathOf(facts: MediaFacts | undefined, relay: RelayOffer | undefined): CallPath {
  const pair = facts?.pair
  if (!pair) return noPath
  const here = pair.localType === 'relay'
  // A check from the relay may come before its candidate does: then it is known by its address (RFC 8445 §7.3.1.3).
  const there = pair.remoteType === 'relay' || (relay?.servers ?? []).some(isAt(pair.remoteAddress))
  if (!here && !there) {
    // Browsers hide an address that no candidate told. While there is a relay to be had it may be the relay's.
    const isUntold = pair.remoteType === 'prflx' && isHidden(pair.remoteAddress)
    if (isUntold && relay !== undefined && relay.servers.length > 0) return noPath
    return { kind: 'direct', reason: undefined, via: undefined }
  }
  return { kind: 'relayed', reason: relay?.reason, via: (here && facts.relayProtocol) || undefined }
}

const isAt = (address: string) => (server: RelayServer) =>
  server.urls.some(url => address !== '' && hostOf(url) === address)

/** RFC 7065 §3.1: `turn:host:port?transport=…`, an IPv6 address in brackets. */
function hostOf(url: string): string {
  const found = /^turns?:(?:\[([^\]]+)\]|([^:?]+))/.exec(url)
  return found?.[1] ?? found?.[2] ?? ''
}

/** Browsers leave an address out, or (Firefox, its own) put a random name of `.local` in its place. */
export const isHidden = (address: string): boolean => address === '' || address.endsWith('.local')
