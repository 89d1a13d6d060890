/** Names of hosts, as certificates and requests have them. */

/** RFC 9525 §6.3: `*` stands for one whole label, the leftmost; anything else is itself, in any case. */
export function namesHost(pattern: string, host: string): boolean {
  const [wanted, asked] = [pattern.toLowerCase(), host.toLowerCase()]
  if (!wanted.startsWith('*.')) return wanted === asked
  const dot = asked.indexOf('.')
  return dot > 0 && asked.slice(dot) === wanted.slice(1)
}
