/**
 * The relay under attack by those who have every right to be there, and by those who have none: a daemon on two VLANs,
 * listeners wherever it could reach, and the appliance's own kernel counting what leaves the relay's ports.
 */
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Enrolment, RelayState } from '../../src/admin/message.ts'
import { encode } from '../../src/stun/codec.ts'
import { type StunMessage, stunType } from '../../src/stun/message.ts'
import { Daemon } from './daemon.ts'
import { Lan, must } from './lan.ts'
import { Owner } from './owner.ts'
import { describeWith } from './peers.ts'
import { FarHost, type FarSocket } from './sockets.ts'
import { type Server, type Transport, TurnClient } from './turn-client.ts'
import { pause, until } from './wait.ts'

const soak = process.env.LANLINE_SOAK !== undefined
const floodSeconds = soak ? 20 : 3
const floodPerSecond = 10_000

/** Where listeners are, besides the ports that lanline itself has. */
const ports = [80, 443, 5060, 5353, 3478, 9_999]
const alice4 = '10.77.0.12'
const bob4 = '10.78.0.13'
const controlPort = 7_000
/** What the appliance can reach and nobody may through it. */
const forbidden4 = [
  ...['10.77.0.11', '10.78.0.11', '127.0.0.1', '127.0.0.53', '0.0.0.0'],
  ...['10.77.0.14', '10.78.0.15', '10.77.0.255', '10.78.0.255', '10.77.0.0', '255.255.255.255'],
  ...['169.254.169.254', '224.0.0.251', '239.255.255.250', '224.0.0.1', alice4],
]
const forbidden6 = [
  ...['::1', '::', 'fd77::11', 'fd78::11', 'fd77::14', 'fd78::15', 'fd78::13', 'ff02::fb', 'ff02::1'],
  // Mapped, compatible, NAT64, 6to4, Teredo, ISATAP forms of the appliance, of a third host and of the peer itself.
  ...['a4d:b', 'a4e:f', 'a4e:d'].flatMap(quad => [
    ...[
      `::ffff:${quad}`,
      `::${quad}`,
      `64:ff9b::${quad}`,
      `2002:${quad}::1`,
      `2001:0:${quad}::`,
      `fe80::5efe:${quad}`,
    ],
  ]),
]
const forbidden = [...forbidden4, ...forbidden6]
/** Addresses for forged sources: on nobody's network, all on Alice's host. */
const strangers = '10.77.64.0/18'

const sdpWith = (candidates: readonly string[]): string =>
  [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0'],
    ...['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901', 'a=rtpmap:111 opus/48000/2'],
    ...candidates.map(candidate => `a=${candidate}`),
    '',
  ].join('\r\n')
const candidateOf = (address: string, port: number): string =>
  `candidate:1 1 udp 2130706431 ${address} ${port} typ host generation 0`
const hostile = forbidden.map((address, index) => candidateOf(address, ports[index % ports.length]!))

/** Both parties' servers, and their lines to the appliance. */
interface Call {
  readonly id: string
  readonly caller: FarSocket
  readonly callee: FarSocket
  readonly servers: { readonly caller: Server; readonly callee: Server }
  readonly offered: string
}

describeWith(['namespaces', 'nft'], 'the relay between two VLANs', () => {
  let lan: Lan
  let daemon: Daemon
  let owner: Owner
  let alice: FarHost
  let bob: FarHost
  let pi: FarHost
  const tokens = new Map<string, string>()
  const listeners: { readonly where: string; readonly socket: FarSocket }[] = []
  let control: FarSocket
  /** Not hung up yet. */
  const calls: Call[] = []

  beforeAll(async () => {
    const hosts = ['pi', 'alice', 'bob', 'third', 'beyond']
    lan = await Lan.create({ hosts, names: { 'lanline.local': 'pi' }, ipv6: true })
    await lan.join('pi', 'eth0.20', 'vlan20')
    for (const name of ['bob', 'beyond']) await lan.move(name, 'vlan20')
    const on = (name: string, ...command: string[]) =>
      must(lan.host(name).exec(command[0]!, command.slice(1)))
    await Promise.all([
      on('pi', 'ip', 'addr', 'add', 'fd78::11/64', 'dev', 'eth0.20', 'nodad'),
      on('pi', 'ip', 'route', 'add', '169.254.0.0/16', 'dev', 'eth0.20'),
      on('bob', 'ip', 'addr', 'add', 'fd78::13/64', 'dev', 'eth0', 'nodad'),
      on('beyond', 'ip', 'addr', 'add', 'fd78::15/64', 'dev', 'eth0', 'nodad'),
      on('beyond', 'ip', 'addr', 'add', '169.254.169.254/16', 'dev', 'eth0'),
      on('alice', 'ip', 'route', 'add', 'local', strangers, 'dev', 'lo'),
      // What the appliance asks itself from a port of the kernel's choice is none of the relay's.
      on('pi', 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=32768 49151'),
      must(lan.host('pi').exec('nft', ['-f', '-'], watch)),
    ])
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    owner = await Owner.claim(daemon)
    for (const [device, user] of [
      ['alice', 'alice'],
      ['bob', 'bob'],
      ['eve 1', 'eve'],
      ['eve 2', 'eve'],
    ] as const) {
      if (!tokens.has(user)) await owner.addUser(user, user).catch(() => {})
      const body = { user, displayName: user, deviceName: device, kind: 'app' }
      tokens.set(
        device,
        (JSON.parse((await owner.request('POST', '/devices', body)).body) as Enrolment).token,
      )
    }
    alice = new FarHost(lan.host('alice'))
    bob = new FarHost(lan.host('bob'))
    pi = new FarHost(lan.host('pi'))
    control = await bob.udp({ port: controlPort })
    await listen()
  }, 120_000)
  afterEach(async () => {
    for (const call of [...calls]) await hangUp(call).catch(() => {})
  })
  afterAll(() => lan?.remove())

  async function listen(): Promise<void> {
    const [third, beyond] = [new FarHost(lan.host('third')), new FarHost(lan.host('beyond'))]
    const at = async (far: FarHost, address: string, port: number, group?: string): Promise<void> => {
      const socket = await far.udp({ address, port }, group)
      listeners.push({ where: `${far.host.name} ${address} ${port}`, socket })
    }
    const all: Promise<void>[] = []
    for (const port of ports) {
      for (const far of [third, beyond]) {
        const group = port === 5353 ? '224.0.0.251' : undefined
        all.push(
          at(far, '0.0.0.0', port, group),
          at(far, '::', port).catch(() => {}),
        )
      }
    }
    all.push(at(beyond, '0.0.0.0', 1_900, '239.255.255.250'), at(alice, alice4, 9_999))
    for (const port of [80, 443, 9_999]) {
      for (const address of [
        '127.0.0.1',
        '127.0.0.53',
        '10.77.0.11',
        '10.78.0.11',
        '::1',
        'fd77::11',
        'fd78::11',
      ]) {
        all.push(at(pi, address, port))
      }
    }
    await Promise.all(all)
  }

  /** What the appliance's kernel saw leave the relay's ports for the parties, for anybody else, and for `strangers`. */
  async function counted(): Promise<Record<'parties' | 'others' | 'strangers', number>> {
    const { stdout } = await must(
      lan.host('pi').exec('nft', ['-j', 'list', 'counters', 'table', 'inet', 'watch']),
    )
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] }
    const of = (name: string): number => nftables.find(each => each.counter?.name === name)!.counter!.packets
    return { parties: of('parties'), others: of('others'), strangers: of('strangers') }
  }

  async function line(far: FarHost, device: string): Promise<FarSocket> {
    const local = far === bob ? '10.78.0.11' : '10.77.0.11'
    const channel = await far.channel(`wss://${local}/ws`, readFileSync(daemon.authorityFile, 'utf8'))
    channel.say({ type: 'hello', token: tokens.get(device), client: 'test', tab: device, resume: [] })
    await channel.next('welcome')
    return channel
  }

  /** An answered call whose parties found no path, as far as `restart`; its SDP names whatever must not be reached. */
  async function call(from: string, to: string, user: string): Promise<Call> {
    const [caller, callee] = [await line(alice, from), await line(bob, to)]
    caller.say({ type: 'call', ref: 'r', to: user, sdp: sdpWith(hostile), video: false })
    const id = String((await caller.next('calling')).call)
    const incoming = await callee.next('incoming')
    for (const candidate of hostile.slice(0, 20)) {
      caller.say({ type: 'candidate', call: id, candidate: { candidate, sdpMid: '0' } })
    }
    callee.say({ type: 'answer', call: id, sdp: sdpWith(hostile) })
    await caller.next('answered')
    caller.say({ type: 'noPath', call: id })
    const servers = async (line: FarSocket): Promise<Server> => {
      const server = ((await line.next('relay')).servers as Server[])[0]!
      line.say({ type: 'relayReady', call: id })
      return server
    }
    const given = { caller: await servers(caller), callee: await servers(callee) }
    await caller.next('restart')
    const made = { id, caller, callee, servers: given, offered: String(incoming.sdp) }
    calls.push(made)
    return made
  }

  async function hangUp(call: Call): Promise<void> {
    const { id, caller, callee } = call
    calls.splice(calls.indexOf(call), 1)
    caller.say({ type: 'bye', call: id, reason: 'hangup' })
    await callee.next('ended')
    for (const line of [caller, callee]) line.close()
  }

  async function grantOf(id: string): Promise<RelayState['grants'][number] | undefined> {
    const state = JSON.parse((await owner.request('GET', '/relay')).body) as RelayState
    return state.grants.find(each => each.call === id)
  }

  const relaySockets = async (): Promise<number> => {
    const { stdout } = await must(lan.host('pi').exec('ss', ['-Hnua']))
    const local = [...stdout.matchAll(/:([0-9]+)\s+\S+:\*/g)].map(found => Number(found[1]))
    return local.filter(port => port >= 49_152 && port <= 50_151).length
  }

  /** Asks for everything by every method, and sends there; then the permitted peer, whose packet shows that all else was handled. */
  async function askForEverything(
    server: Server,
    far: FarHost,
    transport: Transport,
    mark: string,
    othersRelays: readonly string[] = [],
  ): Promise<void> {
    const permitted = far === alice ? bob4 : alice4
    const addresses = [...forbidden, bob4].filter(address => address !== permitted)
    for (const family of [1, 2]) {
      const client = await TurnClient.open(far, server, transport)
      expect((await client.allocate({ family })).relayed).toBeDefined()
      let channel = 0x4000
      await inLots(addresses, async address => {
        // An own address is permitted while the other party has a relay on it: then only that relay's port is reached.
        const isRelay = othersRelays.includes(address)
        const context = `${transport} ${family} ${address}`
        if (!isRelay) {
          expect((await client.permit(address)).error?.code, context).toBe(403)
          expect([403, 443], context).toContain((await client.permit(permitted, address)).error?.code)
        }
        const port = ports[channel % ports.length]!
        const number = channel++
        expect((await client.bind(number, { address, port })).error?.code, context).toBe(403)
        client.channelData(number, `attack ${mark}`)
        for (const each of [...ports, 1_900, 0]) client.sendTo({ address, port: each }, `attack ${mark}`)
      })
      if (family === 1 && far === alice) {
        expect((await client.permit(permitted)).error).toBe(undefined)
        client.sendTo({ address: permitted, port: controlPort }, `control ${mark}`)
        const arrived = () => control.received.some(({ bytes }) => String(bytes) === `control ${mark}`)
        await until('the permitted peer sees what is for it', arrived)
      } else expect((await client.permit('127.0.0.1')).error?.code).toBe(403)
      await client.ask(stunType.refreshRequest, { lifetimeSeconds: 0 })
      client.socket.close()
    }
  }

  async function nobodySawAnything(): Promise<void> {
    // Over a veth a packet is there at once; this is for the listeners' own processes.
    await pause(200)
    for (const { where, socket } of listeners) {
      const seen = socket.received.filter(({ bytes }) => String(bytes).includes('attack'))
      expect(seen.length, where).toBe(0)
    }
    expect((await counted()).others).toBe(0)
  }

  it('the listeners hear what is really sent to them', async () => {
    // Not a port of the relay's, for these are watched.
    const sender = await pi.udp({ address: '0.0.0.0', port: 40_000 })
    for (const { where, socket } of listeners) {
      const [host, address, port] = where.split(' ') as [string, string, string]
      if (address.includes(':')) continue
      const own = { third: '10.77.0.14', beyond: '10.78.0.15', alice: alice4, pi: address }[host]!
      sender.send(Buffer.from('hello'), { address: own, port: Number(port) })
      await until(where, () => socket.received.some(({ bytes }) => String(bytes) === 'hello'), {
        everyMilliseconds: 5,
      })
    }
    const beyond = listeners.find(each => each.where === 'beyond 0.0.0.0 9999')!.socket
    sender.send(Buffer.from('metadata'), { address: '169.254.169.254', port: 9_999 })
    await until('metadata', () => beyond.received.some(({ bytes }) => String(bytes) === 'metadata'))
    expect(listeners.length).toBeGreaterThan(40)
  })

  it('refuses a party everything but the other party, by every transport and method; nothing arrives anywhere', async () => {
    const now = await call('alice', 'bob', 'bob')
    await Promise.all(
      (['udp', 'tcp', 'tls'] as const).map(each => askForEverything(now.servers.caller, alice, each, each)),
    )
    await nobodySawAnything()
    const { parties } = await counted()
    expect(parties).toBeGreaterThanOrEqual(3)
    const grant = await until('the ledger', async () => {
      const found = await grantOf(now.id)
      return found && found.ledger.caller.refusals > 500 ? found : undefined
    })
    expect(grant.parties.map(each => each.proven)).toEqual([[alice4], [bob4]])
    expect(grant.ledger.caller.refusedPeers.length).toBe(8)
    await hangUp(now)
  }, 30_000)

  it('is asked by an honest client for every candidate that a hostile SDP names: refused, and nothing arrives', async () => {
    const now = await call('alice', 'bob', 'bob')
    const client = await TurnClient.open(bob, now.servers.callee)
    await client.allocate()
    const named = [...now.offered.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /gm)]
    expect(named.length).toBe(hostile.length)
    // Alice's own address is among them: it is what she has proven.
    const codes = await inLots(named, async ([, address, port]) => {
      const answer = await client.permit(address!)
      client.sendTo({ address: address!, port: Number(port) }, 'attack by SDP')
      return [address, answer.error?.code] as const
    })
    for (const [address, code] of codes) expect(code, address).toBe(address === alice4 ? undefined : 403)
    await client.ask(stunType.refreshRequest)
    const alices = listeners.find(each => each.where.startsWith('alice'))!.socket
    const own = named.find(([, address]) => address === alice4)!
    if (own[2] === '9999') alices.received.length = 0
    await nobodySawAnything()
    await hangUp(now)
  }, 40_000)

  it('refuses one account’s two devices on two VLANs, who help each other, just the same', async () => {
    const now = await call('eve 1', 'eve 2', 'eve')
    await Promise.all([
      askForEverything(now.servers.caller, alice, 'udp', 'first', ['10.77.0.11', 'fd77::11']),
      askForEverything(now.servers.callee, bob, 'udp', 'second', ['10.78.0.11', 'fd78::11']),
    ])
    await nobodySawAnything()
    await hangUp(now)
  }, 40_000)

  describe('credentials', () => {
    it('that are replayed, expired, of another call or of the other party get the RFC’s code and leave nothing', async () => {
      const first = await call('alice', 'bob', 'bob')
      const honest = await TurnClient.open(alice, first.servers.caller)
      await honest.allocate()
      const allocate = honest.last
      const before = await relaySockets()
      // The same request from another port of that host, and from another host that is known.
      for (const far of [alice, bob]) {
        const server = far === alice ? first.servers.caller : first.servers.callee
        const replaying = await TurnClient.open(far, server)
        const answer = await replayed(replaying, allocate)
        expect(answer?.error?.code).toBe(438)
        replaying.socket.close()
      }
      // From a host that nobody named: no answer at all.
      const third = new FarHost(lan.host('third'))
      const unnamed = await TurnClient.open(third, first.servers.caller)
      expect(await replayed(unnamed, allocate)).toBe(undefined)
      // Each other's names with one's own password; the other's whole credential on one's own allocation.
      const { caller, callee } = first.servers
      const mixed = await TurnClient.open(alice, { ...caller, username: callee.username })
      expect((await mixed.allocate()).error?.code).toBe(401)
      honest.username = callee.username
      honest.credential = callee.credential
      expect((await honest.ask(stunType.refreshRequest, { lifetimeSeconds: 0 })).error?.code).toBe(441)
      expect(await relaySockets()).toBe(before)
      await hangUp(first)
      await until('its relays are closed', async () => (await relaySockets()) === 0, { seconds: 1 })
      // After the call, and in the next one.
      const line1 = await line(alice, 'alice')
      const late = await TurnClient.open(alice, first.servers.caller)
      expect((await late.allocate()).error?.code).toBe(401)
      line1.close()
      const second = await call('alice', 'bob', 'bob')
      late.nonce = ''
      expect((await late.allocate()).error?.code).toBe(401)
      expect(await relaySockets()).toBe(0)
      await hangUp(second)
    }, 30_000)
  })

  it('goes on relaying under a flood from sources that nobody named, answers none of them, and does not grow', async () => {
    const now = await call('alice', 'bob', 'bob')
    const client = await TurnClient.open(alice, now.servers.caller)
    await client.allocate()
    expect((await client.bind(0x4000, { address: bob4, port: controlPort })).error).toBe(undefined)
    const sources = Array.from({ length: 250 }, (_, index) => `10.77.${64 + (index % 60)}.${1 + index}`)
    const to = { address: '10.77.0.11', port: 3_478 }
    const flood = (seconds: number) =>
      alice.flood({ to, sources, packets: floodPackets, perSecond: floodPerSecond, seconds })
    // The same before, so that what the process takes for it at first is there.
    await flood(1)
    const before = { rss: rssOf(daemon.pid!), ...(await counted()) }
    control.received.length = 0
    let sent = 0
    const timer = setInterval(() => client.channelData(0x4000, `control ${sent++}`), 20)
    const flooded = await flood(floodSeconds)
    clearInterval(timer)
    await pause(200)
    const after = { rss: rssOf(daemon.pid!), ...(await counted()) }
    const arrived = control.received.length
    console.info(
      `${Math.round(flooded / floodSeconds)} packets/s for ${floodSeconds} s: ${sent - arrived} of ${sent} relayed packets lost, ` +
        `RSS ${((after.rss - before.rss) / 1_024).toFixed(1)} MB more, ${after.strangers - before.strangers} answers to them`,
    )
    expect(flooded).toBeGreaterThan(floodPerSecond * floodSeconds * 0.9)
    expect(after.strangers).toBe(0)
    expect(arrived).toBeGreaterThan(sent * 0.9)
    expect(after.rss - before.rss).toBeLessThan(5 * 1_024)
    // What would have been counted: anybody may ask for their own address.
    const stranger = await alice.udp({ address: sources[0]! })
    stranger.send(encode({ type: stunType.bindingRequest, transaction: new Uint8Array(12) }).slice(), to)
    await until('a stranger’s address is told', () => stranger.received.length === 1)
    expect((await counted()).strangers).toBe(1)
    await hangUp(now)
  }, 60_000)

  it('serves a party over TCP and TLS while others hold connections open that say nothing, or garbage', async () => {
    const now = await call('alice', 'bob', 'bob')
    const third = new FarHost(lan.host('third'))
    const silent = [3_478, 5_349].flatMap(port =>
      Array.from({ length: 60 }, () => third.begin({ address: '10.77.0.11', port })),
    )
    const open = await until('most are turned away', () => {
      const left = silent.filter(each => each.closed === undefined)
      return left.length <= 16 && left.every(each => each.port > 0) ? left : undefined
    })
    for (const each of open) each.send(Buffer.alloc(20_000, 0xff))
    for (const transport of ['tcp', 'tls'] as const) {
      const client = await TurnClient.open(alice, now.servers.caller, transport)
      expect((await client.allocate()).relayed).toBeDefined()
      // What comes in one piece is handled in several turns, in order and to its end.
      expect((await client.bind(0x4000, { address: bob4, port: controlPort })).error).toBe(undefined)
      control.received.length = 0
      const pieces = Array.from({ length: 150 }, (_, index) => Buffer.of(0x40, 0, 0, 4, ...ofNumber(index)))
      client.raw(Buffer.concat(pieces))
      await until('all of it arrives', () => control.received.length === 150)
      expect(control.received.map(({ bytes }) => bytes.readUInt32BE())).toEqual(
        pieces.map((_, index) => index),
      )
    }
    await until('garbage is cut off', () => silent.every(each => each.closed !== undefined))
    await hangUp(now)
  }, 40_000)
})

/** What leaves the appliance, by its own kernel. */
const watch = `table inet watch {
  counter parties {}
  counter others {}
  counter strangers {}
  chain out {
    type filter hook output priority 0;
    ip daddr ${strangers} counter name strangers
    udp sport 49152-50151 ip daddr { ${alice4}, ${bob4} } counter name parties accept
    udp sport 49152-50151 counter name others
  }
}
`

/** Everything but Binding: that one is anybody's. */
const floodPackets: readonly Uint8Array[] = (() => {
  const transaction = Buffer.alloc(12, 7)
  const request = (type: StunMessage['type'], fields: Partial<StunMessage> = {}): Uint8Array =>
    encode({ type, transaction, ...fields }).slice()
  const peers = [{ address: '127.0.0.1', port: 80 }]
  const integrity = { kind: 'sha1' as const, hmac: () => new Uint8Array(20) }
  const signed = {
    type: stunType.allocateRequest,
    transaction,
    transport: 17,
    username: 'u',
    realm: 'r',
    nonce: 'n',
  }
  return [
    request(stunType.allocateRequest, { transport: 17 }),
    encode(signed, { signing: integrity }).slice(),
    request(stunType.refreshRequest),
    request(stunType.createPermissionRequest, { peers }),
    request(stunType.channelBindRequest, { channel: 0x4000, peers }),
    request(stunType.sendIndication, { peers, data: Buffer.alloc(400) }),
    Buffer.concat([Buffer.of(0x40, 0, 1, 0x90), Buffer.alloc(400)]),
    Buffer.alloc(60, 0xff),
  ]
})()

async function replayed(client: TurnClient, bytes: Uint8Array): Promise<StunMessage | undefined> {
  return client.hear(bytes, bytes.subarray(8, 20))
}

function ofNumber(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Kilobytes. */
function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

async function inLots<Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += 8) {
    results.push(...(await Promise.all(items.slice(at, at + 8).map(run))))
  }
  return results
}
