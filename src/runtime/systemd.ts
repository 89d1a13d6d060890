/**
 * The words for systemd (sd_notify(3)): ready, how it is, that it lives. Its socket is a datagram one, which Node cannot
 * open; so `systemd/start` does before it becomes this process, and a word is one write. In a unit of somebody else's
 * `systemd-notify` is started for each word. Anywhere else nothing is ever said.
 */
import { spawn } from 'node:child_process'
import { write } from 'node:fs'

type Environment = Readonly<Record<string, string | undefined>>

export interface ServiceManager {
  /** How soon after a sign of life it wants the next; undefined: it wants none. */
  readonly watchdogMilliseconds: number | undefined
  /** Assignments such as `READY=1`, told together. */
  tell(...words: readonly string[]): void
}

/** Undefined where nobody listens: `environment` is the process's, without `NOTIFY_SOCKET`. */
export function serviceManager(environment: Environment, ownPid = process.pid): ServiceManager | undefined {
  if (!environment.NOTIFY_SOCKET) return undefined
  const microseconds = Number(environment.WATCHDOG_USEC ?? 0)
  const descriptor = environment.NOTIFY_DESCRIPTOR
  // Who is meant stands beside it; the command line of a service inherits both.
  const forUs = environment.WATCHDOG_PID === undefined || Number(environment.WATCHDOG_PID) === ownPid
  return {
    watchdogMilliseconds: microseconds > 0 && forUs ? microseconds / 1_000 : undefined,
    tell: descriptor === undefined ? (...words) => startNotify(words) : writer(Number(descriptor)),
  }
}

/** Whether it starts anew what ends with a code for that: it tells what it starts so (systemd.exec(5)). */
export const isSupervised = (environment: Environment): boolean =>
  environment.INVOCATION_ID !== undefined || environment.NOTIFY_SOCKET !== undefined

/** One write at a time, off the event loop: systemd may be slow, and then its socket takes no more. */
function writer(descriptor: number): ServiceManager['tell'] {
  const waiting: Buffer[] = []
  let lost = false
  const next = (): void => {
    const [datagram] = waiting
    if (datagram === undefined) return
    write(descriptor, datagram, error => {
      waiting.shift()
      if (error) {
        lost = true
        startNotify(datagram.toString().split('\n'))
      }
      next()
    })
  }
  return (...words) => {
    if (lost) return startNotify(words)
    // What waits longest is the oldest news; what is first is being written.
    if (waiting.length >= mostWaiting) waiting.splice(1, 1)
    waiting.push(Buffer.from(words.join('\n')))
    if (waiting.length === 1) next()
  }
}

const mostWaiting = 8

function startNotify(words: readonly string[]): void {
  const child = spawn('systemd-notify', words, { stdio: 'ignore' })
  // The program may be missing in a container: then there is nobody to tell either.
  child.on('error', () => {})
  child.unref()
}
