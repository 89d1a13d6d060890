/** What a check of this device looks at, and what it says of it. Types only. */
import type { MediaProblem } from '../../../client/media.ts'
import type { SelectedPair } from '../../../src/calls/message.ts'

/** A fact that is `undefined` was not looked at yet. */
export interface Facts {
  readonly page: PageFacts
  readonly appliance?: ApplianceFacts | 'noAnswer' | 'notEnrolled' | undefined
  /** This device's clock less the appliance's; `unknown`: it did not say. */
  readonly clockAheadMilliseconds?: number | 'unknown' | undefined
  /** `unknown`: this browser leaves no sign of it. */
  readonly certificate?: 'trusted' | 'clickedAway' | 'unknown' | undefined
  /** The appliance's other names and addresses, asked from here; none where the page has the only one. */
  readonly others?: readonly OtherName[] | undefined
  readonly line?: LineFacts | undefined
  readonly microphone?: MicrophoneFacts | undefined
  readonly camera?: CameraFacts | undefined
  readonly speaker?: 'heard' | 'notHeard' | undefined
  readonly candidates?: CandidateFacts | undefined
  readonly echo?: EchoFacts | undefined
  readonly lastCall?: LastCall | undefined
}

/** The last call that somebody answered; `none`: their device and this one found no way to each other. */
export interface LastCall {
  readonly name: string
  readonly way: 'direct' | 'relayed' | 'none'
  /** The appliance saw the two on different networks. */
  readonly otherNetwork?: boolean | undefined
}

export interface PageFacts {
  /** As in the address bar, without port; IPv6 without brackets. */
  readonly host: string
  readonly https: boolean
  readonly secureContext: boolean
  /** Where the door page is: `http://lanline.local`. */
  readonly door: string
}

export interface ApplianceFacts {
  readonly hostname: string
  readonly addresses: readonly Subnet[]
  readonly httpsPort: number
  /** This device as the appliance sees it. */
  readonly seenAddress: string
}

export interface Subnet {
  readonly address: string
  readonly prefixLength: number
}

export interface OtherName {
  readonly name: string
  readonly reached: boolean
}

export interface LineFacts {
  /** `none`: this browser is not enrolled. */
  readonly state: 'open' | 'away' | 'none'
  /** It broke while the check ran. */
  readonly broke: boolean
  readonly roundTripsMilliseconds: readonly number[]
}

/** What the browser says when asked: `prompt` after a refusal means that its question was closed. */
export type Permission = 'granted' | 'denied' | 'prompt' | 'unknown'

export interface Refused {
  readonly kind: 'refused'
  readonly problem: MediaProblem
  readonly permission: Permission
}

export type MicrophoneFacts =
  | Refused
  /**
   * `peak` is the loudest sample, 0 to 1; exactly 0 is no sound at all, not even noise; undefined: this browser let
   * nothing be measured.
   */
  | { readonly kind: 'open'; readonly name: string; readonly peak: number | undefined }

export type CameraFacts =
  | Refused
  | { readonly kind: 'open'; readonly name: string; readonly picture: 'seen' | 'black' | 'none' }

export interface CandidateFacts {
  /** False where the browser has no WebRTC. */
  readonly able: boolean
  /** Host candidates with an address (RFC 8445 §5.1.1.1). */
  readonly addresses: readonly string[]
  /** Host candidates behind a `.local` name. */
  readonly hidden: number
}

export interface EchoFacts {
  /**
   * `noLine`: the appliance was away. `noEcho`: nobody of that name here. `refused`: busy or not to be reached.
   * `noPath`: answered, but nothing came through. `noKeys`: ICE found a way, DTLS came to no end on it.
   */
  readonly outcome: 'connected' | 'noPath' | 'noKeys' | 'noLine' | 'noEcho' | 'refused'
  /** `packets`: they came back; this browser let nothing be measured of what is in them. */
  readonly sound: 'back' | 'packets' | 'other' | 'none'
  readonly picture: 'back' | 'none' | 'notSent'
  readonly pair: SelectedPair | null
  /** Packets received, and those that should have been, of all streams. */
  readonly received: number
  readonly lost: number
}

export type CheckId =
  | 'secure'
  | 'certificate'
  | 'name'
  | 'otherName'
  | 'line'
  | 'clock'
  | 'microphone'
  | 'camera'
  | 'speaker'
  | 'addresses'
  | 'network'
  | 'echoSound'
  | 'echoPicture'
  | 'path'
  | 'devices'

export type Level = 'ok' | 'warning' | 'failed' | 'unchecked'

export interface Finding {
  readonly id: CheckId
  readonly level: Level
  /** One sentence. */
  readonly found: string
  /** What to do. */
  readonly advice?: string | undefined
}
