/** The console as its owner uses it, from an appliance that belongs to nobody, by what is on the screen. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Download, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { barriers } from '../net/axe.ts'
import { Capture } from '../net/capture.ts'
import { openPage, startChromium, trustAuthority } from '../net/chromium.ts'
import { ConsolePage, scan } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { pause } from '../net/wait.ts'

const patience = { timeout: 20_000 }
const passphrase = 'three words and one'

describeWith(['namespaces', 'chromium', 'certutil', 'zbarimg', 'dumpcap'], 'the console', () => {
  let lan: Lan
  let daemon: Daemon
  let desk: Browser
  let hall: Browser
  let attic: Browser
  let page: Page
  let mia: PhonePage
  let ben: PhonePage
  /** What the switch saw of Mia's call with Ben. */
  let capture: Capture
  let backup: string
  let authority: string
  let saves = 0

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'desk', 'hall', 'attic'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    authority = readFileSync(daemon.authorityFile, 'utf8')
    const trusted = [daemon.authorityFile]
    const start = (name: string) => startChromium(lan.host(name), { hertz: 440, colour: 'red', trusted })
    const browsers = await Promise.all(['desk', 'hall', 'attic'].map(start))
    desk = browsers[0]!
    hall = browsers[1]!
    attic = browsers[2]!
    page = await openPage(desk, daemon.origin)
  })
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
    capture = await Capture.start(lan)
    await mia.callAudio('Ben')
    await ben.rings('Mia')
    await page.getByRole('link', { name: 'Mia and Ben' }).waitFor(patience)
    await ben.accept()
    await mia.inCall()
    await page.getByText('direct', { exact: true }).waitFor(patience)
    await Promise.all([hears(mia.page, 440, 20, 2), hears(ben.page, 440, 20, 2)])
    // So long that both ends count the same streams at several moments.
    await pause(2_500)
    await mia.hangUp()
    await page.getByText('No call at the moment.').waitFor(patience)
    await capture.stop()
    await ben.ready()
    await ben.callAudio('Mia')
    await mia.rings('Ben')
    await mia.decline()
    await ben.ready()
  })

  it('takes in what the switch saw of a call, and says then that captured packets show its way', async () => {
    await goTo('Calls')
    await page.getByRole('link', { name: /^Mia.*Ben/ }).click(patience)
    await heading('Mia → Ben').waitFor(patience)
    await page.getByText('Direct: both ends agree, and lanline carried nothing.').waitFor(patience)
    await page.getByLabel('Capture file').setInputFiles(capture.file)
    await page.getByLabel('Taken at').selectOption('a switch or access point')
    // As slow as a large file over Wi-Fi: its progress can be read.
    const network = await page.context().newCDPSession(page)
    const speeds = { latency: 0, downloadThroughput: -1, uploadThroughput: statSync(capture.file).size }
    await network.send('Network.emulateNetworkConditions', { offline: false, ...speeds })
    await page.getByRole('button', { name: 'Read it' }).click()
    await page.getByRole('progressbar', { name: /^Sending: [1-9]\d? %$/ }).waitFor(patience)
    await network.detach()
    await page.getByText('Direct: captured packets show it, and both ends agree.').first().waitFor(patience)
    await page.getByText(/^[\d,]+ packets of this call in \d+ flows\.$/).waitFor(patience)
    await page.getByText('direct, proven').waitFor(patience)
    expect(await barriers(page)).toEqual([])
  })

  it('gives the trace of each call, which anybody can verify by the key that the page names', async () => {
    for (const title of ['Ben → Mia', 'Mia → Ben']) {
      await goTo('Calls')
      const [caller, callee] = title.split(' → ')
      await page.getByRole('link', { name: new RegExp(`^${caller}.*${callee}`) }).click(patience)
      await heading(title).waitFor(patience)
      await page.getByText('How to check a signed trace').click()
      const key = await page
        .getByText(/^This appliance’s key:/)
        .locator('code')
        .textContent()
      for (const name of ['Signed trace', 'Report to print']) {
        const file = await saved(() => page.getByRole('link', { name, exact: true }).click(patience))
        const { stdout } = await daemon.cli(['trace', 'verify', file, '--key', key!])
        expect(stdout).toContain('unchanged since')
      }
    }
  })

  it('sets quiet hours for somebody, whose phone says so at once, and takes them back', async () => {
    await page.goto(`${daemon.origin}/admin/people/mia`)
    await page.getByRole('button', { name: 'Set the quiet hours of Mia' }).click(patience)
    const dialog = page.getByRole('dialog', { name: 'Quiet hours of Mia' })
    for (const end of ['From', 'Until']) await dialog.getByLabel(end).fill('00:00')
    await dialog.getByRole('checkbox', { name: 'Sunday' }).uncheck()
    await dialog.getByRole('checkbox', { name: 'Sunday' }).check()
    expect(await barriers(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('listitem').filter({ hasText: 'every day' }).waitFor(patience)
    await page.getByText('· do not disturb').waitFor(patience)
    const silence = mia.page.getByRole('switch', { name: 'Do not disturb', checked: true })
    await silence.waitFor(patience)
    await page.getByRole('button', { name: 'Set the quiet hours of Mia' }).click()
    await dialog.getByRole('button', { name: 'No quiet hours' }).click()
    await silence.waitFor({ state: 'detached' })
    await page.getByText('Mia has no quiet hours any more.').waitFor(patience)
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

  it('gives a backup as one file', async () => {
    await goTo('Settings')
    await page.getByLabel('Passphrase', { exact: true }).fill(passphrase)
    backup = await saved(() => page.getByRole('button', { name: 'Download a backup' }).click())
    await page.getByText(/^lanline-.*\.backup is saved\.$/).waitFor(patience)
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

  it('is short on a phone: a filter is one line that says what is in use, figures come when they are wanted', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    await page.goto(`${daemon.origin}/admin/calls?missed=1&person=mia`)
    await page.getByText('Filter: Mia, Missed only').waitFor(patience)
    await page.getByRole('button', { name: 'Clear filter' }).first().click()
    await page.getByRole('link', { name: /^Mia.*Ben/ }).click(patience)
    const figures = page.getByText(/^caller host /).first()
    await figures.waitFor({ ...patience, state: 'attached' })
    expect(await figures.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Show the figures' }).click()
    await figures.waitFor(patience)
    expect(await barriers(page)).toEqual([])
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('says when the appliance is away, and goes on by itself when it is back', async () => {
    await goTo('Home')
    const invite = page.getByRole('link', { name: 'Invite somebody' })
    expect(await invite.getAttribute('aria-disabled')).toBe('false')
    await daemon.kill()
    await page.getByText('Connection to lanline lost.').waitFor(patience)
    expect(await invite.getAttribute('aria-disabled')).toBe('true')
    await daemon.start()
    // Its sessions went with it.
    await logIn()
    await heading('Home').waitFor(patience)
    await page.getByText('Mia', { exact: true }).waitFor(patience)
  })

  it('has all its pages when the appliance is back, also those it looked for in vain', async () => {
    const before = page
    page = await openPage(desk, daemon.origin)
    await before.context().close()
    await page.goto(`${daemon.origin}/admin/`)
    await giveCredentials()
    await heading('Home').waitFor(patience)
    // Their code comes some seconds after that of the first one.
    await daemon.kill()
    await goTo('People')
    const again = page.getByRole('button', { name: 'Try again' })
    await again.click(patience)
    await page.getByText('This page could not be loaded.').waitFor(patience)
    await page.getByText('Connection to lanline lost.').waitFor(patience)
    await daemon.start()
    await logIn()
    await goTo('People')
    await page.getByRole('link', { name: 'Mia' }).first().waitFor(patience)
  })

  it('restores the backup in a fresh appliance; a phone of before comes back without noticing', async () => {
    const opened = await openedAt(mia)
    await page.context().close()
    await daemon.stop()
    // Another card in the same box; something starts it again when it ends, as systemd does.
    const fresh = new Daemon(
      lan.host('pi'),
      {},
      { directory: 'fresh', environment: { INVOCATION_ID: 'test' } },
    )
    await fresh.start()
    trustAuthority(join(lan.directory, 'home-desk'), fresh.authorityFile, 'fresh')
    daemon = fresh
    page = await openPage(desk, daemon.origin)
    await ConsolePage.claim(page, `${daemon.origin}/admin/`, 'Nobody')
    await goTo('Settings')
    await page.getByText('Restore a backup').click()
    const form = page.getByRole('form', { name: 'Restore a backup' })
    await form.getByLabel('Backup file').setInputFiles(backup)
    await form.getByLabel('Passphrase of the backup').fill('three other words')
    await form.getByRole('button', { name: 'Look into it' }).click()
    await form.getByText('The passphrase is not right, or the file was changed.').waitFor(patience)
    await form.getByLabel('Passphrase of the backup').fill(passphrase)
    await form.getByRole('button', { name: 'Look into it' }).click()
    // Put away, and taken up again.
    await page.getByRole('status').getByRole('button', { name: 'Cancel' }).click(patience)
    await form.getByLabel('Backup file').setInputFiles(backup)
    await form.getByLabel('Passphrase of the backup').fill(passphrase)
    await form.getByRole('button', { name: 'Look into it' }).click()
    const holds = page.getByRole('status').filter({ hasText: 'The backup is whole, and holds:' })
    await holds.waitFor(patience)
    const lines = await holds.getByRole('listitem').allTextContents()
    for (const line of ['Place: Test house', '3 people', '2 devices', '2 calls'])
      expect(lines).toContain(line)
    expect(await barriers(page)).toEqual([])
    await holds.getByRole('button', { name: 'Restore' }).click()
    const dialog = page.getByRole('dialog', { name: 'Replace everything by this backup?' })
    expect(await dialog.getByRole('listitem').count()).toBe(3)
    await dialog.getByRole('button', { name: 'Restore' }).click()
    await startedAgain()
    await logIn()
    await goTo('People')
    for (const person of ['Mia', 'Ben']) {
      await page.getByRole('link', { name: person }).first().waitFor(patience)
    }
    expect(await page.getByText('Nobody', { exact: true }).count()).toBe(0)
    await goTo('Calls')
    await page.getByText('direct, proven').waitFor(patience)
    await page.goto(`${daemon.origin}/admin/people/mia`)
    await page.getByText('connected', { exact: true }).waitFor({ timeout: 60_000 })
    expect(await openedAt(mia)).toBe(opened)
    await callsTheEcho(mia)
  })

  it('restarts from Help, where something starts it again; phones come back', async () => {
    await goTo('Help')
    await page.getByRole('button', { name: 'Restart lanline' }).click(patience)
    const dialog = page.getByRole('dialog', { name: 'Restart lanline?' })
    expect(await dialog.getByRole('listitem').allTextContents()).toContain(
      'Everybody is logged out of the console.',
    )
    await dialog.getByRole('button', { name: 'Restart lanline' }).click()
    await startedAgain()
    await logIn()
    await mia.ready(60)
  })

  it('is backed up and restored on the command line while it is stopped', async () => {
    await daemon.stop()
    const file = join(lan.directory, 'stopped.backup')
    await daemon.cli(['backup', file, '--passphrase-stdin'], passphrase)
    daemon = new Daemon(lan.host('pi'), {}, { directory: 'third' })
    const { stdout } = await daemon.cli(['restore', file, '--passphrase-stdin'], passphrase)
    expect(stdout).toContain('3 people, 2 devices and 3 calls')
    await daemon.start()
    expect(await daemon.calls()).toHaveLength(3)
    expect(readFileSync(daemon.authorityFile, 'utf8')).toBe(authority)
  })

  /** What supervises it: it ended because it wanted to be started. */
  async function startedAgain(): Promise<void> {
    expect(await daemon.ended()).toBe(75)
    await daemon.start()
  }

  async function logIn(): Promise<void> {
    await page.getByText('You are logged out.').waitFor({ timeout: 30_000 })
    await giveCredentials()
  }

  async function giveCredentials(): Promise<void> {
    await page.getByLabel('Name').fill('olivia')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Log in' }).click()
  }

  async function callsTheEcho(phone: PhonePage): Promise<void> {
    await phone.ready(60)
    await phone.callAudio('Echo test')
    await phone.inCall()
    await phone.hangUp()
    await phone.ready()
  }

  /** When its page was loaded: a reload changes it. */
  const openedAt = ({ page }: PhonePage): Promise<number> => page.evaluate(() => performance.timeOrigin)

  /** The file that an act of the owner brings. */
  async function saved(act: () => Promise<void>): Promise<string> {
    const coming = page.waitForEvent('download', patience)
    await act()
    const download: Download = await coming
    const file = join(lan.directory, `${saves++}-${download.suggestedFilename()}`)
    await download.saveAs(file)
    return file
  }
})
