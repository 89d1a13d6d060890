/**
 * Each page of the console is loaded by itself, its own style with it: what a page wears is in `style/`, which all of them
 * have, or in a style that this page brings. Else it would look right only after another page was opened.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../../web-admin/src')
const read = (path: string): string => readFileSync(path, 'utf8')

/** A file's own imports that stay when it is built; what `import()` names comes later. */
const importsOf = (path: string): string[] =>
  [...read(path).matchAll(/^import (?!type)(?:[^'"]*? from )?'(\.[^']+)'/gms)]
    .map(match => join(dirname(path), match[1]!))
    .filter(imported => /\.(tsx?|css)$/.test(imported) && imported.startsWith(source))

function reachable(entries: readonly string[]): string[] {
  const seen = new Set<string>()
  const walk = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    if (!path.endsWith('.css')) importsOf(path).forEach(walk)
  }
  entries.forEach(walk)
  return [...seen]
}

/** Of `class="…"`, and of the strings in `class={`…`}`. */
const classesIn = (path: string): string[] =>
  [...read(path).matchAll(/class=(?:"([^"]*)"|\{`([^`]*)`)/g)].flatMap(match =>
    (match[1] ?? match[2]!)
      .replaceAll(/\$\{[^}]*\}/g, ' ')
      .split(/\s+/)
      .filter(name => name !== ''),
  )

const classesOf = (css: string): Set<string> =>
  new Set([...read(css).matchAll(/\.([a-z][\w-]*)/gi)].map(match => match[1]!))

const pages = readdirSync(join(source, 'pages')).filter(name => name.endsWith('.tsx'))
const everyStyle = (readdirSync(source, { recursive: true }) as string[])
  .filter(path => path.endsWith('.css'))
  .map(path => join(source, path))

it.each(pages)('%s has the style of all that it shows', page => {
  const files = reachable([join(source, 'main.tsx'), join(source, 'pages', page)])
  const here = files.filter(path => path.endsWith('.css')).map(classesOf)
  const elsewhere = everyStyle.map(classesOf)
  const has = (styles: readonly Set<string>[], name: string): boolean => styles.some(style => style.has(name))
  const bare = files
    .filter(path => path.endsWith('.tsx'))
    .flatMap(path => classesIn(path).map(name => ({ name, in: relative(source, path) })))
    .filter(({ name }) => !has(here, name) && has(elsewhere, name))
  expect(bare).toEqual([])
})

it('finds styles and pages at all', () => {
  expect(pages.length).toBeGreaterThan(5)
  expect(reachable([join(source, 'pages/help.tsx')]).map(path => relative(source, path))).toContain(
    'calls/calls.css',
  )
  expect(classesIn(join(source, 'pages/home.tsx'))).toContain('attention')
})
