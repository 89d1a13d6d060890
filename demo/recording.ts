/** A screen that exists only for the recording: Xvfb, filmed by ffmpeg, with captions burnt in below the picture. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pause, until } from '../test/net/wait.ts'

export const screen = { width: 1280, height: 656 } as const
const captionHeight = 64
const framesPerSecond = 12
const execute = promisify(execFile)

export const ffmpeg = (args: readonly string[]): Promise<unknown> =>
  execute('ffmpeg', ['-loglevel', 'error', '-y', ...args])

export interface Caption {
  readonly text: string
  readonly fromSeconds: number
}

export class Recording {
  readonly display: string
  readonly #screen: ChildProcess
  readonly #file: string
  readonly #captions: Caption[] = []
  /** Of the recording, in its own seconds: what the film leaves out. */
  readonly #cuts: { readonly from: number; readonly to: number }[] = []
  #recorder: ChildProcess | undefined
  #startedAt = 0

  private constructor(display: string, screen: ChildProcess, directory: string) {
    this.display = display
    this.#screen = screen
    this.#file = join(directory, 'screen.mkv')
  }

  static async open(directory: string): Promise<Recording> {
    const size = `${screen.width}x${screen.height}x24`
    const xvfb = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', size, '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    let number = ''
    xvfb.stdio[3]?.on('data', chunk => {
      number += String(chunk)
    })
    await until('the X display is open', () => number.includes('\n'))
    return new Recording(`:${number.trim()}`, xvfb, directory)
  }

  /** Resolves when the first frames are in, so that captions fit the picture. */
  async start(): Promise<void> {
    const grab = ['-f', 'x11grab', '-draw_mouse', '0', '-framerate', String(framesPerSecond)]
    const input = ['-video_size', `${screen.width}x${screen.height}`, '-i', this.display]
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
    console.log(`demo: ${this.seconds().toFixed(0).padStart(2)} s  ${text}`)
    this.#captions.push({ text, fromSeconds: this.seconds() })
  }

  /** Waits for a moment of the film; that it is past already is said, since then the film becomes too long. */
  async at(seconds: number): Promise<void> {
    const left = seconds - this.seconds()
    if (left < 0) console.log(`demo: ${(-left).toFixed(1)} s late`)
    else await pause(left * 1_000)
  }

  /** Waits for what a busy machine takes longer for, and leaves out of the film what goes beyond `seconds`. */
  async within<T>(seconds: number, awaited: Promise<T>): Promise<T> {
    const latest = this.#recorded() + seconds
    const result = await awaited
    const now = this.#recorded()
    if (now > latest) {
      console.log(`demo: ${(now - latest).toFixed(1)} s of waiting are left out`)
      this.#cuts.push({ from: latest, to: now })
    }
    return result
  }

  /** Of the film. */
  seconds(): number {
    const leftOut = this.#cuts.reduce((sum, { from, to }) => sum + to - from, 0)
    return this.#recorded() - leftOut
  }

  #recorded(): number {
    return (performance.now() - this.#startedAt) / 1_000
  }

  /** Ends the recording and writes the film, `seconds` long. */
  async write(film: string, seconds: number): Promise<readonly Caption[]> {
    const recorder = this.#recorder
    if (recorder === undefined) throw new Error('nothing was recorded')
    const ended = new Promise(resolve => recorder.once('exit', resolve))
    recorder.stdin?.end('q')
    await ended
    const padded = `pad=${screen.width}:${screen.height + captionHeight}:0:0:color=0x101820`
    const filter = [...this.#leaveOut(), padded, ...this.#drawCaptions()].join(',')
    const encode = ['-c:v', 'libx264', '-preset', 'slow', '-crf', '27', '-pix_fmt', 'yuv420p']
    const cut = ['-t', String(seconds), '-movflags', '+faststart']
    await ffmpeg(['-i', this.#file, '-vf', filter, ...encode, ...cut, film])
    return this.#captions
  }

  close(): void {
    this.#recorder?.kill('SIGKILL')
    this.#screen.kill('SIGKILL')
  }

  #leaveOut(): string[] {
    if (this.#cuts.length === 0) return []
    const cuts = this.#cuts.map(({ from, to }) => `between(t,${from.toFixed(2)},${to.toFixed(2)})`)
    // By the clock and not by the number of frames: a busy machine records fewer.
    const left = this.#cuts.map(({ from, to }) => `gt(T,${to.toFixed(2)})*${(to - from).toFixed(2)}`)
    return [`select='not(${cuts.join('+')})'`, `setpts='PTS-(${left.join('+')})/TB'`]
  }

  #drawCaptions(): string[] {
    return this.#captions.map(({ text, fromSeconds }, index) => {
      const until = this.#captions[index + 1]?.fromSeconds ?? 3_600
      const shown = text.replace(/['’]/g, '’').replace(/[\\:%,]/g, character => `\\${character}`)
      const style = `fontcolor=white:fontsize=27:x=24:y=${screen.height}+(${captionHeight}-th)/2`
      return `drawtext=text='${shown}':${style}:enable='between(t,${fromSeconds.toFixed(2)},${until.toFixed(2)})'`
    })
  }
}

/** One frame of a film as a PNG. */
export const frame = (film: string, seconds: number, file: string): Promise<unknown> =>
  ffmpeg(['-ss', seconds.toFixed(2), '-i', film, '-frames:v', '1', file])

/** The frames at those moments, on one sheet of four columns. */
export async function contactSheet(film: string, seconds: readonly number[], file: string): Promise<void> {
  const pictures = seconds.map((_, index) => `[${index}:v]scale=640:-1[p${index}]`)
  const places = seconds.map((_, index) => `${(index % 4) * 640}_${Math.floor(index / 4) * 360}`)
  const inputs = seconds.flatMap(each => ['-ss', each.toFixed(2), '-t', '0.2', '-i', film])
  const stack = `${seconds.map((_, index) => `[p${index}]`).join('')}xstack=inputs=${seconds.length}:layout=${places.join('|')}:fill=0x101820`
  await ffmpeg([
    ...inputs,
    '-filter_complex',
    `${pictures.join(';')};${stack}`,
    '-frames:v',
    '1',
    '-q:v',
    '4',
    file,
  ])
}
