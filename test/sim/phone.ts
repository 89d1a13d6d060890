/**
 * A simulated SIP telephone, as plain as the RFC lets it be: registers with digest, calls, rings, answers, hangs up, and
 * retransmits over UDP. It shares only the codec with the house, so that a wrong idea of a transaction does not agree
 * with itself.
 */
import { hash } from 'node:crypto'
import { type Endpoint, formatEndpoint } from '../../src/core/endpoint.ts'
import * as sip from '../../src/sip/codec.ts'
import type { HeaderField, SipMessage, SipRequest, SipResponse, Transport } from '../../src/sip/message.ts'
import { realm, type SimHouse, type SimStream } from './house.ts'

export interface PhoneOptions {
  readonly device: string
  readonly transport?: Exclude<Transport, 'hosted'>
  readonly address?: string
  readonly port?: number
  readonly password?: string
  readonly algorithm?: 'MD5' | 'SHA-256'
  /** What it does with an INVITE. */
  readonly onInvite?: 'ring' | 'answer' | 'busy' | 'decline' | 'silent'
  readonly contactParams?: string
  /** Sends from this port, listens at the other, and so asks for no `rport` (old Cisco phones). */
  readonly sendsFrom?: number
  /** Where it was before, still running: it goes on with the Call-ID of its registrations. */
  readonly movedFrom?: SimPhone
  /** Its descriptions; without one they are of a telephone that knows no ICE. */
  readonly describe?: (video: boolean) => string
  /** It takes the place of a call of its own where it is asked to (RFC 3891), and calls whom it is referred to (RFC 3515). */
  readonly takesTransfers?: boolean
}

interface Sent {
  readonly request: SipRequest
  readonly done: (response: SipResponse) => void
  interval: number
  over: boolean
}

export interface SimDialog {
  readonly callId: string
  readonly localTag: string
  readonly local: string
  readonly remote: string
  readonly target: string
  readonly routes: readonly string[]
  cseq: number
  ended: boolean
  /** The other side wants nothing of its sound. */
  isHeld?: boolean
}

interface Incoming {
  readonly request: SipRequest
  readonly tag: string
  dialog: SimDialog | undefined
  refused: boolean
}

export interface SimCall {
  readonly callId: string
  readonly statuses: number[]
  readonly responses: SipResponse[]
  dialog: SimDialog | undefined
  invite: SipRequest
  final: number | undefined
}

export class SimPhone {
  readonly house: SimHouse
  readonly device: string
  readonly user: string
  readonly local: Endpoint
  readonly statuses: number[] = []
  /** Methods of requests received, retransmissions left out. */
  readonly requests: string[] = []
  readonly received: SipMessage[] = []
  readonly incoming: Incoming[] = []
  readonly outgoing: SimCall[] = []
  onInvite: NonNullable<PhoneOptions['onInvite']>
  /** Whatever comes is lost. */
  deaf = false
  /** Answer to what is neither INVITE, ACK, CANCEL nor BYE. */
  otherStatus = 200
  readonly #o: PhoneOptions
  readonly #sent = new Map<string, Sent>()
  readonly #answered = new Map<string, SipResponse>()
  readonly #acked = new Set<string>()
  readonly #acks = new Map<string, SipRequest>()
  readonly #registrationId: string
  #registrationSeq = 0
  #nonceCount = 0
  #stream: SimStream | undefined

  constructor(house: SimHouse, o: PhoneOptions) {
    this.house = house
    this.#o = o
    this.device = o.device
    this.user = o.device.replace(/-[0-9]$/, '')
    this.onInvite = o.onInvite ?? 'ring'
    this.local = {
      address: o.address ?? `10.0.1.${house.network.random.below(250) + 1}`,
      port: o.port ?? 5060,
    }
    this.#registrationId = o.movedFrom ? o.movedFrom.#registrationId : this.#token()
    this.#registrationSeq = o.movedFrom ? o.movedFrom.#registrationSeq : 0
    if (this.transport === 'udp') house.network.bind(this.local, (_from, bytes) => this.#receive(bytes))
    else this.connect()
  }

  get transport(): Exclude<Transport, 'hosted'> {
    return this.#o.transport ?? 'udp'
  }

  get contact(): string {
    const params = this.transport === 'udp' ? '' : `;transport=${this.transport.replace('wss', 'ws')}`
    const web = this.transport === 'ws' || this.transport === 'wss'
    const host = web ? `${this.device}.invalid` : formatEndpoint(this.local)
    return `<sip:${this.device}@${host}${params}>`
  }

  /** Opens the connection of a TCP, TLS or WebSocket phone (again). */
  connect(): void {
    if (this.transport === 'udp') return
    const remote = { address: this.local.address, port: 40_000 + this.house.network.random.below(20_000) }
    this.#stream = this.house.connect(
      this.transport,
      remote,
      bytes => this.#receive(bytes),
      () => {
        this.#stream = undefined
      },
    )
  }

  disconnect(): void {
    this.#stream?.close()
    this.#stream = undefined
  }

  /** Listens for connections of the house, as a TCP phone does. */
  listen(): void {
    this.house.listen(this.local, stream => {
      this.#stream = stream
      return { receive: bytes => this.#receive(bytes), closed: () => {} }
    })
  }

  /** Its power was cut, and it has one Call-ID for ever. */
  countingAnew(): this {
    this.#registrationSeq = 0
    return this
  }

  /** Final statuses are collected in `statuses`. */
  register(expires = 3600, o: { to?: string; contact?: string; extra?: HeaderField[] } = {}): void {
    const params = this.#o.contactParams ?? ''
    this.request({
      method: 'REGISTER',
      uri: 'sip:lanline.local',
      to: `<sip:${o.to ?? this.user}@lanline.local>`,
      callId: this.#registrationId,
      cseq: () => ++this.#registrationSeq,
      extra: [
        { name: 'Contact', value: o.contact ?? `${this.contact}${params}` },
        { name: 'Expires', value: String(expires) },
        ...(o.extra ?? []),
      ],
      done: response => this.statuses.push(response.status),
    })
  }

  /** `delayed`: without an offer, which is to come in the 200. `ackWithout`: and is not answered. */
  call(
    to: string,
    o: {
      /** A name, or all of the field but its tag. */
      from?: string
      /** Instead of the address of `to`. */
      uri?: string
      video?: boolean
      delayed?: boolean
      ackWithout?: boolean
      extra?: HeaderField[]
    } = {},
  ): SimCall {
    const callId = this.#token()
    const call: SimCall = {
      callId,
      statuses: [],
      responses: [],
      dialog: undefined,
      invite: undefined as unknown as SipRequest,
      final: undefined,
    }
    this.outgoing.push(call)
    let cseq = 0
    const localTag = this.#token()
    const from = o.from?.includes('<') ? o.from : `<sip:${o.from ?? this.user}@lanline.local>`
    const local = `${from};tag=${localTag}`
    this.request({
      method: 'INVITE',
      uri: o.uri ?? (to.includes(':') ? to : `sip:${to}@lanline.local`),
      to: `<sip:${to}@lanline.local>`,
      from: local,
      callId,
      cseq: () => ++cseq,
      extra: [{ name: 'Contact', value: this.contact }, ...(o.delayed ? [] : [sdpField]), ...(o.extra ?? [])],
      ...(o.delayed ? {} : { body: this.#describe(o.video) }),
      sending: invite => {
        call.invite = invite
      },
      provisional: response => {
        call.statuses.push(response.status)
        call.responses.push(response)
      },
      done: response => {
        call.statuses.push(response.status)
        call.responses.push(response)
        call.final ??= response.status
        if (response.status >= 300) return
        const dialog: SimDialog = {
          callId,
          localTag,
          local,
          remote: sip.first(response, 'To')!,
          target: sip.parseNameAddr(sip.first(response, 'Contact')!)!.uri,
          routes: sip.values(response, 'Record-Route').reverse(),
          ...{ cseq, ended: false },
        }
        call.dialog ??= dialog
        this.#acknowledge(dialog, response, o.delayed && !o.ackWithout ? this.#describe() : undefined)
      },
    })
    return call
  }

  cancel(call: SimCall): void {
    const { invite } = call
    const number = sip.parseCSeq(sip.first(invite, 'CSeq')!)!.number
    const keep = ['Via', 'From', 'To', 'Call-ID', 'Max-Forwards', 'Route']
    const request: SipRequest = {
      ...invite,
      method: 'CANCEL',
      headers: [
        ...invite.headers.filter(field => keep.includes(field.name)),
        { name: 'CSeq', value: `${number} CANCEL` },
      ],
      body: new Uint8Array(0),
    }
    this.#transact(request, () => {})
  }

  /** Sends a request inside a dialog and reports its final status. */
  inDialog(
    dialog: SimDialog,
    method: string,
    done: (status: number) => void = () => {},
    extra: readonly HeaderField[] = [],
  ): void {
    this.request({ method, ...this.#within(dialog, extra), done: response => done(response.status) })
  }

  /** A re-INVITE, with an offer or (`delayed`) without; its final statuses, whose repetitions are acknowledged alike. */
  reInvite(dialog: SimDialog, o: { delayed?: boolean; ackWithout?: boolean } = {}): number[] {
    const statuses: number[] = []
    const offer = o.delayed ? undefined : this.#describe()
    this.request({
      method: 'INVITE',
      ...this.#within(dialog, offer && [sdpField]),
      ...(offer && { body: offer }),
      done: response => {
        statuses.push(response.status)
        const answer = o.delayed && !o.ackWithout ? this.#describe() : undefined
        if (response.status < 300) this.#acknowledge(dialog, response, answer)
      },
    })
    return statuses
  }

  hangUp(dialog: SimDialog): void {
    dialog.ended = true
    this.inDialog(dialog, 'BYE')
  }

  /** Answers the last INVITE that rings. */
  pickUp(): void {
    const ringing = this.incoming.at(-1)!
    this.#accept(ringing)
  }

  refuse(status: number): void {
    const { request, tag } = this.incoming.at(-1)!
    this.answer(request, status, tag)
  }

  /** A request of any kind, with one try at a challenge. */
  request(o: {
    method: string
    uri: string
    to: string
    from?: string
    callId?: string
    cseq?: () => number
    extra?: readonly HeaderField[]
    body?: Uint8Array
    sending?: (request: SipRequest) => void
    provisional?: (response: SipResponse) => void
    done: (response: SipResponse) => void
  }): void {
    const cseq = o.cseq ?? (() => 1 + this.house.network.random.below(1_000))
    const callId = o.callId ?? this.#token()
    const from = o.from ?? `<sip:${this.user}@lanline.local>;tag=${this.#token()}`
    const send = (credentials: readonly HeaderField[], last: boolean): void => {
      const request: SipRequest = {
        kind: 'request',
        method: o.method,
        uri: o.uri,
        headers: [
          { name: 'Via', value: this.via() },
          { name: 'Max-Forwards', value: '70' },
          { name: 'From', value: from },
          { name: 'To', value: o.to },
          { name: 'Call-ID', value: callId },
          { name: 'CSeq', value: `${cseq()} ${o.method}` },
          ...(o.extra ?? []).filter(field => credentials.length === 0 || !isCredentials(field)),
          ...credentials,
        ],
        body: o.body ?? new Uint8Array(0),
      }
      o.sending?.(request)
      this.#transact(request, response => {
        if (response.status < 200) return o.provisional?.(response)
        const challenged = response.status === 401 || response.status === 407
        if (!challenged || last) return o.done(response)
        send([this.credentials(response, o.method, o.uri)], true)
      })
    }
    send([], false)
  }

  credentials(challenge: SipResponse, method: string, uri: string, count = ++this.#nonceCount): HeaderField {
    const name = challenge.status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const wanted = this.#o.algorithm ?? 'MD5'
    const auth = challenge.headers
      .filter(field => field.name === name)
      .map(field => sip.parseAuth(field.value)!)
      .find(one => one.params.get('algorithm') === wanted)!
    const nonce = auth.params.get('nonce')!
    const digest = (text: string): string => hash(wanted === 'MD5' ? 'md5' : 'sha256', text)
    const nc = count.toString(16).padStart(8, '0')
    const ha1 = digest(`${this.device}:${realm}:${this.#o.password ?? 'secret'}`)
    const response = digest(`${ha1}:${nonce}:${nc}:cnonce:auth:${digest(`${method}:${uri}`)}`)
    const value =
      `Digest username="${this.device}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
      `algorithm=${wanted}, qop=auth, nc=${nc}, cnonce="cnonce", response="${response}"`
    return { name: challenge.status === 401 ? 'Authorization' : 'Proxy-Authorization', value }
  }

  via(): string {
    const transport = this.transport.toUpperCase()
    const host =
      transport === 'UDP' || transport === 'TCP' || transport === 'TLS'
        ? formatEndpoint(this.local)
        : `${this.device}.invalid`
    const rport = this.#o.sendsFrom === undefined ? ';rport' : ''
    return `SIP/2.0/${transport} ${host};branch=z9hG4bK${this.#token()}${rport}`
  }

  send(message: SipMessage): void {
    const bytes = sip.encode(message).slice()
    const from = { ...this.local, port: this.#o.sendsFrom ?? this.local.port }
    if (this.transport === 'udp') this.house.network.datagram(from, this.house.local, bytes)
    else this.#stream?.send(bytes)
  }

  answer(
    request: SipRequest,
    status: number,
    tag: string,
    extra: readonly HeaderField[] = [],
    body: Uint8Array = new Uint8Array(0),
  ): SipResponse {
    const routes = request.headers.filter(field => field.name === 'Record-Route')
    const answer = { ...sip.response(request, status, 'Whatever', [...routes, ...extra], tag), body }
    this.#answered.set(transactionOf(request), answer)
    const refused = status >= 300 && this.incoming.find(one => one.request === request)
    if (refused) refused.refused = true
    this.send(answer)
    return answer
  }

  // --------------------------------------------------------------------------------------------------------- inside

  #transact(request: SipRequest, done: (response: SipResponse) => void): void {
    const key = `${branchOf(request)}/${request.method}`
    const sent: Sent = { request, done, interval: 500, over: false }
    this.#sent.set(key, sent)
    this.send(request)
    if (this.transport === 'udp') this.#retransmit(sent, 0)
  }

  #retransmit(sent: Sent, spent: number): void {
    if (spent + sent.interval > 32_000) return
    this.house.network.later(sent.interval, () => {
      if (sent.over) return
      this.send(sent.request)
      const spentNow = spent + sent.interval
      const doubled = 2 * sent.interval
      sent.interval = sent.request.method === 'INVITE' ? doubled : Math.min(4_000, doubled)
      this.#retransmit(sent, spentNow)
    })
  }

  #receive(bytes: Uint8Array): void {
    if (this.deaf) return
    const decoded = sip.decode(bytes)
    if (decoded.kind !== 'ok') throw new Error(`the house sent what cannot be read: ${decoded.reason}`)
    const { message } = decoded
    this.received.push(message)
    if (message.kind === 'response') this.#response(message)
    else this.#request(message)
  }

  #response(response: SipResponse): void {
    const method = sip.parseCSeq(sip.first(response, 'CSeq')!)!.method
    const key = `${branchOf(response)}/${method}`
    const sent = this.#sent.get(key)
    if (sent === undefined) return
    if (response.status >= 200 || method === 'INVITE') sent.over = true
    if (method === 'INVITE' && response.status >= 300) this.#acknowledgeRefusal(sent.request, response)
    if (response.status >= 200) {
      const again = this.#acks.get(`${key}/${sip.tagOf(response, 'To')}`)
      if (again) return this.send(again)
      if (method !== 'INVITE' || response.status >= 300) this.#sent.delete(key)
    }
    sent.done(response)
  }

  #request(request: SipRequest): void {
    if (request.method === 'ACK') {
      const id = `${sip.first(request, 'Call-ID')}/${sip.parseCSeq(sip.first(request, 'CSeq')!)!.number}`
      if (!this.#acked.has(id)) this.requests.push('ACK')
      this.#acked.add(id)
      return
    }
    const before = this.#answered.get(transactionOf(request))
    if (before !== undefined) return this.send(before)
    // It has said nothing to it yet.
    if (this.incoming.some(one => transactionOf(one.request) === transactionOf(request))) return
    this.requests.push(request.method)
    const tag = sip.tagOf(request, 'To') ?? this.#token()
    switch (request.method) {
      case 'INVITE':
        if (sip.tagOf(request, 'To') !== undefined) {
          const within: Incoming = { request, tag, dialog: undefined, refused: false }
          const dialog = this.#dialogs.find(one => one.callId === sip.first(request, 'Call-ID'))
          // RFC 3261 §12.2.2: the route set stays as it is.
          this.#accept(within, dialog?.routes)
          if (dialog) dialog.isHeld = within.dialog!.isHeld ?? false
          return
        }
        return this.#invited(request, tag)
      case 'CANCEL': {
        this.answer(request, 200, tag)
        const call = this.incoming.find(one => branchOf(one.request) === branchOf(request))
        if (call !== undefined && call.dialog === undefined) this.answer(call.request, 487, call.tag)
        return
      }
      case 'BYE': {
        const dialog = this.#dialogs.find(one => one.callId === sip.first(request, 'Call-ID'))
        if (dialog) dialog.ended = true
        this.answer(request, 200, tag)
        return
      }
      case 'INFO': {
        // RFC 2976 §2.2.
        const dialog = this.#dialogs.find(one => one.callId === sip.first(request, 'Call-ID'))
        this.answer(request, dialog === undefined || dialog.ended ? 481 : this.otherStatus, tag)
        return
      }
      case 'REFER':
        if (this.#o.takesTransfers) return this.#referred(request, tag)
        this.answer(request, this.otherStatus, tag)
        return
      default:
        this.answer(request, this.otherStatus, tag)
    }
  }

  /** What a request within a dialog says whatever it is for (RFC 3261 §12.2.1.1). */
  #within(dialog: SimDialog, extra: readonly HeaderField[] = []) {
    return {
      uri: dialog.target,
      to: dialog.remote,
      from: dialog.local,
      callId: dialog.callId,
      cseq: () => ++dialog.cseq,
      extra: [...routesOf(dialog), { name: 'Contact', value: this.contact }, ...extra],
    }
  }

  get #dialogs(): readonly SimDialog[] {
    const own = [...this.incoming, ...this.outgoing].flatMap(({ dialog }) => dialog ?? [])
    return [...own, ...(this.#o.movedFrom ? this.#o.movedFrom.#dialogs : [])]
  }

  // RFC 3515 §2.4.
  #referred(request: SipRequest, tag: string): void {
    const dialog = this.#dialogs.find(one => one.callId === sip.first(request, 'Call-ID'))
    if (dialog === undefined || dialog.ended) {
      this.answer(request, 481, tag)
      return
    }
    this.answer(request, 202, tag, [{ name: 'Contact', value: this.contact }])
    const [address = '', query = ''] = sip.parseNameAddr(sip.first(request, 'Refer-To')!)!.uri.split('?')
    const replaces = /^Replaces=(.*)$/.exec(query)?.[1]
    const extra = replaces === undefined ? [] : [{ name: 'Replaces', value: decodeURIComponent(replaces) }]
    const call = this.call(sip.parseUri(address)!.user ?? '', { uri: address, extra })
    const tell = (status: number): void => {
      if (dialog.ended) return
      const fields = [
        { name: 'Event', value: 'refer' },
        {
          name: 'Subscription-State',
          value: status < 200 ? 'active;expires=60' : 'terminated;reason=noresource',
        },
        { name: 'Content-Type', value: 'message/sipfrag;version=2.0' },
      ]
      this.request({
        method: 'NOTIFY',
        ...this.#within(dialog, fields),
        body: Buffer.from(`SIP/2.0 ${status} Whatever\r\n`),
        done: () => {},
      })
    }
    tell(100)
    const look = (): void => {
      if (call.final !== undefined) tell(call.final)
      else if (!dialog.ended) this.house.network.later(50, look)
    }
    look()
  }

  // RFC 3891 §3.
  #takesPlace(request: SipRequest, tag: string, replaces: string): void {
    const [callId, ...parameters] = replaces.split(';')
    const replaced = this.#dialogs.find(
      one =>
        !one.ended &&
        one.callId === callId &&
        parameters.includes(`to-tag=${one.localTag}`) &&
        parameters.includes(`from-tag=${/;tag=([^;\s]+)/.exec(one.remote)?.[1]}`),
    )
    if (replaced === undefined) {
      this.answer(request, 481, tag)
      return
    }
    const call: Incoming = { request, tag, dialog: undefined, refused: false }
    this.incoming.push(call)
    this.#accept(call)
    this.hangUp(replaced)
  }

  #invited(request: SipRequest, tag: string): void {
    const replaces = sip.first(request, 'Replaces')
    if (replaces !== undefined && this.#o.takesTransfers) return this.#takesPlace(request, tag, replaces)
    const call: Incoming = { request, tag, dialog: undefined, refused: false }
    this.incoming.push(call)
    switch (this.onInvite) {
      case 'silent':
        return
      case 'busy':
        this.answer(request, 486, tag)
        return
      case 'decline':
        this.answer(request, 603, tag)
        return
      case 'ring':
        this.answer(request, 180, tag, [{ name: 'Contact', value: this.contact }])
        return
      case 'answer':
        this.answer(request, 180, tag, [{ name: 'Contact', value: this.contact }])
        this.#accept(call)
    }
  }

  #accept(call: Incoming, routes?: readonly string[]): void {
    const { request, tag } = call
    // RFC 3264 §6.1.
    const isHeld = /^a=(sendonly|inactive)\r?$/m.test(audioOf(Buffer.from(request.body).toString()))
    const answer = this.answer(
      request,
      200,
      tag,
      [{ name: 'Contact', value: this.contact }, sdpField],
      isHeld ? asHeld(this.#describe()) : this.#describe(),
    )
    call.dialog = {
      callId: sip.first(request, 'Call-ID')!,
      localTag: tag,
      local: sip.first(answer, 'To')!,
      remote: sip.first(request, 'From')!,
      target: sip.parseNameAddr(sip.first(request, 'Contact')!)!.uri,
      routes: routes ?? sip.values(request, 'Record-Route'),
      ...{ cseq: 100, ended: false, isHeld },
    }
    this.#repeatUntilAcked(answer, call.dialog, 500, 0)
  }

  // RFC 3261 §13.3.1.4.
  #repeatUntilAcked(answer: SipResponse, dialog: SimDialog, interval: number, spent: number): void {
    const id = `${sip.first(answer, 'Call-ID')}/${sip.parseCSeq(sip.first(answer, 'CSeq')!)!.number}`
    this.house.network.later(interval, () => {
      if (this.#acked.has(id)) return
      if (spent > 32_000) {
        if (!dialog.ended) this.hangUp(dialog)
        return
      }
      this.send(answer)
      this.#repeatUntilAcked(answer, dialog, Math.min(2 * interval, 4_000), spent + interval)
    })
  }

  #acknowledge(dialog: SimDialog, response: SipResponse, answer?: Uint8Array): void {
    const number = sip.parseCSeq(sip.first(response, 'CSeq')!)!.number
    const ack: SipRequest = {
      kind: 'request',
      method: 'ACK',
      uri: dialog.target,
      headers: [
        { name: 'Via', value: this.via() },
        { name: 'Max-Forwards', value: '70' },
        ...routesOf(dialog),
        { name: 'From', value: dialog.local },
        { name: 'To', value: dialog.remote },
        { name: 'Call-ID', value: dialog.callId },
        { name: 'CSeq', value: `${number} ACK` },
        ...(answer ? [sdpField] : []),
      ],
      body: answer ?? new Uint8Array(0),
    }
    this.#acks.set(`${branchOf(response)}/INVITE/${sip.tagOf(response, 'To')}`, ack)
    this.send(ack)
  }

  #acknowledgeRefusal(invite: SipRequest, response: SipResponse): void {
    const number = sip.parseCSeq(sip.first(invite, 'CSeq')!)!.number
    this.send({
      ...invite,
      method: 'ACK',
      headers: [
        ...invite.headers.filter(field =>
          ['Via', 'From', 'Call-ID', 'Route', 'Max-Forwards'].includes(field.name),
        ),
        { name: 'To', value: sip.first(response, 'To')! },
        { name: 'CSeq', value: `${number} ACK` },
      ],
      body: new Uint8Array(0),
    })
  }

  #describe(video = false): Uint8Array {
    return this.#o.describe ? Buffer.from(this.#o.describe(video)) : sdpOf(video)
  }

  #token(): string {
    return this.house.network.random.hex(8)
  }
}

const sdpField: HeaderField = { name: 'Content-Type', value: 'application/sdp' }
const sdpOf = (video: boolean): Uint8Array =>
  Buffer.from(`v=0\r\nm=audio 4000 RTP/AVP 0\r\n${video ? 'm=video 4002 RTP/AVP 96\r\n' : ''}`)

const audioOf = (sdp: string): string => sdp.split(/^m=/m).find(part => part.startsWith('audio')) ?? ''
const asHeld = (sdp: Uint8Array): Uint8Array =>
  Buffer.from(Buffer.from(sdp).toString().replace('a=sendrecv', 'a=recvonly'))

const routesOf = ({ routes }: SimDialog): HeaderField[] => routes.map(value => ({ name: 'Route', value }))

const isCredentials = ({ name, value }: HeaderField): boolean =>
  name.endsWith('Authorization') && value.includes(`realm="${realm}"`)

const branchOf = (message: SipMessage): string =>
  sip.parseVia(sip.values(message, 'Via')[0]!)!.params.get('branch')!

const transactionOf = (request: SipRequest): string => `${branchOf(request)}/${request.method}`
