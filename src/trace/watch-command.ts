/**
 * How dumpcap and tcpdump are told to give a call's headers and no payload: a filter for checks and DTLS handshakes,
 * which are taken whole, and filters for media by the length of what comes before its payload, where each is cut off.
 */
import { magicCookie } from '../stun/message.ts'
import type { CaptureWish } from './watch-message.ts'

export type CaptureProgram = 'dumpcap' | 'tcpdump'

export interface CaptureClass {
  readonly filter: string
  readonly snapBytes: number
}

const ethernetBytes = 14
/** IEEE 802.1Q. */
const tagBytes = 4
const udpBytes = 8
/** RFC 8656 §12.4. */
const channelBytes = 4
/** RFC 3550 §5.1. */
const rtpBytes = 12
/** A handshake's datagrams keep within what IPv6 lets through everywhere, and mostly do not need it. */
const wholeBytes = 2_048
const kernelBufferMegabytes = 2

/** What a program is given for each interface. Tags are only looked for where `tags` says so. */
export function captureClasses({ relay }: CaptureWish, tags: boolean): CaptureClass[] {
  const [v4, v6] = [mediaV4(relay), mediaV6(relay)]
  const bare = ethernetBytes + udpBytes + rtpBytes
  const tagged = (filter: string): string => `(${filter}) or (vlan and (${filter}))`
  return [
    { filter: tags ? tagged(pathFilter) : pathFilter, snapBytes: wholeBytes },
    { filter: v4, snapBytes: bare + 20 },
    { filter: v6, snapBytes: bare + 40 },
    ...(tags
      ? [
          { filter: `vlan and (${v4})`, snapBytes: bare + tagBytes + 20 },
          { filter: `vlan and (${v6})`, snapBytes: bare + tagBytes + 40 },
        ]
      : []),
  ]
}

/**
 * The same for one call, on a computer of one of the two: between hosts, and what of it goes through a relay in channels.
 * `hosts`: an expression that names them, of one IP version or of both; undefined where there are none.
 */
export function captureClassesOfCall(hosts: (version?: 4 | 6) => string | undefined): CaptureClass[] {
  const bare = ethernetBytes + udpBytes + rtpBytes
  const nobody = { addresses: [], firstPort: 0, lastPort: 0 }
  const classes = [
    { filter: pathFilter, snapBytes: wholeBytes, version: undefined },
    { filter: mediaV4(nobody), snapBytes: bare + 20, version: 4 },
    { filter: mediaV6(nobody), snapBytes: bare + 40, version: 6 },
    { filter: channelV4, snapBytes: bare + channelBytes + 20, version: 4 },
    { filter: channelV6, snapBytes: bare + channelBytes + 40, version: 6 },
  ] as const
  return classes.flatMap(({ filter, snapBytes, version }) => {
    const named = hosts(version)
    // libpcap takes no filter that lets nothing through.
    return named === undefined ? [] : [{ filter: `(${named}) and (${filter})`, snapBytes }]
  })
}

/** The arguments of every process that is needed. Only dumpcap takes more than one filter. */
export function captureCommands(
  program: CaptureProgram,
  wish: CaptureWish,
): { readonly args: readonly string[]; readonly interface: string | undefined }[] {
  if (program === 'dumpcap') {
    const each = wish.interfaces.flatMap(name =>
      captureClasses(wish, true).flatMap(({ filter, snapBytes }) => [
        ...['-i', name, '-f', filter, '-s', String(snapBytes), '-B', String(kernelBufferMegabytes)],
      ]),
    )
    return [{ args: ['-q', '-n', '-t', ...each, '-w', '-'], interface: undefined }]
  }
  const kibibytes = String(kernelBufferMegabytes * 1_024)
  return wish.interfaces.flatMap(name =>
    captureClasses(wish, false).map(({ filter, snapBytes }) => ({
      args: ['-n', '-U', '-i', name, '-s', String(snapBytes), '-B', kibibytes, '-w', '-', filter],
      interface: name,
    })),
  )
}

const cookie = `0x${magicCookie.toString(16)}`

/** RFC 8489 §5: a Binding message of any class. RFC 6347 §4.1: a handshake record. `at` is where the datagram's data is. */
const checkOrHandshake = (header: string, at: number): string =>
  `((${header}[${at}:2] & 0x3eef = 1 and ${header}[${at + 4}:4] = ${cookie}) or (${header}[${at}] = 22 and ${header}[${at + 1}] = 254))`

/** RFC 8656 §12.4: in a channel of the relay too; what is media there the relay counts. */
const inChannel = (header: string, at: number): string =>
  `(${header}[${at}] & 0xf0 = 0x40 and ${checkOrHandshake(header, at + 4)})`

/** For libpcap `udp[…]` is an IPv4 datagram's, and its first fragment's only. */
const pathFilter = [
  `(udp and (${checkOrHandshake('udp', 8)} or ${inChannel('udp', 8)}))`,
  `(ip6[6] = 17 and (${checkOrHandshake('ip6', 48)} or ${inChannel('ip6', 48)}))`,
].join(' or ')

/** RTP by its first byte (RFC 7983 §7), RTCP left out (RFC 5761 §4), long enough for its header. */
const media = (header: string, udpAt: number): string => {
  const [length, first, second] = [udpAt + 4, udpAt + 8, udpAt + 9].map(at => `${header}[${at}`)
  return `${length}:2] >= ${udpBytes + rtpBytes} and ${first}] & 0xc0 = 0x80 and (${second}] & 0x7f < 64 or ${second}] & 0x7f > 95)`
}

/** Without IP options and in one piece, so that the header's length is known; then likewise for IPv6. */
const mediaV4 = (relay: CaptureWish['relay']): string =>
  `ip[0] = 0x45 and ip[9] = 17 and ip[6:2] & 0x3fff = 0 and ${media('ip', 20)}${notRelayed(relay, 'ip', 4)}`
const mediaV6 = (relay: CaptureWish['relay']): string =>
  `ip6[6] = 17 and ${media('ip6', 40)}${notRelayed(relay, 'ip6', 6)}`

/** Media in a channel; here, too, the datagram's own header is of one length. */
const channelV4 =
  'ip[0] = 0x45 and ip[9] = 17 and ip[6:2] & 0x3fff = 0 and ip[28] & 0xf0 = 0x40 and ip[32] & 0xc0 = 0x80'
const channelV6 = 'ip6[6] = 17 and ip6[48] & 0xf0 = 0x40 and ip6[52] & 0xc0 = 0x80'

function notRelayed(
  { addresses, firstPort, lastPort }: CaptureWish['relay'],
  header: 'ip' | 'ip6',
  family: 4 | 6,
): string {
  const own = addresses.filter(address => address.includes(':') === (family === 6))
  if (own.length === 0) return ''
  const at = header === 'ip' ? 20 : 40
  const end = (which: 'src' | 'dst', portAt: number): string =>
    `(${header}[${portAt}:2] >= ${firstPort} and ${header}[${portAt}:2] <= ${lastPort} and (${own.map(address => `${which} host ${address}`).join(' or ')}))`
  return ` and not (${end('src', at)} or ${end('dst', at + 2)})`
}
