/**
 * Lines (and bodies) of messages that are known again, and what was made of them. Most of a message was in the one before,
 * mostly in the same order: so a line is first compared with what came behind the one before it the last time.
 */

/** A power of two. */
const places = 4_096
/** A line's place is found by so many characters at its end, and its first: names are alike at their beginning. */
const looked = 12

export class Known<Made> {
  readonly text: string
  made: Made | undefined
  /** What came behind it the last time. */
  next: Known<Made> | undefined

  constructor(text: string) {
    this.text = text
    this.made = undefined
    this.next = undefined
  }
}

/**
 * Not a `Map`: V8 would look at every character of every line for its hash. Of two that fall on one place the later stays;
 * who sends such lines has us make them again, as if nothing were remembered, and no more.
 */
export class KnownLines<Made> {
  readonly #places: (Known<Made> | undefined)[] = new Array(places).fill(undefined)

  find(text: string, before?: Known<Made>): Known<Made> {
    const guess = before?.next
    if (guess !== undefined && guess.text === text) return guess
    const place = placeOf(text)
    let known = this.#places[place]
    if (known?.text !== text) {
      known = new Known<Made>(text)
      this.#places[place] = known
    }
    if (before !== undefined) before.next = known
    return known
  }

  forget(): void {
    this.#places.fill(undefined)
  }
}

function placeOf(text: string): number {
  let hash = text.length
  for (let at = Math.max(0, text.length - looked); at < text.length; at++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  }
  hash += text.length === 0 ? 0 : text.charCodeAt(0)
  return (Math.imul(hash, 0x9e3779b1) >>> 16) & (places - 1)
}
