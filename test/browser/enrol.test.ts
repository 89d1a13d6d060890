/** From an appliance that belongs to nobody to a house with guests, by what is on the pages. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPage, startChromium } from '../net/chromium.ts'
import { ConsolePage, scan } from '../net/console-page.ts'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'

describeWith(['namespaces', 'chromium', 'certutil', 'zbarimg'], 'a new house', () => {
  let lan: Lan
  let daemon: Daemon
  let browsers: readonly Browser[]
  let owner: ConsolePage
  let ownersPhone: PhonePage
  let door: string
  let usedLink: string

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'one', 'two'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    door = `http://${lan.host('pi').address}`
    const trusted = [daemon.authorityFile]
    browsers = await Promise.all(
      (['one', 'two'] as const).map(name =>
        startChromium(lan.host(name), { hertz: 440, colour: 'red', trusted }),
      ),
    )
  })
  afterAll(() => lan?.remove())

  /** A person who has never been here: a browser context of its own. */
  const newcomer = (browser = browsers[1]!): Promise<Page> =>
    openPage(browser, `https://${lan.host('pi').address}`)

  it('is claimed without a code from its own network; of two browsers at once one becomes the owner', async () => {
    const pages = await Promise.all(
      browsers.map(async browser => {
        const page = await openPage(browser, daemon.origin)
        // Whatever one types, the door leads to the claim.
        await page.goto('http://lanline.local/')
        await page.waitForURL(`${daemon.origin}/admin/`)
        return new ConsolePage(page)
      }),
    )
    await Promise.all(pages.map((page, index) => page.fillClaim(`Owner ${index}`)))
    await Promise.all(pages.map(page => page.submitClaim()))
    const mine = await Promise.all(pages.map(page => page.isMine()))
    expect([...mine].sort()).toEqual([false, true])
    const loser = pages[mine.indexOf(false)]!
    await loser.page
      .getByRole('alert')
      .filter({ hasText: /has an owner already/i })
      .waitFor()
    await loser.page.getByRole('button', { name: 'To the login' }).click()
    await loser.page.getByRole('button', { name: 'Log in' }).waitFor()
    owner = pages[mine.indexOf(true)]!
    const tab = await owner.page.context().newPage()
    ownersPhone = await PhonePage.open(tab, `${daemon.origin}/`)
    await ownersPhone.ready()
  })

  it('an invitation, scanned as a code, leads through the door to a registered phone within 10 s', async () => {
    const link = await owner.invite()
    expect(link).toMatch(new RegExp(`^${door}/j#`))
    const began = performance.now()
    const phone = await PhonePage.joined(await newcomer(), link, 'Dora')
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(phone.page.url()).toBe(`https://${lan.host('pi').address}/`)
    await ownersPhone.seesPerson('Dora', /Available/)
    usedLink = link
    // Used up: the next who opens it is told, and may ask instead.
    const late = await PhonePage.open(await newcomer(), link)
    await late.page.getByText('This invite link was used already').waitFor()
    await late.page.getByRole('button', { name: 'Ask to join' }).waitFor()
    // Whose device it is already loses nothing by a link, nor does the link.
    const other = await owner.inviteFor(3_600)
    await phone.page.goto(other)
    await phone.says(/^This device has joined already, so the invite link was not used\./)
    await phone.ready()
    expect(await owner.isGood(other)).toBe(true)
  })

  it('an altered and an expired invitation get a page that says so', async () => {
    const link = await owner.invite()
    const altered = await PhonePage.open(await newcomer(), link.slice(0, -2))
    await altered.page.getByText('This invite link is not known here').waitFor()
    // Not even a text that can be decoded, and one longer than any invitation.
    for (const token of ['%', 'x'.repeat(300)]) {
      const broken = await PhonePage.open(await newcomer(), `${door}/j#${token}`)
      await broken.page.getByText('This invite link is not known here').waitFor()
    }
    // A good one scanned into the same tab changes nothing but the fragment.
    await altered.page.evaluate(token => {
      location.hash = token
    }, link.split('#')[1]!)
    await altered.page.getByRole('heading', { name: /^You are invited to/ }).waitFor()
    const short = await owner.inviteFor(1)
    await until('it has expired', async () => !(await owner.isGood(short)))
    const expired = await PhonePage.open(await newcomer(), short)
    await expired.page.getByText('This invite link has expired').waitFor()
  })

  it('the code on the fridge: somebody asks, the owner’s phone says so and lets them in for the evening', async () => {
    const guest = await PhonePage.open(await newcomer(), `${door}/j`)
    await guest.askToJoin('Gustav')
    await guest.page.reload()
    await guest.page.getByRole('heading', { name: 'Waiting for the owner' }).waitFor()
    await ownersPhone.page.getByText('Gustav asks to join').waitFor()
    await until('the tab says so', async () => (await ownersPhone.page.title()).includes('(1 at the door)'))
    await ownersPhone.press('Allow Gustav until tonight')
    await guest.ready()
    await guest.page.getByText(/^You are a guest here until/).waitFor()
    // A guest sees whom the owner marked, which is the owner themselves.
    await guest.seesPerson(/Owner [01]/, /Available/)
    expect(await guest.page.getByText('Dora').count()).toBe(0)
    await ownersPhone.seesPerson('Gustav', /Available/)
    await owner.page.getByText(/guest until/).waitFor()
  })

  it('during a call the owner sees quietly that somebody is at the door, and whom they keep for good knows at once', async () => {
    await ownersPhone.callAudio('Echo test')
    await ownersPhone.inCall()
    const guest = await PhonePage.open(await newcomer(), `${door}/j`)
    await guest.askToJoin('Hanna')
    await ownersPhone.press('Somebody is at the door')
    await ownersPhone.press('Allow Hanna for the weekend')
    await guest.ready()
    await ownersPhone.page.getByRole('dialog').waitFor({ state: 'hidden' })
    await ownersPhone.inCall()
    await ownersPhone.hangUp()
    await guest.page.getByText(/^You are a guest here until/).waitFor()
    expect(await guest.page.getByText('Dora').count()).toBe(0)
    await owner.keep('Hanna')
    await guest.page.getByText(/^You are a guest here until/).waitFor({ state: 'hidden' })
    await guest.seesPerson('Dora', /Available/)
  })

  it('who is turned away is told, though they came by a link that was used up', async () => {
    const page = await PhonePage.open(await newcomer(), usedLink)
    await page.askToJoin('Eve')
    const waits = page.page.getByRole('heading', { name: 'Waiting for the owner' })
    await until('what came up has the focus', () => waits.evaluate(title => title === document.activeElement))
    await ownersPhone.press('No, do not let Eve in')
    await page.page.getByText('The owner said no').waitFor()
  })

  it('who is in adds a second device of their own by a code, without the owner', async () => {
    const link = await owner.invite()
    const first = await PhonePage.joined(await newcomer(), link, 'Mona')
    await first.press('My devices')
    const dialog = first.page.getByRole('dialog', { name: 'My devices' })
    await dialog.getByText('Add another phone or computer').click()
    await dialog.getByRole('button', { name: 'Show a code' }).click()
    const scanned = scan(
      await dialog.getByRole('img', { name: 'Code for another device of yours' }).screenshot(),
    )
    expect(scanned).toMatch(new RegExp(`^${door}/j#`))
    const second = await PhonePage.open(await newcomer(browsers[0]!), scanned)
    await second.page.getByText('This will be a device of Mona').waitFor()
    await second.join()
    await dialog.getByText(/ is one of your devices now\.$/).waitFor()
    expect(await dialog.getByRole('listitem').count()).toBe(2)
    expect(await second.page.getByRole('button', { name: 'Call Mona' }).count()).toBe(0)
  })

  it('one sees, names and removes one’s own devices', async () => {
    const second = await PhonePage.joined(
      await newcomer(),
      await owner.inviteFor(3_600, 'owner-0', 'owner-1'),
      'Tablet',
    )
    await ownersPhone.press('My devices')
    const dialog = ownersPhone.page.getByRole('dialog', { name: 'My devices' })
    await dialog.getByText('This device').waitFor()
    await dialog.getByText('Add a SIP phone or app').click()
    await dialog.getByRole('textbox', { name: 'Name of the device' }).fill('Desk phone')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    const typed = dialog.getByRole('status', { name: 'Or type this into a phone' })
    await typed.getByText(/^[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{5}$/).waitFor()
    await dialog.getByRole('button', { name: 'Remove Desk phone' }).click()
    await dialog.getByRole('alert').getByRole('button', { name: 'Remove' }).click()
    await typed.waitFor({ state: 'detached' })
    await until('two are left', async () => (await dialog.getByRole('listitem').count()) === 2)
    const names = await dialog.getByRole('listitem').allTextContents()
    expect(names).toHaveLength(2)
    await dialog.getByRole('button', { name: /^Remove / }).click()
    await dialog.getByRole('alert').getByRole('button', { name: 'Remove' }).click()
    await second.page.getByText('This device was removed').waitFor()
    await until('one is left', async () => (await dialog.getByRole('listitem').count()) === 1)
  })
})
