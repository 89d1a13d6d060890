/** A guest from their invitation to the end of their time, which comes in the middle of a call. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPage } from '../net/chromium.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { describeWith } from '../net/peers.ts'
import { PhonePage } from '../net/phone-page.ts'

const patience = { timeout: 20_000 }
/** The shortest there is, and the ten seconds in which it is noticed that it is over. */
const end = { timeout: 85_000 }

describeWith(['namespaces', 'chromium', 'certutil'], 'a guest', () => {
  let house: House
  let alice: PhonePage
  let gustav: PhonePage
  let gina: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    await house.owner.addUser('alice', 'Alice')
    await house.owner.request('PATCH', '/users/alice', { seenByGuests: true })
    alice = await house.phone('Alice', 'alice')
    const page = await openPage(house.browser('bob'), house.daemon.origin)
    gina = await PhonePage.joined(page, `${house.daemon.origin}/j#${await invitation()}`, 'Gina')
    await gina.seesPerson('Alice', /Available/)
    await page.goto('about:blank')
  }, 120_000)
  afterAll(() => house?.remove())

  async function invitation(): Promise<string> {
    const { body } = await house.owner.request('POST', '/invites', { staySeconds: 60 })
    return JSON.parse(body).token
  }

  it('is told before they join until when, and warned once in the call that ends with it; both are told why', async () => {
    const page = await openPage(house.browser('bob'), house.daemon.origin)
    gustav = await PhonePage.open(page, `${house.daemon.origin}/j#${await invitation()}`)
    await page.getByText(/^You will be a guest until \d/).waitFor(patience)
    const reads = page.locator('p.unseen-text[role=status]')
    expect(await reads.textContent()).toBe('')
    await gustav.giveName('Gustav')
    await gustav.join()
    await reads.getByText(/^Your time as a guest ends at \d/).waitFor(patience)
    await gustav.callAudio('Alice')
    await alice.rings('Gustav')
    await alice.accept()
    await gustav.inCall()
    await page
      .getByRole('main')
      .getByText(/^Your time as a guest ends at \d/)
      .waitFor(patience)
    await alice.page.getByText('Gustav’s time as a guest is over. The call ended with it.').waitFor(end)
    await page.getByRole('heading', { name: 'Your time as a guest is over' }).waitFor(patience)
    await page.getByText(/^Your call with Alice ended with it\. You can ask to join again/).waitFor(patience)
  }, 120_000)

  it('is told so by a page that is opened later, too, until they ask again', async () => {
    const { page } = gustav
    await page.reload()
    await page.getByRole('heading', { name: 'Your time as a guest is over' }).waitFor(patience)
    await gustav.press('Ask again')
    await page.getByRole('button', { name: 'Ask to join' }).waitFor(patience)
    await page.reload()
    await page.getByRole('button', { name: 'Ask to join' }).waitFor(patience)
  })

  it('whose page was closed then is told when it is opened', async () => {
    await alice.page
      .getByText('Gina')
      .first()
      .waitFor({ ...end, state: 'detached' })
    await gina.page.goto(house.daemon.origin)
    await gina.page.getByRole('heading', { name: 'Your time as a guest is over' }).waitFor(patience)
  }, 120_000)
})
