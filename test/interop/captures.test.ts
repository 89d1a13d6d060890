/**
 * Captures beside Wireshark's own tools: what we read is what tshark reads, what we write tshark reads without a
 * complaint.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { handshakeName } from '../../src/trace/packets/flows.ts'
import { dtlsVersion, handshakeType } from '../../src/trace/packets/hello.ts'
import { linkType } from '../../src/trace/packets/message.ts'
import { TcpConnections, udpPacket } from '../../src/trace/packets/synthesize.ts'
import {
  pcapBegin,
  pcapFrame,
  pcapngBegin,
  pcapngFrame,
  type WrittenFrame,
} from '../../src/trace/packets/write.ts'
import { Capture } from '../net/capture.ts'
import { byTshark, byUs } from '../net/dissect.ts'
import { Lan, must, run } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import { until } from '../net/wait.ts'
import { inEthernet } from '../trace/packets/ethernet.ts'
import { check } from '../trace/packets/files.ts'

const kept = (name: string): string =>
  fileURLToPath(new URL(`../vectors/captures/${name}.pcapng`, import.meta.url))

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-captures-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describeWith(['tshark'], 'a capture of a real call', () => {
  it.each(['direct', 'relayed'])('that went %s shows us what it shows tshark', async name => {
    const [theirs, { packets, ending, ...ours }] = await Promise.all([byTshark(kept(name)), byUs(kept(name))])
    expect(ours).toEqual(theirs)
    expect(ending.stop).toBe(undefined)
    expect(packets.length).toBeGreaterThan(800)
    expect(Object.keys(ours.rtp).length).toBe(name === 'direct' ? 6 : 12)
    expect(ours.handshakeMessages.length).toBe(name === 'direct' ? 2 : 4)
  })
})

describeWith(['namespaces', 'dumpcap', 'tshark'], 'a handshake of DTLS 1.2 in small fragments', () => {
  it('has the same messages for us and for tshark, the profile that was chosen and the certificate’s fingerprint', async () => {
    const lan = await Lan.create({ hosts: ['server', 'client'] })
    try {
      const [server, client] = [lan.host('server'), lan.host('client')]
      const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
      const subject = ['-subj', '/CN=test', '-days', '2', '-keyout', key, '-out', certificate]
      await must(run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]))
      const options = ['-dtls1_2', '-mtu', '300', '-use_srtp', 'SRTP_AES128_CM_SHA1_80']
      const capture = await Capture.start(lan)
      const files = ['-cert', certificate, '-key', key, '-accept', '4443']
      const listening = server.spawn('openssl', ['s_server', '-quiet', ...options, ...files], {
        stdio: 'ignore',
      })
      await until('the server listens', async () =>
        (await server.exec('ss', ['-Hnlu'])).stdout.includes(':4443'),
      )
      const to = ['-connect', `${server.address}:4443`]
      const { stdout } = await client.exec('openssl', ['s_client', ...options, ...to], '')
      expect(stdout).toContain('SRTP_AES128_CM_SHA1_80')
      await capture.stop()
      listening.kill('SIGKILL')
      const [theirs, { packets, ending, ...ours }] = await Promise.all([
        byTshark(capture.file),
        byUs(capture.file),
      ])
      expect(ours.handshakeMessages).toEqual(theirs.handshakeMessages)
      const messages = packets.flatMap(({ content }) => (content.kind === 'dtls' ? content.messages : []))
      expect(messages.map(({ type }) => handshakeName(type))).toEqual(
        expect.arrayContaining(['ClientHello', 'ServerHello', 'Certificate', 'ServerHelloDone']),
      )
      expect(messages.find(({ type }) => type === handshakeType.serverHello)).toMatchObject({
        hello: { version: dtlsVersion.dtls12, srtpProfiles: [1] },
      })
      const fragments = packets.flatMap(({ content }) => (content.kind === 'dtls' ? content.fragments : []))
      expect(fragments.filter(type => type === handshakeType.certificate).length).toBeGreaterThan(2)
      const told = await must(
        run('openssl', ['x509', '-in', certificate, '-noout', '-fingerprint', '-sha256']),
      )
      const fingerprint = told.stdout.trim().split('=')[1]!.replaceAll(':', '').toLowerCase()
      expect(messages.find(each => each.certificateSha256)?.certificateSha256).toBe(fingerprint)
      expect(ending.stop).toBe(undefined)
    } finally {
      lan.remove()
    }
  }, 60_000)
})

describeWith(['tshark'], 'a file we wrote', () => {
  const sip = (line: string, cseq: string): Buffer =>
    Buffer.from(
      [
        ...[line, 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1', 'From: <sip:alice@lanline>;tag=1'],
        ...['To: <sip:bob@lanline>', 'Call-ID: 1@192.0.2.1', `CSeq: ${cseq}`, 'Content-Length: 0', '', ''],
      ].join('\r\n'),
    )
  const alice = { address: '192.0.2.1', port: 5_060 }
  const pi = { address: '192.0.2.9', port: 5_060 }
  const [alice6, pi6] = [
    { address: '2001:db8::1', port: 40_001 },
    { address: '2001:db8::9', port: 5_060 },
  ]
  const tcp = new TcpConnections()
  const packets = [
    udpPacket(alice, pi, sip('INVITE sip:bob@lanline SIP/2.0', '1 INVITE')),
    udpPacket(pi, alice, sip('SIP/2.0 180 Ringing', '1 INVITE')),
    tcp.packet(alice6, pi6, sip('INVITE sip:carol@lanline SIP/2.0', '2 INVITE')),
    tcp.packet(pi6, alice6, sip('SIP/2.0 200 OK', '2 INVITE')),
    tcp.packet(alice6, pi6, sip('BYE sip:carol@lanline SIP/2.0', '3 BYE')),
    udpPacket(alice6, pi6, check),
    // Of odd length, for the checksum.
    udpPacket(alice, pi, Buffer.from('\r\n\r')),
  ]
  const comments = packets.map((_, index) => [`event ${index + 1}`, `gewählt: ${'x'.repeat(index)}`])
  const frames = (bytes: (packet: Uint8Array) => Uint8Array): WrittenFrame[] =>
    packets.map((packet, index) => ({
      ...{ at: (1_800_000_000_000.25 + index * 20) as Epoch, bytes: bytes(packet), interface: index % 2 },
      comments: comments[index]!,
    }))
  const complaints = '_ws.malformed || _ws.expert.severity >= "Warning" || ip.checksum.status == "Bad"'
  const checks = ['ip', 'udp', 'tcp'].flatMap(name => ['-o', `${name}.check_checksum:TRUE`])

  async function tshark(file: string, filter: string, ...names: string[]): Promise<string[][]> {
    const wanted = names.flatMap(name => ['-e', name])
    const options = ['-n', '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=|', ...checks]
    const { stdout } = await must(run('tshark', [...options, ...wanted, '-Y', filter, '-r', file]))
    const lines = stdout.split('\n').filter(Boolean)
    return lines.map(line => line.split('\t'))
  }

  it.each([
    'microseconds',
    'nanoseconds',
  ] as const)('as pcapng in %s has nothing malformed, every checksum right, all SIP in order, sources and comments', async resolution => {
    const file = join(directory, `${resolution}.pcapng`)
    const interfaces = [
      { name: 'server', description: 'as the appliance saw it', linkType: linkType.raw },
      { name: 'relay', linkType: linkType.raw },
    ]
    const begin = pcapngBegin({ interfaces, application: 'lanline', resolution, comment: 'call 1' })
    const blocks = frames(packet => packet).map(frame => pcapngFrame(frame, resolution))
    writeFileSync(file, Buffer.concat([begin, ...blocks]))
    expect(await tshark(file, complaints, 'frame.number', '_ws.expert.message')).toEqual([])
    expect(
      await tshark(file, 'udp.checksum.status == 1 || tcp.checksum.status == 1', 'frame.number'),
    ).toHaveLength(7)
    expect(await tshark(file, 'sip', 'frame.number', 'sip.CSeq', 'sip.Status-Code', 'sip.Method')).toEqual([
      ['1', '1 INVITE', '', 'INVITE'],
      ['2', '1 INVITE', '180', ''],
      ['3', '2 INVITE', '', 'INVITE'],
      ['4', '2 INVITE', '200', ''],
      ['5', '3 BYE', '', 'BYE'],
    ])
    const told = await tshark(file, 'frame', 'frame.comment', 'frame.interface_name', 'frame.time_epoch')
    expect(told.map(([comment]) => comment)).toEqual(comments.map(each => each.join('|')))
    expect(told.map(([, name]) => name)).toEqual(packets.map((_, index) => interfaces[index % 2]!.name))
    expect(told[1]![2]).toMatch(/^1800000000\.020250/)
    expect(await tshark(file, 'stun', 'stun.att.username')).toEqual([['evtj:h6vY']])
  })

  it.each([
    ['of IP packets', linkType.raw, (packet: Uint8Array) => packet],
    ['of Ethernet frames', linkType.ethernet, inEthernet],
  ])('as pcap %s has nothing malformed and all SIP', async (_name, type, bytes) => {
    const file = join(directory, `${type}.pcap`)
    const records = frames(bytes).map(frame => pcapFrame(frame, 'microseconds'))
    writeFileSync(file, Buffer.concat([pcapBegin(type, 'microseconds'), ...records]))
    expect(await tshark(file, complaints, 'frame.number', '_ws.expert.message')).toEqual([])
    expect((await tshark(file, 'sip', 'sip.CSeq')).length).toBe(5)
    expect(
      await tshark(file, 'udp.checksum.status == 0 || tcp.checksum.status == 0', 'frame.number'),
    ).toEqual([])
  })
})
