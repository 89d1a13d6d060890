import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/trace/packets/frames.ts'
import { linkType, type Packet } from '../../src/trace/packets/message.ts'
import { CaptureReader } from '../../src/trace/packets/reader.ts'
import { udpPacket } from '../../src/trace/packets/synthesize.ts'
import { captureClasses, captureClassesOfCall, captureCommands } from '../../src/trace/watch-command.ts'
import { describeWith } from '../net/peers.ts'
import { inEthernet } from './packets/ethernet.ts'
import { check, pcap } from './packets/files.ts'

const wish = {
  interfaces: ['eth0', 'wlan0'],
  relay: { addresses: ['192.0.2.9', '2001:db8::9'], firstPort: 49_152, lastPort: 50_151 },
}

describe('a program that captures', () => {
  it('is dumpcap once for all interfaces and kinds, or tcpdump once for each', () => {
    const [one, ...none] = captureCommands('dumpcap', wish)
    expect(none).toEqual([])
    expect(one!.args.filter(word => word === '-f')).toHaveLength(10)
    const several = captureCommands('tcpdump', wish)
    expect(several.map(({ interface: name }) => name)).toEqual([
      ...['eth0', 'eth0', 'eth0'],
      ...['wlan0', 'wlan0', 'wlan0'],
    ])
  })
})

describeWith(['tcpdump'], 'what a capture lets through, by libpcap', () => {
  const secret = 'SPOKEN WORDS'
  const payload = Buffer.from(secret.repeat(10))
  const rtp = Buffer.concat([Buffer.from('806f0001000000010000002a', 'hex'), payload])
  const inChannel = (message: Uint8Array): Buffer => {
    const head = Buffer.from('40010000', 'hex')
    head.writeUInt16BE(message.length, 2)
    return Buffer.concat([head, message])
  }
  const record = (type: number): Buffer =>
    Buffer.concat([Buffer.from([type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12]), Buffer.alloc(12, 1)])
  const allocate = Buffer.from('000300002112a442000102030405060708090a0b', 'hex')
  const messages: Readonly<Record<string, Uint8Array>> = {
    ...{ rtp, check, handshake: record(22) },
    ...{ checkInChannel: inChannel(check), rtpInChannel: inChannel(rtp) },
    rtcp: Buffer.concat([Buffer.from('80c80006', 'hex'), payload.subarray(0, 28)]),
    ...{ allocate, applicationData: Buffer.concat([record(23), payload]), text: payload },
  }
  const ends = {
    v4: [
      { address: '192.0.2.1', port: 5_000 },
      { address: '192.0.2.2', port: 49_500 },
    ],
    v6: [
      { address: '2001:db8::1', port: 5_000 },
      { address: '2001:db8::2', port: 49_500 },
    ],
  } as const
  const relay = { v4: { address: '192.0.2.9', port: 49_500 }, v6: { address: '2001:db8::9', port: 49_500 } }
  const tagged = (frame: Uint8Array): Buffer =>
    Buffer.concat([frame.subarray(0, 12), Buffer.from('81000014', 'hex'), frame.subarray(12)])

  /** By its name: `v4 rtp`, `tagged v6 check`, `v4 relayed rtp`. */
  const frames = new Map<string, Uint8Array>()
  for (const version of ['v4', 'v6'] as const) {
    const [one, other] = ends[version]
    for (const [name, message] of Object.entries(messages)) {
      const frame = inEthernet(udpPacket(one, other, message))
      frames.set(`${version} ${name}`, frame)
      frames.set(`tagged ${version} ${name}`, tagged(frame))
    }
    frames.set(`${version} relayed rtp`, inEthernet(udpPacket(one, relay[version], rtp)))
    frames.set(`${version} relayed back rtp`, inEthernet(udpPacket(relay[version], one, rtp)))
  }

  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'lanline-'))
    writeFileSync(join(directory, 'all.pcap'), pcap(linkType.ethernet, [...frames.values()]))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const names = new Map([...frames].map(([name, frame]) => [Buffer.from(frame).toString('hex'), name]))

  function through(filter: string): Map<string, Uint8Array> {
    const words = ['-r', join(directory, 'all.pcap'), '-w', '-', filter]
    const out = execFileSync('tcpdump', words, { stdio: ['ignore', 'pipe', 'ignore'] })
    const found = new Map<string, Uint8Array>()
    const reader = new FrameReader(({ bytes }) => {
      found.set(names.get(Buffer.from(bytes).toString('hex'))!, Uint8Array.from(bytes))
    })
    reader.push(out)
    return found
  }
  const both = (...kinds: string[]): string[] => kinds.flatMap(kind => [`v4 ${kind}`, `v6 ${kind}`])

  it('is checks and handshakes whole, and media that no relay carries up to its payload, tagged or not', () => {
    const classes = captureClasses(wish, true)
    const [paths, ...media] = classes.map(({ filter }) => [...through(filter).keys()].sort())
    const path = both('check', 'handshake', 'checkInChannel')
    expect(paths).toEqual([...path, ...path.map(name => `tagged ${name}`)].sort())
    expect(media).toEqual([['v4 rtp'], ['v6 rtp'], ['tagged v4 rtp'], ['tagged v6 rtp']])
    expect(captureClasses(wish, false).map(({ filter }) => through(filter).size)).toEqual([6, 1, 1])
  })

  it('is for one call also what goes through a relay, in channels as well', () => {
    const all = captureClassesOfCall(version => (version === 6 ? 'ip6' : version === 4 ? 'ip' : 'udp'))
    expect(all.map(({ filter }) => [...through(filter).keys()].sort())).toEqual([
      both('check', 'handshake', 'checkInChannel').sort(),
      ['v4 relayed back rtp', 'v4 relayed rtp', 'v4 rtp'],
      ['v6 relayed back rtp', 'v6 relayed rtp', 'v6 rtp'],
      ['v4 rtpInChannel'],
      ['v6 rtpInChannel'],
    ])
  })

  it('holds no payload where it is cut off, and all that is needed to count it', () => {
    const all = [
      ...captureClasses(wish, true),
      ...captureClassesOfCall(version => (version === 6 ? 'ip6' : version === 4 ? 'ip' : 'udp')),
    ]
    for (const { filter, snapBytes } of all) {
      for (const [name, frame] of through(filter)) {
        const cut = Buffer.from(frame.subarray(0, snapBytes))
        // Not even the first byte.
        if (name.includes('rtp')) expect([name, cut.includes(secret[0]!)]).toEqual([name, false])
        const file = pcap(linkType.ethernet, [cut])
        // The record says how long it was.
        file.writeUInt32LE(frame.length, 24 + 12)
        const packets: Packet[] = [...new CaptureReader().push(file)]
        expect([name, packets.length]).toEqual([name, 1])
        expect(packets[0]!.content.kind).toBe(
          name.includes('rtp') ? 'rtp' : name.includes('heck') ? 'stun' : 'dtls',
        )
      }
    }
  })
})
