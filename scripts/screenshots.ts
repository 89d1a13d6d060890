/**
 * Every page of the console as it looks on a phone and on a desk, light and dark. Started by `screenshots <directory>`;
 * further arguments are names of pages, to take only those.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { openPage, startChromium } from '../test/net/chromium.ts'
import { ConsolePage } from '../test/net/console-page.ts'
import { Daemon } from '../test/net/daemon.ts'
import { Lan } from '../test/net/lan.ts'
import { PhonePage } from '../test/net/phone-page.ts'
import { pause } from '../test/net/wait.ts'

const widths = [390, 1280] as const
const heights: Readonly<Record<(typeof widths)[number], number>> = { 390: 844, 1280: 800 }
const schemes = ['light', 'dark'] as const

const [directory = 'docs/admin', ...only] = process.argv.slice(2)
mkdirSync(directory, { recursive: true })

/** Four pictures of what is on the page. */
async function take(page: Page, name: string): Promise<void> {
  if (only.length > 0 && !only.includes(name)) return
  for (const width of widths) {
    await page.setViewportSize({ width, height: heights[width] })
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      // Fonts and layout settle; a picture of the middle of it would differ each time.
      await page.evaluate(() => document.fonts.ready)
      await pause(150)
      // As tall as the page: bars that stay at the window's edge would else stand in the middle of the picture.
      const tall = await page.evaluate(() => document.documentElement.scrollHeight)
      await page.setViewportSize({ width, height: Math.max(heights[width], tall) })
      await pause(100)
      const path = join(directory, `${name}-${width}-${colorScheme}.png`)
      await page.screenshot({ path })
      await page.setViewportSize({ width, height: heights[width] })
    }
  }
  console.log(`screenshots: ${name}`)
}

async function open(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(path)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor({ timeout: 20_000 })
  await page
    .locator('.skeleton')
    .first()
    .waitFor({ state: 'detached', timeout: 20_000 })
    .catch(() => {})
}

async function firstVisit(page: Page, link: string): Promise<void> {
  await page.goto(link)
  const console = new ConsolePage(page)
  await page.getByRole('button', { name: 'Make it mine' }).waitFor({ timeout: 20_000 })
  await take(page, 'visit-1-claim')
  await console.fillClaim('Olivia Brandt', 'Mill Lane 4')
  await console.submitClaim()
  await page.getByText('It is yours now').waitFor({ timeout: 20_000 })
  await take(page, 'visit-2-trust')
  await page.getByRole('button', { name: 'Continue' }).click()
  await take(page, 'visit-3-names')
  await page.getByRole('button', { name: 'Show names' }).click()
  await page.getByRole('img', { name: /^QR code/ }).waitFor()
  await take(page, 'visit-4-phones')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('link', { name: 'Test with echo' }).waitFor()
  await take(page, 'visit-5-test')
  await page.getByRole('button', { name: 'To the console' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
}

/** Requests with the session of the console's page. */
async function ask<Body>(page: Page, method: string, path: string, body?: unknown): Promise<Body> {
  return page.evaluate(
    async ([how, where, what]) => {
      const session = await (await fetch('/api/v1/session')).json()
      const headers = { 'content-type': 'application/json', 'x-csrf-token': session.csrfToken }
      const init = what === undefined ? { method: how, headers } : { method: how, headers, body: what }
      const answer = await fetch(`/api/v1${where}`, init)
      return answer.status === 204 ? undefined : answer.json()
    },
    [method, path, body === undefined ? undefined : JSON.stringify(body)] as const,
  ) as Promise<Body>
}

async function phone(browser: Browser, owner: Page, origin: string, name: string): Promise<PhonePage> {
  const user = name.split(' ')[0]!.toLowerCase()
  await ask(owner, 'POST', '/users', { name: user, displayName: name })
  const invite = await ask<{ token: string }>(owner, 'POST', '/invites', { user })
  return PhonePage.joined(await openPage(browser, origin), `${origin}/j#${invite.token}`, name)
}

const lan = await Lan.create({ hosts: ['pi', 'desk', 'hall'], names: { 'lanline.local': 'pi' } })
try {
  const daemon = new Daemon(lan.host('pi'))
  await daemon.start()
  const trusted = [daemon.authorityFile]
  const desk = await startChromium(lan.host('desk'), { hertz: 440, colour: 'red', trusted })
  const hall = await startChromium(lan.host('hall'), { hertz: 700, colour: 'blue', trusted })
  const page = await openPage(desk, daemon.origin)
  await firstVisit(page, `${daemon.origin}/admin/`)
  const admin = `${daemon.origin}/admin/`

  const mia = await phone(hall, page, daemon.origin, 'Mia Brandt')
  const ben = await phone(hall, page, daemon.origin, 'Ben Okafor')
  await ask(page, 'POST', '/users', { name: 'workshop', displayName: 'Workshop', sipPassword: 'long enough' })
  await ask(page, 'POST', '/invites', { staySeconds: 86_400 })
  const gus = await PhonePage.open(await openPage(hall, daemon.origin), daemon.origin)
  await gus.askToJoin('Gus Lindqvist')
  await mia.callAudio('Ben Okafor')
  await ben.rings('Mia Brandt')
  await ben.accept()
  await mia.inCall()
  await pause(6_000)
  await mia.hangUp()
  await ben.ready()
  await ben.callVideo('Mia Brandt')
  await mia.rings('Ben Okafor')
  await mia.accept()
  await ben.inCall()
  await pause(4_000)

  await open(page, admin, 'Home')
  await take(page, 'home')
  await open(page, `${admin}people`, 'People')
  await take(page, 'people')
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByRole('button', { name: 'Make a link' }).click()
  await page.getByRole('img', { name: 'QR code of the invitation' }).waitFor()
  await take(page, 'invite')
  await open(page, `${admin}people/mia`, 'Mia Brandt')
  await take(page, 'person')
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await page.getByRole('dialog').waitFor()
  await take(page, 'remove')
  await page.goto(`${admin}calls`)
  await page.getByRole('heading', { level: 1, name: 'Calls' }).waitFor()
  await pause(1_000)
  await take(page, 'calls')
  const { calls } = await ask<{ calls: { id: string; endedAt?: number }[] }>(page, 'GET', '/calls?limit=5')
  const over = calls.find(call => call.endedAt !== undefined)!
  await page.goto(`${admin}calls/${over.id}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await pause(2_000)
  await take(page, 'call')
  await page.goto(`${admin}help`)
  await page.getByRole('heading', { level: 1, name: 'Help' }).waitFor()
  await pause(1_000)
  await take(page, 'help')
  await open(page, `${admin}settings`, 'Settings')
  await take(page, 'settings')
  await page.context().clearCookies()
  await page.goto(admin)
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  await take(page, 'login')
} finally {
  lan.remove()
}
process.exit(0)
