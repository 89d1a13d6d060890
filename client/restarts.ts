/**
 * ICE restarts of one call: when an offer goes out, and that there is never more than one whose fate is not known. By
 * itself only the caller restarts; the appliance may ask either party. Knows neither SDP nor the connection.
 */
import { type Env, Timers } from './env.ts'

/** `line`: through the appliance. `channel`: the data channel to the other client, while the appliance is away. */
export type OfferWay = 'line' | 'channel'

export interface RestartPorts {
  readonly env: Env
  /** Whether this party may restart without being asked. */
  readonly byItself: boolean
  /** Media is interrupted. */
  isNeeded(): boolean
  /** Undefined while the other party cannot be reached at all. */
  way(): OfferWay | undefined
  /** Makes an offer with `iceRestart` and applies it. */
  offer(): Promise<string>
  rollBack(): Promise<void>
  /** False when that way is closed. `number` tells the offers on the data channel apart. */
  send(way: OfferWay, sdp: string, number: number): boolean
}

export const restartLimits = {
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
  readonly asked: boolean
  /** The line it was sent on, counted. */
  line: number | undefined
}

export class Restarts {
  readonly #ports: RestartPorts
  readonly #timers: Timers<'again' | 'glare' | 'answer' | 'missed'>
  #outstanding: Offer | undefined
  #wanted: 'self' | 'asked' | undefined
  #number = 0
  #line = 0

  constructor(ports: RestartPorts) {
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

  /** The same, if media is still missing then. */
  wantAfter(milliseconds: number): void {
    if (!this.#ports.byItself) return
    this.#timers.set('again', milliseconds, () => {
      if (this.#ports.isNeeded()) this.want()
    })
  }

  /** True when this answers our offer: it is to be applied, then `settled` called. */
  takesAnswer(way: OfferWay, number?: number): boolean {
    const offer = this.#outstanding
    if (offer === undefined || offer.way !== way) return false
    return number === undefined || number === offer.number
  }

  /** The answer was applied. */
  settled(): void {
    this.#forget()
    if (this.#wanted === undefined) this.wantAfter(restartLimits.againMilliseconds)
    else this.#go()
  }

  /** The appliance did not take our offer. Without `retryAfterMilliseconds` it is not to be tried again as it was. */
  refused(retryAfterMilliseconds: number | null): void {
    const offer = this.#outstanding
    if (offer?.way !== 'line') return
    this.#forget()
    void this.#ports.rollBack()
    if (retryAfterMilliseconds !== null) {
      this.#wantSame(offer)
      this.#timers.set('glare', retryAfterMilliseconds, () => this.#go())
    } else if (this.#wanted === 'asked') this.#go()
    else this.wantAfter(restartLimits.againMilliseconds)
  }

  /** The appliance is there again and holds the call. */
  lineBack(): void {
    this.#line++
    if (this.#outstanding === undefined) this.#go()
    else this.#timers.set('missed', restartLimits.missedMilliseconds, () => this.#giveUpMissed())
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
  }

  #go(): void {
    const asked = this.#wanted === 'asked'
    if (this.#outstanding !== undefined || this.#wanted === undefined) return
    const way = this.#ports.way()
    if (way === undefined) return
    const offer: Offer = { number: ++this.#number, way, asked, line: undefined }
    this.#outstanding = offer
    this.#wanted = undefined
    this.#timers.clear('again')
    this.#timers.clear('glare')
    const { lineAnswerMilliseconds, channelAnswerMilliseconds } = restartLimits
    const patience = way === 'line' ? lineAnswerMilliseconds : channelAnswerMilliseconds
    this.#timers.set('answer', patience, () => this.#giveUp(offer))
    this.#ports.offer().then(
      sdp => this.#send(offer, sdp),
      error => {
        console.warn('lanline: no restart', error)
        if (this.#outstanding !== offer) return
        this.#forget()
        this.wantAfter(restartLimits.againMilliseconds)
      },
    )
  }

  #send(offer: Offer, sdp: string): void {
    if (this.#outstanding !== offer) return
    offer.line = this.#line
    if (this.#ports.send(offer.way, sdp, offer.number)) return
    // The way closed meanwhile.
    this.#forget()
    void this.#ports.rollBack()
    this.#wantSame(offer)
    if (this.#ports.way() !== offer.way) this.#go()
    else this.#timers.set('again', restartLimits.againMilliseconds, () => this.#go())
  }

  /** What went over the old line or past the appliance has no answer to come on the new line. */
  #giveUpMissed(): void {
    const offer = this.#outstanding
    if (offer?.line === undefined) return
    if (offer.way === 'channel' || offer.line !== this.#line) this.#giveUp(offer)
  }

  #giveUp(offer: Offer): void {
    if (this.#outstanding !== offer) return
    this.#forget()
    void this.#ports.rollBack()
    if (offer.asked || this.#ports.isNeeded()) this.#wantSame(offer)
    this.#go()
  }

  #wantSame(offer: Offer): void {
    if (offer.asked) this.#wanted = 'asked'
    else this.#wanted ??= 'self'
  }

  #forget(): void {
    this.#outstanding = undefined
    this.#timers.clear('answer')
    this.#timers.clear('missed')
  }
}
