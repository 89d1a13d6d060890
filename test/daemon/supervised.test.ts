/** The daemon as systemd runs it, which speaks through a descriptor that was opened for it (`systemd/start`). */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, expect, it } from 'vitest'

const main = join(import.meta.dirname, '../../src/main.ts')
const data = mkdtempSync(join(tmpdir(), 'lanline-supervised-'))
let daemon: ChildProcess | undefined

afterEach(() => {
  daemon?.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
})

/** Words to the service manager, one assignment each, as they come. */
async function* wordsOf(stream: Readable): AsyncGenerator<string> {
  for await (const chunk of stream.setEncoding('utf8')) {
    // A stream has no ends of datagrams; these are the words that begin one.
    yield* String(chunk).split(/\n|(?=WATCHDOG=|STOPPING=)/)
  }
}

it('is ready once everything answers, lives as long as it does, and says when it stops', async () => {
  const ports = ['HTTP', 'SIP', 'TURN'].flatMap(room => [
    [`LANLINE_${room}_PORT`, '0'],
    [`LANLINE_${room}_TLS_PORT`, '0'],
  ])
  daemon = spawn(process.execPath, [main, 'serve'], {
    env: {
      ...process.env,
      ...Object.fromEntries(ports),
      ...{ LANLINE_DATA_DIR: data, LANLINE_MDNS_MODE: 'off' },
      ...{ NOTIFY_SOCKET: '/run/systemd/notify', NOTIFY_DESCRIPTOR: '3', WATCHDOG_USEC: '900000' },
    },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const words = wordsOf(daemon.stdio[3] as Readable)
  const next = async (): Promise<string> => (await words.next()).value as string
  expect(await next()).toBe('READY=1')
  expect(await next()).toMatch(/^STATUS=0 calls, 0 registered, https:\/\/lanline\.local:\d+\/$/)
  expect([await next(), await next(), await next()]).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  daemon.kill('SIGTERM')
  let last = ''
  for await (const word of words) {
    if (word !== 'WATCHDOG=1') last += `${word} `
  }
  expect(last).toBe('STOPPING=1 STATUS=stopping ')
})
