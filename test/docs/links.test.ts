import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(file => file !== '' && existsSync(join(root, file)))
const pages = files.filter(file => file.endsWith('.md'))
const sources = files.filter(file => /^(src|client|web-phone|web-admin)\/.*\.tsx?$/.test(file))

const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')
const withoutCode = (text: string): string =>
  text.replace(/^( *)```[\s\S]*?^\1```/gm, '').replace(/`[^`\n]*`/g, code => code.replace(/[[\]()]/g, ' '))

/** Anchors as GitHub makes them of headings: a second one of the same words gets a number. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of text.replace(/^( *)```[\s\S]*?^\1```/gm, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const words = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const anchor = words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    let unique = anchor
    for (let number = 1; anchors.has(unique); number++) unique = `${anchor}-${number}`
    anchors.add(unique)
  }
  return anchors
}

function brokenLinks(page: string): string[] {
  const broken: string[] = []
  for (const [, target] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)) {
    if (/^(https?|mailto|sip):/.test(target!)) continue
    const [path, anchor] = target!.split('#') as [string, string?]
    const file = path === '' ? page : join(dirname(page), decodeURIComponent(path))
    if (!existsSync(join(root, file))) broken.push(target!)
    else if (anchor !== undefined && !anchorsOf(textOf(file)).has(anchor)) broken.push(target!)
  }
  return broken
}

/** Paths of this tree that a page names as code: `src/sip/proxy.ts`, `test/browser/`. */
const missingPaths = (page: string): string[] =>
  [...textOf(page).matchAll(/`((?:src|client|test|docs|scripts|examples|web-phone|web-admin)\/[\w./-]+)`/g)]
    .map(([, path]) => path!)
    .filter(path => !existsSync(join(root, path)) && !existsSync(join(root, dirname(page), path)))

/** Sources named in backquotes by their own name or the end of their path: `proxy.ts`, `agent*.ts`, `runtime/tcp.ts`. */
const missingSources = (file: string): string[] =>
  [...textOf(file).matchAll(/`([\w*/.-]*\w\.tsx?)`/g)]
    .map(([, name]) => name!)
    .filter(name => {
      const pattern = new RegExp(`(^|/)${name.replaceAll('.', '\\.').replaceAll('*', '[\\w-]*')}$`)
      return !files.some(one => pattern.test(one))
    })

describe('every page', () => {
  it('is among those that are looked at', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/trace.md', 'src/README.md']))
  })

  it.each(pages)('%s links only to what is there', page => expect(brokenLinks(page)).toEqual([]))

  it.each(pages)('%s names only files that are there', page => expect(missingPaths(page)).toEqual([]))
  it.each(pages)('%s names only sources that are there', page => expect(missingSources(page)).toEqual([]))
})

it('no comment names a source that is not there', () => {
  expect(sources.length).toBeGreaterThan(200)
  expect(sources.flatMap(file => missingSources(file).map(name => `${file}: ${name}`))).toEqual([])
})
