/**
 * One `RTCPeerConnection` and what a call asks of it: descriptions when they are ready to send, candidates in both
 * directions, tracks, and the account of it all. Operations run one after the other.
 */
import type { RelayServer } from '../src/relay/message.ts'
import type { IceCandidate, StateChange } from '../src/signalling/message.ts'
import { turnUrls } from './browser.ts'
import type { Env } from './env.ts'
import type { LocalMedia } from './media.ts'
import { type PairChecks, pairsOf } from './no-path.ts'
import { type MediaFacts, mediaFacts } from './report.ts'
import { asAnswerTo, asContinued, asDtlsServer, isBundled, withDefaultCandidates } from './sdp.ts'

/** How long a description waits for candidates before it goes without the rest. */
const gatherMilliseconds = 500
/** The same where the relay is to be used and the other side hears of no later candidates. */
const relayGatherMilliseconds = 1_500
/** Candidates of the other side taken for each of its descriptions, as the appliance takes of one. */
const maxCandidates = 128
/** What the appliance takes as a description. It cuts the line of who sends a larger frame. */
const maxSdpCharacters = 32_768
const toneMilliseconds = 160
const toneGapMilliseconds = 80
/** Changes of state that are kept to be told, of one call. */
const maxChanges = 200

export interface PeerListener {
  /** A candidate of ours that is in no description sent so far; `''` ends them. */
  candidate(candidate: IceCandidate): void
  /** A state or a track changed. */
  changed(): void
}

export class Peer {
  readonly connection: RTCPeerConnection
  /** Everything received, for a media element; undefined where there is no such class (Node). */
  readonly remoteStream: MediaStream | undefined
  readonly remoteTracks: MediaStreamTrack[] = []
  readonly #env: Env
  readonly #listener: PeerListener
  readonly #startedAt: number
  readonly #changes: StateChange[] = []
  /** What is sent, as it is now. */
  #media: LocalMedia | undefined
  #audio: RTCRtpTransceiver | undefined
  #video: RTCRtpTransceiver | undefined
  /** The other party waits: sound goes to them alone, a picture neither way. */
  #isAside = false
  /** The same as it was offered last, and as both have agreed on. */
  #isAsideOffered = false
  #isAsideAgreed = false
  /** Directions as they were before an offer that changes them; empty once it is answered or taken back. */
  #former: (readonly [RTCRtpTransceiver, RTCRtpTransceiverDirection])[] = []
  #operations: Promise<unknown> = Promise.resolve()
  /** Set while a description waits for candidates: they go with it instead of after it. */
  #gathered: { readonly done: () => void; relay: boolean; late: boolean } | undefined
  #servers: readonly RelayServer[] = []
  #early: IceCandidate[] = []
  #candidates = 0
  #hasRemote = false
  /** The other side's description was given to the stack: from here on it can check anything. */
  #mayCheck = false

  /** `startedAt`: the call's, on the clock of `env`. */
  constructor(env: Env, startedAt: number, bundlePolicy: RTCBundlePolicy, listener: PeerListener) {
    this.#env = env
    this.#listener = listener
    this.#startedAt = startedAt
    // No iceServers: two devices of one LAN need none. Said outright, because werift has some of its own.
    const connection = new env.RTCPeerConnection({ bundlePolicy, iceServers: [] })
    this.connection = connection
    this.remoteStream = typeof MediaStream === 'undefined' ? undefined : new MediaStream()
    connection.onicecandidate = event => this.#candidate(event.candidate ?? null)
    connection.oniceconnectionstatechange = () => this.#stateChanged()
    connection.onicegatheringstatechange = () => this.#stateChanged()
    connection.onconnectionstatechange = () => this.#stateChanged()
    connection.ontrack = ({ track }) => {
      if (!this.remoteTracks.includes(track)) this.remoteTracks.push(track)
      this.remoteStream?.addTrack(track)
      track.onended = () => this.#trackEnded(track)
      listener.changed()
    }
  }

  /** Whether media can flow: `pending` while that is being found out. */
  get flowing(): 'yes' | 'no' | 'pending' {
    const state = this.connection.connectionState
    if (state === 'connected') return 'yes'
    return state === 'disconnected' || state === 'failed' || state === 'closed' ? 'no' : 'pending'
  }

  /** Caller: audio always; video in a video call even without a camera, so that it can be seen and turned on later. */
  addMedia(media: LocalMedia, video: boolean): void {
    this.#media = media
    const init: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: newStreams() }
    this.#audio = this.connection.addTransceiver(media.audio ?? 'audio', init)
    if (video) this.#video = this.connection.addTransceiver(media.video ?? 'video', init)
  }

  /** A new offer; with `wait` it carries its candidates. */
  offer(how: { readonly restart: boolean; readonly wait: boolean }): Promise<string> {
    return this.#inTurn(async () => {
      const offer = await this.connection.createOffer({ iceRestart: how.restart })
      return this.#describe(offer, how.wait)
    })
  }

  /** Which way a picture may go by what both have agreed on; undefined while (or because) none is part of the call. */
  get picture(): { readonly sends: boolean; readonly receives: boolean } | undefined {
    const direction = this.#picture?.currentDirection
    if (direction == null || direction === 'inactive') return undefined
    return {
      sends: direction.startsWith('send'),
      receives: direction.endsWith('recv') || direction === 'recvonly',
    }
  }

  /** A picture was part of the call's own offer or answer. */
  get hasPictureSection(): boolean {
    return this.#video !== undefined
  }

  /** Whether what is sent of a picture is what both have agreed on. `isTold`: that none is sent now need not be agreed on. */
  isPictureAgreed(isTold: boolean): boolean {
    const { sends = false } = this.picture ?? {}
    return this.#media?.video === undefined ? !sends || isTold : sends
  }

  /** What was offered or answered of our picture is not taken; false while it was not offered yet. */
  get isPictureRefused(): boolean {
    const video = this.#video
    const wasSent = video !== undefined && (isStopped(video) || video.direction.startsWith('send'))
    return wasSent && !this.isPictureAgreed(true)
  }

  /** From the next description on (RFC 3264 §8.4). */
  setAside(on: boolean): void {
    this.#isAside = on
  }

  /** The other side has put us on hold: it wants nothing of our sound (RFC 3264 §8.4). */
  get isHeld(): boolean {
    const direction = this.#audio?.currentDirection
    return !this.#isAside && !this.#isAsideAgreed && (direction === 'recvonly' || direction === 'inactive')
  }

  /** False while one of the two is on hold: there may be no sound then. */
  get isSoundExpected(): boolean {
    const direction = this.#audio?.currentDirection
    return direction == null || direction === 'sendrecv'
  }

  /** Whether the two have agreed on what is sent now. `isTold`: that nothing is sent need not be agreed on. */
  isAgreed(isTold: boolean): boolean {
    const isAsideAgreed = this.#isAside === this.#isAsideAgreed || (isTold && this.#isAside)
    return this.isPictureAgreed(isTold) && isAsideAgreed
  }

  /** An offer of what is sent now; undefined when it is agreed on already. */
  offerChange(how: { readonly wait: boolean; readonly isTold: boolean }): Promise<string | undefined> {
    return this.#inTurn(async () => {
      if (this.isAgreed(how.isTold)) return undefined
      const track = this.#media?.video
      const picture = this.#picture
      const isAside = this.#isAside && !how.isTold
      this.#isAsideOffered = isAside
      const sections = [this.#audio, picture].filter(one => one !== undefined)
      this.#former = sections.map(one => [one, one.direction])
      if (this.#audio) this.#audio.direction = isAside ? 'sendonly' : 'sendrecv'
      if (picture) picture.direction = isAside ? 'inactive' : track ? 'sendrecv' : 'recvonly'
      // By `addTrack`, so that a section which the other side offers at the same time is filled with it (RFC 9429 §5.10).
      else if (track) this.#video = this.#transceiverOf(this.connection.addTrack(track, ...newStreams()))
      return this.#describe(await this.connection.createOffer(), how.wait)
    })
  }

  /** What was offered is not taken: offers to come are without it. */
  withdrawChange(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#rollBack()
      const picture = this.#picture
      if (picture !== undefined && picture.currentDirection == null) picture.stop()
    })
  }

  takeAnswer(sdp: string): Promise<void> {
    return this.#inTurn(async () => {
      // A late answer to an offer that was rolled back means nothing any more.
      if (this.connection.signalingState !== 'have-local-offer') return
      this.#mayCheck = true
      await this.connection.setRemoteDescription({ type: 'answer', sdp })
      this.#isAsideAgreed = this.#isAsideOffered
      this.#former = []
      this.#remoteIsThere()
    })
  }

  takeOffer(sdp: string): Promise<void> {
    return this.#inTurn(() => this.#takeOffer(sdp))
  }

  /** Takes an offer within the call and answers it. An offer of ours that is under way is taken back. */
  reply(sdp: string, how: { readonly wait: boolean }): Promise<string> {
    return this.#inTurn(async () => {
      await this.#rollBack()
      const before = this.connection.localDescription?.sdp
      const remote = this.connection.remoteDescription?.sdp ?? ''
      await this.#takeOffer(asContinued(sdp, { local: before ?? '', remote }))
      try {
        await this.#fill()
        return asAnswerTo(sdp, await this.#answer(how.wait, before))
      } catch (error) {
        await this.connection.setRemoteDescription({ type: 'rollback' }).catch(() => {})
        throw error
      }
    })
  }

  /** Callee: puts our media into what the offer asked for. */
  fillAnswer(media: LocalMedia): Promise<void> {
    this.#media = media
    return this.#fill()
  }

  /** The answer to the offer taken; with `wait` it carries its candidates, since the other side knows no trickling. */
  answer(how: { readonly wait: boolean }): Promise<string> {
    return this.#inTurn(() => this.#answer(how.wait))
  }

  /** Takes back an offer that was refused or never answered. */
  rollBack(): Promise<void> {
    return this.#inTurn(() => this.#rollBack())
  }

  /** The relay, or none: for the next gathering. */
  useServers(servers: readonly RelayServer[]): void {
    this.#servers = servers
    this.#configure()
  }

  takeCandidate(candidate: IceCandidate): void {
    if (!this.#hasRemote) {
      if (this.#early.length < 64) this.#early.push(candidate)
      return
    }
    // After the description it belongs to, which may still wait for its turn.
    void this.#inTurn(async () => this.#addCandidate(candidate))
  }

  #addCandidate(candidate: IceCandidate): void {
    if (++this.#candidates > maxCandidates) return
    const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate
    const init: RTCIceCandidateInit = {
      candidate: line,
      // A SIP peer may name no section: with BUNDLE there is but one transport.
      ...(sdpMid == null && { sdpMLineIndex: sdpMLineIndex ?? 0 }),
      ...(sdpMid != null && { sdpMid }),
      ...(usernameFragment && { usernameFragment }),
    }
    // A candidate this stack cannot use (TCP, IPv6, an older generation) is no fault of anyone.
    this.connection.addIceCandidate(init).catch(() => {})
  }

  async sendVideo(track: MediaStreamTrack | undefined): Promise<void> {
    await this.#picture?.sender.replaceTrack(track ?? null)
  }

  async sendAudio(track: MediaStreamTrack): Promise<void> {
    await this.#audio?.sender.replaceTrack(track)
  }

  /** The other side takes the keys of a telephone beside the sound (RFC 4733), and this stack sends them. */
  get takesTones(): boolean {
    return this.#audio?.sender.dtmf?.canInsertDTMF ?? false
  }

  /** After those that are not sent yet; some door stations miss what is shorter, or closer together. */
  sendTones(keys: string): void {
    const { dtmf } = this.#audio!.sender
    dtmf!.insertDTMF(dtmf!.toneBuffer + keys, toneMilliseconds, toneGapMilliseconds)
  }

  /** The call is over: from now on the counts of what was sent stay. */
  stopSending(): void {
    for (const sender of [this.#audio?.sender, this.#video?.sender])
      sender?.replaceTrack(null).catch(() => {})
  }

  async facts(): Promise<MediaFacts> {
    const { connection } = this
    const asked = this.#env.now()
    const stats = (await connection.getStats()) as unknown as ReadonlyMap<string, unknown>
    // Counted somewhere between the question and its answer, which may take a busy browser a while.
    const atMilliseconds = (asked + this.#env.now()) / 2 - this.#startedAt
    return mediaFacts(
      stats.values(),
      {
        iceConnectionState: connection.iceConnectionState,
        iceGatheringState: connection.iceGatheringState,
        connectionState: connection.connectionState,
        dtlsState: this.#audio?.sender.transport?.state,
        localSdp: connection.localDescription?.sdp ?? '',
        remoteSdp: connection.remoteDescription?.sdp ?? '',
        changes: [...this.#changes],
      },
      atMilliseconds,
    )
  }

  /** The connectivity checks so far. */
  async pairs(): Promise<readonly PairChecks[]> {
    return pairsOf(((await this.connection.getStats()) as unknown as ReadonlyMap<string, unknown>).values())
  }

  close(): void {
    this.connection.onicecandidate = null
    this.connection.oniceconnectionstatechange = null
    this.connection.onicegatheringstatechange = null
    this.connection.onconnectionstatechange = null
    this.connection.close()
  }

  /** The picture's section. One that was refused or taken away never comes back (RFC 9429 §5.2.2). */
  get #picture(): RTCRtpTransceiver | undefined {
    return this.#video && isStopped(this.#video) ? undefined : this.#video
  }

  #transceiverOf(sender: RTCRtpSender): RTCRtpTransceiver | undefined {
    return this.connection.getTransceivers().find(one => one.sender === sender)
  }

  /** `before`: our description until now, in which transports have their part in the handshake. */
  async #answer(wait: boolean, before?: string): Promise<string> {
    const answer = await this.connection.createAnswer()
    const sdp = answer.sdp ?? ''
    // A browser's ClientHello is larger than a packet, and phones such as Linphone 5 cannot put one together.
    const isNew = before === undefined || !isBundled(sdp)
    const asServer = wait && isNew && typeof MediaStream !== 'undefined'
    return this.#describe(asServer ? { type: 'answer', sdp: asDtlsServer(sdp, before) } : answer, wait)
  }

  /** Puts our media into the first section of each kind that is not in use yet, a picture's even while there is none. */
  async #fill(): Promise<void> {
    for (const transceiver of this.connection.getTransceivers()) {
      const { kind } = transceiver.receiver.track
      if (isStopped(transceiver)) continue
      if (kind === 'audio' && this.#audio === undefined) this.#audio = transceiver
      else if (kind === 'video' && this.#picture === undefined) this.#video = transceiver
      else continue
      transceiver.direction = 'sendrecv'
      transceiver.sender.setStreams?.(...newStreams())
      const track = kind === 'audio' ? this.#media?.audio : this.#media?.video
      await transceiver.sender.replaceTrack(track ?? null)
    }
  }

  #trackEnded(track: MediaStreamTrack): void {
    const at = this.remoteTracks.indexOf(track)
    if (at < 0) return
    this.remoteTracks.splice(at, 1)
    this.remoteStream?.removeTrack(track)
    this.#listener.changed()
  }

  #stateChanged(): void {
    const { iceConnectionState, iceGatheringState, connectionState } = this.connection
    const now = [
      ['iceGathering', iceGatheringState],
      ['iceConnection', this.#canBe(iceConnectionState) ? iceConnectionState : undefined],
      ['connection', connectionState],
    ] as const
    const atMilliseconds = Math.max(0, Math.round((this.#env.now() - this.#startedAt) * 10) / 10)
    for (const [what, to] of now) {
      const last = this.#changes.findLast(change => change.what === what)
      if (to === undefined || to === (last?.to ?? 'new') || this.#changes.length >= maxChanges) continue
      this.#changes.push({ what, to, atMilliseconds })
    }
    this.#listener.changed()
  }

  /**
   * werift calls its checks "completed" when it has but gathered, before it knows anybody to check. Nothing is checked
   * without the other side's description, and completed is what was connected (RFC 8445 §6.1.2, §7.1).
   */
  #canBe(iceConnectionState: string): boolean {
    if (iceConnectionState !== 'completed') return this.#mayCheck
    return this.#changes.findLast(change => change.what === 'iceConnection')?.to === 'connected'
  }

  #inTurn<Value>(operation: () => Promise<Value>): Promise<Value> {
    const done = this.#operations.then(operation)
    this.#operations = done.catch(() => {})
    return done
  }

  /**
   * `complete` is never waited for, it may take 40 s; and after a restart the gathering state still says it from the
   * time before. The end-of-candidates event of this round is the honest sign.
   */
  async #describe(description: RTCSessionDescriptionInit, wait: boolean): Promise<string> {
    const gathered = wait ? this.#gather() : undefined
    // Again, because werift takes servers only between the description that restarts ICE and its application.
    if (this.#servers.length > 0) this.#configure()
    await this.connection.setLocalDescription(description)
    await gathered
    this.#gathered = undefined
    const { sdp } = this.connection.localDescription!
    // An answer has a section for each that was offered, and is several times as long.
    if (sdp.length > maxSdpCharacters) throw new Error(`a description of ${sdp.length} characters`)
    return wait ? withDefaultCandidates(sdp) : sdp
  }

  #gather(): Promise<void> {
    return new Promise(done => {
      const gathered = { done, relay: this.#servers.length === 0, late: false }
      this.#gathered = gathered
      this.#env.setTimeout(() => {
        gathered.late = true
        if (gathered.relay) done()
      }, gatherMilliseconds)
      this.#env.setTimeout(done, relayGatherMilliseconds)
    })
  }

  #candidate(candidate: RTCIceCandidate | null): void {
    const line = candidate?.candidate ?? ''
    const gathered = this.#gathered
    if (gathered) {
      gathered.relay ||= / typ relay( |$)/.test(line)
      if (line === '' || (gathered.late && gathered.relay)) gathered.done()
      return
    }
    this.#listener.candidate({
      candidate: line,
      sdpMid: candidate?.sdpMid ?? '0',
      sdpMLineIndex: candidate?.sdpMLineIndex ?? 0,
      usernameFragment: candidate?.usernameFragment ?? null,
    })
  }

  async #takeOffer(sdp: string): Promise<void> {
    this.#mayCheck = true
    await this.connection.setRemoteDescription({ type: 'offer', sdp })
    this.#remoteIsThere()
  }

  /** A rollback leaves directions as they were offered: the next description would say them again. */
  async #rollBack(): Promise<void> {
    const { connection } = this
    const rollBack = (): Promise<void> => connection.setLocalDescription({ type: 'rollback' }).catch(() => {})
    if (connection.signalingState === 'have-local-offer') await rollBack()
    const changed = this.#former.filter(([one, direction]) => !isStopped(one) && one.direction !== direction)
    for (const [transceiver, direction] of changed) transceiver.direction = direction
    this.#former = []
    this.#isAsideOffered = this.#isAsideAgreed
    if (changed.length === 0 || connection.signalingState !== 'stable') return
    // Chromium plays and sends nothing again of what such an offer stopped, until it applies another: this one goes nowhere.
    await connection.setLocalDescription(await connection.createOffer()).catch(() => {})
    await rollBack()
  }

  #configure(): void {
    const { navigator, location } = globalThis as Partial<Pick<Window, 'navigator' | 'location'>>
    const iceServers = this.#servers.map(({ urls, username, credential }) => ({
      urls: turnUrls(urls, navigator?.userAgent ?? '', location?.hostname ?? ''),
      username,
      credential,
    }))
    try {
      this.connection.setConfiguration({ ...this.connection.getConfiguration(), iceServers })
    } catch (error) {
      console.warn('lanline: relay not taken', error)
    }
  }

  #remoteIsThere(): void {
    this.#hasRemote = true
    this.#candidates = 0
    const early = this.#early
    this.#early = []
    for (const candidate of early) this.#addCandidate(candidate)
  }
}

const newStreams = (): MediaStream[] => (typeof MediaStream === 'undefined' ? [] : [new MediaStream()])

const isStopped = ({ direction, currentDirection }: RTCRtpTransceiver): boolean =>
  direction === 'stopped' || currentDirection === 'stopped'
