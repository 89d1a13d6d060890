/** The appliance as another host's resolver finds it: real sockets, a real avahi, a LAN of namespaces. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/message.ts'
import { Avahi, type Found } from './avahi.ts'
import { Daemon } from './daemon.ts'
import { type Host, Lan, must } from './lan.ts'
import { type HeardMessage, MdnsPeer, recordType, written } from './mdns-peer.ts'
import { Owner } from './owner.ts'
import { describeWith } from './peers.ts'
import { Baresip } from './phones.ts'
import { pause, until } from './wait.ts'

const hostile = fileURLToPath(new URL('./mdns-hostile.ts', import.meta.url))
const soon = { seconds: 2, everyMilliseconds: 50 }

describeWith(
  ['namespaces', 'avahi-browse', 'avahi-daemon', 'dbus-daemon', 'baresip'],
  'found on the network',
  () => {
    let lan: Lan
    let daemon: Daemon
    let owner: Owner
    let laptop: Avahi

    beforeAll(async () => {
      lan = await Lan.create({
        hosts: ['pi', 'laptop', 'phone'],
        ipv6: true,
        names: { 'lanline.local': 'pi' },
      })
      laptop = await Avahi.start(lan.host('laptop'), 'laptop', { ipv6: true })
      daemon = new Daemon(lan.host('pi'))
      await daemon.start()
      owner = await Owner.claim(daemon)
    })
    afterAll(() => lan?.remove())

    it('every service is seen within 2 s, with the right address, port and text', async () => {
      const { address } = lan.host('pi')
      const wanted: Readonly<Record<string, number>> = {
        ...{
          '_lanline._tcp': 443,
          '_https._tcp': 443,
          '_sip._udp': 5060,
          '_sip._tcp': 5060,
          '_sips._tcp': 5061,
          '_stun._udp': 3478,
          '_turn._udp': 3478,
        },
      }
      let found: readonly Found[] = []
      await until(
        'all services are seen',
        () => {
          found = laptop.services().filter(one => one.type !== '_sipuri._udp' && one.host === 'lanline.local')
          return found.length >= Object.keys(wanted).length
        },
        soon,
      ).catch(error => expect.fail(`${String(error)}: ${JSON.stringify(found)}\n${daemon.output}`))
      expect(Object.fromEntries(found.map(({ type, port }) => [type, port]))).toEqual(wanted)
      expect(new Set(found.map(one => one.host))).toEqual(new Set(['lanline.local']))
      expect(new Set(found.map(one => one.address))).toEqual(new Set([address]))
      const fingerprint = JSON.parse((await daemon.get('/api/v1/setup')).body).caFingerprint as string
      const { txt } = found.find(one => one.type === '_lanline._tcp')!
      expect(txt).toContain(`ca=${fingerprint.replaceAll(':', '').toLowerCase()}`)
      expect(txt).toEqual(expect.arrayContaining(['txtvers=1', 'ws=/ws', 'sip=/sip']))
      expect(await laptop.resolve('lanline.local')).toBe(address)
    })

    it('a person appears with their registration and goes with it', async () => {
      expect(laptop.services('_sipuri._udp')).toEqual([])
      await owner.addUser('bob', 'Bob', 'bobspassword')
      const server = lan.host('pi').address
      const phone = new Baresip(lan.host('phone'), {
        ...{ user: 'bob', password: 'bobspassword', server, transport: 'udp', hertz: 500 },
      })
      await phone.start()
      const bob = () => laptop.services('_sipuri._udp')[0]
      await until('Bob appears', () => bob() !== undefined, soon)
      expect(bob()).toMatchObject({
        ...{ instance: 'sip:bob@lanline.local', host: 'lanline.local', port: 5060 },
        txt: ['name=Bob', 'txtvers=1', 'uri=sip:bob@lanline.local'],
      })
      await phone.stop()
      await until('Bob is gone', () => bob() === undefined, soon)
    })

    it('an address that changed is told within 2 s, the old one taken back by a goodbye and never told again', async () => {
      const pi = lan.host('pi')
      const peer = await MdnsPeer.start(lan.host('phone'))
      const move = async (from: string, to: string): Promise<void> => {
        await must(pi.exec('ip', ['addr', 'del', `${from}/24`, 'dev', 'eth0']))
        await must(pi.exec('ip', ['addr', 'add', `${to}/24`, 'dev', 'eth0']))
      }
      await move(pi.address, '10.77.0.201')
      const goodbye = `lanline.local 0! A ${pi.address}`
      await peer.hears('goodbye to the old address', '10.77.0.201', saysThat(goodbye), 2)
      await until(
        'the new address',
        async () => (await laptop.resolve('lanline.local')) === '10.77.0.201',
        soon,
      )
      peer.clear()
      peer.ask([['lanline.local', recordType.ANY]])
      await peer.hears('the address', '10.77.0.201', saysThat('lanline.local 120! A 10.77.0.201'))
      expect(peer.heard.flatMap(one => written(one.message.answers)).join()).not.toContain(pi.address)
      expect(await namesOnCertificate(lan.host('laptop'), '10.77.0.201')).toContain('10.77.0.201')
      await move('10.77.0.201', pi.address)
      await until('the first again', async () => (await laptop.resolve('lanline.local')) === pi.address, soon)
    })

    it('after the cable was out it is found again within 2 s', async () => {
      await lan.host('pi').linkDown()
      await pause(1_500)
      await lan.host('pi').linkUp()
      const peer = await MdnsPeer.start(lan.host('phone'))
      const again = saysThat(`lanline.local 120! A ${lan.host('pi').address}`)
      await peer.hears('its announcement', lan.host('pi').address, again, 2.5)
    })

    it('an interface that is added is answered on within 2 s; each network is told only its own address', async () => {
      await lan.attach('pi', 'eth1', 'guests', '10.88.0.1')
      await lan.attach('phone', 'eth1', 'guests', '10.88.0.2')
      const inside = await MdnsPeer.start(lan.host('laptop'))
      const guest = await MdnsPeer.start(lan.host('phone'), '10.88.0.2')
      await guest.hears('its announcement', '10.88.0.1', saysThat('lanline.local 120! A 10.88.0.1'), 2.5)
      await pause(1_100)
      for (const peer of [inside, guest]) {
        peer.clear()
        peer.ask([['lanline.local', recordType.ANY]])
      }
      await guest.hears('an answer', '10.88.0.1', saysThat('lanline.local 120! A 10.88.0.1'))
      const { address } = lan.host('pi')
      await inside.hears('an answer', address, saysThat(`lanline.local 120! A ${address}`))
      // A host hears on all its interfaces; by where it came from one knows which network it was sent to.
      const told = (peer: MdnsPeer, from: string): string =>
        peer.heard
          .filter(one => one.address === from)
          .flatMap(one => written(one.message.answers))
          .join()
      expect(told(guest, '10.88.0.1')).not.toContain('10.77.0.')
      expect(told(inside, address)).not.toContain('10.88.0.')
    })

    it('hostile packets neither end it nor hold it up, and one from another network gets nothing', async () => {
      const flood = lan
        .host('phone')
        .spawn(process.execPath, [hostile, lan.host('phone').address, '10000', '3'], {
          stdio: 'inherit',
        })
      const ended = new Promise(resolve => flood.once('exit', resolve))
      const waits: number[] = []
      while (flood.exitCode === null) {
        const asked = performance.now()
        await daemon.health()
        waits.push(performance.now() - asked)
        await Promise.race([ended, pause(50)])
      }
      // Health is asked over a new TLS connection each time.
      expect(waits.length).toBeGreaterThan(10)
      const inTime = waits.filter(wait => wait < 500)
      expect(inTime.length).toBeGreaterThan(waits.length / 2)
      const peer = await MdnsPeer.start(lan.host('laptop'))
      await pause(1_100)
      peer.ask([['lanline.local', recordType.A]])
      await peer.hears('an answer', lan.host('pi').address, one => one.message.response)
      // The laptop takes an address of no network here, and a way back to it is known.
      const { address } = lan.host('laptop')
      await must(lan.host('laptop').exec('ip', ['addr', 'add', '192.0.2.7/32', 'dev', 'eth0']))
      await must(lan.host('pi').exec('ip', ['route', 'add', '192.0.2.7/32', 'via', address]))
      const stranger = await MdnsPeer.start(lan.host('laptop'), '192.0.2.7')
      await pause(1_100)
      stranger.clear()
      stranger.ask([['lanline.local', recordType.A, true]], {
        sourcePort: 40_002,
        to: lan.host('pi').address,
      })
      stranger.ask([['lanline.local', recordType.A, true]], { to: lan.host('pi').address })
      await pause(500)
      expect(stranger.heard.filter(one => one.address === lan.host('pi').address)).toEqual([])
    })
  },
)

describeWith(['namespaces', 'avahi-browse', 'avahi-daemon', 'dbus-daemon'], 'two that want one name', () => {
  let lan: Lan
  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'rival', 'laptop'] })
  })
  afterAll(() => lan?.remove())

  it('at the same moment: one is renamed, stable within 5 s, its page and certificate following', async () => {
    const [one, other] = ['pi', 'rival'].map(name => new Daemon(lan.host(name), {}, { byAddress: true })) as [
      Daemon,
      Daemon,
    ]
    await Promise.all([one.start(), other.start()])
    const settled = async (): Promise<string[]> => [await nameOf(one), await nameOf(other)].sort()
    await until('two names', async () => (await settled()).join() === 'lanline-2.local,lanline.local', {
      ...{ seconds: 5, everyMilliseconds: 100 },
    })
    await pause(3_000)
    expect(await settled()).toEqual(['lanline-2.local', 'lanline.local'])
    const loser = (await nameOf(one)) === 'lanline-2.local' ? one : other
    expect(loser.output).toContain('"event":"hostRenamed","from":"lanline","to":"lanline-2"')
    await until('the certificate has it', async () =>
      (await namesOnCertificate(lan.host('laptop'), loser.host.address)).includes('lanline-2.local'),
    )
    // Kept over a restart.
    await loser.stop()
    await loser.start()
    expect(loser.output).toContain('lanline ready https://lanline-2.local')
    await Promise.all([one.stop(), other.stop()])
  })

  it('are both found by the doctor of either, who finds nothing else wrong', async () => {
    const [one, other] = ['pi', 'rival'].map(
      name => new Daemon(lan.host(name), { 'net.hostname': `house-${name}` }, { byAddress: true }),
    ) as [Daemon, Daemon]
    await Promise.all([one.start(), other.start()])
    await until(
      'two names',
      async () => (await nameOf(one)) === 'house-pi.local' && (await nameOf(other)) !== '',
    )
    const { findings } = JSON.parse((await one.doctor()).stdout) as { findings: Finding[] }
    const notWell = findings.filter(({ level }) => level === 'problem' || level === 'warning')
    expect(notWell).toMatchObject([{ check: 'found on the network', level: 'warning' }])
    expect(notWell[0]!.found).toContain('house-rival.local')
    await one.stop()
    const stopped = await one.doctor()
    expect(stopped.code).toBe(1)
    expect(stopped.stdout).toContain('does not run')
    await other.stop()
  })

  it('on one machine an avahi under its own name is in nobody’s way, and the doctor names it', async () => {
    const { address } = lan.host('pi')
    await Avahi.start(lan.host('pi'), 'raspberry')
    const laptop = await Avahi.start(lan.host('rival'), 'notebook')
    const daemon = new Daemon(lan.host('pi'), {}, { byAddress: true })
    await daemon.start()
    await until('lanline is found', async () => (await laptop.resolve('lanline.local')) === address, {
      seconds: 5,
    })
    expect(await laptop.resolve('raspberry.local')).toBe(address)
    await until('its services are', () => laptop.services('_lanline._tcp').length === 1, { seconds: 3 })
    expect(await nameOf(daemon)).toBe('lanline.local')
    const { findings } = JSON.parse((await daemon.doctor()).stdout) as { findings: Finding[] }
    expect(findings.find(({ check }) => check === 'mDNS port 5353')).toMatchObject({
      ...{ level: 'ok', found: expect.stringContaining('avahi-daemon') },
    })
    await daemon.stop()
  })

  it('and an avahi that has it already keeps it', async () => {
    await Avahi.start(lan.host('laptop'), 'exchange')
    const daemon = new Daemon(lan.host('rival'), { 'net.hostname': 'exchange' }, { byAddress: true })
    await daemon.start()
    await until('another name', async () => (await nameOf(daemon)) === 'exchange-2.local', { seconds: 5 })
    await daemon.stop()
  })
})

/** The name an appliance goes by, while it is settled. */
async function nameOf(daemon: Daemon): Promise<string> {
  return (await daemon.health()).parts.discovery!.detail
}

async function namesOnCertificate(from: Host, address: string): Promise<string> {
  const script = `openssl s_client -connect ${address}:443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`
  return (await must(from.exec('bash', ['-c', script]))).stdout
}

const saysThat = (line: string) => (one: HeardMessage) =>
  one.message.response && written([...one.message.answers]).includes(line)
