/** Tells systemd that the service is ready, how it is, and that it lives; does nothing anywhere else. */
import { spawn } from 'node:child_process'

export interface ServiceManager {
  ready(status: string): void
  status(text: string): void
  stopping(): void
  /** Stops the watchdog's timer. */
  close(): void
}

const none: ServiceManager = { ready() {}, status() {}, stopping() {}, close() {} }

/**
 * `environment` is the process's: without `NOTIFY_SOCKET` nothing is ever sent. With `WATCHDOG_USEC` a sign of life
 * goes out at half that interval; it comes from the event loop, so a stuck loop is restarted.
 */
export function serviceManager(
  environment: Readonly<Record<string, string | undefined>>,
  notify: (arguments_: readonly string[]) => void = spawnNotify,
): ServiceManager {
  if (!environment.NOTIFY_SOCKET) return none
  const watchdogMicroseconds = Number(environment.WATCHDOG_USEC ?? 0)
  const timer =
    watchdogMicroseconds > 0
      ? setInterval(() => notify(['WATCHDOG=1']), watchdogMicroseconds / 2_000).unref()
      : undefined
  return {
    ready: status => notify(['--ready', `--status=${status}`, `--pid=${process.pid}`]),
    status: text => notify([`--status=${text}`]),
    stopping: () => notify(['STOPPING=1']),
    close: () => clearInterval(timer),
  }
}

function spawnNotify(arguments_: readonly string[]): void {
  const child = spawn('systemd-notify', arguments_, { stdio: 'ignore' })
  // The program may be missing in a container: then there is nobody to tell either.
  child.on('error', () => {})
  child.unref()
}
