/**
 * Two SIP telephones over UDP for tests of an installed lanline, nothing of whose code is in them: `desk` registers and
 * answers, `hall` calls it. `phone.ts ADDRESS`; then a word a line on stdin, and an answer a line on stdout:
 *   register PASSWORD  desk registers for an hour
 *   call PASSWORD      hall calls desk, desk answers, hall hangs up
 */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

const server = process.argv[2]!
const port = 5060
const patienceMilliseconds = 4_000
const retransmitMilliseconds = 500
/** Long enough for a capture to begin. */
const talkMilliseconds = 2_000

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const token = (): string => randomBytes(6).toString('hex')
const field = (text: string, name: string): string =>
  new RegExp(`^${name}:[ \\t]*(.*?)\\r?$`, 'im').exec(text)?.[1] ?? ''
const fields = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)\\r?$`, 'gim'))].map(match => match[1]!)
const header = (name: string, text: string): string => `${name}: ${field(text, name)}`
const statusOf = (text: string): number => Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0)

class Phone {
  readonly user: string
  readonly #socket: Socket
  readonly #hear: ((text: string) => void)[] = []
  #local = ''

  constructor(user: string) {
    this.user = user
    this.#socket = createSocket('udp4')
    this.#socket.on('message', bytes => {
      const text = bytes.toString()
      for (const hear of [...this.#hear]) hear(text)
    })
  }

  async open(): Promise<void> {
    await new Promise<void>(resolve => this.#socket.connect(port, server, resolve))
    const { address, port: own } = this.#socket.address()
    this.#local = `${address}:${own}`
  }

  /** Answers every INVITE and BYE. */
  answer(): void {
    this.#hear.push(text => {
      const [method] = text.split(' ', 1)
      if (method !== 'INVITE' && method !== 'BYE') return
      const sdp = method === 'INVITE' ? this.#sdp() : ''
      const copied = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap(name =>
        fields(text, name).map(value => `${name}: ${value}`),
      )
      const to = field(text, 'To')
      this.#send(
        [
          'SIP/2.0 200 OK',
          ...copied,
          `To: ${to.includes(';tag=') ? to : `${to};tag=desk${field(text, 'Call-ID').length}`}`,
        ],
        sdp,
      )
    })
  }

  register(password: string): Promise<string> {
    const headers = [`Contact: <sip:${this.user}@${this.#local}>`, 'Expires: 3600']
    return this.#authenticated('REGISTER', `sip:${server}`, this.user, password, headers, '')
  }

  async call(other: string, password: string): Promise<string> {
    const contact = `Contact: <sip:${this.user}@${this.#local}>`
    const answer = await this.#authenticated(
      'INVITE',
      `sip:${other}@${server}`,
      other,
      password,
      [contact],
      this.#sdp(),
    )
    const status = statusOf(answer)
    if (status !== 200) return `INVITE ${status || 'unanswered'}`
    const target = /<([^>]+)>/.exec(field(answer, 'Contact'))?.[1] ?? `sip:${other}@${server}`
    const routes = fields(answer, 'Record-Route')
      .reverse()
      .map(route => `Route: ${route}`)
    const dialog = [
      ...routes,
      `From: ${field(answer, 'From')}`,
      `To: ${field(answer, 'To')}`,
      `Call-ID: ${field(answer, 'Call-ID')}`,
    ]
    const number = Number.parseInt(field(answer, 'CSeq'), 10)
    this.#send(
      [`ACK ${target} SIP/2.0`, this.#via(), ...dialog, `CSeq: ${number} ACK`, 'Max-Forwards: 70'],
      '',
    )
    await wait(talkMilliseconds)
    const bye = [
      `BYE ${target} SIP/2.0`,
      this.#via(),
      ...dialog,
      `CSeq: ${number + 1} BYE`,
      'Max-Forwards: 70',
    ]
    return `INVITE 200, BYE ${statusOf(await this.#ask(bye, ''))}`
  }

  /** The final answer, after the challenge (RFC 3261 §22). */
  async #authenticated(
    method: string,
    uri: string,
    to: string,
    password: string,
    headers: readonly string[],
    body: string,
  ): Promise<string> {
    const callId = `Call-ID: ${token()}`
    const from = `From: <sip:${this.user}@${server}>;tag=${token()}`
    const request = (number: number, more: readonly string[]): string[] => [
      ...[`${method} ${uri} SIP/2.0`, this.#via(), from, `To: <sip:${to}@${server}>`, callId],
      ...[`CSeq: ${number} ${method}`, 'Max-Forwards: 70', ...headers, ...more],
    ]
    const first = await this.#ask(request(1, []), body)
    const asks = statusOf(first)
    if (asks !== 401 && asks !== 407) return first
    if (method === 'INVITE')
      this.#send(
        [
          `ACK ${uri} SIP/2.0`,
          header('Via', first),
          from,
          `To: ${field(first, 'To')}`,
          callId,
          'CSeq: 1 ACK',
          'Max-Forwards: 70',
        ],
        '',
      )
    const challenge = fields(first, asks === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate').find(
      one => !/algorithm="?SHA/i.test(one),
    )
    const part = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge ?? '')?.[1] ?? ''
    const ha1 = md5(`${this.user}:${part('realm')}:${password}`)
    const response = md5(`${ha1}:${part('nonce')}:00000001:c0ffee:auth:${md5(`${method}:${uri}`)}`)
    const credentials = `Digest username="${this.user}", realm="${part('realm')}", nonce="${part('nonce')}", uri="${uri}", response="${response}", qop=auth, nc=00000001, cnonce="c0ffee", algorithm=MD5`
    return this.#ask(
      request(2, [`${asks === 401 ? 'Authorization' : 'Proxy-Authorization'}: ${credentials}`]),
      body,
    )
  }

  /** Sends until a final answer of this transaction comes; an empty string when none does. */
  #ask(lines: readonly string[], body: string): Promise<string> {
    const branch = /branch=(\w+)/.exec(lines.find(line => line.startsWith('Via:'))!)![1]!
    return new Promise(resolve => {
      const finish = (text: string): void => {
        clearInterval(again)
        clearTimeout(late)
        this.#hear.splice(this.#hear.indexOf(hear), 1)
        resolve(text)
      }
      const hear = (text: string): void => {
        if (text.includes(`branch=${branch}`) && statusOf(text) >= 200) finish(text)
      }
      this.#hear.push(hear)
      const again = setInterval(() => this.#send(lines, body), retransmitMilliseconds)
      const late = setTimeout(() => finish(''), patienceMilliseconds)
      this.#send(lines, body)
    })
  }

  #send(lines: readonly string[], body: string): void {
    const type = body === '' ? [] : ['Content-Type: application/sdp']
    this.#socket.send([...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n'), () => {})
  }

  #via(): string {
    return `Via: SIP/2.0/UDP ${this.#local};branch=z9hG4bK${token()};rport`
  }

  /** Of a phone that knows ICE: only such a call's packets can be told from others, so only it is captured. */
  #sdp(): string {
    const address = this.#local.split(':')[0]
    const lines = [
      ...['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0'],
      ...['m=audio 40000 RTP/AVP 0', `a=ice-ufrag:${token()}`, `a=ice-pwd:${token()}${token()}`],
      `a=candidate:1 1 UDP 2130706431 ${address} 40000 typ host`,
    ]
    return lines.map(line => `${line}\r\n`).join('')
  }
}

const desk = new Phone('desk')
const hall = new Phone('hall')
await desk.open()
await hall.open()
desk.answer()
for await (const line of createInterface(process.stdin)) {
  const [word, password = ''] = line.split(' ')
  const answer =
    word === 'register'
      ? `REGISTER ${statusOf(await desk.register(password)) || 'unanswered'}`
      : await hall.call('desk', password)
  process.stdout.write(`${answer}\n`)
}
process.exit()
