import { expect, it } from 'vitest'
import { hueOf, initialsOf } from '../../client/initials.ts'

it('letters of a name are shown, whatever stands around them', () => {
  expect(initialsOf('Mia Brandt')).toBe('MB')
  expect(initialsOf('Oma')).toBe('O')
  expect(initialsOf('Oma Gertrud 👵🏻🌻')).toBe('OG')
  expect(initialsOf('“Ben” (work)')).toBe('BW')
  expect(initialsOf('סבתא רחל')).toBe('סר')
  expect(initialsOf('3rd floor')).toBe('3F')
})

it('a name that has no letters is shown by its first picture, whole', () => {
  expect(initialsOf('👩‍👧 🌻')).toBe('👩‍👧')
  expect(initialsOf('')).toBe('?')
})

it('a name has one of eight colours, whatever it is', () => {
  const names = ['', 'Mia Brandt', 'Oma Gertrud 👵🏻🌻', 'סבתא רחל', 'x'.repeat(64)]
  for (const name of names) expect([0, 1, 2, 3, 4, 5, 6, 7]).toContain(hueOf(name))
  expect(new Set(Array.from({ length: 64 }, (_, index) => hueOf(`person ${index}`))).size).toBe(8)
})
