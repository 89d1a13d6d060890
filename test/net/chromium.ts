/**
 * A real Chromium on a host of the LAN: started by playwright-core through a wrapper that enters the host's namespace
 * (the driver's pipe survives that, so nothing is opened on the network), with a home of its own in which the
 * appliance's authority is trusted the way a person would have done it, and with a tone and a colour as its devices.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Host } from './lan.ts'
import { type Colour, writeColour, writeTone } from './media.ts'
import { pathOf } from './peers.ts'

export interface ChromiumOptions {
  /** The microphone: a tone of this many hertz. */
  readonly hertz: number
  /** The camera: this colour. */
  readonly colour: Colour
  /** A film (Y4M or MJPEG) to show instead of the plain colour. */
  readonly film?: string
  /** PEM files of authorities that this host's owner trusts. */
  readonly trusted?: readonly string[]
  /** It comes before other programs of this machine: where milliseconds of its own are counted, not who else runs here. */
  readonly isFirst?: boolean
  /** An X display; without it the browser is headless. */
  readonly display?: string
  readonly extraArguments?: readonly string[]
}

const steady = [
  '--no-sandbox',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--no-first-run',
  '--disable-gpu',
]

/** Where a browser runs, with a directory that somebody else removes. */
export interface Place {
  readonly name: string
  readonly directory: string
  /** What to execute so that the program runs there. */
  argv(program: string, args: readonly string[]): string[]
}

/** This computer as it is, in no namespace. */
export const thisComputer = (directory: string): Place => ({
  name: 'here',
  directory,
  argv: (program, args) => [program, ...args],
})

const placeOf = (host: Host): Place => ({
  name: host.name,
  directory: host.lan.directory,
  argv: (program, args) => ['ip', ...host.argv(program, args)],
})

/** Starts the browser. It ends with `close()`, with the LAN, or with this process. */
export async function startChromium(where: Host | Place, options: ChromiumOptions): Promise<Browser> {
  const host = 'lan' in where ? placeOf(where) : where
  const home = join(host.directory, `home-${host.name}`)
  mkdirSync(home, { recursive: true })
  for (const [index, file] of (options.trusted ?? []).entries())
    trustAuthority(home, file, `appliance ${index}`)
  const tone = join(home, `${options.hertz}.wav`)
  const film = options.film ?? join(home, `${options.colour}.y4m`)
  writeTone(tone, options.hertz)
  if (options.film === undefined) writeColour(film, options.colour)
  return chromium.launch({
    executablePath: writeWrapper(host, home, options),
    headless: options.display === undefined,
    args: [
      ...steady,
      `--use-file-for-fake-audio-capture=${tone}`,
      `--use-file-for-fake-video-capture=${film}`,
      ...(options.extraArguments ?? []),
    ],
  })
}

/**
 * A page of a fresh person at `origin`: microphone and camera allowed, as by a click on "Allow". The test's own probe
 * (`media-check.ts`) is told of every peer connection the page makes.
 */
export async function openPage(
  browser: Browser | BrowserContext,
  origin: string,
  options: { width?: number; height?: number } = {},
): Promise<Page> {
  const context =
    'newContext' in browser
      ? await browser.newContext({
          viewport: { width: options.width ?? 1000, height: options.height ?? 760 },
          // What moves is drawn sixty times a second, without a graphics card: a quarter of what a call costs.
          reducedMotion: 'reduce',
        })
      : browser
  await context.grantPermissions(['camera', 'microphone', 'notifications'], { origin })
  const page = await context.newPage()
  await probe(page)
  return page
}

/** Lets `media-check.ts` look into the page; before the page is opened. */
export async function probe(page: Page): Promise<void> {
  await page.addInitScript(watchPeerConnections)
}

/** Runs in the page before its own scripts: keeps its peer connections and remote tracks in reach of the test. */
function watchPeerConnections(): void {
  const scope = window as unknown as {
    watched: { connections: RTCPeerConnection[]; remote: MediaStreamTrack[] }
  }
  scope.watched = { connections: [], remote: [] }
  const Native = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      scope.watched.connections.push(this)
      this.addEventListener('track', event => scope.watched.remote.push(event.track))
    }
  }
}

/** What a person does who imports the authority's certificate into the browser's own store. */
export function trustAuthority(home: string, pemFile: string, nickname: string): void {
  const database = join(home, '.pki', 'nssdb')
  mkdirSync(database, { recursive: true })
  const certutil = pathOf('certutil')!
  // Of a store that is there it would ask for the password.
  if (!existsSync(join(database, 'cert9.db')))
    execFileSync(certutil, ['-d', `sql:${database}`, '-N', '--empty-password'], { stdio: 'ignore' })
  execFileSync(certutil, ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', nickname, '-i', pemFile], {
    stdio: 'ignore',
  })
}

function writeWrapper(host: Place, home: string, { display, isFirst }: ChromiumOptions): string {
  const path = join(home, 'chromium')
  const inside = [
    // By niceness it could not be: Chromium sets that of its threads itself.
    ...(isFirst ? ['chrt', '--rr', '10'] : []),
    'env',
    `HOME=${home}`,
    ...(display === undefined ? [] : [`DISPLAY=${display}`]),
    pathOf('chromium')!,
  ]
  const command = host
    .argv(inside[0]!, inside.slice(1))
    .map(word => `'${word}'`)
    .join(' ')
  writeFileSync(path, `#!/bin/sh\nexec ${command} "$@"\n`)
  chmodSync(path, 0o755)
  return path
}
