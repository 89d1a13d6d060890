/**
 * Offers within one call, those that restart ICE and those that change what is sent: when one goes out, and that there is
 * never more than one whose fate is not known. By itself only the caller restarts ICE; the appliance may ask either
 * party, and either may change what it sends. Knows neither SDP nor the connection.
 */
import { type Env, Timers } from './env.ts'

/** `line`: through the appliance. `channel`: the data channel to the other client, while the appliance is away. */
export type OfferWay = 'line' | 'channel'

/** `restart`: with new ICE credentials. `change`: what this party sends is another than was agreed on. */
export type OfferPurpose = 'restart' | 'change'

export interface OfferPorts {
  readonly env: Env
  /** Whether this party may restart without being asked. */
  readonly byItself: boolean
  /** Media is interrupted. */
  isNeeded(): boolean
  /** Undefined while the other party cannot be reached at all. */
  way(): OfferWay | undefined
  /** Makes an offer and applies it; undefined when nothing is left that would have to be changed. */
  offer(purpose: OfferPurpose): Promise<string | undefined>
  /** Unless our offer `isRefused`, the other party may have taken it. */
  rollBack(isRefused: boolean): Promise<void>
  /** False when that way is closed. `number` tells the offers on the data channel apart. */
  send(way: OfferWay, sdp: string, number: number): boolean
  /**
   * The other party does not take the change: it is not offered again. Of what has to be changed all the same it says after how
   * many milliseconds that is tried again.
   */
  changeRefused(): number | undefined
}

export const offerLimits = {
  /** A restart that brought no media is followed by another one. */
  againMilliseconds: 5_000,
  /** The appliance refuses what the other party does not answer in 20 s; after this it has forgotten the offer. */
  lineAnswerMilliseconds: 25_000,
  channelAnswerMilliseconds: 5_000,
  /** After the line is back the appliance tells at once what was missed: an answer may be in it. */
  missedMilliseconds: 150,
} as const

interface Offer {
  readonly number: number
  readonly way: OfferWay
  readonly purpose: OfferPurpose
  /** By the appliance. */
  readonly asked: boolean
  /** The line it was sent on, counted. */
  line: number | undefined
  isAnswered: boolean
}

export class Offers {
  readonly #ports: OfferPorts
  readonly #timers: Timers<'again' | 'glare' | 'answer' | 'missed' | 'change'>
  #outstanding: Offer | undefined
  /** Who wants a restart. */
  #wanted: 'self' | 'asked' | undefined
  #wantsChange = false
  #number = 0
  #line = 0

  constructor(ports: OfferPorts) {
    this.#ports = ports
    this.#timers = new Timers(ports.env)
  }

  /** The appliance asks for a restart: at once, or right after the offer that is under way. */
  ask(): void {
    this.#wanted = 'asked'
    this.#go()
  }

  /** A new path is wanted, by a party that may look for one by itself. */
  want(): void {
    if (!this.#ports.byItself) return
    this.#wanted ??= 'self'
    if (!this.#timers.has('glare')) this.#go()
  }

  /** What we send is another than was agreed on: offered as soon as there is a line, since the appliance must know of it. */
  change(): void {
    this.#wantsChange = true
    if (!this.#timers.has('glare')) this.#go()
  }

  /** A change waits to be offered, or for its fate. */
  get isChanging(): boolean {
    return this.#wantsChange || this.#outstanding?.purpose === 'change'
  }

  /** As `want`, if media is still missing then. */
  wantAfter(milliseconds: number): void {
    if (!this.#ports.byItself) return
    this.#timers.set('again', milliseconds, () => {
      if (this.#ports.isNeeded()) this.want()
    })
  }

  /** True when this answers our offer: it is to be applied and looked at, then `settled` called; nothing is offered until then. */
  takesAnswer(way: OfferWay, number?: number): boolean {
    const offer = this.#outstanding
    if (offer === undefined || offer.isAnswered || offer.way !== way) return false
    if (number !== undefined && number !== offer.number) return false
    offer.isAnswered = true
    this.#timers.clear('answer')
    this.#timers.clear('missed')
    return true
  }

  /** The answer was applied. */
  settled(): void {
    if (this.#outstanding?.isAnswered !== true) return
    this.#forget()
    if (this.#wanted === undefined) this.wantAfter(offerLimits.againMilliseconds)
    this.#go()
  }

  /** The appliance did not take our offer. Without `retryAfterMilliseconds` it is not to be tried again as it was. */
  refused(retryAfterMilliseconds: number | null): void {
    const offer = this.#outstanding
    if (offer?.way !== 'line' || offer.isAnswered) return
    this.#forget()
    void this.#ports.rollBack(true)
    if (retryAfterMilliseconds !== null) {
      this.#wantSame(offer)
      this.#timers.set('glare', retryAfterMilliseconds, () => this.#go())
      return
    }
    if (offer.purpose === 'change') {
      const again = this.#ports.changeRefused()
      if (again !== undefined) this.#timers.set('change', again, () => this.change())
    }
    if (offer.purpose === 'change' || this.#wanted === 'asked' || this.#wantsChange) this.#go()
    else this.wantAfter(offerLimits.againMilliseconds)
  }

  /** The appliance is there again and holds the call. */
  lineBack(): void {
    this.#line++
    if (this.#outstanding === undefined) this.#go()
    else this.#timers.set('missed', offerLimits.missedMilliseconds, () => this.#giveUpMissed())
  }

  /** Media flows: nothing is left to look for, but for what the appliance asked. */
  flowing(): void {
    if (this.#wanted === 'asked') return
    this.#wanted = undefined
    this.#timers.clear('again')
  }

  stop(): void {
    this.#timers.clearAll()
    this.#outstanding = undefined
    this.#wanted = undefined
    this.#wantsChange = false
  }

  #go(): void {
    const asked = this.#wanted === 'asked'
    const purpose = this.#wanted === undefined ? 'change' : 'restart'
    if (this.#outstanding !== undefined || (purpose === 'change' && !this.#wantsChange)) return
    const way = this.#ports.way()
    if (way === undefined || (purpose === 'change' && way !== 'line')) return
    const offer: Offer = { number: ++this.#number, way, purpose, asked, line: undefined, isAnswered: false }
    this.#outstanding = offer
    if (purpose === 'restart') this.#wanted = undefined
    else this.#wantsChange = false
    if (purpose === 'restart') this.#timers.clear('again')
    this.#timers.clear('glare')
    const { lineAnswerMilliseconds, channelAnswerMilliseconds } = offerLimits
    const patience = way === 'line' ? lineAnswerMilliseconds : channelAnswerMilliseconds
    this.#timers.set('answer', patience, () => this.#giveUp(offer))
    this.#ports.offer(purpose).then(
      sdp => this.#send(offer, sdp),
      error => {
        console.warn('lanline: no offer', error)
        if (this.#outstanding !== offer) return
        this.#forget()
        if (purpose === 'change') this.#ports.changeRefused()
        this.wantAfter(offerLimits.againMilliseconds)
      },
    )
  }

  #send(offer: Offer, sdp: string | undefined): void {
    if (this.#outstanding !== offer) return
    if (sdp === undefined) {
      this.#forget()
      this.#go()
      return
    }
    offer.line = this.#line
    if (this.#ports.send(offer.way, sdp, offer.number)) return
    // The way closed meanwhile.
    this.#forget()
    void this.#ports.rollBack(true)
    this.#wantSame(offer)
    if (this.#ports.way() !== offer.way) this.#go()
    else this.#timers.set('again', offerLimits.againMilliseconds, () => this.#go())
  }

  /** What went over the old line or past the appliance has no answer to come on the new line. */
  #giveUpMissed(): void {
    const offer = this.#outstanding
    if (offer?.line === undefined || offer.isAnswered) return
    if (offer.way === 'channel' || offer.line !== this.#line) this.#giveUp(offer)
  }

  #giveUp(offer: Offer): void {
    if (this.#outstanding !== offer) return
    this.#forget()
    void this.#ports.rollBack(false)
    if (offer.asked || offer.purpose === 'change' || this.#ports.isNeeded()) this.#wantSame(offer)
    this.#go()
  }

  #wantSame(offer: Offer): void {
    if (offer.purpose === 'change') this.#wantsChange = true
    else if (offer.asked) this.#wanted = 'asked'
    else this.#wanted ??= 'self'
  }

  #forget(): void {
    this.#outstanding = undefined
    this.#timers.clear('answer')
    this.#timers.clear('missed')
  }
}
