import { expect, it } from 'vitest'
import type { Person } from '../../src/signalling/message.ts'
import { found, meant } from '../../web-phone/src/find.ts'

const person = (name: string, number: string): Person => ({
  user: name.toLowerCase(),
  name,
  number,
  presence: 'available',
})
const people = [
  person('Anna Brandt', '21'),
  person('Ana Müller', '210'),
  person('Łukasz', '33'),
  person('Hanna 3', '45'),
  person('שרה כהן', '46'),
]
const names = (typed: string): string[] => found(people, typed).map(({ name }) => name)

it('is by any part of a name, whatever the capitals and accents, and by the beginning of a number', () => {
  expect(names('')).toHaveLength(people.length)
  expect(names('  ')).toHaveLength(people.length)
  expect(names('ANNA')).toEqual(['Anna Brandt', 'Hanna 3'])
  expect(names('brandt an')).toEqual(['Anna Brandt'])
  expect(names('muller')).toEqual(['Ana Müller'])
  expect(names('mu\u0308ller')).toEqual(['Ana Müller'])
  expect(names('כהן')).toEqual(['שרה כהן'])
  expect(names('21')).toEqual(['Anna Brandt', 'Ana Müller'])
  expect(names('2 1')).toEqual(['Anna Brandt', 'Ana Müller'])
  expect(names('3')).toEqual(['Łukasz', 'Hanna 3'])
  expect(names('xyz')).toEqual([])
})

it('means whose number was typed whole, or the only one there is', () => {
  const who = (typed: string): string | undefined => meant(people, typed)?.name
  expect(who('21')).toBe('Anna Brandt')
  expect(who('210')).toBe('Ana Müller')
  expect(who('2')).toBeUndefined()
  expect(who('hanna')).toBe('Hanna 3')
  expect(who('an')).toBeUndefined()
  expect(who('')).toBeUndefined()
  expect(who('99')).toBeUndefined()
})
