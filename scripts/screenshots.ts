/**
 * Every page of the console and of the phone as it looks on a phone and on a desk, light and dark, with what axe finds in
 * it (`camera.ts`). Started by `screenshots <directory>`; further arguments are names of pages, to take only those. Ends
 * with 1 where somebody is kept out. Long because it is one walk: each picture needs what was done before it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { openPage, startChromium } from '../test/net/chromium.ts'
import { ConsolePage } from '../test/net/console-page.ts'
import { Daemon } from '../test/net/daemon.ts'
import { Lan } from '../test/net/lan.ts'
import { PhonePage } from '../test/net/phone-page.ts'
import { pause } from '../test/net/wait.ts'
import { makeChain } from '../test/tls/own-certificate.ts'
import { Camera } from './camera.ts'
import { makeImageRoot, signedUpdate } from './image-root.ts'

const [directory = 'test-output/screenshots', ...only] = process.argv.slice(2)
const patience = { timeout: 20_000 }

const lan = await Lan.create({ hosts: ['pi', 'desk', 'hall', 'garden'], names: { 'lanline.local': 'pi' } })
/** A second network, which the first one does not reach: calls between the two go through the relay. */
const otherNetwork = 'vlan20'
await lan.join('pi', 'eth0.20', otherNetwork)

async function open(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(path)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor({ timeout: 20_000 })
  await page
    .locator('.skeleton')
    .first()
    .waitFor({ state: 'detached', timeout: 20_000 })
    .catch(() => {})
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

/** One house from its first minute to its last, with a stop at every page. */
class House {
  readonly #camera: Camera
  readonly #hall: Browser
  readonly #desk: Browser
  readonly #daemon: Daemon
  readonly #admin: string
  #page!: Page

  constructor(camera: Camera, desk: Browser, hall: Browser, daemon: Daemon) {
    this.#camera = camera
    this.#desk = desk
    this.#hall = hall
    this.#daemon = daemon
    this.#admin = `${daemon.origin}/admin/`
  }

  async walk(): Promise<void> {
    this.#page = await openPage(this.#desk, this.#daemon.origin)
    this.#page.on('requestfailed', one => {
      const why = one.failure()?.errorText ?? ''
      if (why !== 'net::ERR_ABORTED') console.log(`screenshots: ${one.url()}: ${why}`)
    })
    await this.#firstVisit()
    await this.#door()
    await this.#nothingYet()
    const [mia, ben] = await this.#moveIn()
    await this.#calls(mia, ben)
    await this.#relayedCall(mia, ben)
    await this.#phoneSheets(mia)
    await this.#console()
    await this.#people()
    await this.#help()
    await this.#settings()
    await this.#wrongAddressesAndErrors()
    await this.#endings(mia, ben)
  }

  async #take(page: Page, name: string): Promise<void> {
    await this.#camera.take(page, name)
  }

  async #firstVisit(): Promise<void> {
    const page = this.#page
    const stranger = await openPage(this.#hall, this.#daemon.origin)
    await stranger.goto(this.#daemon.origin)
    await stranger.getByRole('link', { name: 'Set it up' }).waitFor(patience)
    await this.#take(stranger, 'phone-unclaimed')
    await stranger.context().close()
    await page.goto(this.#admin)
    const console = new ConsolePage(page)
    await page.getByRole('button', { name: 'Make it mine' }).waitFor(patience)
    await this.#take(page, 'visit-1-claim')
    await console.fillClaim('Olivia Brandt', 'Mill Lane 4')
    await console.submitClaim()
    await page.getByText('It is yours now').waitFor(patience)
    await this.#take(page, 'visit-2-trust')
    await page.getByRole('button', { name: 'Continue' }).click()
    await this.#take(page, 'visit-3-names')
    await page.getByRole('button', { name: 'Show names' }).click()
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    await this.#take(page, 'visit-4-phones')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('link', { name: 'Test with echo' }).waitFor()
    await this.#take(page, 'visit-5-test')
    await page.getByRole('button', { name: 'To the console' }).click()
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  }

  /** As somebody sees it who trusts nothing yet. */
  async #door(): Promise<void> {
    const garden = await startChromium(lan.host('garden'), { hertz: 900, colour: 'green' })
    const page = await openPage(garden, this.#daemon.origin)
    await page.goto(this.#daemon.origin.replace('https:', 'http:'))
    await page.getByRole('heading', { level: 1 }).waitFor(patience)
    await this.#take(page, 'door')
    await garden.close()
  }

  async #nothingYet(): Promise<void> {
    await open(this.#page, this.#admin, 'Home')
    await this.#take(this.#page, 'home-new')
    await open(this.#page, `${this.#admin}calls`, 'Calls')
    await this.#take(this.#page, 'calls-empty')
  }

  async #moveIn(): Promise<[PhonePage, PhonePage]> {
    const page = this.#page
    const { origin } = this.#daemon
    const invited = await this.#invited('Mia Brandt')
    await this.#take(invited.page, 'phone-invited')
    await invited.join()
    const ben = await this.#invited('Ben Okafor', this.#desk)
    await ben.join()
    await ask(page, 'POST', '/users', {
      name: 'workshop',
      displayName: 'Workshop',
      sipPassword: 'long enough',
    })
    await ask(page, 'POST', '/invites', { staySeconds: 86_400 })
    const gus = await PhonePage.open(await openPage(this.#hall, origin), origin)
    await gus.page.getByRole('textbox', { name: 'Your name' }).waitFor(patience)
    await this.#take(gus.page, 'phone-join')
    await gus.askToJoin('Gus Lindqvist')
    await this.#take(gus.page, 'phone-waiting')
    const own = await PhonePage.open(await page.context().newPage(), origin)
    await own.ready()
    await own.page.getByRole('region', { name: 'At the door' }).waitFor(patience)
    await this.#take(own.page, 'phone-door')
    const second = await own.page.context().newPage()
    await second.goto(origin)
    await second.getByRole('button', { name: 'Use here' }).waitFor(patience)
    await this.#take(second, 'phone-other-tab')
    await second.close()
    await own.page.close()
    return [invited, ben]
  }

  /** With an invitation in hand, the name given. */
  async #invited(name: string, browser = this.#hall): Promise<PhonePage> {
    const user = name.split(' ')[0]!.toLowerCase()
    await ask(this.#page, 'POST', '/users', { name: user, displayName: name })
    const { token } = await ask<{ token: string }>(this.#page, 'POST', '/invites', { user })
    const { origin } = this.#daemon
    const phone = await PhonePage.open(await openPage(browser, origin), `${origin}/j#${token}`)
    await phone.page.getByRole('button', { name: 'Join', exact: true }).waitFor(patience)
    return phone
  }

  async #calls(mia: PhonePage, ben: PhonePage): Promise<void> {
    await mia.seesPerson('Ben Okafor', /Available/)
    await this.#take(mia.page, 'phone-home')
    await mia.callAudio('Ben Okafor')
    await ben.rings('Mia Brandt')
    await this.#take(mia.page, 'phone-calling')
    await ben.accept()
    await mia.inCall()
    await this.#take(mia.page, 'phone-call')
    await mia.page.getByRole('button', { name: /^Media path: direct/ }).click()
    await mia.page.getByRole('dialog').waitFor()
    await this.#take(mia.page, 'phone-facts')
    await mia.press('Close')
    await mia.press('Devices')
    await mia.page.getByRole('dialog').waitFor()
    await this.#take(mia.page, 'phone-call-devices')
    await mia.press('Close')
    await pause(3_000)
    await mia.hangUp()
    await ben.ready()
    await ben.callAudio('Mia Brandt')
    await mia.rings('Ben Okafor')
    await mia.decline()
    await ben.page.getByText('Mia Brandt declined.').waitFor(patience)
    await this.#take(ben.page, 'phone-declined')
    await ben.callVideo('Workshop')
    await ben.ready()
    await ben.callVideo('Mia Brandt')
    await mia.rings('Ben Okafor')
    await this.#take(mia.page, 'phone-incoming')
    await mia.accept()
    await ben.inCall()
    await pause(2_000)
    await this.#take(ben.page, 'phone-video')
    await open(this.#page, this.#admin, 'Home')
    await this.#take(this.#page, 'home')
    await pause(2_000)
    await ben.hangUp()
    await mia.ready()
    await mia.callAudio('Ben Okafor')
    await ben.rings('Mia Brandt')
    await mia.press('Cancel call')
    await ben.page.getByRole('region', { name: 'Missed calls' }).waitFor(patience)
    await this.#take(ben.page, 'phone-missed')
  }

  /** Between two networks that do not reach each other. */
  async #relayedCall(mia: PhonePage, ben: PhonePage): Promise<void> {
    await lan.move('garden', otherNetwork)
    const trusted = [this.#daemon.authorityFile]
    const garden = await startChromium(lan.host('garden'), { hertz: 900, colour: 'green', trusted })
    const ada = await this.#invited('Ada Brandt', garden)
    await ada.join()
    await mia.seesPerson('Ada Brandt', /Available/)
    await mia.callAudio('Ada Brandt')
    await ada.rings('Mia Brandt')
    await ada.accept()
    const badge = mia.page.getByRole('button', { name: /^Media path: relayed/ })
    await badge.waitFor(patience)
    await this.#take(mia.page, 'phone-relayed')
    await badge.click()
    await mia.page.getByRole('dialog').waitFor()
    await this.#take(mia.page, 'phone-relayed-facts')
    await mia.press('Close')
    await open(this.#page, this.#admin, 'Home')
    await this.#page.getByText('relayed', { exact: true }).waitFor(patience)
    await this.#take(this.#page, 'home-relayed')
    await mia.press('Transfer Ada Brandt to somebody else')
    await mia.page.getByRole('dialog').waitFor()
    await this.#take(mia.page, 'phone-transfer')
    await mia.press('Ben Okafor Available')
    await ben.rings('Ada Brandt')
    await ada.page.getByRole('button', { name: 'Stay with Mia Brandt' }).waitFor(patience)
    await this.#take(ada.page, 'phone-transferred')
    await ben.decline()
    await mia.page.getByText('Ben Okafor declined.').waitFor(patience)
    await mia.press('Transfer Ada Brandt to somebody else')
    await mia.press('Ask first: Ben Okafor')
    await ben.rings('Mia Brandt')
    await ben.accept()
    await mia.page.getByRole('button', { name: 'Connect Ada Brandt and Ben Okafor' }).waitFor(patience)
    await ada.page.getByText('Mia Brandt has put you on hold: they do not hear you.').waitFor(patience)
    await this.#take(mia.page, 'phone-asking')
    await this.#take(ada.page, 'phone-on-hold')
    await mia.press('Back to Ada Brandt: hang up on Ben Okafor')
    await mia.hangUp()
    await mia.ready()
    await garden.close()
  }

  async #phoneSheets(mia: PhonePage): Promise<void> {
    const { page } = mia
    const dialog = page.getByRole('dialog')
    await mia.press('All calls')
    await dialog.getByText(/relayed/).waitFor(patience)
    await this.#take(page, 'phone-history')
    await mia.press('Close')
    await mia.press('This phone')
    await this.#take(page, 'phone-settings')
    await mia.press('Close')
    await page.getByRole('button', { name: /^Quiet hours/ }).click()
    for (const day of ['Friday', 'Saturday']) await page.getByRole('checkbox', { name: day }).uncheck()
    await this.#take(page, 'phone-quiet')
    await mia.press('Close')
    await mia.press('This phone')
    await page.getByRole('switch', { name: 'Wall phone' }).click()
    await mia.press('Close')
    await this.#take(page, 'phone-wall')
    await mia.press('This phone')
    await page.getByRole('switch', { name: 'Wall phone' }).click()
    await mia.press('Close')
    await mia.press('My devices')
    await dialog.getByRole('listitem').first().waitFor(patience)
    await this.#take(page, 'phone-devices')
    await page.getByText('Add another phone or computer').click()
    await mia.press('Show a code')
    await dialog.getByRole('img', { name: 'Code for another device of yours' }).waitFor(patience)
    await this.#take(page, 'phone-add')
    await mia.press('Close')
    await mia.press('My devices')
    await page.getByText('Add a SIP phone or app').click()
    await dialog.getByRole('textbox', { name: 'Name of the device' }).fill('Desk phone')
    await mia.press('Add')
    await dialog.getByText('Or type this into a phone').waitFor(patience)
    await this.#take(page, 'phone-softphone')
    await mia.press('Close')
    await mia.press('Check my connection')
    await this.#take(page, 'phone-check')
    await mia.press('Start the check')
    await mia.checked()
    await this.#take(page, 'phone-checked')
    await mia.press('Back')
  }

  async #console(): Promise<void> {
    const page = this.#page
    await page.goto(`${this.#admin}calls`)
    await page
      .getByRole('link', { name: /Mia.*Ben/ })
      .first()
      .waitFor(patience)
    await this.#take(page, 'calls')
    await page.goto(`${this.#admin}calls?missed=1`)
    await page
      .getByRole('button', { name: 'Clear' })
      .first()
      .waitFor(patience)
      .catch(() => {})
    await pause(500)
    await this.#take(page, 'calls-filtered')
    await page.goto(`${this.#admin}calls?person=workshop&path=direct`)
    await page.getByText('No call fits this filter.').waitFor(patience)
    await this.#take(page, 'calls-none')
    const { calls } = await ask<{ calls: { id: string; answeredAt?: number; calleeUser: string }[] }>(
      page,
      'GET',
      '/calls?limit=20',
    )
    const over = calls.filter(({ answeredAt }) => answeredAt != null)
    const first = over.filter(({ calleeUser }) => calleeUser === 'ben').at(-1)!
    const relayed = over.find(({ calleeUser }) => calleeUser === 'ada')!
    for (const [name, { id }] of [
      ['call', first],
      ['call-relayed', relayed],
    ] as const) {
      await page.goto(`${this.#admin}calls/${id}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByRole('heading', { name: 'Which way the media went' }).waitFor(patience)
      await pause(2_000)
      if (name === 'call') await this.#take(page, 'call')
      else await this.#take(page, 'call-relayed')
    }
    const ledger = page.getByRole('region', { name: 'Relay', exact: true })
    await this.#camera.take(page, 'call-relayed-ledger', ledger)
  }

  async #people(): Promise<void> {
    const page = this.#page
    await open(page, `${this.#admin}people`, 'People')
    await this.#take(page, 'people')
    await page.getByRole('button', { name: 'Invite', exact: true }).click()
    await page.getByRole('button', { name: 'Make a link' }).click()
    await page.getByRole('img', { name: 'QR code of the invitation' }).waitFor()
    await this.#take(page, 'invite')
    await open(page, `${this.#admin}people/mia`, 'Mia Brandt')
    await this.#take(page, 'person')
    await page.getByRole('button', { name: 'SIP phone or app' }).click()
    await page.getByLabel('What is it called?').fill('Hall phone')
    await page.getByRole('button', { name: 'Make settings' }).click()
    await page.getByRole('dialog').getByRole('img').waitFor(patience)
    await this.#take(page, 'softphone')
    await open(page, `${this.#admin}people/mia`, 'Mia Brandt')
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('dialog').waitFor()
    await this.#take(page, 'remove')
  }

  async #help(): Promise<void> {
    const page = this.#page
    await open(page, `${this.#admin}help`, 'Help')
    await pause(500)
    await this.#take(page, 'help')
    await open(page, `${this.#admin}help?person=workshop`, 'Help')
    await page.getByText('What to do').first().waitFor(patience)
    await this.#take(page, 'help-answer')
  }

  async #settings(): Promise<void> {
    const page = this.#page
    await open(page, `${this.#admin}settings`, 'Settings')
    await pause(500)
    await this.#take(page, 'settings')
    const { leaf, intermediate, key } = makeChain({ names: ['phone.mill-lane.example'] })
    await page.getByText('Use a certificate of your own').click()
    const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
    await page.getByLabel('Certificate (PEM)').setInputFiles(file('fullchain.pem', leaf + intermediate))
    await page.getByLabel('Private key (PEM)').setInputFiles(file('key.pem', key))
    await page.getByRole('button', { name: 'Look through it' }).click()
    await page.getByRole('button', { name: 'Use it' }).waitFor(patience)
    const card = page.getByRole('region', { name: 'Certificate', exact: true })
    await this.#camera.take(page, 'settings-certificate', card)
    await page.getByRole('button', { name: 'Use it' }).click()
    await card.getByRole('region', { name: 'Your certificate' }).waitFor(patience)
    await page.getByText('Your certificate is in use.').waitFor({ ...patience, state: 'detached' })
    await this.#camera.take(page, 'settings-certificate-own', card)
    await this.#updateAndRestore()
  }

  async #updateAndRestore(): Promise<void> {
    const page = this.#page
    const update = page.getByRole('region', { name: 'Version and update' })
    await this.#camera.take(page, 'settings-update', update)
    const bundle = {
      name: 'lanline-0.2.0.update',
      mimeType: 'application/octet-stream',
      buffer: signedUpdate(),
    }
    await update.getByLabel('Update file').setInputFiles(bundle)
    await update.getByRole('button', { name: 'Upload and look into it' }).click()
    await update.getByRole('button', { name: 'Install' }).waitFor(patience)
    await this.#camera.take(page, 'settings-update-ready', update)
    await update.getByRole('button', { name: 'Install' }).click()
    await page.getByRole('dialog').waitFor()
    await this.#camera.take(page, 'settings-update-install', page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await update.getByRole('button', { name: 'Cancel' }).click()
    const backup = page.getByRole('region', { name: 'Backup and restore' })
    await backup.getByLabel('Passphrase', { exact: true }).fill('three words and one')
    const saved = page.waitForEvent('download')
    await backup.getByRole('button', { name: 'Download a backup' }).click()
    const path = await (await saved).path()
    await backup.getByText('Restore a backup').click()
    await backup.getByLabel('Backup file').setInputFiles(path)
    await backup.getByLabel('Passphrase of the backup').fill('three words and one')
    await backup.getByRole('button', { name: 'Look into it' }).click()
    await backup.getByRole('button', { name: 'Restore', exact: true }).waitFor(patience)
    await this.#camera.take(page, 'settings-restore', backup)
    await backup.getByRole('button', { name: 'Restore', exact: true }).click()
    await page.getByRole('dialog').waitFor()
    await this.#camera.take(page, 'settings-restore-confirm', page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await backup.getByRole('button', { name: 'Cancel' }).click()
  }

  async #wrongAddressesAndErrors(): Promise<void> {
    const page = this.#page
    await page.goto(`${this.#admin}people/nobody`)
    await page.getByRole('heading', { level: 1 }).waitFor(patience)
    await this.#take(page, 'person-unknown')
    await page.goto(`${this.#admin}nowhere`)
    await page.getByRole('heading', { level: 1 }).waitFor(patience)
    await this.#take(page, 'not-found')
    // What a full disk or a fault inside brings.
    const fail = (url: URL) => url.pathname.startsWith('/api/v1/calls')
    await page.route(fail, route =>
      route.fulfill({
        status: 500,
        json: { error: { code: 'failed', message: 'this did not work; the log of lanline says why' } },
      }),
    )
    await page.goto(`${this.#admin}calls`)
    await page.getByRole('button', { name: 'Try again' }).waitFor(patience)
    await this.#take(page, 'calls-error')
    await page.unroute(fail)
  }

  async #endings(mia: PhonePage, ben: PhonePage): Promise<void> {
    const page = this.#page
    await ask(page, 'PATCH', '/users/ben', { password: 'correct horse battery' })
    const devices = await ask<{ id: string; user: string }[]>(page, 'GET', '/devices')
    for (const { id } of devices.filter(({ user }) => user === 'ben'))
      await ask(page, 'DELETE', `/devices/${id}`)
    await ben.page.getByText('This device was removed').waitFor(patience)
    await this.#take(ben.page, 'phone-removed')
    const member = await openPage(this.#hall, this.#daemon.origin)
    await member.goto(this.#admin)
    await member.getByRole('button', { name: 'Log in' }).waitFor(patience)
    await this.#take(member, 'login')
    await member.getByLabel('Name').fill('ben')
    await member.getByLabel('Password').fill('wrong horse battery')
    await member.getByRole('button', { name: 'Log in' }).click()
    await member.getByRole('alert').filter({ hasText: /\S/ }).waitFor(patience)
    await this.#take(member, 'login-wrong')
    await member.getByLabel('Password').fill('correct horse battery')
    await member.getByRole('button', { name: 'Log in' }).click()
    await member.getByRole('heading', { level: 1, name: 'Calls' }).waitFor(patience)
    await pause(500)
    await this.#take(member, 'member')
    await open(page, this.#admin, 'Home')
    page.removeAllListeners('requestfailed')
    await this.#daemon.kill()
    await page.getByText('Connection to lanline lost.').waitFor(patience)
    await this.#take(page, 'home-lost')
    await mia.page.getByText('Connection lost. Reconnecting…').waitFor(patience)
    await this.#take(mia.page, 'phone-lost')
    await this.#newOwner()
  }

  /** By a file on the card, when nobody knows the password any more. */
  async #newOwner(): Promise<void> {
    writeFileSync(join(this.#daemon.dataDirectory, 'reset-owner'), '')
    await this.#daemon.start()
    const page = await openPage(this.#hall, this.#daemon.origin)
    await page.goto(this.#admin)
    await page.getByRole('heading', { name: 'Whose is it now?' }).waitFor(patience)
    await this.#take(page, 'visit-reset')
    const console = new ConsolePage(page)
    await console.fillClaim('Olivia Brandt', 'Mill Lane 4')
    await console.submitClaim()
    await page.getByText('It is yours now').waitFor(patience)
    await console.skipVisit()
    await page.getByText('changed by a file on the card').first().waitFor(patience)
    await this.#take(page, 'home-reset')
  }
}

try {
  const environment = makeImageRoot(join(lan.directory, 'image'))
  const daemon = new Daemon(lan.host('pi'), {}, { environment })
  await daemon.start()
  const trusted = [daemon.authorityFile]
  const desk = await startChromium(lan.host('desk'), { hertz: 440, colour: 'red', trusted })
  const hall = await startChromium(lan.host('hall'), { hertz: 700, colour: 'blue', trusted })
  const camera = await Camera.load(directory, only, desk)
  const house = new House(camera, desk, hall, daemon)
  await house.walk()
  for (const barrier of camera.barriers) console.log(`screenshots: ${barrier}`)
  console.log(`screenshots: ${camera.pictures} pictures, ${camera.barriers.length} barriers`)
  process.exitCode = camera.barriers.length > 0 ? 1 : 0
} finally {
  lan.remove()
}
process.exit()
