/**
 * Descriptions of others as werift reads them. SIP phones write what holds for all sections once, at the top
 * (RFC 8839 §5.4, RFC 8122 §5, RFC 4145 §4), name no section where they know no BUNDLE (RFC 5888), and write UDP in
 * capitals (RFC 8839 §5.1 takes either): werift looks for all of it in the section, by its name, in small letters.
 */
export function asWeriftReads(sdp: string): string {
  const [session = '', ...sections] = sdp.split(/^(?=m=)/m)
  const shared = session.match(/^a=(?:ice-ufrag|ice-pwd|setup|fingerprint):.*$/gm) ?? []
  return session + sections.map((section, index) => spelledOut(section, index, shared)).join('')
}

function spelledOut(section: string, index: number, shared: readonly string[]): string {
  const isRefused = /^m=\w+ 0 /.test(section)
  const missing = (line: string): boolean => !section.includes(`\n${line.slice(0, line.indexOf(':') + 1)}`)
  const more = isRefused ? [] : shared.map(line => line.trimEnd()).filter(missing)
  if (missing('a=mid:')) more.push(`a=mid:${index}`)
  const lines = more.map(line => `${line}\r\n`).join('')
  const small = section.replace(/^(a=candidate:\S+ [0-9]+) UDP /gm, '$1 udp ')
  return `${small.trimEnd()}\r\n${lines}`
}
