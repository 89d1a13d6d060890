/**
 * The thread that captures: starts the program, reads what it says as it comes, and keeps of it what belongs to calls. What
 * the program cannot say so quickly the kernel drops; nothing here waits for more than one pipe.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import type { Readable } from 'node:stream'
import { parentPort } from 'node:worker_threads'
import { realClock } from '../runtime/clock.ts'
import { LiveCalls } from './packets/live.ts'
import { CaptureReader } from './packets/reader.ts'
import { type CaptureProgram, captureCommands } from './watch-command.ts'
import type { CaptureWish, FromCapture, ToCapture } from './watch-message.ts'

/** Frames a second that are looked at; while there are more, the program has to wait and the kernel to drop. */
const framesEachSecond = 10_000
const folders = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/bin',
  '/sbin',
  '/opt/homebrew/bin',
]
const saidCharacters = 1_000

type Child = ChildProcessByStdio<null, Readable, Readable>

const port = parentPort!
const calls = new LiveCalls()
let children: Child[] = []
let isLost = false
let [secondBegan, framesThisSecond] = [0, 0]

port.on('message', (order: ToCapture) => {
  switch (order.kind) {
    case 'start':
      return start(order.wish)
    case 'stop':
      return stop()
    case 'end':
      stop()
      // Ends this thread alone.
      return process.exit(0)
    case 'know':
      return calls.know(order.call, order.party, order.ufrag, realClock.epoch())
    case 'conclude': {
      const { call, identity, startedAt } = order
      const facts = calls.conclude(call, identity, startedAt, realClock.epoch())
      if (facts !== undefined) tell({ kind: 'facts', call, facts })
      return
    }
    case 'forget':
      return calls.forget(order.call)
  }
})

function start(wish: CaptureWish): void {
  // Nothing was heard of those that began meanwhile.
  if (isLost) calls.interrupted()
  isLost = false
  const found = programs()
  const [program] = found
  if (program === undefined) return lost('neither dumpcap nor tcpdump is installed')
  if (wish.interfaces.length === 0) return lost('there is no Ethernet or wireless interface')
  const begun: Child[] = []
  children = begun
  let running = 0
  for (const { args, interface: name } of captureCommands(program.name, wish)) {
    const child = launch(program.path, args)
    begun.push(child)
    let said = ''
    child.stderr.on('data', chunk => {
      said = (said + String(chunk)).slice(-saidCharacters)
    })
    const ended = (why: string): void => {
      if (children !== begun) return
      stop()
      calls.interrupted()
      lost(why)
    }
    child.once('error', error => ended(`${program.name} does not start: ${error.message}`))
    // Once its pipes are empty, too: it may have said why.
    child.once('close', (code, signal) =>
      ended(`${program.name} ended (${signal ?? code}): ${lastWords(said)}`),
    )
    child.stdout.once('data', () => {
      running++
      if (running === begun.length && children === begun) tell({ kind: 'running', program: program.name })
    })
    listen(child, name)
  }
}

function listen({ stdout }: Child, name: string | undefined): void {
  const reader = new CaptureReader({ wire: true })
  stdout.on('data', (chunk: Buffer) => {
    const before = reader.frames
    for (const packet of reader.push(chunk)) {
      calls.add(packet, name ?? reader.interfaces[packet.interface]?.name ?? '')
    }
    const frames = reader.frames - before
    calls.seen(frames)
    pace(stdout, frames)
  })
}

function pace(stdout: Readable, frames: number): void {
  const now = realClock.monotonic()
  if (now - secondBegan >= 1_000) [secondBegan, framesThisSecond] = [now, 0]
  framesThisSecond += frames
  if (framesThisSecond < framesEachSecond) return
  calls.interrupted()
  stdout.pause()
  setTimeout(() => stdout.resume(), secondBegan + 1_000 - now)
}

/** Ends with this thread, also if the whole process is killed; where the system can do that. */
function launch(path: string, args: readonly string[]): Child {
  const setpriv = pathOf('setpriv')
  const [command, all] =
    setpriv === undefined ? [path, args] : [setpriv, ['--pdeathsig', 'KILL', '--', path, ...args]]
  return spawn(command, [...all], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { LC_ALL: 'C', PATH: folders.join(':') },
  })
}

function stop(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  children = []
}

function programs(): { readonly name: CaptureProgram; readonly path: string }[] {
  return (['dumpcap', 'tcpdump'] as const).flatMap(name => {
    const path = pathOf(name)
    return path === undefined ? [] : [{ name, path }]
  })
}

function pathOf(program: string): string | undefined {
  return folders
    .map(folder => `${folder}/${program}`)
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** One line, for a log. */
const lastWords = (said: string): string =>
  said
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^(Capturing on|File: |listening on|Packets )/.test(line))
    .slice(0, 2)
    .join(' ')
    .slice(0, 300) || 'it said nothing'

function lost(why: string): void {
  isLost = true
  tell({ kind: 'lost', why })
}

function tell(message: FromCapture): void {
  port.postMessage(message)
}
