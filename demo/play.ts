/**
 * What is shown: two people join and talk on one LAN, lanline's cable is pulled and they go on talking, the console says
 * why that was direct and is given a capture that shows it, one of them moves to another VLAN and they are relayed, and
 * a trace is verified. Nothing is staged: pages are used as a person uses them, the terminal runs the commands it shows,
 * and packets are counted on each cable while they pass.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { Capture } from '../test/net/capture.ts'
import { probe, startChromium } from '../test/net/chromium.ts'
import { Daemon } from '../test/net/daemon.ts'
import type { Lan } from '../test/net/lan.ts'
import { selectedPair } from '../test/net/media-check.ts'
import { Owner } from '../test/net/owner.ts'
import { PhonePage } from '../test/net/phone-page.ts'
import { pause, until } from '../test/net/wait.ts'
import { ffmpeg, type Recording, screen } from './recording.ts'

export const filmSeconds = 60
export const otherNetwork = 'vlan20'
/** Below the pages: the counters of `cables.ts`. */
const footHeight = 56
/** Everything on the pages larger, to be read on a phone. */
const zoom = 1.25
/** The strip of tabs lies above the screen. */
const tabsHeight = 41
const checkout = fileURLToPath(new URL('..', import.meta.url))
const say = (words: string): void => console.log(`demo: ${words}`)

/** A call that was shown, with the capture of the two switches while it went on. */
export interface Shown {
  readonly name: 'direct' | 'relayed'
  readonly call: string
  readonly capture: string
}

export interface Played {
  readonly calls: readonly Shown[]
  readonly owner: Owner
  readonly daemon: Daemon
  readonly posterSeconds: number
}

export async function play(lan: Lan, recording: Recording): Promise<Played> {
  say('lanline starts on a host of its own, with a foot in both networks')
  await lan.join('pi', 'eth0.20', otherNetwork)
  const daemon = new Daemon(lan.host('pi'))
  await daemon.start()
  const owner = await Owner.claim(daemon, 'Olivia')
  await owner.addUser('alice', 'Alice')
  await owner.addUser('bob', 'Bob')

  say('Chromium starts on three more hosts')
  const { display } = recording
  const trusted = [daemon.authorityFile]
  const films = [join(lan.directory, 'alice.mjpeg'), join(lan.directory, 'bob.mjpeg')] as const
  await Promise.all([
    film(films[0], 'Alice', ['0xf2994a', '0xc0392b']),
    film(films[1], 'Bob', ['0x2d9cdb', '0x27408b']),
  ])
  const seats = [
    ['alice', { hertz: 440, colour: 'red', film: films[0] }],
    ['bob', { hertz: 1_000, colour: 'blue', film: films[1] }],
    ['olivia', { hertz: 700, colour: 'green' }],
  ] as const
  const extraArguments = [`--force-device-scale-factor=${zoom}`]
  const [left, right, olivias] = (await Promise.all(
    seats.map(([host, devices]) =>
      startChromium(lan.host(host), { ...devices, trusted, display, extraArguments }),
    ),
  )) as [Browser, Browser, Browser]
  const half = screen.width / 2
  const desk = await windowOf(olivias, daemon.origin, { left: 0, width: screen.width })
  await desk.goto(`${daemon.origin}/admin/`)
  await desk
    .getByLabel(/^Name/)
    .or(desk.getByLabel(/^Your name/))
    .first()
    .fill('olivia')
  await desk.getByLabel(/^Password/).fill('correct horse battery')
  await desk.getByRole('button', { name: 'Log in' }).click()
  await desk.getByRole('link', { name: 'Calls' }).first().waitFor()
  const pages = [
    await windowOf(left, daemon.origin, { left: 0, width: half }),
    await windowOf(right, daemon.origin, { left: half, width: half }),
  ] as const
  const links = [await owner.invite('alice'), await owner.invite('bob')] as const
  const alice = await PhonePage.open(pages[0], `${daemon.origin}/j#${links[0].token}`)
  const bob = await PhonePage.open(pages[1], `${daemon.origin}/j#${links[1].token}`)
  for (const page of pages) await page.getByRole('button', { name: 'Join', exact: true }).waitFor()

  const bothPhones = async (): Promise<void> => {
    for (const page of pages) await page.bringToFront()
  }
  await bothPhones()
  openFoot(recording.display, lan)
  await pause(1_500)
  await recording.start()
  recording.caption('lanline, the telephone exchange of a LAN. Alice’s computer left, Bob’s right')
  await recording.at(2.5)
  for (const phone of [alice, bob]) await recording.within(1, phone.join())
  await recording.within(0.5, alice.seesPerson('Bob', /Available/))
  await recording.at(5.5)

  const folder = join(lan.directory, 'downloads')
  mkdirSync(folder, { recursive: true })
  const first = await Capture.across(lan, [lan.bridge, otherNetwork])
  recording.caption('Alice calls Bob: lanline passes on who calls whom')
  await alice.callVideo('Bob')
  await recording.within(1.5, bob.rings('Alice'))
  await recording.at(8.5)
  recording.caption('Bob answers')
  await recording.within(2.5, answered(alice, bob))
  const pair = await until('a pair is selected', () => selectedPair(pages[0]))
  await recording.at(11)
  recording.caption(
    `Direct, encrypted, without TURN: ${pair.localAddress} to ${pair.remoteAddress}. On lanline’s cable: 0`,
  )
  const posterSeconds = recording.seconds() + 4
  await recording.at(17)
  recording.caption('lanline’s cable is pulled out: the call goes on')
  await lan.host('pi').linkDown()
  await recording.at(22)
  recording.caption('Plugged in again. Bob hangs up')
  await lan.host('pi').linkUp()
  await recording.at(23.5)
  await recording.within(3, hungUp(bob, alice))
  const captured = first.stop()
  const direct = await newestCall(daemon)
  await recording.within(1, openCall(desk, daemon, direct))
  recording.caption('The call’s page: which way the media went, and what says so')
  await recording.at(30)
  await recording.within(0, captured)
  recording.caption('A capture of the switch is handed in: now packets show it')
  await recording.within(2.5, giveCapture(desk, asSwitch(first.file, folder)))
  await desk.getByRole('heading', { name: 'Which way the media went' }).evaluate(toTheMiddle)
  await recording.at(35)
  recording.caption('ICE, DTLS, SRTP: every step, told by both ends, on one time axis')
  await desk.getByText('DTLS connected', { exact: true }).first().evaluate(toTheMiddle)
  await recording.at(38.5)

  recording.caption('Bob’s computer moves to another VLAN: no route between the two')
  await lan.move('bob', otherNetwork)
  await bothPhones()
  await pages[1].reload()
  await recording.within(1.5, bob.ready())
  await recording.within(0.5, alice.seesPerson('Bob', /Available/))
  const second = await Capture.across(lan, [lan.bridge, otherNetwork])
  await recording.at(41.5)
  recording.caption('The same click')
  await alice.callVideo('Bob')
  await recording.within(1, bob.rings('Alice'))
  await recording.within(3, answered(alice, bob))
  await until('both badges say relayed', async () =>
    (await Promise.all([alice.badge(), bob.badge()])).every(badge => badge.includes('relayed')),
  )
  recording.caption('No direct way: relayed by lanline, for this call only. Now its cable counts')
  await recording.at(50)
  await recording.within(1, hungUp(alice, bob))
  const capturedToo = second.stop()
  const relayed = await newestCall(daemon)
  await recording.within(1, openCall(desk, daemon, relayed))
  recording.caption('Why not direct, and what would change it')
  writeFileSync(join(folder, 'call.json'), await traceOf(owner, direct))
  await recording.at(56)
  const terminal = openTerminal(recording.display, folder)
  recording.caption('The first call’s trace is signed: genuine. One digit changed: not genuine')
  await recording.at(filmSeconds + 0.5)
  terminal.kill('SIGKILL')
  await capturedToo
  await giveCapture(desk, asSwitch(second.file, folder))
  return {
    calls: [
      { name: 'direct', call: direct, capture: first.file },
      { name: 'relayed', call: relayed, capture: second.file },
    ],
    owner,
    daemon,
    posterSeconds,
  }
}

/** A moving picture with a name on it, as nobody sits in front of these cameras. */
async function film(path: string, name: string, colours: readonly [string, string]): Promise<void> {
  const background = `gradients=s=640x480:c0=${colours[0]}:c1=${colours[1]}:speed=0.03:r=15:d=12`
  const writing = `drawtext=text='${name}':fontsize=110:fontcolor=white:x=(w-tw)/2:y=(h-th)/2+14*sin(2*PI*t/3)`
  const encode = ['-vf', writing, '-pix_fmt', 'yuvj420p', '-q:v', '4', path]
  await ffmpeg(['-f', 'lavfi', '-i', background, ...encode])
}

/** A page in a window of its own; later windows lie above earlier ones. */
async function windowOf(
  browser: Browser,
  origin: string,
  bounds: { readonly left: number; readonly width: number },
): Promise<Page> {
  const context = await browser.newContext({ viewport: null, colorScheme: 'light', acceptDownloads: true })
  await context.grantPermissions(['camera', 'microphone', 'notifications'], { origin })
  const page = await context.newPage()
  await probe(page)
  const session = await context.newCDPSession(page)
  const { windowId } = await session.send('Browser.getWindowForTarget')
  await session.send('Browser.setWindowBounds', {
    windowId,
    bounds: {
      left: Math.round(bounds.left / zoom),
      width: Math.round(bounds.width / zoom),
      top: -tabsHeight,
      height: Math.round((screen.height - footHeight) / zoom) + tabsHeight,
    },
  })
  return page
}

async function answered(alice: PhonePage, bob: PhonePage): Promise<void> {
  await bob.accept()
  await Promise.all([alice.inCall(), bob.inCall()])
}

async function hungUp(who: PhonePage, other: PhonePage): Promise<void> {
  await who.hangUp()
  await Promise.all([who.ready(), other.ready()])
}

const toTheMiddle = (element: Element): void => element.scrollIntoView({ block: 'center' })

async function openCall(desk: Page, daemon: Daemon, call: string): Promise<void> {
  await desk.goto(`${daemon.origin}/admin/calls/${call}`)
  await desk.getByRole('heading', { name: 'Which way the media went' }).waitFor()
  await desk.bringToFront()
}

/** As the owner of a capture does it, on the call's page, which is open. */
async function giveCapture(desk: Page, file: string): Promise<void> {
  const chosen = desk.getByLabel('Capture file')
  await chosen.setInputFiles(file)
  await desk.getByLabel('Taken at').selectOption('switch')
  await desk.getByLabel('Taken at').evaluate(toTheMiddle)
  await pause(800)
  await desk.getByRole('button', { name: 'Read it' }).click()
  await desk.getByText('Read. What it shows').waitFor()
}

/** The capture under a name that says what it is. */
function asSwitch(file: string, folder: string): string {
  const named = join(folder, 'switches.pcapng')
  copyFileSync(file, named)
  return named
}

async function traceOf(owner: Owner, call: string): Promise<Uint8Array> {
  return (await owner.request('GET', `/calls/${call}/trace.json`)).bytes
}

async function newestCall(daemon: Daemon): Promise<string> {
  return until('the call has ended in the log', async () => {
    const [row] = await daemon.calls()
    return typeof row?.endedAt === 'number' && row.id
  })
}

/** The counters, for as long as the film goes. */
function openFoot(display: string, lan: Lan): ChildProcess {
  const cables = [
    ['Alice', 'alice'],
    ['Bob', 'bob'],
    ['lanline', 'pi'],
  ] as const
  const words = cables.map(([name, host]) => `${name}=${lan.host(host).namespace}`)
  const script = fileURLToPath(new URL('cables.ts', import.meta.url))
  const top = screen.height - footHeight
  return xterm(display, 18, `92x1+0+${top}`, [process.execPath, script, ...words])
}

/** Each command is printed before it is run. */
function openTerminal(display: string, folder: string): ChildProcess {
  const script = join(folder, 'verify.sh')
  copyFileSync(join(folder, 'call.json'), join(folder, 'changed.json'))
  writeFileSync(
    script,
    [
      `export PATH=${checkout}scripts:$PATH; cd ${folder}`,
      `run() { printf '\n$ %s\n' "$1"; eval "$1"; }`,
      `run 'lanline trace verify call.json | cut -c1-90 | grep -E "genuine|verdict"'`,
      `sed -i 's/"number":7,/"number":8,/' changed.json`,
      "run 'cmp call.json changed.json'",
      "run 'lanline trace verify changed.json'",
      'sleep 60',
    ].join('\n'),
  )
  return xterm(display, 14, '102x14+20+120', ['bash', script])
}

function xterm(display: string, points: number, geometry: string, command: readonly string[]): ChildProcess {
  const font = ['-fa', 'DejaVu Sans Mono:bold', '-fs', String(points)]
  const look = [...font, '-geometry', geometry, '-bg', '#101820', '-fg', '#e6ebf0', '-b', '8']
  return spawn('xterm', [...look, '-e', ...command], {
    env: { ...process.env, DISPLAY: display },
    stdio: 'ignore',
  })
}
