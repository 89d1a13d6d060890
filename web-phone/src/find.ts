/** Finding somebody among many by what was typed: a name or a short number. Pure. */
import type { Person } from '../../src/signalling/message.ts'

/** From so many on it is quicker to type than to look. */
export const findFrom = 9

/** Those of `people` in whose names every word stands, or whose number begins so. All, where nothing was typed. */
export function found(people: readonly Person[], typed: string): readonly Person[] {
  const words = plain(typed).split(/\s+/).filter(Boolean)
  const number = typed.replaceAll(/\s/g, '')
  return people.filter(person => {
    const name = plain(person.name)
    return words.every(word => name.includes(word)) || isNumberOf(person, number)
  })
}

/** Whom Enter calls: whose number it is, else the only one there is. */
export function meant(people: readonly Person[], typed: string): Person | undefined {
  if (typed.trim() === '') return undefined
  const number = typed.replaceAll(/\s/g, '')
  const all = found(people, typed)
  return all.find(person => person.number === number) ?? (all.length === 1 ? all[0] : undefined)
}

const isNumberOf = (person: Person, typed: string): boolean => typed !== '' && person.number.startsWith(typed)

/** As it is typed in a hurry: no capitals, no accents. */
const plain = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
