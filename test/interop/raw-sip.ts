/**
 * A SIP peer made of plain sockets and text, for saying what no decent phone would say. Nothing here is lanline's own
 * code: what it builds and understands is the peer's view of the wire.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import WebSocket from 'ws'

export type RawTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** A message as text, with the little of it that tests ask for. */
export class RawMessage {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The status of a response, 0 for a request. */
  get status(): number {
    return Number(/^SIP\/2\.0 (\d{3})/.exec(this.text)?.[1] ?? 0)
  }

  get method(): string {
    return this.status > 0 ? '' : (this.text.split(' ', 1)[0] ?? '')
  }

  get uri(): string {
    return this.text.split(' ', 2)[1] ?? ''
  }

  headers(name: string): string[] {
    const head = this.text.split('\r\n\r\n', 1)[0]!
    return head
      .split('\r\n')
      .slice(1)
      .filter(line => line.slice(0, line.indexOf(':')).trim().toLowerCase() === name.toLowerCase())
      .map(line => line.slice(line.indexOf(':') + 1).trim())
  }

  header(name: string): string {
    return this.headers(name)[0] ?? ''
  }

  get body(): string {
    const at = this.text.indexOf('\r\n\r\n')
    return at < 0 ? '' : this.text.slice(at + 4)
  }
}

/** One socket to the server; messages wait in `inbox` until somebody asks for them. */
export class RawPeer {
  readonly transport: RawTransport
  readonly inbox: RawMessage[] = []
  /** Keep-alive answers and other bytes that are no messages. */
  other = 0
  closed = false
  #write: (bytes: Uint8Array | string) => void = () => {}
  #end: () => void = () => {}
  #waiting: (() => void)[] = []
  #stream = ''
  localPort = 0

  private constructor(transport: RawTransport) {
    this.transport = transport
  }

  /** Over UDP from an address and port of its own, if told. */
  static async open(
    transport: RawTransport,
    port: number,
    localPort = 0,
    localAddress = '127.0.0.1',
  ): Promise<RawPeer> {
    const peer = new RawPeer(transport)
    if (transport === 'udp') await peer.#openUdp(port, localPort, localAddress)
    else if (transport === 'ws' || transport === 'wss') await peer.#openWebSocket(port)
    else await peer.#openStream(port)
    return peer
  }

  send(message: Uint8Array | string): void {
    this.#write(message)
  }

  close(): void {
    this.#end()
  }

  /** The first message waiting or coming that `wanted` takes; undefined after `milliseconds`, or once closed. */
  async next(
    wanted: (message: RawMessage) => boolean = () => true,
    milliseconds = 5_000,
  ): Promise<RawMessage | undefined> {
    const deadline = performance.now() + milliseconds
    for (;;) {
      const index = this.inbox.findIndex(wanted)
      if (index >= 0) return this.inbox.splice(index, 1)[0]
      const left = deadline - performance.now()
      if (left <= 0 || this.closed) return undefined
      await this.#change(left)
    }
  }

  /** Resolves to true when the server closes the connection within the time. */
  async untilClosed(milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds
    while (!this.closed && performance.now() < deadline) await this.#change(deadline - performance.now())
    return this.closed
  }

  /** Sends a request; its final response (100 is passed over, 1xx too). */
  async ask(request: string, milliseconds = 5_000): Promise<RawMessage | undefined> {
    const callId = new RawMessage(request).header('Call-ID')
    const cseq = new RawMessage(request).header('CSeq')
    this.send(request)
    return this.next(
      m => m.status >= 200 && m.header('Call-ID') === callId && m.header('CSeq') === cseq,
      milliseconds,
    )
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #ended(): void {
    this.closed = true
    this.#changed()
  }

  async #openUdp(port: number, localPort: number, localAddress: string): Promise<void> {
    const socket = createSocket('udp4')
    socket.on('message', bytes => {
      const text = bytes.toString('latin1')
      if (text.trim() === '') this.other++
      else this.inbox.push(new RawMessage(text))
      this.#changed()
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(localPort, localAddress, resolve)
    })
    socket.on('error', () => {})
    this.localPort = socket.address().port
    this.#write = bytes => socket.send(bytes, port, '127.0.0.1')
    this.#end = () => {
      if (!this.closed) socket.close()
      this.#ended()
    }
  }

  async #openStream(port: number): Promise<void> {
    const socket: Socket = await new Promise((resolve, reject) => {
      const opened: Socket =
        this.transport === 'tls'
          ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(opened))
          : connectTcp({ port, host: '127.0.0.1' }, () => resolve(opened))
      opened.once('error', reject)
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#ended())
    socket.on('data', bytes => this.#takeStream(bytes.toString('latin1')))
    this.localPort = socket.localPort ?? 0
    this.#write = bytes => void socket.write(bytes)
    this.#end = () => socket.destroy()
  }

  async #openWebSocket(port: number): Promise<void> {
    const socket = new WebSocket(`${this.transport}://localhost:${port}/sip`, 'sip', {
      rejectUnauthorized: false,
      lookup: ((_host: string, options: { all?: boolean }, done: (...values: unknown[]) => void) =>
        options.all
          ? done(null, [{ address: '127.0.0.1', family: 4 }])
          : done(null, '127.0.0.1', 4)) as never,
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#ended())
    socket.on('message', data => {
      const text = data.toString()
      if (text.trim() === '') this.other++
      else this.inbox.push(new RawMessage(text))
      this.#changed()
    })
    this.#write = bytes => socket.send(bytes)
    this.#end = () => socket.terminate()
  }

  #takeStream(text: string): void {
    this.#stream += text
    for (;;) {
      while (this.#stream.startsWith('\r\n')) {
        this.#stream = this.#stream.slice(2)
        this.other++
      }
      const end = this.#stream.indexOf('\r\n\r\n')
      if (end < 0) break
      const length = Number(/^Content-Length\s*:\s*(\d+)/im.exec(this.#stream.slice(0, end))?.[1] ?? 0)
      if (this.#stream.length < end + 4 + length) break
      this.inbox.push(new RawMessage(this.#stream.slice(0, end + 4 + length)))
      this.#stream = this.#stream.slice(end + 4 + length)
    }
    this.#changed()
  }
}

export interface RequestParts {
  readonly method: string
  readonly uri: string
  readonly from: string
  readonly to: string
  readonly callId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly tag?: string
  readonly transport?: RawTransport
  /** Whole further header lines. */
  readonly more?: readonly string[]
  readonly body?: string
}

export const token = (): string => randomBytes(8).toString('hex')

/** A well-formed request; `from` and `to` are what stands in those headers, `from` without its tag. */
export function request(parts: RequestParts): string {
  const via = (parts.transport ?? 'udp').toUpperCase()
  const body = parts.body ?? ''
  return [
    `${parts.method} ${parts.uri} SIP/2.0`,
    `Via: SIP/2.0/${via} raw.invalid;branch=${parts.branch ?? `z9hG4bK${token()}`};rport`,
    `From: ${parts.from};tag=${parts.tag ?? token()}`,
    `To: ${parts.to}`,
    `Call-ID: ${parts.callId ?? token()}`,
    `CSeq: ${parts.cseq ?? 1} ${parts.method}`,
    'Max-Forwards: 70',
    ...(parts.more ?? []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

/** The parameters of a Digest challenge. */
export function challengeOf(message: RawMessage): Readonly<Record<string, string>> {
  const value = message.header('WWW-Authenticate') || message.header('Proxy-Authenticate')
  return Object.fromEntries(
    [...value.matchAll(/(\w[\w-]*)=(?:"([^"]*)"|([^\s,]+))/g)].map(match => [
      match[1]!.toLowerCase(),
      match[2] ?? match[3] ?? '',
    ]),
  )
}

export interface DigestParts {
  readonly user: string
  readonly password: string
  readonly method: string
  readonly uri: string
  readonly challenge: Readonly<Record<string, string>>
  readonly nc?: number
  readonly cnonce?: string
}

/** The value of Authorization or Proxy-Authorization (RFC 2617 §3.2.2, MD5, qop=auth). */
export function digest(parts: DigestParts): string {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const { realm = '', nonce = '' } = parts.challenge
  const nc = (parts.nc ?? 1).toString(16).padStart(8, '0')
  const cnonce = parts.cnonce ?? token()
  const ha1 = md5(`${parts.user}:${realm}:${parts.password}`)
  const ha2 = md5(`${parts.method}:${parts.uri}`)
  const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`)
  return `Digest username="${parts.user}", realm="${realm}", nonce="${nonce}", uri="${parts.uri}", response="${response}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"`
}

/** An answer to a request: what RFC 3261 §8.2.6 has copied, and Record-Route. */
export function answer(
  to: RawMessage,
  status: number,
  parts: { readonly tag?: string; readonly contact?: string; readonly body?: string } = {},
): string {
  const body = parts.body ?? ''
  const copied = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap(name =>
    to.headers(name).map(value => `${name}: ${value}`),
  )
  const tag = parts.tag === undefined || to.header('To').includes(';tag=') ? '' : `;tag=${parts.tag}`
  return [
    `SIP/2.0 ${status} Answer`,
    ...copied,
    `To: ${to.header('To')}${tag}`,
    ...(parts.contact === undefined ? [] : [`Contact: <${parts.contact}>`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
