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

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat] })
    await house.owner.addUser('alice', 'Alice')
    await house.owner.request('PATCH', '/users/alice', { seenByGuests: true })
    alice = await house.phone('Alice', 'alice')
  }, 120_000)
  afterAll(() => house?.remove())

  it('is told before they join until when, and warned once in the call that ends with it; both are told why', async () => {
    const { body } = await house.owner.request('POST', '/invites', { staySeconds: 60 })
    const { token } = JSON.parse(body)
    const page = await openPage(house.browser('bob'), house.daemon.origin)
    gustav = await PhonePage.open(page, `${house.daemon.origin}/j#${token}`)
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
    const { body } = await house.owner.request('POST', '/invites', { staySeconds: 60 })
    const page = await openPage(house.browser('bob'), house.daemon.origin)
    const gina = await PhonePage.joined(page, `${house.daemon.origin}/j#${JSON.parse(body).token}`, 'Gina')
    await gina.seesPerson('Alice', /Available/)
    await page.goto('about:blank')
    await alice.page
      .getByText('Gina')
      .first()
      .waitFor({ ...end, state: 'detached' })
    await page.goto(house.daemon.origin)
    await page.getByRole('heading', { name: 'Your time as a guest is over' }).waitFor(patience)
  }, 120_000)
})
