import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/stun/codec.ts'
import { signingWith } from '../../src/stun/integrity.ts'
import { stunType } from '../../src/stun/message.ts'
import { unauthenticatedLimit } from '../../src/turn/authentication.ts'
import { turnLimits } from '../../src/turn/machine.ts'
import type { CallLedger } from '../../src/turn/message.ts'
import { reservationLimits } from '../../src/turn/reservations.ts'
import {
  alice,
  bob,
  Client,
  call,
  credentials,
  fiveMinutes,
  flowOf,
  grantOf,
  own,
  Relay,
  realm,
} from './client.ts'

const open = (relay = new Relay()): Relay => relay.give({ kind: 'openGrant', grant: grantOf() })

/** Both allocated, each with a permission for the other's relayed address. */
function relayed(relay = open()) {
  const [a, b] = [alice(relay), bob(relay)]
  const ofA = a.allocate().relayed!
  const ofB = b.allocate().relayed!
  expect(a.permit(ofB.address).error).toBe(undefined)
  expect(b.permit(ofA.address).error).toBe(undefined)
  return { relay, a, b, ofA, ofB }
}

const lastLedger = (relay: Relay): CallLedger => {
  const word = relay.words.findLast(each => each.kind === 'ledgers')
  return (word as Extract<typeof word, { kind: 'ledgers' }>).ledgers.find(each => each.call === call)!.ledger
}

describe('silence', () => {
  it('a source that no grant or registration names gets no answer to any TURN request', () => {
    const relay = open()
    const stranger = new Client(relay, flowOf('10.0.10.99'), credentials.caller)
    for (const type of [
      stunType.allocateRequest,
      stunType.refreshRequest,
      stunType.createPermissionRequest,
    ]) {
      expect(stranger.bare(type, { transport: 17 })).toBe(undefined)
    }
    expect(relay.notes).toEqual(Array(3).fill('unknownSource'))
  })

  it('a party is answered while its grant is open, and not a moment longer', () => {
    const relay = open()
    expect(alice(relay).bare(stunType.allocateRequest)?.error?.code).toBe(401)
    relay.give({ kind: 'closeGrant', call })
    expect(alice(relay).bare(stunType.allocateRequest)).toBe(undefined)
  })

  it('anybody may ask for their address, so many times a second', () => {
    const relay = new Relay()
    const stranger = new Client(relay, flowOf('10.0.10.99', 1234), credentials.caller)
    expect(stranger.bare.length).toBeGreaterThan(0)
    for (let count = 0; count < 100; count++) {
      relay.give({ kind: 'received', flow: stranger.flow, bytes: binding })
    }
    expect(relay.sent.length).toBe(turnLimits.bindings.burst)
    expect(decode(relay.answers()[0]!)).toMatchObject({
      message: { mapped: { address: '10.0.10.99', port: 1234 } },
    })
  })

  it('nothing is kept for who has not authenticated', () => {
    const relay = open()
    const before = relay.machine.sizes
    for (let port = 1; port < 2_000; port++)
      alice(relay, port).bare(stunType.allocateRequest, { transport: 17 })
    expect(relay.machine.sizes).toEqual(before)
  })
})

const binding = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')

describe('credentials', () => {
  it('make an allocation on the other party’s network', () => {
    const relay = open()
    const answer = alice(relay).allocate()
    expect(answer.relayed?.address).toBe('10.0.20.1')
    expect(answer.mapped).toEqual({ address: '10.0.10.5', port: 40_000 })
    expect(answer.lifetimeSeconds).toBe(600)
    expect(relay.openSockets.size).toBe(1)
  })

  it('may be used with SHA-256, which is offered first', () => {
    const relay = open()
    expect(alice(relay).bare(stunType.allocateRequest)?.algorithms).toEqual([2, 1])
    const client = alice(relay)
    client.algorithm = 'sha256'
    expect(client.allocate().relayed).toBeDefined()
  })

  it.each([
    ['a wrong password', { ...credentials.caller, password: 'no' }],
    ['the other party’s name', { ...credentials.callee, password: credentials.caller.password }],
    ['an unknown name', { username: 'x', password: 'y' }],
  ])('with %s get 401 and leave nothing', (_what, wrong) => {
    const relay = open()
    const client = new Client(relay, flowOf('10.0.10.5'), credentials.caller)
    client.nonce = client.bare(stunType.allocateRequest)!.nonce!
    Object.assign(client, wrong)
    expect(client.allocate().error?.code).toBe(401)
    expect(relay.machine.sizes).toMatchObject({ allocations: 0, openings: 0, answers: 0 })
  })

  it('with a nonce of another address or an old one get 438 and a new one', () => {
    const relay = open()
    const [a, b] = [alice(relay), bob(relay)]
    a.nonce = b.bare(stunType.allocateRequest)!.nonce!
    const refused = a.allocate()
    expect(refused.error?.code).toBe(438)
    a.nonce = refused.nonce!
    relay.later(11 * 60_000)
    const stale = a.allocate()
    expect(stale.error?.code).toBe(438)
    a.nonce = stale.nonce!
    expect(a.allocate().relayed).toBeDefined()
  })

  it('of an earlier grant are worth nothing after it was closed', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    relay.give({ kind: 'closeGrant', call })
    const other = grantOf({ caller: { credential: { username: 'new', password: 'new' } } }, 'f'.repeat(32))
    relay.give({ kind: 'openGrant', grant: other })
    expect(a.allocate().error?.code).toBe(401)
    expect(relay.openSockets.size).toBe(0)
  })

  it('are four of a client at most, however often its call is granted anew: older ones are forgotten', () => {
    const relay = open()
    const before = relay.machine.sizes.holders
    for (let count = 0; count < 100; count++) {
      const credential = { username: `c${count}.caller`, password: 'secret' }
      relay.give({ kind: 'openGrant', grant: grantOf({ caller: { credential } }) })
      const client = new Client(relay, flowOf('10.0.10.5', 1_000 + count), credential)
      expect(client.allocate().error).toBe(undefined)
      expect(client.ask(stunType.refreshRequest, { lifetimeSeconds: 0 }).error).toBe(undefined)
    }
    expect(relay.machine.sizes.holders).toBe(before + 3)
  })

  it('of another call do not touch an allocation', () => {
    const relay = open()
    const second = { username: 'second', password: 'second' }
    relay.give({ kind: 'openGrant', grant: grantOf({ caller: { credential: second } }, 'e'.repeat(32)) })
    alice(relay).allocate()
    const thief = new Client(relay, flowOf('10.0.10.5'), second)
    expect(thief.ask(stunType.refreshRequest, { lifetimeSeconds: 0 }).error?.code).toBe(441)
    expect(relay.machine.sizes.allocations).toBe(1)
  })

  it('are taken from four source addresses at most', () => {
    const relay = new Relay()
    const proven = ['10.0.10.5', '10.0.10.15', '10.0.10.25', '10.0.10.35']
    relay.give({ kind: 'openGrant', grant: grantOf({ caller: { proven } }) })
    relay.give({ kind: 'known', known: { addresses: ['10.0.10.45'], accounts: [] } })
    for (const address of proven) {
      expect(new Client(relay, flowOf(address), credentials.caller).allocate().error).toBe(undefined)
    }
    const fifth = new Client(relay, flowOf('10.0.10.45'), credentials.caller)
    expect(fifth.allocate().error?.code).toBe(486)
  })

  it('give way where our own address went, at either end: nobody can end what is left there', () => {
    const relay = open()
    for (let port = 1; port <= 8; port++) expect(alice(relay, port).allocate().error).toBe(undefined)
    // A new lease on each network, one after the other.
    const fresh = ['10.0.20.2', '10.0.10.2']
    for (const [renewed, relayOn] of [
      [own.with(1, fresh[0]!), [fresh[0]!]],
      [fresh.toReversed(), [fresh[0]!]],
    ] as const) {
      relay.give({ kind: 'addresses', addresses: renewed })
      relay.give({ kind: 'openGrant', grant: grantOf({ caller: { relayOn } }) })
      for (let port = 1; port <= 8; port++) {
        const flow = { ...flowOf('10.0.10.5', port), local: { address: renewed[0]!, port: 3478 } }
        const again = { ...flow, key: `${flow.key} ${renewed.join()}` }
        expect(new Client(relay, again, credentials.caller).allocate().error).toBe(undefined)
      }
    }
    expect(relay.openSockets.size).toBe(8)
  })

  it('are taken from wherever the party is reached now, however often it moved', () => {
    const relay = new Relay()
    for (let host = 1; host <= 12; host++) {
      const proven = [4, 3, 2, 1].map(earlier => `10.0.10.${40 + host - earlier}`)
      relay.give({ kind: 'openGrant', grant: grantOf({ caller: { proven } }) })
      for (const port of [1, 2, 3]) {
        const moved = new Client(relay, flowOf(proven.at(-1)!, port), credentials.caller)
        expect(moved.allocate().error).toBe(undefined)
      }
    }
    expect(relay.openSockets.size).toBe(8)
  })

  it('an unknown attribute is told only to who authenticated', () => {
    const relay = open()
    expect(alice(relay).allocate().error).toBe(undefined)
    const bytes = Buffer.from('000300082112a442000102030405060708090a0b7fff0001aa000000', 'hex')
    relay.give({ kind: 'received', flow: flowOf('10.0.10.5', 5), bytes })
    expect(decode(relay.answers()[0]!)).toMatchObject({ message: { error: { code: 401 } } })
  })

  it('with a nonce that was made for another port of the same host get 438: a replay from there leaves nothing', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    const before = relay.machine.sizes
    relay.give({ kind: 'received', flow: flowOf('10.0.10.5', 40_001), bytes: a.last })
    expect(decode(relay.answers()[0]!)).toMatchObject({ message: { error: { code: 438 } } })
    expect(relay.machine.sizes).toEqual(before)
  })

  it('that are wrong get 401 whatever their nonce', () => {
    const relay = open()
    const a = alice(relay)
    Object.assign(a, { nonce: 'x', password: 'wrong' })
    expect(a.allocate().error?.code).toBe(401)
  })

  it('go on being good while somebody forges the address they come from', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    const forger = new Client(relay, flowOf('10.0.10.5', 666), credentials.caller)
    for (let count = 0; count < 1_000; count++) forger.bare(stunType.allocateRequest, { transport: 17 })
    expect(a.permit('10.0.20.6').error).toBe(undefined)
    expect(a.ask(stunType.refreshRequest).lifetimeSeconds).toBe(600)
  })

  it('guessing from a known source is slowed down, and costs nobody else', () => {
    const relay = open()
    const client = alice(relay)
    client.nonce = 'x'
    let answered = 0
    for (let count = 0; count < 500; count++) if (client.bare(stunType.refreshRequest)) answered++
    expect(answered).toBe(unauthenticatedLimit.burst)
    expect(bob(relay).allocate().relayed).toBeDefined()
  })
})

describe('an allocation', () => {
  it('is answered the same when it is asked for again, and refused when it is there', () => {
    const relay = open()
    const a = alice(relay)
    const first = a.allocate()
    expect(a.again()).toEqual(first)
    expect(a.allocate().error?.code).toBe(437)
    expect(relay.openSockets.size).toBe(1)
  })

  it.each([
    ['no transport', { transport: undefined }, 400],
    ['TCP to the peers', { transport: 6 }, 442],
    ['a family that is none', { family: 3 }, 440],
    ['reservation and even port', { reservation: new Uint8Array(8), evenPort: { reserveNext: false } }, 400],
    ['a reservation that is none', { reservation: new Uint8Array(8) }, 508],
    ['two families and one', { family: 1, additionalFamily: 2 }, 400],
  ])('with %s gets the code of RFC 8656', (_what, fields, code) => {
    const relay = open()
    expect(alice(relay).allocate(fields).error?.code).toBe(code)
    expect(relay.openSockets.size).toBe(0)
  })

  it('with DONT-FRAGMENT is refused as the RFC says for who cannot do it', () => {
    expect(alice(open()).allocate({ dontFragment: true })).toMatchObject({
      error: { code: 420 },
      unknown: [0x1a],
    })
  })

  it('may be an IPv6 one', () => {
    expect(alice(open()).allocate({ family: 2 }).relayed?.address).toBe('2001:db8:20::1')
  })

  it('is an IPv6 one where there is no IPv4 and no family was asked for, as no browser does', () => {
    const relay = new Relay()
    const on = { relayOn: ['2001:db8:20::1'] }
    relay.give({ kind: 'openGrant', grant: grantOf({ caller: on }) })
    expect(alice(relay, 1).allocate().relayed?.address).toBe('2001:db8:20::1')
    expect(alice(relay, 2).allocate({ family: 2 }).relayed?.address).toBe('2001:db8:20::1')
    expect(alice(relay, 3).allocate({ family: 1 }).error?.code).toBe(440)
    expect(alice(relay, 4).allocate({ additionalFamily: 2 }).error?.code).toBe(440)
  })

  it('is an IPv6 one towards a phone that is reached by IPv6 and has no relay of its own', () => {
    const relay = new Relay()
    const phone = { credential: undefined, proven: ['2001:db8:20::6'] }
    relay.give({ kind: 'openGrant', grant: grantOf({ callee: phone }) })
    const client = alice(relay)
    expect(client.allocate().relayed?.address).toBe('2001:db8:20::1')
    expect(client.permit('2001:db8:20::6').error).toBe(undefined)
    const page = new Relay()
    page.give({ kind: 'openGrant', grant: grantOf({ callee: { proven: phone.proven } }) })
    expect(alice(page).allocate().relayed?.address).toBe('10.0.20.1')
  })

  it('of an additional family is made without it, and says so', () => {
    const answer = alice(open()).allocate({ additionalFamily: 2 })
    expect(answer.relayed?.address).toBe('10.0.20.1')
    expect(answer.addressError).toMatchObject({ code: 440, family: 2 })
    const even = alice(open()).allocate({ additionalFamily: 2, evenPort: { reserveNext: false } })
    expect(even.addressError).toMatchObject({ code: 440, family: 2 })
    const pair = alice(open()).allocate({ additionalFamily: 2, evenPort: { reserveNext: true } })
    expect(pair.error?.code).toBe(400)
  })

  it('with an even port can reserve the next one, for this party only', () => {
    const relay = open()
    const token = alice(relay).allocate({ evenPort: { reserveNext: true } }).reservation
    expect(token?.length).toBe(8)
    expect(bob(relay).allocate({ reservation: token }).error?.code).toBe(508)
    expect(alice(relay, 40_001).allocate({ reservation: token }).relayed).toBeDefined()
    expect(alice(relay, 40_002).allocate({ reservation: token }).error?.code).toBe(508)
    expect(relay.openSockets.size).toBe(2)
  })

  it('counts with what it has reserved', () => {
    const relay = open()
    for (let port = 1; port <= 4; port++) {
      expect(alice(relay, port).allocate({ evenPort: { reserveNext: true } }).error).toBe(undefined)
    }
    expect(alice(relay, 5).allocate().error?.code).toBe(486)
    expect(relay.openSockets.size).toBe(8)
  })

  it('that nobody claims from a reservation is closed again', () => {
    const relay = open()
    alice(relay).allocate({ evenPort: { reserveNext: true } })
    relay.later(reservationLimits.keptMilliseconds - 1)
    expect(relay.openSockets.size).toBe(2)
    relay.later(2)
    expect(relay.openSockets.size).toBe(1)
    expect(relay.machine.sizes.reservations).toBe(0)
  })

  it('are put by 64 at a time, also when many are asked for at one moment', () => {
    const relay = new Relay()
    relay.waiting = true
    const evenPort = { reserveNext: true }
    for (let count = 0; count < 40; count++) {
      const [id, address] = [`${count}`.padStart(32, '0'), `10.0.10.${100 + count}`]
      const credential = { username: `${id}.caller`, password: 'secret' }
      const caller = { device: `alice${count}`, credential, proven: [address] }
      relay.give({ kind: 'openGrant', grant: grantOf({ caller }, id) })
      for (const port of [1, 2]) {
        const client = new Client(relay, flowOf(address, port), credential)
        client.tryTo(stunType.allocateRequest, { transport: 17, evenPort })
      }
    }
    relay.openAll()
    expect(relay.machine.sizes).toMatchObject({ reservations: 64, allocations: 64 })
    expect(relay.notes.filter(note => note === 'refused508').length).toBe(16)
  })

  it('that failed while it was put by is nobody’s any more', () => {
    const relay = open()
    const token = alice(relay).allocate({ evenPort: { reserveNext: true } }).reservation
    const [, reserved] = relay.openSockets.keys()
    relay.give({ kind: 'relayLost', relay: reserved! })
    expect(alice(relay, 40_001).allocate({ reservation: token }).error?.code).toBe(508)
    expect(relay.openSockets.size).toBe(1)
  })

  it('is one of eight of a party', () => {
    const relay = open()
    for (let port = 1; port <= 8; port++) expect(alice(relay, port).allocate().error).toBe(undefined)
    expect(alice(relay, 9).allocate().error?.code).toBe(486)
    expect(bob(relay).allocate().error).toBe(undefined)
  })

  it('gives way to a new one once its client has said nothing by it for ten seconds, the longest silent first', () => {
    const relay = open()
    const clients = [1, 2, 3, 4, 5, 6, 7, 8].map(port => alice(relay, port))
    for (const client of clients) client.allocate()
    bob(relay).allocate()
    const [silent, asking, sending, ...others] = clients
    relay.later(6_000)
    for (const client of others) client.ask(stunType.refreshRequest)
    relay.later(4_000 - 1)
    expect(alice(relay, 9).allocate().error?.code).toBe(486)
    asking!.ask(stunType.refreshRequest)
    relay.channelData(sending!.flow, 0x4000, 'x')
    relay.later(1)
    expect(alice(relay, 10).allocate().error).toBe(undefined)
    expect(silent!.ask(stunType.refreshRequest).error?.code).toBe(437)
    expect(alice(relay, 11).allocate().error?.code).toBe(486)
    for (const client of [asking!, sending!, ...others]) {
      expect(client.ask(stunType.refreshRequest).error).toBe(undefined)
    }
  })

  it('gives way to a new one where its party is reached now, when that has left it behind', () => {
    const relay = new Relay()
    const two = ['10.0.10.5', '10.0.10.15']
    relay.give({ kind: 'openGrant', grant: grantOf({ caller: { proven: two } }) })
    const at = (address: string, port: number, transport: 'udp' | 'tcp' = 'udp') =>
      new Client(relay, flowOf(address, port, transport), credentials.caller)
    const ports = [1, 2, 3, 4, 5, 6, 7]
    const stale = at(two[0]!, 9, 'tcp')
    expect(stale.allocate().error).toBe(undefined)
    for (const port of ports) expect(at(two[1]!, port).allocate().error).toBe(undefined)
    // From where it was it cannot push out what it has now.
    expect(at(two[0]!, 8).allocate().error?.code).toBe(486)
    expect(at(two[1]!, 8).allocate().error).toBe(undefined)
    expect(stale.ask(stunType.refreshRequest).error?.code).toBe(437)
    expect(relay.closedFlows).toEqual([stale.flow.key])
    // What is used now gives way to nothing.
    expect(at(two[1]!, 10).allocate().error?.code).toBe(486)
    expect(relay.openSockets.size).toBe(8)
  })

  it('ends after its lifetime, later when refreshed, at once with lifetime 0', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    relay.later(500_000)
    expect(a.ask(stunType.refreshRequest, { lifetimeSeconds: 900 }).lifetimeSeconds).toBe(900)
    relay.later(599_000)
    expect(relay.openSockets.size).toBe(1)
    a.nonce = ''
    expect(a.ask(stunType.refreshRequest, { lifetimeSeconds: 0 }).lifetimeSeconds).toBe(0)
    expect(relay.openSockets.size).toBe(0)
    expect(a.ask(stunType.refreshRequest).error?.code).toBe(437)
    a.allocate()
    relay.later(600_001)
    expect(relay.openSockets.size).toBe(0)
  })

  it('lives no longer than an hour without a refresh, whatever it asked for', () => {
    expect(alice(open()).allocate({ lifetimeSeconds: 100_000 }).lifetimeSeconds).toBe(3_600)
  })

  it('goes with its stream', () => {
    const relay = open()
    const a = alice(relay, 1, 'tcp')
    a.allocate()
    relay.give({ kind: 'flowClosed', flow: a.flow })
    expect(relay.openSockets.size).toBe(0)
  })

  it('whose socket cannot be had is refused with 508', () => {
    const relay = open()
    relay.failing = true
    expect(alice(relay).allocate().error?.code).toBe(508)
    expect(relay.machine.sizes.openings).toBe(0)
  })

  it('goes at once when its grant is closed or its time is over, and the ledger says so', () => {
    const { relay } = relayed()
    relay.give({ kind: 'closeGrant', call })
    expect(relay.openSockets.size).toBe(0)
    expect(relay.machine.sizes).toMatchObject({ allocations: 0, grants: 0, reservations: 0 })
    expect(lastLedger(relay).caller).toMatchObject({ allocations: 1, openAllocations: 0 })
    expect(relay.words.at(-1)).toEqual({ kind: 'closed', call })
    const short = new Relay()
    short.give({ kind: 'openGrant', grant: { ...grantOf(), lifetimeMilliseconds: 5_000 } })
    alice(short).allocate()
    short.later(5_001)
    expect(short.openSockets.size).toBe(0)
    expect(short.machine.sizes).toMatchObject({ grants: 0, timers: 0 })
  })
})

describe('peers', () => {
  it('are the other party’s proven addresses', () => {
    const a = alice(open())
    a.allocate()
    expect(a.permit('10.0.20.6').error).toBe(undefined)
  })

  it('are the other party’s live relayed addresses, to their ports only', () => {
    const { a, ofB } = relayed()
    expect(a.bind(0x4000, ofB.address, ofB.port).error).toBe(undefined)
    expect(a.bind(0x4001, ofB.address, ofB.port + 1).error?.code).toBe(403)
  })

  it.each([
    '10.0.20.7',
    '10.0.10.1',
    '10.0.20.1',
    '10.0.10.5',
    '127.0.0.1',
    '169.254.169.254',
    '224.0.0.251',
    '0.0.0.0',
    '255.255.255.255',
    '8.8.8.8',
  ])('%s is refused with 403 while nobody has a relay there', address => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    expect(a.permit(address).error?.code).toBe(403)
    expect(a.bind(0x4000, address, 3478).error?.code).toBe(403)
    expect(relay.send(a.flow, address, 3478, 'x')).toBe(undefined)
    relay.later(1_000)
    expect(lastLedger(relay).caller.refusals).toBe(2)
  })

  it('one that is refused refuses the whole request', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    expect(a.permit('10.0.20.6', '10.0.20.7').error?.code).toBe(403)
    expect(relay.send(a.flow, '10.0.20.6', 9, 'x')).toBe(undefined)
  })

  it('of the other family are refused with 443', () => {
    const relay = new Relay()
    relay.give({ kind: 'openGrant', grant: grantOf({ callee: { proven: ['2001:db8:20::6'] } }) })
    const a = alice(relay)
    a.allocate()
    expect(a.permit('2001:db8:20::6').error?.code).toBe(443)
  })

  it('in another form of writing are no peers', () => {
    const a = alice(open())
    a.allocate({ family: 2 })
    expect(a.permit('::ffff:a00:1406').error?.code).toBe(403)
    expect(a.permit('64:ff9b::a00:1406').error?.code).toBe(403)
  })

  it('that a new grant of the call does not name any more lose permission and channel at once', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    a.bind(0x4000, '10.0.20.6', 7000)
    expect(relay.channelData(a.flow, 0x4000, 'x')).toBeDefined()
    relay.give({ kind: 'openGrant', grant: grantOf({ callee: { proven: ['10.0.20.66'] } }) })
    expect(relay.channelData(a.flow, 0x4000, 'x')).toBe(undefined)
    expect(relay.send(a.flow, '10.0.20.6', 7000, 'x')).toBe(undefined)
  })
})

describe('data', () => {
  it('goes to a peer by Send and by channel, and comes back as it is due', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    a.permit('10.0.20.6')
    expect(relay.send(a.flow, '10.0.20.6', 7000, 'hello')).toMatchObject({
      to: 'peer',
      peer: { address: '10.0.20.6', port: 7000 },
      bytes: Uint8Array.from(Buffer.from('hello')),
    })
    const back = relay.machine.router.fromPeer(1, '10.0.20.6', 7000, Buffer.from('you'), relay.now)
    expect(decode(back!.bytes)).toMatchObject({
      message: { type: stunType.dataIndication, peers: [{ address: '10.0.20.6', port: 7000 }] },
    })
    a.bind(0x4000, '10.0.20.6', 7000)
    expect(relay.channelData(a.flow, 0x4000, 'hi')).toMatchObject({ to: 'peer', bytes: Buffer.from('hi') })
    const channel = relay.machine.router.fromPeer(1, '10.0.20.6', 7000, Buffer.from('you'), relay.now)
    expect(channel).toMatchObject({
      to: 'client',
      header: Buffer.of(0x40, 0, 0, 3),
      bytes: Buffer.from('you'),
    })
    relay.later(1_000)
    // Twice each way, through the caller’s relay alone: what comes from there is the callee’s.
    const { caller, callee } = lastLedger(relay)
    expect(caller).toMatchObject({ sentPackets: 2, receivedPackets: 2, receivedBytes: 6 })
    expect(callee).toMatchObject({ sentPackets: 2, sentBytes: 6, receivedPackets: 2 })
  })

  it('between the two parties’ relays never leaves the relay', () => {
    const { relay, a, b, ofA, ofB } = relayed()
    a.bind(0x4000, ofB.address, ofB.port)
    b.bind(0x4abc, ofA.address, ofA.port)
    expect(relay.channelData(a.flow, 0x4000, 'media')).toMatchObject({
      ...{ to: 'client', flow: b.flow, header: Buffer.of(0x4a, 0xbc, 0, 5), bytes: Buffer.from('media') },
    })
    relay.later(1_000)
    const { caller, callee } = lastLedger(relay)
    expect(caller).toMatchObject({ sentPackets: 1, sentBytes: 5, receivedPackets: 0 })
    expect(callee).toMatchObject({ sentPackets: 0, receivedPackets: 1, receivedBytes: 5 })
    expect(callee.firstAt).toBeGreaterThan(1_800_000_000_000)
  })

  it('from a peer without permission, from own addresses and from strangers is dropped', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    const from = (address: string) =>
      relay.machine.router.fromPeer(1, address, 7000, Buffer.from('x'), relay.now)
    expect(from('10.0.20.6')).toBe(undefined)
    a.permit('10.0.20.6')
    expect(from('10.0.20.6')).toBeDefined()
    expect(from('10.0.20.7')).toBe(undefined)
    expect(from('10.0.20.1')).toBe(undefined)
    relay.later(fiveMinutes + 1)
    expect(from('10.0.20.6')).toBe(undefined)
  })

  it('with a length that is not there, or on a channel that is not bound, is dropped', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    a.bind(0x4000, '10.0.20.6', 7000)
    const { router } = relay.machine
    expect(router.channelData(a.flow.key, Buffer.of(0x40, 0, 0, 9, 1), relay.now)).toBe(undefined)
    expect(router.channelData(a.flow.key, Buffer.of(0x40, 1, 0, 1, 1), relay.now)).toBe(undefined)
    expect(router.channelData('nobody', Buffer.of(0x40, 0, 0, 1, 1), relay.now)).toBe(undefined)
  })

  it('longer than any indication can hold is dropped, without a fault', () => {
    const relay = open()
    const a = alice(relay)
    a.allocate()
    a.permit('10.0.20.6')
    const from = (length: number) =>
      relay.machine.router.fromPeer(1, '10.0.20.6', 7000, new Uint8Array(length), relay.now)
    expect(from(9_000)).toBeDefined()
    expect(from(65_000)).toBe(undefined)
  })

  it('over the bound of a call is dropped and counted, and goes on a second later', () => {
    const relay = open(new Relay({ bytesPerSecond: 1_000 }))
    const a = alice(relay)
    a.allocate()
    a.bind(0x4000, '10.0.20.6', 7000)
    relay.later(1_000)
    const packet = 'x'.repeat(100)
    const passed = Array.from({ length: 50 }, () => relay.channelData(a.flow, 0x4000, packet)).filter(Boolean)
    expect(passed.length).toBe(10)
    relay.later(1_000)
    expect(lastLedger(relay).caller).toMatchObject({ sentPackets: 10, droppedPackets: 40 })
    expect(relay.channelData(a.flow, 0x4000, packet)).toBeDefined()
  })
})

describe('channels', () => {
  it('have one peer, and a peer has one channel', () => {
    const a = alice(open())
    a.allocate()
    expect(a.bind(0x4000, '10.0.20.6', 7000).error).toBe(undefined)
    expect(a.bind(0x4000, '10.0.20.6', 7000).error).toBe(undefined)
    expect(a.bind(0x4000, '10.0.20.6', 7001).error?.code).toBe(400)
    expect(a.bind(0x4001, '10.0.20.6', 7000).error?.code).toBe(400)
    expect(a.bind(0x3fff, '10.0.20.6', 7002).error?.code).toBe(400)
    expect(a.bind(0x8000, '10.0.20.6', 7002).error?.code).toBe(400)
    expect(a.bind(0x7ffe, '10.0.20.6', 7002).error, 'a client of RFC 5766').toBe(undefined)
  })
})

describe('a phone’s own allocation', () => {
  const account = { device: 'bob', username: 'bob', ha1: '', ha1Sha256: undefined }
  const withPhone = (): { relay: Relay; phone: Client } => {
    const relay = new Relay()
    const phone = new Client(relay, flowOf('10.0.20.6'), { username: 'bob', password: 'telephone' })
    const ha1 = Buffer.from(phone.key).toString('hex')
    relay.give({ kind: 'known', known: { addresses: ['10.0.20.6'], accounts: [{ ...account, ha1 }] } })
    return { relay, phone }
  }

  it('sleeps: it is one, and reaches nobody', () => {
    const { relay, phone } = withPhone()
    expect(phone.allocate().relayed?.address).toBe('10.0.20.1')
    expect(phone.permit('10.0.10.5').error?.code).toBe(403)
    const second = new Client(relay, flowOf('10.0.20.6', 2), phone)
    expect(second.allocate().error?.code).toBe(486)
  })

  it('wakes with a grant of its call, and sleeps again after it', () => {
    const { relay, phone } = withPhone()
    phone.allocate()
    relay.give({ kind: 'openGrant', grant: grantOf({ callee: { credential: undefined } }) })
    expect(phone.permit('10.0.10.5').error).toBe(undefined)
    expect(relay.send(phone.flow, '10.0.10.5', 7000, 'x')).toBeDefined()
    relay.give({ kind: 'closeGrant', call })
    expect(relay.send(phone.flow, '10.0.10.5', 7000, 'x')).toBe(undefined)
    expect(phone.permit('10.0.10.5').error?.code).toBe(403)
    expect(relay.openSockets.size).toBe(1)
    expect(lastLedger(relay).callee).toMatchObject({ allocations: 1, openAllocations: 0, sentPackets: 1 })
  })

  it('may be had from a new address as often as the phone moves; from one address there is one', () => {
    const { relay, phone } = withPhone()
    const accounts = [{ ...account, ha1: Buffer.from(phone.key).toString('hex') }]
    for (let host = 6; host < 16; host++) {
      relay.give({ kind: 'known', known: { addresses: [`10.0.20.${host}`], accounts } })
      const moved = new Client(relay, flowOf(`10.0.20.${host}`), phone)
      expect(moved.allocate().error).toBe(undefined)
      const second = new Client(relay, flowOf(`10.0.20.${host}`, 40_002), phone)
      expect(second.allocate().error?.code).toBe(486)
    }
    expect(relay.openSockets.size).toBe(1)
  })

  it('wakes again for the other call when the newer one of two ends', () => {
    const { relay, phone } = withPhone()
    phone.allocate()
    const other = 'f'.repeat(32)
    relay.give({ kind: 'openGrant', grant: grantOf({ callee: { credential: undefined } }) })
    const caller = { device: 'carol', proven: ['10.0.10.7'], credential: undefined }
    relay.give({ kind: 'openGrant', grant: grantOf({ caller, callee: { credential: undefined } }, other) })
    expect(phone.permit('10.0.10.7').error).toBe(undefined)
    expect(phone.permit('10.0.10.5').error?.code).toBe(403)
    relay.give({ kind: 'closeGrant', call: other })
    expect(phone.permit('10.0.10.7').error?.code).toBe(403)
    expect(phone.permit('10.0.10.5').error).toBe(undefined)
  })

  it('cannot be had by guessing: so many tries a source, then silence', () => {
    const { relay } = withPhone()
    const thief = new Client(relay, flowOf('10.0.20.6', 77), { username: 'bob', password: 'guess' })
    thief.nonce = thief.bare(stunType.allocateRequest)!.nonce!
    const { username, nonce, flow } = thief
    for (let count = 0; count < 500; count++) {
      thief.password = `guess ${count}`
      const transaction = Buffer.alloc(12, `${count} `)
      const request = { type: stunType.allocateRequest, transaction, transport: 17, username, realm, nonce }
      const bytes = encode(request, { signing: signingWith('sha1', thief.key) }).slice()
      relay.give({ kind: 'received', flow, bytes })
    }
    expect(relay.answers().length).toBeLessThanOrEqual(unauthenticatedLimit.burst)
    expect(relay.notes.filter(note => note === 'unauthenticatedLimit').length).toBeGreaterThan(390)
  })

  it('goes when the phone is registered no more', () => {
    const { relay, phone } = withPhone()
    phone.allocate()
    relay.give({ kind: 'known', known: { addresses: [], accounts: [] } })
    expect(relay.openSockets.size).toBe(0)
  })
})
