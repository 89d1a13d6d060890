import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Softphone } from '../../src/admin/message.ts'
import { bobSeat, House } from '../net/house.ts'
import { must } from '../net/lan.ts'
import { Linphone } from '../net/linphone.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { reach } from '../net/reach.ts'
import { pause, until } from '../net/wait.ts'

const hertz = 440

describeWith(
  ['namespaces', 'chromium', 'certutil', 'linphonec'],
  'a SIP phone without TURN on another network than the page',
  () => {
    let house: House
    let bob: PhonePage
    let phone: Linphone
    let server = ''

    beforeAll(async () => {
      house = await House.build({
        seats: [bobSeat],
        otherHosts: ['desk'],
        prepare: async lan => {
          server = await lan.join('pi', 'eth0.20', 'vlan20')
          await lan.move('desk', 'vlan20')
          // Linphone takes a machine without a default route for one without a network.
          await must(lan.host('desk').exec('ip', ['route', 'add', 'default', 'via', server]))
          await lan.move('bob', lan.bridge)
        },
      })
      await house.owner.addUser('bob', 'Bob')
      await house.owner.addUser('paula', 'Paula')
      bob = await house.phone('Bob', 'bob')
      const answer = await house.owner.request('POST', '/softphones', { deviceName: 'L', user: 'paula' })
      const { linphone } = JSON.parse(answer.body) as Softphone
      const desk = house.host('desk')
      const file = join(house.lan.directory, 'lanline.pem')
      writeFileSync(file, (await reach(desk, `http://${server}/lanline.pem`)).body)
      const url = new URL(linphone.url)
      url.hostname = server
      // With two media it starts checking anew for the first only.
      const provisioningUrl = `${url}?root_ca=${encodeURIComponent(file)}`
      phone = new Linphone(desk, { provisioningUrl, hertz, audioOnly: true })
      phone.start()
      await phone.registered()
    }, 120_000)
    afterAll(async () => {
      await phone?.stop()
      house?.remove()
    })

    it('calls it and is heard through the page’s relay, and hears', async () => {
      phone.command(`call sip:bob@${server}`)
      await bob.rings('Paula')
      await bob.accept()
      await talk()
    }, 60_000)

    it('is called by it and heard through the page’s relay', async () => {
      const ringing = phone.log.length
      await bob.callAudio('Paula')
      await phone.logs(/LinphoneCallIncomingReceived/, ringing)
      phone.command('answer')
      await talk()
    }, 60_000)

    async function talk(): Promise<void> {
      const began = performance.now()
      await bob.inCall()
      console.info(`a path ${Math.round(performance.now() - began)} ms after pick-up`)
      expect(await bob.badge()).toMatch(/relayed/i)
      await phone.speak()
      await hears(bob.page, hertz)
      await pause(1_500)
      await bob.hangUp()
      await bob.ready()
      await until('the phone heard 1 kHz', () => (phone.heardShare(1_000) ?? 0) > 0.3)
    }
  },
)
