import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { givenLimits } from '../../src/relay/grants.ts'
import { emptyLedger } from '../../src/relay/ledger.ts'
import { RelayMachine, relayLimits } from '../../src/relay/machine.ts'
import type { RelayEffect, RelayInput, RelayPolicy } from '../../src/relay/message.ts'
import type { OwnAddress } from '../../src/relay/networks.ts'
import type { PartyFlow, RelayCall } from '../../src/relay/ports.ts'
import type { CallLedger, Grant } from '../../src/turn/message.ts'
import { ledgerOf } from '../sim/relay.ts'

const own = (name: string, address: string, prefixLength = 24): OwnAddress => ({
  ...{ interface: name, address, prefixLength, loopback: false },
})
const page = (remote: string, local: string): PartyFlow => ({ remote, local, client: true })
const phone = (remote: string, local: string): PartyFlow => ({ remote, local, client: false })

type Effect<Kind extends RelayEffect['kind']> = Extract<RelayEffect, { kind: Kind }>

class Desk {
  now = 1_000
  readonly calls = new Map<string, RelayCall>()
  readonly flows = new Map<string, PartyFlow>([
    ['a', page('10.0.1.5', '10.0.1.1')],
    ['b', page('10.0.2.5', '10.0.2.1')],
  ])
  own = [own('eth0.1', '10.0.1.1'), own('eth0.2', '10.0.2.1'), own('eth0.2', 'fd00:2::1', 64)]
  effects: RelayEffect[] = []
  machine: RelayMachine

  constructor(policy: RelayPolicy = 'cross-vlan') {
    this.call('c1', 'a', 'b')
    this.machine = this.build(policy, [])
    this.give({ kind: 'started' })
  }

  build(policy: RelayPolicy, remembered: { call: string; reason: 'otherNetwork' }[]): RelayMachine {
    return new RelayMachine({
      policy,
      networks: [],
      remembered,
      ports: {
        random: seededRandom(5),
        callOf: id => this.calls.get(id),
        flowOf: device => this.flows.get(device),
        ownAddresses: () => this.own,
        turnPorts: () => ({ plain: 3478, tls: 5349 }),
      },
    })
  }

  call(id: string, callerDevice: string, calleeDevice: string, ledger?: CallLedger): void {
    this.calls.set(id, { callerDevice, calleeDevice, answered: true, ended: false, ledger })
  }

  end(id: string): this {
    this.calls.set(id, { ...this.calls.get(id)!, ended: true })
    return this.give({ kind: 'callChanged', call: id })
  }

  give(...inputs: RelayInput[]): this {
    for (const input of inputs) this.effects.push(...this.machine.handle(input, this.now as Monotonic))
    return this
  }

  pass(milliseconds: number): this {
    const end = this.now + milliseconds
    for (let at = this.machine.nextWakeup(); at !== undefined && at <= end; at = this.machine.nextWakeup()) {
      this.now = Math.max(this.now, at)
      this.effects.push(...this.machine.wake(this.now as Monotonic))
    }
    this.now = end
    return this
  }

  noPath = (device = 'a', call = 'c1'): this => this.give({ kind: 'noPath', call, device })
  granted = (call = 'c1'): this => this.give({ kind: 'granted', call })
  ready = (...devices: string[]): this => {
    for (const device of devices) this.give({ kind: 'relayReady', call: 'c1', device })
    return this
  }

  /** The call relays: everybody has done their part. */
  open(): this {
    this.noPath().granted().ready('a', 'b')
    for (const device of ['a', 'b'])
      this.give({ kind: 'path', call: 'c1', device, relayed: true, remoteAddress: '' })
    return this
  }

  /** What came since the last look, of one kind. */
  take<Kind extends RelayEffect['kind']>(kind: Kind): Effect<Kind>[] {
    const all = this.effects.filter((effect): effect is Effect<Kind> => effect.kind === kind)
    this.effects = this.effects.filter(effect => effect.kind !== kind)
    return all
  }

  tellings(): string[] {
    return this.take('tell').map(({ device, telling }) =>
      telling.type === 'relayRefused' ? `${device} ${telling.reason}` : `${device} ${telling.type}`,
    )
  }

  grant(): Grant {
    const given = this.take('openGrant')
    expect(given).toHaveLength(1)
    return given[0]!.grant
  }

  ledger = (id = 'c1'): CallLedger => this.machine.ledgerOf({ id, ledger: undefined })
  notes = (): string[] => this.take('note').map(({ reason }) => reason)
}

describe('who may ask', () => {
  it('nobody before the answer', () => {
    const desk = new Desk()
    desk.calls.set('c1', { ...desk.calls.get('c1')!, answered: false })
    desk.noPath()
    expect([desk.notes(), desk.take('openGrant')]).toEqual([['noSuchCall'], []])
  })

  it('nobody for a call that is over, or was never one', () => {
    const desk = new Desk().end('c1').noPath().noPath('a', 'other')
    expect([desk.notes(), desk.take('openGrant')]).toEqual([['noSuchCall', 'noSuchCall'], []])
  })

  it('no device that is not in the call', () => {
    const desk = new Desk().noPath('z')
    expect([desk.notes(), desk.take('openGrant')]).toEqual([['notAParty'], []])
  })

  it('one party is enough, and the second changes nothing', () => {
    const desk = new Desk().noPath('b').noPath('a')
    expect([desk.take('openGrant').length, desk.notes()]).toEqual([1, ['asked']])
  })

  it('nobody once a party’s right has ended, even while the call has not', () => {
    const desk = new Desk().open().give({ kind: 'revoked', device: 'b' })
    expect(desk.take('closeGrant')).toHaveLength(1)
    desk.take('openGrant')
    desk.give({ kind: 'closed', call: 'c1' }).noPath('a')
    desk.give({ kind: 'held', call: 'c1', device: 'a' }, { kind: 'flowChanged', device: 'b' })
    expect([desk.take('openGrant'), desk.machine.views()]).toEqual([[], []])
  })
})

describe('a grant', () => {
  it('names each party’s proven address, and our addresses where the other one is reached', () => {
    const { parties, lifetimeMilliseconds } = new Desk().noPath().grant()
    expect(parties.map(({ role, device, proven }) => [role, device, proven])).toEqual([
      ['caller', 'a', ['10.0.1.5']],
      ['callee', 'b', ['10.0.2.5']],
    ])
    expect(parties.map(({ relayOn }) => relayOn)).toEqual([['10.0.2.1', 'fd00:2::1'], ['10.0.1.1']])
    expect(lifetimeMilliseconds).toBeUndefined()
  })

  it('has a credential for each client that says whose it is and is told to nobody else', () => {
    const desk = new Desk().noPath()
    const { parties } = desk.grant()
    desk.granted()
    for (const { role, device, credential } of parties) {
      expect(credential!.username).toMatch(new RegExp(`^c1\\.${role}\\.[0-9a-f]{8}$`))
      expect(credential!.password).toMatch(/^[\w-]{32}$/)
      const secret = (effect: RelayEffect): boolean => JSON.stringify(effect).includes(credential!.password)
      expect(desk.effects.filter(secret).map(effect => effect.kind === 'tell' && effect.device)).toEqual([
        device,
      ])
    }
  })

  it('is followed by the restart as soon as all have said that they are ready', () => {
    const desk = new Desk().noPath().granted()
    expect(desk.tellings()).toEqual(['a relay', 'b relay'])
    expect(desk.ready('a', 'a').tellings()).toEqual([])
    expect(desk.ready('b').tellings()).toEqual(['a restart'])
  })

  it('is followed by the restart half a second later where one has not', () => {
    const desk = new Desk().noPath().granted().ready('a')
    desk.tellings()
    expect(desk.pass(relayLimits.readyMilliseconds - 1).tellings()).toEqual([])
    expect(desk.pass(1).tellings()).toEqual(['a restart'])
    expect(desk.ready('b').pass(10_000).tellings()).toEqual([])
  })

  it('is restarted by the callee where the caller is a phone', () => {
    const desk = new Desk()
    desk.flows.set('a', phone('10.0.1.5', '10.0.1.1'))
    const { parties } = desk.noPath('b').grant()
    expect(parties.map(({ credential }) => credential === undefined)).toEqual([true, false])
    expect(desk.granted().ready('b').tellings()).toEqual(['b relay', 'b restart'])
  })

  it('is not asked for by two phones', () => {
    const desk = new Desk()
    desk.flows.set('a', phone('10.0.1.5', '10.0.1.1')).set('b', phone('10.0.2.5', '10.0.2.1'))
    expect([desk.noPath().notes(), desk.take('openGrant')]).toEqual([['noClient'], []])
  })

  it('has the same credentials when it is renewed, and others for a relay that was started anew', () => {
    const desk = new Desk().open()
    const names = (grant: Grant) => grant.parties.map(({ credential }) => credential!.username)
    const first = names(desk.grant())
    desk.give({ kind: 'started' })
    const second = names(desk.grant())
    expect(second).not.toEqual(first)
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    expect(names(desk.granted().give({ kind: 'flowChanged', device: 'b' }).grant())).toEqual(second)
  })

  it('whose party moved tells that party alone its servers, then starts anew', () => {
    const desk = new Desk().open()
    desk.tellings()
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    desk.give({ kind: 'flowChanged', device: 'b' }, { kind: 'held', call: 'c1', device: 'b' })
    desk.granted().granted()
    expect(desk.tellings()).toEqual(['b relay'])
    expect(desk.ready('b').tellings()).toEqual(['a restart'])
  })

  it('given twice in a row waits for both words of the relay', () => {
    const desk = new Desk().open()
    desk.tellings()
    for (const host of [6, 7]) {
      desk.flows.set('b', page(`10.0.2.${host}`, '10.0.2.1'))
      desk.give({ kind: 'flowChanged', device: 'b' })
    }
    expect(desk.granted().tellings()).toEqual([])
    expect(desk.granted().tellings()).toEqual(['b relay'])
  })

  it('stays as it is when a party that relays comes back from where it was', () => {
    const desk = new Desk().open()
    desk.take('openGrant')
    desk.tellings()
    desk.give({ kind: 'held', call: 'c1', device: 'b' })
    expect([desk.tellings(), desk.take('openGrant')]).toEqual([['b relay'], []])
  })

  it('is not taken away from a party that comes back while the relay’s thread is not there', () => {
    const desk = new Desk().open()
    desk.tellings()
    desk.give({ kind: 'lost' }, { kind: 'held', call: 'c1', device: 'b' })
    expect(desk.tellings()).toEqual([])
    desk.give({ kind: 'started' }).granted()
    expect(desk.tellings()).toEqual(['a relay', 'b relay'])
  })

  it('starts anew once more when whoever was told to comes back without having shown it', () => {
    const desk = new Desk().noPath().granted().ready('a', 'b')
    expect(desk.tellings().at(-1)).toBe('a restart')
    desk.give({ kind: 'held', call: 'c1', device: 'a' }).granted().ready('a')
    expect(desk.tellings().at(-1)).toBe('a restart')
  })

  it('that still finds no path is tried again, but not more often than every five seconds', () => {
    const desk = new Desk().noPath().granted().ready('a', 'b')
    desk.take('openGrant')
    for (let second = 0; second < 4; second++) desk.pass(1_000).noPath('a').noPath('b')
    expect(desk.take('openGrant')).toEqual([])
    expect(desk.pass(1_000).take('openGrant')).toHaveLength(1)
  })

  it('is left alone when a path was found before the next try', () => {
    const desk = new Desk().noPath().granted().ready('a', 'b')
    desk.take('openGrant')
    desk
      .pass(1_000)
      .noPath('a')
      .give({ kind: 'path', call: 'c1', device: 'a', relayed: true, remoteAddress: '' })
    expect(desk.pass(10_000).take('openGrant')).toEqual([])
  })

  it('is given anew where own addresses have changed, and only where it matters', () => {
    const desk = new Desk().open()
    desk.take('openGrant')
    desk.own = [...desk.own, own('eth0.3', '10.0.3.1')]
    expect(desk.give({ kind: 'addressesChanged' }).take('openGrant')).toEqual([])
    desk.own = desk.own.filter(each => each.address !== 'fd00:2::1')
    expect(desk.give({ kind: 'addressesChanged' }).grant().parties[0].relayOn).toEqual(['10.0.2.1'])
  })

  it('loses an address that became one of ours', () => {
    const desk = new Desk().open()
    desk.take('openGrant')
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    desk.give({ kind: 'flowChanged', device: 'b' })
    expect(desk.grant().parties[1].proven).toEqual(['10.0.2.5', '10.0.2.6'])
    desk.own = [...desk.own, own('eth0.2', '10.0.2.5')]
    expect(desk.granted().give({ kind: 'addressesChanged' }).grant().parties[1].proven).toEqual(['10.0.2.6'])
  })

  it('ends with its call, at once, and is forgotten', () => {
    const desk = new Desk().open().end('c1')
    expect(desk.take('closeGrant')).toEqual([{ kind: 'closeGrant', call: 'c1' }])
    expect(desk.take('forget')).toEqual([{ kind: 'forget', call: 'c1' }])
    expect(desk.machine.views()).toEqual([])
    desk.give({ kind: 'closed', call: 'c1' })
    expect(desk.machine.sizes).toEqual({ calls: 0, grants: 0, timers: 0 })
  })

  it('ends with a call that nobody knows any more', () => {
    const desk = new Desk().open()
    desk.calls.delete('c1')
    expect(desk.give({ kind: 'callChanged', call: 'c1' }).take('closeGrant')).toHaveLength(1)
  })

  it('that the relay never says to have closed is let go of', () => {
    const desk = new Desk().open().end('c1').pass(givenLimits.closingMilliseconds)
    expect(desk.machine.sizes).toEqual({ calls: 0, grants: 0, timers: 0 })
  })

  it('that comes so late that nobody waits for it is closed', () => {
    const desk = new Desk().noPath().end('c1').pass(givenLimits.closingMilliseconds)
    desk.take('closeGrant')
    expect(desk.granted().take('closeGrant')).toHaveLength(1)
  })

  it('asked for while the last one is being closed waits for that', () => {
    const desk = new Desk('on-failure').open()
    desk.take('openGrant')
    for (const device of ['a', 'b'])
      desk.give({ kind: 'path', call: 'c1', device, relayed: false, remoteAddress: '' })
    expect(desk.noPath().take('openGrant')).toEqual([])
    expect(desk.give({ kind: 'closed', call: 'c1' }).take('openGrant')).toHaveLength(1)
  })

  it('is not taken for closed when the word of the one before comes late', () => {
    const desk = new Desk('on-failure').open()
    for (const device of ['a', 'b'])
      desk.give({ kind: 'path', call: 'c1', device, relayed: false, remoteAddress: '' })
    desk
      .pass(10)
      .noPath()
      .pass(givenLimits.closingMilliseconds - 10)
    desk.take('closeGrant')
    desk.tellings()
    desk.give({ kind: 'closed', call: 'c1' }).granted()
    expect([desk.tellings(), desk.take('closeGrant')]).toEqual([['a relay', 'b relay'], []])
  })
})

describe('a call that goes directly again', () => {
  const direct = (desk: Desk, ...devices: string[]): Desk => {
    for (const device of devices)
      desk.give({ kind: 'path', call: 'c1', device, relayed: false, remoteAddress: '' })
    return desk
  }
  const moved = (): Desk => {
    const desk = new Desk().open()
    desk.flows.set('b', page('10.0.1.6', '10.0.1.1'))
    desk.give({ kind: 'flowChanged', device: 'b' }).granted().ready('b')
    desk.tellings()
    return desk
  }

  it('is no such call while one of them sends to an address of ours, whatever it takes that for', () => {
    const desk = moved()
    for (const device of ['a', 'b']) {
      desk.give({ kind: 'path', call: 'c1', device, relayed: false, remoteAddress: '10.0.1.1' })
    }
    expect(desk.take('closeGrant')).toEqual([])
  })

  it('gives up its grant when both say so and its network would not get one now', () => {
    const desk = moved()
    expect(direct(desk, 'a').take('closeGrant')).toEqual([])
    expect(direct(desk, 'b').take('closeGrant')).toHaveLength(1)
    const servers = desk.take('tell').map(({ telling }) => telling.type === 'relay' && telling.servers)
    expect(servers).toEqual([[], []])
  })

  it('keeps it between two networks, where it would be asked for again', () => {
    const desk = direct(new Desk().open(), 'a', 'b')
    expect(desk.take('closeGrant')).toEqual([])
  })

  it('is believed from nobody who said so before the move', () => {
    const desk = direct(new Desk().open(), 'a', 'b')
    desk.flows.set('b', page('10.0.1.6', '10.0.1.1'))
    desk.give({ kind: 'flowChanged', device: 'b' }).granted().ready('b')
    expect(direct(desk, 'a').take('closeGrant')).toEqual([])
    expect(direct(desk, 'b').take('closeGrant')).toHaveLength(1)
  })

  it('keeps it with a phone, which says nothing of its media', () => {
    const desk = new Desk()
    desk.flows.set('b', phone('10.0.2.5', '10.0.2.1'))
    desk.noPath().granted().ready('a')
    desk.flows.set('b', phone('10.0.1.6', '10.0.1.1'))
    desk.give({ kind: 'flowChanged', device: 'b' }).granted()
    expect(direct(desk, 'a').take('closeGrant')).toEqual([])
  })
})

describe('a direct call', () => {
  const known = (): Desk => new Desk().give({ kind: 'callChanged', call: 'c1' })

  it('whose callee moved is started anew by the caller, once', () => {
    const desk = known()
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    desk.give({ kind: 'flowChanged', device: 'b' }, { kind: 'held', call: 'c1', device: 'b' })
    expect([desk.tellings(), desk.take('openGrant')]).toEqual([['a restart'], []])
  })

  it('is left alone when its party comes back from where it was, even by another address of ours', () => {
    const desk = known()
    desk.give({ kind: 'held', call: 'c1', device: 'b' })
    desk.flows.set('b', page('10.0.2.5', 'fd00:2::1'))
    expect(desk.give({ kind: 'flowChanged', device: 'b' }).tellings()).toEqual([])
  })

  it('whose callee moved while the caller was not there is started anew when the caller is', () => {
    const desk = known()
    const flow = desk.flows.get('a')!
    desk.flows.delete('a')
    desk.give({ kind: 'flowChanged', device: 'a' })
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    expect(desk.give({ kind: 'flowChanged', device: 'b' }).take('tell')).toEqual([])
    desk.flows.set('a', flow)
    expect(desk.give({ kind: 'flowChanged', device: 'a' }).tellings()).toEqual(['a restart'])
  })

  it('that ended is forgotten, and nobody moves in it any more', () => {
    const desk = known().end('c1')
    desk.flows.set('b', page('10.0.2.6', '10.0.2.1'))
    expect(desk.give({ kind: 'flowChanged', device: 'b' }).effects).toEqual([])
    expect(desk.machine.sizes).toEqual({ calls: 0, grants: 0, timers: 0 })
  })
})

describe('a refusal', () => {
  it('says why to both parties, in a sentence that says what to do', () => {
    const desk = new Desk('off').noPath()
    const [one, other] = desk.take('tell')
    expect([one!.device, other!.device]).toEqual(['a', 'b'])
    expect(one!.telling).toMatchObject({ reason: 'off', message: expect.stringContaining('relay.policy') })
  })

  it('is not said twice when both parties asked', () => {
    expect(new Desk('off').noPath('a').noPath('b').tellings()).toEqual(['a off', 'b off'])
  })

  it.each<[string, string, string]>([
    ['its own network', '10.0.1.9', 'sameNetwork'],
    ['the appliance itself', '10.0.1.1', 'sameNetwork'],
    ['loopback', '127.0.0.1', 'sameNetwork'],
    ['a link-local address', 'fe80::5', 'unknownAddress'],
    ['a metadata service', '169.254.169.254', 'unknownAddress'],
    ['multicast', '224.0.0.5', 'unknownAddress'],
    ['a 6to4 address', '2002:a00:205::1', 'unknownAddress'],
    ['a NAT64 address', '64:ff9b::a00:205', 'unknownAddress'],
    ['a mapped address', '::ffff:10.0.2.5', 'unknownAddress'],
    ['a compatible address', '::a00:205', 'unknownAddress'],
  ])('of a call with %s', (_name, remote, reason) => {
    const desk = new Desk()
    desk.flows.set('b', page(remote, '10.0.2.1'))
    expect(desk.noPath().tellings()).toEqual([`a ${reason}`, `b ${reason}`])
    expect(desk.take('openGrant')).toEqual([])
  })

  it('comes after two seconds where a party is not reached', () => {
    const desk = new Desk()
    desk.flows.delete('b')
    expect(desk.noPath().pass(1_999).tellings()).toEqual([])
    expect(desk.pass(1).tellings()).toEqual(['a unknownAddress'])
  })

  it('does not come where the party is reached in time', () => {
    const desk = new Desk()
    const flow = desk.flows.get('b')!
    desk.flows.delete('b')
    desk.noPath().pass(1_000)
    desk.flows.set('b', flow)
    expect(desk.give({ kind: 'flowChanged', device: 'b' }).take('openGrant')).toHaveLength(1)
  })

  it('comes when the relay does not answer in time, and its late grant is closed', () => {
    const desk = new Desk().noPath().pass(relayLimits.openingMilliseconds)
    expect(desk.tellings()).toEqual(['a failed', 'b failed'])
    expect([desk.take('closeGrant').length, desk.take('forget').length]).toEqual([1, 1])
  })

  it('comes when the relay has no room', () => {
    const desk = new Desk().noPath().give({ kind: 'notGranted', call: 'c1' })
    expect(desk.tellings()).toEqual(['a full', 'b full'])
  })

  it('comes when there are as many grants as may be', () => {
    const desk = new Desk()
    for (let number = 0; number < givenLimits.grants; number++) {
      desk.call(`x${number}`, 'a', 'b')
      desk.noPath('a', `x${number}`)
    }
    desk.take('openGrant')
    desk.tellings()
    expect(desk.noPath().tellings()).toEqual(['a full', 'b full'])
    expect(desk.take('openGrant')).toEqual([])
  })

  it('comes while the relay’s thread is away for longer than two seconds', () => {
    const desk = new Desk().give({ kind: 'lost' }).noPath()
    expect(desk.pass(1_999).tellings()).toEqual([])
    expect(desk.pass(1).tellings()).toEqual(['a failed', 'b failed'])
  })
})

describe('after a restart of the daemon', () => {
  const restarted = (policy: RelayPolicy = 'cross-vlan'): Desk => {
    const desk = new Desk(policy)
    desk.machine = desk.build(policy, [{ call: 'c1', reason: 'otherNetwork' }])
    desk.give({ kind: 'started' })
    return desk
  }

  it('a remembered grant waits until both clients have said that they hold the call', () => {
    const desk = restarted()
    desk.give({ kind: 'flowChanged', device: 'a' }, { kind: 'flowChanged', device: 'b' })
    desk.give({ kind: 'held', call: 'c1', device: 'a' }).pass(10_000)
    expect(desk.take('openGrant')).toEqual([])
    expect(desk.give({ kind: 'held', call: 'c1', device: 'b' }).take('openGrant')).toHaveLength(1)
    expect(desk.granted().ready('a', 'b').tellings()).toEqual(['a relay', 'b relay', 'a restart'])
  })

  it('a phone is not waited for', () => {
    const desk = restarted()
    desk.flows.set('b', phone('10.0.2.5', '10.0.2.1'))
    expect(desk.give({ kind: 'held', call: 'c1', device: 'a' }).take('openGrant')).toHaveLength(1)
  })

  it('a call that ended meanwhile is forgotten', () => {
    const desk = new Desk()
    desk.calls.clear()
    desk.machine = desk.build('cross-vlan', [{ call: 'c1', reason: 'otherNetwork' }])
    desk.give({ kind: 'started' })
    expect(desk.take('forget')).toHaveLength(1)
    expect(desk.machine.sizes).toEqual({ calls: 0, grants: 0, timers: 0 })
  })

  it('what policy forbids now is forgotten without a word', () => {
    const desk = restarted('off')
    for (const device of ['a', 'b']) desk.give({ kind: 'held', call: 'c1', device })
    expect([desk.tellings(), desk.take('openGrant'), desk.take('forget').length]).toEqual([[], [], 1])
  })

  it('the ledger goes on from what the row has', () => {
    const desk = new Desk()
    desk.call('c1', 'a', 'b', ledgerOf(1_000, 1))
    desk.open().give({ kind: 'ledger', call: 'c1', ledger: ledgerOf(5, 2) })
    expect(desk.take('ledger').at(-1)!.ledger.caller).toMatchObject({
      sentPackets: 1_005,
      openAllocations: 2,
    })
  })
})

describe('the ledger of a call', () => {
  it('goes to its row at the opening, at the first packet, once a minute, and at the end with nothing open', () => {
    const desk = new Desk().open()
    expect(desk.take('ledger')).toMatchObject([
      { reason: 'otherNetwork', ledger: { caller: { sentPackets: 0 } } },
    ])
    for (let second = 1; second <= 125; second++) {
      desk.pass(1_000).give({ kind: 'ledger', call: 'c1', ledger: ledgerOf(50 * second, 1) })
    }
    expect(desk.take('ledger').map(({ ledger }) => ledger.caller.sentPackets)).toEqual([50, 3_050, 6_050])
    expect(desk.ledger().caller.sentPackets).toBe(6_250)
    desk.end('c1').give({ kind: 'ledger', call: 'c1', ledger: ledgerOf(6_300, 1) })
    desk.take('ledger')
    desk.give({ kind: 'closed', call: 'c1' })
    expect(desk.take('ledger')).toMatchObject([
      { ledger: { caller: { sentPackets: 6_300, openAllocations: 0 } } },
    ])
  })

  it('counts on when the relay’s thread was started anew', () => {
    const desk = new Desk().open().give({ kind: 'ledger', call: 'c1', ledger: ledgerOf(100, 1) })
    desk.give({ kind: 'lost' }, { kind: 'started' }).granted()
    desk.give({ kind: 'ledger', call: 'c1', ledger: ledgerOf(7, 1) })
    expect(desk.ledger().caller.sentPackets).toBe(107)
    expect(desk.machine.totals).toMatchObject({ packets: 214, bytes: 21_400, allocations: 4 })
  })

  it('is the call’s own, whoever else relays', () => {
    const desk = new Desk().open().give({ kind: 'ledger', call: 'other', ledger: ledgerOf(100, 1) })
    expect(desk.ledger().caller.sentPackets).toBe(0)
    expect(desk.ledger('other')).toEqual(emptyLedger)
  })
})

describe('a grant by hand', () => {
  const wish = { peer: '10.0.2.9', for: '10.0.1.9', lifetimeMilliseconds: 10_000 }
  const ask = (desk: Desk, change: Partial<typeof wish> = {}): Desk =>
    desk.give({ kind: 'grantManually', ticket: 7, wish: { ...wish, ...change } })

  it('lets one address relay to another, and is answered when the relay has it', () => {
    const desk = ask(new Desk())
    expect(desk.take('manualGrant')).toEqual([])
    const grant = desk.grant()
    const [caller, callee] = grant.parties
    expect([caller.proven, caller.relayOn]).toEqual([['10.0.1.9'], ['10.0.2.1', 'fd00:2::1']])
    expect([callee.proven, callee.credential]).toEqual([['10.0.2.9'], undefined])
    expect(grant.lifetimeMilliseconds).toBe(10_000)
    desk.granted(grant.call)
    const [{ ticket, outcome }] = desk.take('manualGrant') as [Effect<'manualGrant'>]
    expect(ticket).toBe(7)
    expect(outcome).toMatchObject({ kind: 'granted', call: grant.call })
    expect(desk.machine.views()).toMatchObject([{ reason: 'manual', state: 'open' }])
    expect(desk.tellings()).toEqual([])
  })

  it.each([
    ['ours', '10.0.1.1'],
    ['loopback', '127.0.0.1'],
    ['link-local', 'fe80::1'],
  ])('is not given to an address that is %s', (_name, peer) => {
    const desk = ask(new Desk(), { peer })
    expect(desk.take('manualGrant')).toMatchObject([{ outcome: { reason: 'badPeer' } }])
    expect(desk.machine.sizes.grants).toBe(0)
  })

  it('ends with its time, whatever the relay says', () => {
    const desk = ask(new Desk())
    const { call } = desk.grant()
    desk.granted(call).pass(10_000)
    expect([desk.machine.views(), desk.take('closeGrant').length]).toEqual([[], 1])
  })

  it('keeps what is left of its time when the relay’s thread was started anew, and is answered once', () => {
    const desk = ask(new Desk())
    const { call } = desk.grant()
    desk.granted(call).pass(4_000).give({ kind: 'lost' }, { kind: 'started' })
    expect(desk.grant().lifetimeMilliseconds).toBe(6_000)
    desk.granted(call)
    expect(desk.take('manualGrant')).toHaveLength(1)
  })

  it('is refused when the relay does not answer', () => {
    const desk = ask(new Desk()).pass(relayLimits.openingMilliseconds)
    expect(desk.take('manualGrant')).toMatchObject([{ outcome: { reason: 'failed' } }])
    expect(desk.machine.views()).toEqual([])
  })

  it('is refused at once where the relay is not there', () => {
    const desk = ask(new Desk().give({ kind: 'lost' }))
    expect(desk.take('manualGrant')).toMatchObject([{ outcome: { reason: 'failed' } }])
  })

  it('is closed by hand; a call’s grant is not', () => {
    const desk = ask(new Desk().open())
    const call = desk.take('openGrant').at(-1)!.grant.call
    desk.granted(call).give({ kind: 'closeManually', call }, { kind: 'closeManually', call: 'c1' })
    expect(desk.take('closeGrant')).toEqual([{ kind: 'closeGrant', call }])
  })
})
