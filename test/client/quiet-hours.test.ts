import { expect, it } from 'vitest'
import { daysText, hoursText, usualHours } from '../../client/quiet-hours.ts'
import { isQuietHours, weekdays } from '../../src/core/quiet-hours.ts'

it('days are told as people say them, also over the end of a week', () => {
  expect(daysText(weekdays)).toBe('every day')
  expect(daysText(['mon', 'tue', 'wed', 'thu', 'fri'])).toBe('Mon–Fri')
  expect(daysText(['mon', 'tue', 'wed', 'thu', 'sun'])).toBe('Sun–Thu')
  expect(daysText(['sat', 'sun'])).toBe('Sat, Sun')
  expect(daysText(['sun', 'mon', 'sat'])).toBe('Sat–Mon')
  expect(daysText(['mon', 'wed', 'fri'])).toBe('Mon, Wed, Fri')
  expect(daysText(['thu'])).toBe('Thu')
})

it('what one begins with can be set as it is', () => {
  expect(isQuietHours(usualHours())).toBe(true)
  expect(hoursText({ ...usualHours(), from: '21:30' })).toMatch(
    /^(21:30|09:30 PM)–(07:00|07:00 AM), every day$/,
  )
  expect(hoursText({ ...usualHours(), days: ['sun'], zone: 'Asia/Tokyo' })).toMatch(/, Sun \(Asia\/Tokyo\)$/)
})
