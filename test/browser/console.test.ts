/** The console as its owner uses it, from an appliance that belongs to nobody, by what is on the screen. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkBackup } from '../../src/backup/backup.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openPage, startChromium } from '../net/chromium.ts'
import { ConsolePage, scan } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const patience = { timeout: 20_000 }

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}

/** What axe finds that keeps somebody out; each as `rule: elements`. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
    return (await axe.run()).violations
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

describeWith(['namespaces', 'chromium', 'certutil', 'zbarimg'], 'the console', () => {
  let lan: Lan
  let daemon: Daemon
  let desk: Browser
  let hall: Browser
  let attic: Browser
  let page: Page
  let mia: PhonePage
  let ben: PhonePage

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'desk', 'hall', 'attic'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    const trusted = [daemon.authorityFile]
    const start = (name: string) => startChromium(lan.host(name), { hertz: 440, colour: 'red', trusted })
    const browsers = await Promise.all(['desk', 'hall', 'attic'].map(start))
    desk = browsers[0]!
    hall = browsers[1]!
    attic = browsers[2]!
    page = await openPage(desk, daemon.origin)
  }, 60_000)
  afterAll(() => lan?.remove())

  const heading = (name: string) => page.getByRole('heading', { level: 1, name })
  const goTo = async (name: string) => {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click(patience)
    await heading(name).waitFor(patience)
  }
  const newcomer = (browser: Browser, origin = `https://${lan.host('pi').address}`): Promise<Page> =>
    openPage(browser, origin)

  it('is claimed on one screen; the rest of the first visit goes on after a reload, and lets people in', async () => {
    let loaded = 0
    page.on('response', async response => {
      const sizes = await response
        .request()
        .sizes()
        .catch(() => undefined)
      loaded += sizes?.responseBodySize ?? 0
    })
    await page.goto(`${daemon.origin}/admin/`)
    const console = new ConsolePage(page)
    await console.fillClaim('Olivia')
    expect(loaded).toBeLessThanOrEqual(120_000)
    expect(await barriers(page)).toEqual([])
    await console.submitClaim()
    await page.getByText('It is yours now').waitFor(patience)
    expect(await barriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Continue' }).click()
    await heading('Show names on the network?').waitFor(patience)
    await page.reload()
    await page.getByRole('button', { name: 'Show names' }).click(patience)
    const code = page.getByRole('img', { name: /^QR code/ })
    await code.waitFor(patience)
    expect(await barriers(page)).toEqual([])
    const door = scan(await code.screenshot())
    mia = await PhonePage.open(await newcomer(hall), door)
    await mia.askToJoin('Mia')
    await page.getByRole('button', { name: 'Allow Mia' }).click(patience)
    await mia.ready()
    await page.getByText('Here so far: Mia').waitFor(patience)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'To the console' }).click(patience)
    await heading('Home').waitFor(patience)
  })

  it('shows at once who asks, who is there, and by which way they talk', async () => {
    ben = await PhonePage.open(await newcomer(attic, daemon.origin), daemon.origin.replace('https:', 'http:'))
    await ben.askToJoin('Ben')
    await page.getByRole('link', { name: 'Ben asks to join' }).click(patience)
    await heading('People').waitFor(patience)
    await page.getByRole('button', { name: 'Allow Ben', exact: true }).click(patience)
    await ben.ready()
    await goTo('Home')
    await mia.callAudio('Ben')
    await ben.rings('Mia')
    await page.getByRole('link', { name: 'Mia and Ben' }).waitFor(patience)
    await ben.accept()
    await mia.inCall()
    await page.getByText('direct', { exact: true }).waitFor(patience)
    await mia.hangUp()
    await page.getByText('No call at the moment.').waitFor(patience)
  })

  it('switches a person off and on, and names what is lost before a device is revoked', async () => {
    await page.goto(`${daemon.origin}/admin/people/ben`)
    await heading('Ben').waitFor(patience)
    await page.getByText('connected', { exact: true }).waitFor(patience)
    await page.getByRole('button', { name: 'Switch off' }).click()
    const dialog = page.getByRole('dialog', { name: 'Switch Ben off?' })
    expect(await dialog.getByRole('listitem').allTextContents()).toContain('Calls in progress end.')
    await dialog.getByRole('button', { name: 'Switch off' }).click()
    await page.getByText('last seen').waitFor(patience)
    // Undone from the notice itself: the phone comes back with what it has.
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('connected', { exact: true }).waitFor({ timeout: 60_000 })
    await page.getByRole('button', { name: /^Revoke device/ }).click()
    const revoke = page.getByRole('dialog', { name: /^Revoke/ })
    expect(await revoke.getByRole('listitem').count()).toBe(2)
    await revoke.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No device yet.').waitFor(patience)
    await ben.page.getByText('This device was removed').waitFor(patience)
  })

  it('gives a backup that restores into a new data directory', async () => {
    await goTo('Settings')
    await page.getByLabel('Passphrase', { exact: true }).fill('three words and one')
    const coming = page.waitForEvent('download', patience)
    await page.getByRole('button', { name: 'Download a backup' }).click()
    const file = await (await coming).createReadStream()
    const place = { dataDirectory: lan.directory, version: '', schema: migrations.length }
    expect(await checkBackup(place, file, 'three words and one')).toMatchObject({ users: 3, calls: 1 })
  })

  it('keeps nobody out, at either width, light and dark', async () => {
    for (const name of ['Home', 'People', 'Calls', 'Help', 'Settings']) {
      await goTo(name)
      for (const [width, colorScheme] of [
        [390, 'light'],
        [1280, 'dark'],
      ] as const) {
        await page.setViewportSize({ width, height: 800 })
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        expect(await barriers(page), `${name} at ${width}, ${colorScheme}`).toEqual([])
        const wide = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(wide, `${name} at ${width}`).toBeLessThanOrEqual(width)
      }
    }
  })

  it('says when the appliance is away, and goes on by itself when it is back', async () => {
    await goTo('Home')
    await daemon.kill()
    await page.getByText('Connection to lanline lost.').waitFor(patience)
    await daemon.start()
    // Its sessions went with it.
    await page.getByText('You are logged out.').waitFor({ timeout: 30_000 })
    await page.getByLabel('Name').fill('olivia')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Log in' }).click()
    await heading('Home').waitFor(patience)
    await page.getByText('Mia', { exact: true }).waitFor(patience)
  })
})
