/** Whatever a party says, signed or not: the relay's machine answers or drops it, does not throw, and keeps no more than it may. */
import { expect, it } from 'vitest'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { encode } from '../../src/stun/codec.ts'
import { signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, type StunType, stunType } from '../../src/stun/message.ts'
import { type ClientFlow, grantLimits } from '../../src/turn/message.ts'
import { reservationLimits } from '../../src/turn/reservations.ts'
import { alice, bob, type Client, call, credentials, flowOf, grantOf, Relay, realm } from '../turn/client.ts'
import { mutations } from './counts.ts'

const wanted = mutations / 4
const types = Object.values(stunType)

it('nothing that parties say throws or piles up, and all of it is gone with their grant', () => {
  const random = seededRandom(21)
  const relay = new Relay()
  const flows = [1, 2, 3, 4, 5].flatMap(port => [
    flowOf('10.0.10.5', port),
    flowOf('10.0.20.6', port),
    flowOf('10.0.10.5', port, 'tcp'),
  ])
  const seen = new Set<string>()
  for (let count = 0; count < wanted; count++) {
    if (count % 5_000 === 0) relay.give({ kind: 'openGrant', grant: grantOf() })
    const flow = flows[random.below(flows.length)]!
    const bytes = anything(relay, flow, random)
    const how = random.below(6)
    if (how === 0) relay.machine.router.channelData(flow.key, channelData(random), relay.now)
    else if (how === 1) relay.machine.router.sendIndication(flow.key, bytes, relay.now)
    else relay.give({ kind: 'received', flow, bytes })
    for (const note of relay.notes.splice(0)) seen.add(note)
    if (random.below(400) === 0) relay.give({ kind: 'flowClosed', flow })
    if (random.below(100) === 0) relay.later(random.below(30_000))
    relay.sent.length = 0
    relay.words.length = 0
    const { allocations, openings, reservations, timers, answers } = relay.machine.sizes
    if (
      allocations + openings + reservations > 2 * grantLimits.allocationsPerParty ||
      reservations > reservationLimits.reservations ||
      timers > 40 ||
      answers > 2_049 ||
      relay.openSockets.size !== allocations + reservations
    )
      expect.fail(`${count}: ${JSON.stringify(relay.machine.sizes)}, ${relay.openSockets.size} sockets`)
  }
  // All of it was tried: refusals by every code that a party can meet, and data.
  for (const code of [400, 401, 403, 420, 437, 438, 441, 442, 486, 508]) {
    expect([...seen], `${code}`).toContain(`refused${code}`)
  }
  relay.give({ kind: 'closeGrant', call })
  expect(relay.openSockets.size).toBe(0)
  expect(relay.machine.sizes).toMatchObject({ allocations: 0, openings: 0, reservations: 0, grants: 0 })
}, 3_600_000)

const nonces = new Map<string, { nonce: string; at: number }>()

const channelData = (random: Random): Uint8Array =>
  Buffer.of(0x40, random.below(256), 0, random.below(40), ...random.bytes(random.below(40)))

/** A message with attributes of any kind, mostly signed by the party, sometimes broken afterwards. */
function anything(relay: Relay, flow: ClientFlow, random: Random): Uint8Array {
  const type = types[random.below(types.length)]!
  const role = flow.remote.address === '10.0.10.5' ? 'caller' : 'callee'
  const whose = random.below(40) === 0 ? 'caller' : role
  const client: Client = whose === 'caller' ? alice(relay) : bob(relay)
  const one = <Value>(chance: number, value: () => Value): Value | undefined =>
    random.below(chance) === 0 ? value() : undefined
  const addresses = ['10.0.20.6', '10.0.10.5', '10.0.10.1', '127.0.0.1', '2001:db8:20::6', '::ffff:a00:1406']
  const endpoint = () => ({ address: addresses[random.below(6)]!, port: random.below(65_536) })
  const message: StunMessage = {
    ...{ type, transaction: random.bytes(12), username: credentials[whose].username, realm },
    nonce: nonceOf(relay, flow),
    transport: random.below(20) === 0 ? random.below(256) : 17,
    lifetimeSeconds: one(3, () => random.below(3) * random.below(4_000)),
    peers: one(2, () => Array.from({ length: 1 + random.below(5) }, endpoint)),
    channel: one(2, () => 0x3fff + random.below(0x1010)),
    data: one(4, () => random.bytes(random.below(60))),
    evenPort: one(8, () => ({ reserveNext: random.below(2) === 0 })),
    reservation: one(12, () => random.bytes(8)),
    family: one(10, () => random.below(4)),
    additionalFamily: one(20, () => random.below(4)),
    dontFragment: one(30, () => true as const),
    algorithm: one(20, () => random.below(4)),
    algorithms: one(20, () => [2, 1].slice(random.below(2))),
    unknown: one(60, () => [random.below(0x8000)]),
  }
  const signing =
    random.below(12) === 0 ? undefined : signingWith(random.below(2) === 0 ? 'sha1' : 'sha256', client.key)
  const bytes = encode(message, { signing, fingerprint: random.below(3) === 0 }).slice()
  // What `encode` calls UNKNOWN-ATTRIBUTES is known; an attribute nobody knows is made of one that may be ignored.
  if (random.below(50) === 0) bytes[20]! ^= 0x7f
  if (random.below(20) === 0) bytes[random.below(bytes.length)]! ^= 1 + random.below(255)
  return random.below(30) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes
}

/** Fresh enough most of the time. */
function nonceOf(relay: Relay, flow: ClientFlow): string {
  const known = nonces.get(flow.key)
  if (known !== undefined && relay.now - known.at < 700_000) return known.nonce
  relay.sent.length = 0
  relay.give({
    kind: 'received',
    flow,
    bytes: encode({ type: stunType.refreshRequest as StunType, transaction: new Uint8Array(12) }),
  })
  const answer = relay.answers()[0]
  const text = Buffer.from(answer ?? []).toString('latin1')
  const at = text.indexOf('obMatJos2')
  if (at < 0) return 'none'
  const nonce = text.slice(at, at + 37)
  nonces.set(flow.key, { nonce, at: relay.now })
  return nonce
}
