/**
 * The calls of one phone: those placed here, those that ring, those that another phone asked for by handing somebody on; and
 * which of them each word of the appliance is for.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { PersonName, ServerMessage } from '../src/signalling/message.ts'
import { Call, type CallEnd } from './call.ts'
import type { CallPorts } from './call-setup.ts'
import type { Welcome } from './connection.ts'
import type { OpenMedia } from './media.ts'

/** Who has handed us on hangs up; or we do. */
const giveWayMilliseconds = 2_000
const limitEndedHere = 8

export interface CallsListener {
  /** A call began or ended. */
  counted(): void
  /** Anything of a call changed. */
  changed(): void
  /** Somebody calls. */
  incoming(call: Call): void
  /** The other party of `from` hands us on: `call` is placed, to whom they said. */
  handedOn(from: Call, call: Call): void
  /** Somebody called during a call, and was told so. */
  turnedAway(who: PersonName & { readonly calledFor: PersonName | undefined }): void
}

/** What a call is placed with: media of its own where given, or the microphone of a call that waits. */
export interface Wanted {
  readonly video: boolean
  readonly openMedia?: OpenMedia
  readonly microphone?: MediaStreamTrack
}

export class Calls {
  readonly #ports: CallPorts
  readonly #listener: CallsListener
  readonly #open = new Set<Call>()
  /** Calls that ended before their id was told: they still owe a `bye`. */
  readonly #orphans = new Map<string, Call>()
  /** Calls ended here last, as the appliance may not have heard: such a call is told again after a broken line. */
  readonly #endedHere = new Map<string, EndReason>()
  #serial = 0

  constructor(ports: CallPorts, listener: CallsListener) {
    this.#ports = ports
    this.#listener = listener
  }

  /** Those that have not ended. */
  get open(): readonly Call[] {
    return [...this.#open]
  }

  place(person: PersonName, { video, openMedia, microphone }: Wanted): Call {
    const ref = `c${++this.#serial}`
    const ports = openMedia === undefined ? this.#ports : { ...this.#ports, openMedia }
    const call = new Call(ports, { direction: 'outgoing', ref, peer: person, video, microphone })
    this.#hold(call)
    void call.start()
    return call
  }

  /** A message about a call, or about one that is to be. False where it is about something else. */
  handle(message: ServerMessage): boolean {
    switch (message.type) {
      case 'incoming':
        this.#incoming(message)
        return true
      case 'calling':
        this.#calling(message)
        return true
      case 'referred':
        this.#referred(message)
        return true
      case 'error':
        this.#failed(message)
        return true
      case 'dialog':
        if (this.#byId(message.call)) this.#ports.kept.token(message.call, message.dialog)
        break
      case 'ended':
        this.#ports.kept.forget(message.call)
        break
      case 'ringing':
      case 'answered':
      case 'candidate':
      case 'offer':
      case 'offerRefused':
      case 'referral':
      case 'relay':
      case 'restart':
      case 'relayRefused':
        break
      default:
        return false
    }
    this.#byId(message.call)?.handle(message)
    return true
  }

  /** The line is back: tells of ends that the appliance does not know of. */
  tellEnds(resumed: Welcome['resumed']): void {
    const { kept } = this.#ports
    const fates = new Map(resumed.map(fate => [fate.call, fate]))
    for (const { call, ended } of kept.list()) {
      const state = fates.get(call)?.state
      // It ended after `hello` had said that it is held.
      if (ended && state === 'held') this.#ports.send({ type: 'bye', call, reason: ended.reason })
      // Told in this hello, or known to have ended: nothing left to keep.
      else if (ended || state === 'ended') kept.forget(call)
    }
  }

  /** And those that are open go on, or are over. */
  resumed(resumed: Welcome['resumed']): void {
    const fates = new Map(resumed.map(fate => [fate.call, fate]))
    for (const call of this.#open) call.resumed(fates.get(call.id ?? ''))
    this.#orphans.clear()
  }

  #incoming(message: Extract<ServerMessage, { type: 'incoming' }>): void {
    const known = this.#byId(message.call)
    if (known) {
      known.handle(message)
      // The caller may not have heard that it rings either.
      if (known.state === 'incoming') this.#ports.send({ type: 'ringing', call: message.call })
      return
    }
    const reason = this.#endedHere.get(message.call)
    if (reason !== undefined) {
      // What was taken and hung up is told as held and ended.
      if (isDecline(reason)) this.#ports.send({ type: 'decline', call: message.call, reason })
      return
    }
    const replaced = message.replaces === undefined ? undefined : this.#byId(message.replaces)
    // Hung up here, as the appliance may not have heard: nobody rings for that (RFC 3891 §3).
    if (message.replaces !== undefined && replaced === undefined) {
      this.#ports.send({ type: 'decline', call: message.call, reason: 'declined' })
      return
    }
    if (this.#open.size > 0 && replaced === undefined) {
      this.#ports.send({ type: 'decline', call: message.call, reason: 'busy' })
      this.#listener.turnedAway({ ...message.from, calledFor: message.for })
      return
    }
    const { call: id, sdp, trickle, video, from } = message
    const call = new Call(this.#ports, {
      direction: 'incoming',
      ref: id,
      peer: from,
      calledFor: message.for,
      referredBy: message.referredBy,
      video,
      incoming: { call: id, sdp, trickle },
      replaces: replaced?.id,
      microphone: replaced?.microphone,
    })
    this.#hold(call)
    if (replaced === undefined) this.#ports.send({ type: 'ringing', call: id })
    else {
      // Handed on: the talk goes on with somebody else, who is not shown a picture unasked.
      call.setMuted(replaced.muted)
      void call.answer({ video: false })
    }
    this.#listener.incoming(call)
  }

  /** We are handed on: the talk goes on with somebody else, who is not shown a picture unasked. */
  #referred({ call: referred, to }: Extract<ServerMessage, { type: 'referred' }>): void {
    const from = this.#byId(referred)
    // It may be told again after the line was away.
    if (from === undefined || this.open.some(one => one.referred === referred)) return
    const { microphone } = from
    const [ref, direction] = [`c${++this.#serial}`, 'outgoing'] as const
    const call = new Call(this.#ports, { direction, ref, peer: to, video: false, referred, microphone })
    call.setMuted(from.muted)
    this.#hold(call)
    const off = call.on('changed', () => {
      if (!call.isTaken) return
      off()
      this.#ports.env.setTimeout(() => from.hangUp(), giveWayMilliseconds)
      // Nobody is left in a call that is not seen any more.
      call.on('ended', () => from.hangUp())
    })
    void call.start()
    this.#listener.handedOn(from, call)
  }

  #calling(message: Extract<ServerMessage, { type: 'calling' }>): void {
    const call = [...this.#open].find(one => one.ref === message.ref) ?? this.#orphans.get(message.ref)
    this.#orphans.delete(message.ref)
    if (call?.state !== 'ended') this.#ports.kept.token(message.call, '')
    call?.handle(message)
  }

  #failed(message: Extract<ServerMessage, { type: 'error' }>): void {
    const { ref, code } = message
    // Nor has it anything to be told of it any more.
    if (code === 'noSuchCall') this.#ports.kept.forget(ref)
    const call = ref === '' ? undefined : [...this.#open].find(one => one.ref === ref || one.id === ref)
    if (call === undefined) return
    // Anything else wrong with one message of a call is no reason to end it.
    const fatal = code === 'noSuchCall' || call.id === undefined
    const reason = code === 'noSuchCall' ? 'lost' : 'failed'
    if (fatal) call.handle({ type: 'ended', call: ref, by: 'server', reason, code: 0 })
  }

  #hold(call: Call): void {
    this.#open.add(call)
    call.on('changed', () => this.#listener.changed())
    call.on('ended', end => {
      this.#open.delete(call)
      this.#rememberEnd(call, end)
      // Nothing is left to tell.
      if (end.by === 'server' && call.id !== undefined) this.#ports.kept.forget(call.id)
      if (call.id === undefined) this.#orphans.set(call.ref, call)
      this.#listener.counted()
    })
    this.#listener.counted()
  }

  #rememberEnd({ direction, id }: Call, { by, reason }: CallEnd): void {
    if (direction !== 'incoming' || by !== 'self' || id === undefined) return
    this.#endedHere.set(id, reason)
    if (this.#endedHere.size > limitEndedHere) this.#endedHere.delete(this.#endedHere.keys().next().value!)
  }

  #byId(id: string): Call | undefined {
    for (const call of this.#open) if (call.id === id) return call
    return undefined
  }
}

const isDecline = (reason: EndReason): reason is 'declined' | 'busy' | 'failed' =>
  reason === 'declined' || reason === 'busy' || reason === 'failed'
