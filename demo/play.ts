/**
 * What is shown: two people join, talk on one LAN, the console says why that was direct, one of them moves to another
 * VLAN and they are relayed, and a trace is downloaded and verified. Nothing is staged: pages are used as a person uses
 * them, the terminal runs the commands it shows.
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
  const [left, right, olivias] = (await Promise.all([
    startChromium(lan.host('alice'), { hertz: 440, colour: 'red', film: films[0], trusted, display }),
    startChromium(lan.host('bob'), { hertz: 1_000, colour: 'blue', film: films[1], trusted, display }),
    startChromium(lan.host('olivia'), { hertz: 700, colour: 'green', trusted, display }),
  ])) as [Browser, Browser, Browser]
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
  await recording.start()
  recording.caption('Two computers on one LAN, each with an invitation to the lanline on a third')
  await recording.at(2.5)
  for (const phone of [alice, bob]) {
    await phone.join()
    await pause(500)
  }
  await alice.seesPerson('Bob', /Available/)
  await recording.at(6)

  const first = await Capture.across(lan, [lan.bridge, otherNetwork])
  recording.caption('Alice calls Bob')
  await alice.callVideo('Bob')
  await bob.rings('Alice')
  await recording.at(9)
  recording.caption('Bob answers')
  await bob.accept()
  await Promise.all([alice.inCall(), bob.inCall()])
  const pair = await until('a pair is selected', () => selectedPair(pages[0]))
  await recording.at(12)
  recording.caption(
    `Direct: sound and picture go straight from ${pair.localAddress} to ${pair.remoteAddress}, encrypted`,
  )
  const posterSeconds = recording.seconds() + 2
  await recording.at(19)
  recording.caption('Bob hangs up')
  await bob.hangUp()
  await Promise.all([alice.ready(), bob.ready()])
  await first.stop()
  const direct = await newestCall(daemon)

  await desk.goto(`${daemon.origin}/admin/calls/${direct}`)
  await desk
    .getByRole('heading', { name: /Ladder|message/i })
    .first()
    .waitFor()
  await desk.bringToFront()
  await recording.at(22.5)
  recording.caption('The call’s page: what lanline can say of the media’s way, and what that rests on')
  await recording.at(27.5)
  await scrollTo(desk, /Ladder|message/i)
  recording.caption('Every message of the call, from both ends and from lanline, on one time axis')
  await recording.at(32)

  recording.caption('Now Bob’s computer moves to another VLAN, with no route between the two')
  await lan.move('bob', otherNetwork)
  await bothPhones()
  await pages[1].reload()
  await bob.ready()
  await alice.seesPerson('Bob', /Available/)
  await recording.at(36)
  const second = await Capture.across(lan, [lan.bridge, otherNetwork])
  recording.caption('The same click')
  await alice.callVideo('Bob')
  await bob.rings('Alice')
  await recording.at(38)
  await bob.accept()
  await Promise.all([alice.inCall(), bob.inCall()])
  await until('both badges say relayed', async () =>
    (await Promise.all([alice.badge(), bob.badge()])).every(badge => badge.includes('relayed')),
  )
  recording.caption('Relayed via lanline, and why: for this call, between these two, until they hang up')
  await recording.at(46)
  recording.caption('Alice hangs up, and the relay closes')
  await alice.hangUp()
  await Promise.all([alice.ready(), bob.ready()])
  await second.stop()
  const relayed = await newestCall(daemon)

  await desk.goto(`${daemon.origin}/admin/calls/${relayed}`)
  await desk
    .getByRole('heading', { name: /Ladder|message/i })
    .first()
    .waitFor()
  await desk.bringToFront()
  recording.caption('Why not direct, and what would change it')
  await recording.at(51)
  recording.caption('The trace of a call is a signed file')
  const link = desk.locator('a[download$="trace.json"]')
  await link.scrollIntoViewIfNeeded()
  await pause(1_200)
  const [download] = await Promise.all([desk.waitForEvent('download'), link.click()])
  const folder = join(lan.directory, 'downloads')
  mkdirSync(folder, { recursive: true })
  await download.saveAs(join(folder, 'call.json'))
  await recording.at(54)
  const terminal = openTerminal(recording.display, folder)
  recording.caption('It is verified anywhere: genuine. With one byte changed: not genuine')
  await recording.at(filmSeconds + 0.5)
  terminal.kill('SIGKILL')
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
    bounds: { ...bounds, top: 0, height: screen.height },
  })
  return page
}

async function scrollTo(page: Page, heading: RegExp): Promise<void> {
  await page
    .getByRole('heading', { name: heading })
    .first()
    .evaluate(element => element.scrollIntoView({ behavior: 'smooth', block: 'start' }))
}

async function newestCall(daemon: Daemon): Promise<string> {
  return until('the call has ended in the log', async () => {
    const [row] = await daemon.calls()
    return typeof row?.endedAt === 'number' && row.id
  })
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
      "run 'lanline trace verify call.json | cut -c1-110 | head -5'",
      `sed -i 's/"number":7,/"number":8,/' changed.json`,
      "run 'cmp call.json changed.json'",
      "run 'lanline trace verify changed.json'",
      'sleep 60',
    ].join('\n'),
  )
  const look = [
    '-fa',
    'DejaVu Sans Mono',
    '-fs',
    '14',
    '-geometry',
    '114x22+40+60',
    '-bg',
    '#101820',
    '-fg',
    '#e6ebf0',
  ]
  return spawn('xterm', [...look, '-b', '16', '-e', 'bash', script], {
    env: { ...process.env, DISPLAY: display },
    stdio: 'ignore',
  })
}
