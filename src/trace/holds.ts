/** Whether sound flows both ways, by what the two describe (RFC 3264 §8.4): while one of them holds, nobody is to be heard. */
import type { PartyRole } from '../turn/message.ts'

export class Holds {
  readonly #pausing = new Set<PartyRole>()
  #before: readonly PartyRole[] = []
  #changedAt: number | undefined

  /** `text`: a message of this party's, or as JSON has it; what carries no description changes nothing. */
  described(party: PartyRole, text: string, at: number): void {
    const sound = soundOf(text)
    if (sound === undefined) return
    const isPausing = /a=(sendonly|recvonly|inactive)\b/.test(sound)
    if (isPausing === this.#pausing.has(party)) return
    this.#before = [...this.#pausing]
    if (isPausing) this.#pausing.add(party)
    else this.#pausing.delete(party)
    this.#changedAt = at
  }

  /** What was described last was not taken. */
  refused(at: number): void {
    this.#pausing.clear()
    for (const party of this.#before) this.#pausing.add(party)
    this.#changedAt = at
  }

  /** Both were to be heard all the time between two moments. */
  isTalk(from: number, to: number): boolean {
    const at = this.#changedAt
    return this.#pausing.size === 0 && (at === undefined || at < from || at > to)
  }
}

/** The section of sound, and what stands before all sections where that says no direction (RFC 8866 §6.7). */
function soundOf(text: string): string | undefined {
  const begin = text.indexOf('m=audio ')
  if (begin < 0) return undefined
  const end = text.indexOf('m=', begin + 2)
  const section = text.slice(begin, end < 0 ? undefined : end)
  return /a=(sendrecv|sendonly|recvonly|inactive)\b/.test(section) ? section : text.slice(0, begin) + section
}
