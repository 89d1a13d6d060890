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

/** First letters of the first and last word. */
function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean)
  const first = [...(words[0] ?? '?')][0]!
  const last = words.length > 1 ? [...words.at(-1)!][0]! : ''
  return (first + last).toUpperCase()
}

/** One of eight, the same here as on the phone page. */
function hueOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0
  return sum % 8
}
