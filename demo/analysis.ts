/**
 * docs/demo/README.md: what the captures of the demo's two calls show, every figure as the output of the command above
 * it. test/docs/demo.test.ts runs them all again.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Text, or a command whose output stands below it. */
type Part = string | { readonly run: string }

const alice = '10.77.0.12'
const bob = '10.77.0.13'
const bobElsewhere = '10.78.0.13'
const appliance = '10.77.0.11'
const applianceElsewhere = '10.78.0.11'
const lanline = '../../scripts/lanline'

const between = (one: string, other: string): string =>
  `((ip.src==${one} && ip.dst==${other}) || (ip.src==${other} && ip.dst==${one}))`
const tshark = (file: string, filter: string, fields: readonly string[], more = ''): Part => ({
  run: `tshark -n -o rtp.heuristic_rtp:TRUE -r ${file} -Y '${filter}' -T fields ${fields.map(field => `-e ${field}`).join(' ')}${more}`,
})
const count = (file: string, filter: string): Part => tshark(file, filter, ['frame.number'], ' | wc -l')
const perPath = ' | sort | uniq -c'

const parts: readonly Part[] = [
  `# Two calls, packet by packet

What \`./scripts/demo\` recorded while [the film](../demo.mp4) was made: both switches captured while Alice calls Bob, once
on one LAN, once with Bob on another VLAN. Every figure is the output of the command above it, run in this folder; tshark
is Wireshark's. Media packets are cut to their headers, everything else is whole.

| file | |
| --- | --- |
| \`direct.pcapng\`, \`relayed.pcapng\` | what crossed the two switches: STUN, DTLS, SRTP, TURN, TLS |
| \`direct.json\`, \`relayed.json\` | lanline's signed traces of the calls; \`direct.html\`, \`relayed.html\` the same to read |
| \`direct-signalling.pcapng\`, \`relayed-signalling.pcapng\` | the signalling, which was encrypted on the wire, as lanline saw it |
| \`contact-sheet.jpg\` | the film in frames: [what is right and wrong with them](contact-sheet.md) |

Alice is ${alice}, Bob ${bob}, then ${bobElsewhere}; lanline is ${appliance} on one network and ${applianceElsewhere} on the other.

## The direct call

The ladder, as lanline kept it: signalling, ICE, DTLS, SRTP, end.`,
  { run: `${lanline} trace show direct.json` },
  `### ICE

The connectivity checks between the two: each side asks (binding request, 0x0001) and answers (success, 0x0101). RFC 8445
§7.2.`,
  tshark('direct.pcapng', `stun && ${between(alice, bob)}`, ['ip.src', 'ip.dst', 'stun.type'], perPath),
  `The first of them, with the user names that SDP gave them (the two \`ice-ufrag\`s): whose checks they are.`,
  tshark(
    'direct.pcapng',
    `stun.type==0x0001 && ${between(alice, bob)}`,
    ['ip.src', 'stun.att.username'],
    ' | sort -u',
  ),
  `The controlling side nominates with USE-CANDIDATE (§8.1.1).`,
  tshark('direct.pcapng', `stun.att.type==0x0025 && ${between(alice, bob)}`, ['ip.src'], perPath),
  `What the two browsers said of it meanwhile: states of ICE and the pair they chose.`,
  { run: `${lanline} trace show direct.json | grep -E 'pair|ICE connection' | head` },
  `### DTLS

The handshake runs on the pair that ICE found: messages by sender (1 ClientHello, 2 ServerHello, 11 Certificate, 12
ServerKeyExchange, 13 CertificateRequest, 14 ServerHelloDone, 15 CertificateVerify, 16 ClientKeyExchange, 20 Finished is
encrypted; RFC 6347 §4.3.2).`,
  tshark('direct.pcapng', `dtls && ${between(alice, bob)}`, [
    'ip.src',
    'dtls.record.content_type',
    'dtls.handshake.type',
  ]),
  `The version and cipher that were agreed on, and the SRTP protection profile (\`use_srtp\`, RFC 5764 §4.1.2).`,
  tshark('direct.pcapng', `dtls.handshake.type==2 && ${between(alice, bob)}`, [
    'ip.src',
    'dtls.handshake.version',
    'dtls.handshake.extensions.supported_version',
    'dtls.handshake.ciphersuite',
    'dtls.use_srtp.protection_profile',
  ]),
  `### SRTP

The first packets of each stream, after the handshake: seconds since the capture began.`,
  tshark(
    'direct.pcapng',
    `dtls && ${between(alice, bob)}`,
    ['frame.time_relative'],
    ' | tail -1 | cut -c1-6',
  ),
  {
    run: `tshark -n -o rtp.heuristic_rtp:TRUE -r direct.pcapng -Y 'rtp && ${between(alice, bob)}' -T fields -e frame.time_relative -e ip.src -e rtp.ssrc -e rtp.p_type | awk '!seen[$3]++ { print substr($1, 1, 6), $2, $3, $4 }'`,
  },
  `### Packets per path

Media from device to device:`,
  tshark('direct.pcapng', `rtp && ${between(alice, bob)}`, ['ip.src', 'ip.dst', 'rtp.ssrc'], perPath),
  `Media, checks or handshakes by way of lanline, on either network:`,
  count(
    'direct.pcapng',
    `udp && (ip.addr==${appliance} || ip.addr==${applianceElsewhere}) && (rtp || dtls || stun)`,
  ),
  `lanline's own judgement, and the check that the file is as it was signed:`,
  { run: `${lanline} trace verify direct.json | grep -v ^key` },
  `## The relayed call

Bob's computer is on another VLAN now, and nothing routes between the two.`,
  { run: `${lanline} trace show relayed.json` },
  `### ICE finds nothing

Checks from one to the other, and how many answers came back:`,
  count('relayed.pcapng', `stun.type==0x0001 && ${between(alice, bobElsewhere)}`),
  count('relayed.pcapng', `stun.type==0x0101 && ${between(alice, bobElsewhere)}`),
  `### TURN

So both got a relay each, for this call alone: Allocate (0x0003), CreatePermission (0x0008), ChannelBind (0x0009) and their
answers (0x01…, errors 0x011…; the first Allocate is always answered by 401, RFC 8656 §7.2).`,
  tshark(
    'relayed.pcapng',
    `udp.port==3478 && stun.type && !(stun.type==0x0001 || stun.type==0x0101)`,
    ['ip.src', 'ip.dst', 'stun.type'],
    perPath,
  ),
  `### Packets per path

SRTP inside ChannelData, by stream; what each party sends comes out at the other.`,
  tshark('relayed.pcapng', `rtp && udp.port==3478`, ['ip.src', 'ip.dst', 'rtp.ssrc'], perPath),
  `Media between the two without lanline:`,
  count('relayed.pcapng', `(rtp || dtls) && ${between(alice, bobElsewhere)}`),
  `And lanline's judgement:`,
  { run: `${lanline} trace verify relayed.json | grep -v ^key` },
]

/** Runs every command in `folder` and writes its README.md there. */
export async function analyse(folder: string): Promise<void> {
  const sections: string[] = []
  for (const part of parts) {
    if (typeof part === 'string') sections.push(part)
    else sections.push(`\`\`\`\n$ ${part.run}\n${await output(folder, part.run)}\n\`\`\``)
  }
  writeFileSync(join(folder, 'README.md'), `${sections.join('\n\n')}\n`)
}

/** The commands of a page with their outputs, as `analyse` wrote them. */
export const commandsOf = (page: string): readonly { readonly command: string; readonly output: string }[] =>
  [...page.matchAll(/^```\n\$ (.+)\n([\s\S]*?)\n?```$/gm)].map(([, command, output]) => ({
    command: command!,
    output: output!,
  }))

export async function output(folder: string, command: string): Promise<string> {
  const { stdout } = await execute('bash', ['-c', command], { cwd: folder, maxBuffer: 16 * 1024 * 1024 })
  return stdout.trimEnd()
}
