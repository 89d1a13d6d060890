/**
 * The SIP machine alone: bytes in, effects out, no sockets. What is left when this is taken from `scripts/bench sip`
 * is the kernel's and Node's.
 */
import { createHash } from 'node:crypto'
import type { Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { SipMachine } from '../../src/sip/machine.ts'
import { type Flow, type SipEffect, type SipInput, udpFlow } from '../../src/sip/message.ts'
import {
  answer,
  challengeOf,
  digest,
  RawMessage,
  type RequestParts,
  request,
  token,
} from '../interop/raw-sip.ts'

const pairs = 500
const password = 'secret'
const realm = 'lanline'
const server = { address: '127.0.0.1', port: 5060 }
const callerFlow = udpFlow(server, { address: '127.0.0.1', port: 5091 })
const calleeFlow = udpFlow(server, { address: '127.0.0.1', port: 5092 })

export interface MachineBenchOptions {
  /** How many registrations and how many calls a batch has. */
  readonly batch: number
  readonly batches: number
  readonly json: boolean
}

/** Prints microseconds of CPU in the machine for each kind of message: the median over batches of a batch's mean. */
export function benchMachine(options: MachineBenchOptions): void {
  const bench = new MachineBench()
  for (let batch = 0; batch < options.batches; batch++) {
    bench.register(options.batch)
    bench.call(options.batch)
  }
  const rows = [...bench.costs].map(([name, costs]) => {
    // The first half warms up.
    const sorted = costs.slice(costs.length >> 1).sort((a, b) => a - b)
    return { name, microseconds: sorted[sorted.length >> 1]! }
  })
  const sum = (kind: string): number =>
    rows.filter(row => row.name.startsWith(kind)).reduce((total, row) => total + row.microseconds, 0)
  const totals = { registration: sum('registration'), call: sum('call') }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ rows, totals })}\n`)
    return
  }
  for (const { name, microseconds } of rows)
    process.stdout.write(`${name.padEnd(36)} ${microseconds.toFixed(1).padStart(7)} µs\n`)
  process.stdout.write(
    `in the machine: ${totals.registration.toFixed(1)} µs a registration, ${totals.call.toFixed(1)} µs a call\nagain: scripts/bench machine\n`,
  )
}

class MachineBench {
  /** Microseconds a message, one figure a batch. */
  readonly costs = new Map<string, number[]>()
  readonly #machine: SipMachine
  #now = 1_000

  constructor() {
    const ha1 = (algorithm: string, user: string): string =>
      createHash(algorithm).update(`${user}:${realm}:${password}`).digest('hex')
    const names = Array.from({ length: 2 * pairs }, (_, index) => `u${index}`)
    const credentials = new Map(
      names.map(name => [
        name,
        { device: `d-${name}`, user: name, ha1Md5: ha1('md5', name), ha1Sha256: ha1('sha256', name) },
      ]),
    )
    this.#machine = new SipMachine({
      callLog: { ongoing: () => undefined },
      accounts: {
        byDigestUser: name => credentials.get(name),
        user: name =>
          credentials.has(name) ? { name, displayName: name, doNotDisturb: false, alsoRings: [] } : undefined,
        mayCall: () => true,
        isGuest: () => false,
        personOf: (name: string) => name,
        userOfDevice: device => credentials.get(device.slice(2))?.user,
      },
      own: { isOwnHost: host => host === '127.0.0.1' || host === 'lanline.local' },
      identity: { realm, tokenKey: new Uint8Array(32), nonceKey: new Uint8Array(32) },
      random: seededRandom(1),
      bindings: [],
      now: this.#now as Monotonic,
      domain: 'lanline.local',
    })
    this.register(2 * pairs)
  }

  register(count: number): void {
    const asked = Array.from({ length: count }, (_, index) => {
      const user = `u${index % (2 * pairs)}`
      const flow = index % (2 * pairs) < pairs ? callerFlow : calleeFlow
      const contact = `<sip:${user}@127.0.0.1:${flow.remote.port};transport=UDP>`
      const parts: RequestParts = {
        method: 'REGISTER',
        uri: 'sip:127.0.0.1:5060',
        from: `<sip:${user}@127.0.0.1>`,
        to: `<sip:${user}@127.0.0.1>`,
        callId: token(),
        more: [`Contact: ${contact}`, 'User-Agent: bench', 'Expires: 3600'],
      }
      return { user, flow, parts, text: request(parts) }
    })
    const challenges = this.#all('registration: REGISTER, 401', asked)
    const proven = asked.map(({ user, flow, parts }, index) => {
      const proof = prove(user, parts, only(challenges[index]!, 401))
      return {
        flow,
        text: request({ ...parts, cseq: 2, more: [...parts.more!, `Authorization: ${proof}`] }),
      }
    })
    for (const heard of this.#all('registration: REGISTER, 200', proven)) only(heard, 200)
  }

  call(count: number): void {
    const calls = Array.from({ length: count }, (_, index) => this.#start(index))
    const challenges = this.#all(
      'call: INVITE, 407',
      calls.map(({ parts, branch }) => ({ flow: callerFlow, text: request({ ...parts, branch }) })),
    ).map(heard => only(heard, 407))
    this.#all(
      'call: ACK',
      calls.map(({ parts, branch }, index) => {
        const to = challenges[index]!.header('To')
        return {
          flow: callerFlow,
          text: request({ ...parts, method: 'ACK', branch, to, more: [], body: '' }),
        }
      }),
    )
    const invites = this.#all(
      'call: INVITE, 100 and INVITE',
      calls.map(({ user, parts }, index) => {
        const proof = prove(user, parts, challenges[index]!)
        return {
          flow: callerFlow,
          text: request({ ...parts, cseq: 2, more: [...parts.more!, `Proxy-Authorization: ${proof}`] }),
        }
      }),
    ).map(heard => heard.find(message => message.method === 'INVITE')!)
    const mine = { tag: token(), contact: 'sip:127.0.0.1:5092;transport=UDP' }
    const fromCallee = (name: string, texts: string[]): RawMessage[][] =>
      this.#all(
        name,
        texts.map(text => ({ flow: calleeFlow, text })),
      )
    fromCallee(
      'call: 180, 180',
      invites.map(invite => answer(invite, 180, mine)),
    )
    const accepted = fromCallee(
      'call: 200, 200',
      invites.map(invite => answer(invite, 200, { ...mine, body: sdp })),
    ).map(heard => only(heard, 200))
    const inside = (method: string, cseq: number): { flow: Flow; text: string }[] =>
      calls.map(({ parts }, index) => {
        const ok = accepted[index]!
        // RFC 3261 §12.1.2: the caller takes them in reverse order.
        const routes = ok.headers('Record-Route').toReversed()
        return {
          flow: callerFlow,
          text: request({
            ...parts,
            method,
            cseq,
            uri: 'sip:127.0.0.1:5092;transport=UDP',
            to: ok.header('To'),
            more: routes.map(value => `Route: ${value}`),
            body: '',
          }),
        }
      })
    this.#all('call: ACK, ACK', inside('ACK', 2))
    const byes = this.#all('call: BYE, BYE', inside('BYE', 3)).map(
      heard => heard.find(message => message.method === 'BYE')!,
    )
    for (const heard of fromCallee(
      'call: 200, 200 (BYE)',
      byes.map(bye => answer(bye, 200)),
    ))
      only(heard, 200)
  }

  #start(index: number): { user: string; parts: RequestParts; branch: string } {
    const [user, to] = [`u${index % pairs}`, `u${pairs + (index % pairs)}`]
    const contact = `Contact: <sip:${user}@127.0.0.1:5091;transport=UDP>`
    const parts: RequestParts = {
      method: 'INVITE',
      uri: `sip:${to}@127.0.0.1:5060`,
      from: `<sip:${user}@127.0.0.1>`,
      to: `<sip:${to}@127.0.0.1>`,
      callId: token(),
      tag: token(),
      more: [contact, 'User-Agent: bench', 'Content-Type: application/sdp'],
      body: sdp,
    }
    return { user, parts, branch: `z9hG4bK${token()}` }
  }

  /** Gives the machine one message after the other; what each makes it send. Only the machine's time is counted. */
  #all(name: string, messages: readonly { flow: Flow; text: string }[]): RawMessage[][] {
    const inputs = messages.map(({ flow, text }) => ({
      kind: 'received' as const,
      flow,
      bytes: Buffer.from(text),
    }))
    // Not the time that passed: what else the machine does would be in it.
    const start = process.threadCpuUsage()
    const effects = inputs.map(input => this.#handle(input))
    const { user, system } = process.threadCpuUsage(start)
    const microseconds = (user + system) / messages.length
    this.costs.set(name, [...(this.costs.get(name) ?? []), microseconds])
    return effects.map(each =>
      each.flatMap(effect =>
        effect.kind === 'send' ? [new RawMessage(Buffer.from(effect.bytes).toString('latin1'))] : [],
      ),
    )
  }

  /** What is to be written is written, timers due fire. */
  #handle(input: SipInput): SipEffect[] {
    // Between messages about what passes on a busy exchange, so that the tables have their usual size.
    this.#now += 0.5
    const now = this.#now as Monotonic
    const effects = this.#machine.handle(input, now)
    for (const effect of effects) {
      if (effect.kind === 'saveBindings' && effect.ticket !== undefined) {
        effects.push(...this.#machine.handle({ kind: 'saved', ticket: effect.ticket }, now))
      }
    }
    const next = this.#machine.nextWakeup()
    if (next !== undefined && next <= now) effects.push(...this.#machine.wake(now))
    return effects
  }
}

function prove(user: string, parts: RequestParts, challenge: RawMessage): string {
  return digest({ user, password, method: parts.method, uri: parts.uri, challenge: challengeOf(challenge) })
}

/** The answer of that status. The load is made for it: anything else is a fault here or there. */
function only(heard: readonly RawMessage[], status: number): RawMessage {
  const found = heard.find(message => message.status === status)
  if (found === undefined) throw new Error(`wanted ${status}, got:\n${heard.map(m => m.text).join('\n')}`)
  return found
}

const sdp = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 6000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n')
