/**
 * A household that keeps an appliance busy from outside: people come, change and go, devices are enrolled and revoked,
 * settings change, phones register at ever new places, calls are made. Whatever is answered goes into the ledger.
 */
import { once } from 'node:events'
import { Agent, request as httpsRequest } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { Enrolment } from '../../src/admin/message.ts'
import { ChannelClient } from '../../test/interop/channel.ts'
import { challengeOf, digest, RawPeer, request, token } from '../../test/interop/raw-sip.ts'
import { sdp } from '../../test/interop/reporting.ts'
import type { Ledger } from './ledger.ts'

export interface Doors {
  /** Of this computer. */
  readonly https: number
  readonly sipUdp: number
  readonly sipTcp: number
}

export interface Deps {
  readonly doors: Doors
  readonly ledger: Ledger
  /** The length of the log of writes now. */
  readonly logBytes: () => number
}

export const owner = { user: 'olivia', password: 'ten letters or so' }
const domain = 'lanline.local'
const patienceMilliseconds = 120_000
/**
 * The row of a call is written within a tenth of a second after the last of several changes, and nobody is told; so long
 * after its end it must be there, however slow the machine is.
 */
const callWrittenMilliseconds = 5_000
/** Of one phone at a time; the registrar allows ten. */
const contactsAtOnce = 6
/** Of one person; there is a limit. */
const devicesEach = 10

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field where it matters
  readonly body: any
}

/** Keeps its connections, since each handshake costs a slow machine more than what is asked. */
export class Console {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 6, rejectUnauthorized: false })
  readonly #port: number
  #headers: Record<string, string> = {}

  constructor(port: number) {
    this.#port = port
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answered & { cookies: string[] }> {
    const sent = httpsRequest({
      ...{ agent: this.#agent, host: '127.0.0.1', port: this.#port, method, path: `/api/v1${path}` },
      ...{ timeout: patienceMilliseconds },
      headers: { host: domain, 'content-type': 'application/json', ...this.#headers },
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = await once(sent, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const cookies: string[] = answer.headers['set-cookie'] ?? []
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text), cookies }
  }

  async claim(): Promise<void> {
    const wish = { place: 'Mill', displayName: 'Olivia', password: owner.password }
    this.#use(await this.ask('POST', '/setup', wish), 201)
  }

  async logIn(): Promise<void> {
    this.#use(await this.ask('POST', '/session', owner), 200)
  }

  close(): void {
    this.#agent.destroy()
  }

  #use(answer: Answered & { cookies: string[] }, status: number): void {
    if (answer.status !== status)
      throw new Error(`login or claim: ${answer.status} ${JSON.stringify(answer.body)}`)
    const cookie = answer.cookies.map(line => line.split(';', 1)[0]).join('; ')
    this.#headers = { cookie, 'x-csrf-token': (answer.body.session ?? answer.body).csrfToken }
  }
}

/** What failed, by what was done: an answer that is none or another; not what the test is about, but it must be rare. */
export type Failures = Map<string, number>

export async function keepBusy(deps: Deps, milliseconds: number): Promise<Failures> {
  const console = new Console(deps.doors.https)
  await console.logIn()
  const failures: Failures = new Map()
  const until = performance.now() + milliseconds
  const run = async (name: string, step: () => Promise<void>): Promise<void> => {
    while (performance.now() < until) {
      await step().catch((error: Error) => {
        const what = `${name}: ${error.message}`
        failures.set(what, (failures.get(what) ?? 0) + 1)
        return pause(200)
      })
    }
  }
  const house = new Household(deps, console)
  const phones = await Promise.all([house.phone('udp'), house.phone('udp'), house.phone('tcp')])
  const callers = await house.callers()
  await Promise.all([
    run('people', () => house.person()),
    run('devices', () => house.device()),
    run('settings', () => house.setting()),
    ...phones.map(phone => run(`SIP over ${phone.transport}`, () => phone.step())),
    run('calls', () => callers.step()),
  ])
  await callers.over()
  for (const end of [console, callers, ...phones]) end.close()
  return failures
}

class Household {
  readonly #deps: Deps
  readonly #console: Console
  #count = 0
  readonly #people: string[] = []
  readonly #devices: string[] = []
  #holder = ''

  constructor(deps: Deps, console: Console) {
    this.#deps = deps
    this.#console = console
  }

  /** Most stay as they came. */
  async person(): Promise<void> {
    const number = ++this.#count
    const name = `person-${number}`
    await this.#change(`person:${name}`, name, 'POST', '/users', { name, displayName: name })
    this.#people.push(name)
    if (number % 3 === 0) {
      const displayName = `${name} the second`
      await this.#change(`person:${name}`, displayName, 'PATCH', `/users/${name}`, { displayName })
    }
    if (number % 8 === 0) {
      const gone = this.#people.splice(number % this.#people.length, 1)[0]!
      await this.#change(`person:${gone}`, undefined, 'DELETE', `/users/${gone}`)
    }
  }

  /** A device's id is known once it is there. */
  async device(): Promise<void> {
    if (this.#devices.length % devicesEach === 0) {
      this.#holder = `holder-${++this.#count}`
      const wish = { name: this.#holder, displayName: this.#holder }
      await this.#change(`person:${this.#holder}`, this.#holder, 'POST', '/users', wish)
    }
    const { device } = await this.#enrol(this.#holder, `Device ${this.#devices.length}`)
    this.#devices.push(device)
    if (this.#devices.length % 5 > 0) return
    const gone = this.#devices.at(-3)!
    await this.#change(`device:${gone}`, undefined, 'DELETE', `/devices/${gone}`)
  }

  async setting(): Promise<void> {
    const place = `Mill ${++this.#count}`
    await this.#change('setting:place', place, 'PATCH', '/settings', { place })
  }

  async phone(transport: 'udp' | 'tcp'): Promise<Phone> {
    const name = `phone-${++this.#count}`
    const password = `${name}-password`
    const wish = { name, displayName: name, sipPassword: password }
    await this.#change(`person:${name}`, name, 'POST', '/users', wish)
    const { sipTcp, sipUdp } = this.#deps.doors
    const peer = await RawPeer.open(transport, transport === 'udp' ? sipUdp : sipTcp)
    return new Phone(this.#deps, peer, name, password)
  }

  async callers(): Promise<Callers> {
    const open = async (name: string): Promise<ChannelClient> => {
      await this.#change(`person:${name}`, name, 'POST', '/users', { name, displayName: name })
      const { token } = await this.#enrol(name, 'App')
      const channel = await ChannelClient.openTls(this.#deps.doors.https, domain)
      channel.say({ type: 'hello', token, client: 'test', tab: 'one', resume: [] })
      if (!(await channel.next('welcome', patienceMilliseconds))) throw new Error(`${name} is not welcome`)
      return channel
    }
    return new Callers(this.#deps, await open('alice'), await open('bob'))
  }

  async #enrol(user: string, deviceName: string): Promise<Enrolment> {
    const wish = { user, displayName: user, deviceName, kind: 'app' }
    const answer = await this.#console.ask('POST', '/devices', wish)
    if (answer.status !== 201) throw new Error(`POST /devices ${answer.status}`)
    const enrolment = answer.body as Enrolment
    this.#deps.ledger.seen(`device:${enrolment.device}`, user, this.#deps.logBytes())
    return enrolment
  }

  async #change(
    key: string,
    value: string | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<void> {
    const promised = this.#deps.ledger.wish(key, value)
    const { status } = await this.#console.ask(method, path, body)
    const at = this.#deps.logBytes()
    if (status < 200 || status > 299) throw new Error(`${method} /${path.split('/')[1]} ${status}`)
    promised(at)
  }
}

/** Registers at ever new contacts, and takes the oldest back. */
class Phone {
  readonly transport: 'udp' | 'tcp'
  readonly #deps: Deps
  readonly #peer: RawPeer
  readonly #name: string
  readonly #password: string
  readonly #callId = token()
  readonly #contacts: string[] = []
  #cseq = 0
  #count = 0

  constructor(deps: Deps, peer: RawPeer, name: string, password: string) {
    this.#deps = deps
    this.#peer = peer
    this.#name = name
    this.#password = password
    this.transport = peer.transport as 'udp' | 'tcp'
  }

  async step(): Promise<void> {
    const contact = `${this.#name}-at-${++this.#count}`
    await this.#register(contact, 3_600)
    this.#contacts.push(contact)
    if (this.#contacts.length > contactsAtOnce) await this.#register(this.#contacts.shift()!, 0)
  }

  close(): void {
    this.#peer.close()
  }

  async #register(contact: string, seconds: number): Promise<void> {
    const promised = this.#deps.ledger.wish(`binding:${contact}`, seconds > 0 ? this.#name : undefined)
    const more = [
      `Contact: <sip:${contact}@10.0.2.2:${this.#peer.localPort};transport=${this.transport}>`,
      `Expires: ${seconds}`,
    ]
    let answer = await this.#ask(more)
    // A connection that has shown its password is not asked again.
    if (answer?.status === 401) {
      const asked = { user: this.#name, password: this.#password, method: 'REGISTER', uri: `sip:${domain}` }
      const proof = digest({ ...asked, challenge: challengeOf(answer) })
      answer = await this.#ask([...more, `Authorization: ${proof}`])
    }
    const at = this.#deps.logBytes()
    if (answer?.status !== 200) throw new Error(`REGISTER ${answer?.status ?? 'unanswered'}`)
    promised(at)
  }

  #ask(more: readonly string[]) {
    const aor = `<sip:${this.#name}@${domain}>`
    const common = { method: 'REGISTER', uri: `sip:${domain}`, from: aor, to: aor, callId: this.#callId }
    const text = request({ ...common, cseq: ++this.#cseq, transport: this.transport, more })
    return this.#peer.ask(text, patienceMilliseconds)
  }
}

/** One calls the other, who answers; then they hang up. No media: to the exchange it is a call like any other. */
class Callers {
  readonly #deps: Deps
  readonly #caller: ChannelClient
  readonly #callee: ChannelClient
  readonly #written: Promise<void>[] = []
  #count = 0

  constructor(deps: Deps, caller: ChannelClient, callee: ChannelClient) {
    this.#deps = deps
    this.#caller = caller
    this.#callee = callee
  }

  async step(): Promise<void> {
    const ref = `r${++this.#count}`
    for (const end of [this.#caller, this.#callee]) end.say({ type: 'ping', id: this.#count })
    this.#caller.say({ type: 'call', ref, to: 'bob', sdp: sdp('AA'), video: false })
    const call = String((await this.#told(this.#caller, 'calling')).call)
    const promised = this.#deps.ledger.wish(`call:${call}`, 'ended')
    await this.#told(this.#callee, 'incoming')
    this.#callee.say({ type: 'answer', call, sdp: sdp('BB') })
    await this.#told(this.#caller, 'answered')
    this.#caller.say({ type: 'bye', call, reason: 'hangup' })
    await Promise.all([this.#told(this.#caller, 'ended'), this.#told(this.#callee, 'ended')])
    this.#written.push(pause(callWrittenMilliseconds).then(() => promised(this.#deps.logBytes())))
    await pause(150)
  }

  /** Resolves when the last call must have been written. */
  async over(): Promise<void> {
    await Promise.all(this.#written)
  }

  close(): void {
    this.#caller.close()
    this.#callee.close()
  }

  async #told(end: ChannelClient, type: string) {
    const told = await end.next(type, patienceMilliseconds)
    if (told === undefined) throw new Error(`no ${type}`)
    return told
  }
}
