/**
 * The console by keyboard alone: claimed, a person added, a call found, opened and taken away. At every step the focus is
 * somewhere, can be seen, and what changes by itself is in a live region.
 */
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPage, startChromium } from '../net/chromium.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'

const patience = { timeout: 20_000 }
/** No page has more stops than this between two things. */
const mostStops = 60

describeWith(['namespaces', 'chromium', 'certutil'], 'the console by keyboard', () => {
  let lan: Lan
  let daemon: Daemon
  let desk: Browser
  let page: Page
  /** Places where the focus could not be seen, or was nowhere. */
  const lost: string[] = []

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'desk'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    desk = await startChromium(lan.host('desk'), {
      hertz: 440,
      colour: 'red',
      trusted: [daemon.authorityFile],
    })
    page = await openPage(desk, daemon.origin)
  })
  afterAll(() => lan?.remove())

  const heading = (name: string) => page.getByRole('heading', { level: 1, name })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const link = (name: string | RegExp) => page.getByRole('link', { name, exact: true })
  const isFocused = (locator: Locator) =>
    locator.evaluateAll(all => all.some(one => one === document.activeElement))
  const focusIsOn = (locator: Locator) =>
    until('the focus is there', () => isFocused(locator), { seconds: 10 })

  /** What has the focus, and whether somebody who looks can tell. */
  async function look(after: string): Promise<void> {
    const { what, seen } = await page.evaluate(() => {
      const element = document.activeElement
      if (element === null || element === document.body) return { what: 'nothing', seen: false }
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const { top, bottom, width, height } = element.getBoundingClientRect()
      const inSight = width > 0 && height > 0 && bottom > 0 && top < innerHeight
      const ring = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
      const what = `${element.localName} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`
      // A row of the ladder is drawn, and so is its frame.
      const frame = element.querySelector('.f')
      const isFramed = frame !== null && getComputedStyle(frame).stroke !== 'none'
      return { what, seen: inSight && (ring || isFramed) }
    })
    if (!seen) lost.push(`${after}: ${what}`)
  }

  async function press(key: string): Promise<void> {
    await page.keyboard.press(key)
    // Behind the last stop Tab leaves the page for the browser's own buttons.
    if (!(await page.evaluate(() => document.activeElement === document.body))) await look(key)
  }

  /** Goes on by Tab until it is there, as somebody does who does not see the page. */
  async function tabTo(locator: Locator, key = 'Tab'): Promise<void> {
    await locator.first().waitFor(patience)
    for (let stop = 0; stop < mostStops; stop++) {
      if (await isFocused(locator)) return
      await press(key)
    }
    throw new Error(`no way by ${key} to ${locator}`)
  }

  async function activate(locator: Locator, key = 'Enter'): Promise<void> {
    await tabTo(locator)
    await page.keyboard.press(key)
  }

  async function goTo(name: string): Promise<void> {
    await activate(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }))
    await focusIsOn(heading(name))
    await look(`the page ${name}`)
  }

  it('is claimed, and the first visit goes on from title to title', async () => {
    await page.goto(`${daemon.origin}/admin/`)
    await tabTo(page.getByRole('textbox', { name: /^What is this place called/ }))
    await page.keyboard.type('Test house')
    await press('Tab')
    await page.keyboard.type('Olivia')
    await press('Tab')
    await page.keyboard.type('correct horse battery')
    await page.keyboard.press('Enter')
    const trust = heading('Should your devices trust this appliance?')
    await focusIsOn(trust)
    await look('it was claimed')
    expect(await trust.evaluate(title => title.ariaDescribedByElements?.[0]?.textContent)).toMatch(
      /^It is yours now/,
    )
    for (const [next, title] of [
      ['Continue', 'Show names on the network?'],
      ['Show names', 'Let the others in'],
      ['Continue', 'Try your phone'],
    ] as const) {
      await activate(button(next))
      await focusIsOn(heading(title))
      await look(title)
    }
    await activate(button('To the console'))
    await heading('Home').waitFor(patience)
    expect(lost).toEqual([])
  })

  it('leads past the navigation by its first link', async () => {
    await page.reload()
    await heading('Home').waitFor(patience)
    await press('Tab')
    await focusIsOn(link('Skip to the page'))
    await page.keyboard.press('Enter')
    await press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('main')?.id)).toBe('page')
    expect(lost).toEqual([])
  })

  it('shows what is a button, and which page one is on, also in a person’s own few colours', async () => {
    await page.emulateMedia({ forcedColors: 'active' })
    await goTo('Settings')
    await button('Change password').waitFor(patience)
    const edges = await page.evaluate(() =>
      [...document.querySelectorAll('main .button')].map(one => getComputedStyle(one).borderTopStyle),
    )
    expect(new Set(edges)).toEqual(new Set(['solid']))
    await heading('Settings').focus()
    const marked = page.getByRole('navigation', { name: 'Pages' }).locator('a', { hasText: 'Settings' })
    expect(await marked.evaluate(one => getComputedStyle(one).outlineStyle)).toBe('solid')
    await page.emulateMedia({ forcedColors: 'none' })
    expect(lost).toEqual([])
  })

  it('gives the focus back where a dialog was opened, by Escape and by Cancel', async () => {
    await goTo('People')
    for (const close of ['Escape', 'Cancel']) {
      await activate(button('Add person'))
      const dialog = page.getByRole('dialog', { name: 'Add a person' })
      await dialog.waitFor(patience)
      await focusIsOn(dialog.getByRole('textbox', { name: /^Full name/ }))
      if (close === 'Escape') await page.keyboard.press('Escape')
      else await activate(dialog.getByRole('button', { name: 'Cancel' }))
      await dialog.waitFor({ state: 'detached' })
      await focusIsOn(button('Add person'))
      await look(close)
    }
    expect(lost).toEqual([])
  })

  it('has a place to read from before a link is made that is shown only then', async () => {
    await activate(button('Invite'))
    const dialog = page.getByRole('dialog', { name: 'Invite somebody' })
    const told = dialog.getByRole('status')
    await dialog.waitFor(patience)
    expect(await told.allTextContents()).toEqual([''])
    await activate(dialog.getByRole('button', { name: 'Make a link' }))
    await told.first().filter({ hasText: 'This link is shown only now' }).waitFor(patience)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await focusIsOn(button('Invite'))
    expect(lost).toEqual([])
  })

  it('adds a person, whose page has the focus then; what was done is announced', async () => {
    await activate(button('Add person'))
    await page.keyboard.type('Mia Brandt')
    await activate(page.getByRole('dialog').getByRole('button', { name: 'Add person' }))
    await focusIsOn(heading('Mia Brandt'))
    await look('a person was added')
    await page.getByRole('status').filter({ hasText: 'Mia Brandt was added.' }).waitFor(patience)
    await activate(button('Remove'))
    const dialog = page.getByRole('dialog', { name: 'Remove Mia Brandt?' })
    await dialog.waitFor(patience)
    await press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true)
    await page.keyboard.press('Escape')
    await focusIsOn(button('Remove'))
    expect(lost).toEqual([])
  })

  it('announces who asks to join, and keeps the focus when the answer’s buttons go', async () => {
    await goTo('People')
    const gus = await PhonePage.open(await openPage(desk, daemon.origin), daemon.origin)
    await gus.askToJoin('Gus')
    const region = page.locator('[aria-live="polite"]').filter({ hasText: 'Gus' })
    await region.waitFor(patience)
    await activate(button('Allow Gus'))
    await page.getByText('Nobody is waiting.').waitFor(patience)
    await focusIsOn(page.getByRole('heading', { name: /^Waiting to be let in/ }))
    await look('the answer’s buttons went')
    await gus.ready()
    await gus.callAudio('Echo test')
    await gus.inCall()
    await gus.hangUp()
    await gus.ready()
    expect(lost).toEqual([])
  })

  it('filters calls, opens one, reads its ladder and takes its trace away', async () => {
    await goTo('Calls')
    const row = link(/^Gus.*Echo test/)
    await row.waitFor(patience)
    const missed = page.getByRole('checkbox', { name: 'Missed only' })
    await activate(missed, 'Space')
    await page.getByText('No call fits this filter.').waitFor(patience)
    await focusIsOn(missed)
    await activate(button('Clear filter').first())
    await row.waitFor(patience)
    await focusIsOn(page.getByRole('combobox', { name: 'Person' }))
    await look('the filter was cleared')
    await page.keyboard.type('Gus')
    await page.waitForURL(/person=gus/)
    await activate(row)
    await focusIsOn(heading('Gus → Echo test'))
    await look('the call’s page')
    const rows = page.locator('[data-events][tabindex]')
    await tabTo(rows)
    await page.getByRole('complementary').getByRole('heading', { level: 3 }).waitFor(patience)
    const coming = page.waitForEvent('download', patience)
    await activate(link('Signed trace'))
    expect((await coming).suggestedFilename()).toMatch(/\.json$/)
    await look('a download began')
    await page.goBack()
    await focusIsOn(heading('Calls'))
    await look('back')
    expect(lost).toEqual([])
  })

  it('goes straight to a part of Settings, and stays there when what it asked for takes the place of the form', async () => {
    await goTo('Settings')
    const parts = page.getByRole('navigation', { name: 'On this page' })
    await activate(parts.getByRole('link', { name: 'Backup and restore' }))
    const card = page.getByRole('region', { name: 'Backup and restore' })
    await focusIsOn(card)
    await look('its part')
    expect(page.url()).toBe(`${daemon.origin}/admin/settings#backup`)
    await press('Tab')
    await focusIsOn(card.getByLabel('Passphrase', { exact: true }))
    await page.keyboard.type('three words and one')
    const coming = page.waitForEvent('download')
    await page.keyboard.press('Enter')
    const backup = await (await coming).path()
    await activate(card.getByText('Restore a backup'))
    // A person chooses it in a window of the system’s.
    await card.getByLabel('Backup file').setInputFiles(backup)
    await tabTo(card.getByLabel('Passphrase of the backup'))
    await page.keyboard.type('three words and one')
    await page.keyboard.press('Enter')
    await card.getByRole('status').filter({ hasText: 'The backup is whole' }).waitFor(patience)
    await focusIsOn(card.getByText('Restore a backup'))
    await press('Tab')
    const restore = card.getByRole('button', { name: 'Restore', exact: true })
    await focusIsOn(restore)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Replace everything by this backup?' }).waitFor(patience)
    await page.keyboard.press('Escape')
    await focusIsOn(restore)
    expect(lost).toEqual([])
  })

  it('tells one that is lost where it is, with the way back', async () => {
    const answer = await page.goto(`${daemon.origin}/admin/nowhere`)
    expect(answer?.status()).toBe(404)
    await heading('There is no such page').waitFor(patience)
    await activate(link('To the first page'))
    await focusIsOn(heading('Home'))
    expect(lost).toEqual([])
  })

  it('says aloud that the connection is lost, and leaves the focus where it is', async () => {
    await tabTo(link('All people'))
    await daemon.kill()
    await page.getByRole('status').filter({ hasText: 'Connection to lanline lost.' }).waitFor(patience)
    await focusIsOn(link('All people'))
  })
})
