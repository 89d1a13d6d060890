/**
 * The least that a proxy in JavaScript on Node can do for `sip`'s load: each datagram read as text, a Via put on or
 * taken off by searching for one line, and sent on. It checks no password, keeps no transaction and no call, and believes
 * all it is told: what it costs is what Node costs. Its only argument is the port.
 */
import { createSocket } from 'node:dgram'

const port = Number(process.argv[2])
const socket = createSocket('udp4')
const via = `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK`
const recordRoute = `Record-Route: <sip:127.0.0.1:${port};lr>\r\n`
/** Who registered where. */
const ports = new Map<string, number>()
let branch = 0

const send = (text: string, to: number): void => socket.send(Buffer.from(text, 'latin1'), to, '127.0.0.1')

function line(text: string, name: string): string {
  const start = text.indexOf(`\r\n${name}`)
  return start < 0 ? '' : text.slice(start + 2, text.indexOf('\r\n', start + 2) + 2)
}

const answer = (text: string, first: string, more: string): string =>
  `SIP/2.0 ${first}\r\n${line(text, 'Via:')}${line(text, 'From:')}${line(text, 'To:')}${line(text, 'Call-ID:')}${line(text, 'CSeq:')}${more}Content-Length: 0\r\n\r\n`

const challenge = 'Digest realm="bare", nonce="0123456789abcdef0123456789abcdef", qop="auth"\r\n'

function forward(text: string, to: number, added: string): void {
  const end = text.indexOf('\r\n') + 2
  const route = line(text, 'Route:')
  const rest = route === '' ? text.slice(end) : text.slice(end).replace(route, '')
  send(`${text.slice(0, end)}${via}${branch++}\r\n${added}${rest}`, to)
}

socket.on('message', (bytes, from) => {
  const text = bytes.toString('latin1')
  if (text.startsWith('SIP/2.0')) {
    // SIPp answers with all Vias in one line.
    const start = text.indexOf('Via: ') + 5
    const next = text.slice(0, start) + text.slice(text.indexOf(', ', start) + 2)
    return send(next, Number(/127\.0\.0\.1:(\d+)/.exec(next.slice(start))![1]))
  }
  if (text.startsWith('REGISTER')) {
    if (line(text, 'Authorization:') === '') {
      return send(answer(text, '401 Unauthorized', `WWW-Authenticate: ${challenge}`), from.port)
    }
    const user = /sip:([^@]+)@/.exec(line(text, 'To:'))![1]!
    ports.set(user, from.port)
    return send(answer(text, '200 OK', line(text, 'Contact:')), from.port)
  }
  if (text.startsWith('INVITE')) {
    if (line(text, 'Proxy-Authorization:') === '') {
      return send(
        answer(text, '407 Proxy Authentication Required', `Proxy-Authenticate: ${challenge}`),
        from.port,
      )
    }
    send(answer(text, '100 Trying', ''), from.port)
    return forward(text, ports.get(/sip:([^@]+)@/.exec(text)![1]!)!, recordRoute)
  }
  if (line(text, 'Route:') === '') return undefined
  return forward(text, Number(/127\.0\.0\.1:(\d+)/.exec(text)![1]), '')
})
socket.bind(port, '127.0.0.1')
