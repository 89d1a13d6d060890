/** The console's own places (`web-admin/src/router.ts`): one page, which reads the rest of its address itself. */
import type { Page, Pages } from './pages.ts'

const consolePlace = /^\/admin\/(?:people|calls|help|settings)(?:\/[\w.-]{1,64})?$/

export const isConsolePlace = (pathname: string): boolean => consolePlace.test(pathname)

/** What is at a path: a file, or the console at one of its places. */
export const pageAt = (pages: Pages, pathname: string): Page | undefined =>
  pages.get(pathname) ?? (isConsolePlace(pathname) ? pages.get('/admin/') : undefined)
