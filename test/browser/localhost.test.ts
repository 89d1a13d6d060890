import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPage, startChromium } from '../net/chromium.ts'
import { ConsolePage } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'

const port = 8080
const origin = (name: string): string => `http://${name}.localhost:${port}`

describeWith(['namespaces', 'chromium'], 'two tabs of one Chromium on the computer that runs lanline', () => {
  let lan: Lan
  let daemon: Daemon
  let browser: Browser
  let alice: PhonePage
  let bob: PhonePage

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['desk'], names: { 'lanline.local': 'desk' } })
    daemon = new Daemon(lan.host('desk'), { 'http.port': port })
    await daemon.start()
    // Both tabs have the one computer's microphone and camera. No authority is trusted: none is needed.
    browser = await startChromium(lan.host('desk'), { hertz: 440, colour: 'red' })
  })
  afterAll(() => lan?.remove())

  it('claim the appliance, ask to join, are let in, and see and hear each other', async () => {
    const context = await browser.newContext({ viewport: { width: 1000, height: 760 } })
    const aliceTab = await openPage(context, origin('alice'))
    const token = /\/admin\/#(claim=\S+)/.exec(daemon.output)?.[1]
    const consolePage = await ConsolePage.claim(aliceTab, `${origin('alice')}/admin/#${token}`, 'Alice')

    bob = await PhonePage.open(await openPage(context, origin('bob')), `${origin('bob')}/`)
    await bob.askToJoin('Bob')
    await consolePage.allow('Bob')
    await bob.ready()

    await consolePage.openPhone()
    alice = new PhonePage(aliceTab)
    await alice.ready()
    await alice.seesPerson('Bob', /Available/)
    await alice.callVideo('Bob')
    await bob.rings('Alice')
    await bob.accept()
    await Promise.all([alice.inCall(), bob.inCall()])
    await Promise.all([hears(alice.page, 440), hears(bob.page, 440)])
    await Promise.all([sees(alice.page, 'red'), sees(bob.page, 'red')])
    expect(await bob.badge()).toMatch(/direct/)
    await bob.hangUp()
    await Promise.all([alice.ready(), bob.ready()])
  }, 90_000)

  it('leave a closed row of their call', async () => {
    const [row] = await until('the row is closed', async () => {
      const rows = await daemon.calls()
      return typeof rows[0]?.endedAt === 'number' && rows
    })
    expect(row).toMatchObject({ callerUser: 'alice', calleeUser: 'bob', endedBy: 'callee', reason: 'hangup' })
  })
})
