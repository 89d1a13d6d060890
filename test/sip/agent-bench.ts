import { expect } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { type AgentOutput, HostedAgents } from '../../src/sip/agent.ts'
import { callKey, first, parseCSeq, response, tagOf } from '../../src/sip/codec.ts'
import type { AgentCommand, AgentEvent, HeaderField, SipMessage, SipRequest } from '../../src/sip/message.ts'
import { withField } from './writing.ts'

export const sdpOf = (version: number, media = 'audio'): string =>
  `v=0\r\no=- ${version} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u${version}\r\na=ice-pwd:secret${version}\r\n` +
  `m=${media} 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n`
export const trickle: HeaderField[] = [{ name: 'Recv-Info', value: 'trickle-ice' }]
export const contact: HeaderField = { name: 'Contact', value: '<sip:bob@10.0.0.2:5060>' }
export const sdpType: HeaderField = { name: 'Content-Type', value: 'application/sdp' }

/** Agents with nobody around them: what they send is looked at, what they get is written by hand. */
export class Bench {
  now = 0
  agents: HostedAgents
  out: AgentOutput[] = []

  constructor(key = 1) {
    this.agents = new HostedAgents({
      random: seededRandom(7),
      tokenKey: new Uint8Array(32).fill(key),
      domain: 'lanline.local',
      personOf: name => name,
      personAt: ({ user, host }) => (host.endsWith('.example') ? undefined : user),
    })
  }

  command(command: AgentCommand, device = 'd1'): this {
    this.out = this.agents.command(device, command, this.now as Monotonic)
    return this
  }

  attach(user = 'alice', device = 'd1'): this {
    const [remote, local] = [
      { address: '10.0.0.9', port: 1 },
      { address: '10.0.0.1', port: 443 },
    ]
    const userAgent = 'page'
    return this.command({ kind: 'attach', user, displayName: 'Alice', userAgent, remote, local }, device)
  }

  receive(message: SipMessage, device = 'd1'): this {
    this.out = this.agents.receive(device, message, this.now as Monotonic)
    return this
  }

  /** Lets time pass; `out` is everything that happened. */
  pass(milliseconds: number): this {
    const end = this.now + milliseconds
    const all: AgentOutput[] = []
    for (let at = this.agents.nextWakeup(); at !== undefined && at <= end; at = this.agents.nextWakeup()) {
      this.now = at
      all.push(...this.agents.wake(at))
    }
    this.now = end
    this.out = all
    return this
  }

  get sent(): SipMessage[] {
    return this.out.flatMap(output => (output.kind === 'message' ? [output.message] : []))
  }

  get requests(): SipRequest[] {
    return this.sent.filter(message => message.kind === 'request')
  }

  get methods(): string[] {
    return this.requests.map(request => request.method)
  }

  get statuses(): number[] {
    return this.sent.flatMap(message => (message.kind === 'response' ? [message.status] : []))
  }

  get events(): AgentEvent[] {
    return this.out.flatMap(output => (output.kind === 'event' ? [output.event] : []))
  }

  event<Kind extends AgentEvent['kind']>(kind: Kind): Extract<AgentEvent, { kind: Kind }> {
    const found = this.events.find(event => event.kind === kind)
    if (found === undefined) expect.unreachable(`no ${kind} in ${this.events.map(event => event.kind)}`)
    return found as Extract<AgentEvent, { kind: Kind }>
  }

  /** Rings and answers of Bob to a request of the agent. */
  answer(
    request: SipRequest,
    status: number,
    o: { tag?: string; extra?: HeaderField[]; sdp?: string } = {},
  ): this {
    const extra = [contact, ...(o.sdp === undefined ? [] : [sdpType]), ...(o.extra ?? [])]
    const made = response(request, status, 'X', extra, o.tag ?? 'bobs')
    return this.receive({ ...made, body: Buffer.from(o.sdp ?? '') })
  }

  invite(): { call: string; request: SipRequest } {
    this.command({ kind: 'invite', ref: 'r', to: 'bob', sdp: sdpOf(1), video: false })
    return { call: this.event('calling').call, request: this.requests[0]! }
  }

  /** A call of the agent's that Bob answered. */
  established(extra: HeaderField[] = trickle): { call: string; invite: SipRequest; token: string } {
    const { call, request } = this.attach().invite()
    const routes = [{ name: 'Record-Route', value: '<sip:a@lanline.local;lr>, <sip:b@lanline.local;lr>' }]
    this.answer(request, 200, { sdp: sdpOf(2), extra: [...routes, ...extra] })
    return { call, invite: request, token: this.event('dialog').token }
  }

  /** A request of Bob's inside the dialog of a call the agent made. */
  inside(
    invite: SipRequest,
    method: string,
    seq: number,
    o: { extra?: HeaderField[]; body?: string } = {},
  ): SipRequest {
    const agent = first(invite, 'From')!
    return {
      kind: 'request',
      method,
      uri: 'sip:d1@hosted.invalid',
      headers: [
        { name: 'Via', value: `SIP/2.0/TCP proxy;branch=z9hG4bK${method}${seq}` },
        { name: 'From', value: '<sip:bob@lanline.local>;tag=bobs' },
        { name: 'To', value: agent },
        { name: 'Call-ID', value: first(invite, 'Call-ID')! },
        { name: 'CSeq', value: `${seq} ${method}` },
        ...(o.extra ?? []),
      ],
      body: Buffer.from(o.body ?? ''),
    }
  }

  /** An INVITE of Bob's to the agent. */
  incoming(o: { body?: string; extra?: HeaderField[]; callId?: string } = {}): {
    request: SipRequest
    call: string
  } {
    const request: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: 'sip:d1@hosted.invalid',
      headers: [
        { name: 'Via', value: 'SIP/2.0/TCP proxy;branch=z9hG4bKi1' },
        { name: 'Record-Route', value: '<sip:a@lanline.local;lr>' },
        { name: 'From', value: '"Bob" <sip:bob@lanline.local>;tag=bobs' },
        { name: 'To', value: '<sip:alice@lanline.local>' },
        { name: 'Call-ID', value: o.callId ?? 'call of bob' },
        { name: 'CSeq', value: '1 INVITE' },
        contact,
        ...(o.body === '' ? [] : [sdpType]),
        ...(o.extra ?? []),
      ],
      body: Buffer.from(o.body ?? sdpOf(1)),
    }
    this.receive(request)
    return { request, call: callKey(o.callId ?? 'call of bob', 'bobs') }
  }

  /** `sdp`: the answer to an offer in the 2xx. */
  ack(request: SipRequest, toTag: string, sdp?: string): this {
    const headers = withField(request.headers, 'CSeq', `${parseCSeq(first(request, 'CSeq')!)!.number} ACK`)
    const to =
      tagOf(request, 'To') === undefined ? `${first(request, 'To')};tag=${toTag}` : first(request, 'To')!
    return this.receive({
      ...request,
      method: 'ACK',
      headers: [...withField(headers, 'To', to), ...(sdp === undefined ? [] : [sdpType])],
      body: Buffer.from(sdp ?? ''),
    })
  }
}
