/**
 * Who writes down what no person should ever see: states that last for ever, two ends of a call that do not agree, pages
 * that were told of people what is not so, and what is left behind.
 */
import type { Call, CallEnd } from '../../client/call.ts'
import type { HandOn } from '../../client/hand-on.ts'
import type { CallRow } from '../../src/calls/message.ts'
import type { Person } from '../../src/signalling/message.ts'
import type { SimExchange } from './exchange.ts'
import type { SimNetwork } from './network.ts'
import type { SimDevice, SimPage } from './page.ts'
import type { SimPhone } from './phone.ts'
import type { Fault } from './town.ts'

/** One page's view of one call. */
interface Seen {
  readonly page: SimPage
  readonly call: Call
  readonly states: { readonly state: string; readonly at: number }[]
  endedAt: number | undefined
  end: CallEnd | undefined
  /** Somebody who was asked first is to be handed it. */
  readonly isForConnect: boolean
}

/** Two whom a page connected: `waiting` was to be handed on to `asked`. */
interface Connect {
  readonly page: SimPage
  readonly waiting: Call
  readonly asked: Call
  fate: HandOn['state'] | undefined
}

/** No state lasts longer, in a page that lives. */
const boundSeconds: Readonly<Record<string, number>> = {
  ...{
    preparing: 10,
    calling: 62,
    ringing: 62,
    incoming: 140,
    answering: 40,
    connecting: 45,
    reconnecting: 65,
  },
}

export interface Watched {
  readonly network: SimNetwork
  readonly exchange: SimExchange
  readonly devices: readonly SimDevice[]
  readonly pages: ReadonlyMap<SimDevice, SimPage>
  readonly telephone: SimPhone
  readonly faults: ReadonlySet<Fault>
  readonly revoked: ReadonlySet<SimDevice>
  /** Two tabs write to one storage, each what it knows. */
  readonly tabbed: ReadonlySet<SimDevice>
}

export class Watch {
  readonly seen: Seen[] = []
  readonly wrong: string[] = []
  readonly diary: string[] = []
  readonly connects: Connect[] = []
  /** Ids of calls that somebody hung up, declined or hands on. */
  readonly #left = new Set<string>()
  /** Which calls pages wanted to hand on: to somebody who was asked first, or not. */
  readonly #wishes: { readonly page: SimPage; readonly id: string; readonly isAskedFirst: boolean }[] = []
  readonly #house: Watched

  constructor(house: Watched) {
    this.#house = house
  }

  call(page: SimPage, call: Call): void {
    const { network } = this.#house
    const isForConnect =
      this.#wishes.findLast(wish => wish.id === call.referred && wish.page !== page)?.isAskedFirst ?? false
    const seen: Seen = { page, call, states: [], endedAt: undefined, end: undefined, isForConnect }
    this.seen.push(seen)
    const look = () => {
      const { state } = call
      const last = seen.states.at(-1)
      if (last?.state === state) return
      if (last) this.#isBounded(seen, last)
      seen.states.push({ state, at: network.monotonic() })
      this.note(
        `${page.device.name} ${call.id?.slice(0, 4)} is ${state} ${call.end ? JSON.stringify(call.end) : ''}`,
      )
    }
    look()
    call.on('changed', look)
    const over = (end: CallEnd) => {
      seen.end = end
      seen.endedAt = network.monotonic()
    }
    // Whoever waits cannot be handed on to somebody at the same time: the page turns that down at once.
    if (call.end) over(call.end)
    else call.on('ended', over)
  }

  /** A person is done with it. */
  isLeft({ id, ref }: Call): void {
    this.#left.add(id ?? ref)
  }

  handOn(page: SimPage, call: Call): void {
    this.isLeft(call)
    this.#wishes.push({ page, id: call.id!, isAskedFirst: false })
  }

  connect(page: SimPage, waiting: Call, asked: Call): void {
    const connect: Connect = { page, waiting, asked, fate: undefined }
    this.connects.push(connect)
    this.#wishes.push({ page, id: waiting.id!, isAskedFirst: true })
    const off = waiting.on('changed', ({ handOn }) => {
      if (connect.fate !== undefined || (handOn?.state !== 'answered' && handOn?.state !== 'failed')) return
      off()
      connect.fate = handOn.state
      if (handOn.state === 'answered') for (const call of [waiting, asked]) this.isLeft(call)
      this.note(`${page.device.name} is told of whom it connects: ${handOn.state} ${handOn.reason ?? ''}`)
      if (handOn.state === 'failed') this.#lookAtFailed(connect)
    })
  }

  /** What cannot be connected is left as it was. */
  #lookAtFailed({ page, waiting, asked }: Connect): void {
    const { network, faults } = this.#house
    network.later(1_000, () => {
      const isLeft = [waiting, asked].some(({ id, end }) => this.#left.has(id!) || (end && faults.size > 0))
      if (isLeft || !page.isAlive) return
      const { talk, device } = page
      const replaced = this.seen.some(
        one => one.call.replaces === waiting.id || one.call.replaces === asked.id,
      )
      if (replaced) return
      if (talk.waiting !== waiting || talk.call !== asked)
        this.isWrong(
          `${device.name} could not connect two, and is not as before: ${waiting.state} ${asked.state}`,
        )
    })
  }

  #isBounded({ page }: Seen, { state, at }: Seen['states'][number]): void {
    const seconds = (this.#house.network.monotonic() - at) / 1_000
    const bound = boundSeconds[state]
    const slept = this.#house.faults.has('sleep') ? 200 : 0
    if (bound !== undefined && seconds > bound + slept)
      this.isWrong(`${page.device.name}: ${state} for ${seconds} s`)
  }

  lookAtCalls(): void {
    const { calls, rows } = this.#house.exchange
    for (const [device, page] of this.#house.pages) {
      if (page.phone.state !== 'online') this.isWrong(`${device.name} is ${page.phone.state}`)
      this.#lookAtScreen(page)
      for (const call of page.phone.calls) {
        const what = `${device.name}, call ${call.id?.slice(0, 4)}`
        if (call.state !== 'connected') this.isWrong(`${what} is still ${call.state}`)
        if (rows.get(call.id ?? '')?.endedAt !== undefined) this.isWrong(`${what} is over by its row`)
        const { state, to } = call.handOn ?? {}
        if (state === 'asked' || state === 'ringing')
          this.isWrong(`${what} is still handed on to ${to!.user}`)
      }
    }
    for (const row of calls.open()) {
      for (const name of [row.callerDevice, row.calleeDevice]) {
        const device = this.#house.devices.find(one => one.name === name)
        if (name === undefined) this.isWrong(`row ${row.id.slice(0, 4)} is not answered`)
        if (device === undefined) continue
        const has = this.#house.pages.get(device)?.phone.calls.some(({ id }) => id === row.id)
        if (!has) this.isWrong(`row ${row.id.slice(0, 4)} is open, ${name} does not have it`)
      }
    }
    const dialogs = this.#telephoneCalls.filter(({ dialog }) => dialog && !dialog.ended)
    const ours = calls.open().filter(row => this.#isTelephone(row))
    // Answered in the second in which the daemon is killed it may be in a call that nobody else knows of.
    if (dialogs.length !== ours.length && !this.#house.faults.has('daemon'))
      this.isWrong(`the telephone is in ${dialogs.length} calls, by the log in ${ours.length}`)
  }

  /** A page shows the calls that it is in, and nobody waits but who is let wait there. */
  #lookAtScreen({ device, phone, talk }: SimPage): void {
    const shown = [talk.call, talk.waiting].flatMap(call => call ?? [])
    for (const call of phone.calls)
      if (!shown.includes(call)) this.isWrong(`${device.name}, call ${call.id?.slice(0, 4)} is not shown`)
    for (const call of shown) {
      const what = `${device.name}, call ${call.id?.slice(0, 4)}`
      if (call.state === 'ended') this.isWrong(`${what} is shown and over`)
      if (call.isHolding !== (call === talk.waiting))
        this.isWrong(`${what}: holding ${call.isHolding}, shown otherwise`)
      if (call.isHolding && call.cameraOn) this.isWrong(`${what}: whoever waits sees us`)
    }
    if (talk.waiting && talk.call === undefined) this.isWrong(`${device.name} lets somebody wait for nobody`)
    if (talk.handedOnTo) this.isWrong(`${device.name} is being handed on still`)
  }

  /** Who waits is told so, nobody else is; and whoever talks is heard. */
  lookAtHolding(): void {
    for (const page of this.#house.pages.values()) {
      for (const call of page.phone.calls) {
        if (call.state !== 'connected') continue
        const what = `${page.device.name}, call ${call.id?.slice(0, 4)}`
        const { readyState, enabled } = call.localAudio!
        if (readyState !== 'live') this.isWrong(`${what}: microphone ${readyState}`)
        if (enabled !== !(call.isHolding || call.muted))
          this.isWrong(`${what}: microphone ${enabled}, holding ${call.isHolding}`)
        const held = this.#isHeldThere(page, call)
        if (held !== undefined && held !== call.isHolding)
          this.isWrong(`${what}: holding ${call.isHolding}, the other one is on hold: ${held}`)
        const [audio] = call.peerConnection!.getTransceivers()
        const theirs = this.#otherEnd(page, call)
        if (!call.isHolding && theirs?.isHolding === false && audio!.currentDirection !== 'sendrecv')
          this.isWrong(`${what}: nobody waits, and sound is ${audio!.currentDirection}`)
      }
    }
  }

  #isHeldThere(page: SimPage, call: Call): boolean | undefined {
    const theirs = this.#otherEnd(page, call)
    if (theirs) return theirs.state === 'connected' ? theirs.isHeld : undefined
    const row = this.#house.exchange.rows.get(call.id ?? '')
    if (!this.#isTelephone(row)) return undefined
    const dialogs = this.#telephoneCalls.flatMap(({ dialog }) => (dialog && !dialog.ended ? dialog : []))
    return dialogs.length === 1 ? (dialogs[0]!.isHeld ?? false) : undefined
  }

  #otherEnd(page: SimPage, { id }: Call): Call | undefined {
    const others = [...this.#house.pages.values()].filter(each => each !== page)
    return others.flatMap(({ phone }) => phone.calls).find(call => call.id === id)
  }

  /** Who was connected talks, and who connected them is in neither call any more. */
  lookAtConnects(): void {
    for (const { page, waiting, asked, fate } of this.connects) {
      const what = `${page.device.name} connected ${waiting.party.user} and ${asked.party.user}`
      if (fate !== 'answered') continue
      for (const call of [waiting, asked])
        if (page.isAlive && call.end === undefined)
          this.isWrong(`${what}, and is in call ${call.id?.slice(0, 4)}`)
      const { rows } = this.#house.exchange
      const placed = this.seen.filter(({ call }) => call.referred === waiting.id && call.isTaken)
      const took = this.seen.filter(({ call }) => call.replaces === asked.id && call.isTaken)
      const isPlaced = placed.length > 0 || this.#isTelephone(rows.get(waiting.id!))
      // A telephone that knows no Replaces rings beside the page that was asked, and may be picked up.
      const isAtTelephone = [asked, ...placed.map(({ call }) => call)].some(({ id }) =>
        this.#isTelephone(rows.get(id!)),
      )
      const isTaken = took.length > 0 || isAtTelephone
      // Whose line was away may not have heard of it before it was over.
      if (!isTaken || !(isPlaced || this.#house.faults.has('line'))) this.isWrong(`${what}, who did not talk`)
      if (this.#house.faults.size > 0 || placed.length === 0 || took.length === 0) continue
      if (!took.some(({ call }) => call.id === placed.at(-1)!.call.id))
        this.isWrong(`${what}, and others talk`)
    }
    for (const one of this.seen) {
      if (!one.states.some(({ state }) => state === 'incoming')) continue
      const placed = this.seen.find(({ call }) => call.id === one.call.id && call.referred !== undefined)
      if (placed?.isForConnect) this.isWrong(`${one.page.device.name} rings for a connect`)
    }
  }

  /** Whoever turned a camera on is seen, unless they are let wait, and nobody else. */
  lookAtPictures(): void {
    for (const page of this.#house.pages.values()) {
      for (const call of page.phone.calls) {
        const others = [...this.#house.pages.values()].flatMap(each =>
          each === page ? [] : each.phone.calls,
        )
        const theirs = others.find(({ id }) => id === call.id)
        if (theirs === undefined || call.state !== 'connected' || theirs.state !== 'connected') continue
        const what = `${page.device.name}, call ${call.id?.slice(0, 4)}: camera ${call.cameraOn}`
        const told = theirs.peerMedia?.camera
        if (told !== call.cameraOn) this.isWrong(`${what}, the other one was told ${told}`)
        const isSeen = call.picture.sends && theirs.picture.receives
        if (call.cameraOn && !isSeen && !theirs.isHolding)
          this.isWrong(`${what}, and not agreed on: ${JSON.stringify([call.picture, theirs.picture])}`)
      }
    }
  }

  /** What a page was told of people is so. */
  lookAtPeople(): void {
    const { signalling, calls, doNotDisturb } = this.#house.exchange
    const states = (people: readonly Person[], user: string) =>
      people.filter(one => one.user !== user).map(one => `${one.user} ${one.presence}`)
    for (const [{ name, user }, { phone }] of this.#house.pages) {
      if (phone.state !== 'online') continue
      const [told, are] = [states(phone.roster, user), states(signalling.people, user)].map(String)
      if (told !== are) this.isWrong(`${name} was told ${told}; it is ${are}`)
      if (phone.doNotDisturb !== doNotDisturb.has(user))
        this.isWrong(`${name}: do not disturb ${phone.doNotDisturb}`)
      const missed = calls.missed(user).map(({ id }) => id)
      if (String(phone.missed.map(({ call }) => call)) !== String(missed))
        this.isWrong(`${name} missed ${missed.length} calls, and was told of ${phone.missed.length}`)
      const ids = phone.calls.map(({ id }) => id)
      if (new Set(ids).size < ids.length) this.isWrong(`${name} has a call twice`)
    }
  }

  lookAtEnd(): void {
    const { exchange } = this.#house
    const left = exchange.leftovers()
    if (Object.keys(left).length > 0) this.isWrong(`left behind: ${JSON.stringify(left)}`)
    for (const row of exchange.rows.values())
      if (row.endedAt === undefined) this.isWrong(`row ${row.id.slice(0, 4)} is open`)
    for (const device of this.#house.devices) {
      if (this.#house.revoked.has(device) || this.#house.tabbed.has(device)) continue
      const held = device.storage.getItem('lanline.calls')
      if (held !== null) this.isWrong(`${device.name} still holds ${held.slice(0, 100)}`)
    }
    const isMediaWell =
      !this.#house.faults.has('sleep') &&
      !this.#house.faults.has('networks') &&
      !this.#house.faults.has('media') &&
      !this.#house.faults.has('page') &&
      !this.#house.faults.has('right')
    for (const { page, call, end, states, isForConnect } of this.seen) {
      if (end === undefined) {
        if (page.isAlive) this.isWrong(`${page.device.name} never ended a call`)
        continue
      }
      const isTelephone = this.#isTelephone(this.#house.exchange.rows.get(call.id ?? ''))
      // The caller gave up, or somebody else took it, while nobody could tell.
      const isIncoming = call.direction === 'incoming'
      const wasUp = states.some(({ state }) => state === 'connected')
      // Whose line was away did not hear that it was answered, until who had answered gave up.
      const heardNothing = end.by === 'server' && !states.some(({ state }) => state === 'connecting')
      const isBad =
        call.id !== undefined &&
        ['lost', 'failed', 'mediaLost', 'mediaFailed'].includes(end.reason) &&
        call.problem === undefined
      if (
        isBad &&
        isMediaWell &&
        !isTelephone &&
        !(heardNothing && end.reason === 'mediaFailed') &&
        // Who was asked first had gone.
        !(isForConnect && !wasUp) &&
        (wasUp || !(isIncoming || this.#house.faults.has('daemon')))
      )
        this.isWrong(`${page.device.name}: ${call.id?.slice(0, 4)} ended ${JSON.stringify(end)}`)
    }
    this.#lookAtLedger()
  }

  /** Whoever the log says hung up did so, or heard the other one do it, whose line was away for long. */
  #lookAtLedger(): void {
    for (const row of this.#house.exchange.rows.values()) {
      const device = row.endedBy === 'caller' ? row.callerDevice : row.calleeDevice
      const views = this.seen.filter(({ call, page }) => call.id === row.id && page.device.name === device)
      const isKnown = views.length > 0 && views.every(({ end }) => end !== undefined)
      // Of who hands somebody on the appliance hangs up, whether their line is there or not.
      const isHandingOn = views.some(({ call }) => call.handOn !== undefined)
      if (row.reason !== 'hangup' || row.endedBy === 'server' || !isKnown || isHandingOn) continue
      if (!views.some(({ end }) => end!.by !== 'server' && end!.reason === 'hangup'))
        this.isWrong(`row ${row.id.slice(0, 4)}: the ${row.endedBy} hung up, and did not`)
    }
  }

  #isTelephone(row: CallRow | undefined): boolean {
    return row?.callerDevice === 'carol-1' || row?.calleeDevice === 'carol-1'
  }

  get #telephoneCalls() {
    return [...this.#house.telephone.outgoing, ...this.#house.telephone.incoming]
  }

  isWrong(what: string): void {
    this.wrong.push(`${Math.round(this.#house.network.monotonic())} ${what}`)
    this.note(`WRONG ${what}`)
  }

  note(what: string): void {
    this.diary.push(`${Math.round(this.#house.network.monotonic())} ${what}`)
  }
}
