/** Clients on `lanline.v1` without any media: they call each other and report what a test wants them to. */
import type { Enrolment, ToldCall } from '../../src/admin/message.ts'
import type { SelectedPair } from '../../src/calls/message.ts'
import { api } from '../../src/cli/api.ts'
import type { Config } from '../../src/config.ts'
import type { MediaReport } from '../../src/signalling/message.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import { ChannelClient } from './channel.ts'

export const print = (byte: string): string => `sha-256 ${Array(32).fill(byte).join(':')}`
export const sdp = (byte: string): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:u${byte}\r\na=ice-pwd:verysecretpassword\r\na=fingerprint:${print(byte)}\r\n`

export const pair = (local: number, remote: number): SelectedPair => ({
  ...{ localType: 'host', localAddress: '10.0.0.2', localPort: local, protocol: 'udp', rttMilliseconds: 1 },
  ...{ remoteType: 'host', remoteAddress: '10.0.0.2', remotePort: remote },
})

/** Who has which certificate and port, and sends which stream. */
const ends = {
  caller: { byte: 'AA', other: 'BB', pair: pair(5_002, 5_003), ssrcs: [1, 2] },
  callee: { byte: 'BB', other: 'AA', pair: pair(5_003, 5_002), ssrcs: [2, 1] },
} as const

/** What an honest end says: 50 packets of 80 bytes a second, each way, `at` milliseconds after the begin. */
export function report(role: 'caller' | 'callee', at: number): MediaReport {
  const { byte, other, pair, ssrcs } = ends[role]
  return {
    ...{ atMilliseconds: at, roundTripMilliseconds: 2, iceConnection: 'connected', iceGathering: 'complete' },
    ...{ connection: 'connected', dtls: 'connected', pair },
    ...{ localFingerprint: print(byte), remoteFingerprint: print(other) },
    streams: (['sent', 'received'] as const).map((direction, index) => ({
      ...{
        ssrc: ssrcs[index]!,
        kind: 'audio',
        direction,
        packets: Math.floor(at / 20),
        bytes: at * 4,
        lost: 0,
      },
    })),
  }
}

let people = 0

export class Reporters {
  readonly #config: Config
  readonly #port: number

  /** Of the daemon whose data directory and port these are. */
  constructor(directory: string, port: number) {
    this.#config = { data: { dir: directory } } as Config
    this.#port = port
  }

  trace(call: string): Promise<SignedTrace> {
    return api(this.#config, 'GET', `/calls/${call}/trace.json`)
  }

  /** As the list of calls has it. */
  listed(call: string): Promise<ToldCall> {
    return api(this.#config, 'GET', `/calls/${call}`)
  }

  /** A new person with a device that is online. */
  async enter(): Promise<{ readonly channel: ChannelClient; readonly user: string }> {
    const user = `person-${++people}`
    await api(this.#config, 'POST', '/users', { name: user })
    const wish = { displayName: user, deviceName: 'test', kind: 'app', user }
    const { token } = await api<Enrolment>(this.#config, 'POST', '/devices', wish)
    const channel = await ChannelClient.open(this.#port)
    channel.say({ type: 'hello', token, client: 'test', tab: 'one', resume: [] })
    if ((await channel.next('welcome')) === undefined) throw new Error(`${user} is not welcome`)
    return { channel, user }
  }

  /** A call that is answered. */
  async call(): Promise<Talk> {
    const [alice, bob] = [await this.enter(), await this.enter()]
    alice.channel.say({ type: 'call', ref: 'r1', to: bob.user, sdp: sdp('AA'), video: false })
    const call = String((await alice.channel.next('calling'))?.call)
    await bob.channel.next('incoming')
    bob.channel.say({ type: 'answer', call, sdp: sdp('BB') })
    await alice.channel.next('answered')
    return new Talk(this, call, alice.channel, bob.channel)
  }
}

/** What the callee makes of an honest report; undefined: it says nothing. */
export type Lie = (honest: MediaReport) => MediaReport | undefined

export class Talk {
  readonly call: string
  readonly caller: ChannelClient
  readonly callee: ChannelClient
  readonly #reporters: Reporters

  constructor(reporters: Reporters, call: string, caller: ChannelClient, callee: ChannelClient) {
    this.#reporters = reporters
    this.call = call
    this.caller = caller
    this.callee = callee
  }

  /** Both tell each second how it goes, for four seconds, and the last counts after hanging up; the callee as it likes. */
  async told(lie: Lie = honest => honest): Promise<SignedTrace> {
    for (const at of [1_000, 2_000, 3_000, 4_000]) {
      // Counters are compared over time, and a clock that runs ahead of the appliance's is not believed.
      await new Promise(resolve => setTimeout(resolve, 1_000))
      this.#tell(at, lie)
    }
    this.caller.say({ type: 'bye', call: this.call, reason: 'hangup' })
    await this.callee.next('ended')
    this.#tell(4_000, lie, { final: true, atMilliseconds: 4_050 })
    return this.close()
  }

  /** Both leave after everything they said was taken. */
  async close(): Promise<SignedTrace> {
    // Answered after the reports, which are handled in order.
    for (const channel of [this.caller, this.callee]) {
      channel.say({ type: 'ping', id: 7 })
      await channel.next('pong')
      channel.close()
    }
    return this.#reporters.trace(this.call)
  }

  #tell(at: number, lie: Lie, more: Partial<MediaReport> = {}): void {
    const { call } = this
    this.caller.say({ type: 'report', call, report: { ...report('caller', at), ...more } })
    const told = lie({ ...report('callee', at), ...more })
    if (told !== undefined) this.callee.say({ type: 'report', call, report: told })
  }
}
