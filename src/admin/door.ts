/**
 * What the LAN sees in the clear: one page that leads to HTTPS, and the authority's certificate. No cookie, no
 * interface, nothing to log in to.
 */
import { readFileSync } from 'node:fs'
import { crtDownload, type Download, mobileconfigDownload } from '../tls/downloads.ts'
import { isConsolePlace } from './places.ts'
import { type System, systemOf, trustSteps } from './trust.ts'

export interface Knock {
  readonly method: string
  readonly pathname: string
  /** Judged: an own name or address. */
  readonly host: string
  readonly httpsPort: number
  readonly userAgent: string
  readonly place: string
  /** False while nobody owns the appliance: then every way leads to its claim. */
  readonly claimed: boolean
  readonly root: Uint8Array
  readonly fingerprint: string
}

export type Door = (knock: Knock) => Response

/** Paths whose page is the same over HTTPS; everything else leads to the phone. */
const ways = new Set(['/', '/j', '/admin/'])

/** Reads the page's script and style once. */
export function makeDoor(): Door {
  const asset = (name: string): string => readFileSync(new URL(`./door/${name}`, import.meta.url), 'utf8')
  const files: Readonly<Record<string, { type: string; text: string }>> = {
    '/door.js': { type: 'text/javascript; charset=utf-8', text: asset('door.js') },
    '/door.css': { type: 'text/css; charset=utf-8', text: asset('door.css') },
  }
  return knock => {
    if (knock.method !== 'GET' && knock.method !== 'HEAD')
      return text(405, 'In the clear there is only a page to read.\n')
    const file = files[knock.pathname]
    if (file) return new Response(file.text, { headers: { 'content-type': file.type } })
    if (knock.pathname === '/lanline.crt') return download(crtDownload(knock.root))
    if (knock.pathname === '/lanline.mobileconfig')
      return download(mobileconfigDownload(knock.root, knock.place))
    if (/^\/(api|metrics|ws|sip)(\/|$)/.test(knock.pathname)) {
      return text(403, `Nothing of this is served in the clear: use ${secureOrigin(knock)}\n`)
    }
    return new Response(html(knock), {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src ${secureOrigin(knock)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      },
    })
  }
}

/** For whoever opened a code for Linphone with something else: it was not used up. */
export function linphonePage(place: string, url: string): Response {
  return plainPage(
    200,
    place,
    `<h2>This code is for Linphone</h2>
<p>It sets up a phone in the app, once. On the device that is to ring:</p>
<p><a class="button" href="linphone-config:${escapeHtml(url)}">Open in Linphone</a></p>
<p>Or scan it from inside the app, where it asks for an account. Linphone’s first account is replaced by this one.</p>`,
  )
}

export const errorPage = (status: number, place: string, sentence: string): Response =>
  plainPage(status, place, `<p>${escapeHtml(sentence)}</p>`)

function plainPage(status: number, place: string, content: string): Response {
  const body = `${head(place)}
</head>
<body>
<main>
${mark}
<h1>${escapeHtml(place === '' ? 'lanline' : place)}</h1>
<section>
${content}
</section>
</main>
</body>
</html>
`
  return new Response(body, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    },
  })
}

const titleOf = (place: string): string => (place === '' ? 'lanline' : `lanline – ${place}`)

/** Drawn into the page: whoever is at the door needs no further file of it. */
const mark = `<p class="brand">
<svg viewBox="0 0 64 64" width="28" height="28" aria-hidden="true">
<rect width="64" height="64" rx="16" fill="#0d6b54"/>
<path d="M14 40c6-10 12-14 18-14s12 4 18 14" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/>
<circle cx="14" cy="40" r="6" fill="#fff"/>
<circle cx="50" cy="40" r="6" fill="#fff"/>
</svg>
lanline</p>`

const head = (place: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(titleOf(place))}</title>
<link rel="stylesheet" href="/door.css">`

const text = (status: number, body: string): Response =>
  new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })

export function download(file: Download): Response {
  return new Response(file.body, {
    headers: {
      'content-type': file.contentType,
      'content-disposition': `attachment; filename="${file.fileName}"`,
    },
  })
}

function secureOrigin({ host, httpsPort }: Knock): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `https://${name}${httpsPort === 443 ? '' : `:${httpsPort}`}`
}

function html(knock: Knock): string {
  const claims = !knock.claimed || knock.pathname === '/admin'
  const isWay = ways.has(knock.pathname) || isConsolePlace(knock.pathname)
  const way = claims ? '/admin/' : isWay ? knock.pathname : '/'
  const { lead, now } = knock.claimed ? words.phone : words.claim
  const target = `${secureOrigin(knock)}${way}`
  const system = systemOf(knock.userAgent)
  return `${head(knock.place)}
<script type="module" src="/door.js"></script>
</head>
<body data-target="${escapeHtml(target)}" data-probe="${escapeHtml(secureOrigin(knock))}/api/v1/health">
<main>
${mark}
<h1>${escapeHtml(knock.place === '' ? 'lanline' : knock.place)}</h1>
<p>${lead}</p>
<section aria-labelledby="now">
<h2 id="now">${now}</h2>
<p>Your browser will warn once, because this appliance is known to no authority on the internet. It stands in your own network: choose <em>Advanced</em> (or <em>Show details</em>), then <em>Continue</em>.</p>
<p><a class="button" id="go" href="${escapeHtml(target)}">${now}</a></p>
</section>
<section aria-labelledby="trust">
<h2 id="trust">Trust for good</h2>
<p>No warning any more, on this device. The certificate can vouch for names and addresses of local networks only.</p>
${steps(system)}
<p class="fingerprint">Its SHA-256 fingerprint, to compare: <code>${knock.fingerprint.replaceAll(':', ':<wbr>')}</code></p>
</section>
<p id="state" role="status"></p>
</main>
</body>
</html>
`
}

const words = {
  phone: {
    lead: 'Camera and microphone work only over a secure connection. There are two ways to it; both lead to the same phone.',
    now: 'Call now',
  },
  claim: {
    lead: 'This appliance belongs to nobody yet. It is set up over a secure connection. There are two ways to it.',
    now: 'Set it up now',
  },
} as const

function steps(system: System): string {
  const items = trustSteps[system].map(step => `<li>${step}</li>`).join('\n')
  return `<ol data-system="${system}">\n${items}\n</ol>`
}

const escapeHtml = (value: string): string =>
  value.replace(/[<>&"']/g, character => `&#${character.charCodeAt(0)};`)
