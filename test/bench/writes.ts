/**
 * What lanline writes to its card: sectors that reach a block device of its own with ext4 (a loop device; needs root),
 * while nothing happens, for a registration, a refresh and a call, and what a day of a household makes of it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChannelClient, Told } from '../interop/channel.ts'
import { type LocalDaemon, startLocalDaemon } from '../interop/local-daemon.ts'
import { challengeOf, digest, type RawMessage, RawPeer, request } from '../interop/raw-sip.ts'
import { Reporters, report, sdp } from '../interop/reporting.ts'

export interface WritesOptions {
  readonly idleSeconds: number
  readonly callSeconds: number
  readonly json: boolean
}

/** Four people with two SIP phones that refresh each half hour, and twenty calls of three minutes a day. */
const day = { refreshes: 2 * 48, calls: 20, callSeconds: 180 }

const domain = 'lanline.local'
const phone = { name: 'desk', password: 'right one' }
const sectorBytes = 512
/** As the pages do: a line that says nothing is closed. */
const pingMilliseconds = 5_000

/** An ext4 of its own, mounted as the appliance mounts its data. */
class Card {
  readonly directory: string
  readonly #folder: string
  readonly #device: string

  constructor() {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'lanline-writes-'))
    const image = path.join(this.#folder, 'card.img')
    this.directory = path.join(this.#folder, 'card')
    mkdirSync(this.directory)
    execFileSync('truncate', ['-s', '512M', image])
    execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image])
    this.#device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
    execFileSync('mount', ['-t', 'ext4', '-o', 'noatime', this.#device, this.directory])
  }

  /** Written to the device so far, what the file system still holds back included. */
  writtenBytes(): number {
    execFileSync('sync', ['-f', this.directory])
    const name = path.basename(this.#device)
    return Number(readFileSync(`/sys/block/${name}/stat`, 'latin1').trim().split(/\s+/)[6]) * sectorBytes
  }

  remove(): void {
    execFileSync('umount', [this.directory])
    execFileSync('losetup', ['--detach', this.#device])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export async function benchWrites(options: WritesOptions): Promise<void> {
  const card = new Card()
  let daemon: LocalDaemon | undefined
  try {
    daemon = await startLocalDaemon({ directory: card.directory, users: [phone] })
    const costs = await measure(card, daemon, options)
    print(costs, statSync(path.join(card.directory, 'data/lanline.db')).size, options)
  } finally {
    await daemon?.stop()
    card.remove()
  }
}

interface Costs {
  readonly idleBytesPerHour: number
  readonly registration: number
  readonly refresh: number
  readonly call: number
}

async function measure(card: Card, daemon: LocalDaemon, options: WritesOptions): Promise<Costs> {
  const { idleSeconds, callSeconds } = options
  const say = (text: string): boolean => process.stderr.write(`${text}\n`)
  const reporters = new Reporters(path.join(card.directory, 'data'), daemon.ports.http)
  const [alice, bob] = [await reporters.enter(), await reporters.enter()]
  const registered = new Phone(await RawPeer.open('udp', daemon.ports.sip))
  let pings = 0
  const alive = setInterval(() => {
    for (const { channel } of [alice, bob]) channel.say({ type: 'ping', id: ++pings })
  }, pingMilliseconds)
  let before = card.writtenBytes()
  /** What was written since it was last asked. */
  const since = (): number => {
    const now = card.writtenBytes()
    const spent = now - before
    before = now
    return spent
  }
  await sleep(15_000)
  since()
  await registered.register()
  await sleep(10_000)
  const registration = since()
  const refreshes = 10
  for (let count = 0; count < refreshes; count++) {
    await registered.register()
    await sleep(2_000)
  }
  await sleep(10_000)
  const refresh = since() / refreshes
  say(
    `a registration ${registration} bytes, a refresh ${refresh}; now ${idleSeconds} s in which nothing happens`,
  )
  await sleep(idleSeconds * 1_000)
  const idle = since()
  say(`${idle} bytes; now a call of ${callSeconds} s`)
  alice.channel.say({ type: 'call', ref: 'r1', to: bob.user, sdp: sdp('AA'), video: false })
  const call = String((await heard(alice.channel, 'calling')).call)
  await heard(bob.channel, 'incoming')
  bob.channel.say({ type: 'answer', call, sdp: sdp('BB') })
  await heard(alice.channel, 'answered')
  for (let second = 1; second <= callSeconds; second++) {
    await sleep(1_000)
    alice.channel.say({ type: 'report', call, report: report('caller', second * 1_000) })
    bob.channel.say({ type: 'report', call, report: report('callee', second * 1_000) })
  }
  alice.channel.say({ type: 'bye', call, reason: 'hangup' })
  await heard(bob.channel, 'ended')
  // The conclusion comes late.
  await sleep(30_000)
  clearInterval(alive)
  for (const { channel } of [alice, bob]) channel.close()
  registered.close()
  return {
    ...{ registration, refresh, call: since() },
    idleBytesPerHour: (idle / idleSeconds) * 3_600,
  }
}

async function heard(channel: ChannelClient, type: string): Promise<Told> {
  const told = await channel.next(type)
  if (told === undefined) throw new Error(`nobody said ${type}`)
  return told
}

/** A SIP phone on UDP whose registration goes on under one Call-ID. */
class Phone {
  readonly #peer: RawPeer
  readonly #callId = 'writes@127.0.0.1'
  #cseq = 0

  constructor(peer: RawPeer) {
    this.#peer = peer
  }

  close(): void {
    this.#peer.close()
  }

  async register(): Promise<void> {
    const challenge = await this.#peer.ask(this.#request())
    if (challenge === undefined) throw new Error('REGISTER was not answered')
    const answer = await this.#peer.ask(this.#request(challenge))
    if (answer?.status !== 200) throw new Error(`REGISTER was answered ${answer?.status}`)
  }

  #request(challenge?: RawMessage): string {
    const uri = `sip:${domain}`
    const asked = { user: phone.name, password: phone.password, method: 'REGISTER', uri }
    const value = challenge && digest({ ...asked, challenge: challengeOf(challenge) })
    return request({
      ...{
        method: 'REGISTER',
        uri,
        from: `<sip:${phone.name}@${domain}>`,
        to: `<sip:${phone.name}@${domain}>`,
      },
      ...{ transport: 'udp', callId: this.#callId, cseq: ++this.#cseq },
      more: [
        `Contact: <sip:${phone.name}@127.0.0.1:${this.#peer.localPort}>`,
        'Expires: 3600',
        ...(value === undefined ? [] : [`Authorization: ${value}`]),
      ],
    })
  }
}

function print(costs: Costs, databaseBytes: number, { callSeconds, json }: WritesOptions): void {
  const perCall = (costs.call / callSeconds) * day.callSeconds
  const perDay = costs.idleBytesPerHour * 24 + costs.refresh * day.refreshes + perCall * day.calls
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...costs, databaseBytes, perDay })}\n`)
    return
  }
  const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`
  const lines = [
    ['idle, an hour', kilobytes(costs.idleBytesPerHour)],
    ['a new registration', kilobytes(costs.registration)],
    ['a refresh of one', kilobytes(costs.refresh)],
    [`a call of ${callSeconds} s, both ends reporting each second, with its verdict`, kilobytes(costs.call)],
    [`a day: ${day.refreshes} refreshes, ${day.calls} calls of ${day.callSeconds} s`, kilobytes(perDay)],
  ]
  process.stdout.write(
    `${lines.map(([what, much]) => `${what!.padEnd(72)} ${much!.padStart(12)}`).join('\n')}\n`,
  )
}
