/**
 * A real Firefox on a host of the LAN, driven by WebDriver BiDi through playwright-core, so that the pages of the tests
 * are the same as with Chromium. Firefox takes its driver on a port of its own loopback only: a process in the host's
 * namespace carries that connection over its standard input and output, and nothing is opened on the network.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { type Browser, firefox, type Page } from 'playwright-core'
import { WebSocket, WebSocketServer } from 'ws'
import { probe } from './chromium.ts'
import type { Host } from './lan.ts'
import { pathOf } from './peers.ts'
import { microphone, plugInSoundCard } from './sound-card.ts'

/** Longer than it takes on a machine with much else to do, and short enough that the driver can still say what it saw. */
const launchMilliseconds = 50_000
/** Screenshots and the driver's own scripts are the largest. */
const largestMessageBytes = 64 * 1024 * 1024

export interface FirefoxOptions {
  /** The microphone: a tone of this many hertz. The camera is Firefox's own, a plain picture that changes its colour. */
  readonly hertz: number
  /** No sound card, but Firefox's own tone: it hides its addresses then, as it does from pages that may not listen. */
  readonly hidesAddresses?: boolean
  /** PEM files of authorities that this host's owner trusts. */
  readonly trusted?: readonly string[]
}

/** Starts the browser. It ends with `close()`, with the LAN, or with this process. */
export async function startFirefox(host: Host, options: FirefoxOptions): Promise<Browser> {
  const home = join(host.lan.directory, `home-${host.name}`)
  mkdirSync(home, { recursive: true })
  const authorities = trustedStore(home, options.trusted ?? [])
  const environment = options.hidesAddresses ? {} : await plugInSoundCard(host, options.hertz)
  const driver = await openDriverDoor(host)
  const { port } = driver.address() as AddressInfo
  const launch = () =>
    firefox.launch({
      channel: 'moz-firefox',
      executablePath: writeWrapper(host, { HOME: home, ...environment }, authorities, port),
      timeout: launchMilliseconds,
      firefoxUserPrefs: {
        'media.navigator.streams.fake': true,
        ...(options.hidesAddresses ? {} : { 'media.audio_loopback_dev': microphone }),
        'media.navigator.permission.disabled': true,
        'media.navigator.audio.fake_frequency': options.hertz,
        'media.autoplay.default': 0,
        // An authority a person imported counts here too; nothing else is asked about certificates.
        'security.OCSP.enabled': 0,
        // What moves is drawn without a graphics card, and a larger picture proves no more.
        'ui.prefersReducedMotion': 1,
        'layout.frame_rate': 10,
        'media.navigator.video.default_width': 320,
        'media.navigator.video.default_height': 240,
        'media.navigator.video.default_fps': 10,
      },
    })
  // On a machine that has just installed it, its first start may take longer than anybody waits.
  const browser = await launch().catch(error => {
    console.warn(`Firefox did not start, and is started once more: ${error}`)
    return launch()
  })
  browser.once('disconnected', () => driver.close())
  return browser
}

/** A page of a fresh person; microphone and camera are allowed by Firefox's settings. */
export async function openFirefoxPage(
  browser: Browser,
  options: { width?: number; height?: number } = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1000, height: options.height ?? 760 },
  })
  const page = await context.newPage()
  await probe(page)
  return page
}

/** What a person does who imports the authorities' certificates under "Authorities": a store for the new profile. */
function trustedStore(home: string, pemFiles: readonly string[]): string {
  const store = join(home, 'authorities')
  mkdirSync(store, { recursive: true })
  const certutil = (...args: string[]): void =>
    void execFileSync(pathOf('certutil')!, ['-d', `sql:${store}`, ...args], { stdio: 'ignore' })
  certutil('-N', '--empty-password')
  for (const [index, file] of pemFiles.entries())
    certutil('-A', '-t', 'C,,', '-n', `appliance ${index}`, '-i', file)
  return store
}

/** The driver connects here; what it says is said to Firefox on the same port of the host's own loopback. */
async function openDriverDoor(host: Host): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: largestMessageBytes })
  server.on('connection', (driver, request) => {
    const { port } = server.address() as AddressInfo
    const browser = new WebSocket(`ws://127.0.0.1:${port}${request.url}`, {
      createConnection: () => carried(host, port),
      maxPayload: largestMessageBytes,
      perMessageDeflate: false,
    })
    connect(driver, browser)
  })
  await new Promise(resolve => server.once('listening', resolve))
  return server
}

/**
 * Playwright asks for emulations that Firefox ESR does not know yet (`emulation.setMediaFeaturesOverride`) and gives up
 * without them. No test needs them: what is unknown of that module counts as done.
 */
function connect(driver: WebSocket, browser: WebSocket): void {
  const emulations = new Set<number>()
  const opened = new Promise(resolve => browser.once('open', resolve))
  driver.on('message', async data => {
    const command = JSON.parse(String(data)) as { id: number; method: string }
    if (command.method.startsWith('emulation.')) emulations.add(command.id)
    await opened
    browser.send(String(data))
  })
  browser.on('message', data => {
    const answer = JSON.parse(String(data)) as { id?: number; error?: string }
    const isForgiven = emulations.delete(answer.id ?? -1) && answer.error === 'unknown command'
    driver.send(isForgiven ? JSON.stringify({ type: 'success', id: answer.id, result: {} }) : String(data))
  })
  for (const [one, other] of [[driver, browser] as const, [browser, driver] as const]) {
    one.on('close', () => other.close())
    one.on('error', () => other.terminate())
  }
}

/** A connection within the host's namespace, over the standard input and output of a process there. */
function carried(host: Host, port: number): Socket {
  const carrier = host.spawn(process.execPath, ['-e', carry, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const stream = Duplex.from({ writable: carrier.stdin!, readable: carrier.stdout! } as never)
  return Object.assign(stream, { setTimeout() {}, setNoDelay() {}, setKeepAlive() {} }) as unknown as Socket
}

const carry = `
  const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1')
  process.stdin.pipe(socket).pipe(process.stdout)
  socket.on('error', () => process.exit(1)).on('close', () => process.exit(0))
`

/** The profile is made by the driver and named after \`--profile\`; of two ports Firefox takes the first. */
function writeWrapper(
  host: Host,
  environment: Readonly<Record<string, string>> & { readonly HOME: string },
  authorities: string,
  port: number,
): string {
  const path = join(environment.HOME, 'firefox')
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const inside = ['env', ...set, pathOf('firefox-esr')!, `--remote-debugging-port=${port}`]
  const command = ['ip', ...host.argv(inside[0]!, inside.slice(1))].map(word => `'${word}'`).join(' ')
  const lines = [
    '#!/bin/sh',
    'previous=',
    'for word in "$@"; do',
    `  if [ "$previous" = --profile ]; then cp '${authorities}'/* "$word"; fi`,
    '  previous="$word"',
    'done',
    `exec ${command} "$@"`,
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
  return path
}
