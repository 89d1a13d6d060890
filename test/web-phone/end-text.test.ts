/** What a person is told when a call is over: of whom it was. */
import { expect, it } from 'vitest'
import { endText } from '../../web-phone/src/texts.ts'

it('a right that has ended is the other one’s, also where the appliance says so while it rings there', () => {
  for (const by of ['peer', 'server'] as const) {
    expect(endText('guestOver', by, 'Gustav', 0, true)).toBe('Gustav’s time as a guest is over.')
    expect(endText('guestOver', by, 'Gustav', 9, true)).toBe(
      'Gustav’s time as a guest is over. The call ended with it.',
    )
    expect(endText('revoked', by, 'Cara', 0, true)).toMatch(/^Cara’s device was removed/)
  }
  expect(endText('revoked', 'self', 'Cara', 0, true)).toBe('This device was removed by the owner.')
  expect(endText('guestOver', 'self', 'Cara', 9, true)).toBe('Your time as a guest is over')
})
