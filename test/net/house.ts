/**
 * A house with an appliance and people in it: a LAN whose host `pi` runs lanline (claimed, people added), Chromium on
 * other hosts, the appliance's authority trusted there. What most real-peer tests begin with.
 */
import type { Browser } from 'playwright-core'
import { openPage, startChromium } from './chromium.ts'
import { Daemon, type Settings } from './daemon.ts'
import { openFirefoxPage, startFirefox } from './firefox.ts'
import { type Host, Lan } from './lan.ts'
import type { Colour } from './media.ts'
import { Owner } from './owner.ts'
import { PhonePage } from './phone-page.ts'

/** A browser's host and what its microphone and camera give; Firefox has a picture of its own. */
export interface Seat {
  readonly host: string
  readonly hertz: number
  readonly colour: Colour
  readonly browser?: 'chromium' | 'firefox'
  /** See `FirefoxOptions`. */
  readonly hidesAddresses?: boolean
  /** See `ChromiumOptions`. */
  readonly isFirst?: boolean
}

export const aliceSeat: Seat = { host: 'alice', hertz: 440, colour: 'red' }
export const bobSeat: Seat = { host: 'bob', hertz: 1_000, colour: 'blue' }
export const carolSeat: Seat = { host: 'carol', hertz: 700, colour: 'green' }
export const faySeat: Seat = { host: 'fay', hertz: 700, colour: 'green', browser: 'firefox' }
export const fritzSeat: Seat = { ...faySeat, host: 'fritz', hidesAddresses: true }

export interface HouseOptions {
  readonly seats: readonly Seat[]
  /** Hosts without a browser, besides `pi`. */
  readonly otherHosts?: readonly string[]
  readonly settings?: Settings
  /** No host has IPv4. */
  readonly ipv6Only?: boolean
  /** Something to be done to the LAN before anything runs on it. */
  readonly prepare?: (lan: Lan) => Promise<void>
  /** Another house's appliance on the same LAN, which the browsers trust too. */
  readonly neighbour?: (lan: Lan) => Promise<Daemon>
}

export class House {
  readonly lan: Lan
  readonly daemon: Daemon
  readonly owner: Owner
  readonly #browsers = new Map<string, Browser>()

  private constructor(lan: Lan, daemon: Daemon, owner: Owner) {
    this.lan = lan
    this.daemon = daemon
    this.owner = owner
  }

  static async build(options: HouseOptions): Promise<House> {
    const seats = options.seats.map(seat => seat.host)
    const lan = await Lan.create({
      hosts: ['pi', ...seats, ...(options.otherHosts ?? [])],
      names: { 'lanline.local': 'pi' },
      ipv6Only: options.ipv6Only === true,
    })
    try {
      await options.prepare?.(lan)
      const neighbour = await options.neighbour?.(lan)
      const daemon = new Daemon(lan.host('pi'), options.settings)
      await daemon.start()
      const house = new House(lan, daemon, await Owner.claim(daemon))
      await Promise.all(
        options.seats.map(async seat => {
          const trusted = [daemon, neighbour].flatMap(each => each?.authorityFile ?? [])
          const start = seat.browser === 'firefox' ? startFirefox : startChromium
          house.#browsers.set(seat.host, await start(lan.host(seat.host), { ...seat, trusted }))
        }),
      )
      return house
    } catch (error) {
      lan.remove()
      throw error
    }
  }

  host(name: string): Host {
    return this.lan.host(name)
  }

  browser(host: string): Browser {
    const browser = this.#browsers.get(host)
    if (browser === undefined) throw new Error(`no browser on ${host}`)
    return browser
  }

  /** A page of that person on that host's browser, enrolled by an invite link as a person would open it. */
  async phone(displayName: string, host: string): Promise<PhonePage> {
    const invite = await this.owner.invite(displayName.toLowerCase())
    const browser = this.browser(host)
    const isFirefox = browser.browserType().name() === 'firefox'
    const page = isFirefox ? await openFirefoxPage(browser) : await openPage(browser, this.daemon.origin)
    return PhonePage.joined(page, `${this.daemon.origin}/j#${invite.token}`, displayName)
  }

  remove(): void {
    this.lan.remove()
  }
}
