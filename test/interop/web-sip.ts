/** Serves the page of third-party SIP phones to a browser and steers it. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { openPage } from '../net/chromium.ts'
import type { Host } from '../net/lan.ts'
import { until } from '../net/wait.ts'
import type { Account, WebSipPhone } from './web-sip-page.ts'

/** The origin these phones are served from, to be allowed by the daemon (`http.origins`). */
export const origin = 'http://localhost:8099'

/** Bundles the page into `directory`, to be served by `servePhones`. */
export async function bundlePhones(directory: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('.', import.meta.url)),
    build: {
      outDir: directory,
      emptyOutDir: false,
      minify: false,
      lib: { entry: 'web-sip-page.ts', formats: ['iife'], name: 'webSip', fileName: () => 'web-sip.js' },
    },
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  })
}

/**
 * Serves the page on the host's own loopback. By a real server: Chromium counts a page that came from nowhere as
 * public and keeps it from the local network.
 */
export async function servePhones(host: Host, directory: string): Promise<void> {
  const script = join(directory, 'serve.mjs')
  writeFileSync(
    script,
    `import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
createServer((request, response) => {
  const isScript = request.url === '/web-sip.js'
  response.setHeader('content-type', isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8')
  response.end(
    isScript
      ? readFileSync(new URL('./web-sip.js', import.meta.url))
      : '<!doctype html><title>SIP</title><body></body><script src="/web-sip.js"></script>',
  )
}).listen(8099, '127.0.0.1', () => console.log('serving'))
`,
  )
  const server = host.spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout!, 'data')
  server.unref()
}

/** One phone in a page of its own. */
export class WebSip {
  readonly page: Page
  readonly kind: 'jssip' | 'sipjs'

  private constructor(page: Page, kind: 'jssip' | 'sipjs') {
    this.page = page
    this.kind = kind
  }

  /** Opens the page, makes the phone and registers it. */
  static async register(browser: Browser, kind: 'jssip' | 'sipjs', account: Account): Promise<WebSip> {
    const page = await openPage(browser, origin)
    await page.goto(`${origin}/`)
    await page.evaluate(
      async ([maker, given]) => {
        const scope = window as unknown as {
          makers: Record<string, (account: Account) => Promise<WebSipPhone>>
          phone: WebSipPhone
        }
        scope.phone = await scope.makers[maker]!(given)
        await scope.phone.register()
      },
      [kind, account] as const,
    )
    return new WebSip(page, kind)
  }

  call(uri: string, { video = true } = {}): Promise<void> {
    return this.page.evaluate(
      ([to, video]) => (window as unknown as { phone: WebSipPhone }).phone.call(to, video),
      [uri, video] as const,
    )
  }

  callOfferless(uri: string): Promise<void> {
    return this.page.evaluate(
      to => (window as unknown as { phone: WebSipPhone }).phone.callOfferless(to),
      uri,
    )
  }

  replaces(): Promise<string> {
    return this.page.evaluate(() => (window as unknown as { phone: WebSipPhone }).phone.replaces())
  }

  callReplacing(uri: string, replaces: string): Promise<void> {
    return this.page.evaluate(
      ([to, which]) => (window as unknown as { phone: WebSipPhone }).phone.callReplacing(to, which),
      [uri, replaces] as const,
    )
  }

  /** Hands the other party on: to `uri`, or where there is none, to whom it called last, whose call that one's takes the place of. */
  refer(uri = ''): Promise<void> {
    return this.page.evaluate(to => (window as unknown as { phone: WebSipPhone }).phone.refer(to), uri)
  }

  askForOffer(): Promise<void> {
    return this.page.evaluate(() => (window as unknown as { phone: WebSipPhone }).phone.askForOffer())
  }

  accept({ video = true } = {}): Promise<void> {
    return this.page.evaluate(
      video => (window as unknown as { phone: WebSipPhone }).phone.accept(video),
      video,
    )
  }

  /** Offers its picture by a re-INVITE; rejects when that is refused. */
  addPicture(): Promise<void> {
    return this.page.evaluate(() => (window as unknown as { phone: WebSipPhone }).phone.addPicture())
  }

  refuseOffers(): Promise<void> {
    return this.page.evaluate(() => (window as unknown as { phone: WebSipPhone }).phone.refuseOffers())
  }

  setHold(on: boolean): Promise<void> {
    return this.page.evaluate(on => (window as unknown as { phone: WebSipPhone }).phone.setHold(on), on)
  }

  hangUp(): Promise<void> {
    return this.page.evaluate(() => (window as unknown as { phone: WebSipPhone }).phone.hangUp())
  }

  /** Waits until the phone is idle, calling, ringing or inCall. */
  async is(state: string): Promise<void> {
    const read = (): Promise<string> =>
      this.page.evaluate(() => {
        const { phone } = window as unknown as { phone: WebSipPhone }
        return `${phone.state()}|${phone.log().join(', ')}`
      })
    await until(`${this.kind} is ${state}`, async () => (await read()).startsWith(`${state}|`)).catch(
      async error => {
        throw new Error(`${String(error)}; it says ${await read()}`)
      },
    )
  }
}
