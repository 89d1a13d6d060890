/** The echo, as somebody uses it to try microphone, camera and path. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Softphone } from '../../src/admin/message.ts'
import { aliceSeat, House } from '../net/house.ts'
import { hears, sees } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { until } from '../net/wait.ts'

describeWith(['namespaces', 'chromium', 'certutil', 'baresip'], 'the echo', () => {
  let house: House
  let alice: PhonePage

  beforeAll(async () => {
    house = await House.build({ seats: [aliceSeat], otherHosts: ['desk'] })
    await house.owner.addUser('alice', 'Alice')
    await house.owner.addUser('paula', 'Paula')
    alice = await house.phone('Alice', 'alice')
  }, 120_000)
  afterAll(() => house?.remove())

  it('gives a browser its own tone and picture back', async () => {
    await alice.callVideo('Echo test')
    await alice.inCall()
    await hears(alice.page, 440)
    await sees(alice.page, 'red')
    await alice.hangUp()
    await alice.ready()
    const rows = await until('the row is closed', async () => {
      const found = await house.daemon.calls()
      return found[0]?.endedAt === undefined ? undefined : found
    })
    expect(rows[0]).toMatchObject({
      callerUser: 'alice',
      calleeUser: 'echo',
      reason: 'hangup',
      missed: false,
    })
  })

  it('gives a SIP phone its voice back, which has a name and a password of its own', async () => {
    const server = house.host('pi').address
    const wish = { deviceName: 'Desk', user: 'paula' }
    const softphone = JSON.parse((await house.owner.request('POST', '/softphones', wish)).body) as Softphone
    expect(softphone).toMatchObject({ user: 'paula', digestUser: 'paula-2', host: server, port: 5060 })
    const { digestUser: user, password } = softphone
    const desk = new Baresip(house.host('desk'), {
      ...{ user, password, server, transport: 'udp', hertz: 700 },
    })
    await desk.start()
    await desk.dial(`sip:echo@${server}`)
    await desk.says(/Call established/)
    await until('the phone hears itself', () => (desk.heardShare(700) ?? 0) > 0.3)
    await desk.hangUp()
    const row = await until('the row is closed', async () => {
      const [newest] = await house.daemon.calls()
      return newest?.endedAt === undefined ? undefined : newest
    })
    expect(row).toMatchObject({ callerUser: 'paula', calleeUser: 'echo' })
    // It rings for its person, and by its own name too.
    await alice.callAudio('Paula')
    await desk.says(/Incoming call/)
    await alice.page.getByRole('button', { name: 'Cancel call' }).click()
    await desk.stop()
  })
})
