/**
 * The words for systemd (sd_notify(3)): ready, how it is, that it lives. Its socket is a datagram one, which Node cannot
 * open; so the unit has systemd open it (`OpenFile=`, from systemd 253) and a word is one write. Where there is no such
 * file, `systemd-notify` is started for each word. Anywhere else nothing is ever said.
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

/** What `OpenFile=` calls the socket in `systemd/lanline.service`. */
const fileName = 'notify'
/** sd_listen_fds(3): the first that is passed. */
const firstDescriptor = 3

/** Undefined where nobody listens: `environment` is the process's, without `NOTIFY_SOCKET`. */
export function serviceManager(environment: Environment, ownPid = process.pid): ServiceManager | undefined {
  if (!environment.NOTIFY_SOCKET) return undefined
  const microseconds = Number(environment.WATCHDOG_USEC ?? 0)
  // Who is meant stands beside it; the command line of a service inherits both.
  const forUs = environment.WATCHDOG_PID === undefined || Number(environment.WATCHDOG_PID) === ownPid
  const descriptor = passedDescriptor(environment, ownPid)
  return {
    watchdogMilliseconds: microseconds > 0 && forUs ? microseconds / 1_000 : undefined,
    tell: descriptor === undefined ? (...words) => startNotify(words) : writer(descriptor),
  }
}

/** sd_listen_fds(3): so many from 3 on, for the process named, with names in the same order. */
export function passedDescriptor(environment: Environment, ownPid: number): number | undefined {
  if (Number(environment.LISTEN_PID) !== ownPid) return undefined
  const names = (environment.LISTEN_FDNAMES ?? '').split(':')
  const index = names.slice(0, Number(environment.LISTEN_FDS)).indexOf(fileName)
  return index < 0 ? undefined : firstDescriptor + index
}

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
