import { hueOf, initialsOf } from '../../../client/initials.ts'
import type { Presence } from '../../../src/signalling/message.ts'

/** A person as initials on a colour of their own. The name stands beside it, so it is silent to screen readers. */
export function Avatar({ name, presence }: { readonly name: string; readonly presence?: Presence }) {
  return (
    <span class={`avatar hue-${hueOf(name)}`} aria-hidden="true">
      {initialsOf(name)}
      {presence && <span class={`dot ${presence}`} />}
    </span>
  )
}
