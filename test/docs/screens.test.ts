/** The contact sheet: every strip has its sentence, every sentence its strip, and together they stay small. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const strips = join(root, 'docs/screens')
const text = readFileSync(join(root, 'docs/screens.md'), 'utf8')

it('has a sentence of what is right or wrong for every strip that is taken', () => {
  const told = [
    ...text.matchAll(/\*\*[^*]+\.\*\* ((?:Right|Wrong): .+)\n\n!\[[^\]]+\]\(screens\/([\w-]+)\.webp\)/g),
  ]
  const names = told.map(match => match[2]!).sort()
  expect(names).toEqual(
    readdirSync(strips)
      .map(file => file.replace('.webp', ''))
      .sort(),
  )
  const walk = readFileSync(join(root, 'scripts/screenshots.ts'), 'utf8')
  const taken = [...walk.matchAll(/[.#]take\([\w.#]+, '([\w-]+)'/g)].map(match => match[1]!)
  expect([...new Set(taken)].sort()).toEqual(names)
})

it('takes no more than 3 MB', () => {
  const bytes = readdirSync(strips).reduce((sum, file) => sum + statSync(join(strips, file)).size, 0)
  expect(bytes).toBeLessThan(3_000_000)
})
