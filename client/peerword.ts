/** What two `lanline.v1` clients say to each other on the data channel of a call, past the appliance. */
import type { EndReason } from '../src/core/end-reason.ts'
import type { IceCandidate } from '../src/signalling/message.ts'

export const channelLabel = 'lanline'
export const channelProtocol = 'lanline.v1'

export type PeerWord =
  | { readonly type: 'bye'; readonly reason: EndReason }
  /** ICE restart while signalling is away; only the caller offers. The answer repeats the offer's number. */
  | { readonly type: 'offer'; readonly sdp: string; readonly number?: number | undefined }
  | { readonly type: 'answer'; readonly sdp: string; readonly number?: number | undefined }
  | { readonly type: 'candidate'; readonly candidate: IceCandidate }
  | ({ readonly type: 'media' } & PeerMedia)

/** What a party sends. */
export interface PeerMedia {
  readonly muted: boolean
  readonly camera: boolean
  /** A tone stands in for a microphone. */
  readonly testSource: boolean
  /** The other party waits: neither is heard. */
  readonly hold: boolean
  /** It was there and gives nothing any more: pulled out, forbidden, taken by another program. */
  readonly microphoneLost?: true
  readonly cameraLost?: true
}

const limitCharacters = 65_536
const reasons: ReadonlySet<unknown> = new Set<EndReason>([
  'hangup',
  'mediaLost',
  'mediaFailed',
  'lost',
  'failed',
])

/** Undefined for anything the other side should not have said. */
export function readPeerWord(text: string): PeerWord | undefined {
  if (text.length > limitCharacters) return undefined
  let word: Record<string, unknown>
  try {
    word = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  if (typeof word !== 'object' || word === null) return undefined
  switch (word.type) {
    case 'bye':
      return { type: 'bye', reason: reasons.has(word.reason) ? (word.reason as EndReason) : 'hangup' }
    case 'offer':
    case 'answer':
      if (typeof word.sdp !== 'string') return undefined
      return {
        type: word.type,
        sdp: word.sdp,
        ...(typeof word.number === 'number' && { number: word.number }),
      }
    case 'candidate':
      return isCandidate(word.candidate) ? { type: 'candidate', candidate: word.candidate } : undefined
    case 'media':
      return {
        type: 'media',
        muted: word.muted === true,
        camera: word.camera === true,
        testSource: word.testSource === true,
        hold: word.hold === true,
        ...(word.microphoneLost === true && { microphoneLost: true }),
        ...(word.cameraLost === true && { cameraLost: true }),
      }
    default:
      return undefined
  }
}

function isCandidate(value: unknown): value is IceCandidate {
  return typeof (value as IceCandidate | null)?.candidate === 'string'
}
