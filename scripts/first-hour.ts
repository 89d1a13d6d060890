/** The README's steps, done and timed as a newcomer would do them. Started by `first-hour`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openPage, startChromium, thisComputer } from '../test/net/chromium.ts'
import { ConsolePage } from '../test/net/console-page.ts'
import { hears, sees } from '../test/net/media-check.ts'
import { PhonePage } from '../test/net/phone-page.ts'
import { until } from '../test/net/wait.ts'

const allowedSeconds = 300
const checkout = fileURLToPath(new URL('..', import.meta.url))
const execute = promisify(execFile)

/** What npm needs to know of this computer's way to the registry; nothing else of the caller's environment is seen. */
const kept = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NPM_CONFIG_USERCONFIG',
  'NPM_CONFIG_REGISTRY',
]

const beganAt = performance.now()
let stepBeganAt = beganAt
const seconds = (since: number): string => ((performance.now() - since) / 1_000).toFixed(1).padStart(6)

function done(step: string): void {
  console.log(`${seconds(beganAt)} s  ${seconds(stepBeganAt)} s  ${step}`)
  stepBeganAt = performance.now()
}

function start(clone: string, home: string): { readonly child: ChildProcess; output(): string } {
  const environment: NodeJS.ProcessEnv = { HOME: home, PATH: process.env.PATH, LANG: 'C.UTF-8' }
  for (const name of kept) if (process.env[name] !== undefined) environment[name] = process.env[name]
  const userConfig = join(process.env.HOME ?? '', '.npmrc')
  environment.NPM_CONFIG_USERCONFIG ??= userConfig
  // The network it is tried on is not told of it.
  environment.LANLINE_NET_BIND = '127.0.0.1'
  const child = spawn('./scripts/start', [], {
    cwd: clone,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += String(chunk)
    })
  }
  return { child, output: () => output }
}

async function firstHour(directory: string): Promise<void> {
  const clone = join(directory, 'lanline')
  const home = join(directory, 'home')
  mkdirSync(home)
  console.log(' since begin     step')
  await execute('git', ['clone', '--quiet', checkout, clone])
  done('git clone')

  const { child, output } = start(clone, home)
  try {
    await until(
      './scripts/start says that lanline is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`./scripts/start ended:\n${output()}`)
        return /lanline ready/.test(output())
      },
      { seconds: allowedSeconds },
    )
    done('./scripts/start: installed, built, ready')

    const claim = /http:\/\/localhost(?::\d+)?\/admin\/#claim=\S+/.exec(output())?.[0]
    const port = /this computer +http:\/\/localhost(:\d+)?\//.exec(output())?.[1] ?? ''
    if (claim === undefined) throw new Error(`no claim link in:\n${output()}`)
    const browser = await startChromium(thisComputer(directory), { hertz: 440, colour: 'red' })
    try {
      const origin = (name: string): string => `http://${name}.localhost${port}`
      const context = await browser.newContext({ viewport: { width: 1000, height: 760 } })
      const owner = await ConsolePage.claim(await openPage(context, new URL(claim).origin), claim, 'Olga')
      done('claimed in the browser')

      const alice = await PhonePage.open(await openPage(context, origin('alice')), `${origin('alice')}/`)
      await alice.askToJoin('Alice')
      await owner.allow('Alice')
      await alice.ready()
      const bob = await PhonePage.open(await openPage(context, origin('bob')), `${origin('bob')}/`)
      await bob.askToJoin('Bob')
      await owner.allow('Bob')
      await bob.ready()
      done('Alice and Bob joined in two tabs')

      await alice.callVideo('Bob')
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([alice.inCall(), bob.inCall()])
      await Promise.all([hears(alice.page, 440), hears(bob.page, 440)])
      await Promise.all([sees(alice.page, 'red'), sees(bob.page, 'red')])
      const badge = await bob.badge()
      if (!/direct/.test(badge)) throw new Error(`the badge says ${badge}`)
      done('they hear and see each other, the badge says direct')
      await bob.hangUp()
    } finally {
      await browser.close()
    }
  } finally {
    const ended = new Promise(resolve => child.once('exit', resolve))
    if (child.exitCode === null && child.pid !== undefined) {
      process.kill(-child.pid, 'SIGTERM')
      await ended
    }
  }
}

const directory = mkdtempSync(join(tmpdir(), 'lanline-first-hour-'))
try {
  await firstHour(directory)
  const whole = (performance.now() - beganAt) / 1_000
  if (whole > allowedSeconds) throw new Error(`${whole.toFixed(0)} s are more than ${allowedSeconds} s`)
} catch (error) {
  console.error(`first-hour: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
