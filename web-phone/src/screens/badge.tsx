import type { Call } from '../../../client/call.ts'
import type { SelectedPair } from '../../../src/calls/message.ts'
import { Icon } from '../parts/icon.tsx'
import { texts } from '../texts.ts'

/** Says what the media path is, from the browser's own statistics; opens all that is known of it. */
export function Badge({ call, open }: { readonly call: Call; readonly open: () => void }) {
  const state = badgeState(call)
  const pair = state === 'direct' ? call.facts?.pair : undefined
  const detail = pair ? `${addresses(pair)}${rtt(pair) && `, ${rtt(pair)}`}` : ''
  return (
    <button
      type="button"
      class={`badge ${state}`}
      aria-label={texts.badgeName(texts.badge[state], detail)}
      aria-haspopup="dialog"
      onClick={open}
    >
      {state === 'direct' && <Icon name="lock" />}
      <strong>{texts.badge[state]}</strong>
      {pair && (
        <>
          <span>{addresses(pair)}</span>
          {rtt(pair) && <span>{rtt(pair)}</span>}
        </>
      )}
    </button>
  )
}

/** `direct` only when the browser names a pair with no relay at either end. */
export function badgeState(call: Call): 'direct' | 'connecting' | 'reconnecting' | 'unknown' {
  if (call.state === 'reconnecting') return 'reconnecting'
  if (call.state !== 'connected') return 'connecting'
  const pair = call.facts?.pair
  if (!pair) return 'connecting'
  return pair.localType !== 'relay' && pair.remoteType !== 'relay' ? 'direct' : 'unknown'
}

export function endpoint(address: string, port: number): string {
  if (address === '') return texts.hiddenAddress
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function addresses(pair: SelectedPair): string {
  return `${pair.localAddress || texts.hiddenAddress} ↔ ${pair.remoteAddress || texts.hiddenAddress}`
}

function rtt(pair: SelectedPair): string {
  return pair.rttMilliseconds === undefined ? '' : texts.milliseconds(pair.rttMilliseconds)
}
