/**
 * Known words found where they stand in a text. V8 looks a text up in a `Map` only after it has looked it up among all
 * texts there are, so a name cut out of each line of each message costs more than the rest of the line.
 */

/** Words of up to this many characters are found. */
const longest = 31

export class Words<Meaning> {
  /** By length and first letter, its case aside: few or no words at each place. */
  readonly #places: (readonly { readonly word: string; readonly meaning: Meaning }[] | undefined)[] =
    new Array(32 * (longest + 1)).fill(undefined)

  constructor(words: Iterable<readonly [word: string, meaning: Meaning]>) {
    for (const [word, meaning] of words) {
      const place = placeOf(word, 0, word.length)
      this.#places[place] = [...(this.#places[place] ?? []), { word, meaning }]
    }
  }

  /** What the word from `from` up to `to` means, where it is known in exactly this spelling. */
  at(text: string, from: number, to: number): Meaning | undefined {
    if (to - from > longest) return undefined
    const words = this.#places[placeOf(text, from, to)]
    if (words === undefined) return undefined
    for (const { word, meaning } of words) if (text.startsWith(word, from)) return meaning
    return undefined
  }
}

const placeOf = (text: string, from: number, to: number): number =>
  32 * (to - from) + (text.charCodeAt(from) & 31)
