/** SIP.js calls a page without an offer, and asks it for a new one in the call, as desk phones and exchanges do. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ToldCall } from '../../src/admin/message.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'
import { bundlePhones, origin, servePhones, WebSip } from './web-sip.ts'

const domain = 'lanline.local'

describeWith(['namespaces', 'chromium', 'certutil'], 'a telephone that leaves the offer to the page', () => {
  let house: House
  let sam: WebSip
  let carol: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat, bobSeat], settings: { 'http.origins': [origin] } })
    await house.owner.addUser('sam', 'Sam', 'sam-secret')
    await house.owner.addUser('carol', 'Carol')
    carol = await house.phone('Carol', 'bob')
    await bundlePhones(house.lan.directory)
    await servePhones(house.host('alice'), house.lan.directory)
    sam = await WebSip.register(house.browser('alice'), 'sipjs', {
      ...{ server: `wss://${domain}/sip`, uri: `sip:sam@${domain}`, user: 'sam', password: 'sam-secret' },
    })
  }, 120_000)
  afterAll(() => house?.remove())

  it('is heard, asks for another offer in the call, and is heard again', async () => {
    await sam.callOfferless(`sip:carol@${domain}`)
    await carol.rings('Sam')
    await carol.accept()
    await Promise.all([carol.inCall(), sam.is('inCall')])
    await hears(carol.page, 440)
    await hears(sam.page, 1_000)
    await sam.askForOffer()
    await hears(carol.page, 440)
    await hears(sam.page, 1_000)
    await carol.hangUp()
    await Promise.all([carol.ready(), sam.is('idle')])
    const { calls }: { calls: ToldCall[] } = JSON.parse((await house.owner.request('GET', '/calls')).body)
    expect(calls[0]).toMatchObject({ callerUser: 'sam', endedBy: 'callee', reason: 'hangup' })
    await until('a verdict is there', async () => {
      const { path } = (await house.owner.trace(calls[0]!.id)).verdict
      return path === 'direct'
    })
  })
})
