import type { Call } from '../../../client/call.ts'
import { isHidden } from '../../../client/path.ts'
import type { SelectedPair } from '../../../src/calls/message.ts'
import { Icon } from '../parts/icon.tsx'
import { texts } from '../texts.ts'

/** Says what the media path is, from the browser's own statistics; opens all that is known of it. */
export function Badge({ call, open }: { readonly call: Call; readonly open: () => void }) {
  const state = badgeState(call)
  const details = state === 'direct' || state === 'relayed' ? detailsOf(call) : []
  return (
    <button
      type="button"
      class={`badge ${state}`}
      aria-label={texts.badgeName(texts.badge[state], details.map(({ text }) => text).join(', '))}
      aria-haspopup="dialog"
      onClick={open}
    >
      {state === 'direct' && <Icon name="lock" />}
      {state === 'relayed' && <Icon name="relay" />}
      <strong>{texts.badge[state]}</strong>
      {/* With a space between them: what is read aloud must hold what is seen (WCAG 2.5.3). */}
      {details.map(detail => (
        <span key={detail.kind} class={detail.kind}>
          {' '}
          {detail.text}
        </span>
      ))}
    </button>
  )
}

/** `direct` only when the browser names a pair with no relay at either end. */
export function badgeState(call: Call): 'direct' | 'relayed' | 'connecting' | 'reconnecting' {
  if (call.state === 'reconnecting') return 'reconnecting'
  const { kind } = call.path
  return kind === 'none' ? 'connecting' : kind
}

export function endpoint(address: string, port: number): string {
  if (isHidden(address)) return texts.hiddenAddress
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

interface Detail {
  readonly kind: 'way' | 'time'
  readonly text: string
}

/** From where to where, or why not directly; and how long it takes. */
function detailsOf(call: Call): Detail[] {
  const pair = call.facts?.pair
  if (!pair) return []
  const { kind, reason } = call.path
  const what = kind === 'direct' ? addresses(pair) : reason ? texts.relayReason[reason] : ''
  const details: Detail[] = [
    { kind: 'way', text: what },
    { kind: 'time', text: rtt(pair) },
  ]
  return details.filter(({ text }) => text !== '')
}

function addresses(pair: SelectedPair): string {
  const here = isHidden(pair.localAddress) ? texts.ownHiddenAddress : pair.localAddress
  const there = isHidden(pair.remoteAddress) ? texts.hiddenAddress : pair.remoteAddress
  return `${here} ↔ ${there}`
}

function rtt(pair: SelectedPair): string {
  return pair.rttMilliseconds === undefined ? '' : texts.milliseconds(pair.rttMilliseconds)
}
