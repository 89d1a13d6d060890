/**
 * Linphone, set up by nothing but the code that a person's page shows: in the clear as any phone would be, and by TLS
 * with the appliance's certificate in a file.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Softphone } from '../../src/admin/message.ts'
import { between, Capture, srtp } from '../net/capture.ts'
import { scan } from '../net/console-page.ts'
import { bobSeat, House } from '../net/house.ts'
import { Linphone } from '../net/linphone.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { reach } from '../net/reach.ts'
import { pause, until } from '../net/wait.ts'

const peers = [
  'namespaces',
  'chromium',
  'certutil',
  'zbarimg',
  'dumpcap',
  'tshark',
  'baresip',
  'linphonec',
] as const
const hertz = 440
const bobsName = 'Bob "the <Builder> & Son'

describeWith(peers, 'Linphone', () => {
  let house: House
  let bob: PhonePage
  let desk: Baresip
  let linphone: Linphone | undefined

  beforeAll(async () => {
    house = await House.build({ seats: [bobSeat], otherHosts: ['desk', 'mobile', 'secure'] })
    await house.owner.addUser('bob', bobsName)
    await house.owner.addUser('paula', 'Paula', 'paula-secret')
    bob = await house.phone('Bob', 'bob')
    desk = new Baresip(house.host('desk'), {
      ...{ user: 'paula', password: 'paula-secret', server: house.host('pi').address, transport: 'udp' },
      hertz: 700,
    })
    await desk.start()
  }, 120_000)
  afterAll(() => house?.remove())

  it('is set up by the code on a person’s page, once; then it calls and is called', async () => {
    await bob.press('My devices')
    const dialog = bob.page.getByRole('dialog', { name: 'My devices' })
    await dialog.getByText('Add a SIP phone or app').click()
    await dialog.getByRole('textbox', { name: 'Name of the device' }).fill('Mobile')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    const url = scan(await dialog.getByRole('img', { name: 'Code for Linphone' }).screenshot())
    linphone = new Linphone(house.host('mobile'), { provisioningUrl: url, hertz })
    linphone.start()
    await linphone.registered()
    await dialog.getByText('The phone is connected.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    expect((await reach(house.host('desk'), url)).status).toBe(410)

    linphone.command('call paula')
    await desk.says(/Incoming call from: Bob \\"the <Builder> & Son/)
    await desk.accept()
    await desk.says(/Call established/)
    await linphone.speak()
    await hearsLinphone()
    const from = desk.output.length
    linphone.command('terminate')
    await desk.says(/session closed|terminated/, from)
    await until('Linphone heard 700 Hz', () => (linphone!.heardShare(700) ?? 0) > 0.5)

    const ringing = linphone.log.length
    // As one of those who answer for the house.
    await house.owner.addUser('house', 'House')
    await house.owner.request('PATCH', '/users/house', { alsoRings: ['bob'] })
    await desk.dial(`sip:house@${house.host('pi').address}`)
    await linphone.logs(/LinphoneCallIncomingReceived/, ringing)
    expect(linphone.log.slice(ringing)).toMatch(/^Diversion: "House" ?<sip:house@[^>]+>;/m)
    linphone.command('answer')
    await desk.says(/Call established/, from)
    await hearsLinphone()
    await desk.hangUp()
    await linphone.stop()
    // Its one-time address is forgotten, its password was never known.
    expect(linphone.configuration).not.toContain('config-uri')
    expect(linphone.configuration).not.toMatch(/^passwd=/m)
  })

  it('takes our certificate from a file, checks it, and talks with a page by TLS and DTLS-SRTP, directly', async () => {
    const host = house.host('secure')
    const server = house.host('pi').address
    const softphone = await softphoneFor('paula')
    const file = await certificate()
    const capture = await Capture.start(house.lan)
    const secure = new Linphone(host, {
      provisioningUrl: `${softphone.linphone.url}?root_ca=${encodeURIComponent(file)}`,
      hertz,
    })
    secure.start()
    await secure.registered()
    expect(secure.log).toMatch(/SSL handshake finished/)
    secure.command(`call sip:bob@${server}`)
    await bob.rings('Paula')
    await bob.accept()
    await bob.inCall()
    await secure.speak()
    await hears(bob.page, hertz)
    // What it recorded is read at its end, a second of it.
    await pause(1_500)
    await bob.hangUp()
    await until('Linphone heard 1 kHz', () => (secure.heardShare(1_000) ?? 0) > 0.3)
    await secure.stop()
    await capture.stop()
    const bobs = house.host('bob').address
    expect(await capture.count(`${between(host.address, bobs)} && ${srtp}`)).toBeGreaterThan(100)
    expect(await capture.count(`ip.addr == ${server} && udp && ${srtp}`)).toBe(0)
    expect(await capture.count(`ip.addr == ${host.address} && sip`)).toBe(0)
    expect(await capture.count(`ip.addr == ${host.address} && tls`)).toBeGreaterThan(10)
  })

  describe('in a call that is handed on', () => {
    let phone: Linphone
    let carol: PhonePage

    beforeAll(async () => {
      await house.owner.addUser('carol', 'Carol')
      carol = await house.phone('Carol', 'bob')
      const { linphone: offer } = await softphoneFor('paula')
      const file = await certificate()
      phone = new Linphone(house.host('secure'), {
        provisioningUrl: `${offer.url}?root_ca=${encodeURIComponent(file)}`,
        ...{ hertz, audioOnly: true },
      })
      phone.start()
      await phone.registered()
    }, 60_000)
    afterAll(() => phone?.stop())
    afterEach(() => Promise.all([bob.ready(), carol.ready()]))

    const server = () => house.host('pi').address
    const callsAndTalks = async (page: PhonePage, user: string) => {
      phone.command(`call sip:${user}@${server()}`)
      await page.rings('Paula')
      await page.accept()
      await page.inCall()
    }
    const theyTalk = async () => {
      await Promise.all([bob.talksWith('Carol'), carol.talksWith(bobsName)])
      await Promise.all([hears(bob.page, 1_000), hears(carol.page, 1_000)])
      await carol.hangUp()
    }

    it('hands a page on to another', async () => {
      await callsAndTalks(bob, 'bob')
      await phone.speak()
      phone.command(`transfer sip:carol@${server()}`)
      await carol.rings('Bob .*')
      await carol.accept()
      await theyTalk()
    })

    it('holds a page, and hands it on to another after a word with it', async () => {
      let from = phone.log.length
      await callsAndTalks(bob, 'bob')
      await phone.logs(/LinphoneCallConnected to LinphoneCallStreamsRunning/, from)
      phone.command('pause')
      await phone.logs(/LinphoneCallPausing to LinphoneCallPaused/, from)
      from = phone.log.length
      await callsAndTalks(carol, 'carol')
      await phone.logs(/LinphoneCallConnected to LinphoneCallStreamsRunning/, from)
      const [held, asked] = [...phone.output.matchAll(/assigned id (\d+)/g)].slice(-2).map(([, id]) => id)
      phone.command(`transfer ${held} --to-call ${asked}`)
      await theyTalk()
    })

    it('holds a page that called it, and takes it up again', async () => {
      const from = phone.log.length
      await bob.callAudio('Paula')
      await phone.logs(/LinphoneCallIncomingReceived/, from)
      phone.command('answer')
      await bob.inCall()
      await phone.logs(/LinphoneCallConnected to LinphoneCallStreamsRunning/, from)
      phone.command('pause')
      await phone.logs(/LinphoneCallPausing to LinphoneCallPaused/, from)
      phone.command('resume')
      await phone.logs(/LinphoneCallResuming to LinphoneCallStreamsRunning/, from)
      await hears(bob.page, hertz)
      await bob.hangUp()
    })

    it.each([
      'is put on hold and handed on to whom the page has asked',
      'is asked first, and takes the place',
    ])('%s', async how => {
      const from = phone.log.length
      const [held, asked] = how.startsWith('is put') ? ['Paula', 'Carol'] : ['Carol', 'Paula']
      const answers = async (name: string) => {
        if (name === 'Carol') {
          await carol.rings('Bob .*')
          await carol.accept()
          return
        }
        await phone.logs(/LinphoneCallIncomingReceived/, from)
        phone.command('answer')
      }
      await bob.callAudio(held)
      await answers(held)
      await bob.inCall()
      await bob.press(`Transfer ${held} to somebody else`)
      await bob.press(`Ask first: ${asked}`)
      await answers(asked)
      await bob.talksWith(asked)
      await bob.inCall()
      if (held === 'Paula') await phone.logs(/LinphoneCallPausedByRemote/, from)
      await bob.press(`Connect ${held} and ${asked}`)
      await carol.talksWith('Paula')
      await bob.ready()
      await hears(carol.page, hertz)
      await carol.hangUp()
    })

    it('is handed on by a page', async () => {
      const from = phone.log.length
      await bob.callAudio('Paula')
      await phone.logs(/LinphoneCallIncomingReceived/, from)
      phone.command('answer')
      await bob.inCall()
      await bob.press('Transfer Paula to somebody else')
      await bob.press('Carol Available')
      await carol.rings('Paula')
      await carol.accept()
      await carol.talksWith('Paula')
      await bob.ready()
      await hears(carol.page, hertz)
      await carol.hangUp()
    })
  })

  it.each([
    ['the file is missing', 'lanline.pem', 'missing.pem', /X509 - Certificate verification failed/],
    [
      'the certificate has another name, though of our authority',
      '^lanline',
      '^another',
      /post-check failed/,
    ],
  ])('does not connect by TLS when %s', async (_, right, wrong, why) => {
    const { linphone: offer } = await softphoneFor('paula')
    const query = `root_ca=${encodeURIComponent(join(house.lan.directory, 'lanline.pem'))}`
    const told = (await reach(house.host('secure'), `${offer.url}?${query}`)).body
    expect(told).toContain(right)
    const file = join(house.lan.directory, 'altered.xml')
    writeFileSync(file, told.replace(right, wrong))
    const lost = new Linphone(house.host('secure'), { provisioningUrl: `file://${file}`, hertz })
    lost.start()
    await lost.logs(/SSL handshake failed/)
    await lost.stop()
    expect(lost.log).toMatch(why)
    expect(lost.log).not.toMatch(/LinphoneRegistrationOk/)
  })

  /** Our authority's, in a file. */
  async function certificate(): Promise<string> {
    const file = join(house.lan.directory, 'lanline.pem')
    const url = `http://${house.host('pi').address}/lanline.pem`
    writeFileSync(file, (await reach(house.host('secure'), url)).body)
    return file
  }

  async function softphoneFor(user: string): Promise<Softphone> {
    return JSON.parse((await house.owner.request('POST', '/softphones', { deviceName: 'L', user })).body)
  }

  const hearsLinphone = (): Promise<unknown> =>
    until('the desk phone hears 440 Hz', () => (desk.heardShare(hertz) ?? 0) > 0.5)
})
