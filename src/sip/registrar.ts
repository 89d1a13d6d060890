/**
 * The registrar (RFC 3261 §10.3, RFC 3327, RFC 5626 §6) for requests whose sender is already known: what may be bound,
 * for how long, when the answer may be given, and what of it is written. Leaves out: authentication (`identity.ts`) and
 * GRUU (RFC 5627).
 */
import { after, type Monotonic } from '../core/clock.ts'
import { type Bindings, bindingKey, isFleeting, type LiveBinding } from './bindings.ts'
import { first, parseNameAddr, parseUri, response, uriEquals, values } from './codec.ts'
import { unsupported } from './extensions.ts'
import { formatParams } from './grammar.ts'
import { type Incoming, sameEndpoint } from './incoming.ts'
import type { Binding, BindingRow, Flow, HeaderField, NameAddr, SipRequest, SipResponse } from './message.ts'
import type { Outbox } from './outbox.ts'
import type { Accounts, OwnAddresses } from './ports.ts'
import type { ResponseContext } from './response-context.ts'
import type { ServerTransaction, ServerTransactions } from './server-transactions.ts'
import { type SipTimers, T1 } from './transaction-timers.ts'

export const registrarLimits = {
  minSeconds: 60,
  defaultSeconds: 3_600,
  maxSeconds: 7_200,
  contactsPerDevice: 10,
  contactsPerUser: 50,
  /** A refresh that changes nothing is written no more often than this. */
  refreshWrittenEveryMilliseconds: 600_000,
  /** RFC 5626 §4.4.1: how often the device should keep its flow alive. */
  flowTimerSeconds: 120,
} as const

const supportedExtensions = new Set(['path', 'outbound'])

/** The device that sent a REGISTER. */
export interface Registering {
  readonly device: string
  readonly user: string
}

interface Wanted {
  readonly contact: string
  readonly expiresSeconds: number
  readonly q: number
  readonly instance: string | undefined
  readonly regId: number | undefined
  readonly key: string
}

type Refusal = { readonly status: number; readonly reason: string; readonly extra?: HeaderField[] }

const tooManyContacts: Refusal = { status: 403, reason: 'Too Many Contacts' }

interface Waiting {
  readonly transaction: ServerTransaction<ResponseContext>
  readonly answer: SipResponse
  readonly request: SipRequest
  readonly undo: readonly {
    readonly key: string
    readonly before: LiveBinding | undefined
    readonly cseq: number
  }[]
}

export interface RegistrarParts {
  readonly accounts: Accounts
  readonly bindings: Bindings
  readonly outbox: Outbox
  readonly timers: SipTimers
  readonly servers: ServerTransactions<ResponseContext>
  readonly own: OwnAddresses
  /** A binding has a flow now, or another one: whoever waits for the party may go on. */
  readonly onReachable: (live: LiveBinding, now: Monotonic) => void
}

export class Registrar {
  readonly #parts: RegistrarParts
  readonly #waiting = new Map<number, Waiting>()
  /** Where each device with a binding was last said to be reached. */
  readonly #told = new Map<string, string>()
  #ticket = 0

  constructor(parts: RegistrarParts) {
    this.#parts = parts
  }

  /** Takes over bindings that lay in the store. Their devices are told to be reachable by the next effects. */
  restore(
    rows: readonly { binding: Binding; flow: Flow | undefined; remainingMilliseconds: number }[],
    now: Monotonic,
  ) {
    for (const { binding, flow, remainingMilliseconds } of rows) {
      this.#put({
        binding,
        flow,
        expiresAt: after(now, remainingMilliseconds),
        savedAt: now,
        saidAt: undefined,
      })
    }
  }

  /** §10.3 from step 2 on; the request's sender is `sender`. Answers now or when it is written. */
  register(
    incoming: Incoming,
    transaction: ServerTransaction<ResponseContext>,
    sender: Registering,
    now: Monotonic,
  ): void {
    const { request } = incoming
    const refusal = this.#refusal(incoming, sender)
    if (refusal) return this.#refuse(transaction, request, refusal, now)
    const fields = values(request, 'Contact')
    if (fields.length === 0)
      return this.#answer(transaction, this.#listing(incoming, sender, now, false), now)
    if (fields.includes('*')) return this.#removeAll(incoming, transaction, sender, fields, now)
    const wanted = this.#wanted(incoming, sender, fields)
    if (!Array.isArray(wanted)) return this.#refuse(transaction, request, wanted, now)
    this.#apply(incoming, transaction, sender, wanted, now)
  }

  /** The rim wrote, or failed to write, what a ticket was about. */
  settled(ticket: number, saved: boolean, now: Monotonic): void {
    const waiting = this.#waiting.get(ticket)
    if (waiting === undefined) return
    this.#waiting.delete(ticket)
    if (saved) return this.#answer(waiting.transaction, waiting.answer, now)
    // §10.3 step 8: all of it or nothing.
    for (const { key, before, cseq } of waiting.undo) {
      const present = this.#parts.bindings.get(key)
      if (present !== undefined && present.binding.cseq !== cseq) continue
      if (before !== undefined) this.#put(before)
      else if (present !== undefined) this.#remove(present)
    }
    this.#refuse(waiting.transaction, waiting.request, { status: 500, reason: 'Could Not Be Saved' }, now)
  }

  /** Timer X: a binding's time is over. */
  expired(key: string): void {
    const live = this.#parts.bindings.get(key)
    if (live === undefined) return
    this.#remove(live)
    if (live.savedAt !== undefined) this.#write(undefined, [], [key])
  }

  /** A connection closed: what came over ws or wss is gone, what came over TCP or TLS can be connected to. */
  flowClosed(flow: Flow): void {
    for (const live of this.#parts.bindings.onFlow(flow)) {
      if (isFleeting(live.binding.transport)) this.#remove(live)
      else this.#parts.bindings.loseFlow(live)
    }
  }

  /** Removes every binding of a device, for good. */
  revoke(device: string): void {
    const gone = [...this.#parts.bindings.all()].filter(live => live.binding.device === device)
    for (const live of gone) this.#drop(live.binding.key)
    const stored = gone.filter(live => live.savedAt !== undefined).map(live => live.binding.key)
    if (stored.length > 0) this.#write(undefined, [], stored)
  }

  /** A hosted agent's binding: there until `revoke` or `remove`. */
  bindHosted(binding: Binding, flow: Flow, now: Monotonic): void {
    const expiresAt = after(now, Number.POSITIVE_INFINITY)
    const live = { binding, flow, expiresAt, savedAt: undefined, saidAt: now }
    this.#put(live)
    this.#parts.onReachable(live, now)
  }

  #refusal(incoming: Incoming, sender: Registering): Refusal | undefined {
    // §10.3 step 2.
    const unknown = values(incoming.request, 'Require').filter(
      tag => !supportedExtensions.has(tag.toLowerCase()),
    )
    if (unknown.length > 0) return { status: 420, reason: 'Bad Extension', extra: unsupported(unknown) }
    // §10.3 steps 4 and 5: nobody registers for somebody else here.
    const to = parseUri(incoming.to.uri)
    if (to === undefined) return { status: 400, reason: 'Bad To' }
    if (!this.#parts.own.isOwnHost(to.host)) return { status: 404, reason: 'Not Found' }
    if (this.#parts.accounts.personOf(to.user?.toLowerCase() ?? '') !== sender.user)
      return { status: 403, reason: 'Not Your Address' }
    return undefined
  }

  #wanted(incoming: Incoming, sender: Registering, fields: readonly string[]): Wanted[] | Refusal {
    const { request } = incoming
    const outbound = values(request, 'Supported').some(tag => tag.toLowerCase() === 'outbound')
    if (fields.length > registrarLimits.contactsPerDevice) return tooManyContacts
    const wanted: Wanted[] = []
    for (const field of fields) {
      const contact = parseNameAddr(field)
      if (contact === undefined || contact.uri.length > 512) return { status: 400, reason: 'Bad Contact' }
      const expiresSeconds = this.#lifetime(contact, request)
      // §10.3 step 7: too short is refused, too long is shortened.
      if (expiresSeconds > 0 && expiresSeconds < registrarLimits.minSeconds) {
        const extra = [{ name: 'Min-Expires', value: String(registrarLimits.minSeconds) }]
        return { status: 423, reason: 'Interval Too Brief', extra }
      }
      const instance = contact.params.get('+sip.instance')?.slice(0, 128)
      const number = Number(contact.params.get('reg-id'))
      const regId = outbound && instance !== undefined && number > 0 && number < 2 ** 31 ? number : undefined
      if (regId !== undefined && firstHopLacksOutbound(request))
        return { status: 439, reason: 'First Hop Lacks Outbound Support' }
      wanted.push({
        contact: contact.uri,
        expiresSeconds,
        q: quality(contact.params.get('q')),
        instance,
        regId,
        key: this.#keyOf(sender, contact.uri, instance, regId),
      })
    }
    return wanted
  }

  #lifetime(contact: NameAddr, request: SipRequest): number {
    const text = contact.params.get('expires') ?? first(request, 'Expires')
    // §20.19 and §10.2.1.1: a malformed value counts as if it were not there.
    const asked =
      text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : registrarLimits.defaultSeconds
    return Math.min(asked, registrarLimits.maxSeconds)
  }

  // A contact written another way is the same contact (§19.1.4): it keeps the key it got first.
  #keyOf(
    sender: Registering,
    contact: string,
    instance: string | undefined,
    regId: number | undefined,
  ): string {
    if (regId === undefined) {
      const known = this.#parts.bindings.ofDevice(sender.user, sender.device)
      const same = known.find(({ binding }) => binding.regId === undefined && binding.contact === contact)
      if (same !== undefined) return same.binding.key
      const uri = known.length > 0 ? parseUri(contact) : undefined
      for (const { binding } of known) {
        if (binding.regId !== undefined) continue
        const other = parseUri(binding.contact)
        if (uri !== undefined && other !== undefined && uriEquals(uri, other)) return binding.key
      }
    }
    return bindingKey(sender.device, contact, instance, regId)
  }

  #apply(
    incoming: Incoming,
    transaction: ServerTransaction<ResponseContext>,
    sender: Registering,
    wanted: readonly Wanted[],
    now: Monotonic,
  ): void {
    const { bindings } = this.#parts
    const { request, callId, cseq } = incoming
    for (const { key } of wanted) {
      if (isOvertaken(bindings.get(key), callId, cseq.number, now)) {
        return this.#refuse(transaction, request, { status: 500, reason: 'CSeq Out Of Order' }, now)
      }
    }
    const added = wanted.filter(one => one.expiresSeconds > 0 && bindings.get(one.key) === undefined).length
    const ofDevice = bindings.ofDevice(sender.user, sender.device).length
    const tooMany = Math.max(
      ofDevice + added - registrarLimits.contactsPerDevice,
      bindings.ofUser(sender.user).length + added - registrarLimits.contactsPerUser,
    )
    // A phone that moves often has left the oldest of its contacts behind.
    const theirs = tooMany > 0 && added > 0 ? bindings.ofSamePhone({ ...sender, ...wanted[0]!, callId }) : []
    const left = theirs
      .filter(({ binding }) => wanted.every(({ key }) => key !== binding.key))
      .slice(0, tooMany)
    if (added > 0 && tooMany > left.length) return this.#refuse(transaction, request, tooManyContacts, now)

    if (wanted.some(one => one.expiresSeconds > 0)) this.#tellAnew(incoming, sender)
    const undo: Waiting['undo'][number][] = []
    const put: BindingRow[] = []
    const remove: string[] = []
    let mustWait = false
    for (const before of left) {
      const { key } = before.binding
      undo.push({ key, before, cseq: cseq.number })
      if (this.#drop(key)?.savedAt !== undefined) remove.push(key)
    }
    for (const one of wanted) {
      const before = bindings.get(one.key)
      undo.push({ key: one.key, before, cseq: cseq.number })
      if (one.expiresSeconds === 0) {
        if (this.#drop(one.key)?.savedAt !== undefined) remove.push(one.key)
        continue
      }
      const { row, changed } = this.#bind(incoming, sender, one, before, now)
      if (row !== undefined) put.push(row)
      if (row !== undefined && changed) mustWait = true
    }
    this.#tellOther(sender)
    const answer = this.#listing(
      incoming,
      sender,
      now,
      wanted.some(one => one.regId !== undefined),
    )
    mustWait ||= remove.length > 0
    if (!mustWait) {
      if (put.length > 0) this.#write(undefined, put, remove)
      return this.#answer(transaction, answer, now)
    }
    this.#waiting.set(++this.#ticket, { transaction, answer, request, undo })
    this.#write(this.#ticket, put, remove)
  }

  // RFC 3261 §10.2: one Call-ID from boot to boot, and CSeq goes up by one. Some have the same for ever, and count anew.
  #tellAnew({ callId, cseq }: Incoming, { user, device }: Registering): void {
    const goesOn = ({ binding }: LiveBinding): boolean =>
      binding.callId === callId && binding.cseq < cseq.number
    if (this.#parts.bindings.ofDevice(user, device).some(goesOn)) return
    this.#parts.outbox.push({ kind: 'registeredAnew', device })
  }

  #bind(
    incoming: Incoming,
    sender: Registering,
    wanted: Wanted,
    before: LiveBinding | undefined,
    now: Monotonic,
  ): { row: BindingRow | undefined; changed: boolean } {
    // Where its answers go is where it listens: an old phone may send from another port, and asks for no rport then.
    const { request, replyTo: flow } = incoming
    const binding: Binding = {
      key: wanted.key,
      user: sender.user,
      device: sender.device,
      contact: wanted.contact,
      instance: wanted.instance,
      regId: wanted.regId,
      path: values(request, 'Path').slice(0, 8),
      q: wanted.q,
      callId: incoming.callId,
      cseq: incoming.cseq.number,
      userAgent: (first(request, 'User-Agent') ?? '').slice(0, 128),
      transport: flow.transport,
      local: flow.local,
      remote: flow.remote,
    }
    const expiresAt = after(now, wanted.expiresSeconds * 1_000)
    const changed =
      before === undefined || before.savedAt === undefined || !sameReach(before.binding, binding)
    const due = changed || now - before.savedAt! >= registrarLimits.refreshWrittenEveryMilliseconds
    const written = !isFleeting(flow.transport) && due
    const live = {
      binding,
      flow,
      expiresAt,
      savedAt: written ? now : isFleeting(flow.transport) ? undefined : before?.savedAt,
      saidAt: now,
    }
    this.#put(live)
    if (before?.flow?.id !== flow.id) this.#parts.onReachable(live, now)
    // The row has to outlast the refreshes that are not written.
    const slackSeconds = registrarLimits.refreshWrittenEveryMilliseconds / 1_000
    const row = written ? { ...binding, expiresSeconds: wanted.expiresSeconds + slackSeconds } : undefined
    return { row, changed }
  }

  // §10.3 step 6. Devices of a user have credentials of their own, so `*` means all contacts of this device.
  #removeAll(
    incoming: Incoming,
    transaction: ServerTransaction<ResponseContext>,
    sender: Registering,
    fields: readonly string[],
    now: Monotonic,
  ): void {
    const { request, callId, cseq } = incoming
    if (fields.length !== 1 || first(request, 'Expires')?.trim() !== '0') {
      return this.#refuse(transaction, request, { status: 400, reason: 'Bad Contact' }, now)
    }
    const known = this.#parts.bindings.ofDevice(sender.user, sender.device)
    if (known.some(live => isOvertaken(live, callId, cseq.number, now))) {
      return this.#refuse(transaction, request, { status: 500, reason: 'CSeq Out Of Order' }, now)
    }
    for (const live of known) this.#drop(live.binding.key)
    const stored = known.filter(live => live.savedAt !== undefined).map(live => live.binding.key)
    const answer = this.#listing(incoming, sender, now, false)
    if (stored.length === 0) return this.#answer(transaction, answer, now)
    const undo = known.map(before => ({ key: before.binding.key, before, cseq: cseq.number }))
    this.#waiting.set(++this.#ticket, { transaction, answer, request, undo })
    this.#write(this.#ticket, [], stored)
  }

  // §10.3 step 8: all present contacts of the address. Hosted agents did not register and are left out. Many phones read
  // their own time from the first one.
  #listing(incoming: Incoming, sender: Registering, now: Monotonic, outbound: boolean): SipResponse {
    const { request } = incoming
    const extra: HeaderField[] = []
    const isTheirs = ({ binding }: LiveBinding): number => Number(binding.device === sender.device)
    const theirsFirst = [...this.#parts.bindings.ofUser(sender.user)].sort(
      (one, other) => isTheirs(other) - isTheirs(one) || (other.saidAt ?? 0) - (one.saidAt ?? 0),
    )
    for (const { binding, expiresAt } of theirsFirst) {
      if (binding.transport === 'hosted') continue
      let value = `<${binding.contact}>;expires=${Math.max(0, Math.round((expiresAt - now) / 1_000))}`
      if (binding.q !== 1) value += `;q=${binding.q}`
      if (binding.instance !== undefined)
        value += formatParams(new Map([['+sip.instance', binding.instance]]))
      if (binding.regId !== undefined) value += `;reg-id=${binding.regId}`
      extra.push({ name: 'Contact', value })
    }
    for (const value of values(request, 'Path').slice(0, 8)) extra.push({ name: 'Path', value })
    extra.push({ name: 'Supported', value: 'path, outbound' })
    if (outbound) {
      extra.push({ name: 'Require', value: 'outbound' })
      extra.push({ name: 'Flow-Timer', value: String(registrarLimits.flowTimerSeconds) })
    }
    return response(request, 200, 'OK', extra, transactionTag(incoming))
  }

  #put(live: LiveBinding): void {
    const { binding } = live
    const { bindings, timers, outbox } = this.#parts
    bindings.put(live)
    if (live.expiresAt !== Number.POSITIVE_INFINITY) timers.bindings.set(binding.key, live.expiresAt)
    // Where a device is reached counts for whoever relays for it, and by what is shown: as it registered last.
    if (this.#told.get(binding.device) === reachOf(binding)) return
    this.#told.set(binding.device, reachOf(binding))
    outbox.push(reachableEffect(binding, true))
  }

  #remove({ binding }: LiveBinding): void {
    this.#drop(binding.key)
    this.#tellOther(binding)
  }

  /** The binding by which a device was reached may be gone: then by the one that lasts longest. */
  #tellOther({ user, device }: Registering): void {
    const left = this.#parts.bindings.ofDevice(user, device)
    if (left.length === 0 || left.some(({ binding }) => reachOf(binding) === this.#told.get(device))) return
    const { binding } = left.reduce((one, other) => (other.expiresAt > one.expiresAt ? other : one))
    this.#told.set(device, reachOf(binding))
    this.#parts.outbox.push(reachableEffect(binding, true))
  }

  #drop(key: string): LiveBinding | undefined {
    const { bindings, timers, outbox } = this.#parts
    const live = bindings.remove(key)
    if (live === undefined) return undefined
    timers.bindings.clear(key)
    const { binding } = live
    if (bindings.ofDevice(binding.user, binding.device).length === 0) {
      this.#told.delete(binding.device)
      outbox.push(reachableEffect(binding, false))
    }
    return live
  }

  #write(ticket: number | undefined, put: readonly BindingRow[], remove: readonly string[]): void {
    this.#parts.outbox.push({ kind: 'saveBindings', ticket, put, remove })
  }

  #refuse(
    transaction: ServerTransaction<ResponseContext>,
    request: SipRequest,
    refusal: Refusal,
    now: Monotonic,
  ): void {
    this.#parts.outbox.note(`register${refusal.status}`, transaction.flow, refusal.reason)
    this.#answer(
      transaction,
      response(request, refusal.status, refusal.reason, refusal.extra, String(transaction.id)),
      now,
    )
  }

  #answer(transaction: ServerTransaction<ResponseContext>, answer: SipResponse, now: Monotonic): void {
    this.#parts.servers.respond(transaction, answer, now)
  }
}

const transactionTag = (incoming: Incoming): string =>
  `r${incoming.cseq.number}${incoming.fromTag.slice(0, 16)}`

function sameReach(a: Binding, b: Binding): boolean {
  return (
    a.contact === b.contact &&
    a.transport === b.transport &&
    sameEndpoint(a.local, b.local) &&
    // A stream's remote port is new with every connection and says nothing about how to reach the device.
    (a.transport === 'udp' ? sameEndpoint(a.remote, b.remote) : a.remote.address === b.remote.address) &&
    a.q === b.q &&
    a.path.join() === b.path.join()
  )
}

/**
 * §10.3 step 7: an older request of the same registration changes nothing. It is older only if it may have been on its way
 * so long: phones and door stations that have one Call-ID for ever begin to count anew when their power was cut.
 */
function isOvertaken(before: LiveBinding | undefined, callId: string, cseq: number, now: Monotonic): boolean {
  if (before === undefined || before.saidAt === undefined || now - before.saidAt > 64 * T1) return false
  return before.binding.callId === callId && cseq <= before.binding.cseq
}

const reachOf = ({ remote, local, transport, userAgent }: Binding): string =>
  `${remote.address} ${local.address} ${transport} ${userAgent}`

function reachableEffect(binding: Binding, reachable: boolean) {
  const { user, device, userAgent, transport, remote, local } = binding
  return { kind: 'reachable', user, device, reachable, userAgent, transport, remote, local } as const
}

/** RFC 5626 §6: the first proxy of the phone, if there is any, has to keep the flow to it, and says so by `ob`. */
function firstHopLacksOutbound(request: SipRequest): boolean {
  if (values(request, 'Via').length === 1) return false
  const nearest = values(request, 'Path').at(-1)
  const uri = nearest === undefined ? undefined : parseUri(parseNameAddr(nearest)?.uri ?? '')
  return uri?.params.has('ob') !== true
}

function quality(text: string | undefined): number {
  if (text === undefined || !/^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(text)) return 1
  return Number(text)
}
