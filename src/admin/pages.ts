/**
 * The built pages, read into memory at start: what is not in the map does not exist, so no path can lead elsewhere.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, posix, relative, sep } from 'node:path'

export interface Page {
  readonly contentType: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly etag: string
  readonly cacheControl: string
}

export type Pages = ReadonlyMap<string, Page>

/** Files, and bytes of one and of all: a wrong directory must not fill the memory. */
const limits = { files: 500, fileBytes: 8_388_608, totalBytes: 33_554_432 } as const

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.opus': 'audio/ogg',
}

/**
 * `phone` is served at `/` (and `/j`, which carries an invite in its fragment), `admin` at `/admin/`. A directory that
 * is not there leaves a page that says so.
 */
export function loadPages(directories: { readonly phone: string; readonly admin: string }): Pages {
  const pages = new Map<string, Page>()
  let totalBytes = 0
  const add = (directory: string, base: string): void => {
    for (const file of filesOf(directory)) {
      const contentType = contentTypes[extname(file)]
      if (contentType === undefined) continue
      const body = new Uint8Array(readFileSync(file))
      totalBytes += body.length
      if (body.length > limits.fileBytes || totalBytes > limits.totalBytes || pages.size >= limits.files) {
        throw new Error(`${directory} holds more than pages: ${file} is beyond the limit`)
      }
      const path = base + relative(directory, file).split(sep).join(posix.sep)
      pages.set(path, pageOf(contentType, body, path.includes('/assets/')))
    }
    const index = pages.get(`${base}index.html`)
    pages.set(base, index ?? notBuilt(directory))
  }
  add(directories.phone, '/')
  add(directories.admin, '/admin/')
  pages.set('/j', pages.get('/')!)
  return pages
}

export function pageOf(contentType: string, body: Uint8Array<ArrayBuffer>, hashedName: boolean): Page {
  return {
    contentType,
    body,
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    // Vite puts a hash of the content into the names below assets/: such a file never changes.
    cacheControl: hashedName ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
}

function filesOf(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

const notBuilt = (directory: string): Page =>
  pageOf(
    'text/plain; charset=utf-8',
    new TextEncoder().encode(`This page is not built: there is no ${directory}. Run: npm run build\n`),
    false,
  )
