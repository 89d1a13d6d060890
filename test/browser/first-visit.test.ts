/** The first visit of either page on a slow device: Chromium with its CPU slowed four times. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { claim, firstVisit } from '../bench/pages.ts'
import { type LocalDaemon, startLocalDaemon } from '../interop/local-daemon.ts'
import { describeWith, pathOf } from '../net/peers.ts'

const soonMilliseconds = 1_000
const mostBytes = 120_000
const visits = 12

describeWith(['chromium'], 'the first visit of a slow device', () => {
  let directory: string
  let daemon: LocalDaemon
  let browser: Browser

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lanline-first-visit-'))
    daemon = await startLocalDaemon({ directory, users: [] })
    await claim(`http://localhost:${daemon.ports.http}`, daemon.output())
    browser = await chromium.launch({ executablePath: pathOf('chromium')!, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser?.close()
    await daemon?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it.each(['/', '/admin/'])('%s can be used within a second', async path => {
    const seen = []
    // The best of several: what the page needs, not what else this machine does meanwhile.
    for (let visit = 0; visit < visits; visit++) {
      const one = await firstVisit(browser, `http://localhost:${daemon.ports.http}${path}`)
      seen.push(one)
      expect(one.bytes).toBeLessThanOrEqual(mostBytes)
      if (one.milliseconds < soonMilliseconds) break
    }
    const best = Math.min(...seen.map(one => one.milliseconds))
    console.info(`${path}: usable after ${best} ms, ${seen[0]!.bytes} bytes`)
    expect(best).toBeLessThan(soonMilliseconds)
  })
})
