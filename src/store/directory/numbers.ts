/**
 * Short numbers, for phones that have no letters: everybody has one beside their name. The first digit is 2 to 8, so that
 * none is what somebody in need dials (112, 911, 999, 000, 15, 18 …): there are no emergency calls here, and such a call
 * must not ring in a living room.
 */
import type { Row } from '../database.ts'

/** The lowest that nobody has. */
export const freeNumber = (isTaken: (number: string) => boolean): string => freeNumbers(isTaken).next().value

/** Of each row its person's number, a free one where it has none: those of older versions have not. */
export function numbersFor(users: readonly Row[], isName: (text: string) => boolean): readonly string[] {
  const given = new Set(users.map(({ number }) => number))
  const free = freeNumbers(number => given.has(number) || isName(number))
  return users.map(({ number }) => (number === null ? free.next().value : String(number)))
}

/** Of two digits as long as there are any. */
function* freeNumbers(isTaken: (number: string) => boolean): Generator<string, never> {
  for (let step = 10; ; step *= 10) {
    for (let number = 2 * step; number < 9 * step; number++) {
      if (!isTaken(String(number))) yield String(number)
    }
  }
}
