/** Descriptions (RFC 8866) and candidates (RFC 8839 §5.1) without their secrets: attributes that are known, or a name. */
const mark = '[redacted]'

const plainAttributes = new Set(
  `bundle-only end-of-candidates extmap extmap-allow-mixed fingerprint group ice-lite ice-options ice-ufrag inactive
  max-message-size maxptime mid msid-semantic ptime recvonly rid rtcp rtcp-fb rtcp-mux rtcp-rsize rtpmap sctp-port
  sendonly sendrecv setup simulcast ssrc-group fmtp`.split(/\s+/),
)
const maxLines = 2_000
const maxLine = 400

export function redactSdp(sdp: string): string {
  const lines = sdp.split(/\r\n|\n|\r/)
  const safe = lines.slice(0, maxLines).map(safeLine)
  return lines.length > maxLines
    ? `${safe.join('\r\n')}\r\n[${lines.length - maxLines} lines]`
    : safe.join('\r\n')
}

function safeLine(line: string): string {
  if (line === '') return ''
  if (/^[vcbmt]=/.test(line)) return cut(line)
  // The session id counts descriptions; the user name may be a person's.
  if (line.startsWith('o=')) return cut(line.replace(/^o=\S+/, 'o=-'))
  if (line.startsWith('s=')) return 's=-'
  if (!line.startsWith('a=')) return /^[a-z]=/.test(line) ? `${line.slice(0, 2)}${mark}` : mark
  return safeAttribute(line.slice(2))
}

function safeAttribute(attribute: string): string {
  const name = attribute.split(':', 1)[0]!.trim()
  if (name === 'candidate') return `a=${safeCandidate(attribute)}`
  // RFC 5576 §4.1: the number and which attribute it has.
  if (name === 'ssrc') return `a=${/^ssrc:\d+( [a-z]+)?/.exec(attribute)?.[0] ?? `ssrc:${mark}`}`
  if (plainAttributes.has(name)) return cut(`a=${attribute}`)
  return `a=${cut(/^[A-Za-z0-9_-]{1,40}$/.test(name) ? name : mark)}${attribute.includes(':') ? `:${mark}` : ''}`
}

/** `candidate:1 1 udp 2122 192.0.2.1 5000 typ host …` with the extensions that are known; `''` ends candidates. */
export function safeCandidate(text: string): string {
  if (text === '') return ''
  const found =
    /^(candidate:\S{1,64} \d{1,5} \S{1,8} \d{1,10} [0-9A-Za-z.:-]{1,255} \d{1,5} typ [a-z]{1,16})((?: \S+ \S+)*)\s*$/.exec(
      text,
    )
  if (found === null) return mark
  const [, base, extensions = ''] = found
  const known = [
    ...extensions.matchAll(
      / (raddr [0-9a-fA-F.:]{2,45}|rport \d{1,5}|tcptype [a-z]{2,8}|generation \d{1,5}|network-id \d{1,5}|network-cost \d{1,5}|ufrag [A-Za-z0-9+/]{1,256})(?= |$)/g,
    ),
  ]
  return `${base}${known.map(([one]) => one).join('')}`
}

const cut = (text: string): string => (text.length <= maxLine ? text : `${text.slice(0, maxLine)}…`)
