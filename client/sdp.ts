/** The few things a client must read in SDP (RFC 8866). It never rewrites any. */

/** True when the description puts its media on one transport (RFC 9143 §7.1). */
export function isBundled(sdp: string): boolean {
  return /^a=group:BUNDLE /m.test(sdp)
}

/** The first fingerprint, as `sha-256 AB:CD:…` (RFC 8122 §5), `''` when there is none. */
export function fingerprintOf(sdp: string): string {
  const found = /^a=fingerprint:(\S+) (\S+)/m.exec(sdp)
  return found ? `${found[1]!.toLowerCase()} ${found[2]!.toUpperCase()}` : ''
}

/** Kinds of the media sections that were not refused (port 0, RFC 3264 §6). */
export function acceptedMedia(sdp: string): string[] {
  return [...sdp.matchAll(/^m=(\w+) ([0-9]+) /gm)].filter(line => line[2] !== '0').map(line => line[1]!)
}
