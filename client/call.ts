/**
 * One call, from the first click to its end, for caller and callee alike. Signalling goes through ports, so that a
 * call outlives the channel: while that is away media goes on, and hang-up and ICE restarts take the data channel
 * between the two parties.
 *
 * Left out on purpose: holding, transferring and any change of the SDP a stack made.
 */
import type { EndReason } from '../src/core/end-reason.ts'
import type { RelayRefusal } from '../src/relay/message.ts'
import type { ClientMessage, MediaReport, ServerMessage } from '../src/signalling/message.ts'
import { Emitter } from './emitter.ts'
import { type Env, Timers } from './env.ts'
import type { HeldCalls } from './held.ts'
import { type LocalMedia, MediaError, type MediaProblem, type OpenMedia } from './media.ts'
import { PathWatch } from './no-path.ts'
import { type CallPath, noPath, pathOf, type RelayOffer } from './path.ts'
import { Peer } from './peer.ts'
import { type PeerWord, readPeerWord, WordBudget } from './peerword.ts'
import type { MediaFacts } from './report.ts'
import { Restarts } from './restarts.ts'
import { Sampler } from './sampler.ts'
import { isBundled, isOlder } from './sdp.ts'
import { Trickle } from './trickle.ts'

/**
 * `preparing` (opening microphone and camera), `calling` (offer sent), `ringing` (there), `incoming` (here),
 * `answering`, `connecting` (taken, no media yet), `connected`, `reconnecting` (media interrupted), `ended`.
 */
export type CallState =
  | 'preparing'
  | 'calling'
  | 'ringing'
  | 'incoming'
  | 'answering'
  | 'connecting'
  | 'connected'
  | 'reconnecting'
  | 'ended'

export interface CallEnd {
  readonly by: 'self' | 'peer' | 'server'
  readonly reason: EndReason
  /** SIP status or 0. */
  readonly code: number
}

/** What the other party's client says of what it sends; undefined while (or because) it says nothing. */
export interface PeerMedia {
  readonly muted: boolean
  readonly camera: boolean
  readonly testSource: boolean
}

export interface CallEvents {
  /** Anything that can be read from the call changed. */
  changed: Call
  facts: MediaFacts
  ended: CallEnd
}

export interface CallPorts {
  readonly env: Env
  readonly held: HeldCalls
  readonly openMedia: OpenMedia
  online(): boolean
  /** False when there is no line. */
  send(message: ClientMessage): boolean
  /** Now, or when there is a line again. */
  report(call: string, report: MediaReport, isLast: boolean): void
  /** Media stopped: the line may be dead as well. */
  lookAtLine(): void
}

export interface CallSetup {
  readonly direction: 'outgoing' | 'incoming'
  /** Our name for the call until the appliance tells its id. */
  readonly ref: string
  readonly peer: { readonly user: string; readonly name: string }
  readonly video: boolean
  /** Incoming only. */
  readonly incoming?: { readonly call: string; readonly sdp: string; readonly trickle: boolean }
}

type TimerName = 'noAnswer' | 'setup' | 'lost' | 'offeredAgain'

export const callLimits = {
  /** A caller gives up after this. */
  noAnswerMilliseconds: 60_000,
  /** From the answer to the first media, and from losing it to giving up. */
  mediaMilliseconds: 20_000,
  /** An interruption shorter than this mends itself more often than not. */
  restartAfterMilliseconds: 3_000,
  /** How soon after the welcome the appliance asks for a restart where it wants one. */
  askedMilliseconds: 150,
  /** How long the appliance may take to confirm an end that the other party already told directly. */
  peerByeMilliseconds: 40_000,
  /** A call that rang here when the channel broke is offered again right after the welcome, or is over. */
  offeredAgainMilliseconds: 3_000,
  closeMilliseconds: 400,
  /** Offers by the data channel that are being answered: who offers has one under way, and gives up one after 5 s. */
  channelOffers: 2,
} as const

export class Call extends Emitter<CallEvents> {
  readonly direction: 'outgoing' | 'incoming'
  readonly ref: string
  readonly video: boolean
  readonly #ports: CallPorts
  readonly #timers: Timers<TimerName>
  readonly #restarts: Restarts
  readonly #pathWatch: PathWatch
  readonly #sampler: Sampler
  readonly #trickle: Trickle
  readonly #budget = new WordBudget()
  readonly #startedAt: number
  #offered: { readonly sdp: string; readonly trickle: boolean } | undefined
  #id: string | undefined
  #party: { readonly user: string; readonly name: string }
  #state: CallState
  #end: CallEnd | undefined
  #problem: MediaProblem | undefined
  #media: LocalMedia | undefined
  readonly #ended = new AbortController()
  #peer: Peer | undefined
  #answered = false
  #channelOffers = 0
  #muted = false
  #peerMedia: PeerMedia | undefined
  #connectedAt: number | undefined
  #relay: RelayOffer | undefined
  #relayRefusal: { readonly reason: RelayRefusal; readonly message: string } | undefined

  constructor(ports: CallPorts, setup: CallSetup) {
    super()
    this.#ports = ports
    this.#timers = new Timers(ports.env)
    this.#startedAt = ports.env.now()
    this.direction = setup.direction
    this.ref = setup.ref
    this.video = setup.video
    this.#party = setup.peer
    this.#id = setup.incoming?.call
    this.#offered = setup.incoming
    this.#state = setup.direction === 'outgoing' ? 'preparing' : 'incoming'
    this.#restarts = this.#makeRestarts()
    this.#pathWatch = this.#makePathWatch()
    this.#sampler = this.#makeSampler()
    this.#trickle = this.#makeTrickle()
  }

  /** The appliance's id of the call, once it is known. */
  get id(): string | undefined {
    return this.#id
  }
  get party(): { readonly user: string; readonly name: string } {
    return this.#party
  }
  get state(): CallState {
    return this.#state
  }
  get end(): CallEnd | undefined {
    return this.#end
  }
  /** Why microphone or camera are not as wanted. */
  get problem(): MediaProblem | undefined {
    return this.#problem
  }
  /** All of them: a device may lack both. */
  get problems(): readonly MediaProblem[] {
    return this.#media?.problems ?? []
  }
  get muted(): boolean {
    return this.#muted
  }
  get cameraOn(): boolean {
    return this.#media?.video !== undefined
  }
  get testSource(): boolean {
    return this.#media?.testSource ?? false
  }
  /** True when a camera may be turned on without asking the other side. */
  get canSendVideo(): boolean {
    return this.#peer?.canSendVideo ?? false
  }
  /** What is sent of this side's sound: microphone or test source. */
  get localAudio(): MediaStreamTrack | undefined {
    return this.#media?.audio
  }
  get localVideo(): MediaStreamTrack | undefined {
    return this.#media?.video
  }
  get remoteStream(): MediaStream | undefined {
    return this.#peer?.remoteStream
  }
  /** Where there is no `MediaStream` (Node). */
  get remoteTracks(): readonly MediaStreamTrack[] {
    return this.#peer?.remoteTracks ?? []
  }
  get peerMedia(): PeerMedia | undefined {
    return this.#peerMedia
  }
  get facts(): MediaFacts | undefined {
    return this.#sampler.facts
  }
  /** Which way media goes now. */
  get path(): CallPath {
    return this.#state === 'connected' ? pathOf(this.facts, this.#relay) : noPath
  }
  /** Why the appliance does not relay this call, in its words for people; undefined while media flows. */
  get relayRefusal(): { readonly reason: RelayRefusal; readonly message: string } | undefined {
    return this.#relayRefusal
  }
  /** Milliseconds of the environment's clock at which media first flowed. */
  get connectedAt(): number | undefined {
    return this.#connectedAt
  }
  /** The connection itself, for who wants to look closer. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#peer?.connection
  }

  /** Caller: opens the media and sends the offer. */
  async start(): Promise<void> {
    const media = await this.#open(this.video)
    if (media === undefined) return
    const peer = this.#makePeer('balanced')
    peer.addMedia(media, this.video)
    peer.openChannel()
    const sdp = await peer.offer({ restart: false, wait: true })
    if (this.#over()) return
    const { ref, video } = this
    if (!this.#ports.send({ type: 'call', ref, to: this.#party.user, sdp, video })) {
      this.#finish({ by: 'self', reason: 'lost', code: 0 })
      return
    }
    this.#timers.set('noAnswer', callLimits.noAnswerMilliseconds, () => this.hangUp('noAnswer'))
    this.#become('calling')
  }

  /** Callee: takes the call, with or without its own camera. */
  async answer(wanted: { readonly video: boolean }): Promise<void> {
    const offered = this.#offered
    if (this.#state !== 'incoming' || offered === undefined) return
    this.#become('answering')
    const media = await this.#open(wanted.video)
    if (media === undefined) return
    const peer = this.#makePeer(isBundled(offered.sdp) ? 'max-bundle' : 'balanced')
    this.#trickle.isTaken = offered.trickle
    try {
      await peer.takeOffer(offered.sdp)
      await peer.fillAnswer(media)
      const sdp = await peer.answer({ wait: !offered.trickle })
      if (this.#over()) return
      this.#answered = true
      this.#ports.held.token(this.#id!, '')
      this.#ports.send({ type: 'answer', call: this.#id!, sdp })
      this.#pathWatch.begin([])
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#giveUpAfter('setup', 'mediaFailed')
    this.#trickle.flush()
    this.#become('connecting')
    this.#look()
  }

  /** Callee: does not take it. */
  decline(reason: 'declined' | 'busy' | 'failed' = 'declined'): void {
    if (this.#answered || this.direction !== 'incoming') {
      this.hangUp()
      return
    }
    this.#ports.send({ type: 'decline', call: this.#id!, reason })
    this.#finish({ by: 'self', reason, code: 0 })
  }

  /** Ends the call from any state. Where signalling is away the data channel says it, and the appliance learns later. */
  hangUp(reason: EndReason = 'hangup'): void {
    if (this.#over()) return
    if (this.direction === 'incoming' && !this.#answered) {
      this.decline()
      return
    }
    const early = !this.#answered && reason === 'hangup'
    const ended: EndReason = early ? 'cancelled' : reason
    if (this.#id !== undefined) {
      this.#ports.held.ended(this.#id, 'self', ended)
      this.#ports.send({ type: 'bye', call: this.#id, reason: ended })
    }
    this.#tell({ type: 'bye', reason: ended })
    this.#finish({ by: 'self', reason: ended, code: 0 })
  }

  setMuted(muted: boolean): void {
    this.#muted = muted
    if (this.#media?.audio) this.#media.audio.enabled = !muted
    this.#tellMedia()
    this.emit('changed', this)
  }

  /** Turns the camera on or off. Throws `MediaError` when there is none to be had. */
  async setCamera(on: boolean, device?: string): Promise<void> {
    const media = this.#media
    if (media === undefined || this.#over()) return
    if (on) await media.startCamera(device)
    else media.stopCamera()
    if (this.#over()) return
    await this.#peer?.sendVideo(media.video)
    this.#tellMedia()
    this.emit('changed', this)
  }

  /** Speaks through another microphone. Throws `MediaError`. */
  async useMicrophone(device: string): Promise<void> {
    const track = await this.#media?.useMicrophone(device)
    if (track === undefined || this.#over()) return
    await this.#peer?.sendAudio(track)
    this.#tellMedia()
    this.emit('changed', this)
  }

  /** The network changed: the caller looks for a new path at once (by itself only the caller restarts ICE). */
  networkChanged(): void {
    if (this.#answered && !this.#over()) this.#restarts.want()
  }

  /** A message of the channel about this call. */
  handle(message: ServerMessage): void {
    if (this.#over()) {
      // Hung up before the appliance had told the call's id: now it can be told.
      if (message.type === 'calling') {
        this.#ports.send({ type: 'bye', call: message.call, reason: this.#end!.reason })
      }
      return
    }
    switch (message.type) {
      case 'calling':
        this.#id = message.call
        this.emit('changed', this)
        return
      case 'incoming':
        this.#timers.clear('offeredAgain')
        return
      case 'ringing':
        if (this.#state === 'calling') this.#become('ringing')
        return
      case 'answered':
        void this.#taken(message)
        return
      case 'candidate':
        this.#peer?.takeCandidate(message.candidate)
        return
      case 'offer':
        void this.#reoffered(message.sdp, sdp => this.#ports.send({ type: 'answer', call: this.#id!, sdp }))
        return
      case 'offerRefused':
        this.#restarts.refused(message.retryAfterMilliseconds)
        return
      case 'relay':
        this.#useRelay(message)
        return
      case 'restart':
        if (this.#answered) this.#restarts.ask()
        return
      case 'relayRefused':
        this.#relayRefusal = { reason: message.reason, message: message.message }
        this.emit('changed', this)
        return
      case 'ended':
        this.#finish(message)
        return
      default:
        return
    }
  }

  /** The channel is back: `fate` says what the appliance knows of this call. */
  resumed(fate: { readonly state: 'held' | 'ended'; readonly reason: EndReason | '' } | undefined): void {
    // While the microphone is still being opened nothing was said that could be lost.
    if (this.#over() || this.#state === 'preparing') return
    if (fate === undefined && this.direction === 'incoming' && !this.#answered) {
      this.#timers.set('offeredAgain', callLimits.offeredAgainMilliseconds, () =>
        this.#finish({ by: 'server', reason: 'lost', code: 0 }),
      )
      return
    }
    if (fate?.state !== 'held') {
      // The other party may have hung up meanwhile, or the appliance lost a call that was still ringing.
      this.#finish({ by: 'server', reason: fate?.reason || 'lost', code: 0 })
      return
    }
    this.#trickle.flush()
    this.#pathWatch.lineBack()
    if (this.#answered) this.#sampler.lineBack()
    this.#restarts.lineBack()
    // The appliance asks for a restart in the same breath where it sees that an address changed: not two of them.
    this.#restarts.wantAfter(callLimits.askedMilliseconds)
  }

  async #open(video: boolean): Promise<LocalMedia | undefined> {
    // Media first, connection second: only then do browsers offer real host addresses instead of `<uuid>.local`.
    try {
      const media = await this.#ports.openMedia({ video, over: this.#ended.signal })
      if (this.#over()) {
        media.release()
        return undefined
      }
      this.#media = media
      this.#problem = media.problems[0]
      this.#tellProblem()
      if (media.audio) media.audio.enabled = !this.#muted
      return media
    } catch (error) {
      if (this.#over()) return undefined
      this.#problem = error instanceof MediaError ? error.problem : 'noMicrophone'
      this.#tellProblem()
      // A ringing call can still be taken after the person allowed the microphone.
      if (this.direction === 'incoming') this.#become('incoming')
      else this.#finish({ by: 'self', reason: 'failed', code: 0 })
      return undefined
    }
  }

  /** Who is asked why somebody was not heard can then tell. */
  #tellProblem(): void {
    if (this.#problem === undefined) return
    this.#ports.send({ type: 'mediaProblem', call: this.#id ?? '', problem: this.#problem })
  }

  #makePeer(bundlePolicy: RTCBundlePolicy): Peer {
    const peer = new Peer(this.#ports.env, this.#startedAt, bundlePolicy, {
      candidate: candidate => this.#trickle.add(candidate),
      changed: () => this.#look(),
      word: text => {
        if (this.#budget.take(this.#ports.env.now())) this.#heard(readPeerWord(text))
      },
      channelOpen: () => this.#tellMedia(),
    })
    this.#peer = peer
    return peer
  }

  #makeRestarts(): Restarts {
    return new Restarts({
      env: this.#ports.env,
      byItself: this.direction === 'outgoing',
      isNeeded: () => this.#state === 'reconnecting' || (this.#state === 'connected' && !this.#flows()),
      way: () => {
        if (this.#ports.online()) return 'line'
        // Where media is stuck the data channel is as well.
        return this.#flows() && this.#peer?.channelOpen ? 'channel' : undefined
      },
      offer: async () => {
        this.#trickle.holdBack()
        const offer = this.#peer!.offer({ restart: true, wait: !this.#trickle.isTaken })
        return offer.finally(() => this.#trickle.letGo())
      },
      rollBack: () => this.#peer!.rollBack(),
      send: (way, sdp, number) => {
        if (this.#over()) return false
        const sent =
          way === 'line'
            ? this.#ports.send({ type: 'offer', call: this.#id!, sdp })
            : this.#tell({ type: 'offer', sdp, number })
        this.#trickle.flush()
        return sent
      },
    })
  }

  #makePathWatch(): PathWatch {
    return new PathWatch({
      env: this.#ports.env,
      pairs: async () => (await this.#peer?.pairs()) ?? [],
      connectionState: () => this.#peer?.connection.connectionState ?? 'closed',
      hasFlowed: () => this.#connectedAt !== undefined,
      isFlowing: () => this.#flows(),
      say: () => this.#ports.send({ type: 'noPath', call: this.#id! }),
    })
  }

  #makeSampler(): Sampler {
    const { env } = this.#ports
    return new Sampler({
      env,
      read: async () => this.#peer?.facts(),
      report: (report, isLast) => {
        if (this.#id !== undefined) this.#ports.report(this.#id, report, isLast)
      },
      changed: facts => this.emit('facts', facts),
      silent: () => {
        if (this.#state === 'connected') this.#ports.lookAtLine()
      },
    })
  }

  #makeTrickle(): Trickle {
    return new Trickle({
      mayGo: () => this.#answered && this.#id !== undefined,
      send: candidate =>
        this.#ports.send({ type: 'candidate', call: this.#id!, candidate }) ||
        this.#tell({ type: 'candidate', candidate }),
    })
  }

  /** Media flows, as far as is heard: the connection is said to stand for seconds after its path broke. */
  #flows(): boolean {
    return this.#state === 'connected' && this.#sampler.silentSince === undefined
  }

  /** The answer to the call, or to an offer within it. */
  async #taken(message: Extract<ServerMessage, { type: 'answered' }>): Promise<void> {
    this.#trickle.isTaken = message.trickle
    if (this.#answered) {
      this.#takeAnswer('line', message.sdp)
      return
    }
    this.#answered = true
    this.#timers.clear('noAnswer')
    this.#party = message.by
    this.#giveUpAfter('setup', 'mediaFailed')
    this.#become('connecting')
    try {
      await this.#peer?.takeAnswer(message.sdp)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#over()) return
    this.#pathWatch.begin([])
    this.#trickle.flush()
    this.#look()
  }

  #takeAnswer(way: 'line' | 'channel', sdp: string, number?: number): void {
    const peer = this.#peer
    if (peer === undefined || !this.#restarts.takesAnswer(way, number)) return
    this.#newChecks(peer.takeAnswer(sdp)).catch(() => peer.rollBack())
    this.#restarts.settled()
  }

  async #reoffered(sdp: string, reply: (sdp: string) => void): Promise<void> {
    const peer = this.#peer
    if (peer === undefined) return
    this.#trickle.holdBack()
    try {
      reply(await this.#newChecks(peer.reply(sdp, { wait: !this.#trickle.isTaken })))
    } catch (error) {
      console.warn('lanline: offer not taken', error)
    } finally {
      this.#trickle.letGo()
      this.#trickle.flush()
    }
  }

  /** A remote description is being applied: from then on only checks count that are not in the statistics yet. */
  async #newChecks<Value>(applied: Promise<Value>): Promise<Value> {
    const before = await this.#peer!.pairs().catch(() => [])
    const value = await applied
    if (!this.#over()) this.#pathWatch.begin(before)
    return value
  }

  #useRelay(message: Extract<ServerMessage, { type: 'relay' }>): void {
    const { servers, reason } = message
    this.#relay = { servers, reason }
    this.#relayRefusal = undefined
    this.#peer?.useServers(servers)
    if (servers.length > 0) {
      this.#ports.send({ type: 'relayReady', call: this.#id! })
      // The search for a path begins anew.
      if (this.#timers.has('setup')) this.#giveUpAfter('setup', 'mediaFailed')
      if (this.#timers.has('lost')) this.#giveUpAfter('lost', 'mediaLost')
    }
    this.emit('changed', this)
  }

  #giveUpAfter(timer: 'setup' | 'lost', reason: EndReason): void {
    this.#timers.set(timer, callLimits.mediaMilliseconds, () => this.hangUp(reason))
  }

  /** Looks at the connection after any of its states changed. */
  #look(): void {
    const peer = this.#peer
    if (peer === undefined || this.#over() || !this.#answered) return
    const flowing = peer.flowing
    if (flowing === 'yes' && this.#state !== 'connected') {
      this.#timers.clear('setup')
      this.#timers.clear('lost')
      this.#restarts.flowing()
      this.#pathWatch.found()
      this.#sampler.listen()
      this.#relayRefusal = undefined
      this.#connectedAt ??= this.#ports.env.now()
      this.#become('connected')
    } else if (flowing === 'no' && this.#state === 'connected') {
      this.#giveUpAfter('lost', 'mediaLost')
      const now = this.#ports.env.now()
      const silent = now - (this.#sampler.silentSince ?? now)
      this.#restarts.wantAfter(Math.max(0, callLimits.restartAfterMilliseconds - silent))
      this.#ports.lookAtLine()
      this.#become('reconnecting')
    }
    void this.#sampler.look()
  }

  /** Says something to the other party directly; false when the data channel is not open. */
  #tell(word: PeerWord): boolean {
    return this.#peer?.say(JSON.stringify(word)) ?? false
  }

  #tellMedia(): void {
    this.#tell({ type: 'media', muted: this.#muted, camera: this.cameraOn, testSource: this.testSource })
  }

  #heard(word: PeerWord | undefined): void {
    if (word === undefined || this.#over()) return
    switch (word.type) {
      case 'bye':
        this.#heardBye(word.reason)
        return
      case 'offer':
        // It may have been on its way since before the path broke that it was to mend.
        if (isOlder(word.sdp, this.#peer?.connection.remoteDescription?.sdp ?? '')) return
        if (this.#channelOffers >= callLimits.channelOffers) return
        this.#channelOffers++
        void this.#reoffered(word.sdp, sdp =>
          this.#tell({ type: 'answer', sdp, number: word.number }),
        ).finally(() => this.#channelOffers--)
        return
      case 'answer':
        this.#takeAnswer('channel', word.sdp, word.number)
        return
      case 'candidate':
        this.#peer?.takeCandidate(word.candidate)
        return
      case 'media':
        this.#peerMedia = word
        this.emit('changed', this)
        return
    }
  }

  /** The appliance will say it too, if it is there; if it never does, it is told. */
  #heardBye(reason: EndReason): void {
    const id = this.#id
    if (id !== undefined) {
      const { held } = this.#ports
      held.ended(id, 'peer', reason)
      this.#ports.env.setTimeout(() => {
        if (held.has(id)) this.#ports.send({ type: 'bye', call: id, reason })
      }, callLimits.peerByeMilliseconds)
    }
    this.#finish({ by: 'peer', reason, code: 0 })
  }

  #fail(error: unknown): void {
    console.warn('lanline: call failed', error)
    if (this.direction === 'incoming' && !this.#answered) this.decline('failed')
    else this.hangUp('mediaFailed')
  }

  #finish(end: CallEnd): void {
    if (this.#over()) return
    this.#end = { by: end.by, reason: end.reason, code: end.code }
    this.#timers.clearAll()
    this.#restarts.stop()
    this.#pathWatch.stop()
    this.#peer?.stopSending()
    this.#media?.release()
    this.#ended.abort()
    this.#sampler.finish()
    // The last words need a moment on the wire, and the last counts are read, before the connection under them goes.
    const peer = this.#peer
    if (peer) this.#ports.env.setTimeout(() => peer.close(), callLimits.closeMilliseconds)
    this.#become('ended')
    this.emit('ended', this.#end)
  }

  #over(): boolean {
    return this.#state === 'ended'
  }

  #become(state: CallState): void {
    this.#state = state
    this.emit('changed', this)
  }
}
