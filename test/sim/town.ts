/**
 * Real pages and a telephone in one house, and what people, networks and plugs do to them, as a seed says. Whoever watches
 * writes down what no person should ever see; a failure names its seed.
 */
import type { Call } from '../../client/call.ts'
import { isUnderWay } from '../../client/hand-on.ts'
import { SimAir, type SimHost } from './air.ts'
import { SimExchange } from './exchange.ts'
import { SimNetwork } from './network.ts'
import { SimDevice, SimPage } from './page.ts'
import { SimPhone } from './phone.ts'
import { Watch, type Watched } from './watch.ts'

export type Fault = 'line' | 'daemon' | 'media' | 'page' | 'right' | 'networks' | 'sleep'

/** Calls to the house ring at all of them. */
const users = ['alice', 'bob', 'carol', 'house']

export class Town implements Watched {
  readonly network: SimNetwork
  readonly exchange: SimExchange
  readonly air: SimAir
  readonly devices: readonly SimDevice[]
  readonly pages = new Map<SimDevice, SimPage>()
  readonly telephone: SimPhone
  readonly watch: Watch
  readonly faults: ReadonlySet<Fault>
  readonly #host: SimHost = { name: 'carol-1', address: '10.0.2.99' }
  readonly #opened: SimPage[] = []
  readonly #isBusy: boolean
  readonly revoked = new Set<SimDevice>()
  /** Two tabs write to one storage, each what it knows. */
  readonly tabbed = new Set<SimDevice>()

  constructor(seed: number, faults: readonly Fault[]) {
    this.network = new SimNetwork(seed, {
      ...{ latencyMilliseconds: seed % 5 === 0 ? [5, 120] : [1, 5], reordering: 0 },
      ...{ loss: seed % 7 === 0 ? 0.05 : 0, duplication: 0 },
    })
    this.#isBusy = seed % 2 > 0
    this.exchange = new SimExchange(this.network, users)
    this.exchange.house.alsoRings.set('house', users.slice(0, 3))
    this.exchange.peopleChanged()
    this.air = new SimAir(this.network, this.exchange.thread)
    this.faults = new Set(faults)
    // Where networks are apart, some need the relay.
    this.air.routed = !this.faults.has('networks')
    this.devices = ['alice-5', 'bob-5', 'bob-6', 'carol-5'].map(
      (name, index) => new SimDevice(name, `${this.#network}.${index + 1}`),
    )
    const inCall = () =>
      [...this.telephone.outgoing, ...this.telephone.incoming].some(one => one.dialog && !one.dialog.ended)
    this.telephone = new SimPhone(this.exchange.house, {
      takesTransfers: seed % 3 > 0,
      ...{ device: 'carol-1', address: this.#host.address, describe: this.air.telephone(this.#host, inCall) },
    })
    const { observe } = this.exchange.house
    this.exchange.house.observe = effect => {
      observe(effect)
      // What the telephone does with its media follows.
      if (effect.kind === 'call') this.network.later(20, () => this.air.changed())
    }
    this.watch = new Watch(this)
    this.telephone.register()
    for (const device of this.devices) this.open(device)
  }

  open(device: SimDevice): SimPage {
    const page = new SimPage(this.exchange, this.air, device)
    this.#opened.push(page)
    this.pages.set(device, page)
    page.phone.on('handedOn', ({ call }) => this.watch.call(page, call))
    page.phone.on('incoming', call => {
      const again = this.watch.seen.some(
        one => one.page === page && one.call !== call && one.call.id === call.id && one.end?.by === 'self',
      )
      if (again) this.watch.isWrong(`${device.name}: what was ended here rings again`)
      this.watch.call(page, call)
    })
    return page
  }

  call(page: SimPage, user: string, video: boolean): Call {
    const call = page.phone.call({ user, name: user.toUpperCase() }, { video })
    page.talk.begin(call)
    this.watch.call(page, call)
    return call
  }

  /** One thing happens. */
  act(): void {
    const { random } = this.network
    const page = this.#some([...this.pages.values()])
    if (page === undefined) return
    const { phone, talk } = page
    // What is on the screen.
    const call = this.#some([talk.call, talk.call, talk.handedOnTo].flatMap(one => one ?? []))
    // Where much is asked first and connected.
    if (this.#isBusy && random.below(2) > 0)
      return this.#some([this.#answer, this.#askFirst, this.#connect])!.call(this)
    switch (random.below(38)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        if (phone.state !== 'online' || talk.call) return
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
        return this.#answer()
      case 9:
        if (call?.state !== 'incoming') return
        this.#note(`${page.device.name} declines`)
        this.watch.isLeft(call)
        call.decline()
        return
      case 10:
      case 11:
        if (call === undefined) return
        this.#note(`${page.device.name} hangs up (${call.state})`)
        this.watch.isLeft(call)
        call.hangUp()
        return
      case 12: {
        if (call?.id === undefined) return
        this.#note('all hang up')
        this.watch.isLeft(call)
        for (const each of this.pages.values()) each.phone.calls.find(({ id }) => id === call.id)?.hangUp()
        return
      }
      case 13:
        if (call === undefined) return
        this.#note(`${page.device.name} camera ${!call.cameraOn}`)
        page.cameraMilliseconds = this.#some([0, 0, 30, 300])!
        call.setCamera(!call.cameraOn).catch(() => {})
        return
      case 14: {
        if (random.below(4) > 0 || !this.faults.has('page')) return
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
      case 36:
      case 37:
        return this.#cut()
      case 22:
        return this.#move(page)
      case 23:
        return this.#leave(page)
      case 24:
        return this.#right(page)
      case 26:
        return this.#sleep(page)
      case 27:
      case 28: {
        const user = this.#some(users)!
        if (call?.isTaken && call.refer({ user, name: user.toUpperCase() })) {
          this.#note(`${page.device.name} hands ${call.party.user} on to ${user}`)
          this.watch.handOn(page, call)
        }
        return
      }
      case 29:
      case 30:
      case 31:
        return this.#askFirst()
      case 32:
      case 33:
      case 34:
        return this.#connect()
      case 35:
        if (talk.waiting === undefined || talk.call === undefined) return
        this.#note(`${page.device.name} goes back`)
        this.watch.isLeft(talk.call)
        talk.call.hangUp()
        return
      case 25:
        for (const device of this.devices) {
          if (this.pages.has(device) || this.revoked.has(device)) continue
          this.#note(`${device.name} opens`)
          this.open(device)
        }
    }
  }

  /** Nothing is done to anybody any more, and everything that was broken works; then time passes. */
  async settle(): Promise<void> {
    await this.network.pass(this.faults.has('sleep') ? 75_000 : 30_000)
    if (!this.exchange.up) await this.network.pass(200_000)
    for (const page of this.#opened) if (this.pages.get(page.device) !== page) page.close({ saysSo: true })
    for (const { phone } of this.pages.values()) if (phone.stopReason === 'replaced') phone.start()
    for (const device of this.devices)
      if (!this.pages.has(device) && !this.revoked.has(device)) this.open(device)
    await this.network.pass(200_000)
    this.watch.lookAtCalls()
    this.watch.lookAtPictures()
    this.watch.lookAtHolding()
    this.watch.lookAtConnects()
    this.watch.lookAtPeople()
    for (const page of this.pages.values()) for (const call of page.phone.calls) call.hangUp()
    for (const { dialog } of [...this.telephone.outgoing, ...this.telephone.incoming])
      if (dialog && !dialog.ended) this.telephone.hangUp(dialog)
    await this.network.pass(60_000)
    for (const page of this.pages.values()) {
      for (const call of page.phone.calls)
        this.watch.isWrong(`${page.device.name} cannot hang up: ${call.state}`)
    }
    await this.network.pass(13 * 60_000)
    this.watch.lookAtEnd()
  }

  #answer(): void {
    for (const each of this.pages.values()) {
      const ringing = each.phone.calls.find(one => one.state === 'incoming')
      if (ringing === undefined) continue
      this.#note(`${each.device.name} answers`)
      void ringing.answer({ video: this.network.random.below(2) === 0 })
      if (this.network.random.below(3) > 0) return
    }
  }

  /** Somebody who may, as the screen has it, lets the other one wait and calls a third. */
  #askFirst(): void {
    const page = this.#some(
      [...this.pages.values()].filter(({ phone, talk: { call, waiting, handedOnTo } }) => {
        const isFree = waiting === undefined && handedOnTo === undefined && phone.state === 'online'
        return isFree && call?.connectedAt !== undefined && !isUnderWay(call.handOn)
      }),
    )
    if (page === undefined) return
    const { device, phone, talk } = page
    const waiting = talk.call!
    const user = this.#some(users.filter(one => one !== device.user && one !== waiting.party.user))!
    if (!talk.askFirst(phone, { user, name: user.toUpperCase() })) return
    this.#note(`${device.name} lets ${waiting.party.user} wait, and calls ${user}`)
    this.watch.call(page, talk.call!)
  }

  #connect(): void {
    const page = this.#some(
      [...this.pages.values()].filter(
        ({ talk }) =>
          talk.waiting && !isUnderWay(talk.waiting.handOn) && talk.call?.connectedAt !== undefined,
      ),
    )
    const { waiting, call } = page?.talk ?? {}
    if (!page?.talk.connect()) return
    this.#note(`${page.device.name} connects ${waiting!.party.user} and ${call!.party.user}`)
    this.watch.connect(page, waiting!, call!)
  }

  get #network(): string {
    return this.air.routed ? '10.0.2' : `10.0.${2 + this.network.random.below(2)}`
  }

  // ---------------------------------------------------------------------------------------------------- faults

  #line(page: SimPage): void {
    if (!this.faults.has('line')) return
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
    if (!this.faults.has('daemon') || !this.exchange.up || this.network.random.below(2) > 0) return
    const milliseconds = this.#some([100, 1_000, 5_000, 20_000, 180_000])!
    this.#note(`the daemon is killed for ${milliseconds}`)
    this.exchange.stop()
    this.network.later(milliseconds, () => {
      this.exchange.start()
      this.telephone.register()
    })
  }

  #cut(): void {
    if (!this.faults.has('media')) return
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
    if (!this.faults.has('media') || !this.faults.has('line')) return
    const { random } = this.network
    page.device.address = `${this.#network}.${100 + random.below(100)}`
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
    if (!this.faults.has('page')) return
    const { random } = this.network
    const saysSo = random.below(3) > 0
    const back = this.#some([50, 1_000, 7_000, 30_000, undefined])
    this.#note(`${page.device.name} page closed ${saysSo ? '' : 'without a word'}, back in ${back}`)
    page.close({ saysSo })
    this.air.changed()
    this.pages.delete(page.device)
    if (back === undefined) return
    this.network.later(back, () => {
      if (!this.pages.has(page.device) && !this.revoked.has(page.device)) this.open(page.device)
    })
  }

  #sleep(page: SimPage): void {
    if (!this.faults.has('sleep')) return
    const milliseconds = this.#some([400, 6_000, 20_000, 70_000])!
    this.#note(`${page.device.name} sleeps for ${milliseconds}`)
    page.sleep(milliseconds)
    this.air.changed()
    this.network.later(milliseconds + 1, () => {
      this.air.changed()
      if (page.isAlive && !page.isAsleep) page.phone.lookAtLine()
    })
  }

  /** The device's right is taken, or another tab takes its line. */
  #right(page: SimPage): void {
    if (!this.faults.has('right')) return
    const { random } = this.network
    if (random.below(3) > 0) {
      this.#note(`${page.device.name} second tab`)
      this.tabbed.add(page.device)
      this.open(page.device)
      this.network.later(20_000, () => page.close({ saysSo: true }))
    } else if (random.below(3) === 0 && this.exchange.up) {
      this.#note(`${page.device.name} is revoked`)
      this.revoked.add(page.device)
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
        for (const { call } of this.watch.seen) if (call.party.user === 'carol') this.watch.isLeft(call)
        for (const each of telephone.outgoing) {
          if (each.dialog !== undefined && !each.dialog.ended) telephone.hangUp(each.dialog)
          else if (each.final === undefined && each.statuses.includes(180)) telephone.cancel(each)
        }
        for (const { dialog } of telephone.incoming) if (dialog && !dialog.ended) telephone.hangUp(dialog)
        this.network.later(20, () => this.air.changed())
    }
  }

  #note(what: string): void {
    this.watch.note(what)
  }

  #some<One>(all: readonly One[]): One | undefined {
    return all[this.network.random.below(Math.max(1, all.length))]
  }
}
