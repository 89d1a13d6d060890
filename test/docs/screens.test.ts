/** The contact sheet: every strip is there, every picture of it has its sentence, and together they stay small. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const strips = join(root, 'docs/screens')
const text = readFileSync(join(root, 'docs/screens.md'), 'utf8')

const pictures = ['390, light', '390, dark', '1280, light', '1280, dark']

/** Each screen: its name, and what is said of its pictures. */
const screens = [
  ...text.matchAll(/^\*\*([^*\n]+)\*\*\n\n!\[\1\]\(screens\/([\w-]+)\.webp\)\n\n((?:- .+\n)+)/gm),
].map(match => ({ name: match[2]!, told: match[3]!.trimEnd().split('\n') }))

it('has every strip that is taken, and no other', () => {
  const names = screens.map(({ name }) => name).sort()
  expect(names).toEqual(
    readdirSync(strips)
      .map(file => file.replace('.webp', ''))
      .sort(),
  )
  const walk = readFileSync(join(root, 'scripts/screenshots.ts'), 'utf8')
  const taken = [...walk.matchAll(/[.#]take\([\w.#]+, '([\w-]+)'/g)].map(match => match[1]!)
  expect([...new Set(taken)].sort()).toEqual(names)
})

it('has a sentence of its own for each picture: what is right with it, or wrong', () => {
  const said = screens.flatMap(({ name, told }) =>
    told.map(
      line =>
        /^- (?<picture>[^.]+)\. (?<sentence>(?:Right|Wrong): .{15,}\.)$/.exec(line)?.groups ?? { name, line },
    ),
  )
  expect(said.filter(one => one.sentence === undefined)).toEqual([])
  expect(said.map(one => one.picture)).toEqual(screens.flatMap(() => pictures))
  expect(new Set(said.map(one => one.sentence)).size).toBe(said.length)
})

it('takes no more than 3 MB', () => {
  const bytes = readdirSync(strips).reduce((sum, file) => sum + statSync(join(strips, file)).size, 0)
  expect(bytes).toBeLessThan(3_000_000)
})
