/** What a packet of a recorded call is, from what tshark reads of it: a line, and for whom it is new a note. */

export const fields = [
  'frame.number',
  'frame.time_relative',
  'ip.src',
  'stun.type',
  'stun.att.username',
  'stun.att.type',
  'stun.att.priority',
  'stun.att.ipv4',
  'stun.att.port',
  'stun.att.error',
  'stun.att.error.class',
  'stun.channel',
  'dtls.record.version',
  'dtls.record.epoch',
  'dtls.record.sequence_number',
  'dtls.handshake.type',
  'dtls.handshake.fragment_offset',
  'dtls.handshake.fragment_length',
  'dtls.handshake.length',
  'dtls.handshake.extensions.supported_version',
  'dtls.handshake.ciphersuite',
  'dtls.use_srtp.protection_profile',
  'udp.length',
  'udp.payload',
] as const

export type Read = Readonly<Record<(typeof fields)[number], string>>

export interface Told {
  /** What is noted once; packets of one kind after the first are told without a note, or only counted. */
  readonly kind: string
  readonly line: string
  readonly note: string
  /** Whether each packet of this kind is shown, and not only the first. */
  readonly each: boolean
}

export interface Ends {
  /** An address to a name. */
  readonly names: Readonly<Record<string, string>>
  /** What SDP says of payload types, such as `opus/48000/2`, and of header extensions, such as `mid`. */
  readonly codecs: ReadonlyMap<number, string>
  readonly extensions: ReadonlyMap<number, string>
}

/** A header of RTP; that of SRTCP with its index and tag is longer, and told only where it is whole. */
const shortestRtpBytes = 12

/** What one packet is; `undefined` for what is neither of ICE, TURN, DTLS nor SRTP. */
export function tell(read: Read, ends: Ends): Told | undefined {
  const bytes = Buffer.from(read['udp.payload'], 'hex')
  if (read['stun.channel'] !== '') return channelData(read)
  if (read['stun.type'] !== '') return stun(read, ends)
  const first = bytes[0] ?? 0
  // RFC 7983 §7: the first byte tells apart what shares a port.
  if (first === 22) return hello(read)
  if (first >= 32 && first <= 63) return ciphertext(bytes)
  if (first >= 128 && first <= 191 && bytes.length >= shortestRtpBytes) {
    // RFC 5761 §4: the second byte tells RTCP from RTP.
    const second = bytes[1] ?? 0
    return second >= 192 && second <= 223 ? srtcp(bytes) : srtp(bytes, ends)
  }
  return undefined
}

/** What STUN and TURN messages say, as far as their lines tell it. */
interface Said {
  readonly user: string
  readonly attributes: readonly string[]
  readonly priority: number
  /** The first address in it, and its port. */
  readonly address: string
  readonly at: string
  /** The name of that address. */
  readonly whose: string
  readonly error: string
}

function stun(read: Read, { names }: Ends): Told {
  const [address = ''] = read['stun.att.ipv4'].split(',')
  const [port = ''] = read['stun.att.port'].split(',')
  const said = {
    user: read['stun.att.username'],
    attributes: read['stun.att.type'].split(','),
    priority: Number(read['stun.att.priority']),
    ...{ address, at: `${address}:${port}`, whose: names[address] ?? 'nobody named' },
    error: read['stun.att.error.class'] + read['stun.att.error'].padStart(2, '0'),
  }
  const type = read['stun.type']
  const [kind, line, note] = stunMessages[type]?.(said) ?? [type, `STUN ${type}`, '']
  return once(kind, line, note)
}

/** By message type (RFC 8489 §5, RFC 8656 §17): kind, line and note. */
const stunMessages: Readonly<Record<string, (said: Said) => readonly [string, string, string]>> = {
  '0x0001': said => (said.user === '' ? bindingRequest : check(said)),
  // Signed: an answer to a check. Not signed: one of a STUN server.
  '0x0101': ({ attributes, at, whose }) =>
    attributes.includes('0x0008')
      ? ['answer', `STUN Binding success, XOR-MAPPED-ADDRESS ${at} (${whose})`, answerNote]
      : [
          'binding answered',
          `STUN Binding success, XOR-MAPPED-ADDRESS ${at}`,
          'As the request came in: if it is the sender’s own address, nothing between the two translates.',
        ],
  '0x0003': ({ user }) =>
    user === ''
      ? [
          'allocate',
          'TURN Allocate request',
          'A relay is asked for, the first time always without credentials (RFC 8489 §9.2.3.1).',
        ]
      : [
          'allocate again',
          `TURN Allocate request, USERNAME ${user}`,
          'Again, with name and password of the grant, which are good for this call and this party alone.',
        ],
  '0x0113': () => ['401', 'TURN Allocate error 401', 'Realm and nonce, under which to sign (RFC 8489 §9.2).'],
  '0x0103': ({ at }) => [
    'allocated',
    `TURN Allocate success, XOR-RELAYED-ADDRESS ${at}`,
    'The address that lanline lends: the relay candidate. It is trickled to the other end as any candidate is.',
  ],
  '0x0008': ({ address }) => [
    'permission',
    `TURN CreatePermission request, peer ${address}`,
    'Who may send to that address. lanline permits the other party of the call and answers 403 to all else.',
  ],
  '0x0108': () => ['permitted', 'TURN CreatePermission success', ''],
  '0x0016': ({ at }) => [
    'send',
    `TURN Send indication, to ${at}`,
    'Data to the peer; here connectivity checks, now between host and relay.',
  ],
  '0x0017': ({ at }) => ['data', `TURN Data indication, from ${at}`, 'What came back to the lent address.'],
  '0x0009': ({ at }) => [
    'bind',
    `TURN ChannelBind request, peer ${at}`,
    'From now on four bytes stand for that peer (RFC 8656 §12).',
  ],
  '0x0109': () => ['bound', 'TURN ChannelBind success', ''],
  '0x0004': () => ['refresh', 'TURN Refresh request', 'Gives the address back (lifetime 0).'],
  '0x0114': ({ error }) => [
    'refused',
    `TURN Refresh error ${error}`,
    'The call is over, its grant is closed and the relay with it.',
  ],
}

const bindingRequest = [
  'binding',
  'STUN Binding request',
  'To lanline, without a user name: how does my address look from there? Part of gathering (RFC 8445 §5.1.1.2).',
] as const

function check({ user, attributes, priority }: Said): readonly [string, string, string] {
  const isControlling = attributes.includes('0x802a')
  const role = isControlling ? 'ICE-CONTROLLING' : 'ICE-CONTROLLED'
  const nominates = attributes.includes('0x0025') ? ', USE-CANDIDATE' : ''
  const line = `STUN Binding request, USERNAME ${user}, ${role}${nominates}`
  if (isControlling) return ['check of the controlling', line, controllingNote]
  const ranked = `PRIORITY is ${hex(priority)}: type preference ${priority >>> 24}, that of a peer-reflexive candidate, should this check show one (§7.1.1).`
  return ['check of the controlled', line, `${controlledNote} ${ranked}`]
}

const once = (kind: string, line: string, note: string): Told => ({ kind, line, note, each: false })

const controlledNote =
  'A connectivity check. USERNAME is the other’s ice-ufrag and one’s own, as SDP carried them (RFC 8445 §7.2.2); MESSAGE-INTEGRITY is an HMAC under the other’s ice-pwd. Who answers the offer is controlled (§6.1.1).'
const controllingNote =
  'The check the other way (§7.3.1.4 when the first one triggers it). Who made the offer controls, and nominates with USE-CANDIDATE. Chromium puts it into each of its checks, as RFC 5245 §8.1.1.2 had it; RFC 8445 §8.1.1 asks for one. Its candidate may not have come by trickle yet: then the first check itself made the other’s address known (§7.3.1.3).'
const answerNote =
  'Only who knows ice-pwd can check that HMAC and sign the answer. XOR-MAPPED-ADDRESS is where the request came from: where it is the sender’s own address and port, nothing between the two translates. The pair is valid (§7.2.5.3).'

const channelData = (read: Read): Told =>
  once(
    'channel',
    `TURN ChannelData, channel ${read['stun.channel']}`,
    'DTLS and SRTP, as they would go without a relay, behind four bytes: channel and length. lanline has no key to any of it.',
  )

const handshakes: Readonly<Record<string, string>> = { 1: 'ClientHello', 2: 'ServerHello' }

function hello(read: Read): Told {
  const type = read['dtls.handshake.type'].split(',')[0]!
  const [offset, length, whole] = (['fragment_offset', 'fragment_length', 'length'] as const).map(
    field => read[`dtls.handshake.${field}`].split(',')[0]!,
  )
  const part =
    length === whole
      ? `${whole} bytes`
      : `bytes ${offset} to ${Number(offset) + Number(length) - 1} of ${whole}`
  const record = `record version ${read['dtls.record.version']}, epoch ${read['dtls.record.epoch']}, number ${read['dtls.record.sequence_number']}`
  const line = `DTLS ${handshakes[type] ?? `handshake ${type}`}, ${part}; ${record}`
  if (type === '1') return { kind: 'client hello', line, note: clientNote, each: true }
  const version = read['dtls.handshake.extensions.supported_version']
  const chosen = `It chose version ${version === '' ? 'DTLS 1.2' : version} and cipher ${read['dtls.handshake.ciphersuite']}.`
  return {
    kind: 'server hello',
    line,
    note: `${serverNote} ${chosen} From here on records are encrypted.`,
    each: true,
  }
}

const clientNote =
  'DTLS on the same pair of ports: 22 is a handshake record, epoch 0 means without keys. Who answered `a=setup:active` to `actpass` is its client (RFC 5763 §5). The hello holds use_srtp with the SRTP profiles on offer (RFC 5764 §4.1.2), supported_versions and key shares; that of X25519MLKEM768, against quantum computers, makes it longer than a datagram, so it goes in two records (RFC 9147 §5.5).'
const serverNote =
  'The caller is the server. The record says DTLS 1.2 for old middleboxes; what counts stands in supported_versions (RFC 8446 §4.2.1; 0xfefc is DTLS 1.3).'

/** RFC 9147 §4: 001, connection id, 16-bit number, length, the low bits of the epoch. */
function ciphertext(bytes: Buffer): Told {
  const header = bytes[0]!
  const epoch = header & 0b11
  const line = `DTLS ciphertext, unified header 0x${header.toString(16)}: epoch ${epoch}, ${bytes.length} bytes`
  return epoch === 2
    ? { kind: 'handshake keys', line, note: handshakeKeysNote, each: true }
    : { kind: 'application keys', line, note: applicationKeysNote, each: false }
}

const handshakeKeysNote =
  'Encrypted handshake (RFC 9147 §4: 001, then C no connection id, S a number of 16 bits, L with length, E epoch 2). In it, from the server: EncryptedExtensions with the SRTP profile it chose, CertificateRequest, Certificate, CertificateVerify, Finished; from the client: Certificate, CertificateVerify, Finished. Here each compares the hash of the other’s certificate with a=fingerprint (RFC 8122 §6.2).'
const applicationKeysNote =
  'Epoch 3, the handshake is done: the ACK of its last flight (RFC 9147 §7), then SCTP for the data channel (RFC 8261).'

function srtp(bytes: Buffer, { codecs, extensions }: Ends): Told {
  const [flags, second] = [bytes[0]!, bytes[1]!]
  const type = second & 0x7f
  const codec = codecs.get(type) ?? 'unknown'
  const marks = [
    ...((second & 0x80) !== 0 ? ['M'] : []),
    ...((flags & 0x20) !== 0 ? ['P'] : []),
    ...((flags & 0x10) !== 0 ? ['X'] : []),
  ]
  const carried = extensionsOf(bytes).map(id => extensions.get(id) ?? id)
  const line = `SRTP ${type} ${codec}, sequence ${bytes.readUInt16BE(2)}, timestamp ${bytes.readUInt32BE(4)}, SSRC ${hex(bytes.readUInt32BE(8))}, ${marks.join(' ')}${carried.length === 0 ? '' : `: ${carried.join(', ')}`}`
  const name = codec.split('/')[0]!
  return {
    kind: `srtp ${name}`,
    line,
    note: rtpNotes[name] ?? 'A stream of its own, by its SSRC.',
    each: false,
  }
}

const rtpNotes: Readonly<Record<string, string>> = {
  opus: 'Media, with keys from the handshake: its exporter, label EXTRACTOR-dtls_srtp, gives 60 bytes, a master key of 16 and a salt of 14 for each way; who was the DTLS client sends under client_write (RFC 5764 §4.2, RFC 8446 §7.5), and the session keys of SRTP and SRTCP are derived from those (RFC 3711 §4.3). The header stays readable: payload type and SSRC as in SDP, M at the start of talk, X for extensions (0xbede, RFC 8285), with the ids that a=extmap names. Behind it all is encrypted; the last 10 bytes are the authentication tag of AES128_CM_HMAC_SHA1_80, over the header too.',
  red: 'Picture, VP8 wrapped in RED (RFC 2198), which the browsers agreed on. M ends a frame.',
  VP8: 'Picture. M ends a frame (RFC 7741).',
  rtx: 'Repeats of the picture, under an SSRC of their own (RFC 4588); with P only padding, by which Chromium probes how much the way can carry.',
}

const hex = (number: number): string => `0x${number.toString(16).padStart(8, '0')}`

/** RFC 8285 §4.2: the ids of one-byte header extensions. */
function extensionsOf(bytes: Buffer): number[] {
  const start = 12 + 4 * (bytes[0]! & 0x0f)
  if ((bytes[0]! & 0x10) === 0 || bytes.length < start + 4 || bytes.readUInt16BE(start) !== 0xbede) return []
  const end = Math.min(bytes.length, start + 4 + 4 * bytes.readUInt16BE(start + 2))
  const ids: number[] = []
  for (let at = start + 4; at < end; ) {
    const byte = bytes[at]!
    if (byte !== 0) ids.push(byte >>> 4)
    at += byte === 0 ? 1 : 2 + (byte & 0x0f)
  }
  return ids
}

const reports: Readonly<Record<number, string>> = {
  200: 'sender report',
  201: 'receiver report',
  205: 'transport feedback',
  206: 'payload feedback',
}

/** RFC 3711 §3.4: behind the encrypted part one bit and the index, then the tag. */
function srtcp(bytes: Buffer): Told | undefined {
  if (bytes.length < 8 + 14) return undefined
  const trailer = bytes.readUInt32BE(bytes.length - 14)
  const line = `SRTCP ${reports[bytes[1]!] ?? bytes[1]}, SSRC ${hex(bytes.readUInt32BE(4))}, E ${trailer >>> 31}, index ${trailer & 0x7fffffff}`
  return { kind: 'srtcp', line, note: srtcpNote, each: false }
}

const srtcpNote =
  'Reports on what arrived, on the same ports (a=rtcp-mux, RFC 5761). Eight bytes stay readable; behind what is encrypted stand a bit E that says so and the packet’s index, then the tag (RFC 3711 §3.4).'
