/**
 * Who may be reached through the relay: only the other party, at the addresses it has proven, and its own relays. Every
 * way of writing every other address that the appliance could reach is asked for by every method, with and without a
 * permitted one beside it, while grants come, change and go.
 */
import { describe, expect, it } from 'vitest'
import { familyOf, formatIPv6, parseIPv4, parseIPv6 } from '../../src/core/endpoint.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { encode } from '../../src/stun/codec.ts'
import { stunAttribute, stunType } from '../../src/stun/message.ts'
import type { Route } from '../../src/turn/message.ts'
import { alice, bob, Client, call, flowOf, grantOf, own, Relay } from '../turn/client.ts'
import { isSoak } from './counts.ts'

/** Encodings asked for, over all seeds. */
const wanted = isSoak ? 2_000_000 : 30_000
const perSeed = 4_000

/** Nobody may reach these as IPv4 addresses. */
const forbidden4: readonly string[] = [
  ...own.filter(address => familyOf(address) === 4),
  // The appliance's loopback and unspecified addresses.
  ...['127.0.0.1', '127.0.0.53', '127.1.2.3', '127.255.255.255', '0.0.0.0', '0.0.0.1', '0.1.2.3'],
  // Link-local and the metadata services of clouds.
  ...['169.254.169.254', '169.254.170.2', '169.254.0.1', '169.254.20.6', '100.100.100.200', '192.0.0.192'],
  // Multicast (mDNS, SSDP, all hosts), reserved, broadcast: limited and of both networks.
  ...[
    '224.0.0.251',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '10.0.10.255',
    '10.0.20.255',
  ],
  ...['10.0.10.0', '10.0.20.0', '192.88.99.1'],
  // Third hosts: on the parties' networks, beside them, routers, and far away.
  ...[
    '10.0.20.7',
    '10.0.20.66',
    '10.0.10.6',
    '10.0.20.254',
    '10.0.10.254',
    '192.168.1.1',
    '172.17.0.1',
    '8.8.8.8',
  ],
]
const forbidden6: readonly string[] = [
  ...own.filter(address => familyOf(address) === 6),
  ...['::1', '::', 'fe80::1', 'fe80::6', 'febf::1', 'fec0::1', 'ff02::fb', 'ff02::1', 'ff05::2', 'ff0e::1'],
  ...[
    'fd00:ec2::254',
    '2001:db8:20::7',
    '2001:db8:10::6',
    'fd00::1',
    '2606:4700::1111',
    '64:ff9b:1::1',
    '100::1',
  ],
]

/** Every IPv6 address that stands for an IPv4 one somewhere (and a few that only look so). */
function disguises(quad: string): string[] {
  const [a, b, c, d] = parseIPv4(quad)!
  const high = ((a << 8) | b).toString(16)
  const low = ((c << 8) | d).toString(16)
  const [notHigh, notLow] = [(((a << 8) | b) ^ 0xffff).toString(16), (((c << 8) | d) ^ 0xffff).toString(16)]
  return [
    // RFC 4291 §2.5.5: compatible, mapped; RFC 7915: translated.
    ...[`::${high}:${low}`, `::ffff:${high}:${low}`, `::ffff:0:${high}:${low}`],
    // RFC 6052 §2.1, RFC 8215: NAT64, well-known and local.
    ...[`64:ff9b::${high}:${low}`, `64:ff9b:1::${high}:${low}`, `64:ff9b:1:${high}:${low}::`],
    // RFC 3056: 6to4. RFC 4380: Teredo, as server and, inverted, as client.
    ...[`2002:${high}:${low}::1`, `2002:${high}:${low}::`, `2001:0:${high}:${low}:0:0:0:0`],
    `2001:0:101:101:0:0:${notHigh}:${notLow}`,
    // RFC 5214: ISATAP, with either sense of the universal bit, on a link-local, a global and the other party's prefix.
    ...['fe80::', '2001:db8::', '2001:db8:20::'].flatMap(prefix => [
      `${prefix}5efe:${high}:${low}`,
      formatIPv6(isatap(prefix, 0x02, parseIPv4(quad)!)),
    ]),
    // Network-specific NAT64 prefixes of the two networks.
    ...[`2001:db8:20::${high}:${low}`, `2001:db8:10:64::${high}:${low}`],
  ]
}

function isatap(prefix: string, universal: number, quad: readonly number[]): Uint8Array {
  const octets = parseIPv6(prefix)!
  octets.set([universal, 0, 0x5e, 0xfe, ...quad], 8)
  return octets
}

/** Address octets as they stand in XOR-PEER-ADDRESS before masking: family 1 with four, family 2 with sixteen. */
interface Encoding {
  readonly address: string
  readonly port: number
}

const permitted = { v4: '10.0.20.6', v6: '2001:db8:20::6' } as const
const provenByBob: readonly string[] = [permitted.v4, permitted.v6]
/** What the test's own list of all addresses leaves out: the ones that are allowed. */
const isPermitted = (address: string): boolean => address === permitted.v4 || address === permitted.v6

const everything: readonly string[] = [
  ...new Set(
    [...forbidden4, ...forbidden6, ...[...forbidden4, permitted.v4, '10.0.10.5'].flatMap(disguises)].map(
      address => (address.includes(':') ? formatIPv6(parseIPv6(address)!) : address),
    ),
  ),
].filter(address => !isPermitted(address))

const ports = [0, 1, 22, 53, 80, 443, 1900, 3478, 5060, 5353, 5349, 8080, 49_152, 50_000, 65_535]

describe('the list of addresses', () => {
  it('has every forbidden one in every form', () => {
    expect(everything.length).toBeGreaterThan(500)
    expect(everything).toContain('::ffff:a00:1406')
    expect(everything).toContain('2002:a9fe:a9fe::1')
    expect(everything).toContain('169.254.169.254')
  })
})

describe('whatever is asked for', () => {
  it(`of ${wanted} encodings none gets a permission, a channel or a packet through`, () => {
    const seen = { permission: 0, channel: 0, send: 0, channelData: 0 }
    let asked = 0
    for (let seed = 1; asked < wanted; seed++) asked += attack(seed, seen)
    expect(asked).toBeGreaterThanOrEqual(wanted)
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(wanted / 40)
  }, 3_600_000)
})

interface Seen {
  permission: number
  channel: number
  send: number
  channelData: number
}

/** One call, an attacker in it with a relay of each family; returns how many encodings were asked for. */
function attack(seed: number, seen: Seen): number {
  const random = seededRandom(seed)
  const relay = new Relay({ bytesPerSecond: 0 })
  const pick = <Each>(list: readonly Each[]): Each => list[random.below(list.length)]!
  let bobs = provenByBob
  const give = (): void =>
    void relay.give({ kind: 'openGrant', grant: grantOf({ callee: { proven: bobs } }) })
  give()
  // A third call with another pair, whose relays and addresses are nobody's business here.
  relay.give({
    kind: 'openGrant',
    grant: grantOf(
      {
        caller: { device: 'c', proven: ['10.0.10.77'], credential: { username: 'c', password: 'c' } },
        callee: { device: 'd', proven: ['10.0.20.77'], credential: { username: 'd', password: 'd' } },
      },
      'f'.repeat(32),
    ),
  })
  const stranger = new Client(relay, flowOf('10.0.20.77', 7), { username: 'd', password: 'd' })
  const strangers = stranger.allocate().relayed!
  const strangersFriend = new Client(relay, flowOf('10.0.10.77', 7), { username: 'c', password: 'c' })
  strangersFriend.allocate()
  const attackers = [alice(relay, 1_001), alice(relay, 1_002)]
  attackers[0]!.allocate({ family: 1 })
  attackers[1]!.allocate({ family: 2 })
  let other: { address: string; port: number } | undefined = bob(relay, 2_001).allocate().relayed
  let rounds = 0
  let [permissions, channel] = [0, 0x4000]

  for (; rounds < perSeed; rounds++) {
    const target: Encoding = {
      address: randomly(random),
      port: random.below(3) ? pick(ports) : random.below(65_536),
    }
    const attacker = pick(attackers)
    const context = (): string => `seed ${seed}, round ${rounds}: ${target.address} ${target.port}`
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        seen.permission++
        const mixed = random.below(2) === 0 ? [bobs[0]!, target.address, permitted.v4] : [target.address]
        const peers = mixed.map(address => ({ address, port: target.port }))
        const answer = attacker.ask(stunType.createPermissionRequest, { peers })
        permissions++
        same(answer.error?.code, expectedCode(mixed, attacker === attackers[0] ? 4 : 6), context)
        break
      }
      case 5:
      case 6:
      case 7:
      case 8:
        seen.channel++
        channel = channel === 0x4fff ? 0x4000 : channel + 1
        if (isOthers(target)) break
        same(attacker.bind(channel, target.address, target.port).error?.code, 403, context)
        break
      case 9:
      case 10:
      case 11:
      case 12:
        seen.send++
        if (isOthers(target)) break
        same(sent(relay, attacker, target, random), undefined, context)
        break
      case 13:
        seen.channelData++
        same(relay.channelData(attacker.flow, channel, 'x'), undefined, context)
        same(relay.channelData(attacker.flow, 0x4000 + random.below(0x1000), 'x'), undefined, context)
        break
      case 14:
        // What is allowed goes through all the while, and nowhere else.
        allowedGoesOn(relay, attackers, bobs, other, context)
        // Another call's relay, on the address of the party's own and open to ours; and a port beside a party's.
        stranger.nonce = ''
        if (stranger.permit('10.0.20.1').error) stranger.allocate()
        stranger.permit('10.0.20.1')
        same(attackers[0]!.bind(0x4ffe, strangers.address, strangers.port).error?.code, 403, context)
        same(sent(relay, attackers[0]!, strangers, random), undefined, context)
        if (other) same(attackers[0]!.bind(0x4ffd, other.address, other.port + 1).error?.code, 403, context)
        break
      default:
        change()
    }
    if (rounds % 3 === 0) expectOnly(relay, attackers, bobs, other, target, context)
    if (rounds % 4 === 0) heardOnly(relay, bobs, target, context)
  }
  expect(permissions).toBeGreaterThan(0)
  return rounds

  function isOthers({ address, port }: Encoding): boolean {
    return address === other?.address && port === other.port
  }

  /**
   * What a CreatePermission is answered, by the first address that is not to be had. An own address is to be had while
   * the other party has a relay on it: only data to that relay's port goes through then.
   */
  function expectedCode(addresses: readonly string[], family: 4 | 6): 403 | 443 | undefined {
    for (const address of addresses) {
      if (!bobs.includes(address) && address !== other?.address) return 403
      if (familyOf(address) !== family) return 443
    }
    return undefined
  }

  /** The grant is given anew with other addresses, is closed and opened, or own addresses come and go. */
  function change(): void {
    switch (random.below(5)) {
      case 0:
        bobs = random.below(2) === 0 ? provenByBob : [permitted.v6]
        return give()
      case 1:
        bobs = provenByBob
        return give()
      case 2: {
        relay.give({ kind: 'closeGrant', call })
        for (const attacker of attackers) {
          for (const address of [...provenByBob, randomly(random)]) {
            expect(sent(relay, attacker, { address, port: 7 }, random)).toBe(undefined)
          }
        }
        bobs = provenByBob
        give()
        for (const [index, attacker] of attackers.entries()) {
          attacker.nonce = ''
          expect(attacker.allocate({ family: index + 1 }).relayed).toBeDefined()
        }
        other = bob(relay, 3_000 + random.below(10_000)).allocate().relayed
        return
      }
      case 3:
        relay.give({ kind: 'addresses', addresses: [...own, permitted.v4] })
        expect(sent(relay, attackers[0]!, { address: permitted.v4, port: 7 }, random)).toBe(undefined)
        relay.give({ kind: 'addresses', addresses: own })
        return
      default:
        relay.later(1_000 + random.below(60_000))
        for (const attacker of attackers) {
          attacker.nonce = ''
          if (attacker.ask(stunType.refreshRequest).error) {
            attacker.nonce = ''
            attacker.allocate({ family: attackers.indexOf(attacker) + 1 })
          }
        }
    }
  }
}

/** One of the list, or a random address, never a permitted one. */
function randomly(random: Random): string {
  for (;;) {
    const how = random.below(10)
    const quad = `${random.below(256)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`
    const address =
      how < 6
        ? everything[random.below(everything.length)]!
        : how < 7
          ? quad
          : how < 8
            ? `10.0.20.${random.below(256)}`
            : how < 9
              ? formatIPv6(parseIPv6(disguises(quad)[random.below(8)]!)!)
              : formatIPv6(random.bytes(16))
    if (!isPermitted(address)) return address
  }
}

/** A Send indication; now and then with a second address, with the attributes turned round, or with what is no address. */
function sent(relay: Relay, attacker: Client, target: Encoding, random: Random): Route | undefined {
  const transaction = random.bytes(12)
  const peers = random.below(3) === 0 ? [target, { address: permitted.v4, port: 7 }] : [target]
  const bytes = encode({ type: stunType.sendIndication, transaction, peers, data: Buffer.from('x') }).slice()
  if (random.below(8) === 0) {
    // The family's octet says another one than the length of the address does.
    const at = Buffer.from(bytes).indexOf(
      Buffer.of(stunAttribute.xorPeerAddress >> 8, stunAttribute.xorPeerAddress & 0xff),
      20,
    )
    bytes[at + 5]! ^= 3
  }
  return relay.machine.router.sendIndication(attacker.flow.key, bytes, relay.now)
}

/** `expect` is too dear for what is looked at a million times. */
function same<Value>(actual: Value, expected: Value, context: () => string): void {
  if (actual !== expected) expect(actual, context()).toBe(expected)
}

/** After any of it: whatever is let through goes to the other party's proven addresses, or to its relay. */
function expectOnly(
  relay: Relay,
  attackers: readonly Client[],
  bobs: readonly string[],
  other: Encoding | undefined,
  target: Encoding,
  context: () => string,
): void {
  for (const { flow } of attackers) {
    const ends = [target, { address: permitted.v4, port: 7 }, ...(other ? [other] : [])]
    for (const { address, port } of ends) {
      const route = relay.send(flow, address, port, 'y')
      if (route?.to === 'peer') same(bobs.includes(route.peer.address), true, context)
      else if (route?.to === 'client') same(route.flow.remote.address, permitted.v4, context)
    }
  }
}

/** What comes to the relays' sockets reaches Alice from Bob's proven addresses alone. */
function heardOnly(
  relay: Relay,
  bobs: readonly string[],
  { address, port }: Encoding,
  context: () => string,
): void {
  for (const from of [address, ...provenByBob, ...own]) {
    if (bobs.includes(from)) continue
    for (const socket of relay.openSockets.keys()) {
      const route = relay.machine.router.fromPeer(socket, from, port, Buffer.from('z'), relay.now)
      same(route?.to === 'client' && route.flow.remote.address === '10.0.10.5', false, context)
    }
  }
}

function allowedGoesOn(
  relay: Relay,
  [first, second]: readonly Client[],
  bobs: readonly string[],
  other: Encoding | undefined,
  context: () => string,
): void {
  const v4 = bobs.includes(permitted.v4)
  same(first!.permit(permitted.v4).error?.code, v4 ? undefined : 403, context)
  same(second!.permit(permitted.v6).error, undefined, context)
  same(first!.permit(permitted.v6).error?.code, 443, context)
  const route = relay.send(first!.flow, permitted.v4, 7, 'y')
  if (v4) same(route?.to === 'peer' && route.peer.address, permitted.v4, context)
  else same(route, undefined, context)
  same(relay.send(first!.flow, permitted.v4, 0, 'y'), undefined, context)
  if (other) same(first!.permit(other.address).error, undefined, context)
}
