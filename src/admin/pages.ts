/**
 * The built pages, read into memory at start: what is not in the map does not exist, so no path can lead elsewhere.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, posix, relative, sep } from 'node:path'

export interface Page {
  readonly contentType: string
  readonly body: Uint8Array<ArrayBuffer>
  /** The same, as the build compressed it. */
  readonly smaller: readonly { readonly encoding: 'br' | 'gzip'; readonly body: Uint8Array<ArrayBuffer> }[]
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
      const smaller = smallerCopies(file)
      totalBytes += [body, ...smaller.map(copy => copy.body)].reduce((sum, { length }) => sum + length, 0)
      if (body.length > limits.fileBytes || totalBytes > limits.totalBytes || pages.size >= limits.files) {
        throw new Error(`${directory} holds more than pages: ${file} is beyond the limit`)
      }
      const path = base + relative(directory, file).split(sep).join(posix.sep)
      pages.set(path, pageOf(contentType, body, path.includes('/assets/'), smaller))
    }
    const index = pages.get(`${base}index.html`)
    pages.set(base, index ?? notBuilt(directory))
  }
  add(directories.phone, '/')
  add(directories.admin, '/admin/')
  pages.set('/j', pages.get('/')!)
  return pages
}

/** The whole page, or that the browser's own is still right; as small as the browser takes it. */
export function respondPage(page: Page, request: Request, status = 200): Response {
  const accepted = encodingsIn(request.headers.get('accept-encoding') ?? '')
  const copy = page.smaller.find(({ encoding }) => accepted.has(encoding))
  // RFC 9110 §8.8.3.3: each encoding is a representation of its own.
  const etag = copy === undefined ? page.etag : page.etag.replace(/"$/, `-${copy.encoding}"`)
  const headers = new Headers({
    etag,
    'cache-control': page.cacheControl,
    'content-type': page.contentType,
    vary: 'accept-encoding',
  })
  if (status === 200 && request.headers.get('if-none-match') === etag)
    return new Response(null, { status: 304, headers })
  if (copy !== undefined) headers.set('content-encoding', copy.encoding)
  return new Response((copy ?? page).body, { status, headers })
}

function pageOf(
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
  hashedName: boolean,
  smaller: Page['smaller'],
): Page {
  return {
    contentType,
    body,
    smaller,
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    // Vite puts a hash of the content into the names below assets/: such a file never changes.
    cacheControl: hashedName ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
}

function smallerCopies(file: string): Page['smaller'] {
  const kinds = [
    { encoding: 'br', suffix: '.br' },
    { encoding: 'gzip', suffix: '.gz' },
  ] as const
  return kinds
    .filter(({ suffix }) => existsSync(file + suffix))
    .map(({ encoding, suffix }) => ({ encoding, body: new Uint8Array(readFileSync(file + suffix)) }))
}

/** RFC 9110 §12.5.3, without its weights: what is refused by `q=0` is left out. */
const encodingsIn = (header: string): ReadonlySet<string> =>
  new Set(
    header
      .toLowerCase()
      .split(',')
      .map(part => part.split(';').map(word => word.trim()))
      .filter(([, weight]) => !/^q=0(\.0*)?$/.test(weight ?? ''))
      .map(([name]) => name!),
  )

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
    [],
  )
