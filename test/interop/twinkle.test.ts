/**
 * Twinkle, which has a SIP stack of its own, neither encrypts nor speaks ICE, and of several challenges reads the last one:
 * given nothing but name, password and address it registers, calls and is called.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { House } from '../net/house.ts'
import { describeWith, pathOf } from '../net/peers.ts'
import { Baresip } from '../net/phones.ts'
import { until } from '../net/wait.ts'

describeWith(['namespaces', 'baresip', 'twinkle-console'], 'Twinkle', () => {
  let house: House
  let desk: Baresip
  let running: Twinkle[] = []

  beforeAll(async () => {
    house = await House.build({ seats: [], otherHosts: ['desk', 'mobile'] })
    // A telephone that was not signed off would ring as well, so each has a name of its own.
    for (const user of ['paula', 'tim', 'udp', 'tcp']) await house.owner.addUser(user, user, `${user}-secret`)
    desk = new Baresip(house.host('desk'), {
      ...{ user: 'paula', password: 'paula-secret', server: server(), transport: 'udp', hertz: 700 },
      ...{ keying: 'none', codec: 'PCMU/8000/1' },
    })
    await desk.start()
  }, 60_000)
  afterAll(async () => {
    await desk?.stop()
    house?.remove()
  })
  afterEach(async () => {
    await Promise.all(running.map(one => one.stop()))
    running = []
  })

  const server = () => house.host('pi').address
  const newest = async () => (await house.daemon.calls())[0]
  const twinkle = (settings: object = {}, user = 'tim'): Twinkle => {
    const phone = new Twinkle(house, {
      ...{
        user_name: user,
        user_domain: server(),
        auth_name: user,
        auth_pass: `${user}-secret`,
        ...settings,
      },
    })
    running.push(phone)
    return phone
  }

  it.each(['udp', 'tcp'])('registers over %s, is called, and calls', async transport => {
    const tim = twinkle({ sip_transport: transport }, transport)
    await tim.says(/registration succeeded/)
    let from = desk.output.length
    await desk.dial(`sip:${transport}@${server()}`)
    await tim.says(/incoming call\s+From:\s+.*sip:paula@/)
    tim.command('reject')
    await desk.says(/486 Busy Here/, from)
    await until('the row is closed', async () => (await newest())?.reason === 'busy')

    from = desk.output.length
    tim.command('call paula')
    await desk.says(/Incoming call from: .*sip:(?:udp|tcp)@/, from)
    tim.command('bye')
    await desk.says(/session closed|terminated/, from)
    await until('the row is closed', async () => (await newest())?.reason === 'cancelled')

    from = desk.output.length
    tim.command('call paula')
    await desk.says(/Incoming call from: .*sip:(?:udp|tcp)@/, from)
    await desk.accept()
    await tim.says(/far end answered call/)
    await desk.says(/Call established/, from)
    await desk.hangUp()
    await until('the row is closed', async () => (await newest())?.reason === 'hangup')
    // Nothing more of it: at the end of a call that was answered it may hang, in threads of its own.
  })

  it('is told at once that the echo cannot take what it offers', async () => {
    const tim = twinkle()
    await tim.says(/registration succeeded/)
    tim.command('call echo')
    await tim.says(/call failed\.\s+488 Not Acceptable Here/, 3)
    await tim.stop()
    expect(tim.output).toMatch(/de-registration succeeded/)
  })

  it('is told that its password is wrong, and registers with the right one right after', async () => {
    const wrong = twinkle({ auth_pass: 'tim-secrte' })
    await wrong.says(/registration failed: 40[13]/)
    await wrong.stop()
    const right = twinkle()
    await right.says(/registration succeeded/)
  })
})

/** It is steered by its own command line. Sound comes from nowhere and goes nowhere. */
class Twinkle {
  readonly #process: ChildProcess
  #output = ''

  constructor(house: House, settings: object) {
    const home = mkdtempSync(join(house.lan.directory, 'twinkle-'))
    mkdirSync(join(home, '.twinkle'))
    const write = (file: string, values: object) =>
      writeFileSync(
        join(home, '.twinkle', file),
        Object.entries(values)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      )
    write('phone.cfg', settings)
    const device = 'alsa:default'
    write('twinkle.sys', { dev_ringtone: device, dev_speaker: device, dev_mic: device, log_show_debug: 'no' })
    writeFileSync(join(home, '.asoundrc'), 'pcm.!default { type null }\nctl.!default { type null }\n')
    this.#process = house.host('mobile').spawn(pathOf('twinkle-console')!, ['phone.cfg'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, HOME: home },
    })
    for (const stream of [this.#process.stdout!, this.#process.stderr!])
      stream.on('data', chunk => {
        this.#output += String(chunk)
      })
  }

  get output(): string {
    return this.#output
  }

  command(line: string): void {
    this.#process.stdin!.write(`${line}\n`)
  }

  async says(pattern: RegExp, seconds = 10): Promise<void> {
    await until(`Twinkle says ${pattern}`, () => pattern.test(this.#output), { seconds }).catch(error => {
      throw new Error(`${String(error)}\n${this.#output}`)
    })
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    this.command('quit')
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await ended
    clearTimeout(late)
  }
}
