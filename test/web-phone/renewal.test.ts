import { expect, it } from 'vitest'
import { Renewal, scriptOf } from '../../web-phone/src/renewal.ts'

const pageWith = (script: string): string =>
  `<!doctype html><head><script type="module" crossorigin src="${script}"></script></head>`

function house(over: { served?: string; mayRing?: boolean } = {}) {
  const now = { idle: 0, at: 1_000_000, served: over.served ?? '/assets/index-new.js' }
  const done: string[] = []
  const waiting: (() => void)[] = []
  let tried: { script: string; at: number } | undefined
  const renewal = () =>
    new Renewal({
      page: async () => {
        if (now.served === '') throw new Error('away')
        return pageWith(now.served)
      },
      script: '/assets/index-old.js',
      idleMilliseconds: () => now.idle,
      mayRingAfterwards: over.mayRing ?? true,
      tried: {
        get: () => tried,
        set: script => {
          tried = { script, at: now.at }
        },
      },
      now: () => now.at,
      reload: () => done.push('reload'),
      offer: () => done.push('offer'),
      setTimeout: again => waiting.push(again),
    })
  const later = () => {
    for (const again of waiting.splice(0)) again()
  }
  return { now, done, waiting, renewal, later }
}

it('the script of a page is found as the build writes it', () => {
  expect(scriptOf(pageWith('/assets/index-BTn7rsYw.js'))).toBe('/assets/index-BTn7rsYw.js')
  expect(scriptOf('<h1>Bad gateway</h1>')).toBeUndefined()
})

it('a page that was left open loads itself anew after an update, once nobody touches it', async () => {
  const { now, done, waiting, renewal, later } = house()
  await renewal().look()
  expect(done).toEqual([])
  now.idle = 30_000
  later()
  expect(done).toEqual([])
  now.idle = 60_000
  later()
  expect(done).toEqual(['reload'])
  expect(waiting).toEqual([])
})

it('the same page as before, none at all, or another’s, changes nothing', async () => {
  for (const served of ['/assets/index-old.js', '']) {
    const { now, done, waiting, renewal } = house({ served })
    now.idle = 1e6
    await renewal().look()
    expect([done, waiting]).toEqual([[], []])
  }
})

it('where a page that loads itself anew may not ring, the person is asked', async () => {
  const { now, done, renewal } = house({ mayRing: false })
  now.idle = 1e6
  const one = renewal()
  await one.look()
  await one.look()
  expect(done).toEqual(['offer'])
})

it('a cache that goes on giving the old page is not asked in a circle', async () => {
  const { now, done, renewal } = house()
  now.idle = 1e6
  await renewal().look()
  await renewal().look()
  expect(done).toEqual(['reload'])
  now.at += 3_600_000
  await renewal().look()
  expect(done).toEqual(['reload', 'reload'])
})
