/** What desk phones and exchanges do with a page's calls, done by SIP.js: offers left to the page, calls handed on. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ToldCall } from '../../src/admin/message.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { until } from '../net/wait.ts'
import { bundlePhones, origin, servePhones, WebSip } from './web-sip.ts'

const domain = 'lanline.local'

describeWith(
  ['namespaces', 'chromium', 'certutil'],
  'a page and telephones with the habits of an exchange',
  () => {
    let house: House
    let sam: WebSip
    let jane: WebSip
    let carol: PhonePage

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, bobSeat], settings: { 'http.origins': [origin] } })
      await house.owner.addUser('sam', 'Sam', 'sam-secret')
      await house.owner.addUser('jane', 'Jane', 'jane-secret')
      await house.owner.addUser('carol', 'Carol')
      carol = await house.phone('Carol', 'bob')
      await bundlePhones(house.lan.directory)
      await servePhones(house.host('alice'), house.lan.directory)
      const register = (user: string) =>
        WebSip.register(house.browser('alice'), 'sipjs', {
          ...{
            server: `wss://${domain}/sip`,
            uri: `sip:${user}@${domain}`,
            user,
            password: `${user}-secret`,
          },
        })
      sam = await register('sam')
      jane = await register('jane')
    }, 120_000)
    afterAll(() => house?.remove())

    it('who calls without an offer is heard, asks for another one in the call, and is heard again', async () => {
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

    it('who is told to takes the place of another in the talk, and nobody presses anything', async () => {
      await sam.call(`sip:carol@${domain}`, { video: false })
      await carol.rings('Sam')
      await carol.accept()
      await Promise.all([carol.inCall(), sam.is('inCall')])
      await carol.press('Mute')
      await jane.callReplacing(`sip:carol@${domain}`, await sam.replaces())
      await Promise.all([jane.is('inCall'), sam.is('idle')])
      await carol.page.getByRole('main', { name: 'Call with Jane' }).waitFor({ timeout: 15_000 })
      await hears(carol.page, 440)
      await carol.press('Unmute')
      await hears(jane.page, 1_000)
      await carol.hangUp()
      await Promise.all([carol.ready(), jane.is('idle')])
    })
  },
)
