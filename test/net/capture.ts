/**
 * Packets as they crossed the LAN's switch: dumpcap on the bridge or on one host's port, counted by tshark. dumpcap and
 * not tcpdump, because it also runs where root is only root of a user namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { type Host, type Lan, must, run } from './lan.ts'
import { until } from './wait.ts'

let serial = 0

/** A running or finished capture. */
export class Capture {
  readonly file: string
  readonly #process: ChildProcess
  #said = ''
  #ended: Promise<void>

  private constructor(lan: Lan, ...interfaces: readonly string[]) {
    this.file = join(lan.directory, `capture-${serial++}-${interfaces[0]}.pcapng`)
    const from = interfaces.flatMap(each => ['-i', each])
    const dumpcap = ['dumpcap', '-q', '-n', '-B', '16', ...from, '-w', this.file]
    this.#process = spawn(
      'ip',
      ['netns', 'exec', lan.switchNamespace, 'setpriv', '--pdeathsig', 'KILL', ...dumpcap],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    this.#process.stderr?.on('data', chunk => {
      this.#said += String(chunk)
    })
    this.#ended = new Promise(resolve => this.#process.once('close', () => resolve()))
  }

  /** Captures every frame that crosses the LAN; or, given a host, only what goes over that host's cable. */
  static async start(lan: Lan, host?: Host): Promise<Capture> {
    const capture = new Capture(lan, host?.port ?? lan.bridge)
    await until('dumpcap captures', () => capture.#said.includes('File: '))
    return capture
  }

  /** Captures every frame that crosses one of these networks, into one file. */
  static async across(lan: Lan, networks: readonly string[]): Promise<Capture> {
    const capture = new Capture(lan, ...networks)
    await until('dumpcap captures', () => capture.#said.includes('File: '))
    return capture
  }

  /** Ends the capture. The kernel hands packets over in blocks, the last one up to a second late. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    await new Promise(resolve => setTimeout(resolve, 1_500))
    this.#process.kill('SIGINT')
    await this.#ended
  }

  /** How many packets match a tshark display filter. */
  async count(displayFilter: string): Promise<number> {
    return (await this.fields(displayFilter, ['frame.number'])).length
  }

  /** The named fields of every packet that matches. */
  async fields(displayFilter: string, fields: readonly string[]): Promise<string[][]> {
    const wanted = fields.flatMap(field => ['-e', field])
    const options = ['-n', '-o', 'rtp.heuristic_rtp:TRUE', '-T', 'fields', '-E', 'separator=/t']
    const result = await must(run('tshark', [...options, ...wanted, '-Y', displayFilter, '-r', this.file]))
    return result.stdout
      .split('\n')
      .filter(Boolean)
      .map(line => line.split('\t'))
  }
}

/** UDP between two addresses, both ways. */
export const between = (one: string, other: string): string =>
  `udp && ((ip.src==${one} && ip.dst==${other}) || (ip.src==${other} && ip.dst==${one}))`

/**
 * SRTP by its first byte (RFC 7983: 128 to 191) and its length; payload types of RTCP (RFC 5761 §4: 64 to 95 in the
 * second byte without its marker bit) left out.
 */
export const srtp =
  'udp.length > 20 && udp.payload[0:1] >= 80 && udp.payload[0:1] <= bf && ' +
  '!(udp.payload[1:1] >= c0 && udp.payload[1:1] <= df)'

/** DTLS ClientHello, whole or in fragments, as sent by either side. */
export const clientHello = 'dtls.handshake.type == 1'

/** The longest silence in each direction of a media path, milliseconds, and how many packets there were. */
export async function longestGaps(
  capture: Capture,
  one: string,
  other: string,
): Promise<Record<'there' | 'back', { packets: number; gapMilliseconds: number }>> {
  const rows = await capture.fields(`${between(one, other)} && ${srtp}`, ['ip.src', 'frame.time_epoch'])
  const gapOf = (source: string): { packets: number; gapMilliseconds: number } => {
    const times = rows.filter(row => row[0] === source).map(row => Number(row[1]) * 1_000)
    let gap = 0
    for (let index = 1; index < times.length; index++) gap = Math.max(gap, times[index]! - times[index - 1]!)
    return { packets: times.length, gapMilliseconds: Math.round(gap) }
  }
  return { there: gapOf(one), back: gapOf(other) }
}
