/** The list of `docs/security.md`, as what may listen on a running appliance: protocol and port. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface DocumentedPorts {
  /** `tcp 443`. */
  readonly always: ReadonlySet<string>
  /** Only while something goes on: ranges, and sockets of programs that ask others. */
  readonly sometimes: readonly { readonly protocol: string; readonly from: number; readonly to: number }[]
}

export function documentedPorts(root: string): DocumentedPorts {
  const always = new Set<string>()
  const sometimes: { protocol: string; from: number; to: number }[] = []
  const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
  const section = /## What listens\n([\s\S]*?)\n## /.exec(text)?.[1] ?? ''
  for (const line of section.split('\n')) {
    const cell = /^\| ([^|]+) \|/.exec(line)?.[1]
    if (cell === undefined) continue
    // `TCP 8443 (443)`: the second as root, and on the card. `UDP and TCP 5060`, `UDP 49152 to 50151`.
    for (const match of cell.matchAll(/\b(TCP|UDP)(?: and (TCP|UDP))? (\d+)(?: to (\d+)| \((\d+)\))?/g)) {
      const [, one, other, first, last, asRoot] = match
      for (const protocol of [one, other].filter(Boolean).map(name => name!.toLowerCase())) {
        const from = Number(asRoot ?? first)
        if (last !== undefined || / when /.test(cell))
          sometimes.push({ protocol, from, to: Number(last ?? from) })
        else always.add(`${protocol} ${from}`)
      }
    }
  }
  return { always, sometimes }
}
