/** The console's own places (`web-admin/src/router.ts`): one page, which reads the rest of its address itself. */
import type { Page, Pages } from './pages.ts'

const consolePlace = /^\/admin\/(?:people|calls|help|settings)(?:\/[\w.-]{1,64})?$/

/** What is at a path: a file, or the console at one of its places. */
export const pageAt = (pages: Pages, pathname: string): Page | undefined =>
  pages.get(pathname) ?? (consolePlace.test(pathname) ? pages.get('/admin/') : undefined)
