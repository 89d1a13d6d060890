/**
 * How soon either page can be used at its first visit: a fresh Chromium whose CPU is slowed four times, from the start
 * of the navigation until the first control is drawn and the main thread is free again. And what came over the wire.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { startLocalDaemon } from '../interop/local-daemon.ts'
import { pathOf } from '../net/peers.ts'

export interface PagesBench {
  readonly rounds: number
  readonly json: boolean
}

const slower = 4

export async function benchPages({ rounds, json }: PagesBench): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-bench-'))
  const daemon = await startLocalDaemon({ directory, users: [] })
  const browser = await chromium.launch({ executablePath: pathOf('chromium')!, args: ['--no-sandbox'] })
  try {
    const origin = `http://localhost:${daemon.ports.http}`
    await claim(origin, daemon.output())
    const results = []
    for (const path of ['/', '/admin/']) {
      const visits = []
      for (let round = 0; round < rounds; round++) visits.push(await firstVisit(browser, origin + path))
      const usable = visits.map(visit => visit.milliseconds).sort((a, b) => a - b)
      const [best, worst] = [usable[0]!, usable.at(-1)!]
      const middle = usable[Math.floor(usable.length / 2)]!
      const work = Math.round(Math.min(...visits.map(visit => visit.work)))
      results.push({ path, rounds, best, middle, worst, work, bytes: visits[0]!.bytes })
    }
    if (json) process.stdout.write(`${JSON.stringify(results)}\n`)
    else for (const one of results) process.stdout.write(lineOf(one))
  } finally {
    await browser.close()
    await daemon.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Result {
  readonly path: string
  readonly rounds: number
  readonly best: number
  readonly middle: number
  readonly worst: number
  /** Milliseconds of CPU that the main thread took in all, whatever else the machine does: the least of the visits. */
  readonly work: number
  readonly bytes: number
}

const lineOf = (one: Result): string =>
  `${one.path.padEnd(8)} usable after ${one.middle} ms (${one.best} to ${one.worst} ms, ${one.rounds} visits) with the CPU slowed ${slower} times, ${one.work} ms of it the main thread’s own work, ${one.bytes} bytes over the wire\n`

export async function claim(origin: string, output: string): Promise<void> {
  const code = /setup code (\S+)/.exec(output)?.[1]
  const body = { code, place: 'Bench', displayName: 'Olivia', password: 'correct horse battery' }
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${origin}/api/v1/setup`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) throw new Error(`claim: ${answer.status} ${await answer.text()}`)
}

export async function firstVisit(
  browser: Browser,
  url: string,
): Promise<{ milliseconds: number; work: number; bytes: number }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower })
  await page.addInitScript(() => {
    const control = 'input:enabled, button:enabled, a.button'
    new MutationObserver((_changes, observer) => {
      if (document.querySelector(control) === null) return
      observer.disconnect()
      // Drawn after this frame; what is queued then comes after all that is at work now.
      requestAnimationFrame(() => setTimeout(() => Object.assign(window, { usableAfter: performance.now() })))
    }).observe(document, { childList: true, subtree: true })
  })
  await page.goto(url, { waitUntil: 'load' })
  const usable = await page.evaluate(
    () =>
      new Promise<number>(resolve => {
        const look = (): void => {
          const { usableAfter } = window as unknown as { usableAfter?: number }
          if (usableAfter === undefined) setTimeout(look, 20)
          else resolve(usableAfter)
        }
        look()
      }),
  )
  const bytes = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .map(entry => (entry as PerformanceResourceTiming).transferSize)
      .reduce((sum, size) => sum + size, 0),
  )
  const { metrics } = await devtools.send('Performance.getMetrics')
  const work = 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0)
  await context.close()
  return { work, milliseconds: Math.round(usable), bytes }
}
