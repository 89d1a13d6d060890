import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { AvahiMachine, avahiLimits } from '../../src/mdns/avahi.ts'
import { claimLimits } from '../../src/mdns/claims.ts'
import type {
  AvahiCall,
  AvahiEffect,
  AvahiInput,
  Link,
  Publication,
  Service,
} from '../../src/mdns/message.ts'

const [registering, established, collision, failure] = [1, 2, 3, 4]

interface SimGroup {
  readonly entries: string[]
  committed: boolean
}

/** avahi-daemon as far as its D-Bus interface shows it, and a network that has some names already. */
class Machine {
  readonly machine = new AvahiMachine()
  /** By their paths, those that are not freed. */
  readonly groups = new Map<string, SimGroup>()
  readonly effects: AvahiEffect[] = []
  /** Names that somebody else on the network has. */
  readonly taken = new Set<string>()
  /** By member: the error it is answered with. */
  readonly refuses = new Map<string, string>()
  /** It answers nothing. */
  hangs = false
  now = 1_000 as Monotonic
  #paths = 0

  input(...inputs: AvahiInput[]): this {
    for (const input of inputs) this.#carryOut(this.machine.handle(input, this.now))
    this.pass(0)
    return this
  }

  pass(milliseconds: number): this {
    const end = this.now + milliseconds
    for (let next = this.machine.nextWakeup(); next !== undefined && next <= end; ) {
      this.now = Math.max(next, this.now) as Monotonic
      this.#carryOut(this.machine.wake(this.now))
      next = this.machine.nextWakeup()
    }
    this.now = end as Monotonic
    return this
  }

  /** What is on the network, one line an entry. */
  get shown(): string[] {
    return [...this.groups.values()].flatMap(group => (group.committed ? group.entries : [])).sort()
  }

  said<Kind extends AvahiEffect['kind']>(kind: Kind): Extract<AvahiEffect, { kind: Kind }>[] {
    return this.effects.filter(
      (effect): effect is Extract<AvahiEffect, { kind: Kind }> => effect.kind === kind,
    )
  }

  get calls(): string[] {
    return this.said('call').map(({ call }) => call.member)
  }

  state(path: string, state: number): void {
    this.input({ kind: 'groupState', path, state })
  }

  pathOf(part: string): string {
    return [...this.groups].find(([, { entries }]) => entries.some(entry => entry.includes(part)))![0]
  }

  #carryOut(effects: readonly AvahiEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect)
      if (effect.kind !== 'call' || this.hangs) continue
      const error = this.refuses.get(effect.call.member)
      const { id } = effect
      if (error !== undefined && id !== undefined) {
        this.#carryOut(
          this.machine.handle({ kind: 'refused', call: id, name: error, detail: 'no' }, this.now),
        )
        continue
      }
      const body = this.#answer(effect.call)
      if (id !== undefined)
        this.#carryOut(this.machine.handle({ kind: 'answered', call: id, body }, this.now))
      if (effect.call.member === 'Commit') this.#register(effect.call.path)
    }
  }

  #answer({ path, member, body = [] }: AvahiCall): readonly unknown[] {
    const group = this.groups.get(path)
    switch (member) {
      case 'GetNetworkInterfaceIndexByName':
        return [Number(String(body[0]).slice(3)) + 2]
      case 'EntryGroupNew':
        this.groups.set(`/group/${++this.#paths}`, { entries: [], committed: false })
        return [`/group/${this.#paths}`]
      case 'AddAddress':
        group!.entries.push(`${body[0]} ${body[3]} ${body[4]}`)
        return []
      case 'AddService':
        group!.entries.push(
          `${body[0]} ${body[3]}.${body[4]} ${body[6]}:${body[7]} ${(body[8] as Buffer[]).join()}`,
        )
        return []
      case 'Commit':
        if (group) group.committed = true
        return []
      case 'Free':
        this.groups.delete(path)
    }
    return []
  }

  #register(path: string): void {
    const group = this.groups.get(path)
    if (group === undefined) return
    const lost = group.entries.some(entry => [...this.taken].some(name => entry.includes(` ${name}`)))
    for (const state of [registering, lost ? collision : established])
      this.#carryOut(this.machine.handle({ kind: 'groupState', path, state: state! }, this.now))
  }
}

const sip: Service = { key: 'sip', type: ['_sip', '_udp'], instance: 'Mill', port: 5060, txt: ['txtvers=1'] }
const person = (user: string): Service => ({
  ...{ key: `person ${user}`, type: ['_sipuri', '_udp'], instance: `sip:${user}@lanline.local`, port: 5060 },
  txt: [],
})
const publication = (services: readonly Service[] = [sip], hostname = 'lanline'): Publication => ({
  ...{ hostname, services },
})
const publish = (services?: readonly Service[], hostname?: string): AvahiInput => ({
  ...{ kind: 'publish', publication: publication(services, hostname) },
})
const link = (name: string, ...addresses: string[]): Link => ({
  name,
  addresses: addresses.map(address => ({ address, prefixLength: 24 })),
})
const links = (...all: Link[]): AvahiInput => ({ kind: 'links', links: all })
const lan = link('eth0', '10.0.0.1')
const wifi = link('eth1', '10.1.0.1')

/** A host on one network that is published. */
function settled(services?: readonly Service[]): Machine {
  return new Machine().input(publish(services)).input(links(lan)).input({ kind: 'present' })
}

describe('what avahi-daemon is given', () => {
  it('is the host’s addresses under our name, without their reverse names, and each service at that host', () => {
    const { shown, effects } = settled([sip, person('ann')])
    expect(shown).toEqual([
      '2 Mill._sip._udp lanline.local:5060 txtvers=1',
      '2 lanline.local 10.0.0.1',
      '2 sip:ann@lanline.local._sipuri._udp lanline.local:5060 ',
    ])
    const added = effects.find(effect => effect.kind === 'call' && effect.call.member === 'AddAddress')
    expect(added).toMatchObject({
      call: { signature: 'iiuss', body: [2, -1, 16, 'lanline.local', '10.0.0.1'] },
    })
  })

  it('is each link’s own addresses on that link, and with several links the services on all of them', () => {
    const { shown } = settled().input(links(lan, wifi))
    expect(shown).toEqual([
      '-1 Mill._sip._udp lanline.local:5060 txtvers=1',
      '2 lanline.local 10.0.0.1',
      '3 lanline.local 10.1.0.1',
    ])
  })

  it('is nothing before avahi-daemon is there', () => {
    const machine = new Machine().input(publish()).input(links(lan))
    expect(machine.effects).toEqual([])
  })

  it('stays as it is when a person comes and goes', () => {
    const machine = settled()
    machine.effects.length = 0
    machine.input(publish([sip, person('bob')]))
    expect(machine.calls).toEqual(['EntryGroupNew', 'AddService', 'Commit'])
    machine.effects.length = 0
    machine.input(publish([sip]))
    expect(machine.calls).toEqual(['Free'])
    expect(machine.shown.join()).not.toContain('bob')
  })

  it('is changed for the one service whose port is another', () => {
    const machine = settled([sip, person('ann')])
    machine.effects.length = 0
    machine.input(publish([{ ...sip, port: 5070 }, person('ann')]))
    expect(machine.calls).toEqual(['Free', 'EntryGroupNew', 'AddService', 'Commit'])
    expect(machine.shown).toContain('2 Mill._sip._udp lanline.local:5070 txtvers=1')
  })

  it('follows addresses by family: a new IPv6 address does not touch the IPv4 one', () => {
    const machine = settled()
    machine.effects.length = 0
    machine.input(links(link('eth0', '10.0.0.1', 'fd00::1')))
    expect(machine.calls).toEqual(['GetNetworkInterfaceIndexByName', 'EntryGroupNew', 'AddAddress', 'Commit'])
    machine.input(links(link('eth0', '10.0.0.7', 'fd00::1')))
    expect(machine.shown.filter(line => line.includes(' lanline.local '))).toEqual([
      '2 lanline.local 10.0.0.7',
      '2 lanline.local fd00::1',
    ])
  })

  it('is taken from a link that is gone', () => {
    const machine = settled().input(links(lan, wifi)).input(links(wifi))
    expect(machine.shown).toEqual([
      '-1 Mill._sip._udp lanline.local:5060 txtvers=1',
      '3 lanline.local 10.1.0.1',
    ])
  })

  it('is given anew to an avahi-daemon that was restarted', () => {
    const machine = settled()
    const before = machine.shown
    machine.input({ kind: 'absent' })
    machine.groups.clear()
    expect(machine.machine.state.probing).toBe(true)
    machine.input({ kind: 'present' })
    expect(machine.shown).toEqual(before)
    expect(machine.machine.state).toEqual({ hostname: 'lanline', probing: false, trouble: undefined })
  })

  it('is freed at the stop, also what was under way; nothing is said after it', () => {
    const machine = settled([sip, person('ann')])
    machine.input({ kind: 'stop' })
    expect(machine.groups.size).toBe(0)
    machine.effects.length = 0
    machine.input(publish([sip])).input({ kind: 'present' })
    expect(machine.effects).toEqual([])
  })

  it('is not given twice to one that is slow: what is no more wanted is freed when its path is told', () => {
    const machine = settled()
    machine.hangs = true
    machine.input(publish([sip, person('ann')]))
    const [asked] = machine.said('call').slice(-1)
    machine.input(publish([sip]))
    machine.hangs = false
    machine.effects.length = 0
    machine.input({ kind: 'answered', call: asked!.id!, body: ['/group/late'] })
    expect(machine.said('call').map(({ call }) => `${call.member} ${call.path}`)).toEqual([
      'Free /group/late',
    ])
  })
})

describe('a name that somebody else has', () => {
  it('is told as ours once it is established on every link', () => {
    const machine = settled()
    expect(machine.said('established')).toEqual([{ kind: 'established', hostname: 'lanline' }])
  })

  it('the host’s is tried again after a second, then another is taken for all services; told once', () => {
    const machine = new Machine().input(publish([sip])).input(links(lan, wifi))
    machine.taken.add('lanline.local 10')
    machine.input({ kind: 'present' })
    expect(machine.said('established')).toEqual([])
    machine.pass(900)
    expect(machine.shown.join()).not.toContain('lanline-2')
    machine.pass(200)
    expect(machine.said('established')).toEqual([{ kind: 'established', hostname: 'lanline-2' }])
    expect(machine.shown).toEqual([
      '-1 Mill._sip._udp lanline-2.local:5060 txtvers=1',
      '2 lanline-2.local 10.0.0.1',
      '3 lanline-2.local 10.1.0.1',
    ])
    machine.input(publish([sip], 'lanline-2')).pass(20_000)
    expect(machine.said('established')).toHaveLength(1)
  })

  it('is kept when the other was only there for a moment', () => {
    const machine = settled()
    machine.state(machine.pathOf('10.0.0.1'), collision!)
    expect(machine.machine.state.probing).toBe(true)
    machine.pass(1_100)
    expect(machine.machine.state).toMatchObject({ hostname: 'lanline', probing: false })
    // And so again, much later.
    machine.pass(60_000)
    machine.state(machine.pathOf('10.0.0.1'), collision!)
    machine.pass(1_100)
    expect(machine.machine.state).toMatchObject({ hostname: 'lanline', probing: false })
  })

  it('a service’s becomes another, and no other service’s', () => {
    const machine = new Machine().input(publish([sip, person('ann')])).input(links(lan))
    machine.taken.add('Mill._sip')
    machine.input({ kind: 'present' }).pass(1_100)
    expect(machine.said('instanceRenamed')).toEqual([
      { kind: 'instanceRenamed', key: 'sip', from: 'Mill', to: 'Mill (2)' },
    ])
    expect(machine.shown).toContain('2 Mill (2)._sip._udp lanline.local:5060 txtvers=1')
    expect(machine.said('established')).toHaveLength(1)
  })

  it('another program of this machine has: it is not asked for again', () => {
    const machine = new Machine().input(publish()).input(links(lan))
    machine.refuses.set('AddAddress', 'org.freedesktop.Avahi.CollisionError')
    machine.input({ kind: 'present' })
    expect(machine.machine.state.hostname).not.toBe('lanline')
    machine.refuses.clear()
    machine.pass(10_000)
    expect(machine.said('established')).toHaveLength(1)
  })

  it('all names have is tried for more and more slowly, not for ever in one moment', () => {
    const machine = new Machine().input(publish()).input(links(lan))
    machine.taken.add('lanline')
    machine.refuses.set('AddAddress', 'org.freedesktop.Avahi.CollisionError')
    machine.input({ kind: 'present' })
    const tried = (): number => Number(machine.machine.state.hostname!.split('-')[1])
    expect(tried()).toBe(claimLimits.conflicts + 1)
    machine.pass(20_000)
    expect(tried()).toBeGreaterThan(claimLimits.conflicts + 1)
    expect(tried()).toBeLessThan(4 * claimLimits.conflicts)
  })

  it('changed by hand is given up for the new one', () => {
    const machine = settled().input(publish([sip], 'exchange'))
    expect(machine.shown).toEqual([
      '2 Mill._sip._udp exchange.local:5060 txtvers=1',
      '2 exchange.local 10.0.0.1',
    ])
    expect(machine.said('established').map(({ hostname }) => hostname)).toEqual(['lanline', 'exchange'])
  })
})

describe('avahi-daemon that does not do as asked', () => {
  it('and publishes for no program is tried again after half a minute; until then it says what to do', () => {
    const machine = new Machine().input(publish()).input(links(lan))
    machine.refuses.set('EntryGroupNew', 'org.freedesktop.Avahi.NotPermittedError')
    machine.input({ kind: 'present' })
    expect(machine.machine.state.trouble).toContain('disable-user-service-publishing')
    machine.refuses.clear()
    const before = machine.calls.length
    machine.pass(29_000)
    expect(machine.calls.length).toBe(before)
    machine.pass(2_000)
    expect(machine.machine.state).toEqual({ hostname: 'lanline', probing: false, trouble: undefined })
  })

  it('and refuses one service keeps the others', () => {
    const machine = new Machine().input(publish([sip, person('ann')])).input(links(lan))
    machine.refuses.set('AddService', 'org.freedesktop.Avahi.InvalidServiceNameError')
    machine.input({ kind: 'present' })
    expect(machine.shown).toEqual(['2 lanline.local 10.0.0.1'])
    expect(machine.machine.state).toMatchObject({ probing: false, trouble: undefined })
    expect(machine.said('note').map(({ reason }) => reason)).toContain('avahiRefused')
  })

  it('and knows none of our interfaces says so', () => {
    const machine = new Machine().input(publish()).input(links(lan))
    machine.refuses.set('GetNetworkInterfaceIndexByName', 'org.freedesktop.Avahi.InvalidInterfaceError')
    machine.input({ kind: 'present' })
    expect(machine.machine.state.trouble).toContain('avahi-daemon refused')
    expect(machine.shown).toEqual([])
    machine.refuses.clear()
    machine.pass(31_000)
    expect(machine.machine.state.trouble).toBeUndefined()
    expect(machine.shown).toHaveLength(2)
  })

  it('and gives up on a group is asked again later', () => {
    const machine = settled()
    machine.state(machine.pathOf('10.0.0.1'), failure!)
    expect(machine.machine.state.trouble).toContain('gave up')
    machine.pass(31_000)
    expect(machine.machine.state).toMatchObject({ probing: false, trouble: undefined })
  })

  it('and answers nothing has only so many calls to answer', () => {
    const machine = new Machine()
    machine.hangs = true
    const people = Array.from({ length: 500 }, (_, index) => person(`p${index}`))
    machine
      .input(publish([sip, ...people]))
      .input({ kind: 'present' })
      .input(links(lan))
    const [asked] = machine.said('call')
    machine.input({ kind: 'answered', call: asked!.id!, body: [2] })
    expect(machine.machine.sizes.calls).toBe(avahiLimits.callsUnderWay)
  })

  it('and says what makes no sense is not believed', () => {
    const machine = settled()
    const before = machine.shown
    machine
      .input({ kind: 'groupState', path: '/of/somebody/else', state: collision! })
      .input({ kind: 'answered', call: 99_999, body: [] })
      .input({ kind: 'refused', call: 99_998, name: '', detail: '' })
    expect(machine.shown).toEqual(before)
  })
})

describe('its bounds', () => {
  it('a thousand services and groups, thirty-two links, and what is over is noted', () => {
    const machine = new Machine()
    const people = Array.from({ length: 2_000 }, (_, index) => person(`p${index}`))
    const many = Array.from({ length: 60 }, (_, index) => link(`eth${index}`, `10.${index}.0.1`))
    machine
      .input(publish(people))
      .input(links(...many))
      .input({ kind: 'present' })
    expect(machine.groups.size).toBe(avahiLimits.groups)
    expect(machine.machine.sizes).toMatchObject({ calls: 0, waiting: 0 })
    expect(machine.shown.filter(line => line.includes(' lanline.local '))).toHaveLength(avahiLimits.links)
    const reasons = new Set(machine.said('note').map(({ reason }) => reason))
    expect(reasons).toEqual(new Set(['tooManyServices', 'tooManyGroups']))
    machine.input(publish([])).input(links())
    expect(machine.groups.size).toBe(0)
    machine.pass(60_000)
    expect(machine.machine.sizes).toMatchObject({ groups: 0, claims: 1, timers: 0 })
  })

  it('five hundred names disputed at one moment cost one look at all of them', () => {
    let looks = 0
    const people = Array.from({ length: 500 }, (_, index) => {
      const counted = { ...person(`p${index}`) }
      const { key } = counted
      return Object.defineProperty(counted, 'key', {
        get: () => {
          looks++
          return key
        },
        enumerable: true,
      })
    })
    const machine = settled(people)
    const once = looks
    const disputed = [...machine.groups.keys()].map(
      (path): AvahiInput => ({ kind: 'groupState', path, state: collision! }),
    )
    machine.input(...disputed)
    expect(looks - once).toBeLessThan(10 * people.length)
    machine.pass(2_000)
    expect(machine.shown).toHaveLength(501)
  })
})
