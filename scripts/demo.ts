/** The demo's script: who does what when, on a screen that exists only for the recording. Started by `demo`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { probe, startChromium } from '../test/net/chromium.ts'
import { Daemon } from '../test/net/daemon.ts'
import { Lan } from '../test/net/lan.ts'
import { selectedPair } from '../test/net/media-check.ts'
import { Owner } from '../test/net/owner.ts'
import { PhonePage } from '../test/net/phone-page.ts'
import { pause, until } from '../test/net/wait.ts'

const width = 1440
const height = 760
const captionHeight = 48
const framesPerSecond = 12
const limitBytes = 4 * 1024 * 1024
const docs = fileURLToPath(new URL('../docs/', import.meta.url))
const execute = promisify(execFile)
const ffmpeg = (args: readonly string[]): Promise<unknown> => execute('ffmpeg', args)

interface Caption {
  readonly text: string
  readonly fromSeconds: number
}

const say = (words: string): void => console.log(`demo: ${words}`)

/** The screen, its recording, and the captions in the order they were said. */
class Recording {
  readonly display: string
  readonly #screen: ChildProcess
  readonly #file: string
  readonly #captions: Caption[] = []
  #recorder: ChildProcess | undefined
  #startedAt = 0

  private constructor(display: string, screen: ChildProcess, directory: string) {
    this.display = display
    this.#screen = screen
    this.#file = join(directory, 'screen.mkv')
  }

  static async open(directory: string): Promise<Recording> {
    const size = `${width}x${height}x24`
    const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', size, '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    let number = ''
    screen.stdio[3]?.on('data', chunk => {
      number += String(chunk)
    })
    await until('the X display is open', () => number.includes('\n'))
    return new Recording(`:${number.trim()}`, screen, directory)
  }

  /** Resolves when the first frames are in, so that captions fit the picture. */
  async start(): Promise<void> {
    const grab = ['-f', 'x11grab', '-draw_mouse', '0', '-framerate', String(framesPerSecond)]
    const input = ['-video_size', `${width}x${height}`, '-i', this.display]
    const output = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-qp',
      '18',
      '-y',
      this.#file,
    ]
    const progress = ['-loglevel', 'error', '-stats_period', '0.1', '-progress', 'pipe:1']
    const recorder = spawn('ffmpeg', [...progress, ...grab, ...input, ...output], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#recorder = recorder
    recorder.stdout.on('data', chunk => {
      const written = Number(/out_time_us=([0-9]+)/.exec(String(chunk))?.[1] ?? 0)
      if (this.#startedAt === 0 && written > 0) this.#startedAt = performance.now() - written / 1_000
    })
    await until('the screen is recorded', () => this.#startedAt > 0)
  }

  /** What happens now, on the terminal and in the picture. */
  caption(text: string): void {
    say(text)
    this.#captions.push({ text, fromSeconds: (performance.now() - this.#startedAt) / 1_000 })
  }

  /** Ends the recording and writes the film and its poster, the frame `posterSeconds` after the start. */
  async write(film: string, poster: string, posterSeconds: number): Promise<void> {
    const recorder = this.#recorder
    if (recorder === undefined) throw new Error('nothing was recorded')
    const ended = new Promise(resolve => recorder.once('exit', resolve))
    recorder.stdin?.end('q')
    await ended
    const filter = [
      `pad=${width}:${height + captionHeight}:0:0:color=0x101820`,
      ...this.#drawCaptions(),
    ].join(',')
    const encode = ['-c:v', 'libx264', '-preset', 'slow', '-crf', '29', '-pix_fmt', 'yuv420p']
    await ffmpeg([
      '-loglevel',
      'error',
      '-y',
      '-i',
      this.#file,
      '-vf',
      filter,
      ...encode,
      '-movflags',
      '+faststart',
      film,
    ])
    await ffmpeg([
      '-loglevel',
      'error',
      '-y',
      '-ss',
      String(posterSeconds),
      '-i',
      film,
      '-frames:v',
      '1',
      poster,
    ])
  }

  seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }

  close(): void {
    this.#recorder?.kill('SIGKILL')
    this.#screen.kill('SIGKILL')
  }

  #drawCaptions(): string[] {
    return this.#captions.map(({ text, fromSeconds }, index) => {
      const until = this.#captions[index + 1]?.fromSeconds ?? 3_600
      const shown = text.replace(/['’]/g, '’').replace(/[\\:%]/g, character => `\\${character}`)
      const style = `fontcolor=white:fontsize=22:x=24:y=${height}+(${captionHeight}-th)/2`
      return `drawtext=text='${shown}':${style}:enable='between(t,${fromSeconds.toFixed(2)},${until.toFixed(2)})'`
    })
  }
}

/** A moving picture with a name on it, as nobody sits in front of these cameras. */
async function film(path: string, name: string, colours: readonly [string, string]): Promise<void> {
  const background = `gradients=s=640x480:c0=${colours[0]}:c1=${colours[1]}:speed=0.03:r=15:d=12`
  const writing = `drawtext=text='${name}':fontsize=110:fontcolor=white:x=(w-tw)/2:y=(h-th)/2+14*sin(2*PI*t/3)`
  await ffmpeg([
    '-loglevel',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    background,
    '-vf',
    writing,
    '-pix_fmt',
    'yuvj420p',
    '-q:v',
    '4',
    path,
  ])
}

/** A page in a window of its own, on the left or right half of the screen. */
async function windowOf(browser: Browser, origin: string, side: 'left' | 'right'): Promise<Page> {
  const context = await browser.newContext({ viewport: null, colorScheme: 'light' })
  await context.grantPermissions(['camera', 'microphone', 'notifications'], { origin })
  const page = await context.newPage()
  await probe(page)
  const session = await context.newCDPSession(page)
  const { windowId } = await session.send('Browser.getWindowForTarget')
  const half = { left: side === 'left' ? 0 : width / 2, top: 0, width: width / 2, height }
  await session.send('Browser.setWindowBounds', { windowId, bounds: half })
  return page
}

async function play(lan: Lan, recording: Recording): Promise<number> {
  say('lanline starts on a host of its own')
  const daemon = new Daemon(lan.host('pi'))
  await daemon.start()
  const owner = await Owner.claim(daemon, 'Olivia')
  await owner.addUser('alice', 'Alice')
  await owner.addUser('bob', 'Bob')

  say('Chromium starts on two more hosts')
  const cameras = [join(lan.directory, 'alice.mjpeg'), join(lan.directory, 'bob.mjpeg')] as const
  await Promise.all([
    film(cameras[0], 'Alice', ['0xf2994a', '0xc0392b']),
    film(cameras[1], 'Bob', ['0x2d9cdb', '0x27408b']),
  ])
  const trusted = [daemon.authorityFile]
  const { display } = recording
  const browsers = await Promise.all([
    startChromium(lan.host('alice'), { hertz: 440, colour: 'red', film: cameras[0], trusted, display }),
    startChromium(lan.host('bob'), { hertz: 1_000, colour: 'blue', film: cameras[1], trusted, display }),
  ])
  const pages = [
    await windowOf(browsers[0], daemon.origin, 'left'),
    await windowOf(browsers[1], daemon.origin, 'right'),
  ] as const
  const links = [await owner.invite('alice'), await owner.invite('bob')] as const
  const alice = await PhonePage.open(pages[0], `${daemon.origin}/j#${links[0].token}`)
  const bob = await PhonePage.open(pages[1], `${daemon.origin}/j#${links[1].token}`)
  for (const page of pages) await page.getByRole('button', { name: 'Join', exact: true }).waitFor()

  await recording.start()
  recording.caption('Two computers on one LAN, each with an invite link to the lanline on a third')
  await pause(2_000)
  for (const phone of [alice, bob]) {
    await phone.join()
    await pause(700)
  }
  await pause(1_500)
  recording.caption('Alice calls Bob')
  await alice.callVideo('Bob')
  await bob.rings('Alice')
  await pause(2_000)
  recording.caption('Bob answers')
  await bob.accept()
  await Promise.all([alice.inCall(), bob.inCall()])
  await pause(3_000)
  const pair = await until('a pair is selected', () => selectedPair(pages[0]))
  recording.caption(
    `Sound and picture go straight from ${pair.localAddress} to ${pair.remoteAddress}, encrypted`,
  )
  const posterSeconds = recording.seconds() + 2
  await pause(5_000)
  recording.caption('Now lanline is killed in the middle of the call')
  await daemon.kill()
  await Promise.all([alice.lineAway(), bob.lineAway()])
  recording.caption('It is gone, and the call goes on: lanline never carried it')
  await pause(4_000)
  await daemon.start()
  await Promise.all([alice.lineBack(), bob.lineBack()])
  recording.caption('It is back, and both pages found it by themselves')
  await pause(3_000)
  recording.caption('Bob hangs up')
  await bob.hangUp()
  await Promise.all([alice.ready(), bob.ready()])
  await pause(2_500)
  return posterSeconds
}

mkdirSync(docs, { recursive: true })
const lan = await Lan.create({ hosts: ['pi', 'alice', 'bob'], names: { 'lanline.local': 'pi' } })
const recording = await Recording.open(lan.directory)
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
process.on('exit', () => recording.close())
try {
  const posterSeconds = await play(lan, recording)
  say('encoding')
  await recording.write(join(docs, 'demo.mp4'), join(docs, 'demo.png'), posterSeconds)
  const { size } = statSync(join(docs, 'demo.mp4'))
  if (size > limitBytes) throw new Error(`docs/demo.mp4 has ${size} bytes, more than ${limitBytes}`)
  say(`docs/demo.mp4 (${(size / 1_048_576).toFixed(1)} MiB) and docs/demo.png are written`)
} catch (error) {
  say(`stopped: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  recording.close()
  lan.remove()
}
process.exit()
