/** What goes wrong with the appliance itself, made for real: Help names it, and what it advises mends it. */
import { appendFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { plausibleFrom } from '../../src/core/clock.ts'
import type { Diagnosis, Finding } from '../../src/help/message.ts'
import { makeChain } from '../tls/own-certificate.ts'
import { Avahi } from './avahi.ts'
import { Daemon } from './daemon.ts'
import { Lan, must, run } from './lan.ts'
import { askLocally } from './local-request.ts'
import { describeWith } from './peers.ts'
import { Baresip } from './phones.ts'
import { until } from './wait.ts'

const clock = fileURLToPath(new URL('./shifted-clock.ts', import.meta.url))
const node = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
const hour = 3_600_000

describeWith(
  ['namespaces', 'baresip', 'avahi-daemon', 'avahi-browse', 'dbus-daemon'],
  'Help for the appliance',
  () => {
    let lan: Lan
    let daemon: Daemon
    let shiftFile: string
    const undo: (() => Promise<unknown> | unknown)[] = []

    beforeAll(async () => {
      lan = await Lan.create({ hosts: ['pi', 'desk', 'laptop'] })
      shiftFile = join(lan.directory, 'shift')
      const environment = { NODE_OPTIONS: `--import=${clock}`, SHIFTED_CLOCK_FILE: shiftFile }
      daemon = new Daemon(lan.host('pi'), {}, { byAddress: true, environment })
      // A small disk of its own.
      await must(run('mkdir', ['-p', daemon.dataDirectory]))
      await must(run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', daemon.dataDirectory]))
      await daemon.start()
      await daemon.cli(['user', 'add', 'dora', '--password-stdin'], 'right-password\n')
    })
    afterEach(async () => {
      for (const step of undo.splice(0).reverse()) await step()
    })
    afterAll(async () => {
      await daemon?.stop()
      await run('umount', ['-l', daemon?.dataDirectory ?? ''])
      lan?.remove()
    })

    const shift = (milliseconds: number): void => writeFileSync(shiftFile, String(milliseconds))
    const restart = async (): Promise<void> => {
      await daemon.stop()
      await daemon.start()
    }
    const diagnose = (at?: number): Promise<Diagnosis> =>
      askLocally(daemon.dataDirectory, `/help/diagnosis?user=dora${at === undefined ? '' : `&at=${at}`}`)
    const finding = async (cause: Finding['cause'], at?: number): Promise<Finding | undefined> =>
      (await diagnose(at)).findings.find(one => one.cause === cause)
    const finds = (cause: Finding['cause'], at?: number): Promise<Finding> =>
      until(`Help finds ${cause}`, () => finding(cause, at), { seconds: 15 })
    const findsNo = (cause: Finding['cause']): Promise<unknown> =>
      until(`Help no longer finds ${cause}`, async () => (await finding(cause)) === undefined, {
        seconds: 15,
      })
    const phone = (): Baresip =>
      new Baresip(lan.host('desk'), {
        ...{ user: 'dora', password: 'right-password', server: lan.host('pi').address },
        ...{ transport: 'udp', hertz: 500 },
      })

    it('it did not run at that time', async () => {
      await daemon.kill()
      const [from, now] = [Date.now() - 3 * hour, Date.now()]
      for (const name of ['lanline.alive', 'lanline.db', 'lanline.db-wal'])
        utimesSync(join(daemon.dataDirectory, name), from / 1_000, from / 1_000)
      await daemon.start()
      expect((await diagnose(now - hour)).findings[0]).toMatchObject({
        ...{ stage: 'signalling', cause: 'notRunning', since: expect.closeTo(from, -4) },
      })
      expect(await finding('notRunning', from - hour)).toBeUndefined()
    })

    it('a phone from which nothing ever arrived, then one that went away', async () => {
      expect((await diagnose()).findings[0]).toMatchObject({ stage: 'network', cause: 'nothingArrived' })
      const desk = phone()
      await desk.start()
      await findsNo('nothingArrived')
      await desk.stop()
      expect(await finds('notRegistered')).toMatchObject({ stage: 'signalling', since: expect.any(Number) })
    })

    it('the diagnostics tell of all this, and hold no secret', async () => {
      const told = JSON.stringify(await askLocally(daemon.dataDirectory, '/help/diagnostics'))
      for (const word of ['notRunning', 'dora', 'cross-vlan', 'sip_bindings']) expect(told).toContain(word)
      for (const secret of ['right-password', daemon.setupCode, 'PRIVATE KEY'])
        expect(told).not.toContain(secret)
    })

    it('the clock stands in 1970, and setting it mends it', async () => {
      shift(86_400_000 - Date.now())
      expect(await finds('clockNotSet')).toMatchObject({
        ...{ stage: 'data', evidence: expect.stringContaining('1970') },
      })
      shift(0)
      await findsNo('clockNotSet')
    })

    it('the disk is full, and making room mends it', async () => {
      const file = join(daemon.dataDirectory, 'filling')
      undo.push(() => rmSync(file, { force: true }))
      fill(file)
      const desk = phone()
      undo.push(() => desk.stop())
      desk.begin()
      const found = await finds('diskFull')
      expect(found).toMatchObject({ stage: 'data', weight: 'failed' })
      await until('a write fails', async () =>
        (await finding('diskFull'))?.evidence.includes('failed (diskFull)'),
      )
      expect((await diagnose()).findings[0]!.cause).toBe('diskFull')
      rmSync(file)
      await desk.stop()
      desk.begin()
      await desk.says(/\b200 OK\b.*\[\d+ binding/)
      await findsNo('diskFull')
    })

    it('the certificate has expired, and a restart by a right clock mends it', async () => {
      shift(2 * 366 * 24 * hour)
      const found = await finds('certificate')
      expect(found).toMatchObject({ stage: 'security', sentence: expect.stringContaining('expired') })
      expect(found.since).toBeGreaterThan(plausibleFrom)
      await restart()
      await findsNo('certificate')
      shift(0)
    })

    it('the owner’s own certificate has expired: a restart mends nothing, a newer one at once', async () => {
      const names = ['phone.example.com']
      const bring = (days: number): Promise<unknown> => {
        const { leaf, intermediate, key } = makeChain({ names, days })
        return askLocally(daemon.dataDirectory, '/certificate/own', { certificate: leaf + intermediate, key })
      }
      await bring(10)
      shift(20 * 24 * hour)
      const found = await finds('ownCertificate')
      expect(found).toMatchObject({ stage: 'security', sentence: expect.stringContaining(names[0]!) })
      expect(found.fix).toContain(`https://${lan.host('pi').address}/`)
      // lanline makes its own anew by itself, and this one stays as it is.
      await restart()
      await finds('ownCertificate')
      expect(await finding('certificate')).toBeUndefined()
      await bring(60)
      await findsNo('ownCertificate')
      shift(0)
    })

    it('the port is taken by another program, and stopping that mends it', async () => {
      const config = join(daemon.dataDirectory, '..', 'lanline.toml')
      const before = readFileSync(config, 'utf8')
      undo.push(() => writeFileSync(config, before))
      await daemon.stop()
      // A port that was chosen must be free; one that was not moves on.
      writeFileSync(config, before.replace(/^(port = 5060|tls_port = 5061)\n/gm, ''))
      const other = lan
        .host('pi')
        .spawn(
          node,
          ['-e', "require('node:dgram').createSocket('udp4').bind(5060, () => console.log('bound'))"],
          {
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        )
      await new Promise(resolve => other.stdout!.once('data', resolve))
      await daemon.start()
      const { findings } = await diagnose()
      expect(findings[0]).toMatchObject({ stage: 'signalling', cause: 'portMoved' })
      expect(findings[0]!.fix).toContain('port 5060')
      expect(findings.map(one => one.cause)).toContain('notRegistered')
      const gone = new Promise(resolve => other.once('exit', resolve))
      other.kill()
      await gone
      await restart()
      await findsNo('portMoved')
    })

    it('another device has the name', async () => {
      await daemon.stop()
      await Avahi.start(lan.host('laptop'), 'lanline')
      await daemon.start()
      expect(await finds('nameConflict')).toMatchObject({ stage: 'network' })
      // Until another name is found the address is the way.
      await until('Help knows the new name', async () =>
        (await finding('nameConflict'))?.fix.includes('https://lanline-2.local/'),
      )
    })
  },
)

function fill(file: string): void {
  const block = Buffer.alloc(262_144)
  try {
    for (;;) appendFileSync(file, block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
  // The rest, to the last byte.
  try {
    for (;;) appendFileSync(file, '0'.repeat(512))
  } catch {}
}
