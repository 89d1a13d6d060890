import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { isUnseen } from '../../src/calls/missed.ts'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { noQuiet, type Quiet } from '../../src/core/quiet-hours.ts'
import { channelLimits, SignallingMachine } from '../../src/signalling/machine.ts'
import type {
  ClientMessage,
  JoinAsk,
  ServerMessage,
  SignallingEffect,
  SignallingInput,
} from '../../src/signalling/message.ts'
import type { DeviceIdentity, PersonIdentity } from '../../src/signalling/ports.ts'
import type { AgentCommand, AgentEvent } from '../../src/sip/message.ts'

const id = (digit: number): string => String(digit).repeat(32)
const sdp = 'v=0\r\n'
const report = {
  ...{ atMilliseconds: 1, iceConnection: '', iceGathering: '', connection: '', dtls: '' },
  ...{ localFingerprint: '', remoteFingerprint: '', streams: [] },
  pair: {
    ...{ localType: 'host', localAddress: '10.0.0.1', localPort: 1, remoteType: 'host' },
    ...{ remoteAddress: '10.0.0.2', remotePort: 2, protocol: 'udp', rttMilliseconds: 1 },
  },
}

function rowOf(changes: Partial<CallRow>): CallRow {
  return {
    id: id(1),
    callerUser: 'alice',
    callerName: 'Alice',
    callerDevice: 'alice-page',
    calleeUser: 'bob',
    calleeName: 'Bob',
    calleeDevice: undefined,
    video: false,
    startedAt: 5_000 as Epoch,
    ringingAt: undefined,
    answeredAt: undefined,
    endedAt: undefined,
    endedBy: undefined,
    reason: undefined,
    code: undefined,
    missed: false,
    missedSeen: false,
    aliveAt: 5_000 as Epoch,
    callerPair: undefined,
    calleePair: undefined,
    relayReason: undefined,
    ledger: undefined,
    ...changes,
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

class Channel {
  now = 0
  rows: CallRow[] = []
  asks: JoinAsk[] = []
  readonly stays = new Map<string, number>()
  people: Writable<PersonIdentity>[] = [
    {
      user: 'alice',
      displayName: 'Alice',
      number: '20',
      doNotDisturb: false,
      role: 'owner',
      seenByGuests: true,
      alsoRings: [],
      doorKeys: '',
    },
    {
      user: 'bob',
      displayName: 'Bob',
      number: '21',
      doNotDisturb: false,
      role: 'member',
      seenByGuests: false,
      alsoRings: [],
      doorKeys: '',
    },
  ]
  readonly quiet = new Map<string, Quiet>()
  readonly #known = new Map<string, DeviceIdentity>()
  untilHoursTurn: number | undefined
  readonly machine: SignallingMachine
  effects: SignallingEffect[] = []
  /** Happens right after the people were read. */
  afterRead = (): void => {}

  constructor() {
    this.enrol('alice').enrol('bob')
    this.machine = new SignallingMachine({
      devices: {
        byTokenHash: hashed => this.#known.get(hashed),
        people: () => {
          const read = this.people.map(person => ({ ...person }))
          this.afterRead()
          return read
        },
        person: user => this.people.find(person => person.user === user),
        place: () => 'Home',
        staySeconds: user => this.stays.get(user) ?? null,
        joinAsks: () => this.asks,
        quiet: user => this.quiet.get(user) ?? noQuiet,
        untilHoursTurn: () => this.untilHoursTurn,
      },
      callLog: {
        find: call => this.rows.find(row => row.id === call),
        open: () => this.rows.filter(row => row.endedAt === undefined),
        openOf: user =>
          this.rows.filter(
            row => row.endedAt === undefined && [row.callerUser, row.calleeUser].includes(user),
          ),
        missed: user => this.rows.filter(row => isUnseen(row, user)),
      },
      version: '1.2.3',
    })
  }

  enrol(user: string): this {
    const hashed = createHash('sha256').update(`${user}'s token`).digest('hex')
    this.#known.set(hashed, {
      ...{ device: `${user}-page`, user, displayName: user[0]!.toUpperCase() + user.slice(1) },
    })
    return this
  }

  give(input: SignallingInput): this {
    this.effects = this.machine.handle(input, this.now as Monotonic)
    return this
  }

  open(connection: string): this {
    const [remote, local] = [
      { address: '10.0.0.9', port: 1 },
      { address: '10.0.0.1', port: 443 },
    ]
    return this.give({ kind: 'opened', connection, remote, local })
  }

  say(connection: string, message: ClientMessage): this {
    return this.give({ kind: 'frame', connection, text: JSON.stringify(message) })
  }

  hello(
    connection: string,
    user: string,
    o: { tab?: string; resume?: (ClientMessage & { type: 'hello' })['resume'] } = {},
  ) {
    this.open(connection)
    const { tab = 'tab', resume = [] } = o
    return this.say(connection, { type: 'hello', token: `${user}'s token`, client: 'page', tab, resume })
  }

  event(device: string, event: AgentEvent): this {
    return this.give({ kind: 'agentEvent', device, event })
  }

  pass(milliseconds: number): this {
    this.now += milliseconds
    this.effects = this.machine.wake(this.now as Monotonic)
    return this
  }

  told(connection: string): ServerMessage[] {
    return this.effects.flatMap(effect =>
      effect.kind === 'sendFrame' && effect.connection === connection ? [JSON.parse(effect.text)] : [],
    )
  }

  get commands(): AgentCommand[] {
    return this.effects.flatMap(effect => (effect.kind === 'agent' ? [effect.command] : []))
  }

  get closed(): string[] {
    return this.effects.flatMap(effect =>
      effect.kind === 'closeConnection' ? [`${effect.connection} ${effect.code}`] : [],
    )
  }

  get facts() {
    return this.effects.flatMap(effect => (effect.kind === 'callFact' ? [effect.input] : []))
  }

  incoming(device: string, call = id(1)): this {
    const from = { user: 'alice', displayName: 'from the phone book' }
    return this.event(device, { kind: 'incoming', call, from, sdp, trickle: true, video: false })
  }
}

describe('a connection', () => {
  it('that says hello is welcomed and its device attached, in this order', () => {
    const channel = new Channel().hello('c1', 'alice')
    expect(channel.told('c1')).toMatchObject([
      {
        ...{ type: 'welcome', user: 'alice', name: 'Alice', device: 'alice-page', place: 'Home' },
        ...{ version: '1.2.3', doNotDisturb: false, missed: [], resumed: [], pingSeconds: 10 },
        roster: [{ user: 'alice', presence: 'away' }, { user: 'bob' }],
      },
    ])
    expect(channel.effects.map(effect => effect.kind)).toEqual(['sendFrame', 'agent', 'deviceSeen'])
    expect(channel.commands[0]).toMatchObject({ kind: 'attach', user: 'alice', userAgent: 'page' })
  })

  it('with a token nobody has is closed for good', () => {
    const channel = new Channel().open('c1')
    channel.say('c1', { type: 'hello', token: 'guess', client: '', tab: 't', resume: [] })
    expect(channel.told('c1')).toMatchObject([{ type: 'error', code: 'badToken' }])
    expect(channel.closed).toEqual(['c1 4401'])
  })

  it('is not ready before hello and cannot say it twice', () => {
    const channel = new Channel().open('c1').say('c1', { type: 'ping', id: 1 })
    expect(channel.told('c1')).toMatchObject([{ code: 'notReady' }])
    channel.hello('c2', 'alice').say('c2', { type: 'hello', token: 'x', client: '', tab: 't', resume: [] })
    expect(channel.told('c2')).toMatchObject([{ code: 'wrongState' }])
  })

  it('without hello is closed after five seconds, silent ones after twenty-five', () => {
    const channel = new Channel().open('c1').pass(5_000)
    expect(channel.closed).toEqual(['c1 4408'])
    channel.hello('c2', 'alice').pass(20_000).say('c2', { type: 'ping', id: 7 })
    expect(channel.told('c2')).toEqual([{ type: 'pong', id: 7 }])
    expect(channel.pass(24_999).closed).toEqual([])
    expect(channel.pass(1).closed).toEqual(['c2 4408'])
    expect(channel.commands).toEqual([{ kind: 'detach', left: false }])
    expect(channel.machine.sizes).toEqual({ connections: 0, sessions: 0, timers: 0 })
  })

  it('that floods is closed', () => {
    const channel = new Channel().hello('c1', 'alice')
    let closed: string[] = []
    for (let count = 0; count <= channelLimits.frames.burst && closed.length === 0; count++) {
      closed = channel.say('c1', { type: 'ping', id: count }).closed
    }
    expect(closed).toEqual(['c1 4408'])
  })

  it('that is one too many is sent away', () => {
    const channel = new Channel()
    for (let count = 0; count < channelLimits.connections; count++) channel.open(`c${count}`)
    expect(channel.closed).toEqual([])
    expect(channel.open('last').closed).toEqual(['last 1001'])
  })

  it('with binary or broken frames is told so', () => {
    const channel = new Channel().hello('c1', 'alice').give({ kind: 'frame', connection: 'c1', text: '{' })
    expect(channel.told('c1')).toMatchObject([{ type: 'error', code: 'badMessage' }])
    channel.give({ kind: 'binaryFrame', connection: 'c1' })
    expect(channel.closed).toEqual(['c1 4408'])
  })
})

describe('one device, several connections', () => {
  it('the newest tab owns the line, the old one is told', () => {
    const channel = new Channel().hello('c1', 'alice', { tab: 'a' }).hello('c2', 'alice', { tab: 'b' })
    expect(channel.told('c1')).toMatchObject([{ type: 'error', code: 'replaced' }])
    expect(channel.closed).toEqual(['c1 4409'])
    expect(channel.commands.map(command => command.kind)).toEqual(['attach'])
    expect(channel.give({ kind: 'closed', connection: 'c1', left: false }).commands).toEqual([])
  })

  it('the same tab coming back is no other tab', () => {
    const channel = new Channel().hello('c1', 'alice').hello('c2', 'alice')
    expect(channel.told('c1')).toEqual([])
    expect(channel.closed).toEqual(['c1 4400'])
  })

  it('a revoked device is closed for good', () => {
    const channel = new Channel().hello('c1', 'alice').give({ kind: 'revoked', device: 'alice-page' })
    expect(channel.told('c1')).toMatchObject([{ code: 'revoked' }])
    expect(channel.closed).toEqual(['c1 4403'])
    expect(channel.machine.sizes.sessions).toBe(0)
  })

  it('a stopping daemon sends everybody away and takes nobody in', () => {
    const channel = new Channel().hello('c1', 'alice').give({ kind: 'stopping' })
    expect(channel.told('c1')).toMatchObject([{ code: 'shuttingDown' }])
    expect(channel.closed).toEqual(['c1 1001'])
    expect(channel.open('c2').closed).toEqual(['c2 1001'])
  })
})

describe('a call', () => {
  it('goes to the agent and back under the name the agent gives it', () => {
    const channel = new Channel().hello('c1', 'alice')
    channel.say('c1', { type: 'call', ref: 'r1', to: 'bob', sdp, video: true })
    expect(channel.commands).toEqual([{ kind: 'invite', ref: 'r1', to: 'bob', sdp, video: true }])
    channel.event('alice-page', { kind: 'calling', ref: 'r1', call: id(1) })
    expect(channel.told('c1')).toEqual([{ type: 'calling', ref: 'r1', call: id(1) }])
    const by = { user: 'bob', displayName: '' }
    channel.event('alice-page', { kind: 'answered', call: id(1), sdp, trickle: false, by })
    expect(channel.told('c1')).toMatchObject([{ type: 'answered', by: { user: 'bob', name: 'Bob' } }])
    channel.say('c1', { type: 'offer', call: id(1), sdp })
    expect(channel.commands).toEqual([{ kind: 'offer', call: id(1), sdp }])
    channel.say('c1', { type: 'bye', call: id(1), reason: 'hangup' })
    expect(channel.commands).toEqual([{ kind: 'bye', call: id(1), reason: 'hangup' }])
    channel.event('alice-page', { kind: 'ended', call: id(1), by: 'self', code: 0, reason: 'strange word' })
    expect(channel.told('c1')).toMatchObject([{ type: 'ended', reason: 'failed' }])
    channel.say('c1', { type: 'bye', call: id(1), reason: 'hangup' })
    expect(channel.told('c1')).toMatchObject([{ code: 'noSuchCall', ref: id(1) }])
  })

  it('coming in tells the name its person chose, and takes only what fits its state', () => {
    const channel = new Channel().hello('c1', 'bob').incoming('bob-page')
    expect(channel.told('c1')).toMatchObject([{ type: 'incoming', from: { user: 'alice', name: 'Alice' } }])
    expect(channel.say('c1', { type: 'offer', call: id(1), sdp }).told('c1')).toMatchObject([
      { code: 'wrongState' },
    ])
    expect(channel.say('c1', { type: 'ringing', call: id(1) }).commands).toEqual([
      { kind: 'ringing', call: id(1) },
    ])
    expect(channel.say('c1', { type: 'answer', call: id(1), sdp }).commands).toHaveLength(1)
    for (const message of [
      { type: 'answer', call: id(1), sdp },
      { type: 'ringing', call: id(1) },
      { type: 'decline', call: id(1), reason: 'busy' },
    ] as const) {
      expect(channel.say('c1', message).told('c1')).toMatchObject([{ code: 'wrongState', ref: id(1) }])
    }
    channel.event('bob-page', { kind: 'offer', call: id(1), sdp })
    expect(channel.say('c1', { type: 'answer', call: id(1), sdp }).commands).toHaveLength(1)
  })

  it('is refused with the code of its reason', () => {
    for (const [reason, code] of [
      ['declined', 603],
      ['busy', 486],
      ['failed', 488],
    ] as const) {
      const channel = new Channel().hello('c1', 'bob').incoming('bob-page')
      channel.say('c1', { type: 'decline', call: id(1), reason })
      expect(channel.commands).toEqual([{ kind: 'refuse', call: id(1), code }])
    }
  })

  it('carries candidates and their end both ways', () => {
    const channel = new Channel().hello('c1', 'bob').incoming('bob-page')
    const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: null }
    channel.say('c1', { type: 'candidate', call: id(1), candidate })
    expect(channel.commands).toMatchObject([
      { candidate: { candidate: 'candidate:1', sdpMLineIndex: undefined } },
    ])
    channel.say('c1', { type: 'candidate', call: id(1), candidate: { candidate: '' } })
    expect(channel.commands).toEqual([{ kind: 'candidate', call: id(1), candidate: undefined }])
    channel.event('bob-page', { kind: 'candidate', call: id(1), candidate: undefined })
    expect(channel.told('c1')).toMatchObject([{ type: 'candidate', candidate: { candidate: '' } }])
  })

  it('of more than eight at once is too many', () => {
    const channel = new Channel().hello('c1', 'bob')
    for (let digit = 1; digit <= 8; digit++) channel.incoming('bob-page', id(digit))
    channel.say('c1', { type: 'call', ref: 'r', to: 'alice', sdp, video: false })
    expect(channel.told('c1')).toMatchObject([{ code: 'tooMany', ref: 'r' }])
  })

  it('reports its selected pair once for each pair, also when the report crosses the end', () => {
    const channel = new Channel().hello('c1', 'bob').incoming('bob-page')
    const said = () => channel.say('c1', { type: 'report', call: id(1), report }).facts
    expect(said()).toMatchObject([{ kind: 'pair', device: 'bob-page', pair: { remotePort: 2 } }])
    expect(said()).toEqual([])
    channel.rows = [rowOf({ id: id(2), calleeDevice: 'bob-page', endedAt: 9_000 as Epoch })]
    expect(channel.say('c1', { type: 'report', call: id(2), report }).facts).toHaveLength(1)
    expect(channel.say('c1', { type: 'report', call: id(3), report }).told('c1')).toMatchObject([
      { code: 'noSuchCall' },
    ])
  })
})

describe('coming back', () => {
  const resume = (call: string, dialog: string) => ({ resume: [{ call, dialog }] })

  it('with a call that rang for somebody else, taken in the last moment before a restart, is that of who took it', () => {
    const channel = new Channel()
    channel.rows = [rowOf({ calleeUser: 'house', others: [{ user: 'bob' }] })]
    channel.hello('c1', 'bob', resume(id(1), 'the token'))
    expect(channel.told('c1')).toMatchObject([{ resumed: [{ call: id(1), state: 'held' }] }])
    const other = new Channel()
    other.rows = [rowOf({ calleeUser: 'house', others: [{ user: 'carol' }] })]
    other.hello('c1', 'bob', resume(id(1), 'the token'))
    expect(other.told('c1')).toMatchObject([{ resumed: [{ call: id(1), state: 'ended', reason: 'lost' }] }])
  })

  it('with a call that rang here too and somebody else took is told so', () => {
    for (const row of [{}, { calleeUser: 'house', others: [{ user: 'bob' }] }]) {
      const channel = new Channel()
      channel.rows = [rowOf({ ...row, answeredAt: 6_000 as Epoch, calleeDevice: 'another' })]
      channel.hello('c1', 'bob', resume(id(1), ''))
      expect(channel.told('c1')).toMatchObject([
        { resumed: [{ state: 'ended', reason: 'answeredElsewhere' }] },
      ])
      expect([channel.commands.map(command => command.kind), channel.facts]).toEqual([['attach'], []])
    }
  })

  it('with a call rebuilds it before the device can be reached', () => {
    const channel = new Channel()
    channel.rows = [rowOf({ answeredAt: 6_000 as Epoch, calleeDevice: 'bob-page' })]
    channel.hello('c1', 'bob', resume(id(1), 'the token'))
    expect(channel.told('c1')).toMatchObject([{ resumed: [{ call: id(1), state: 'held', reason: '' }] }])
    expect(channel.commands.map(command => command.kind)).toEqual(['restore', 'attach'])
    expect(channel.facts).toEqual([{ kind: 'held', call: id(1), device: 'bob-page' }])
    channel.event('bob-page', { kind: 'notRestored', call: id(1), reason: 'badToken' })
    expect(channel.told('c1')).toMatchObject([{ type: 'ended', reason: 'lost', by: 'server' }])
  })

  it('with a call that ended meanwhile is told why', () => {
    const channel = new Channel()
    channel.rows = [rowOf({ endedAt: 9_000 as Epoch, reason: 'mediaLost' })]
    channel.hello('c1', 'alice', resume(id(1), 'the token'))
    expect(channel.told('c1')).toMatchObject([{ resumed: [{ state: 'ended', reason: 'mediaLost' }] }])
    expect(channel.commands.map(command => command.kind)).toEqual(['attach'])
  })

  it('with a call that ended without us tells the log, and the other party', () => {
    const channel = new Channel()
    channel.rows = [rowOf({ answeredAt: 6_000 as Epoch })]
    const ended = { by: 'self', reason: 'hangup', agoMilliseconds: 700 } as const
    channel.hello('c1', 'alice', { resume: [{ call: id(1), dialog: 'the token', ended }] })
    expect(channel.facts[0]).toMatchObject({ kind: 'endReported', by: 'self', agoMilliseconds: 700 })
    expect(channel.commands.map(command => command.kind)).toEqual(['restore', 'bye', 'attach'])
  })

  it('without a call that is still there hangs it up; what rings goes on ringing', () => {
    const channel = new Channel().hello('c1', 'bob').incoming('bob-page').incoming('bob-page', id(2))
    channel.say('c1', { type: 'answer', call: id(1), sdp })
    expect(channel.give({ kind: 'closed', connection: 'c1', left: false }).commands).toEqual([
      { kind: 'detach', left: false },
    ])
    channel.hello('c2', 'bob')
    expect(channel.commands).toMatchObject([{ kind: 'attach' }, { kind: 'bye', call: id(1), reason: 'lost' }])
  })

  it('that says goodbye is known to have left, one that was cut off is not', () => {
    for (const left of [true, false]) {
      const channel = new Channel().hello('c1', 'bob')
      expect(channel.give({ kind: 'closed', connection: 'c1', left }).commands).toEqual([
        { kind: 'detach', left },
      ])
    }
  })

  it('without a call the log has open from before a restart releases it', () => {
    const channel = new Channel()
    channel.rows = [rowOf({ answeredAt: 6_000 as Epoch })]
    expect(channel.hello('c1', 'alice').facts).toEqual([
      { kind: 'released', call: id(1), device: 'alice-page' },
    ])
  })

  it('a session without connection and calls is forgotten', () => {
    const channel = new Channel()
      .hello('c1', 'bob')
      .incoming('bob-page')
      .give({ kind: 'closed', connection: 'c1', left: false })
    expect(channel.machine.sizes.sessions).toBe(1)
    channel.event('bob-page', { kind: 'ended', call: id(1), by: 'peer', code: 487, reason: 'cancelled' })
    expect(channel.machine.sizes).toEqual({ connections: 0, sessions: 0, timers: 0 })
  })
})

describe('the roster', () => {
  const presences = (channel: Channel) =>
    channel.told('c1').map(message => (message.type === 'presence' ? message.person.presence : message.type))

  it('tells who can be reached, is in a call, or is not to be disturbed', () => {
    const channel = new Channel().hello('c1', 'alice')
    const reach = (reachable: boolean) =>
      channel.give({ kind: 'reachable', user: 'bob', device: 'bob-phone', reachable })
    expect(presences(reach(true))).toEqual(['available'])
    expect(presences(reach(true))).toEqual([])
    channel.rows = [rowOf({ calleeUser: 'bob', callerUser: 'carol', answeredAt: 6_000 as Epoch })]
    expect(presences(channel.give({ kind: 'callChanged', row: channel.rows[0]!, missedBy: [] }))).toEqual([
      'inCall',
    ])
    expect(presences(reach(false))).toEqual([])
    channel.rows = []
    expect(presences(channel.give({ kind: 'callChanged', row: rowOf({}), missedBy: [] }))).toEqual(['away'])
  })

  it('has a person there whose calls ring at somebody who is there and may be disturbed', () => {
    const channel = new Channel()
    channel.people.push({ ...channel.people[0]!, user: 'house', number: '30', alsoRings: ['bob'] })
    channel.give({ kind: 'peopleChanged' }).hello('c1', 'alice')
    const told = () =>
      channel
        .told('c1')
        .flatMap(message =>
          message.type === 'presence' ? [`${message.person.user} ${message.person.presence}`] : [],
        )
    const reach = (reachable: boolean) => {
      channel.give({ kind: 'reachable', user: 'bob', device: 'bob-phone', reachable })
      return told()
    }
    expect(reach(true)).toEqual(['bob available', 'house available'])
    channel.people[1]!.doNotDisturb = true
    channel.give({ kind: 'peopleChanged' })
    expect(told()).toEqual(['bob doNotDisturb', 'house away'])
    channel.people[1]!.doNotDisturb = false
    channel.give({ kind: 'peopleChanged' })
    expect(told()).toEqual(['bob available', 'house available'])
    expect(reach(false)).toEqual(['bob away', 'house away'])
    channel.people[2]!.alsoRings = ['alice']
    expect(channel.give({ kind: 'peopleChanged' }).told('c1')).toMatchObject([{ type: 'roster' }])
    channel.give({ kind: 'reachable', user: 'alice', device: 'alice-phone', reachable: true })
    expect(told()).toEqual(['alice available', 'house available'])
  })

  it('tells what opens a door to everybody but guests', () => {
    const channel = new Channel()
    Object.assign(channel.people[0]!, { doorKeys: '9#', seenByGuests: true })
    channel.people[1]!.role = 'guest'
    const rosters = (connection: string) =>
      channel
        .told(connection)
        .flatMap(message =>
          message.type === 'roster' || message.type === 'welcome'
            ? [message.roster.find(({ user }) => user === 'alice')]
            : message.type === 'presence' && message.person.user === 'alice'
              ? [message.person]
              : [],
        )
    channel.hello('c1', 'alice').hello('c2', 'bob')
    expect(rosters('c2')).toEqual([expect.not.objectContaining({ doorKeys: '9#' })])
    channel.people[0]!.doorKeys = '1'
    channel.give({ kind: 'peopleChanged' })
    expect(rosters('c1')).toMatchObject([{ doorKeys: '1' }])
    channel.give({ kind: 'reachable', user: 'alice', device: 'alice-page', reachable: true })
    expect(rosters('c1')).toMatchObject([{ doorKeys: '1', presence: 'available' }])
    expect(JSON.stringify(rosters('c2'))).not.toContain('doorKeys')
  })

  it('tells do not disturb to all, and to its person as such', () => {
    const channel = new Channel().hello('c1', 'alice')
    channel.give({ kind: 'reachable', user: 'alice', device: 'alice-page', reachable: true })
    channel.say('c1', { type: 'doNotDisturb', on: true })
    expect(channel.effects).toEqual([{ kind: 'saveDoNotDisturb', user: 'alice', on: true }])
    channel.people[0]!.doNotDisturb = true
    expect(channel.give({ kind: 'peopleChanged' }).told('c1')).toMatchObject([
      { type: 'doNotDisturb', on: true },
      { type: 'presence', person: { user: 'alice', presence: 'doNotDisturb' } },
    ])
  })

  it('tells what is by the clock when the clock says so, and its person why', () => {
    const channel = new Channel().hello('c1', 'alice').hello('c2', 'bob')
    channel.give({ kind: 'reachable', user: 'bob', device: 'bob-page', reachable: true })
    const hours = { from: '22:00', until: '07:00', days: ['mon'], zone: 'UTC' } as const
    expect(channel.say('c2', { type: 'quietHours', hours }).effects).toEqual([
      { kind: 'saveQuietHours', user: 'bob', hours },
    ])
    const told = (on: boolean, quiet: Partial<Quiet>) => {
      channel.people[1]!.doNotDisturb = on
      channel.quiet.set('bob', { byHand: false, within: true, hours, ...quiet })
    }
    told(false, { within: false })
    channel.untilHoursTurn = 20_000
    expect(channel.give({ kind: 'peopleChanged' }).told('c2')).toEqual([
      { type: 'doNotDisturb', on: false, quiet: { byHand: false, within: false, hours } },
    ])
    expect(channel.told('c1')).toEqual([])
    told(true, {})
    // Nothing is asked before it is time.
    expect(channel.pass(19_000).effects).toEqual([])
    expect(channel.machine.nextWakeup()).toBe(20_000)
    channel.untilHoursTurn = 9 * 3_600_000
    expect(channel.pass(1_000).told('c1')).toMatchObject([
      { type: 'presence', person: { user: 'bob', presence: 'doNotDisturb' } },
    ])
    expect(channel.told('c2')).toMatchObject([
      { type: 'doNotDisturb', on: true, quiet: { within: true } },
      { type: 'presence' },
    ])
    expect(channel.effects.at(-1)).toEqual({ kind: 'quietTurned', users: ['bob'] })
    told(false, {})
    expect(channel.give({ kind: 'peopleChanged' }).told('c2')).toMatchObject([
      { type: 'doNotDisturb', on: false, quiet: { within: true } },
      { type: 'presence', person: { user: 'bob', presence: 'available' } },
    ])
  })

  it.each([
    ['', 'clockSet'],
    [', also where somebody is changed in it', 'peopleChanged'],
  ] as const)('tells of a whole firm whose hours begin at one moment%s, a few at a time', (_also, kind) => {
    const channel = new Channel().hello('c1', 'alice').hello('c2', 'bob')
    const [, bob] = channel.people
    const names = Array.from({ length: 2_500 }, (_, index) => `p${index}`)
    for (const user of names) {
      channel.people.push({ ...bob!, user, displayName: user })
      channel.give({ kind: 'reachable', user, device: user, reachable: true })
    }
    channel.give({ kind: 'peopleChanged' })
    for (const person of channel.people.slice(2)) person.doNotDisturb = true
    const told: string[] = []
    channel.give({ kind })
    if (kind === 'peopleChanged') channel.pass(20)
    for (let time = 0; time < 20 && told.length < names.length; time++) {
      const { length } = channel.effects.filter(({ kind }) => kind === 'sendFrame')
      expect([length > 0, length < 1_100]).toEqual([true, true])
      told.push(...channel.effects.flatMap(effect => (effect.kind === 'quietTurned' ? effect.users : [])))
      // Whatever else is changed meanwhile.
      channel.give({ kind: 'peopleChanged' })
      channel.pass(20)
    }
    expect(told).toEqual(names)
    expect(channel.machine.nextWakeup()).toBeGreaterThan(channel.now + 1_000)
  })

  /** Frames of one turn, and all frames until nothing more is to be told. */
  function upToTheEnd(channel: Channel): { most: number; frames: SignallingEffect[] } {
    const turns = [channel.effects]
    for (let turn = 0; turn < 1_000 && (channel.machine.nextWakeup() ?? 1e9) < channel.now + 100; turn++) {
      channel.pass(20)
      turns.push(channel.effects)
    }
    const told = turns.map(effects => effects.filter(({ kind }) => kind === 'sendFrame'))
    return { most: Math.max(...told.map(({ length }) => length)), frames: told.flat() }
  }

  it('tells of a whole firm whose calls all ring at one desk a few at a time', () => {
    const channel = new Channel().hello('c1', 'alice').hello('c2', 'bob')
    const [alice, bob] = channel.people
    const names = Array.from({ length: 2_500 }, (_, index) => `p${index}`)
    for (const user of names) {
      channel.people.push({ ...bob!, user, displayName: user, alsoRings: [alice!.user] })
    }
    channel.give({ kind: 'peopleChanged' })
    upToTheEnd(channel)
    for (const reachable of [true, false]) {
      channel.give({ kind: 'reachable', user: 'alice', device: 'alice-phone', reachable })
      const { most, frames } = upToTheEnd(channel)
      expect(most).toBeLessThan(1_100)
      expect(frames).toHaveLength(2 * (names.length + 1))
    }
  })

  it('tells a whole firm of somebody new a few at a time, each as it is when they are told', () => {
    const channel = new Channel()
    const [, bob] = channel.people
    const names = Array.from({ length: 200 }, (_, index) => `p${index}`)
    for (const [index, user] of names.entries()) {
      const role = index % 2 === 0 ? 'guest' : 'member'
      channel.people.push({ ...bob!, user, displayName: user, role, seenByGuests: true })
      channel.enrol(user).hello(user, user)
    }
    channel.people.push({ ...bob!, user: 'new', displayName: 'New', seenByGuests: true })
    channel.give({ kind: 'peopleChanged' })
    const first = channel.effects
    channel.give({ kind: 'reachable', user: 'new', device: 'new-page', reachable: true })
    const presences = channel.effects.filter(({ kind }) => kind === 'sendFrame')
    const { frames } = upToTheEnd(channel)
    const characters = (effects: readonly SignallingEffect[]): number =>
      effects.reduce((sum, effect) => sum + (effect.kind === 'sendFrame' ? effect.text.length : 0), 0)
    expect(characters(first)).toBeLessThan(600_000)
    const rosters = [...first, ...frames].flatMap(effect => {
      const told: ServerMessage | undefined =
        effect.kind === 'sendFrame' ? JSON.parse(effect.text) : undefined
      return effect.kind === 'sendFrame' && told?.type === 'roster' ? { to: effect.connection, told } : []
    })
    expect(rosters.map(({ to }) => to).toSorted()).toEqual(names.toSorted())
    expect(presences).toHaveLength(names.length)
    // Whoever hears of the new one late hears of them as they are by then.
    const late = rosters.at(-1)!.told.roster.find(({ user }) => user === 'new')
    expect(late?.presence).toBe('available')
  })

  it('tells of hours that begin at the very moment in which it is looked', () => {
    const channel = new Channel().hello('c1', 'alice')
    channel.give({ kind: 'reachable', user: 'bob', device: 'bob-page', reachable: true })
    channel.untilHoursTurn = 5_000
    channel.give({ kind: 'clockSet' })
    channel.untilHoursTurn = 1
    channel.afterRead = () => {
      channel.people[1]!.doNotDisturb = true
      channel.untilHoursTurn = 9 * 3_600_000
    }
    expect(channel.pass(5_000).effects).toEqual([])
    expect(channel.pass(1).told('c1')).toMatchObject([
      { type: 'presence', person: { user: 'bob', presence: 'doNotDisturb' } },
    ])
  })

  it('is right at once when the clock is set, and asks nothing of one that is not', () => {
    const channel = new Channel()
    channel.give({ kind: 'clockSet' })
    expect([channel.effects, channel.machine.nextWakeup()]).toEqual([[], undefined])
    channel.people[1]!.doNotDisturb = true
    channel.untilHoursTurn = 5_000
    channel.give({ kind: 'clockSet' })
    expect(channel.effects).toEqual([{ kind: 'quietTurned', users: ['bob'] }])
    // The hours begin no sooner because the timer comes too early: a wall clock may go slower.
    channel.untilHoursTurn = 200
    expect(channel.pass(5_000).effects).toEqual([])
    expect(channel.machine.nextWakeup()).toBe(5_200)
    channel.untilHoursTurn = undefined
    channel.give({ kind: 'clockSet' })
    expect(channel.machine.nextWakeup()).toBeUndefined()
  })

  it('is told whole when there are others, another name or another right, and not for whatever anybody sets themselves', () => {
    const channel = new Channel().hello('c1', 'alice')
    const types = () =>
      channel
        .give({ kind: 'peopleChanged' })
        .told('c1')
        .map(message => message.type)
    channel.people[1]!.doNotDisturb = true
    expect(types()).toEqual([])
    channel.people[1]!.displayName = 'Robert'
    expect(types()).toContain('roster')
    channel.people[1]!.role = 'guest'
    expect(types()).toContain('roster')
    channel.people[0]!.seenByGuests = !channel.people[0]!.seenByGuests
    expect(types()).toContain('roster')
    channel.people.pop()
    expect(types()).toContain('roster')
    expect(types()).toEqual([])
    channel.now += 60_000
    expect(types()).toEqual([])
  })

  it('tells who is called in somebody’s place for whom a missed call was, but for guests who may not know them', () => {
    const channel = new Channel().hello('c1', 'bob')
    const house = { ...channel.people[1]!, user: 'house', displayName: 'House' }
    channel.people.push(house)
    const others = [{ user: 'bob', became: 'missed' as const }]
    const row = rowOf({ missed: true, calleeUser: 'house', calleeName: 'house', others, reason: 'cancelled' })
    channel.rows = [{ ...row, endedAt: 6_000 as Epoch }]
    const told = () => {
      channel.give({ kind: 'callChanged', row: channel.rows[0]!, missedBy: ['bob'] })
      return channel.told('c1').filter(({ type }) => type === 'missed')
    }
    const entry = { call: id(1), user: 'alice', name: 'Alice', video: false, at: 5_000 }
    expect(told()).toEqual([
      { type: 'missed', missed: [{ ...entry, for: { user: 'house', name: 'House' } }] },
    ])
    channel.people[1]!.role = 'guest'
    expect(told()).toEqual([{ type: 'missed', missed: [entry] }])
    house.seenByGuests = true
    expect(told()).toMatchObject([{ missed: [{ for: { user: 'house' } }] }])
    expect(
      channel.give({ kind: 'callChanged', row: channel.rows[0]!, missedBy: ['carol'] }).told('c1'),
    ).toEqual([])
  })

  it('tells who called and hid it of a missed call to the house, and to no guest', () => {
    const channel = new Channel().hello('c1', 'bob')
    const row = rowOf({ missed: true, endedAt: 6_000 as Epoch, reason: 'cancelled', callerHidden: true })
    channel.rows = [row]
    const told = () => channel.give({ kind: 'callChanged', row, missedBy: ['bob'] }).told('c1')
    expect(told()).toMatchObject([{ missed: [{ user: 'alice', name: 'Alice' }] }])
    channel.people[1]!.role = 'guest'
    expect(told()).toMatchObject([{ missed: [{ user: 'anonymous', name: 'Anonymous' }] }])
    const guest = channel.hello('c2', 'bob').told('c2')
    expect(guest).toMatchObject([{ missed: [{ user: 'anonymous', name: 'Anonymous' }] }])
  })

  it('tells missed calls when they happen and forgets them when seen', () => {
    const channel = new Channel().hello('c1', 'bob')
    channel.rows = [rowOf({ missed: true, endedAt: 6_000 as Epoch, reason: 'cancelled' })]
    const told = channel.give({ kind: 'callChanged', row: channel.rows[0]!, missedBy: ['bob'] }).told('c1')
    expect(told).toEqual([
      { type: 'missed', missed: [{ call: id(1), user: 'alice', name: 'Alice', video: false, at: 5_000 }] },
    ])
    channel.say('c1', { type: 'missedSeen' })
    expect(channel.facts).toEqual([{ kind: 'missedSeen', user: 'bob' }])
    expect(channel.told('c1')).toEqual([{ type: 'missed', missed: [] }])
  })
})

describe('a guest', () => {
  const asGuest = (): Channel => {
    const channel = new Channel()
    channel.people[1]!.role = 'guest'
    channel.people.push({
      ...{
        user: 'carol',
        displayName: 'Carol',
        number: '22',
        doNotDisturb: false,
        role: 'member',
        seenByGuests: false,
        alsoRings: [],
        doorKeys: '',
      },
    })
    return channel.hello('c1', 'alice').hello('c2', 'bob')
  }

  it('is told of themselves and of whom the owner marked, in every message', () => {
    const channel = asGuest()
    expect(channel.told('c2')).toMatchObject([
      { type: 'welcome', role: 'guest', roster: [{ user: 'alice' }, { user: 'bob' }] },
    ])
    channel.give({ kind: 'reachable', user: 'carol', device: 'carol-page', reachable: true })
    expect(channel.told('c1')).toMatchObject([{ type: 'presence', person: { user: 'carol' } }])
    expect(channel.told('c2')).toEqual([])
    channel.people[2]!.displayName = 'Caroline'
    channel.give({ kind: 'peopleChanged' })
    expect(channel.told('c1')).toMatchObject([
      { roster: [{ user: 'alice' }, { user: 'bob' }, { user: 'carol' }] },
    ])
    expect(channel.told('c2')).toMatchObject([{ roster: [{ user: 'alice' }, { user: 'bob' }] }])
  })
})

describe('what a device’s person is', () => {
  const standings = (channel: Channel) =>
    channel
      .give({ kind: 'peopleChanged' })
      .told('c2')
      .filter(message => message.type === 'standing')

  it('is told at once when it changes: for good, for longer, or by another name', () => {
    const channel = new Channel()
    channel.people[1]!.role = 'guest'
    channel.stays.set('bob', 3_600)
    channel.hello('c1', 'alice').hello('c2', 'bob')
    expect(channel.told('c2')).toMatchObject([{ type: 'welcome', role: 'guest', staySeconds: 3_600 }])
    // The stay has grown shorter by itself.
    channel.now += 600_000
    channel.stays.set('bob', 3_000)
    expect(standings(channel)).toEqual([])
    channel.stays.set('bob', 86_400)
    expect(standings(channel)).toEqual([
      { type: 'standing', name: 'Bob', role: 'guest', staySeconds: 86_400 },
    ])
    channel.people[1]!.role = 'member'
    channel.stays.delete('bob')
    expect(standings(channel)).toEqual([{ type: 'standing', name: 'Bob', role: 'member', staySeconds: null }])
    expect(channel.told('c1').filter(message => message.type === 'standing')).toEqual([])
    channel.people[1]!.displayName = 'Robert'
    expect(standings(channel)).toMatchObject([{ name: 'Robert' }])
    expect(standings(channel)).toEqual([])
  })
})

describe('somebody who asks to join', () => {
  it('is told to the owner, whose answer is passed on; nobody else hears of it or may answer', () => {
    const channel = new Channel()
    channel.people[0]!.role = 'owner'
    channel.hello('c1', 'alice').hello('c2', 'bob')
    channel.asks = [{ id: 'r1', name: 'Dora', device: 'Tablet', at: 5 }]
    channel.give({ kind: 'requestsChanged' })
    expect(channel.told('c1')).toEqual([{ type: 'requests', waiting: channel.asks }])
    expect(channel.told('c2')).toEqual([])
    channel.say('c1', { type: 'answerRequest', id: 'r1', allow: true, staySeconds: 3_600 })
    expect(channel.effects).toEqual([{ kind: 'answerRequest', id: 'r1', allow: true, staySeconds: 3_600 }])
    channel.say('c2', { type: 'answerRequest', id: 'r1', allow: true })
    expect(channel.told('c2')).toMatchObject([{ type: 'error', code: 'wrongState', ref: 'r1' }])
    expect(channel.effects.filter(effect => effect.kind === 'answerRequest')).toEqual([])
    channel.hello('c3', 'alice', { tab: 'tab' })
    expect(channel.told('c3')).toMatchObject([{ type: 'welcome' }, { type: 'requests' }])
  })
})
