/** A picture that comes into a call begun with sound, between a page and what is no page. */
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Example } from '../net/example.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { heardHertz, hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { until } from '../net/wait.ts'
import { bundlePhones, origin, servePhones, WebSip } from './web-sip.ts'

const domain = 'lanline.local'
const patience = { timeout: 15_000 }

describeWith(['namespaces', 'chromium', 'certutil', 'baresip'], 'a call begun with sound', () => {
  let house: House
  let jane: WebSip
  let sam: WebSip
  let carol: PhonePage

  beforeAll(async () => {
    house = await House.build({
      ...{ seats: [aliceSeat, bobSeat], otherHosts: ['app', 'desk'] },
      settings: { 'http.origins': [origin] },
    })
    const { owner } = house
    await owner.addUser('jane', 'Jane', 'jane-secret')
    await owner.addUser('sam', 'Sam', 'sam-secret')
    await owner.addUser('paula', 'Paula', 'paula-secret')
    await owner.addUser('norma', 'Norma')
    await owner.addUser('carol', 'Carol')
    carol = await house.phone('Carol', 'bob')
    await bundlePhones(house.lan.directory)
    await servePhones(house.host('alice'), house.lan.directory)
    const account = (user: string) => ({
      ...{ server: `wss://${domain}/sip`, uri: `sip:${user}@${domain}`, user, password: `${user}-secret` },
    })
    jane = await WebSip.register(house.browser('alice'), 'jssip', account('jane'))
    sam = await WebSip.register(house.browser('alice'), 'sipjs', account('sam'))
  }, 120_000)
  afterAll(() => house?.remove())
  // What failed in a call must not fail the next one.
  afterEach(async () => {
    if (await carol.page.getByRole('main', { name: /^Call with / }).isVisible()) await carol.hangUp()
    await carol.ready()
  })

  const says = (text: string) => carol.page.getByRole('status').getByText(text, { exact: true })
  const camera = (what: 'on' | 'off') => carol.page.getByRole('button', { name: `Turn camera ${what}` })
  const ownPicture = () => carol.page.getByLabel('Your camera')
  const refused = async (name: string) => {
    await says(`${name}’s phone takes no picture. The call goes on with sound.`).waitFor(patience)
    await camera('on').waitFor(patience)
    expect(await ownPicture().count(), 'the camera is off').toBe(0)
  }
  const over = async (phone: WebSip) => {
    await carol.hangUp()
    await Promise.all([carol.ready(), phone.is('idle')])
  }

  describe.each([
    { kind: 'JsSIP', name: 'Jane', phone: () => jane },
    { kind: 'SIP.js', name: 'Sam', phone: () => sam },
  ])('$kind and a page', ({ kind, name, phone }) => {
    it(`the page shows ${kind} its picture, and takes it away`, async () => {
      await carol.callAudio(name)
      await phone().is('ringing')
      await phone().accept({ video: false })
      await Promise.all([carol.inCall(), phone().is('inCall')])
      await hears(phone().page, 1_000)
      await carol.press('Turn camera on')
      await sees(phone().page, 'blue')
      await carol.press('Turn camera off')
      await until(`${kind} is told that none comes`, async () => (await receives(phone())) === false)
      await carol.press('Turn camera on')
      await until(`${kind} is told that one comes`, async () => (await receives(phone())) === true)
      await hears(phone().page, 1_000)
      await over(phone())
    })

    it(`${kind} shows the page its picture, and sees that of the page only when it wants`, async () => {
      await phone().call(`sip:carol@${domain}`, { video: false })
      await carol.rings(name)
      await carol.accept()
      await Promise.all([carol.inCall(), phone().is('inCall')])
      await hears(carol.page, 440)
      await phone().addPicture()
      await sees(carol.page, 'red')
      await says(`${name} turned the camera on. ${name} does not see you.`).waitFor(patience)
      expect(await ownPicture().count()).toBe(0)
      await carol.press('Turn camera on')
      await sees(phone().page, 'blue')
      await over(phone())
    })
  })

  it('goes on with sound when the phone refuses the offer (488), and may be asked again', async () => {
    await carol.callAudio('Jane')
    await jane.is('ringing')
    await jane.accept({ video: false })
    await carol.inCall()
    await jane.refuseOffers()
    for (const _try of [1, 2]) {
      await carol.press('Turn camera on')
      await refused('Jane')
    }
    await hears(carol.page, 440)
    await hears(jane.page, 1_000)
    await over(jane)
  })

  it('waits in silence when the phone refuses to be put on hold (488), and both are heard again', async () => {
    await carol.callAudio('Jane')
    await jane.is('ringing')
    await jane.accept({ video: false })
    await carol.inCall()
    await jane.refuseOffers()
    await hears(carol.page, 440)
    await hears(jane.page, 1_000)
    await carol.press('Transfer Jane to somebody else')
    await carol.press('Ask first: Sam')
    await sam.is('ringing')
    await until('who waits hears nothing', async () => (await heardHertz(jane.page)) === undefined)
    await carol.press('Back to Jane: hang up on Sam')
    await sam.is('idle')
    await hears(jane.page, 1_000)
    await hears(carol.page, 440)
    await over(jane)
  })

  it('goes on with sound when a desk phone has no picture (m=video 0)', async () => {
    const desk = new Baresip(house.host('desk'), {
      ...{ user: 'paula', password: 'paula-secret', server: house.host('pi').address },
      ...{ transport: 'tcp', hertz: 700 },
    })
    // Whatever becomes of its calls: the next try wants its port.
    onTestFinished(() => desk.stop())
    await desk.start()
    for (const begin of ['sound', 'picture'] as const) {
      const from = desk.output.length
      await (begin === 'sound' ? carol.callAudio('Paula') : carol.callVideo('Paula'))
      await desk.says(/Incoming call/, from)
      await desk.accept()
      await carol.inCall()
      if (begin === 'sound') await carol.press('Turn camera on')
      await refused('Paula')
      await hears(carol.page, 700)
      await carol.hangUp()
      await carol.ready()
    }
  })

  it('goes on with sound when the program at the other end has no picture (werift)', async () => {
    const { token } = await house.owner.invite('norma')
    const example = Example.start(house.host('app'), token)
    await example.says('registered')
    await carol.callAudio('Norma')
    await carol.inCall()
    await hears(carol.page, 1_000)
    await carol.press('Turn camera on')
    await refused('Norma')
    await hears(carol.page, 1_000)
    await carol.hangUp()
    await carol.ready()
    await example.stop()
  })

  it('comes back from the echo', async () => {
    await carol.callAudio('Echo test')
    await carol.inCall()
    await carol.press('Turn camera on')
    await sees(carol.page, 'blue')
    await carol.hangUp()
    await carol.ready()
  })

  /** Whether a picture comes, as far as was agreed on. */
  const receives = ({ page }: WebSip): Promise<boolean> =>
    page.evaluate(() => {
      const { connections } = (window as unknown as { watched: { connections: RTCPeerConnection[] } }).watched
      return connections
        .at(-1)!
        .getTransceivers()
        .some(({ receiver, currentDirection }) =>
          receiver.track.kind === 'video' ? currentDirection?.includes('recv') : false,
        )
    })
})
