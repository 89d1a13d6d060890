/**
 * The text in which things of many calls lie together: a line each, its call, a tab, JSON. Whoever wants one call's
 * reads its lines and leaves the others unparsed.
 */

export const segmentLine = (call: string, json: string): string => `${call}\t${json}\n`

/** The JSON of each of a call's lines, in their order. */
export function segmentTexts(segment: string, call: string): string[] {
  const texts: string[] = []
  const name = `${call}\t`
  for (let at = segment.startsWith(name) ? 0 : nextLine(segment, name, 0); at >= 0; ) {
    const end = segment.indexOf('\n', at)
    texts.push(segment.slice(at + name.length, end < 0 ? segment.length : end))
    if (end < 0) break
    at = segment.startsWith(name, end + 1) ? end + 1 : nextLine(segment, name, end)
  }
  return texts
}

function nextLine(segment: string, name: string, from: number): number {
  const at = segment.indexOf(`\n${name}`, from)
  return at < 0 ? -1 : at + 1
}
