/** The log as JSON lines, one object a line: time, level, room, event, then the event's own flat fields. */
import type { Fields, Level, Log } from '../core/log.ts'

export const levels: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error']

const nothing = (): void => {}

/** A log that writes every line of at least `level` through `write` (stdout by default), newline included. */
export function jsonLog(
  level: Level,
  write: (line: string) => void = line => void process.stdout.write(line),
  wallTime: () => number = Date.now,
): Log {
  const threshold = levels.indexOf(level)
  const make = (room: string): Log => {
    const at = (own: Level) => {
      if (levels.indexOf(own) < threshold) return nothing
      return (event: string, fields?: Fields): void => {
        const time = new Date(wallTime()).toISOString()
        write(`${JSON.stringify({ time, level: own, room, event, ...fields })}\n`)
      }
    }
    return {
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      room: make,
    }
  }
  return make('daemon')
}
