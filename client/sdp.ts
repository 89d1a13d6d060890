/**
 * The few things a client must read in SDP (RFC 8866). It rewrites none but for `withDefaultCandidates`, `asDtlsServer`,
 * `withoutHiddenDefaults`, `asAnswered`, `asContinued`, `asAnswerTo`.
 */

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
 * Browsers do it by themselves, werift does not. Where every candidate is of IPv6, so is the address in the `o=` line: browsers
 * write 127.0.0.1 or 0.0.0.0 whatever they have, and baresip takes the first family that it reads for that of the call.
 */
export function withDefaultCandidates(sdp: string): string {
  const [session = '', ...sections] = sectionsOf(sdp)
  const candidates = [...sdp.matchAll(/^a=candidate:\S+ [0-9]+ \S+ [0-9]+ (\S+) /gm)]
  const isIpv6Only = candidates.length > 0 && candidates.every(([, address]) => address!.includes(':'))
  const origin = isIpv6Only
    ? session.replace(/^(o=\S+ \S+ \S+ IN) IP4 (127\.0\.0\.1|0\.0\.0\.0)$/m, '$1 IP6 ::1')
    : session
  return origin + sections.map(withDefaultCandidate).join('')
}

/**
 * Says "none yet" (RFC 8840 §4.1.1) where the default candidate is a name that a browser hides an address behind: who has ICE needs none.
 * Firefox writes such names, and reads them as numbers: it takes none that begins with a letter, or with more than 255.
 */
export function withoutHiddenDefaults(sdp: string): string {
  return sdp.replace(/^c=IN IP[46] \S+\.local\b/gm, 'c=IN IP4 0.0.0.0')
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

/**
 * An answer as a browser takes it: what is refused is written as it was offered. Of its formats RFC 3264 §6 wants none to count,
 * but Firefox takes no `m=application 0 UDP/DTLS/SCTP 0`, by which baresip refuses a data channel.
 */
export function asAnswered(answer: string, offer: string): string {
  const [, ...offered] = sectionsOf(offer)
  const [session = '', ...sections] = sectionsOf(answer)
  return session + sections.map((section, index) => withKnownFormats(section, offered[index])).join('')
}

/**
 * An offer within a call as a browser takes it (RFC 9429 §5.10): what is not in use (port 0) is of the kind that it was, and
 * what was on one transport stays there. RFC 3264 §8.2 and RFC 9143 §7.4 let an offer do otherwise, and Linphone puts `m=audio 0`
 * without BUNDLE for a data channel that it never took. A browser that applied such an offer could never take another one.
 */
export function asContinued(
  sdp: string,
  { local, remote }: { readonly local: string; readonly remote: string },
): string {
  const [, ...before] = sectionsOf(local)
  const [session = '', ...sections] = sectionsOf(sdp)
  const leavesGroup = isBundled(remote) && !isBundled(sdp)
  const kept: string[] = []
  const named = sections.map((section, index) => {
    const mid = /^a=mid:(\S+)/m.exec(before[index] ?? '')?.[1]
    const same = withKnownFormats(section, before[index])
    if (!leavesGroup || mid === undefined || /^a=mid:/m.test(same)) return same
    if (!isUnused(section)) kept.push(mid)
    return `${same}a=mid:${mid}\r\n`
  })
  return session + (kept.length > 0 ? `a=group:BUNDLE ${kept.join(' ')}\r\n` : '') + named.join('')
}

/** The answer to an offer that was read by `asContinued`, as it answers what was written. */
export function asAnswerTo(offer: string, answer: string): string {
  const [, ...offered] = sectionsOf(offer)
  const own = isBundled(offer) ? answer : answer.replace(/^a=group:BUNDLE .*\r\n/gm, '')
  const [session = '', ...sections] = sectionsOf(own)
  const same = sections.map((section, index) => {
    const [line, kind] = /^m=(\w+) 0 .*$/m.exec(offered[index] ?? '') ?? []
    return line === undefined || section.startsWith(`m=${kind} `) ? section : `${line}\r\n`
  })
  return session + same.join('')
}

const sectionsOf = (sdp: string): string[] => sdp.split(/^(?=m=)/m)
const isUnused = (section: string): boolean => /^m=\w+ 0 /.test(section)

/** What is not in use is of the kind and has the formats that are known of it. */
function withKnownFormats(section: string, known = ''): string {
  const [, kind, formats] = /^m=(\w+) [0-9]+ (.*)$/m.exec(known) ?? []
  if (kind === undefined || !isUnused(section)) return section
  const line = `m=${kind} 0 ${formats}\r\n`
  return section.startsWith(`m=${kind} `) ? section.replace(/^m=.*\r?\n/, line) : line
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
