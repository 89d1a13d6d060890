/**
 * What a capture file holds, told twice: by tshark, and by our own reader. Both in the same figures, so that a test
 * only has to compare them.
 */
import { createReadStream, rmSync, writeFileSync } from 'node:fs'
import type { Ending, Packet } from '../../src/trace/packets/message.ts'
import { CaptureReader } from '../../src/trace/packets/reader.ts'
import { must, run } from './lan.ts'

/** Each a number by name; the names say what was counted. */
export type Figures = Record<string, number>

export interface Dissection {
  /** STUN messages by type, `0x0001`, also those inside TURN. */
  readonly stunTypes: Figures
  /** STUN messages by their USERNAME. */
  readonly usernames: Figures
  /** Fragments of DTLS handshake messages, `10.0.0.1 1` by source and type. */
  readonly handshakeFragments: Figures
  /** The messages, each once, `10.0.0.1:5000 1 0` by source, type and message_seq. */
  readonly handshakeMessages: readonly string[]
  /** `10.0.0.1 10.0.0.2 1234` by source, target and SSRC, also those inside TURN. */
  readonly rtp: Figures
}

/** tshark opens RTP inside TURN by itself; the rest of what is inside is written to files of its own, which it opens then. */
export async function byTshark(file: string): Promise<Dissection> {
  const [outer, inner] = [await dissected(file), await Promise.all(await unwrapped(file))]
  const all = [outer, ...inner]
  const sum = (of: (one: Dissection) => Figures): Figures =>
    counted(
      all.flatMap(one => Object.entries(of(one)).flatMap(([name, count]) => Array<string>(count).fill(name))),
    )
  return {
    stunTypes: sum(one => one.stunTypes),
    usernames: sum(one => one.usernames),
    handshakeFragments: sum(one => one.handshakeFragments),
    handshakeMessages: unique(all.flatMap(one => one.handshakeMessages)),
    rtp: outer.rtp,
  }
}

/** `as` stands for the source that the file does not tell rightly. ICMP errors quote packets, and are none of them. */
async function dissected(file: string, as?: string): Promise<Dissection> {
  const stun = await fields(file, 'stun && !icmp && !icmpv6', ['stun.type', 'stun.att.username'])
  const dtls = await fields(file, 'dtls.handshake.type', [
    ...['ip.src', 'ipv6.src', 'udp.srcport', 'tcp.srcport'],
    ...['dtls.handshake.type', 'dtls.handshake.message_seq'],
  ])
  const rtp = await fields(file, 'rtp && !icmp && !icmpv6', [
    'ip.src',
    'ip.dst',
    'ipv6.src',
    'ipv6.dst',
    'rtp.ssrc',
  ])
  const first = (...values: (string[] | undefined)[]): string => values.flatMap(each => each ?? [])[0]!
  const source = (row: string[][]): string => as ?? `${first(row[0], row[1])}:${first(row[2], row[3])}`
  const address = (row: string[][]): string => source(row).replace(/:[0-9]+$/, '')
  return {
    stunTypes: counted(stun.flatMap(row => row[0]!)),
    usernames: counted(stun.flatMap(row => row[1] ?? [])),
    handshakeFragments: counted(dtls.flatMap(row => row[4]!.map(type => `${address(row)} ${type}`))),
    handshakeMessages: unique(
      dtls.flatMap(row => row[4]!.map((type, index) => `${source(row)} ${type} ${row[5]![index]}`)),
    ),
    rtp: counted(
      rtp.flatMap(row =>
        row[4]!.map(ssrc => `${first(row[0], row[2])} ${first(row[1], row[3])} ${Number(ssrc)}`),
      ),
    ),
  }
}

/** The messages inside TURN, by who sent them, each as a datagram of its own between ports that mean nothing. */
async function unwrapped(file: string): Promise<Promise<Dissection>[]> {
  const names = ['ip.src', 'udp.srcport', 'tcp.srcport', 'data.data']
  const dumps = new Map<string, string>()
  for (const [address, udpPort, tcpPort, payloads] of await fields(file, 'stun && data && !icmp', names)) {
    const source = `${address![0]}:${udpPort![0] ?? tcpPort![0]}`
    for (const payload of payloads ?? []) {
      const bytes = payload.match(/../g)!.join(' ')
      dumps.set(source, `${dumps.get(source) ?? ''}000000 ${bytes}\n`)
    }
  }
  return [...dumps].map(async ([source, dump], index) => {
    const [text, packets] = [`${file}.${index}.txt`, `${file}.${index}.pcap`]
    writeFileSync(text, dump)
    try {
      await must(run('text2pcap', ['-q', '-u', '40000,40001', text, packets]))
      return await dissected(packets, source)
    } finally {
      rmSync(text, { force: true })
      rmSync(packets, { force: true })
    }
  })
}

let strangers: Promise<string[]> | undefined

/** Protocols that tshark would try on any UDP datagram, and sometimes find in a call's media by chance. */
function withoutGuessing(): Promise<string[]> {
  strangers ??= must(run('tshark', ['-G', 'heuristic-decodes'])).then(({ stdout }) => {
    const names = stdout.split('\n').flatMap(line => {
      const [below, name, enabled] = line.split('\t')
      return below === 'udp' && enabled === 'T' && !/^(stun|dtls|rtp|rtcp)$/.test(name!) ? [name!] : []
    })
    return [...new Set(names)].flatMap(name => ['--disable-protocol', name])
  })
  return strangers
}

/** The values of each field in each packet that matches, as often as they occur. */
async function fields(file: string, filter: string, names: readonly string[]): Promise<string[][][]> {
  const wanted = names.flatMap(name => ['-e', name])
  const options = ['-n', '-o', 'rtp.heuristic_rtp:TRUE', '-T', 'fields', '-E', 'separator=/t']
  const each = [...(await withoutGuessing()), '-E', 'occurrence=a', '-E', 'aggregator=|']
  const { stdout } = await must(run('tshark', [...options, ...each, ...wanted, '-Y', filter, '-r', file]))
  const lines = stdout.split('\n').filter(Boolean)
  return lines.map(line => line.split('\t').map(value => value.split('|').filter(Boolean)))
}

export async function byUs(file: string): Promise<Dissection & { packets: Packet[]; ending: Ending }> {
  const reader = new CaptureReader()
  const packets: Packet[] = []
  for await (const chunk of createReadStream(file)) packets.push(...reader.push(chunk))
  const { packets: last, ending } = reader.end()
  packets.push(...last)
  const all = { stunTypes: [], usernames: [], handshakeFragments: [], rtp: [] } as Record<
    'stunTypes' | 'usernames' | 'handshakeFragments' | 'rtp',
    string[]
  >
  const messages: string[] = []
  for (const { content, source, target } of packets) {
    const ends = `${source.address} ${target.address}`
    if (content.kind === 'stun') {
      all.stunTypes.push(wireType(content.class, content.method))
      if (content.username !== undefined) all.usernames.push(content.username)
    } else if (content.kind === 'dtls') {
      all.handshakeFragments.push(...content.fragments.map(type => `${source.address} ${type}`))
      for (const { type, messageSequence } of content.messages) {
        messages.push(`${source.address}:${source.port} ${type} ${messageSequence}`)
      }
    } else if (content.kind === 'rtp') all.rtp.push(`${ends} ${content.ssrc}`)
  }
  return {
    stunTypes: counted(all.stunTypes),
    usernames: counted(all.usernames),
    handshakeFragments: counted(all.handshakeFragments),
    handshakeMessages: unique(messages),
    rtp: counted(all.rtp),
    ...{ packets, ending },
  }
}

/** RFC 8489 §5: the method's bits with the class's between them. */
function wireType(kind: 'request' | 'indication' | 'success' | 'error', method: number): string {
  const bits = { request: 0, indication: 0x10, success: 0x100, error: 0x110 }[kind]
  const type = (method & 0x0f) | ((method & 0x70) << 1) | ((method & 0xf80) << 2) | bits
  return `0x${type.toString(16).padStart(4, '0')}`
}

function counted(names: readonly string[]): Figures {
  const figures: Figures = {}
  for (const name of [...names].sort()) figures[name] = (figures[name] ?? 0) + 1
  return figures
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort()
