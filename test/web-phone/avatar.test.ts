import { expect, it } from 'vitest'
import { initialsOf as inConsole } from '../../web-admin/src/parts/avatar.tsx'
import { initialsOf } from '../../web-phone/src/parts/avatar.tsx'

for (const [where, initials] of [
  ['the phone', initialsOf],
  ['the console', inConsole],
] as const) {
  it(`${where} shows letters of a name, whatever stands around them`, () => {
    expect(initials('Mia Brandt')).toBe('MB')
    expect(initials('Oma')).toBe('O')
    expect(initials('Oma Gertrud 👵🏻🌻')).toBe('OG')
    expect(initials('“Ben” (work)')).toBe('BW')
    expect(initials('סבתא רחל')).toBe('סר')
    expect(initials('3rd floor')).toBe('3F')
  })

  it(`${where} shows a whole picture of a name that has no letters`, () => {
    expect(initials('👩‍👧 🌻')).toBe('👩‍👧')
    expect(initials('')).toBe('?')
  })
}
