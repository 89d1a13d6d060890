/** `renewal.ts` in this page: what is served, what runs here, and who is using it. */
import type { Line } from './line.ts'
import { Renewal } from './renewal.ts'
import { readJson, storageKeys, writeJson } from './storage.ts'

/** Looks after each welcome; `offer` gets what loads the page anew, where that does not come by itself. */
export type Renew = (line: Line, offer: (load: () => void) => void) => () => void

let touchedAt = 0

export const renewPage: Renew = (line, offer) => {
  const touched = () => {
    touchedAt = performance.now()
  }
  for (const sign of ['pointerdown', 'keydown'] as const) addEventListener(sign, touched, true)
  const isUsed = () =>
    line.talk.call !== undefined || document.querySelector('dialog[open], input, .check') !== null
  const renewal = new Renewal({
    page: async () => (await fetch('/', { cache: 'no-store' })).text(),
    script: document.querySelector('script[type=module]')?.getAttribute('src') ?? '',
    idleMilliseconds: () => (isUsed() ? 0 : performance.now() - touchedAt),
    mayRingAfterwards: /Chrom(e|ium)\//.test(navigator.userAgent),
    tried: {
      get: () => readJson(storageKeys.renewed),
      set: script => writeJson(storageKeys.renewed, { script, at: Date.now() }),
    },
    now: () => Date.now(),
    reload: () => location.reload(),
    offer: () => offer(() => location.reload()),
    setTimeout: (again, milliseconds) => setTimeout(again, milliseconds),
  })
  const stop = line.on('welcome', () => void renewal.look())
  return () => {
    stop()
    for (const sign of ['pointerdown', 'keydown'] as const) removeEventListener(sign, touched, true)
  }
}
