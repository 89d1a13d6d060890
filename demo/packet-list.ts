/**
 * The packets of a recorded call between two addresses, one by one, with a note where something comes for the first time;
 * what follows of the same kind is counted. Started by `scripts/packets`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Ends, fields, type Read, type Told, tell } from './packets.ts'

export interface Packet extends Told {
  readonly frame: string
  readonly seconds: string
  readonly from: string
}

/** Each packet that says something new, or is of a kind shown whole; the others are counted. */
export function listing(packets: readonly Packet[]): string[] {
  const seen = new Set<string>()
  const lines: string[] = []
  let skipped = 0
  const settle = (): void => {
    if (skipped > 0) lines.push(`        … ${skipped} more, of kinds told above`)
    skipped = 0
  }
  for (const { kind, line, note, each, frame, seconds, from } of packets) {
    const isNew = !seen.has(kind)
    // A check and its answer are shown in both directions.
    const way = `${kind} ${from}`
    if (!isNew && !each && seen.has(way)) {
      skipped += 1
      continue
    }
    settle()
    seen.add(kind).add(way)
    lines.push(`${frame.padStart(5)} ${Number(seconds).toFixed(4).padStart(9)}  ${from.padEnd(7)} ${line}`)
    if (isNew && note !== '') lines.push(...wrapped(note, 100).map(part => `${' '.repeat(25)}${part}`))
  }
  settle()
  return lines
}

function wrapped(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}

function read(capture: string, ends: readonly string[]): Read[] {
  const [one, other] = ends
  const filter = `(ip.src==${one} && ip.dst==${other}) || (ip.src==${other} && ip.dst==${one})`
  // On stderr it says that it runs as root.
  const printed = execFileSync(
    'tshark',
    [
      '-n',
      '-r',
      capture,
      '-Y',
      `udp && (${filter})`,
      '-T',
      'fields',
      ...fields.flatMap(field => ['-e', field]),
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  return printed
    .trimEnd()
    .split('\n')
    .map(line => {
      const values = line.split('\t')
      return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? ''])) as Read
    })
}

const codecsOf = (trace: string): Map<number, string> =>
  new Map(
    [...trace.matchAll(/a=rtpmap:(\d+) ([\w-]+\/[\d/]+)/g)].map(([, type, codec]) => [Number(type), codec!]),
  )

/** The last word of each URI: `urn:ietf:params:rtp-hdrext:sdes:mid` is `mid`. */
const extensionsOfTrace = (trace: string): Map<number, string> =>
  new Map(
    [...trace.matchAll(/a=extmap:(\d+) [^\s\\"]*[/:]([\w-]+)/g)].map(([, id, name]) => [
      Number(id),
      name!.replace(/^draft-holmer-rmcat-|-extensions-01$/g, ''),
    ]),
  )

function packetsOf(capture: string, trace: string, names: Readonly<Record<string, string>>): string[] {
  const around: Ends = { names, codecs: codecsOf(trace), extensions: extensionsOfTrace(trace) }
  const packets = read(capture, Object.keys(names)).flatMap(each => {
    const packet = tell(each, around)
    const from = names[each['ip.src']] ?? each['ip.src']
    return packet
      ? [{ ...packet, frame: each['frame.number'], seconds: each['frame.time_relative'], from }]
      : []
  })
  return packets.length > 0 ? listing(packets) : ['nothing of ICE, DTLS or SRTP went between these two']
}

if (import.meta.main) {
  const [capture, trace, ...named] = process.argv.slice(2)
  const names = Object.fromEntries(named.map(each => each.split('=').toReversed()))
  if (capture === undefined || trace === undefined || named.length !== 2) {
    process.stderr.write('usage: scripts/packets <capture> <trace.json> <name>=<address> <name>=<address>\n')
    process.exit(2)
  }
  try {
    process.stdout.write(`${packetsOf(capture, readFileSync(trace, 'utf8'), names).join('\n')}\n`)
  } catch (error) {
    const { code, path, message, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    const missing = code === 'ENOENT' && path === 'tshark'
    const why = missing
      ? 'tshark is missing (apt install tshark)'
      : stderr?.split('\n').find(line => line.startsWith('tshark:'))
    process.stderr.write(`packets: ${why || message}\n`)
    process.exit(1)
  }
}
