/** Hold where Firefox lets wait, waits, or is asked first; and a phone that puts Firefox on hold, is put there, or refuses that. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { bundlePhones, origin, servePhones, WebSip } from '../interop/web-sip.ts'
import { aliceSeat, faySeat, House } from '../net/house.ts'
import { hears, mediaComesIn, received, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

const domain = 'lanline.local'

describeWith(['namespaces', 'chromium', 'firefox-esr', 'certutil'], 'hold with Firefox', () => {
  let house: House
  /** Alice and Jane's phone are in Chromium, Fay and Flo in a Firefox that hides its addresses. */
  let alice: PhonePage
  let fay: PhonePage
  let flo: PhonePage
  let jane: WebSip

  beforeAll(async () => {
    house = await House.build({
      seats: [aliceSeat, { ...faySeat, hidesAddresses: true }],
      settings: { 'http.origins': [origin] },
    })
    const { owner } = house
    for (const name of ['Alice', 'Fay', 'Flo']) await owner.addUser(name.toLowerCase(), name)
    await owner.addUser('jane', 'Jane', 'jane-secret')
    alice = await house.phone('Alice', 'alice')
    fay = await house.phone('Fay', 'fay')
    flo = await house.phone('Flo', 'fay')
    await bundlePhones(house.lan.directory)
    await servePhones(house.host('alice'), house.lan.directory)
    jane = await WebSip.register(house.browser('alice'), 'jssip', {
      ...{ server: `wss://${domain}/sip`, uri: `sip:jane@${domain}`, user: 'jane', password: 'jane-secret' },
    })
  }, 120_000)
  afterAll(() => house?.remove())
  // What failed in a call must not fail the next one.
  afterEach(async () => {
    for (const { page } of [alice, fay, flo]) {
      const hangUp = page.getByRole('button', { name: 'Hang up', exact: true })
      while (await hangUp.isVisible()) await hangUp.click({ timeout: 2_000 }).catch(() => {})
    }
    await Promise.all([alice.ready(), fay.ready(), flo.ready(), jane.is('idle')])
  })

  /** Fay and whoever is at `page` hear and see each other. */
  const faysCallIsOn = (page: Page) =>
    Promise.all([
      hears(page, faySeat.hertz, 20, 2),
      mediaComesIn(page),
      mediaComesIn(fay.page),
      sees(fay.page, 'red'),
    ])
  const asks = async (holder: PhonePage, name: string, waiting: string) => {
    await holder.press(`Transfer ${waiting} to somebody else`)
    await holder.press('Ask first: Flo')
    await flo.rings(name)
    await flo.accept()
    await flo.inCall()
    await soundComesIn(flo)
  }

  it.each([
    ['Firefox', 'Chromium'],
    ['Chromium', 'Firefox'],
  ])('%s lets %s wait, asks Firefox, comes back, and connects the two', async holderKind => {
    const people = [
      { name: 'Fay', phone: fay },
      { name: 'Alice', phone: alice },
    ]
    const [holder, waiting] = (holderKind === 'Firefox' ? people : people.toReversed()) as [
      { name: string; phone: PhonePage },
      { name: string; phone: PhonePage },
    ]
    const isOn = () => faysCallIsOn(alice.page)
    await holder.phone.callVideo(waiting.name)
    await waiting.phone.rings(holder.name)
    await waiting.phone.accept()
    await isOn()
    await asks(holder.phone, holder.name, waiting.name)
    await waiting.phone.says(`${holder.name} has put you on hold: they do not hear you.`)
    await isSilent(waiting.phone)
    await holder.phone.press(`Back to ${waiting.name}: hang up on Flo`)
    await flo.ready()
    await isOn()
    await asks(holder.phone, holder.name, waiting.name)
    await holder.phone.press(`Connect ${waiting.name} and Flo`)
    await Promise.all([waiting.phone.talksWith('Flo'), flo.talksWith(waiting.name), holder.phone.ready()])
    await Promise.all([soundComesIn(waiting.phone), soundComesIn(flo)])
    await flo.hangUp()
    await waiting.phone.ready()
  })

  it('a phone is put on hold by Firefox, puts it on hold, and refuses to be; each time both are heard and seen again', async () => {
    const isOn = () => faysCallIsOn(jane.page)
    await fay.callVideo('Jane')
    await jane.is('ringing')
    await jane.accept()
    await isOn()
    for (const isRefused of [false, true]) {
      if (isRefused) await jane.refuseOffers()
      await asks(fay, 'Fay', 'Jane')
      await isSilent({ page: jane.page })
      await fay.press('Back to Jane: hang up on Flo')
      await flo.ready()
      await isOn()
    }
    await jane.setHold(true)
    await fay.says(/^Jane has put you on hold/)
    await isSilent(fay)
    await jane.setHold(false)
    await isOn()
    expect(await fay.page.getByText(/takes no picture/).count()).toBe(0)
    await fay.hangUp()
  })
})

type Seat = Pick<PhonePage, 'page'>

async function soundComesIn({ page }: Seat): Promise<void> {
  const before = await received(page)
  await until('sound comes in', async () => (await received(page)).energy > before.energy + 0.001)
}

/** Within a second the energy of what comes in does not grow. */
async function isSilent({ page }: Seat): Promise<void> {
  await until('nothing is heard', async () => {
    const before = await received(page)
    await pause(1_000)
    return (await received(page)).energy - before.energy < 1e-6
  })
}
