/** Faults that people meet, made for real: Help names what failed, and what it advises mends it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { User } from '../../src/admin/message.ts'
import type { Diagnosis, Finding } from '../../src/help/message.ts'
import { Daemon } from '../net/daemon.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { type Host, must } from '../net/lan.ts'
import { askLocally } from '../net/local-request.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { Baresip } from '../net/phones.ts'
import { until } from '../net/wait.ts'

describeWith(['namespaces', 'chromium', 'certutil', 'nft', 'baresip'], 'Help', () => {
  let house: House
  let alice: PhonePage
  let bob: PhonePage

  beforeAll(async () => {
    house = await House.build({
      seats: [aliceSeat, bobSeat],
      otherHosts: ['desk'],
      settings: { 'relay.policy': 'off' },
      prepare: lan => lan.join('pi', 'eth0.20', 'vlan20').then(() => {}),
    })
    await house.owner.addUser('alice', 'Alice')
    await house.owner.addUser('bob', 'Bob')
    await house.owner.addUser('dora', 'Dora', 'right-password')
    ;[alice, bob] = await Promise.all([house.phone('Alice', 'alice'), house.phone('Bob', 'bob')])
  }, 120_000)
  afterAll(() => house?.remove())

  const diagnose = (user: string): Promise<Diagnosis> =>
    askLocally(house.daemon.dataDirectory, `/help/diagnosis?user=${user}`)
  /** Until this is the strongest finding: reports and refusals take a moment to arrive. */
  const finds = (user: string, cause: Finding['cause']): Promise<Finding> =>
    until(
      `Help finds ${cause}`,
      async () => (await diagnose(user)).findings.slice(0, 1).find(one => one.cause === cause),
      {
        ...{ seconds: 25, everyMilliseconds: 300 },
      },
    ).catch(async error => {
      throw new Error(`${String(error)}; it finds ${JSON.stringify((await diagnose(user)).findings)}`)
    })
  const findsNothingOf = (user: string, cause: Finding['cause']): Promise<unknown> =>
    until(
      `Help no longer finds ${cause}`,
      async () => !(await diagnose(user)).findings.some(one => one.cause === cause),
      { seconds: 15, everyMilliseconds: 300 },
    )
  const answered = async (): Promise<void> => {
    await alice.callAudio('Bob')
    await bob.rings('Alice')
    await bob.accept()
  }
  const talksNow = async (): Promise<void> => {
    await answered()
    await Promise.all([alice.inCall(), bob.inCall()])
    await alice.hangUp()
    await Promise.all([alice.notInCall(), bob.notInCall()])
  }

  it('names the account of a wrong password, and the right one mends it', async () => {
    const wrong = phoneOf(house.host('desk'), house, 'wrong-password')
    wrong.begin()
    const found = await finds('dora', 'wrongPassword')
    expect(found).toMatchObject({ stage: 'security', weight: 'failed' })
    expect(found.evidence).toContain(`as dora from ${house.host('desk').address}`)
    await wrong.stop()
    const right = phoneOf(house.host('desk'), house, 'right-password', 'none')
    await registered(right)
    await findsNothingOf('dora', 'wrongPassword')

    // The same phone, which does not encrypt, calls a browser.
    await right.dial(`sip:alice@${house.host('pi').address}`)
    await alice.rings('Dora')
    await alice.accept()
    const plain = await finds('dora', 'noDtlsSrtp')
    expect(plain).toMatchObject({ stage: 'security', call: expect.stringMatching(/^[0-9a-f]{32}$/) })
    expect(plain.fix).toContain('mediaenc=dtls_srtp;medianat=ice')
    await right.stop()
    const encrypting = phoneOf(house.host('desk'), house, 'right-password', 'dtls')
    await registered(encrypting)
    await encrypting.dial(`sip:alice@${house.host('pi').address}`)
    await alice.rings('Dora')
    await alice.accept()
    await alice.inCall()
    await alice.hangUp()
    await encrypting.stop()
  })

  it('tells of a microphone that was not allowed, and allowing it mends it', async () => {
    const context = alice.page.context()
    await context.clearPermissions()

    await alice.callAudio('Bob')
    const found = await finds('alice', 'microphone')
    expect(found).toMatchObject({ stage: 'media', evidence: expect.stringContaining('microphoneDenied') })
    await context.grantPermissions(['camera', 'microphone'], { origin: house.daemon.origin })
    await alice.page.reload()
    await alice.ready()
    await talksNow()
  })

  it('tells of a page that is closed, and opening it mends it', async () => {
    await bob.page.goto('about:blank')
    expect(await finds('bob', 'pageClosed')).toMatchObject({ stage: 'signalling', since: expect.any(Number) })
    await bob.page.goto(house.daemon.origin)
    await bob.ready()
    await findsNothingOf('bob', 'pageClosed')
  })

  it('tells of UDP that is blocked, and letting it through mends it', async () => {
    const unblock = await dropUdp(house.host('bob'))
    await answered()
    await alice.notInCall(40)
    const found = await finds('alice', 'noPath')
    expect(found).toMatchObject({ stage: 'network', fix: expect.stringContaining('Allow UDP') })
    expect(found.evidence).toMatch(/Alice sent [1-9]\d* checks, 0 answered, 0 arrived/)
    await unblock()
    await talksNow()
  })

  it('tells of two networks with the relay off, and turning it on mends it', async () => {
    await house.lan.move('bob', 'vlan20')
    await bob.page.reload()
    await bob.ready()
    await answered()
    await alice.notInCall(40)
    const found = await finds('alice', 'relayOff')
    expect(found).toMatchObject({ stage: 'network', weight: 'failed' })
    expect(found.fix).toContain('relay.policy = "cross-vlan"')
    await house.daemon.stop()
    const mended = new Daemon(house.host('pi'), { 'relay.policy': 'cross-vlan' })
    await mended.start()
    await until('both pages are back', async () => {
      const people = await askLocally<User[]>(mended.dataDirectory, '/users')
      return people.filter(one => one.presence === 'available').length === 2
    })
    await talksNow()
    await mended.stop()
  })
})

const phoneOf = (host: Host, house: House, password: string, keying: 'dtls' | 'none' = 'dtls'): Baresip =>
  new Baresip(host, {
    ...{ user: 'dora', password, keying, server: house.host('pi').address, transport: 'udp', hertz: 500 },
  })

/** Who guessed is asked to wait some seconds; the phone itself would ask again only after a minute. */
async function registered(phone: Baresip): Promise<void> {
  await until(
    'the phone is registered',
    async () => {
      const from = phone.output.length
      phone.begin()
      const [said] = await phone.says(/\b200 OK\b.*\[\d+ binding|Too Many Attempts/, from)
      if (!said.startsWith('Too')) return true
      await phone.stop()
      return false
    },
    { seconds: 30, everyMilliseconds: 2_000 },
  )
}

async function dropUdp(host: Host): Promise<() => Promise<void>> {
  const chain = (hook: string): string =>
    `chain ${hook} { type filter hook ${hook} priority 0; policy accept; meta l4proto udp drop; }`
  await must(
    host.exec('nft', ['-f', '-'], `table inet lanline {\n${chain('input')}\n${chain('output')}\n}\n`),
  )
  return async () => void (await must(host.exec('nft', ['delete', 'table', 'inet', 'lanline'])))
}
