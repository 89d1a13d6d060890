/** `examples/node`: a program that is given an invitation and nothing else, beside a browser and a SIP phone. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { between, Capture, srtp } from '../net/capture.ts'
import { Example } from '../net/example.ts'
import { aliceSeat, faySeat, House } from '../net/house.ts'
import { must } from '../net/lan.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { pause, until } from '../net/wait.ts'

const hertz = 1_000

describeWith(
  ['namespaces', 'chromium', 'firefox-esr', 'pulseaudio', 'certutil', 'baresip', 'dumpcap', 'tshark'],
  'the Node example',
  () => {
    let house: House
    let alice: PhonePage
    let fay: PhonePage
    let example: Example

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, faySeat], otherHosts: ['app', 'desk'] })
      for (const [user, name] of [
        ['alice', 'Alice'],
        ['norma', 'Norma'],
        ['fay', 'Fay'],
      ] as const)
        await house.owner.addUser(user, name)
      await house.owner.addUser('paula', 'Paula', 'paula-secret')
      alice = await house.phone('Alice', 'alice')
      fay = await house.phone('Fay', 'fay')
    }, 120_000)
    afterAll(() => house?.remove())

    it('finds the appliance, checks whom it trusts, joins and registers', async () => {
      const { token } = await house.owner.invite('norma')
      example = Example.start(house.host('app'), token)
      const { origin } = await example.says('found')
      expect(origin).toBe(`https://${house.host('pi').address}`)
      expect(await example.says('registered')).toMatchObject({ user: 'norma', place: 'Test house' })
      const file = join(house.lan.directory, 'example-app.json')
      expect(statSync(file).mode & 0o777).toBe(0o600)
    })

    it('is called by a browser: voice both ways, directly', async () => {
      const capture = await Capture.start(house.lan)
      await alice.callAudio('Norma')
      await example.says('incoming', said => said.from === 'alice')
      await alice.inCall()
      await hears(alice.page, hertz)
      const [a, b] = [house.host('alice').address, house.host('app').address]
      await example.says('path', said => said.localAddress === b && said.remoteAddress === a)
      await pause(1_500)
      await alice.hangUp()
      await alice.ready()
      const { heardPackets } = await example.says('ended')
      expect(Number(heardPackets)).toBeGreaterThan(50)
      await isDirect(capture, a, b)
    })

    it('started again without the invitation it is who it was, and calls a browser', async () => {
      await example.stop()
      example = Example.start(house.host('app'), '--call', 'alice')
      await alice.rings('Norma')
      await alice.accept()
      await alice.inCall()
      await hears(alice.page, hertz)
      await alice.hangUp()
      await example.says('ended', said => said.reason === 'hangup')
      await example.stop()
    })

    it('is called by Firefox and calls it', async () => {
      const hearsTone = async (): Promise<void> => {
        await fay.inCall()
        await hears(fay.page, hertz)
        await example.says('media', said => Number(said.heardPackets) > 50)
        await fay.hangUp()
        await example.says('ended', said => said.reason === 'hangup')
        await example.stop()
      }
      example = Example.start(house.host('app'))
      await example.says('registered')
      await fay.callAudio('Norma')
      await hearsTone()
      example = Example.start(house.host('app'), '--call', 'fay')
      await fay.rings('Norma')
      await fay.accept()
      await hearsTone()
    })

    it('calls a SIP phone and is called by it', async () => {
      const pi = house.host('pi').address
      const desk = new Baresip(house.host('desk'), {
        ...{
          user: 'paula',
          password: 'paula-secret',
          server: pi,
          transport: 'tcp',
          hertz: 700,
          codec: 'PCMU/8000/1',
        },
      })
      await desk.start()
      const capture = await Capture.start(house.lan)
      example = Example.start(house.host('app'), '--call', 'paula')
      await desk.says(/Incoming call/)
      await desk.accept()
      await until('the phone hears the tone', () => (desk.heardShare(hertz) ?? 0) > 0.3)
      await example.says('media', said => Number(said.heardPackets) > 50)
      await desk.hangUp()
      await example.says('ended', said => said.reason === 'hangup')
      example.said.length = 0
      await desk.dial(`sip:norma@${pi}`)
      await example.says('incoming', said => said.from === 'paula')
      await example.says('media', said => Number(said.heardPackets) > 50)
      await until('the phone hears the tone', () => (desk.heardShare(hertz) ?? 0) > 0.3)
      await desk.hangUp()
      await isDirect(capture, house.host('desk').address, house.host('app').address)
      await Promise.all([desk.stop(), example.stop()])
    })

    it('and so does what Electron’s main process is given, which believes this appliance’s authority alone', async () => {
      const { token } = await house.owner.invite('norma')
      const program = fileURLToPath(new URL('../net/electron-once.ts', import.meta.url))
      const { stdout } = await must(house.host('app').exec(process.execPath, [program, token]))
      expect(JSON.parse(stdout)).toEqual({
        ...{ user: 'norma', sameOrigin: true, right: true, name: true },
        ...{ otherHost: false, otherAuthority: false, expired: false, nothing: false },
      })
    })

    async function isDirect(capture: Capture, one: string, other: string): Promise<void> {
      await capture.stop()
      expect(await capture.count(`${between(one, other)} && ${srtp}`)).toBeGreaterThan(100)
      expect(await capture.count(`ip.addr == ${house.host('pi').address} && udp && ${srtp}`)).toBe(0)
    }
  },
)
