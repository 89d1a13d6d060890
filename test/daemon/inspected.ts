/** A running daemon whose threads can be made to hang: an endless loop is put into one through Node's own inspector. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'

const main = join(import.meta.dirname, '../../src/main.ts')

export interface Inspected {
  readonly child: ChildProcess
  /** Events of its log, in order, as far as they have come. */
  readonly told: readonly LogLine[]
  /** The first line of this event at or after `from` in `told`. */
  event(name: string, from?: number): Promise<LogLine>
  /** What it printed that is no line of its log. */
  readonly printed: readonly string[]
  /** In the thread whose file's path holds `file`. */
  hang(file: string): Promise<void>
  /** What its interface answers the owner of its data directory. */
  get(path: string): Promise<unknown>
  readonly exited: Promise<unknown>
  stop(): Promise<void>
}

export interface LogLine {
  readonly event: string
  readonly [field: string]: unknown
}

/** Ports are free ones; it is asked for signs of life each `watchdogMilliseconds`. */
export async function startInspected(directory: string, watchdogMilliseconds: number): Promise<Inspected> {
  const ports = ['HTTP', 'SIP', 'TURN'].flatMap(room => [
    [`LANLINE_${room}_PORT`, '0'],
    [`LANLINE_${room}_TLS_PORT`, '0'],
  ])
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', main, 'serve'], {
    env: {
      ...process.env,
      ...Object.fromEntries(ports),
      ...{ LANLINE_DATA_DIR: directory, LANLINE_MDNS_MODE: 'off' },
      ...{ NOTIFY_SOCKET: '/run/systemd/notify', NOTIFY_DESCRIPTOR: '3' },
      WATCHDOG_USEC: String(watchdogMilliseconds * 1_000),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ignore'],
  })
  const [told, printed, hear] = [[] as LogLine[], [] as string[], new Set<() => void>()]
  const inspector = Promise.withResolvers<string>()
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface(stream).on('line', line => {
      const listening = /^Debugger listening on (ws:\S+)/.exec(line)
      if (listening) inspector.resolve(listening[1]!)
      if (line.startsWith('{')) told.push(JSON.parse(line))
      else printed.push(line)
      for (const one of hear) one()
    })
  }
  const event = (name: string, from = 0): Promise<LogLine> =>
    new Promise(resolve => {
      const look = (): void => {
        const found = told.slice(from).find(line => line.event === name)
        if (found === undefined) return
        hear.delete(look)
        resolve(found)
      }
      hear.add(look)
      look()
    })
  const exited = once(child, 'exit')
  const url = await inspector.promise
  await event('ready')
  return {
    ...{ child, told, printed, event, exited },
    get: path => get(join(directory, 'lanline.sock'), `/api/v1${path}`),
    hang: file => hang(url, file),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function get(socketPath: string, path: string): Promise<unknown> {
  const asked = request({ socketPath, path }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return json(answer)
}

/** Chrome DevTools Protocol, with Node's domain for its workers. */
async function hang(url: string, file: string): Promise<void> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const say = (id: number, method: string, params: object): void =>
    socket.send(JSON.stringify({ id, method, params }))
  const asked = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const word = JSON.parse(String(data))
    if (word.id === 2) asked.resolve()
    if (word.method !== 'NodeWorker.attachedToWorker' || !word.params.workerInfo.url.includes(file)) return
    const message = JSON.stringify({
      id: 1,
      method: 'Runtime.evaluate',
      params: { expression: 'for (;;) {}' },
    })
    say(2, 'NodeWorker.sendMessageToWorker', { sessionId: word.params.sessionId, message })
  }
  say(1, 'NodeWorker.enable', { waitForDebuggerOnStart: false })
  await asked.promise
  socket.close()
}
