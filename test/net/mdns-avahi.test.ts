/**
 * The appliance on a machine whose avahi-daemon lets nobody else have UDP port 5353: a real avahi and a real bus beside
 * it, and what another host's resolver finds.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Finding } from '../../src/doctor/message.ts'
import { Avahi, type Found } from './avahi.ts'
import { Daemon, type Settings } from './daemon.ts'
import { type Host, Lan, must } from './lan.ts'
import { MdnsPeer, written } from './mdns-peer.ts'
import { Owner } from './owner.ts'
import { describeWith } from './peers.ts'
import { Baresip } from './phones.ts'
import { pause, until } from './wait.ts'

const soon = { seconds: 2, everyMilliseconds: 50 }
const ports = {
  ...{ '_lanline._tcp': 443, '_https._tcp': 443, '_sip._udp': 5060, '_sip._tcp': 5060, '_sips._tcp': 5061 },
  ...{ '_stun._udp': 3478, '_turn._udp': 3478 },
}

const beside = (avahi: Avahi, settings: Settings = {}): Daemon =>
  new Daemon(avahi.host, settings, {
    byAddress: true,
    environment: { DBUS_SYSTEM_BUS_ADDRESS: avahi.busAddress },
  })

describeWith(
  ['namespaces', 'avahi-browse', 'avahi-daemon', 'dbus-daemon', 'baresip'],
  'where avahi-daemon holds the port',
  () => {
    let lan: Lan
    let daemon: Daemon
    let owner: Owner
    let avahi: Avahi
    let laptop: Avahi
    /** Another appliance of this network, by another name. */
    let mill: Daemon

    beforeAll(async () => {
      lan = await Lan.create({ hosts: ['pi', 'laptop', 'phone', 'mill'], ipv6: true })
      ;[avahi, laptop] = await Promise.all([
        Avahi.start(lan.host('pi'), 'raspberry', { exclusive: true, ipv6: true }),
        Avahi.start(lan.host('laptop'), 'laptop', { ipv6: true }),
      ])
      daemon = beside(avahi)
      mill = new Daemon(lan.host('mill'), { 'net.hostname': 'mill' }, { byAddress: true })
      await Promise.all([daemon.start(), mill.start()])
    })
    afterAll(() => lan?.remove())

    let place = 'lanline'
    const ours = (): readonly Found[] => laptop.services().filter(one => one.instance === place)
    const allSeen = (): boolean => ours().length === Object.keys(ports).length

    it('every service is seen within 2 s, with the right address, port and text', async () => {
      await until('all services are seen', allSeen, soon).catch(error =>
        expect.fail(`${String(error)}: ${JSON.stringify(ours())}\n${daemon.output}`),
      )
      const { address, address6 } = lan.host('pi')
      expect(Object.fromEntries(ours().map(({ type, port }) => [type, port]))).toEqual(ports)
      expect(new Set(ours().map(one => one.host))).toEqual(new Set(['lanline.local']))
      expect([address, address6]).toEqual(expect.arrayContaining(ours().map(one => one.address)))
      const fingerprint = JSON.parse((await daemon.get('/api/v1/setup')).body).caFingerprint as string
      const { txt } = ours().find(one => one.type === '_lanline._tcp')!
      expect(txt).toContain(`ca=${fingerprint.replaceAll(':', '').toLowerCase()}`)
      expect(txt).toEqual(expect.arrayContaining(['txtvers=1', 'ws=/ws', 'sip=/sip', 'http=80']))
      expect(await laptop.resolve('lanline.local')).toBe(address)
      expect(await discovery(daemon)).toEqual({ state: 'ok', detail: 'lanline.local, by avahi-daemon' })
    })

    it('the machine keeps its own name, also in reverse', async () => {
      const { address } = lan.host('pi')
      expect(await laptop.resolve('raspberry.local')).toBe(address)
      expect(await laptop.nameOf(address)).toBe('raspberry.local')
    })

    it('the doctor finds no problem and says how it is found', async () => {
      const { stdout } = await daemon.doctor()
      const { findings } = JSON.parse(stdout) as { findings: Finding[] }
      expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
      expect(findings.find(({ check }) => check === 'mDNS port 5353')).toMatchObject({
        ...{ level: 'ok', found: 'avahi-daemon has it; lanline is published through avahi-daemon' },
      })
    })

    it('a person appears and goes within 2 s, and nobody else with them', async () => {
      owner = await Owner.claim(daemon)
      place = 'Test house'
      const isOld = (one: Found): boolean => one.instance === 'lanline'
      await until('the place’s name is told', () => allSeen() && !laptop.services().some(isOld))
      const before = laptop.gone.length
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
      expect(new Set(laptop.gone.slice(before))).toEqual(new Set(['sip:bob@lanline.local']))
      expect(allSeen()).toBe(true)
    })

    it('an address that changed and a network that is added are told, each only its own', async () => {
      const pi = lan.host('pi')
      await lan.attach('pi', 'eth1', 'guests', '10.88.0.1')
      await lan.attach('phone', 'eth1', 'guests', '10.88.0.2')
      const guest = await MdnsPeer.start(lan.host('phone'), '10.88.0.2')
      await guest.hears(
        'its announcement',
        '10.88.0.1',
        one =>
          one.message.response && written(one.message.answers).includes('lanline.local 120! A 10.88.0.1'),
        3,
      )
      await move(pi, pi.address, '10.77.0.201')
      await until('the new address', async () => (await laptop.resolve('lanline.local')) === '10.77.0.201', {
        seconds: 3,
      })
      const told = guest.heard
        .filter(one => one.address === '10.88.0.1')
        .flatMap(one => written(one.message.answers))
        .filter(line => line.startsWith('lanline.local') && line.includes(' A '))
      expect(new Set(told.map(line => line.split(' ').at(-1)))).toEqual(new Set(['10.88.0.1']))
      await move(pi, '10.77.0.201', pi.address)
      await until('the first again', async () => (await laptop.resolve('lanline.local')) === pi.address)
    })

    it('avahi-daemon that was restarted is told everything again', async () => {
      await avahi.stopDaemon()
      await until('nothing is seen', () => ours().length === 0, soon)
      await until('the part says so', async () => (await discovery(daemon)).state === 'failed', soon)
      expect((await discovery(daemon)).detail).toContain('avahi-daemon is not running: start it again')
      await avahi.startDaemon()
      await until('all services are seen again', allSeen, soon)
      expect((await discovery(daemon)).state).toBe('ok')
    })

    it('a name that another appliance has ends in one renaming, kept, its certificate following', async () => {
      await owner.request('PATCH', '/settings', { hostname: 'mill' })
      const found = 'mill-2.local, by avahi-daemon'
      await until('another name', async () => (await discovery(daemon)).detail === found, { seconds: 5 })
      await pause(1_500)
      expect(daemon.output.match(/"event":"hostRenamed".*/g)).toMatchObject([
        expect.stringContaining('"from":"lanline","to":"mill-2"'),
      ])
      expect((await discovery(mill)).detail).toBe('mill.local')
      expect(await laptop.resolve('mill-2.local')).toBe(daemon.host.address)
      expect(await laptop.resolve('mill.local')).toBe(mill.host.address)
      const phones = await laptop.look('_sip._udp')
      expect(phones.find(one => one.instance === place)).toMatchObject({ host: 'mill-2.local', port: 5060 })
      await until('the certificate has it', async () =>
        (await namesOnCertificate(lan.host('laptop'), daemon.host.address)).includes('mill-2.local'),
      )
    })

    it('goodbye is said when it stops, and also when it is killed', async () => {
      await daemon.stop()
      await until('nothing is seen', () => ours().length === 0, soon)
      await daemon.start()
      await until('all services are seen again', allSeen, soon)
      await daemon.kill()
      await until('nothing is seen', () => ours().length === 0, soon)
    })
  },
)

describeWith(
  ['namespaces', 'avahi-browse', 'avahi-daemon', 'dbus-daemon'],
  'the way of publishing is chosen by itself:',
  () => {
    let lan: Lan
    let laptop: Avahi
    beforeAll(async () => {
      lan = await Lan.create({ hosts: ['pi', 'other', 'laptop'] })
      laptop = await Avahi.start(lan.host('laptop'), 'laptop')
    })
    afterAll(() => lan?.remove())

    it('neither is there: the part says what to do; the port, once free, is taken', async () => {
      const pi = lan.host('pi')
      const holder = pi.spawn(
        process.execPath,
        ['-e', "require('dgram').createSocket('udp4').bind(5353).on('listening', () => console.log('held'))"],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      await new Promise(resolve => holder.stdout!.once('data', resolve))
      const daemon = new Daemon(pi, {}, { byAddress: true, environment: nowhere })
      await daemon.start()
      await until('it failed', async () => (await discovery(daemon)).state === 'failed', soon)
      const { detail } = await discovery(daemon)
      expect(detail).toMatch(
        /^another program holds UDP port 5353 .* the system bus at \/nowhere cannot be reached \(.*ENOENT.*\)/,
      )
      expect(detail).toContain('stop that program, or start avahi-daemon')
      holder.kill()
      await until('found', async () => (await laptop.resolve('lanline.local')) === pi.address, { seconds: 4 })
      expect(await discovery(daemon)).toEqual({ state: 'ok', detail: 'lanline.local' })
      await daemon.stop()
    })

    it('told to go by avahi-daemon it leaves the port alone, and publishes once that is there', async () => {
      const avahi = await Avahi.start(lan.host('other'), 'nas', { exclusive: true, busOnly: true })
      const daemon = beside(avahi, { 'mdns.mode': 'avahi', 'net.hostname': 'mill' })
      await daemon.start()
      await until('it failed', async () => (await discovery(daemon)).state === 'failed', soon)
      expect((await discovery(daemon)).detail).toContain('avahi-daemon is not running: start avahi-daemon')
      // Exclusive: it would not start if anybody else had the port.
      await avahi.startDaemon()
      await until('found', async () => (await laptop.resolve('mill.local')) === avahi.host.address, soon)
      expect((await discovery(daemon)).state).toBe('ok')
      await daemon.stop()
    })
  },
)

const nowhere = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' }

const discovery = async (daemon: Daemon): Promise<{ readonly state: string; readonly detail: string }> =>
  (await daemon.health()).parts.discovery!

async function move(host: Host, from: string, to: string): Promise<void> {
  await must(host.exec('ip', ['addr', 'del', `${from}/24`, 'dev', 'eth0']))
  await must(host.exec('ip', ['addr', 'add', `${to}/24`, 'dev', 'eth0']))
}

async function namesOnCertificate(from: Host, address: string): Promise<string> {
  const script = `openssl s_client -connect ${address}:443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`
  return (await must(from.exec('bash', ['-c', script]))).stdout
}
