/** One simulated `RTCPeerConnection`: what `air.ts` says of it. Descriptions are SDP, as the exchange reads them. */
import type { Generation, LivingPage, MediaPath, SimAir, SimHost } from './air.ts'
import { hostLine, relayLine, relayUserOf } from './air.ts'
import {
  both,
  type Direction,
  reversed,
  reversedSdp,
  type Section,
  SimChannel,
  SimTransceiver,
  sectionsOf,
} from './sections.ts'
import { type Pair, statsOf } from './stats.ts'

interface OwnDescription {
  readonly generation: Generation
  readonly type: 'offer' | 'answer'
  /** Without candidates. */
  readonly body: string
}

interface TheirDescription {
  readonly ufrag: string
  readonly type: 'offer' | 'answer'
  readonly sdp: string
}

const late = {
  /** From a path to `connected`. */
  connectMilliseconds: 30,
  disconnectedMilliseconds: 5_000,
  failedMilliseconds: 15_000,
  gatherMilliseconds: 5,
  relayMilliseconds: 60,
  checkMilliseconds: 50,
  packetMilliseconds: 20,
} as const

export class SimPeerConnection {
  signalingState = 'stable'
  connectionState = 'new'
  iceConnectionState = 'new'
  iceGatheringState = 'new'
  onicecandidate: ((event: { candidate: RTCIceCandidateInit | null }) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  onicegatheringstatechange: (() => void) | null = null
  ontrack: ((event: { track: object }) => void) | null = null
  ondatachannel: ((event: { channel: SimChannel }) => void) | null = null
  readonly host: SimHost
  readonly #air: SimAir
  readonly #page: LivingPage
  readonly #session: number
  #configuration: RTCConfiguration
  #version = 0
  #sections: Section[] = []
  /** Entered by a description that is not agreed on yet. */
  #fresh: Section[] = []
  #local: OwnDescription | undefined
  #pendingLocal: OwnDescription | undefined
  #remote: TheirDescription | undefined
  #pendingRemote: TheirDescription | undefined
  readonly #known = new Map<string, Set<string>>()
  #pairs: Pair[] = []
  #made: { readonly sdp: string; readonly generation: Generation } | undefined
  #path: MediaPath | undefined
  #turn = 0
  #channel: SimChannel | undefined
  #closed = false
  #countedAt = 0
  #received = 0

  constructor(air: SimAir, host: SimHost, page: LivingPage, configuration: RTCConfiguration = {}) {
    this.#air = air
    this.host = host
    this.#page = page
    this.#configuration = configuration
    this.#session = 1 + air.network.random.below(1_000_000)
    air.connections.add(this)
  }

  get localDescription(): RTCSessionDescriptionInit | null {
    const description = this.#pendingLocal ?? this.#local
    if (description === undefined) return null
    const { generation, type, body } = description
    const lines = generation.lines.map(line => `a=${line}\r\n`).join('')
    // All media is on one transport: the first section has its candidates.
    return { type, sdp: body.replace(/(a=mid:0\r\n)/, `$1${lines}`) }
  }

  get remoteDescription(): RTCSessionDescriptionInit | null {
    const description = this.#pendingRemote ?? this.#remote
    return description === undefined ? null : { type: description.type, sdp: description.sdp }
  }

  /** It takes and sends media. */
  get isOpen(): boolean {
    return !this.#closed && this.#page.isAlive && !this.#page.isAsleep
  }

  get isFlowing(): boolean {
    return this.#path !== undefined
  }

  addTransceiver(trackOrKind: string | { kind: string }): SimTransceiver {
    const kind = typeof trackOrKind === 'string' ? trackOrKind : trackOrKind.kind
    const section = this.#newSection(kind as Section['kind'])
    section.transceiver.sender.track = typeof trackOrKind === 'string' ? null : trackOrKind
    return section.transceiver
  }

  addTrack(track: { kind: string }): object {
    const { transceiver } = this.#newSection(track.kind as Section['kind'])
    transceiver.sender.track = track
    transceiver.byTrack = true
    return transceiver.sender
  }

  getTransceivers(): SimTransceiver[] {
    return this.#sections.filter(({ kind }) => kind !== 'application').map(({ transceiver }) => transceiver)
  }

  createDataChannel(label: string): SimChannel {
    this.#newSection('application')
    this.#channel = new SimChannel(this, label)
    return this.#channel
  }

  async createOffer({ iceRestart = false } = {}): Promise<RTCSessionDescriptionInit> {
    await this.#soon()
    let next = this.#sections.filter(({ mid }) => mid !== undefined).length
    const mids = this.#sections.map(({ mid }) => mid ?? String(next++))
    const generation = iceRestart || this.#local === undefined ? this.#generate() : this.#local.generation
    const sdp = this.#describe(generation, section => [
      mids[this.#sections.indexOf(section)]!,
      section.transceiver.direction,
    ])
    this.#made = { sdp, generation }
    return { type: 'offer', sdp }
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    await this.#soon()
    if (this.signalingState !== 'have-remote-offer') throw new Error('InvalidStateError: no offer to answer')
    const { ufrag, sdp: offer } = this.#pendingRemote!
    const isRestart = ufrag !== this.#remote?.ufrag
    const generation = isRestart || this.#local === undefined ? this.#generate() : this.#local.generation
    const offered = sectionsOf(offer)
    const sdp = this.#describe(generation, section => {
      const theirs = offered.find(({ mid }) => mid === section.mid)
      if (theirs === undefined) return undefined
      return [section.mid!, both(section.transceiver.direction, reversed(theirs.direction))]
    })
    this.#made = { sdp, generation }
    return { type: 'answer', sdp }
  }

  async setLocalDescription({ type, sdp }: RTCSessionDescriptionInit): Promise<void> {
    await this.#soon()
    if (type === 'rollback') return this.#rollBack('have-local-offer')
    const state = type === 'offer' ? 'stable' : 'have-remote-offer'
    if (this.signalingState !== state) throw new Error(`InvalidStateError: ${type} in ${this.signalingState}`)
    const generation = this.#made!.generation
    if (type === 'offer') {
      this.#pendingLocal = { generation, type, body: sdp! }
      for (const [index, { mid }] of sectionsOf(sdp!).entries()) {
        const section = this.#sections[index]!
        if (section.mid === undefined) this.#fresh.push(section)
        section.mid = mid
      }
      this.signalingState = 'have-local-offer'
    } else {
      this.#local = { generation, type: 'answer', body: sdp! }
      this.#agree(sdp!)
    }
    void this.#gather(generation)
  }

  async setRemoteDescription({ type, sdp }: RTCSessionDescriptionInit): Promise<void> {
    await this.#soon()
    if (type === 'rollback') return this.#rollBack('have-remote-offer')
    const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp!)?.[1]
    if (ufrag === undefined) throw new Error('OperationError: a description without ICE')
    if (type === 'offer') {
      if (this.signalingState === 'have-local-offer') this.#rollBack('have-local-offer')
      this.#pendingRemote = { ufrag, type, sdp: sdp! }
      this.#enter(sdp!)
      this.signalingState = 'have-remote-offer'
    } else {
      if (this.signalingState !== 'have-local-offer')
        throw new Error(`InvalidStateError: answer in ${this.signalingState}`)
      this.#local = this.#pendingLocal
      this.#pendingRemote = { ufrag, type: 'answer', sdp: sdp! }
      this.#agree(reversedSdp(sdp!))
    }
    for (const found of sdp!.matchAll(/^a=(candidate:\S.*?)\r?$/gm)) this.#learn(ufrag, found[1]!)
    this.#air.changed()
  }

  async addIceCandidate({ candidate = '', usernameFragment }: RTCIceCandidateInit): Promise<void> {
    await this.#soon()
    const described = [this.#pendingRemote?.ufrag, this.#remote?.ufrag]
    const ufrag = usernameFragment ?? described.find(one => one !== undefined)
    if (ufrag == null || !described.includes(ufrag)) throw new Error('OperationError: of no description')
    if (candidate !== '') this.#learn(ufrag, candidate)
    this.#air.changed()
  }

  getConfiguration(): RTCConfiguration {
    return this.#configuration
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.#configuration = configuration
  }

  async getStats(): Promise<Map<string, unknown>> {
    this.#count()
    const chosen = this.#pairs.find(pair => this.#isChosen(pair))
    const remoteOf = (pair: Pair) => this.#air.generations.get(pair.remote)
    return statsOf(this.#pairs, { chosen, path: this.#path, received: this.#received, remoteOf })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.signalingState = this.connectionState = this.iceConnectionState = 'closed'
    if (this.#channel) this.#channel.readyState = 'closed'
    this.#air.connections.delete(this)
    this.#air.changed()
  }

  /** Whether there is a path now; the states follow, as late as a browser's. */
  look(): void {
    if (!this.isOpen) return
    this.#count()
    const before = this.#path
    this.#path = this.#findPath()
    if (this.#path !== undefined) this.#channel?.flush()
    if ((before === undefined) === (this.#path === undefined)) return
    this.#expect()
  }

  /** The other end's connection, while media flows. */
  get partner(): SimPeerConnection | undefined {
    return this.#path?.remote.owner
  }

  /** Words of the data channel take this long. */
  later(milliseconds: number, run: () => void): void {
    this.#air.network.later(milliseconds, () =>
      this.#page.awake(() => {
        if (!this.#closed) run()
      }),
    )
  }

  get latencyMilliseconds(): number {
    return this.#air.network.streamMilliseconds
  }

  /** The other end opened a channel. */
  takeChannel(from: SimChannel): SimChannel | undefined {
    if (!this.isOpen || this.#channel) return undefined
    this.#channel = new SimChannel(this, from.label)
    this.#channel.readyState = 'open'
    this.#channel.other = from
    this.ondatachannel?.({ channel: this.#channel })
    return this.#channel
  }

  // --------------------------------------------------------------------------------------------------- inside

  /** Stacks take their time, and a page that is gone hears of nothing. */
  #soon(): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('InvalidStateError: closed'))
    return new Promise((resolve, reject) => {
      this.#air.network.later(this.#air.network.random.below(4), () =>
        this.#page.awake(() => {
          if (this.#closed) reject(new Error('InvalidStateError: closed'))
          else resolve()
        }),
      )
    })
  }

  #newSection(kind: Section['kind']): Section {
    const section: Section = { kind, mid: undefined, transceiver: new SimTransceiver(kind) }
    this.#sections.push(section)
    return section
  }

  #generate(): Generation {
    return this.#air.generation(this.host, this, () => this.isOpen)
  }

  #describe(
    generation: Generation,
    use: (section: Section) => readonly [string, Direction | 'stopped'] | undefined,
  ): string {
    const used = this.#sections.flatMap(section => {
      const [mid, direction] = use(section) ?? []
      return mid === undefined ? [] : [{ kind: section.kind, mid, direction }]
    })
    const lines = [
      ...['v=0', `o=- ${this.#session} ${++this.#version} IN IP4 0.0.0.0`, 's=-', 't=0 0'],
      `a=group:BUNDLE ${used.map(({ mid }) => mid).join(' ')}`,
      ...used.flatMap(({ kind, mid, direction }) => [
        `m=${kind} ${direction === 'stopped' ? 0 : 9} UDP/TLS/RTP/SAVPF 111`,
        ...['c=IN IP4 0.0.0.0', `a=ice-ufrag:${generation.ufrag}`, 'a=ice-pwd:0123456789012345678901'],
        ...[`a=${direction === 'stopped' ? 'inactive' : direction}`, `a=mid:${mid}`],
      ]),
    ]
    return `${lines.join('\r\n')}\r\n`
  }

  /** RFC 9429 §5.10: sections of an offer that are new here. */
  #enter(sdp: string): void {
    for (const { mid, kind, direction } of sectionsOf(sdp)) {
      if (this.#sections.some(section => section.mid === mid)) continue
      const waiting = this.#sections.find(
        one => one.mid === undefined && one.kind === kind && one.transceiver.byTrack,
      )
      const section = waiting ?? this.#newSection(kind)
      if (!waiting) section.transceiver.direction = 'recvonly'
      section.mid = mid
      this.#fresh.push(section)
      if (direction.startsWith('send') && kind !== 'application') this.ontrack?.({ track: { kind } })
    }
  }

  #rollBack(from: string): void {
    if (this.signalingState !== from) throw new Error(`InvalidStateError: rollback in ${this.signalingState}`)
    for (const section of this.#fresh) {
      section.mid = undefined
      if (from === 'have-remote-offer' && !section.transceiver.byTrack)
        this.#sections = this.#sections.filter(one => one !== section)
    }
    this.#fresh = []
    this.#pendingLocal = undefined
    this.#pendingRemote = undefined
    this.signalingState = 'stable'
  }

  /** Both descriptions stand; `ours` says the directions as they are here. */
  #agree(ours: string): void {
    for (const { mid, direction } of sectionsOf(ours)) {
      const transceiver = this.#sections.find(section => section.mid === mid)?.transceiver
      if (transceiver) transceiver.currentDirection = direction
    }
    this.#remote = this.#pendingRemote
    this.#pendingLocal = undefined
    this.#pendingRemote = undefined
    this.#fresh = []
    this.signalingState = 'stable'
    this.#count()
    const [local, remote] = [this.#local!.generation, this.#remote!.ufrag]
    const last = this.#pairs.at(-1)
    if (last?.local === local && last.remote === remote) return
    this.#pairs.push({ local, remote, sent: 0, answered: 0 })
    const before = this.#path
    this.#path = this.#findPath()
    // That a path is lost is admitted as late as ever.
    if (this.#path !== before || this.connectionState !== 'connected') this.#expect()
    this.#air.changed()
  }

  #learn(ufrag: string, line: string): void {
    const lines = this.#known.get(ufrag) ?? new Set()
    this.#known.set(ufrag, lines.add(line))
  }

  async #gather(generation: Generation): Promise<void> {
    if (generation.lines.length > 0) return
    const relay = relayUserOf(this.#configuration.iceServers)
    this.#gathering('gathering')
    const found = (line: string) => {
      generation.lines.push(line)
      const candidate = { candidate: line, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: generation.ufrag }
      this.onicecandidate?.({ candidate })
      this.#air.changed()
    }
    const { gatherMilliseconds, relayMilliseconds } = late
    this.later(gatherMilliseconds, () => found(hostLine(generation)))
    if (relay !== undefined) {
      this.later(relayMilliseconds, () => {
        generation.relay = relay
        found(relayLine(generation))
      })
    }
    this.later(relay === undefined ? gatherMilliseconds + 1 : relayMilliseconds + 1, () => {
      this.#gathering('complete')
      this.onicecandidate?.({ candidate: null })
    })
  }

  #gathering(state: string): void {
    this.iceGatheringState = state
    this.onicegatheringstatechange?.()
  }

  /** The newest pair first; the one before goes on until that one stands. */
  #findPath(): MediaPath | undefined {
    for (const pair of this.#pairs.slice(-2).reverse()) {
      const path = this.#pathOf(pair)
      if (path !== undefined) return path
    }
    return undefined
  }

  #pathOf({ local, remote: ufrag }: Pair): MediaPath | undefined {
    const remote = this.#air.generations.get(ufrag)
    if (remote === undefined) return undefined
    const theirs = remote.owner
    if (theirs !== undefined && !theirs.checks(ufrag, local.ufrag)) return undefined
    // Who is checked by the other learns its address by that (RFC 8445 §7.3.1.3).
    const isKnown = this.knows(ufrag) || (theirs?.knows(local.ufrag) ?? false)
    return this.#air.pathOf(local, remote, isKnown)
  }

  #isChosen({ local, remote }: Pair): boolean {
    return this.#path?.local === local && this.#path.remote.ufrag === remote
  }

  checks(ours: string, theirs: string): boolean {
    return this.#pairs.slice(-2).some(({ local, remote }) => local.ufrag === ours && remote === theirs)
  }

  knows(ufrag: string): boolean {
    return (this.#known.get(ufrag)?.size ?? 0) > 0
  }

  #expect(): void {
    const turn = ++this.#turn
    const after = (milliseconds: number, state: string) =>
      this.later(milliseconds, () => {
        if (turn === this.#turn) this.#become(state)
      })
    if (this.#path !== undefined) {
      if (this.connectionState !== 'connected') after(late.connectMilliseconds, 'connected')
      else this.#openChannel()
      return
    }
    if (this.connectionState === 'connected') after(late.disconnectedMilliseconds, 'disconnected')
    else if (this.connectionState !== 'disconnected' || this.#isNew) this.#become('connecting')
    after(late.disconnectedMilliseconds + late.failedMilliseconds, 'failed')
  }

  /** The newest pair was not checked yet. */
  get #isNew(): boolean {
    return this.#pairs.at(-1)?.sent === 0
  }

  #become(state: string): void {
    if (this.connectionState === state) return
    this.connectionState = state
    this.iceConnectionState = state === 'connecting' ? 'checking' : state
    if (state === 'connected') this.#openChannel()
    this.oniceconnectionstatechange?.()
    this.onconnectionstatechange?.()
  }

  #openChannel(): void {
    const channel = this.#channel
    if (channel === undefined || channel.other !== undefined) return
    this.later(2 * this.latencyMilliseconds, () => {
      const other = this.partner?.takeChannel(channel)
      if (other === undefined) return
      channel.other = other
      channel.readyState = 'open'
      channel.onopen?.()
    })
  }

  /** What was sent, answered and received since the last time. */
  #count(): void {
    const now = this.#air.network.monotonic()
    const milliseconds = now - this.#countedAt
    this.#countedAt = now
    if (this.#path !== undefined) this.#received += milliseconds / late.packetMilliseconds
    for (const pair of this.#pairs.slice(-2)) {
      if (!this.knows(pair.remote)) continue
      pair.sent += milliseconds / late.checkMilliseconds
      if (this.#isChosen(pair)) pair.answered += milliseconds / late.checkMilliseconds
    }
  }
}
