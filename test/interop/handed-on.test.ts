/** Pages that are handed on by real phones, and real phones that are handed on by a page (REFER, RFC 3515, RFC 5589). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { until } from '../net/wait.ts'
import { bundlePhones, origin, servePhones, WebSip } from './web-sip.ts'

const domain = 'lanline.local'

describeWith(
  ['namespaces', 'chromium', 'certutil', 'baresip'],
  'a call with a phone that is handed on',
  () => {
    let house: House
    /** Sam and Jane sit on Alice's host as Dora does, Carol on Bob's. */
    let sam: WebSip
    let jane: WebSip
    let carol: PhonePage
    let dora: PhonePage

    beforeAll(async () => {
      house = await House.build({
        seats: [aliceSeat, bobSeat],
        otherHosts: ['desk'],
        settings: { 'http.origins': [origin] },
      })
      const { owner } = house
      for (const user of ['sam', 'jane', 'paula']) await owner.addUser(user, nameOf(user), `${user}-secret`)
      for (const user of ['carol', 'dora']) await owner.addUser(user, nameOf(user))
      carol = await house.phone('Carol', 'bob')
      dora = await house.phone('Dora', 'alice')
      await bundlePhones(house.lan.directory)
      await servePhones(house.host('alice'), house.lan.directory)
      const register = (kind: 'jssip' | 'sipjs', user: string) =>
        WebSip.register(house.browser('alice'), kind, {
          ...{
            server: `wss://${domain}/sip`,
            uri: `sip:${user}@${domain}`,
            user,
            password: `${user}-secret`,
          },
        })
      sam = await register('sipjs', 'sam')
      jane = await register('jssip', 'jane')
    }, 120_000)
    afterEach(() => Promise.all([carol.ready(), dora.ready()]))
    afterAll(() => house?.remove())

    const nameOf = (user: string) => user.replace(/^./, letter => letter.toUpperCase())
    const carolTransfers = async (name: string) => {
      await carol.press(`Transfer ${name} to somebody else`)
      await carol.press('Dora Available')
      await dora.rings(name)
    }
    const carolAndDoraTalk = async () => {
      await Promise.all([carol.talksWith('Dora'), dora.talksWith('Carol')])
      await hears(carol.page, 440)
      await hears(dora.page, 1_000)
      await dora.hangUp()
    }

    describe.each([
      { kind: 'SIP.js', name: 'Sam', phone: () => sam },
      { kind: 'JsSIP', name: 'Jane', phone: () => jane },
    ])('$kind', ({ name, phone }) => {
      it('hands a page on to another', async () => {
        await phone().call(`sip:carol@${domain}`, { video: false })
        await carol.rings(name)
        await carol.accept()
        await Promise.all([carol.inCall(), phone().is('inCall')])
        await phone().refer(`sip:dora@${domain}`)
        await dora.rings('Carol')
        await carol.says(`${name} is transferring you to Dora. You two talk on until somebody answers.`)
        await dora.accept()
        await carolAndDoraTalk()
        await phone().is('idle')
      })

      it('is handed on by a page', async () => {
        await carol.callAudio(name)
        await phone().is('ringing')
        await phone().accept({ video: false })
        await Promise.all([carol.inCall(), phone().is('inCall')])
        await carolTransfers(name)
        await carol.says(`It rings at Dora’s. You and ${name} talk on until somebody answers.`)
        await dora.accept()
        await Promise.all([dora.talksWith(name), carol.ready()])
        await carol.says(`${name} is talking with Dora now.`)
        await dora.inCall()
        await phone().is('inCall')
        await dora.hangUp()
        await phone().is('idle')
      })
    })

    it('SIP.js hands a page on to another after a word with it, and nobody there presses anything', async () => {
      for (const page of [carol, dora]) {
        await sam.call(`sip:${page === carol ? 'carol' : 'dora'}@${domain}`, { video: false })
        await page.rings('Sam')
        await page.accept()
        await Promise.all([page.inCall(), sam.is('inCall')])
      }
      await sam.refer()
      await carolAndDoraTalk()
      await sam.is('idle')
    })

    it('SIP.js is put on hold by a page that asks another first, and handed on to it', async () => {
      await carol.callAudio('Sam')
      await sam.is('ringing')
      await sam.accept({ video: false })
      await Promise.all([carol.inCall(), sam.is('inCall')])
      await carol.press('Transfer Sam to somebody else')
      await carol.press('Ask first: Dora')
      await dora.rings('Carol')
      await dora.accept()
      await hears(dora.page, 1_000)
      await carol.press('Connect Sam and Dora')
      await Promise.all([dora.talksWith('Sam'), carol.ready()])
      await carol.says('Sam is talking with Dora now.')
      await hears(dora.page, 440)
      await sam.is('inCall')
      await dora.hangUp()
      await sam.is('idle')
    })

    it('baresip hands a page on to another, and is handed on by one', async () => {
      const desk = new Baresip(house.host('desk'), {
        ...{ user: 'paula', password: 'paula-secret', server: house.host('pi').address },
        ...{ transport: 'tcp', hertz: 700 },
      })
      try {
        await desk.start()
        await desk.dial(`sip:carol@${house.host('pi').address}`)
        await carol.rings('Paula')
        await carol.accept()
        await carol.inCall()
        await desk.command(`/transfer sip:dora@${domain}`)
        await dora.rings('Carol')
        await dora.accept()
        await carolAndDoraTalk()
        await Promise.all([carol.ready(), dora.ready()])
        const from = desk.output.length
        await carol.callAudio('Paula')
        await desk.says(/Incoming call/, from)
        await desk.accept()
        await Promise.all([carol.inCall(), desk.says(/Call established/, from)])
        await carolTransfers('Paula')
        await dora.accept()
        await dora.talksWith('Paula')
        await hears(dora.page, 700)
        await carol.ready()
        await dora.hangUp()
      } finally {
        await desk.stop()
      }
    })

    it('left a closed row for each call', async () => {
      const rows = await until('every row is closed', async () => {
        const all = await house.daemon.calls()
        return all.every(row => typeof row.endedAt === 'number') ? all : undefined
      })
      expect(rows.map(row => row.reason)).toEqual(Array(18).fill('hangup'))
    })
  },
)
