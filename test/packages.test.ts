import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'))

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** npm writes only what its registry could give for optional packages, and `npm ci` elsewhere then refuses to start. */
it('package-lock.json names the optional packages of every platform', () => {
  const locked = read('package-lock.json').packages as Record<string, Locked>
  const names = new Set(Object.keys(locked).map(path => path.slice(path.lastIndexOf('node_modules/') + 13)))
  const missing = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(name => !names.has(name))
      .map(name => `${name} of ${path}`),
  )
  expect(missing).toEqual([])
})

it('every package is pinned to one version', () => {
  const { dependencies, devDependencies } = read('package.json') as Record<string, Record<string, string>>
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d/.test(version),
  )
  expect(loose).toEqual([])
})

/** Only npm 11 reads allowScripts; an older one compiles what has a binding.gyp, for which few machines have the tools. */
it('no package but node runs a script when it is installed, whichever npm does it', () => {
  expect(readFileSync(join(root, 'scripts/lib.sh'), 'utf8')).toMatch(
    /npm ci --ignore-scripts .* && npm rebuild node /,
  )
  const allowed = Object.entries(read('package.json').allowScripts as Record<string, boolean>)
  expect(allowed.filter(([, may]) => may).map(([name]) => name)).toEqual(['node'])
})
