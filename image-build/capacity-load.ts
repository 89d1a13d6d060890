/** What `image-build/capacity` has a lanline do, from outside: registrations, calls, relayed packets; each a number of times. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode } from '../src/stun/codec.ts'
import { longTermKey, signingWith } from '../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../src/stun/message.ts'
import {
  answer,
  challengeOf,
  digest,
  type RawMessage,
  RawPeer,
  request,
  token,
} from '../test/interop/raw-sip.ts'

export interface Done {
  readonly done: number
  readonly failed: number
}

export interface PhoneSettings {
  readonly name: string
  readonly password: string
  /** Of this computer, where SIP over UDP leads to the lanline. */
  readonly port: number
  /** As the lanline sees this computer. */
  readonly address: string
}

const domain = 'lanline.local'
const patienceMilliseconds = 600_000

/** As an ordinary phone describes two kinds of encoding. */
const sdpOf = (address: string): string =>
  [
    ...['v=0', `o=- 53655765 2353687637 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0'],
    ...['m=audio 40000 RTP/AVP 0 8 101', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000'],
    ...['a=rtpmap:101 telephone-event/8000', 'a=ptime:20', 'a=sendrecv', ''],
  ].join('\r\n')

const sdpHeader = 'Content-Type: application/sdp'

/** A SIP phone that retransmits nothing: what is lost has failed, and is counted. */
export class Phone {
  readonly name: string
  readonly #password: string
  readonly #peer: RawPeer
  readonly #contact: string
  readonly #sdp: string
  /** Of its registration (RFC 3261 §10.2): one Call-ID, CSeq one higher with each. */
  readonly #registration = token()
  #cseq = 0

  private constructor(settings: PhoneSettings, peer: RawPeer) {
    this.name = settings.name
    this.#password = settings.password
    this.#peer = peer
    this.#contact = `sip:${settings.name}@${settings.address}:${peer.localPort}`
    this.#sdp = sdpOf(settings.address)
  }

  static async open(settings: PhoneSettings): Promise<Phone> {
    return new Phone(settings, await RawPeer.open('udp', settings.port))
  }

  close(): void {
    this.#peer.close()
  }

  get #aor(): string {
    return `sip:${this.name}@${domain}`
  }

  #proof(challenged: RawMessage, method: string, uri: string): string {
    const challenge = challengeOf(challenged)
    const proof = digest({ user: this.name, password: this.#password, method, uri, challenge })
    return `${challenged.status === 407 ? 'Proxy-Authorization' : 'Authorization'}: ${proof}`
  }

  /** REGISTER, 401, REGISTER, 200. */
  async register(): Promise<boolean> {
    const uri = `sip:${domain}`
    const parts = (more: readonly string[]) => ({
      ...{ method: 'REGISTER', uri, from: `<${this.#aor}>`, to: `<${this.#aor}>` },
      ...{ callId: this.#registration, cseq: ++this.#cseq },
      more: [`Contact: <${this.#contact}>`, 'Expires: 3600', 'User-Agent: Phone 1.0', ...more],
    })
    const challenged = await this.#peer.ask(request(parts([])), patienceMilliseconds)
    if (challenged?.status !== 401) return false
    const proof = this.#proof(challenged, 'REGISTER', uri)
    return (await this.#peer.ask(request(parts([proof])), patienceMilliseconds))?.status === 200
  }

  /** INVITE, 407, ACK, INVITE, 180, 200, ACK, BYE, 200. The other answers by `answerCall`. */
  async call(callee: Phone): Promise<boolean> {
    const uri = `sip:${callee.name}@${domain}`
    const dialog = { from: `<${this.#aor}>`, callId: token(), tag: token() }
    const invite = (cseq: number, branch: string, more: readonly string[]): string =>
      request({
        ...{ ...dialog, method: 'INVITE', uri, to: `<${uri}>`, cseq, branch, body: this.#sdp },
        more: [`Contact: <${this.#contact}>`, 'User-Agent: Phone 1.0', sdpHeader, ...more],
      })
    const branch = `z9hG4bK${token()}`
    const challenged = await this.#peer.ask(invite(1, branch, []), patienceMilliseconds)
    if (challenged?.status !== 407) return false
    const ack = { ...dialog, method: 'ACK', to: challenged.header('To'), cseq: 1, branch }
    this.#peer.send(request({ ...ack, uri }))
    const proof = this.#proof(challenged, 'INVITE', uri)
    const proven = invite(2, `z9hG4bK${token()}`, [proof])
    const accepted = await this.#peer.ask(proven, patienceMilliseconds)
    const rang = await this.#peer.next(m => m.status === 180 && m.header('Call-ID') === dialog.callId, 0)
    if (accepted?.status !== 200) return false
    // RFC 3261 §12.1.2: the route set in reverse, the remote target is the Contact.
    const routes = accepted.headers('Record-Route').flatMap(each => each.split(/,\s*(?=<)/))
    const target = /<([^>]+)>/.exec(accepted.header('Contact'))?.[1] ?? uri
    const within = {
      ...{ ...dialog, uri: target, to: accepted.header('To') },
      more: routes.reverse().map(route => `Route: ${route}`),
    }
    this.#peer.send(request({ ...within, method: 'ACK', cseq: 2 }))
    const ended = await this.#peer.ask(request({ ...within, method: 'BYE', cseq: 3 }), patienceMilliseconds)
    this.#peer.inbox.length = 0
    return rang !== undefined && ended?.status === 200
  }

  /** Takes one call until its end. */
  async answerCall(): Promise<void> {
    const invite = await this.#peer.next(m => m.method === 'INVITE', patienceMilliseconds)
    if (invite === undefined) return
    const tag = token()
    this.#peer.send(answer(invite, 180, { tag, contact: this.#contact }))
    const accepting = answer(invite, 200, { tag, contact: this.#contact, body: this.#sdp })
    this.#peer.send(accepting.replace('Content-Length', `${sdpHeader}\r\nContent-Length`))
    const bye = await this.#peer.next(m => m.method === 'BYE', patienceMilliseconds)
    if (bye !== undefined) this.#peer.send(answer(bye, 200))
    this.#peer.inbox.length = 0
  }
}

/** Each of them one after the other, all side by side, until so many have been begun. */
async function share<Worker>(
  workers: readonly Worker[],
  count: number,
  work: (worker: Worker) => Promise<boolean>,
): Promise<Done> {
  let [begun, done] = [0, 0]
  const run = async (worker: Worker): Promise<void> => {
    while (begun < count) {
      begun++
      if (await work(worker)) done++
    }
  }
  await Promise.all(workers.map(run))
  return { done, failed: begun - done }
}

export const register = (phones: readonly Phone[], count: number): Promise<Done> =>
  share(phones, count, phone => phone.register())

export type Pair = readonly [caller: Phone, callee: Phone]

export const call = (pairs: readonly Pair[], count: number): Promise<Done> =>
  share(pairs, count, async ([caller, callee]) => {
    const [held] = await Promise.all([caller.call(callee), callee.answerCall()])
    return held
  })

const channel = 0x4000
const headerBytes = 4
const stallMilliseconds = 60_000

/** A TURN client (RFC 8656) with one allocation and one channel, and the peer behind it, which sends back what it gets. */
export class Relayed {
  readonly #client: Socket
  readonly #peer: Socket
  readonly #port: number
  readonly #answers = new Map<string, (answer: StunMessage) => void>()
  #heard: (bytes: number) => void = () => {}
  #serial = 0

  private constructor(client: Socket, peer: Socket, port: number) {
    this.#client = client
    this.#peer = peer
    this.#port = port
    peer.on('message', (bytes, from) => peer.send(bytes, from.port, from.address))
    client.on('message', bytes => {
      if (bytes[0]! >> 6 === 1) return this.#heard(bytes.readUInt16BE(2))
      const decoded = decode(bytes)
      if (decoded.kind === 'ok') this.#answers.get(hex(decoded.message.transaction))?.(decoded.message)
    })
  }

  /** `port` leads to the relay; `address` is this computer as the relay sees it, which a grant names as client and as peer. */
  static async open(
    port: number,
    address: string,
    grant: { readonly username: string; readonly credential: string },
  ): Promise<Relayed> {
    const relayed = new Relayed(await udpSocket(), await udpSocket(), port)
    const challenge = await relayed.#ask(stunType.allocateRequest, { transport: 17 })
    const { realm, nonce } = challenge
    if (realm === undefined || nonce === undefined) throw new Error('the relay does not challenge')
    const key = longTermKey('md5', grant.username, realm, grant.credential)
    const proof = { username: grant.username, realm, nonce }
    await relayed.#ask(stunType.allocateRequest, { transport: 17, lifetimeSeconds: 3_600, ...proof }, key)
    const peers = [{ address, port: relayed.#peer.address().port }]
    await relayed.#ask(stunType.channelBindRequest, { channel, peers, ...proof }, key)
    return relayed
  }

  close(): void {
    this.#client.close()
    this.#peer.close()
  }

  /** There and back are two relayed packets; so many are on their way at a time. */
  async carry(packets: number, dataBytes: number, window: number): Promise<Done> {
    const message = Buffer.alloc(headerBytes + ((dataBytes + 3) & ~3), 1)
    message.writeUInt16BE(channel, 0)
    message.writeUInt16BE(dataBytes, 2)
    const rounds = Math.ceil(packets / 2)
    const { promise, resolve } = Promise.withResolvers<void>()
    let [sent, back, lost, under] = [0, 0, 0, 0]
    const send = (): void => {
      while (under < window && sent < rounds) {
        sent++
        under++
        this.#client.send(message, this.#port, '127.0.0.1')
      }
      if (back + lost >= rounds) resolve()
    }
    const stalled = (): void => {
      lost += under
      under = 0
      send()
    }
    let timer = setTimeout(stalled, stallMilliseconds)
    this.#heard = () => {
      back++
      under = Math.max(0, under - 1)
      clearTimeout(timer)
      timer = setTimeout(stalled, stallMilliseconds)
      send()
    }
    send()
    await promise
    clearTimeout(timer)
    return { done: 2 * back, failed: 2 * lost }
  }

  async #ask(type: StunType, fields: Partial<StunMessage>, key?: Uint8Array): Promise<StunMessage> {
    const transaction = Buffer.alloc(12)
    transaction.writeUInt32BE(++this.#serial, 8)
    const signing = key === undefined ? {} : { signing: signingWith('sha1', key) }
    const bytes = encode({ type, transaction, ...fields }, signing).slice()
    const { promise, resolve, reject } = Promise.withResolvers<StunMessage>()
    const late = setTimeout(() => reject(new Error('the relay does not answer')), patienceMilliseconds)
    this.#answers.set(hex(transaction), resolve)
    this.#client.send(bytes, this.#port, '127.0.0.1')
    const answered = await promise
    clearTimeout(late)
    this.#answers.delete(hex(transaction))
    if (key !== undefined && answered.error !== undefined)
      throw new Error(`the relay refuses: ${answered.error.code}`)
    return answered
  }
}

async function udpSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1_048_576 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
