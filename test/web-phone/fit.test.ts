import { expect, it } from 'vitest'
import { fills } from '../../web-phone/src/fit.ts'

const camera = { width: 640, height: 480 }
const phone = { width: 480, height: 640 }

it('a picture fills a window of nearly its own shape', () => {
  expect(fills(camera, { width: 1_280, height: 800 })).toBe(true)
  expect(fills(camera, { width: 1_920, height: 1_080 })).toBe(true)
  expect(fills(phone, { width: 600, height: 900 })).toBe(true)
})

it('a picture of which more than a third would be cut off is shown whole', () => {
  expect(fills(camera, { width: 390, height: 844 })).toBe(false)
  expect(fills(phone, { width: 1_280, height: 800 })).toBe(false)
  expect(fills(camera, { width: 2_560, height: 1_080 })).toBe(false)
})

it('a picture that has no size yet is shown whole', () => {
  expect(fills({ width: 0, height: 0 }, { width: 390, height: 844 })).toBe(false)
})
