/**
 * Real pages and a telephone in one house, and what people, networks and plugs do to them, as a seed says. Whoever watches
 * writes down what no person should ever see; a failure names its seed.
 */
import type { Call, CallEnd } from '../../client/call.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { SimAir, type SimHost } from './air.ts'
import { SimExchange } from './exchange.ts'
import { SimNetwork } from './network.ts'
import { SimDevice, SimPage } from './page.ts'
import { SimPhone } from './phone.ts'

/** One page's view of one call. */
interface Seen {
  readonly page: SimPage
  readonly call: Call
  readonly states: { readonly state: string; readonly at: number }[]
  endedAt: number | undefined
  end: CallEnd | undefined
}

export type Fault = 'line' | 'daemon' | 'media' | 'page' | 'right'

const users = ['alice', 'bob', 'carol']

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

export class Town {
  readonly network: SimNetwork
  readonly exchange: SimExchange
  readonly air: SimAir
  readonly devices: readonly SimDevice[]
  readonly pages = new Map<SimDevice, SimPage>()
  readonly telephone: SimPhone
  readonly seen: Seen[] = []
  readonly wrong: string[] = []
  readonly diary: string[] = []
  readonly #faults: ReadonlySet<Fault>
  readonly #host: SimHost = { name: 'carol-1', address: '10.0.2.99' }
  readonly #opened: SimPage[] = []
  readonly #revoked = new Set<SimDevice>()
  /** Two tabs write to one storage, each what it knows. */
  readonly #tabbed = new Set<SimDevice>()

  constructor(seed: number, faults: readonly Fault[]) {
    this.network = new SimNetwork(seed, {
      ...{ latencyMilliseconds: [1, 5], loss: 0, duplication: 0, reordering: 0 },
    })
    this.exchange = new SimExchange(this.network, users)
    this.air = new SimAir(this.network, this.exchange.thread)
    this.#faults = new Set(faults)
    this.devices = ['alice-5', 'bob-5', 'bob-6', 'carol-5'].map(
      (name, index) => new SimDevice(name, `10.0.2.${index + 1}`),
    )
    const inCall = () => this.#telephoneCalls.some(one => one.dialog && !one.dialog.ended)
    this.telephone = new SimPhone(this.exchange.house, {
      ...{ device: 'carol-1', address: this.#host.address, describe: this.air.telephone(this.#host, inCall) },
    })
    const { observe } = this.exchange.house
    this.exchange.house.observe = effect => {
      observe(effect)
      // What the telephone does with its media follows.
      if (effect.kind === 'call') this.network.later(20, () => this.air.changed())
    }
    this.telephone.register()
    for (const device of this.devices) this.open(device)
  }

  open(device: SimDevice): SimPage {
    const page = new SimPage(this.exchange, this.air, device)
    this.#opened.push(page)
    this.pages.set(device, page)
    page.phone.on('incoming', call => {
      const again = this.seen.some(
        one => one.page === page && one.call !== call && one.call.id === call.id && one.end?.by === 'self',
      )
      if (again) this.#isWrong(`${device.name}: what was ended here rings again`)
      this.#watch(page, call)
    })
    return page
  }

  call(page: SimPage, user: string, video: boolean): Call {
    const call = page.phone.call({ user, name: user.toUpperCase() }, { video })
    this.#watch(page, call)
    return call
  }

  /** One thing happens. */
  act(): void {
    const { random } = this.network
    const page = this.#some([...this.pages.values()])
    if (page === undefined) return
    const { phone } = page
    const call = this.#some(phone.calls)
    switch (random.below(26)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        if (phone.state !== 'online' || phone.calls.length > 0) return
        const user = this.#some(users)!
        if (user === page.device.user) return
        page.microphoneMilliseconds = this.#some([1, 5, 5, 5, 400, 3_000])
        if (random.below(40) === 0) page.microphoneMilliseconds = undefined
        this.#note(`${page.device.name} calls ${user}`)
        this.call(page, user, random.below(3) === 0)
        return
      }
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        for (const each of this.pages.values()) {
          const ringing = each.phone.calls.find(one => one.state === 'incoming')
          if (ringing === undefined) continue
          this.#note(`${each.device.name} answers`)
          void ringing.answer({ video: random.below(2) === 0 })
          if (random.below(3) > 0) return
        }
        return
      case 9:
        if (call?.state !== 'incoming') return
        this.#note(`${page.device.name} declines`)
        call.decline()
        return
      case 10:
      case 11:
        if (call === undefined) return
        this.#note(`${page.device.name} hangs up (${call.state})`)
        call.hangUp()
        return
      case 12: {
        if (call?.id === undefined) return
        this.#note('all hang up')
        for (const each of this.pages.values()) each.phone.calls.find(({ id }) => id === call.id)?.hangUp()
        return
      }
      case 13:
        if (call === undefined) return
        this.#note(`${page.device.name} camera ${!call.cameraOn}`)
        call.setCamera(!call.cameraOn).catch(() => {})
        return
      case 14: {
        if (random.below(4) > 0 || !this.#faults.has('page')) return
        this.#note(`${page.device.name} do not disturb ${!phone.doNotDisturb}`)
        phone.setDoNotDisturb(!phone.doNotDisturb)
        return
      }
      case 15:
      case 16:
        return this.#telephone()
      case 17:
      case 18:
      case 19:
        return this.#line(page)
      case 20:
        return this.#daemon()
      case 21:
        return this.#cut()
      case 22:
        return this.#move(page)
      case 23:
        return this.#leave(page)
      case 24:
        return this.#right(page)
      case 25:
        for (const device of this.devices) {
          if (this.pages.has(device) || this.#revoked.has(device)) continue
          this.#note(`${device.name} opens`)
          this.open(device)
        }
    }
  }

  /** Nothing is done to anybody any more, and everything that was broken works; then time passes. */
  async settle(): Promise<void> {
    await this.network.pass(30_000)
    if (!this.exchange.up) await this.network.pass(200_000)
    for (const page of this.#opened) if (this.pages.get(page.device) !== page) page.close({ saysSo: true })
    for (const { phone } of this.pages.values()) if (phone.stopReason === 'replaced') phone.start()
    this.exchange.doNotDisturb.clear()
    for (const device of this.devices)
      if (!this.pages.has(device) && !this.#revoked.has(device)) this.open(device)
    await this.network.pass(200_000)
    this.#lookAtCalls()
    for (const page of this.pages.values()) for (const call of page.phone.calls) call.hangUp()
    for (const { dialog } of this.#telephoneCalls) if (dialog && !dialog.ended) this.telephone.hangUp(dialog)
    await this.network.pass(60_000)
    for (const page of this.pages.values()) {
      for (const call of page.phone.calls) this.#isWrong(`${page.device.name} cannot hang up: ${call.state}`)
    }
    await this.network.pass(13 * 60_000)
    this.#lookAtEnd()
  }

  // ---------------------------------------------------------------------------------------------------- faults

  #line(page: SimPage): void {
    if (!this.#faults.has('line')) return
    const { random } = this.network
    const { line, device } = page
    if (random.below(4) === 0) {
      const milliseconds = this.#some([300, 3_000, 7_000])!
      this.#note(`${device.name} line stalls ${milliseconds}`)
      line?.stall(milliseconds)
      return
    }
    if (random.below(4) === 0) {
      const milliseconds = this.#some([300, 2_000, 8_000])!
      this.#note(`${device.name} does not reach the appliance for ${milliseconds}`)
      device.isOnline = false
      this.network.later(milliseconds, () => {
        device.isOnline = true
      })
    }
    const ways = this.#some([
      { up: true, down: true },
      { up: true, down: true },
      { up: true, down: false },
      { up: false, down: true },
    ])!
    const clientHears = this.#some([0, 0, 30, 2_000, undefined])
    const serverHears = this.#some([0, 0, 30, 2_000, undefined])
    const inFlight = random.below(2) === 0
    this.#note(
      `${device.name} line breaks ${JSON.stringify({ ...ways, clientHears, serverHears, inFlight })}`,
    )
    line?.break({ ...ways, clientHears, serverHears, inFlight })
  }

  #daemon(): void {
    if (!this.#faults.has('daemon') || !this.exchange.up || this.network.random.below(2) > 0) return
    const milliseconds = this.#some([100, 1_000, 5_000, 20_000, 180_000])!
    this.#note(`the daemon is killed for ${milliseconds}`)
    this.exchange.stop()
    this.network.later(milliseconds, () => {
      this.exchange.start()
      this.telephone.register()
    })
  }

  #cut(): void {
    if (!this.#faults.has('media')) return
    const hosts = [...this.devices, this.#host]
    const [one, other] = [this.#some(hosts)!, this.#some(hosts)!]
    if (one === other) return
    const milliseconds = this.#some([500, 3_000, 8_000, 14_000, 40_000])!
    this.#note(`media between ${one.name} and ${other.name} is cut for ${milliseconds}`)
    this.air.cut(one, other)
    this.network.later(milliseconds, () => this.air.mend(one, other))
  }

  /** Another address; the page may hear of it. */
  #move(page: SimPage): void {
    if (!this.#faults.has('media') || !this.#faults.has('line')) return
    const { random } = this.network
    page.device.address = `10.0.2.${100 + random.below(100)}`
    this.#note(`${page.device.name} has another address`)
    page.line?.break({
      up: true,
      down: true,
      inFlight: false,
      clientHears: undefined,
      serverHears: undefined,
    })
    this.air.changed()
    if (random.below(3) > 0) void page.phone.networkChanged()
  }

  #leave(page: SimPage): void {
    if (!this.#faults.has('page')) return
    const { random } = this.network
    const saysSo = random.below(3) > 0
    const back = this.#some([50, 1_000, 7_000, 30_000, undefined])
    this.#note(`${page.device.name} page closed ${saysSo ? '' : 'without a word'}, back in ${back}`)
    page.close({ saysSo })
    this.air.changed()
    this.pages.delete(page.device)
    if (back === undefined) return
    this.network.later(back, () => {
      if (!this.pages.has(page.device) && !this.#revoked.has(page.device)) this.open(page.device)
    })
  }

  /** The device's right is taken, or another tab takes its line. */
  #right(page: SimPage): void {
    if (!this.#faults.has('right')) return
    const { random } = this.network
    if (random.below(3) > 0) {
      this.#note(`${page.device.name} second tab`)
      this.#tabbed.add(page.device)
      this.open(page.device)
      this.network.later(20_000, () => page.close({ saysSo: true }))
    } else if (random.below(3) === 0 && this.exchange.up) {
      this.#note(`${page.device.name} is revoked`)
      this.#revoked.add(page.device)
      this.exchange.revoke(page.device.name)
      this.network.later(30_000, () => {
        const last = this.pages.get(page.device)
        last?.close({ saysSo: true })
        this.pages.delete(page.device)
      })
    }
  }

  #telephone(): void {
    const { random } = this.network
    const { telephone } = this
    switch (random.below(5)) {
      case 0:
        this.#note('the telephone calls')
        telephone.call(this.#some(['alice', 'bob'])!, { delayed: random.below(3) === 0 })
        return
      case 1:
        telephone.onInvite = (['ring', 'answer', 'busy', 'decline', 'silent'] as const)[random.below(5)]!
        return
      case 2: {
        const ringing = telephone.incoming.at(-1)
        if (ringing === undefined || ringing.dialog !== undefined || ringing.refused) return
        this.#note('the telephone picks up')
        telephone.pickUp()
        return
      }
      default:
        this.#note('the telephone hangs up')
        for (const each of telephone.outgoing) {
          if (each.dialog !== undefined && !each.dialog.ended) telephone.hangUp(each.dialog)
          else if (each.final === undefined && each.statuses.includes(180)) telephone.cancel(each)
        }
        for (const { dialog } of telephone.incoming) if (dialog && !dialog.ended) telephone.hangUp(dialog)
        this.network.later(20, () => this.air.changed())
    }
  }

  // -------------------------------------------------------------------------------------------------- watching

  #watch(page: SimPage, call: Call): void {
    const { network } = this
    const seen: Seen = { page, call, states: [], endedAt: undefined, end: undefined }
    this.seen.push(seen)
    const look = () => {
      const { state } = call
      const last = seen.states.at(-1)
      if (last?.state === state) return
      if (last) this.#isBounded(seen, last)
      seen.states.push({ state, at: network.monotonic() })
      this.#note(
        `${page.device.name} ${call.id?.slice(0, 4)} is ${state} ${call.end ? JSON.stringify(call.end) : ''}`,
      )
    }
    look()
    call.on('changed', look)
    call.on('ended', end => {
      seen.end = end
      seen.endedAt = network.monotonic()
    })
  }

  #isBounded({ page }: Seen, { state, at }: Seen['states'][number]): void {
    const seconds = (this.network.monotonic() - at) / 1_000
    const bound = boundSeconds[state]
    if (bound !== undefined && seconds > bound)
      this.#isWrong(`${page.device.name}: ${state} for ${seconds} s`)
  }

  #lookAtCalls(): void {
    const { calls, rows } = this.exchange
    for (const [device, page] of this.pages) {
      if (page.phone.state !== 'online') this.#isWrong(`${device.name} is ${page.phone.state}`)
      for (const call of page.phone.calls) {
        const what = `${device.name}, call ${call.id?.slice(0, 4)}`
        if (call.state !== 'connected') this.#isWrong(`${what} is still ${call.state}`)
        if (rows.get(call.id ?? '')?.endedAt !== undefined) this.#isWrong(`${what} is over by its row`)
      }
    }
    for (const row of calls.open()) {
      for (const name of [row.callerDevice, row.calleeDevice]) {
        const device = this.devices.find(one => one.name === name)
        if (name === undefined) this.#isWrong(`row ${row.id.slice(0, 4)} is not answered`)
        if (device === undefined) continue
        const has = this.pages.get(device)?.phone.calls.some(({ id }) => id === row.id)
        if (!has) this.#isWrong(`row ${row.id.slice(0, 4)} is open, ${name} does not have it`)
      }
    }
    const dialogs = this.#telephoneCalls.filter(({ dialog }) => dialog && !dialog.ended)
    const ours = calls.open().filter(row => this.#isTelephone(row))
    // Answered in the second in which the daemon is killed it may be in a call that nobody else knows of.
    if (dialogs.length !== ours.length && !this.#faults.has('daemon'))
      this.#isWrong(`the telephone is in ${dialogs.length} calls, by the log in ${ours.length}`)
  }

  #lookAtEnd(): void {
    const { exchange } = this
    const left = exchange.leftovers()
    if (Object.keys(left).length > 0) this.#isWrong(`left behind: ${JSON.stringify(left)}`)
    for (const row of exchange.rows.values())
      if (row.endedAt === undefined) this.#isWrong(`row ${row.id.slice(0, 4)} is open`)
    for (const device of this.devices) {
      if (this.#revoked.has(device) || this.#tabbed.has(device)) continue
      const held = device.storage.getItem('lanline.calls')
      if (held !== null) this.#isWrong(`${device.name} still holds ${held.slice(0, 100)}`)
    }
    const isMediaWell = !this.#faults.has('media') && !this.#faults.has('page') && !this.#faults.has('right')
    for (const { page, call, end, states } of this.seen) {
      if (end === undefined) {
        if (page.isAlive) this.#isWrong(`${page.device.name} never ended a call`)
        continue
      }
      const isTelephone = this.#isTelephone(this.exchange.rows.get(call.id ?? ''))
      // The caller gave up, or somebody else took it, while nobody could tell.
      const isIncoming = call.direction === 'incoming'
      const wasUp = states.some(({ state }) => state === 'connected')
      const isBad =
        call.id !== undefined &&
        ['lost', 'failed', 'mediaLost', 'mediaFailed'].includes(end.reason) &&
        call.problem === undefined
      if (isBad && isMediaWell && !isTelephone && (wasUp || !(isIncoming || this.#faults.has('daemon'))))
        this.#isWrong(`${page.device.name}: ${call.id?.slice(0, 4)} ended ${JSON.stringify(end)}`)
    }
    this.#lookAtLedger()
  }

  /** Whoever the log says hung up did so. */
  #lookAtLedger(): void {
    for (const row of this.exchange.rows.values()) {
      const device = row.endedBy === 'caller' ? row.callerDevice : row.calleeDevice
      const views = this.seen.filter(({ call, page }) => call.id === row.id && page.device.name === device)
      const isKnown = views.length > 0 && views.every(({ end }) => end !== undefined)
      if (row.reason !== 'hangup' || row.endedBy === 'server' || !isKnown) continue
      if (!views.some(({ end }) => end!.by === 'self' && end!.reason === 'hangup'))
        this.#isWrong(`row ${row.id.slice(0, 4)}: the ${row.endedBy} hung up, and did not`)
    }
  }

  #isTelephone(row: CallRow | undefined): boolean {
    return row?.callerDevice === 'carol-1' || row?.calleeDevice === 'carol-1'
  }

  get #telephoneCalls() {
    return [...this.telephone.outgoing, ...this.telephone.incoming]
  }

  #isWrong(what: string): void {
    this.wrong.push(`${Math.round(this.network.monotonic())} ${what}`)
    this.#note(`WRONG ${what}`)
  }

  #note(what: string): void {
    this.diary.push(`${Math.round(this.network.monotonic())} ${what}`)
  }

  #some<One>(all: readonly One[]): One | undefined {
    return all[this.network.random.below(Math.max(1, all.length))]
  }
}
