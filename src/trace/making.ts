/** What is made of a call's events, in the thread that makes it or here: files, its summary, and what others ask. */
import type { CallRow } from '../calls/message.ts'
import { callFactsOf } from './call-facts.ts'
import { captureFile } from './capture-file.ts'
import { capturePlanOf, type RelayPorts } from './capture-plan.ts'
import { documentOf, fingerprintOfKey, isWhole, publicKeyOf, signTrace, summaryOf } from './document.ts'
import { ladderOf } from './ladder.ts'
import { ladderSvg } from './ladder-svg.ts'
import type { TraceEvent, TraceSummary } from './message.ts'
import { identityOf } from './packets/facts.ts'
import { tracePage } from './page.ts'
import { rtcstatsDump } from './rtcstats.ts'
import { signPage } from './signed-page.ts'
import { tellsOfMedia } from './traced.ts'

export type TraceFormat = 'json' | 'html' | 'pcapng' | 'pcap' | 'rtcstats' | 'ladder'

/** Whose trace it is to be, and the seed of the key that signs it. */
export interface Maker {
  readonly version: string
  readonly appliance: string
  readonly key: Uint8Array
}

export type Wish =
  | { readonly kind: 'file'; readonly format: TraceFormat; readonly row: CallRow; readonly maker: Maker }
  | { readonly kind: 'summary'; readonly row: CallRow }
  /** The same, of a call that is over; undefined where nobody told anything of its media. `apart`: in any case in the thread. */
  | { readonly kind: 'conclusion'; readonly row: CallRow; readonly apart: boolean }
  | { readonly kind: 'facts'; readonly row: CallRow }
  | { readonly kind: 'identity' }
  | { readonly kind: 'captures' }
  | { readonly kind: 'plan'; readonly row: CallRow; readonly ports: RelayPorts }

export type Made<W extends Wish> = W extends { kind: 'file' }
  ? Uint8Array<ArrayBuffer>
  : W extends { kind: 'summary' | 'conclusion' }
    ? TraceSummary | undefined
    : W extends { kind: 'facts' }
      ? ReturnType<typeof callFactsOf>
      : W extends { kind: 'plan' }
        ? ReturnType<typeof capturePlanOf>
        : W extends { kind: 'captures' }
          ? KnownCaptures
          : ReturnType<typeof identityOf>

/** What a further capture of a call has to do with. */
export interface KnownCaptures {
  /** False where events were forgotten. */
  readonly isWhole: boolean
  readonly captures: readonly { readonly number: number; readonly sha256: string | undefined }[]
  readonly lastNumber: number
  readonly lastAtMilliseconds: number
}

/** `kept`: what was concluded before the events were forgotten. */
export function made(wish: Wish, events: readonly TraceEvent[], kept: TraceSummary | undefined): Made<Wish> {
  switch (wish.kind) {
    case 'file':
      return fileOf(wish, events, kept)
    case 'summary':
      return events.length > 0 ? summaryOf(wish.row, events) : undefined
    case 'conclusion':
      return events.some(({ kind }) => tellsOfMedia.has(kind)) ? summaryOf(wish.row, events) : undefined
    case 'facts':
      return callFactsOf(wish.row, events, kept)
    case 'identity':
      return identityOf(events)
    case 'captures':
      return knownCaptures(events)
    case 'plan':
      return capturePlanOf(wish.row, events, wish.ports)
  }
}

function knownCaptures(events: readonly TraceEvent[]): KnownCaptures {
  const most = (read: (event: TraceEvent) => number): number =>
    events.reduce((highest, event) => Math.max(highest, read(event)), 0)
  return {
    isWhole: isWhole(events),
    captures: events.flatMap(one =>
      one.kind === 'capture' ? [{ number: one.number, sha256: one.facts.sha256 }] : [],
    ),
    lastNumber: most(({ number }) => number),
    lastAtMilliseconds: most(({ atMilliseconds }) => atMilliseconds),
  }
}

function fileOf(
  { format, row, maker }: Wish & { readonly kind: 'file' },
  events: readonly TraceEvent[],
  kept: TraceSummary | undefined,
): Uint8Array<ArrayBuffer> {
  const { version, appliance, key } = maker
  if (format === 'ladder')
    return Buffer.from(ladderSvg(ladderOf(events), `Call from ${row.callerName} to ${row.calleeName}`))
  const trace = documentOf({ version, appliance, row, events, kept })
  switch (format) {
    case 'json':
      return Buffer.from(signTrace(trace, key))
    case 'html':
      return signPage(tracePage(trace, { fingerprint: fingerprintOfKey(publicKeyOf(key)) }), key)
    case 'rtcstats':
      return Buffer.from(rtcstatsDump(trace))
    default:
      return captureFile(trace, format)
  }
}
