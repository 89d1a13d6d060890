/**
 * How long the relay's thread is held by the worst there is to say to it: `node test/bench/hostile-turn.ts`. The machine,
 * router and framer with full tables, without sockets; each case is given for half a second: p50 and p99 by the clock,
 * the longest by the processor. The house allows 10 ms.
 */
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { encode, limits } from '../../src/stun/codec.ts'
import { longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, stunType } from '../../src/stun/message.ts'
import { TurnFramer } from '../../src/turn/framing.ts'
import { TurnMachine } from '../../src/turn/machine.ts'
import { type ClientFlow, type Grant, grantLimits, type TurnEffect } from '../../src/turn/message.ts'
import { isChannelData, isSendIndication } from '../../src/turn/route.ts'

const realm = 'bench'
const own = ['10.0.0.1', '10.1.0.1']
const random = seededRandom(1)
const machine = new TurnMachine({
  ...{ realm, random, nonceKey: random.bytes(32), bytesPerSecond: 0 },
  epoch: moment => moment as number as Epoch,
})
const now = 1_000 as Monotonic
let relays = 0

function give(input: Parameters<TurnMachine['handle']>[0]): TurnEffect[] {
  const effects = machine.handle(input, now)
  for (const effect of effects) {
    if (effect.kind !== 'openRelay') continue
    const address = { address: effect.address, port: 1_024 + (++relays % 60_000) }
    effects.push(
      ...give({ kind: 'relayOpened', ticket: effect.ticket, relays: [{ relay: relays, address }] }),
    )
  }
  return effects
}

const addressOf = (network: number, call: number): string => `10.${network}.${call >> 8}.${call & 0xff || 1}`
const callOf = (index: number): string => index.toString(16).padStart(32, '0')
function grantOf(index: number): Grant {
  const party = (role: 'caller' | 'callee', network: number, other: number) => ({
    ...{ role, device: `${role}${index}`, credential: { username: `${index}.${role}`, password: 'p' } },
    ...{ proven: [addressOf(network, index)], relayOn: [own[other]!] },
  })
  return {
    call: callOf(index),
    lifetimeMilliseconds: undefined,
    parties: [party('caller', 2, 1), party('callee', 3, 0)],
  }
}
function flowOf(
  index: number,
  network: number,
  port: number,
  transport: ClientFlow['transport'] = 'udp',
): ClientFlow {
  const remote = { address: addressOf(network, index), port }
  return {
    key: `${transport} ${remote.address} ${port}`,
    transport,
    local: { address: own[network - 2]!, port: 3_478 },
    remote,
  }
}

let transactions = 0
/** A request as its party would sign it. */
function signed(
  flow: ClientFlow,
  username: string,
  type: StunMessage['type'],
  fields: Partial<StunMessage> = {},
): Uint8Array {
  const transaction = Buffer.alloc(12)
  transaction.writeUInt32BE(++transactions)
  const nonce = nonceOf(flow)
  const key = longTermKey('md5', username, realm, 'p')
  return encode(
    { type, transaction, username, realm, nonce, ...fields },
    { signing: signingWith('sha1', key) },
  ).slice()
}
const nonces = new Map<string, string>()
function nonceOf(flow: ClientFlow): string {
  const known = nonces.get(flow.key)
  if (known !== undefined) return known
  const bytes = encode({ type: stunType.allocateRequest, transaction: random.bytes(12) }).slice()
  const [answer] = give({ kind: 'received', flow, bytes }).filter(effect => effect.kind === 'send')
  const text = Buffer.from(answer!.bytes).toString('latin1')
  const nonce = text.slice(text.indexOf('obMatJos2'), text.indexOf('obMatJos2') + 37)
  nonces.set(flow.key, nonce)
  return nonce
}

for (let index = 0; index < grantLimits.grants - 1; index++) {
  give({ kind: 'openGrant', grant: grantOf(index) })
  for (const [network, role, other] of [
    [2, 'caller', 3],
    [3, 'callee', 2],
  ] as const) {
    for (const port of [1, 2]) {
      const flow = flowOf(index, network, port)
      give({
        kind: 'received',
        flow,
        bytes: signed(flow, `${index}.${role}`, stunType.allocateRequest, { transport: 17 }),
      })
      const peers = [{ address: addressOf(other, index), port: 9 }]
      give({
        kind: 'received',
        flow,
        bytes: signed(flow, `${index}.${role}`, stunType.createPermissionRequest, { peers }),
      })
    }
  }
}
give({ kind: 'addresses', addresses: own })

/** What a socket's event does: the same as `io.ts`, without sockets. */
function arrived(flow: ClientFlow, bytes: Uint8Array): void {
  if (isChannelData(bytes)) machine.router.channelData(flow.key, bytes, now)
  else if (isSendIndication(bytes)) machine.router.sendIndication(flow.key, bytes, now)
  else give({ kind: 'received', flow, bytes })
}

const party = flowOf(7, 2, 1)
const stranger: ClientFlow = { ...party, key: 'x', remote: { address: '192.0.2.1', port: 1 } }
const transaction = new Uint8Array(12)
const peers = Array.from({ length: limits.peers }, (_, index) => ({ address: `10.9.9.${index}`, port: 1 }))
const huge = (type: StunMessage['type'], length: number): Uint8Array => {
  const bytes = Buffer.alloc(length)
  bytes.set(encode({ type, transaction }))
  bytes.writeUInt16BE(length - 20, 2)
  return bytes
}
const dear = encode({
  ...{ type: stunType.allocateRequest, transaction, username: 'u'.repeat(500), realm: 'r'.repeat(760) },
  ...{ nonce: 'n'.repeat(760), algorithms: Array.from({ length: limits.algorithms }, () => 1) },
}).slice()

/** 64 KiB as a socket gives them at once. */
const chunkOf = (piece: () => Uint8Array): Uint8Array => {
  const pieces: Uint8Array[] = []
  for (let length = 0; length < 65_000; length += pieces.at(-1)!.length) pieces.push(piece())
  return Buffer.concat(pieces)
}
const stream = flowOf(7, 2, 1, 'tcp')
const messagesAtOnce = 64
const ofParty = (chunk: Uint8Array) => (): void => {
  // The rim handles so many of one chunk at once.
  for (const bytes of new TurnFramer().push(chunk)!.slice(0, messagesAtOnce)) arrived(stream, bytes)
}

const cases: readonly (readonly [string, () => void])[] = [
  [
    'a bare Allocate from a stranger',
    () => arrived(stranger, encode({ type: stunType.allocateRequest, transaction }).slice()),
  ],
  [
    'a bare Allocate from a party',
    () => arrived(party, encode({ type: stunType.allocateRequest, transaction }).slice()),
  ],
  ['16 KiB of a Refresh without attributes', () => arrived(party, huge(stunType.refreshRequest, 16_384))],
  ['the longest texts and a list of algorithms', () => arrived(party, dear)],
  [
    'a signed CreatePermission of 16 refused peers',
    () => arrived(party, signed(party, '7.caller', stunType.createPermissionRequest, { peers })),
  ],
  [
    'a Send with 16 peers',
    () =>
      arrived(
        party,
        encode({ type: stunType.sendIndication, transaction, peers, data: transaction }).slice(),
      ),
  ],
  ['ChannelData of 60,000 bytes that are not there', () => arrived(party, Buffer.of(0x40, 0, 0xea, 0x60))],
  ['64 KiB of empty ChannelData on a stream', ofParty(chunkOf(() => Buffer.of(0x40, 0, 0, 0)))],
  [
    '64 KiB of bare Refreshes on a stream',
    ofParty(chunkOf(() => encode({ type: stunType.refreshRequest, transaction }).slice())),
  ],
  [
    '64 KiB of signed Refreshes on a stream',
    ofParty(chunkOf(() => signed(stream, '7.caller', stunType.refreshRequest))),
  ],
  [
    '64 KiB in single bytes on a stream',
    () => {
      const framer = new TurnFramer()
      for (let index = 0; index < 16_384; index++) framer.push(Buffer.of(0))
    },
  ],
  [
    'a grant opened and closed beside 499 others',
    () => {
      give({ kind: 'openGrant', grant: grantOf(499) })
      give({ kind: 'closeGrant', call: callOf(499) })
    },
  ],
  ['own addresses told again', () => void give({ kind: 'addresses', addresses: own })],
]

/** Milliseconds of this thread, since another program's turn on the processor is not ours; in steps of up to 4 ms. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

console.log(`${JSON.stringify(machine.sizes)}\n`)
for (const [name, run] of cases) {
  const times: number[] = []
  let longest = 0
  const until = performance.now() + 500
  while (performance.now() < until) {
    const [begin, busy] = [performance.now(), cpu()]
    run()
    longest = Math.max(longest, cpu() - busy)
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => times[Math.floor(times.length * share)]!.toFixed(3).padStart(7)
  console.log(
    `${name.padEnd(52)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  longest ${longest.toFixed(1).padStart(4)} ms`,
  )
}
