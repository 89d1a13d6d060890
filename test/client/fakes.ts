/** Surroundings for the client library that a test turns by hand: clock, WebSocket, peer connection. */
import type { Env, Socket } from '../../client/env.ts'
import { memoryStorage } from '../../client/env.ts'
import { fixedMedia, type OpenMedia } from '../../client/media.ts'
import { Phone } from '../../client/phone.ts'
import { noQuiet } from '../../src/core/quiet-hours.ts'
import type { ClientMessage, Person, ServerMessage } from '../../src/signalling/message.ts'

/** Time passes only by `pass`. */
export class FakeClock {
  milliseconds = 0
  #timers: { at: number; fire: () => void; id: number }[] = []
  #serial = 0

  setTimeout = (fire: () => void, milliseconds: number): unknown => {
    const id = ++this.#serial
    this.#timers.push({ at: this.milliseconds + milliseconds, fire, id })
    return id
  }

  clearTimeout = (id: unknown): void => {
    this.#timers = this.#timers.filter(timer => timer.id !== id)
  }

  /** Fires what is due, in order, and lets promises settle after each. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.milliseconds + milliseconds
    await settle()
    for (;;) {
      const [next] = this.#timers
        .filter(timer => timer.at <= until)
        .sort((a, b) => a.at - b.at || a.id - b.id)
      if (next === undefined) break
      this.clearTimeout(next.id)
      this.milliseconds = Math.max(this.milliseconds, next.at)
      next.fire()
      await settle()
    }
    this.milliseconds = until
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}

/** The appliance's end of a channel, as a test plays it. */
export class FakeSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  readonly url: string
  readonly protocol: string
  readonly sent: ClientMessage[] = []
  closed = false
  /** Off: the appliance has gone silent. */
  answersPings = true

  constructor(url: string, protocol: string) {
    this.url = url
    this.protocol = protocol
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage
    this.sent.push(message)
    if (message.type === 'ping' && this.answersPings) this.say({ type: 'pong', id: message.id })
  }

  close(): void {
    this.closed = true
  }

  /** The connection stands. */
  open(): void {
    this.onopen?.({} as never)
  }

  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never)
  }

  /** The connection went, with this close code. */
  drop(code = 1006): void {
    this.onclose?.({ code } as never)
  }

  ofType<Type extends ClientMessage['type']>(type: Type): Extract<ClientMessage, { type: Type }>[] {
    return this.sent.filter(message => message.type === type) as Extract<ClientMessage, { type: Type }>[]
  }
}

export class FakeChannel {
  readonly label: string
  readyState = 'connecting'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  readonly sent: Record<string, unknown>[] = []

  constructor(label: string) {
    this.label = label
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  open(): void {
    this.readyState = 'open'
    this.onopen?.()
  }

  /** The other client says something. */
  hear(word: unknown): void {
    this.onmessage?.({ data: JSON.stringify(word) })
  }
}

/** A peer connection without a network: descriptions are numbered words, states change when the test says so. */
export class FakePeerConnection {
  configuration: RTCConfiguration
  signalingState = 'stable'
  connectionState = 'new'
  iceConnectionState = 'new'
  iceGatheringState = 'new'
  localDescription: RTCSessionDescriptionInit | null = null
  remoteDescription: RTCSessionDescriptionInit | null = null
  onicecandidate: ((event: { candidate: RTCIceCandidateInit | null }) => void) | null = null
  onconnectionstatechange: (() => void) | null = null
  oniceconnectionstatechange: (() => void) | null = null
  ontrack: ((event: unknown) => void) | null = null
  ondatachannel: ((event: { channel: FakeChannel }) => void) | null = null
  channel: FakeChannel | undefined
  closed = false
  readonly candidates: RTCIceCandidateInit[] = []
  readonly offers: { iceRestart: boolean }[] = []
  /** Sections of offers and, on the callee's side, of what was offered. */
  readonly kinds: string[] = []
  readonly transceivers: ReturnType<typeof fakeTransceiver>[] = []
  /** The other side's description before an offer of theirs. */
  #agreed: RTCSessionDescriptionInit | null = null
  #serial = 0

  constructor(configuration: RTCConfiguration = {}) {
    this.configuration = configuration
  }

  addTransceiver(trackOrKind: string | { kind: string }, { direction = 'sendrecv' } = {}): object {
    const kind = typeof trackOrKind === 'string' ? trackOrKind : trackOrKind.kind
    this.kinds.push(kind)
    const transceiver = fakeTransceiver(kind, direction)
    this.transceivers.push(transceiver)
    return transceiver
  }

  addTrack({ kind }: { kind: string }): object {
    this.kinds.push(kind)
    return {}
  }

  getTransceivers(): object[] {
    return [...(this.remoteDescription?.sdp ?? '').matchAll(/^m=(audio|video) /gm)].map(line =>
      fakeTransceiver(line[1]!),
    )
  }

  createDataChannel(label: string): FakeChannel {
    this.channel = new FakeChannel(label)
    return this.channel
  }

  async createOffer({ iceRestart = false } = {}): Promise<RTCSessionDescriptionInit> {
    this.offers.push({ iceRestart })
    return { type: 'offer', sdp: `v=0 offer ${++this.#serial}` }
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'answer', sdp: `v=0 answer ${++this.#serial}` }
  }

  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (description.type === 'rollback') {
      this.signalingState = 'stable'
      return
    }
    if (description.type === 'offer' && this.signalingState === 'have-remote-offer') throw new Error('glare')
    this.localDescription = description
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable'
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (description.type === 'rollback') {
      if (this.signalingState !== 'have-remote-offer') throw new Error('nothing to roll back')
      this.signalingState = 'stable'
      this.remoteDescription = this.#agreed
      return
    }
    if (this.signalingState !== 'have-remote-offer') this.#agreed = this.remoteDescription
    this.remoteDescription = description
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable'
  }

  async addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    this.candidates.push(candidate)
  }

  getConfiguration(): RTCConfiguration {
    return this.configuration
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration
  }

  /** What the next `getStats` tells, by id. */
  readonly stats = new Map<string, unknown>()

  async getStats(): Promise<Map<string, unknown>> {
    return new Map(this.stats)
  }

  /** So many checks were sent on a pair and answered. */
  checked(id: string, requestsSent: number, responsesReceived: number): void {
    this.stats.set(id, { id, type: 'candidate-pair', state: 'in-progress', requestsSent, responsesReceived })
  }

  close(): void {
    this.closed = true
  }

  become(state: 'connecting' | 'connected' | 'disconnected' | 'failed'): void {
    this.connectionState = state
    this.iceConnectionState = state === 'connecting' ? 'checking' : state
    this.onconnectionstatechange?.()
  }

  /** A local candidate was found; null ends them. */
  found(candidate: string | null): void {
    this.onicecandidate?.({
      candidate: candidate === null ? null : { candidate, sdpMid: '0', sdpMLineIndex: 0 },
    })
  }
}

const fakeTransceiver = (kind: string, direction = 'recvonly') => ({
  direction,
  currentDirection: 'sendrecv',
  receiver: { track: { kind } },
  sender: {
    transport: undefined,
    setStreams() {},
    /** `undefined` until a track is put in or taken out. */
    track: undefined as object | null | undefined,
    async replaceTrack(track: object | null) {
      this.track = track
    },
  },
})

const bob: Person = { user: 'bob', name: 'Bob', number: '21', presence: 'available' }

export const welcome = (
  extra: Partial<Extract<ServerMessage, { type: 'welcome' }>> = {},
): Extract<ServerMessage, { type: 'welcome' }> => ({
  type: 'welcome',
  role: 'member',
  staySeconds: null,
  user: 'alice',
  name: 'Alice',
  device: 'd1',
  place: 'Home',
  version: '1',
  ...{ doNotDisturb: false, quiet: noQuiet },
  roster: [{ user: 'alice', name: 'Alice', number: '20', presence: 'available' }, bob],
  missed: [],
  resumed: [],
  pingSeconds: 10,
  ...extra,
})

/** A phone with everything around it in the test's hands. */
export function fakePhone(openMedia: OpenMedia = fixedMedia({ audio: fakeTrack('audio') })) {
  const clock = new FakeClock()
  const sockets: FakeSocket[] = []
  const peers: FakePeerConnection[] = []
  const storage = memoryStorage()
  const env: Env = {
    WebSocket: class extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol)
        sockets.push(this)
      }
    },
    RTCPeerConnection: class extends FakePeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        peers.push(this)
      }
    } as unknown as Env['RTCPeerConnection'],
    now: () => clock.milliseconds,
    wall: () => 1_000_000 + clock.milliseconds,
    random: () => 0.5,
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
  }
  const options = { url: 'wss://lanline.local/ws', token: 'secret', client: 'test', openMedia, storage, env }
  const phone = new Phone(options)
  const online = async (extra: Parameters<typeof welcome>[0] = {}) => {
    if (sockets.length === 0) phone.start()
    sockets.at(-1)!.open()
    sockets.at(-1)!.say(welcome(extra))
    await settle()
  }
  return {
    clock,
    phone,
    sockets,
    peers,
    storage,
    env,
    /** Another life of the same device: the page was reloaded. */
    reloaded: () => new Phone(options),
    socket: () => sockets.at(-1)!,
    peer: () => peers.at(-1)!,
    /** Opens the newest socket and welcomes the phone. */
    online,
    /** Lets time pass until the phone tries again, and welcomes it. */
    async back(extra: Parameters<typeof welcome>[0] = {}) {
      const before = sockets.length
      while (sockets.length === before) await clock.pass(100)
      await online(extra)
    },
  }
}

export const fakeTrack = (kind: string): MediaStreamTrack =>
  ({ kind, enabled: true, stop() {}, clone: () => fakeTrack(kind) }) as unknown as MediaStreamTrack

/** Mulberry32: numbers in [0, 1) that are the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
