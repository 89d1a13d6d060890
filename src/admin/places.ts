/** The console's own places (`web-admin/src/router.ts`): one page, which reads the rest of its address itself. */
import type { Page, Pages } from './pages.ts'

const consolePlace = /^\/admin\/(?:people|calls|help|settings)(?:\/[\w.-]{1,64})?$/

export const isConsolePlace = (pathname: string): boolean => consolePlace.test(pathname)

/** Nothing, but below the console: its own page says so, and leads back (`web-admin/src/frame.tsx`). */
export const isLostInConsole = (pathname: string, wants: string): boolean =>
  pathname.startsWith('/admin/') && !pathname.startsWith('/admin/assets/') && wants.includes('text/html')

/** What is at a path: a file, or the console at one of its places. */
export const pageAt = (pages: Pages, pathname: string): Page | undefined =>
  pages.get(pathname) ?? (isConsolePlace(pathname) ? pages.get('/admin/') : undefined)
