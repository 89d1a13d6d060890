/**
 * One `RTCPeerConnection` and what a call asks of it: descriptions when they are ready to send, candidates in both
 * directions, what is received, and the account of it all. Operations run one after the other.
 */
import type { RelayServer } from '../src/relay/message.ts'
import type { IceCandidate } from '../src/signalling/message.ts'
import { turnUrls } from './browser.ts'
import type { Env } from './env.ts'
import { Gathering, newTransports } from './gathering.ts'
import { type PairChecks, pairsOf } from './no-path.ts'
import { type MediaFacts, mediaFacts } from './report.ts'
import {
  asAnswered,
  asAnswerTo,
  asContinued,
  asDtlsServer,
  isBundled,
  withDefaultCandidates,
  withoutHiddenDefaults,
} from './sdp.ts'
import { Sections } from './sections.ts'
import { StateChanges } from './state-changes.ts'

/** Candidates of the other side taken for each of its descriptions, as the appliance takes of one. */
const maxCandidates = 128
/** What the appliance takes as a description. It cuts the line of who sends a larger frame. */
const maxSdpCharacters = 32_768

export interface PeerListener {
  /** A candidate of ours that is in no description sent so far; `''` ends them. */
  candidate(candidate: IceCandidate): void
  /** A state or a track changed. */
  changed(): void
}

export class Peer {
  readonly connection: RTCPeerConnection
  readonly sections: Sections
  /** Everything received, for a media element; undefined where there is no such class (Node). */
  readonly remoteStream: MediaStream | undefined
  readonly remoteTracks: MediaStreamTrack[] = []
  readonly #env: Env
  readonly #listener: PeerListener
  readonly #startedAt: number
  readonly #changes = new StateChanges()
  #operations: Promise<unknown> = Promise.resolve()
  readonly #bundlePolicy: RTCBundlePolicy
  readonly #gathering: Gathering
  #servers: readonly RelayServer[] = []
  #early: IceCandidate[] = []
  #candidates = 0
  #hasRemote = false

  /** `startedAt`: the call's, on the clock of `env`. */
  constructor(env: Env, startedAt: number, bundlePolicy: RTCBundlePolicy, listener: PeerListener) {
    this.#env = env
    this.#listener = listener
    this.#startedAt = startedAt
    this.#bundlePolicy = bundlePolicy
    this.#gathering = new Gathering(env)
    // No iceServers: two devices of one LAN need none. Said outright, because werift has some of its own.
    const connection = new env.RTCPeerConnection({ bundlePolicy, iceServers: [] })
    this.connection = connection
    this.sections = new Sections(connection)
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

  /** Our description with the candidates found until now. */
  get description(): string {
    return withDefaultCandidates(this.connection.localDescription!.sdp)
  }

  /** A new offer; with `wait` it carries its candidates. */
  offer(how: { readonly restart: boolean; readonly wait: boolean }): Promise<string> {
    return this.#inTurn(async () => {
      const offer = await this.connection.createOffer({ iceRestart: how.restart })
      return this.#describe(offer, how.wait)
    })
  }

  /** An offer of what is sent now; undefined when it is agreed on already. */
  offerChange(how: { readonly wait: boolean; readonly isTold: boolean }): Promise<string | undefined> {
    return this.#inTurn(async () => {
      if (!this.sections.change(how.isTold)) return undefined
      return this.#describe(await this.connection.createOffer(), how.wait)
    })
  }

  /** What was offered is not taken: offers to come are without it. */
  withdrawChange(): Promise<void> {
    return this.#inTurn(async () => {
      const isTakenBack = await this.#rollBack()
      this.sections.withdraw()
      if (isTakenBack) await this.#agreeAgain()
    })
  }

  takeAnswer(sdp: string): Promise<void> {
    return this.#inTurn(async () => {
      // A late answer to an offer that was rolled back: nothing of it is applied any more.
      if (this.connection.signalingState !== 'have-local-offer') return this.sections.agreedLate()
      this.#changes.mayCheck = true
      const answer = withoutHiddenDefaults(asAnswered(sdp, this.connection.localDescription?.sdp ?? ''))
      await this.connection.setRemoteDescription({ type: 'answer', sdp: answer })
      this.sections.agreed()
      this.#remoteIsThere()
    })
  }

  takeOffer(sdp: string): Promise<void> {
    return this.#inTurn(() => this.#takeOffer(sdp))
  }

  /** Takes an offer within the call and answers it. An offer of ours that is under way is taken back. */
  reply(sdp: string, how: { readonly wait: boolean }): Promise<string> {
    return this.#inTurn(async () => {
      const isTakenBack = await this.#rollBack()
      const before = this.connection.localDescription?.sdp
      const remote = this.connection.remoteDescription?.sdp ?? ''
      try {
        await this.#takeOffer(asContinued(sdp, { local: before ?? '', remote }))
        await this.sections.fill()
        return asAnswerTo(sdp, await this.#answer(how.wait, before))
      } catch (error) {
        await this.connection.setRemoteDescription({ type: 'rollback' }).catch(() => {})
        if (isTakenBack) await this.#agreeAgain()
        throw error
      }
    })
  }

  /** The answer to the offer taken; with `wait` it carries its candidates, since the other side knows no trickling. */
  answer(how: { readonly wait: boolean }): Promise<string> {
    return this.#inTurn(() => this.#answer(how.wait))
  }

  /** Takes back an offer. Unless it `isRefused`, the other party may have taken it. */
  rollBack(isRefused: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const isTakenBack = await this.#rollBack()
      if (isRefused) this.sections.hold.happened('refused')
      if (isTakenBack) await this.#agreeAgain()
    })
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
        dtlsState: this.sections.dtlsState,
        localSdp: connection.localDescription?.sdp ?? '',
        remoteSdp: connection.remoteDescription?.sdp ?? '',
        changes: [...this.#changes.all],
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

  /** `before`: our description until now, in which transports have their part in the handshake. */
  async #answer(wait: boolean, before?: string): Promise<string> {
    const answer = await this.connection.createAnswer()
    const sdp = answer.sdp ?? ''
    // A browser's ClientHello is larger than a packet, and phones such as Linphone 5 cannot put one together.
    const isNew = before === undefined || !isBundled(sdp)
    const asServer = wait && isNew && typeof MediaStream !== 'undefined'
    return this.#describe(asServer ? { type: 'answer', sdp: asDtlsServer(sdp, before) } : answer, wait)
  }

  #trackEnded(track: MediaStreamTrack): void {
    const at = this.remoteTracks.indexOf(track)
    if (at < 0) return
    this.remoteTracks.splice(at, 1)
    this.remoteStream?.removeTrack(track)
    this.#listener.changed()
  }

  #stateChanged(): void {
    this.#changes.look(this.connection, this.#env.now() - this.#startedAt)
    this.#listener.changed()
  }

  #inTurn<Value>(operation: () => Promise<Value>): Promise<Value> {
    const done = this.#operations.then(operation)
    this.#operations = done.catch(() => {})
    return done
  }

  /** With `wait` it goes with its candidates, as far as they are found in time. */
  async #describe(description: RTCSessionDescriptionInit, wait: boolean): Promise<string> {
    const gathered = wait ? this.#gathered(description.sdp ?? '') : undefined
    try {
      // Again, because werift takes servers only between the description that restarts ICE and its application.
      if (this.#servers.length > 0) this.#configure()
      await this.connection.setLocalDescription(description)
      await gathered
    } finally {
      this.#gathering.stop()
    }
    const { sdp } = this.connection.localDescription!
    // An answer has a section for each that was offered, and is several times as long.
    if (sdp.length > maxSdpCharacters) throw new Error(`a description of ${sdp.length} characters`)
    return wait ? withDefaultCandidates(sdp) : sdp
  }

  /** Undefined where there is nothing to wait for. */
  #gathered(sdp: string): Promise<void> | undefined {
    const { iceGatheringState, localDescription } = this.connection
    const before = iceGatheringState === 'complete' ? (localDescription?.sdp ?? '') : ''
    const sections = newTransports(sdp, before, this.#bundlePolicy)
    if (before !== '' && sections.length === 0) return undefined
    return this.#gathering.begin(sections, this.#servers.length > 0)
  }

  #candidate(candidate: RTCIceCandidate | null): void {
    const line = candidate?.candidate ?? ''
    if (this.#gathering.isOn) return this.#gathering.found(line, candidate?.sdpMid)
    this.#listener.candidate({
      candidate: line,
      sdpMid: candidate?.sdpMid ?? '0',
      sdpMLineIndex: candidate?.sdpMLineIndex ?? 0,
      usernameFragment: candidate?.usernameFragment ?? null,
    })
  }

  async #takeOffer(sdp: string): Promise<void> {
    this.#changes.mayCheck = true
    await this.connection.setRemoteDescription({ type: 'offer', sdp: withoutHiddenDefaults(sdp) })
    this.#remoteIsThere()
  }

  /** True when there was an offer to take back. */
  async #rollBack(): Promise<boolean> {
    const { connection } = this
    const isOffered = connection.signalingState === 'have-local-offer'
    if (isOffered) await connection.setLocalDescription({ type: 'rollback' }).catch(() => {})
    this.sections.takenBack()
    return isOffered
  }

  /**
   * After a rollback Chromium plays and sends nothing of what the offer would have stopped, and Firefox confuses the packets
   * of sound and picture. Both go on once they are told again what was agreed on, as if it were offered to them; nothing of it is sent.
   */
  async #agreeAgain(): Promise<void> {
    const { connection } = this
    const agreed = connection.remoteDescription
    if (this.remoteStream === undefined || agreed === null || connection.signalingState !== 'stable') return
    try {
      await connection.setRemoteDescription({ type: 'offer', sdp: agreed.sdp })
      await connection.setLocalDescription(await connection.createAnswer())
    } catch (error) {
      console.warn('lanline: not agreed again', error)
      await connection.setRemoteDescription({ type: 'rollback' }).catch(() => {})
    }
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
