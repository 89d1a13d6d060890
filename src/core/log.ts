/**
 * What every part may say, without knowing where it goes (`runtime/log.ts` writes JSON lines to stdout). Fields are
 * flat and never carry secrets, SDP or message bodies. Per-packet lines are `trace` only.
 */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error'
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  trace(event: string, fields?: Fields): void
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
  /** The same log with `room` on every line. */
  room(room: string): Log
}

/** A log that keeps nothing. */
export const silent: Log = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  room: () => silent,
}
