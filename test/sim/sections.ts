/** Sections of a simulated connection's descriptions, their directions (RFC 3264 §6.1), and the words of its data channel. */
import type { SimPeerConnection } from './peer-connection.ts'

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export interface Section {
  readonly kind: 'audio' | 'video' | 'application'
  mid: string | undefined
  readonly transceiver: SimTransceiver
}

export class SimTransceiver {
  direction: Direction | 'stopped' = 'sendrecv'
  currentDirection: Direction | 'stopped' | null = null
  /** Made by `addTrack`: a section that is offered may be filled with it. */
  byTrack = false
  readonly receiver: { readonly track: { readonly kind: string } }
  readonly sender = {
    transport: undefined,
    track: null as object | null,
    setStreams() {},
    async replaceTrack(track: object | null) {
      this.track = track
    },
  }

  constructor(kind: string) {
    this.receiver = { track: { kind } }
  }

  stop(): void {
    this.direction = 'stopped'
  }
}

export class SimChannel {
  readonly label: string
  readyState = 'connecting'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  other: SimChannel | undefined
  readonly #connection: SimPeerConnection
  #waiting: string[] = []

  constructor(connection: SimPeerConnection, label: string) {
    this.#connection = connection
    this.label = label
  }

  send(text: string): void {
    if (this.readyState !== 'open') throw new Error('InvalidStateError: not open')
    this.#waiting.push(text)
    this.flush()
  }

  /** SCTP repeats what does not get through, and keeps it in order. */
  flush(): void {
    if (this.#waiting.length === 0) return
    this.#connection.later(this.#connection.latencyMilliseconds, () => {
      if (!this.#connection.isFlowing) return
      for (const text of this.#waiting.splice(0)) this.other?.hear(text)
    })
  }

  hear(text: string): void {
    if (this.readyState === 'open' && this.#connection.isOpen) this.onmessage?.({ data: text })
  }
}

export function sectionsOf(
  sdp: string,
): { readonly kind: Section['kind']; readonly mid: string; readonly direction: Direction }[] {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .map((part, index) => ({
      kind: /^\w+/.exec(part)![0] as Section['kind'],
      mid: /^a=mid:(\S+)/m.exec(part)?.[1] ?? String(index),
      direction: (/^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(part)?.[1] ?? 'sendrecv') as Direction,
    }))
}

const sends = (direction: string): boolean => direction === 'sendrecv' || direction === 'sendonly'
const receives = (direction: string): boolean => direction === 'sendrecv' || direction === 'recvonly'
const directionOf = (isSent: boolean, isReceived: boolean): Direction =>
  isSent ? (isReceived ? 'sendrecv' : 'sendonly') : isReceived ? 'recvonly' : 'inactive'
export const reversed = (direction: string): Direction => directionOf(receives(direction), sends(direction))
export const both = (one: string, other: string): Direction =>
  directionOf(sends(one) && sends(other), receives(one) && receives(other))
export const reversedSdp = (sdp: string): string =>
  sdp.replace(
    /^a=(sendrecv|sendonly|recvonly|inactive)(\r?)$/gm,
    (_, direction, end) => `a=${reversed(direction)}${end}`,
  )
