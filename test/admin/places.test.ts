import { expect, it } from 'vitest'
import type { Page } from '../../src/admin/pages.ts'
import { isLostInConsole, pageAt } from '../../src/admin/places.ts'

const page = (name: string) => ({ etag: name }) as Page
const pages = new Map([
  ['/admin/', page('console')],
  ['/admin/assets/a.js', page('script')],
])

it('every place of the console is its one page, and nothing else is', () => {
  for (const path of [
    '/admin/',
    '/admin/people',
    '/admin/people/mia-2',
    '/admin/calls/0af3',
    '/admin/settings',
    '/admin/help',
  ])
    expect(pageAt(pages, path)?.etag, path).toBe('console')
  expect(pageAt(pages, '/admin/assets/a.js')?.etag).toBe('script')
  for (const path of [
    ...['/admin/other', '/admin/people/', '/admin/people/a/b', '/admin/people/a%2fb', '/Admin/people'],
    ...[
      '/admin/assets/b.js',
      '/people',
      '/admin/peoplex',
      '/admin/people/..%2f',
      `/admin/people/${'x'.repeat(65)}`,
    ],
  ])
    expect(pageAt(pages, path), path).toBeUndefined()
})

it('whoever is lost below the console is shown its page; scripts and other places are not', () => {
  const html = 'text/html,application/xhtml+xml'
  expect(isLostInConsole('/admin/nowhere', html)).toBe(true)
  expect(isLostInConsole('/admin/people/a/b', html)).toBe(true)
  expect(isLostInConsole('/admin/nowhere', '*/*')).toBe(false)
  for (const path of ['/admin/assets/b.js', '/Admin/people', '/people', '/adminx'])
    expect(isLostInConsole(path, html), path).toBe(false)
})
