/** What the page keeps, in a browser that refuses. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isKept, pageStorage, readJson, writeJson } from '../../web-phone/src/storage.ts'

const kept = new Map<string, string>()
let refuses = false

beforeEach(() => {
  refuses = false
  kept.clear()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => {
      if (refuses) throw new DOMException('no room', 'QuotaExceededError')
      kept.set(key, text)
    },
    removeItem: (key: string) => kept.delete(key),
  })
})
afterEach(() => {
  for (const key of ['one', 'two']) pageStorage.removeItem(key)
  vi.unstubAllGlobals()
})

it('lasts as long as the page where there is no room, in place of what was kept before', () => {
  writeJson('one', 'before')
  expect(isKept('one')).toBe(true)
  refuses = true
  writeJson('one', 'now')
  pageStorage.setItem('two', 'text')
  expect(readJson('one')).toBe('now')
  expect(isKept('one')).toBe(false)
  expect(pageStorage.getItem('two')).toBe('text')
  writeJson('one', undefined)
  expect(readJson('one')).toBeUndefined()
  refuses = false
  writeJson('one', 'later')
  expect([readJson('one'), kept.get('one'), isKept('one')]).toEqual(['later', '"later"', true])
})

it('lasts as long as the page where site data are not allowed at all', () => {
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw new DOMException('Access is denied for this document.', 'SecurityError')
    },
  })
  writeJson('one', { token: 'secret' })
  expect(readJson('one')).toEqual({ token: 'secret' })
  expect(isKept('one')).toBe(false)
})
