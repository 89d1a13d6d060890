/**
 * The real client library on the simulated network: `Phone` in a page that is loaded, loaded anew and closed, on a host
 * with an address, by lines that break in all ways a line breaks; and what the web phone makes of its calls. Time and
 * chance are the network's.
 */
import { type Env, memoryStorage, type Socket, type TextStorage } from '../../client/env.ts'
import type { OpenMedia } from '../../client/media.ts'
import { Phone } from '../../client/phone.ts'
import { Talk } from '../../web-phone/src/talk.ts'
import type { LivingPage, SimAir, SimHost } from './air.ts'
import type { SimExchange } from './exchange.ts'

/** A device: what outlives its pages, and where they run. */
export class SimDevice implements SimHost {
  readonly name: string
  readonly user: string
  address: string
  /** The appliance is reached. */
  isOnline = true
  readonly storage: TextStorage = memoryStorage()

  constructor(name: string, address: string) {
    this.name = name
    this.user = name.replace(/-[0-9]$/, '')
    this.address = address
  }
}

/** How a line breaks. What is said on it from then on is lost; without `inFlight` also what is under way. */
export interface Break {
  readonly up: boolean
  readonly down: boolean
  readonly inFlight: boolean
  /** Milliseconds until the client's system admits it; undefined: never. */
  readonly clientHears: number | undefined
  readonly serverHears: number | undefined
}

export class SimPage implements LivingPage {
  readonly exchange: SimExchange
  readonly device: SimDevice
  readonly phone: Phone
  /** The calls on its screen. */
  readonly talk: Talk
  readonly lines: SimLine[] = []
  /** How long a person, or the system, takes to let the microphone be used; undefined: they do not. */
  microphoneMilliseconds: number | undefined = 5
  /** How long a camera takes to open. */
  cameraMilliseconds = 0
  isAlive = true
  #asleepUntil = 0
  /** What is to run as soon as it is awake, in order. */
  readonly #waiting: (() => void)[] = []

  constructor(exchange: SimExchange, air: SimAir, device: SimDevice) {
    const { network } = exchange
    const page = this
    this.exchange = exchange
    this.device = device
    const env: Env = {
      WebSocket: class extends SimLine {
        constructor() {
          super(page)
          page.lines.push(this)
        }
      },
      RTCPeerConnection: air.connectionClass(device, this),
      now: () => network.monotonic(),
      wall: () => network.epoch(),
      random: () => network.random.below(1_000_000) / 1_000_000,
      setTimeout: (callback, milliseconds) => {
        const timer = { run: callback }
        network.later(Math.max(0, milliseconds), () => this.awake(() => timer.run()))
        return timer
      },
      clearTimeout: timer => {
        if (timer !== undefined) (timer as { run: () => void }).run = () => {}
      },
    }
    const { storage } = device
    this.phone = new Phone({
      url: 'wss://lanline.local/ws',
      token: `token of ${device.name}`,
      client: 'sim',
      openMedia: this.#openMedia,
      storage: {
        getItem: key => storage.getItem(key),
        setItem: (key, text) => this.isAlive && storage.setItem(key, text),
        removeItem: key => this.isAlive && storage.removeItem(key),
      },
      env,
    })
    this.talk = new Talk(env, () => {})
    this.phone.on('incoming', call => this.talk.begin(call))
    this.phone.on('handedOn', ({ from, call }) => this.talk.handedOn(from, call))
    this.phone.on('turnedAway', who => this.talk.called(who))
    this.phone.start()
  }

  get line(): SimLine | undefined {
    return this.lines.findLast(line => line.isOpen)
  }

  get isAsleep(): boolean {
    return this.#asleepUntil > this.exchange.network.monotonic()
  }

  /** The lid is closed for so long: nothing runs until then, and nothing is sent. */
  sleep(milliseconds: number): void {
    const { network } = this.exchange
    this.#asleepUntil = Math.max(this.#asleepUntil, network.monotonic() + milliseconds)
    network.later(milliseconds, () => {
      if (this.isAsleep) return
      for (const run of this.#waiting.splice(0)) this.awake(run)
    })
  }

  /** Runs it when the page is awake. */
  awake(run: () => void): void {
    if (this.isAsleep) this.#waiting.push(run)
    else if (this.isAlive) run()
  }

  /** Closed, or about to be loaded anew. As `pagehide` has it: calls are hung up, what rings is left ringing. */
  close(how: { readonly saysSo: boolean }): void {
    if (!this.isAlive) return
    if (how.saysSo) {
      for (const call of this.phone.calls) {
        if (call.direction === 'outgoing' || (call.state !== 'incoming' && call.state !== 'answering'))
          call.hangUp()
      }
    }
    this.isAlive = false
    for (const line of this.lines) line.leave(how.saysSo)
  }

  #openMedia: OpenMedia = ({ video, microphone }) => {
    const { network } = this.exchange
    const opened = async () => {
      const { cameraMilliseconds } = this
      if (cameraMilliseconds > 0)
        await new Promise<void>(done => network.later(cameraMilliseconds, () => this.awake(done)))
    }
    if (microphone?.readyState === 'live' && !video)
      return Promise.resolve(new SimMedia(opened, false, microphone.clone()))
    const { microphoneMilliseconds: late } = this
    return new Promise((resolve, reject) => {
      const answer = () => {
        if (late === undefined) reject(new Error('denied'))
        else resolve(new SimMedia(opened, video))
      }
      network.later(late ?? 3_000, () => this.awake(answer))
    })
  }
}

class SimMedia implements Awaited<ReturnType<OpenMedia>> {
  readonly audio: MediaStreamTrack
  video: MediaStreamTrack | undefined
  readonly testSource = false
  readonly problems = []
  readonly #opened: () => Promise<void>
  #cameraTurn = 0

  /** `opened`: once a camera is. */
  constructor(opened: () => Promise<void>, video: boolean, microphone = trackOf('audio')) {
    this.#opened = opened
    this.audio = microphone
    this.video = video ? trackOf('video') : undefined
  }

  async useMicrophone(): Promise<MediaStreamTrack> {
    return this.audio
  }

  async startCamera(): Promise<MediaStreamTrack> {
    this.stopCamera()
    const turn = this.#cameraTurn
    await this.#opened()
    const track = trackOf('video')
    if (turn === this.#cameraTurn) this.video = track
    return track
  }

  stopCamera(): void {
    this.#cameraTurn++
    this.video = undefined
  }

  release(): void {
    this.audio.stop()
    this.stopCamera()
  }
}

function trackOf(kind: string, enabled = true): MediaStreamTrack {
  const track = {
    ...{ kind, enabled, readyState: 'live' },
    stop: () => {
      track.readyState = 'ended'
    },
    clone: () => trackOf(kind, track.enabled),
  }
  return track as unknown as MediaStreamTrack
}

/** One WebSocket of a page. */
class SimLine implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  readonly #page: SimPage
  readonly #exchange: SimExchange
  #id: string | undefined
  #isClosed = false
  #broken: (Break & { readonly at: number }) | undefined
  /** Until then what is said on it waits. */
  #stalledUntil = 0

  constructor(page: SimPage) {
    this.#page = page
    this.#exchange = page.exchange
    const { isOnline, address } = page.device
    // Nobody answers where the appliance is not reached.
    if (!isOnline) return
    const { network } = this.#exchange
    network.later(2 * network.streamMilliseconds, () => {
      if (this.#isClosed || !page.isAlive) return
      this.#id = this.#exchange.open(
        { address, port: 1_000 + network.random.below(60_000) },
        {
          receive: message =>
            this.#arrive('down', 0, () => this.#tell('onmessage', { data: JSON.stringify(message) })),
          closed: code => this.#arrive('down', 0, () => this.#end(code)),
        },
      )
      if (this.#id === undefined) this.#end(1006)
      else this.#tell('onopen', {})
    })
  }

  get isOpen(): boolean {
    return this.#id !== undefined && !this.#isClosed
  }

  send(text: string): void {
    if (this.#isClosed) return
    this.#arrive('up', this.#exchange.network.streamMilliseconds, () => this.#exchange.frame(this.#id!, text))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#arrive('up', this.#exchange.network.streamMilliseconds, () => this.#shut(false))
  }

  break(how: Break): void {
    const { network } = this.#exchange
    this.#broken = { ...how, at: network.monotonic() }
    if (how.clientHears !== undefined) network.later(how.clientHears, () => this.#end(1006))
    if (how.serverHears !== undefined) network.later(how.serverHears, () => this.#shut(false))
  }

  /** Nothing arrives for so long, then everything. */
  stall(milliseconds: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#exchange.network.monotonic() + milliseconds)
  }

  /** Its page is gone; `saysSo`: with the close code of one that is closed. */
  leave(saysSo: boolean): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (saysSo) this.#arrive('up', this.#exchange.network.streamMilliseconds, () => this.#shut(true))
  }

  #shut(left: boolean): void {
    if (this.#id !== undefined) this.#exchange.shut(this.#id, left)
  }

  #arrive(way: 'up' | 'down', milliseconds: number, run: () => void): void {
    const { network } = this.#exchange
    const sentAt = network.monotonic()
    const isLost = () => this.#broken?.[way] && !(this.#broken.inFlight && sentAt < this.#broken.at)
    const wait = Math.max(milliseconds, this.#stalledUntil - sentAt)
    if (wait <= 0) {
      if (!isLost()) run()
      return
    }
    network.later(wait, () => {
      if (!isLost()) run()
    })
  }

  #end(code: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tell('onclose', { code })
  }

  #tell(what: 'onopen' | 'onmessage' | 'onclose', event: object): void {
    this.#page.awake(() => this[what]?.(event as never))
  }
}
