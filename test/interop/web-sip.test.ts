import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears, sees, selectedPair } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { bundlePhones, origin, servePhones, WebSip } from './web-sip.ts'

const domain = 'lanline.local'

describeWith(['namespaces', 'chromium', 'certutil'], 'third-party phones over SIP on WebSocket', () => {
  let house: House
  /** JsSIP and a lanline page sit on Alice's host, SIP.js and another lanline page on Bob's. */
  let jane: WebSip
  let sam: WebSip
  let dora: PhonePage
  let carol: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat], settings: { 'http.origins': [origin] } })
    const { owner } = house
    await owner.addUser('jane', 'Jane', 'jane-secret')
    await owner.addUser('sam', 'Sam', 'sam-secret')
    await owner.addUser('dora', 'Dora')
    await owner.addUser('carol', 'Carol')
    dora = await house.phone('Dora', 'alice')
    carol = await house.phone('Carol', 'bob')
    await bundlePhones(house.lan.directory)
    for (const host of ['alice', 'bob']) await servePhones(house.host(host), house.lan.directory)
    const account = (user: string, password: string) => ({
      server: `wss://${domain}/sip`,
      uri: `sip:${user}@${domain}`,
      user,
      password,
    })
    jane = await WebSip.register(house.browser('alice'), 'jssip', account('jane', 'jane-secret'))
    sam = await WebSip.register(house.browser('bob'), 'sipjs', account('sam', 'sam-secret'))
  }, 120_000)
  afterAll(() => house?.remove())

  it('show as available in the roster of a lanline page', async () => {
    await dora.seesPerson('Jane', /available/i)
    await dora.seesPerson('Sam', /available/i)
  })

  describe('JsSIP and SIP.js', () => {
    it('JsSIP calls SIP.js', async () => {
      await jane.call(`sip:sam@${domain}`)
      await sam.is('ringing')
      await sam.accept()
      await Promise.all([jane.is('inCall'), sam.is('inCall')])
      await media(jane, sam)
      await jane.hangUp()
      await Promise.all([jane.is('idle'), sam.is('idle')])
    })

    it('SIP.js calls JsSIP', async () => {
      await sam.call(`sip:jane@${domain}`)
      await jane.is('ringing')
      await jane.accept()
      await Promise.all([jane.is('inCall'), sam.is('inCall')])
      await media(jane, sam)
      await sam.hangUp()
      await Promise.all([jane.is('idle'), sam.is('idle')])
    })
  })

  describe.each([
    { kind: 'JsSIP', name: 'Jane', phone: () => jane, other: 'Carol', page: () => carol },
    { kind: 'SIP.js', name: 'Sam', phone: () => sam, other: 'Dora', page: () => dora },
  ])('$kind and a lanline page', ({ kind, name, phone, other, page }) => {
    it(`${kind} calls the page, the page hangs up`, async () => {
      await phone().call(`sip:${other.toLowerCase()}@${domain}`)
      await page().rings(name)
      await page().accept()
      await Promise.all([page().inCall(), phone().is('inCall')])
      await mediaWithPage(kind)
      await page().hangUp()
      await Promise.all([page().ready(), phone().is('idle')])
    })

    it(`the page calls ${kind}, ${kind} hangs up`, async () => {
      await page().callVideo(name)
      await phone().is('ringing')
      await phone().accept()
      await Promise.all([page().inCall(), phone().is('inCall')])
      await mediaWithPage(kind)
      await phone().hangUp()
      await Promise.all([page().ready(), phone().is('idle')])
    })
  })

  it('leave a closed row for each of their calls', async () => {
    const rows = await house.daemon.calls()
    expect(rows).toHaveLength(6)
    expect(rows.map(row => row.reason)).toEqual(Array(6).fill('hangup'))
  })

  async function mediaWithPage(kind: string): Promise<void> {
    if (kind === 'JsSIP') await media(jane, carol)
    else await media(dora, sam)
  }

  /** `onAlices` sits on Alice's host, `onBobs` on Bob's: each must hear and see the other's host, directly. */
  async function media(onAlices: { page: WebSip['page'] }, onBobs: { page: WebSip['page'] }): Promise<void> {
    await Promise.all([hears(onAlices.page, 1_000), hears(onBobs.page, 440)])
    await Promise.all([sees(onAlices.page, 'blue'), sees(onBobs.page, 'red')])
    expect(await selectedPair(onAlices.page)).toMatchObject({
      localAddress: house.host('alice').address,
      remoteAddress: house.host('bob').address,
    })
  }
})
