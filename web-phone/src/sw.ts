/**
 * The service worker: keeps what the page is made of, nothing else. A page is asked for anew each time and taken from
 * here only when the appliance does not answer; files whose names change with their content come from here first. The
 * REST interface, the channel and the console pass by untouched.
 */
/** Filled in by the build: every file of the page. */
declare const __SHELL__: readonly string[]

interface Worker {
  readonly location: Location
  readonly clients: {
    claim(): Promise<void>
    matchAll(which: { readonly type: 'window' }): Promise<readonly { focus(): Promise<unknown> }[]>
    openWindow(url: string): Promise<unknown>
  }
  skipWaiting(): Promise<void>
  addEventListener(type: 'install' | 'activate', listen: (event: Extendable) => void): void
  addEventListener(type: 'fetch', listen: (event: Fetching) => void): void
  addEventListener(type: 'notificationclick', listen: (event: NoticePressed) => void): void
}
interface Extendable {
  waitUntil(work: Promise<unknown>): void
}
interface Fetching extends Extendable {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}
interface NoticePressed extends Extendable {
  readonly notification: { close(): void }
}

const worker = globalThis as unknown as Worker
const kept = 'lanline.shell'
/** An appliance that is switched off does not refuse, it is silent. */
const patienceMilliseconds = 4_000

worker.addEventListener('install', event => {
  event.waitUntil(fill().then(() => worker.skipWaiting()))
})
worker.addEventListener('activate', event => {
  event.waitUntil(tidy().then(() => worker.clients.claim()))
})
worker.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return
  const isPage = request.mode === 'navigate' && (url.pathname === '/' || url.pathname === '/j')
  if (isPage) event.respondWith(pageOrKept(url.pathname))
  else if (__SHELL__.includes(url.pathname)) event.respondWith(keptOrAsked(request))
})
worker.addEventListener('notificationclick', event => {
  event.notification.close()
  event.waitUntil(comeForward())
})

/** The page that rings; where it was closed since, a new one. */
async function comeForward(): Promise<void> {
  const [page] = await worker.clients.matchAll({ type: 'window' })
  await (page?.focus() ?? worker.clients.openWindow('/'))
}

async function fill(): Promise<void> {
  const cache = await caches.open(kept)
  await cache.addAll(['/', ...__SHELL__].map(path => new Request(path, { cache: 'no-cache' })))
}

/** Leaves nothing of an earlier version. */
async function tidy(): Promise<void> {
  const cache = await caches.open(kept)
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url)
    if (pathname !== '/' && !__SHELL__.includes(pathname)) await cache.delete(request)
  }
}

/** Asked in this worker's own name: whoever led here, from the door page for instance, is no matter of the page. */
async function pageOrKept(path: string): Promise<Response> {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(patienceMilliseconds) })
    if (answer.status < 500) return answer
  } catch {
    // Away: what is kept says so.
  }
  return (await (await caches.open(kept)).match('/')) ?? Response.error()
}

async function keptOrAsked(request: Request): Promise<Response> {
  const found = await caches.match(request, { cacheName: kept }).catch(() => undefined)
  return found ?? fetch(request)
}
