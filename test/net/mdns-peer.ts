/** Another party on the LAN that says whatever a test wants by mDNS, and keeps everything it hears. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { decode, encode } from '../../src/mdns/codec.ts'
import { type MdnsMessage, mdnsPort, type ResourceRecord, recordType } from '../../src/mdns/message.ts'
import type { Host } from './lan.ts'
import type { HeardBytes, Saying } from './mdns-ear.ts'
import { until } from './wait.ts'

export interface HeardMessage {
  readonly at: number
  readonly address: string
  readonly port: number
  /** Our own port it came to: 5353 for what is sent to all. */
  readonly toPort: number
  readonly message: MdnsMessage
}

const group = '224.0.0.251'

export class MdnsPeer {
  readonly host: Host
  readonly heard: HeardMessage[] = []
  readonly #child: ChildProcess

  private constructor(host: Host, child: ChildProcess) {
    this.host = host
    this.#child = child
    child.on('message', (heard: HeardBytes | 'ready') => {
      if (heard === 'ready') return
      const decoded = decode(Buffer.from(heard.bytes, 'base64'))
      if (decoded.kind !== 'ok') return
      const { at, address, port, sourcePort } = heard
      this.heard.push({ at, address, port, toPort: sourcePort, message: decoded.message })
    })
  }

  /** `address`: of the network it is to be on, where the host is on several. */
  static async start(host: Host, address = host.address): Promise<MdnsPeer> {
    const script = fileURLToPath(new URL('./mdns-ear.ts', import.meta.url))
    const child = host.spawn(process.execPath, [script, address], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const ready = new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', code => reject(new Error(`the ear ended with ${code}`)))
    })
    const peer = new MdnsPeer(host, child)
    await ready
    child.unref()
    child.channel?.unref()
    return peer
  }

  /** Asks for `name type` pairs, such as `['lanline.local', A]`; a third `true` asks for a unicast answer. */
  ask(
    questions: readonly (readonly [name: string, type: number, unicast?: boolean])[],
    more: Partial<MdnsMessage> & { sourcePort?: number; to?: string } = {},
  ): void {
    const { sourcePort, to, ...rest } = more
    this.send(
      {
        ...{ id: 0, response: false, truncated: false, answers: [], authorities: [], additionals: [] },
        questions: questions.map(([name, type, unicast = false]) => ({
          ...{ name: name.split('.'), type, class: 1, unicast },
        })),
        ...rest,
      },
      { sourcePort, to },
    )
  }

  say(answers: readonly ResourceRecord[]): void {
    const rest = { id: 0, response: true, truncated: false, questions: [], authorities: [], additionals: [] }
    this.send({ ...rest, answers })
  }

  send(message: MdnsMessage, how: { sourcePort?: number | undefined; to?: string | undefined } = {}): void {
    this.sendBytes(encode(message), how)
  }

  sendBytes(bytes: Uint8Array, how: { sourcePort?: number | undefined; to?: string | undefined } = {}): void {
    const saying: Saying = {
      bytes: Buffer.from(bytes).toString('base64'),
      address: how.to ?? group,
      port: mdnsPort,
      sourcePort: how.sourcePort ?? mdnsPort,
    }
    this.#child.send(saying)
  }

  clear(): void {
    this.heard.length = 0
  }

  /** The first message heard from `address` that fits, waiting for it. */
  hears(
    what: string,
    address: string,
    fits: (heard: HeardMessage) => boolean,
    seconds = 3,
  ): Promise<HeardMessage> {
    return until(what, () => this.heard.find(one => one.address === address && fits(one)), {
      ...{ seconds, everyMilliseconds: 5 },
    })
  }
}

export const isProbe = ({ message }: HeardMessage): boolean =>
  !message.response && message.authorities.length > 0

/** Records as `name ttl type value`, `!` behind the TTL for the cache-flush bit. */
export const written = (records: readonly ResourceRecord[]): string[] =>
  records.map(({ name, ttlSeconds, flush, data }) => {
    const value = 'address' in data ? data.address : 'target' in data ? data.target.join('.') : ''
    return `${name.join('.')} ${ttlSeconds}${flush ? '!' : ''} ${data.type} ${value}`.trim()
  })

export const address = (name: string, value: string, ttlSeconds = 120): ResourceRecord => ({
  ...{ name: name.split('.'), class: 1, flush: true, ttlSeconds, data: { type: 'A', address: value } },
})

export { recordType }
