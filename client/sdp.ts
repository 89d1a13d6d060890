/** The few things a client must read in SDP (RFC 8866). It rewrites none but for `withDefaultCandidates`, `asDtlsServer`. */

/** True when the description puts its media on one transport (RFC 9143 §7.1). */
export function isBundled(sdp: string): boolean {
  return /^a=group:BUNDLE /m.test(sdp)
}

/** The first fingerprint, as `sha-256 AB:CD:…` (RFC 8122 §5), `''` when there is none. */
export function fingerprintOf(sdp: string): string {
  const found = /^a=fingerprint:(\S+) (\S+)/m.exec(sdp)
  return found ? `${found[1]!.toLowerCase()} ${found[2]!.toUpperCase()}` : ''
}

/**
 * True when `sdp` was made before `newer` by the same stack: the version in its `o=` line grows with each description
 * (RFC 8866 §5.2, RFC 9429 §5.2.1).
 */
export function isOlder(sdp: string, newer: string): boolean {
  const [one, other] = [originOf(sdp), originOf(newer)]
  if (one === undefined || other === undefined || one.session !== other.session) return false
  return one.version < other.version
}

function originOf(sdp: string): { readonly session: string; readonly version: bigint } | undefined {
  const found = /^o=\S+ ([0-9]{1,20}) ([0-9]{1,20}) /m.exec(sdp)
  return found ? { session: found[1]!, version: BigInt(found[2]!) } : undefined
}

/**
 * Puts a candidate into the `c=` and `m=` lines of each section that has candidates but still says "none yet"
 * (`0.0.0.0`, port 9, RFC 8840 §4.1.1). Who knows no trickling takes that for no ICE at all (RFC 8839 §4.2.1.2).
 * Browsers do it by themselves, werift does not.
 */
export function withDefaultCandidates(sdp: string): string {
  const [session = '', ...sections] = sdp.split(/^(?=m=)/m)
  return session + sections.map(withDefaultCandidate).join('')
}

/**
 * An answer that lets the other side begin the DTLS handshake (RFC 5763 §5 leaves it to the answerer), in the sections
 * that are not yet in `before`: the others have had theirs.
 */
export function asDtlsServer(answer: string, before = ''): string {
  const known = before.split(/^(?=m=)/m).length
  return answer
    .split(/^(?=m=)/m)
    .map((part, index) =>
      before !== '' && index < known ? part : part.replace(/^a=setup:active$/gm, 'a=setup:passive'),
    )
    .join('')
}

function withDefaultCandidate(section: string): string {
  // IPv4 first: the phones this is for mostly have nothing else.
  const all = [...section.matchAll(/^a=candidate:\S+ 1 udp [0-9]+ (\S+) ([0-9]+) typ /gim)]
  const chosen = all.find(found => !found[1]!.includes(':')) ?? all[0]
  if (
    chosen === undefined ||
    !/^m=\w+ 9 /.test(section) ||
    !/^c=IN IP[46] (0\.0\.0\.0|::)\s*$/m.test(section)
  )
    return section
  const [, address, port] = chosen
  return section
    .replace(/^(m=\w+) 9 /, `$1 ${port} `)
    .replace(/^c=IN IP[46] \S+/m, `c=IN IP${address!.includes(':') ? 6 : 4} ${address}`)
}
