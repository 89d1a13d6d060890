/** A person in a circle, the same on every page: initials, and a colour of their own. Pure. */

/** First letters of the first and last word that have any; a name of pictures only is its first picture. */
export function initialsOf(name: string): string {
  const letters = name.split(/\s+/).flatMap(word => word.match(/[\p{L}\p{N}]\p{M}*/u)?.[0] ?? [])
  if (letters.length === 0) return [...new Intl.Segmenter().segment(name.trim())][0]?.segment ?? '?'
  return (letters[0]! + (letters.length > 1 ? letters.at(-1)! : '')).toUpperCase()
}

/** One of eight (0 to 7), always the same for a name. */
export function hueOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0
  return sum % 8
}
