/** A log that also keeps its newest lines, for whoever asks what happened lately. */
import type { Fields, Level, Log } from '../core/log.ts'

const recentLines = 1_000
const lineCharacters = 2_000

export interface RecentLog extends Log {
  /** As JSON lines, the oldest first. */
  lines(): readonly string[]
}

/** Keeps lines of `info` and above, whatever the log behind it lets through. */
export function withRecent(log: Log, wallTime: () => number = Date.now): RecentLog {
  const kept: string[] = []
  const keep = (level: Level, room: string, event: string, fields: Fields | undefined): void => {
    const line = JSON.stringify({ time: new Date(wallTime()).toISOString(), level, room, event, ...fields })
    kept.push(line.slice(0, lineCharacters))
    if (kept.length > recentLines) kept.shift()
  }
  const wrap = (inner: Log, room: string): Log => {
    const also =
      (level: 'info' | 'warn' | 'error') =>
      (event: string, fields?: Fields): void => {
        keep(level, room, event, fields)
        inner[level](event, fields)
      }
    return {
      trace: inner.trace,
      debug: inner.debug,
      ...{ info: also('info'), warn: also('warn'), error: also('error') },
      room: name => wrap(inner.room(name), name),
    }
  }
  return { ...wrap(log, 'daemon'), lines: () => kept }
}
