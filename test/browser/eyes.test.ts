/** Console and phone for whoever reads in letters of twice the size, or asks for more contrast. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { faint } from '../net/axe.ts'
import { openPage } from '../net/chromium.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { cutOff } from '../net/room.ts'
import { pause } from '../net/wait.ts'

const patience = { timeout: 20_000 }
const schemes = ['light', 'dark'] as const

describeWith(['namespaces', 'chromium', 'certutil'], 'who sees less well', () => {
  let house: House
  let console: Page
  let alice: PhonePage
  let bob: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    for (const name of ['Alice', 'Bob']) await house.owner.addUser(name.toLowerCase(), name)
    alice = await house.phone('Alice', 'alice')
    bob = await house.phone('Bob', 'bob')
    await alice.callAudio('Bob')
    await bob.rings('Alice')
    await bob.accept()
    await alice.inCall()
    await alice.hangUp()
    await bob.ready()
    console = await openPage(house.browser('alice'), house.daemon.origin, { width: 390, height: 844 })
    await console.goto(`${house.daemon.origin}/admin/`)
    await console.getByLabel('Name').fill('Olivia Owner')
    await console.getByLabel('Password').fill('correct horse battery')
    await console.getByRole('button', { name: 'Log in' }).click(patience)
    await console.getByRole('heading', { level: 1, name: 'Home' }).waitFor(patience)
  }, 120_000)
  afterAll(() => house?.remove())

  /** Every page of the console, settled. */
  async function eachPage(look: (name: string) => Promise<void>): Promise<void> {
    for (const [path, name] of [
      ['', 'Home'],
      ['people', 'People'],
      ['people/bob', 'Bob'],
      ['calls', 'Calls'],
      ['help', 'Help'],
      ['settings', 'Settings'],
    ] as const) {
      await console.goto(`${house.daemon.origin}/admin/${path}`)
      await console.getByRole('heading', { level: 1, name }).waitFor(patience)
      await console
        .locator('.skeleton')
        .first()
        .waitFor({ ...patience, state: 'detached' })
      await look(name)
      if (name !== 'Calls') continue
      await console.getByRole('link', { name: /^Alice.*Bob/ }).click(patience)
      await console.getByRole('heading', { level: 1, name: /Alice.*Bob/ }).waitFor(patience)
      await console.getByRole('button', { name: 'Show the figures' }).click(patience)
      await look('a call')
    }
  }

  it('has all of the console at 390 pixels in letters of 32: nothing to scroll sideways, nothing cut off', async () => {
    const session = await console.context().newCDPSession(console)
    await session.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } })
    const found: string[] = []
    await eachPage(async name => {
      for (const one of await console.evaluate(cutOff, 32)) found.push(`${name}: ${one}`)
    })
    expect(found).toEqual([])
    // What finds nothing is also seen finding.
    await console.evaluate(() => {
      Object.assign(document.querySelector('h1')!.style, {
        width: '2rem',
        overflow: 'hidden',
        whiteSpace: 'nowrap',
      })
    })
    expect(await console.evaluate(cutOff, 32)).toEqual(['Settings is cut off'])
    await session.send('Page.setFontSizes', { fontSizes: { standard: 16, fixed: 13 } })
  })

  it('who asks for more contrast gets 7 : 1, in console and phone, light and dark', async () => {
    const found: string[] = []
    for (const colorScheme of schemes) {
      await console.emulateMedia({ colorScheme, contrast: 'more', reducedMotion: 'reduce' })
      await eachPage(async name => {
        await pause(200)
        for (const one of await faint(console)) found.push(`${name}, ${colorScheme}: ${one}`)
      })
    }
    for (const { page } of [alice, bob])
      await page.emulateMedia({ contrast: 'more', reducedMotion: 'reduce' })
    const phoneIs = async (name: string) => {
      for (const colorScheme of schemes) {
        await alice.page.emulateMedia({ colorScheme })
        await pause(200)
        for (const one of await faint(alice.page)) found.push(`phone, ${name}, ${colorScheme}: ${one}`)
      }
    }
    await phoneIs('home')
    for (const sheet of ['All calls', 'This phone', 'My devices']) {
      await alice.press(sheet)
      await alice.page.getByRole('dialog').waitFor(patience)
      await phoneIs(sheet)
      await alice.page.keyboard.press('Escape')
    }
    await bob.callAudio('Alice')
    await alice.rings('Bob')
    await phoneIs('incoming')
    await alice.accept()
    await alice.inCall()
    await phoneIs('call')
    await alice.hangUp()
    expect(found).toEqual([])
  })
})
