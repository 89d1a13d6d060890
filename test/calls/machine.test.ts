import { describe, expect, it } from 'vitest'
import { CallsMachine, callLimits } from '../../src/calls/machine.ts'
import type { CallEffect, CallInput, CallRow, KeptCall } from '../../src/calls/message.ts'
import { retryMilliseconds } from '../../src/calls/rows.ts'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'

const started = {
  kind: 'sip',
  event: {
    kind: 'started',
    call: 'c1',
    caller: { user: 'alice', displayName: 'Alice', device: 'a1' },
    callee: { user: 'bob', displayName: 'Bob', device: undefined },
    video: true,
  },
} satisfies CallInput
const answered = {
  kind: 'sip',
  event: {
    kind: 'answered',
    call: 'c1',
    callee: { user: 'bob', displayName: 'Bob', device: 'b1' },
    dialog: { callId: 'call', callerTag: 'tag0', calleeTag: 'tag1' },
  },
} satisfies CallInput
const ended = (by: 'caller' | 'callee' | 'server', reason: string, calleeTag?: string): CallInput => ({
  kind: 'sip',
  event: { kind: 'ended', call: 'c1', by, code: 0, reason, calleeTag },
})
const reported = (device: string, by: 'self' | 'peer', agoMilliseconds: number): CallInput => ({
  kind: 'endReported',
  call: 'c1',
  device,
  by,
  reason: 'hangup',
  agoMilliseconds,
})
const reachable = (device: string, hosted: boolean, is = true): CallInput => ({
  kind: 'reachable',
  device,
  hosted,
  reachable: is,
})

class Log {
  now = 1_000
  /** Of the wall clock to the process's. */
  offset = 1_000_000
  readonly saved = new Map<string, CallRow>()
  readonly #kept = new Map<string, KeptCall>()
  /** Devices that were to be asked whether they are still in the call. */
  asked: string[] = []
  /** As whom the caller is named in that. */
  named: (string | undefined)[] = []
  changes = 0
  /** Who was to be told that they missed a call. */
  toldMissed: string[] = []
  machine: CallsMachine

  constructor(open: KeptCall[] = [], recent: CallRow[] = []) {
    this.machine = this.#build(open, recent)
  }

  give(...inputs: CallInput[]): this {
    for (const input of inputs) this.#take(this.machine.handle(input, this.now as Monotonic))
    return this
  }

  pass(milliseconds: number): this {
    const end = this.now + milliseconds
    for (let at = this.machine.nextWakeup(); at !== undefined && at <= end; at = this.machine.nextWakeup()) {
      this.now = at
      this.#take(this.machine.wake(at))
    }
    this.now = end
    return this
  }

  /** The daemon is killed and starts again with what was saved. */
  restart(downMilliseconds: number): this {
    this.now += downMilliseconds
    const kept = [...this.#kept.values()]
    this.machine = this.#build(
      kept.filter(({ row }) => row.endedAt === undefined),
      kept.flatMap(({ row }) => (row.endedAt === undefined ? [] : row)),
    )
    return this
  }

  get row(): CallRow {
    return this.machine.find('c1')!
  }

  #build(open: KeptCall[], recent: CallRow[]): CallsMachine {
    const epoch = (now: Monotonic): Epoch => (this.offset + now) as Epoch
    return new CallsMachine({ epoch, open, recent, now: this.now as Monotonic })
  }

  #take(effects: CallEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'save') {
        this.saved.set(effect.row.id, effect.row)
        this.#kept.set(effect.row.id, effect)
      } else if (effect.kind === 'ask') {
        this.asked.push(`${effect.side} ${effect.device}`)
        this.named.push(effect.caller)
      } else this.changes++
      if (effect.kind === 'changed') this.toldMissed.push(...effect.missedBy)
    }
  }
}

describe('a call row', () => {
  it('is that of a video call from when a picture came into it, and is told of it once', () => {
    const sound: CallInput = { ...started, event: { ...started.event, video: false } }
    const log = new Log().give(sound, answered)
    expect(log.row.video).toBe(false)
    log.give({ kind: 'sip', event: { kind: 'video', call: 'c1' } })
    expect(log.saved.get('c1')).toMatchObject({ video: true })
    const { changes } = log
    log.give({ kind: 'sip', event: { kind: 'video', call: 'c1' } })
    expect(log.changes).toBe(changes)
  })

  it('tells who, when and how', () => {
    const log = new Log().give(started).pass(500)
    log.give({ kind: 'sip', event: { kind: 'ringing', call: 'c1', device: 'b1' } }).pass(2_000)
    log
      .give(answered)
      .pass(10_000)
      .give(ended('callee', 'hangup', 'tag1'))
    expect(log.saved.get('c1')).toMatchObject({
      callerDevice: 'a1',
      calleeDevice: 'b1',
      video: true,
      startedAt: 1_001_000,
      ringingAt: 1_001_500,
      answeredAt: 1_003_500,
      endedAt: 1_013_500,
      endedBy: 'callee',
      reason: 'hangup',
      missed: false,
    })
    expect(log.machine.sizes).toEqual({ open: 0, recent: 1, timers: 0 })
  })

  it('is as long as the call was, though the clock was set in the middle of it', () => {
    const log = new Log().give(started).pass(2_000).give(answered).pass(10_000)
    const setTo = 1_790_000_000_000
    log.offset = setTo - log.now
    log.pass(5_000).give(ended('callee', 'hangup', 'tag1'))
    expect(log.saved.get('c1')).toMatchObject({
      startedAt: setTo - 12_000,
      answeredAt: setTo - 10_000,
      endedAt: setTo + 5_000,
    })
  })

  it('of before a restart keeps the times it has, whatever the clock says', () => {
    const log = new Log().give(reachable('a1', true), started, answered).pass(60_000)
    log.offset = -log.now
    log.restart(1_000).give(reachable('a1', true), { kind: 'held', call: 'c1', device: 'a1' })
    log.offset = 1_790_000_000_000
    log.pass(1_000)
    expect(log.row).toMatchObject({ startedAt: 1_001_000, answeredAt: 1_001_000 })
  })

  it('ends no sooner than it was answered, after a restart by a clock that is behind', () => {
    const log = new Log().give(reachable('a1', true), started).pass(2_000).give(answered).pass(60_000)
    log.offset = -log.now
    log.restart(1_000).give(reachable('a1', true), { kind: 'held', call: 'c1', device: 'a1' })
    log.pass(1_000).give(ended('caller', 'hangup'))
    expect(log.row).toMatchObject({ startedAt: 1_001_000, answeredAt: 1_003_000, endedAt: 1_003_000 })
  })

  it('keeps both selected pairs, also one that is told after the end', () => {
    const pair = (localAddress: string) => ({
      ...{
        localType: 'host',
        localAddress,
        localPort: 1,
        remoteType: 'host',
        remoteAddress: '',
        remotePort: 2,
      },
      protocol: 'udp',
    })
    const log = new Log().give(started, answered, {
      kind: 'pair',
      call: 'c1',
      device: 'a1',
      pair: pair('10.0.0.1'),
    })
    log.give(ended('caller', 'hangup'), { kind: 'pair', call: 'c1', device: 'b1', pair: pair('10.0.0.2') })
    expect(log.saved.get('c1')?.callerPair?.localAddress).toBe('10.0.0.1')
    expect(log.saved.get('c1')?.calleePair?.localAddress).toBe('10.0.0.2')
  })

  it('does not end by the BYE of a branch that only rings, while others ring on', () => {
    const log = new Log().give(started, ended('caller', 'hangup', 'tag2'))
    expect(log.row.endedAt).toBeUndefined()
    expect(log.give(answered).row.answeredAt).toBeDefined()
    expect(log.give(ended('caller', 'hangup', 'tag1')).row.endedAt).toBeDefined()
  })

  it('ends by the BYE that overtook its answer, and by no other one', () => {
    const other = new Log().give(started, ended('callee', 'hangup', 'tag2'), answered)
    expect(other.row.endedAt).toBeUndefined()
    const log = new Log()
      .give(started, ended('callee', 'hangup', 'tag1'))
      .pass(10)
      .give(answered)
    expect(log.row).toMatchObject({ endedBy: 'callee', reason: 'hangup', missed: false })
    expect(log.row.endedAt! >= log.row.answeredAt!).toBe(true)
    expect(log.machine.sizes).toMatchObject({ open: 0, timers: 0 })
  })

  it('does not end by the BYE of a branch that answered too late', () => {
    const log = new Log().give(started, answered, ended('caller', 'answeredElsewhere', 'tag2'))
    expect(log.row.endedAt).toBeUndefined()
    expect(log.give(ended('caller', 'hangup', 'tag1')).row.reason).toBe('hangup')
  })

  it('is one row when the phone was told to try otherwise and did', () => {
    const log = new Log().give(started).pass(10).give(ended('callee', 'failed'))
    expect(log.machine.missed('bob')).toHaveLength(1)
    log
      .pass(20)
      .give(started)
      .pass(3_000)
      .give(answered)
      .pass(5_000)
      .give(ended('caller', 'hangup', 'tag1'))
    expect(log.row).toMatchObject({
      startedAt: 1_001_000,
      answeredAt: 1_004_030,
      reason: 'hangup',
      missed: false,
    })
    expect(log.machine.missed('bob')).toEqual([])
    expect(log.machine.sizes).toEqual({ open: 0, recent: 1, timers: 0 })
  })

  it('is not opened again by what comes late, or from somebody else', () => {
    const log = new Log().give(started, ended('callee', 'busy'))
    const other = {
      ...started,
      event: { ...started.event, caller: { user: 'eve', displayName: '', device: 'e1' } },
    }
    expect(log.give(other as CallInput).row.reason).toBe('busy')
    expect(log.pass(retryMilliseconds + 1).give(started).row.reason).toBe('busy')
  })

  it('that was never answered nor ended is closed after a while', () => {
    const log = new Log().give(started).pass(callLimits.unansweredMilliseconds)
    expect(log.row).toMatchObject({ reason: 'noAnswer', missed: true })
  })

  it('between phones ends when neither can be reached any more', () => {
    const log = new Log()
      .give(reachable('a1', false), reachable('b1', false), started, answered)
      .pass(600_000)
    log.give(reachable('a1', false, false)).pass(600_000)
    expect(log.row.endedAt).toBeUndefined()
    log.give(reachable('b1', false, false)).pass(callLimits.absentMilliseconds)
    expect(log.row).toMatchObject({
      reason: 'lost',
      endedBy: 'server',
      endedAt: 1_000_000 + 1_000 + 1_200_000,
    })
  })

  it('between phones that stay ends after twelve hours', () => {
    const log = new Log().give(reachable('a1', false), started, answered).pass(callLimits.phonesMilliseconds)
    expect(log.row.reason).toBe('lost')
  })
})

describe('a call between phones from before a restart', () => {
  const bothReachable = [reachable('a1', false), reachable('b1', false)]
  const gone = { kind: 'gone', call: 'c1', device: 'b1' } satisfies CallInput

  it('is asked for at both, and ends as soon as one knows nothing of it, when it was last known to go on', () => {
    const log = new Log().give(...bothReachable, started, answered).pass(60_000)
    expect(log.asked).toEqual([])
    log
      .restart(180_000)
      .give(...bothReachable)
      .pass(callLimits.firstAskMilliseconds)
    expect(log.asked).toEqual(['caller a1', 'callee b1'])
    expect(log.give(gone).row).toMatchObject({ reason: 'lost', endedAt: 1_000_000 + 1_000 + 60_000 })
    expect(log.pass(callLimits.askMilliseconds).asked.length).toBe(2)
    expect(log.machine.sizes.timers).toBe(0)
  })

  it('is asked for without the name of who hid it, but for their own telephone', () => {
    const hidden: CallInput = { ...started, event: { ...started.event, isHidden: true } }
    for (const [input, named] of [[started, 'alice'] as const, [hidden, undefined] as const]) {
      const log = new Log()
        .give(input, ...bothReachable, answered)
        .restart(60_000)
        .give(...bothReachable)
      expect(log.pass(callLimits.firstAskMilliseconds).named).toEqual(['alice', named])
      expect(log.row.callerHidden).toBe(input === hidden || undefined)
    }
  })

  it('is asked for again, of whom can be reached, as long as nobody says so', () => {
    const log = new Log().give(...bothReachable, started, answered).restart(180_000)
    log.pass(callLimits.firstAskMilliseconds)
    expect(log.asked).toEqual([])
    log.give(bothReachable[1]!).pass(2 * callLimits.askMilliseconds)
    expect(log.asked).toEqual(['callee b1', 'callee b1'])
    expect(log.restart(10).give(bothReachable[0]!).pass(callLimits.firstAskMilliseconds).asked.at(-1)).toBe(
      'caller a1',
    )
    expect(log.row.endedAt).toBeUndefined()
  })

  it('is not asked for where a client is in it', () => {
    const log = new Log().give(reachable('a1', true), reachable('b1', false), started, answered)
    log.restart(180_000).give(bothReachable[1]!).pass(120_000)
    expect(log.asked).toEqual([])
  })
})

describe('a call between phones of which one was switched on', () => {
  const bothReachable = [reachable('a1', false), reachable('b1', false)]
  const anew = (device: string): CallInput => ({ kind: 'registeredAnew', device })

  it('is asked for at both, once however many were, and ends as soon as one knows nothing of it', () => {
    const log = new Log().give(...bothReachable, started, answered, anew('c1')).pass(60_000)
    expect(log.asked).toEqual([])
    log.give(anew('b1'), anew('a1'), anew('b1')).pass(callLimits.askMilliseconds)
    expect(log.asked).toEqual(['caller a1', 'callee b1'])
    expect(log.row.endedAt).toBeUndefined()
    log.give(anew('a1')).pass(callLimits.switchedOnAskMilliseconds)
    expect(log.asked.length).toBe(4)
    expect(log.give({ kind: 'gone', call: 'c1', device: 'a1' }).row.reason).toBe('lost')
    expect(log.machine.sizes.timers).toBe(0)
  })

  it('is not asked for while it rings, nor where a client is in it', () => {
    const log = new Log().give(...bothReachable, started, anew('a1')).pass(callLimits.askMilliseconds)
    log.give(reachable('a1', true), answered, anew('b1')).pass(callLimits.askMilliseconds)
    expect(log.asked).toEqual([])
  })
})

describe('missed is', () => {
  for (const [by, reason, missed] of [
    ['caller', 'cancelled', true],
    ['callee', 'busy', true],
    ['server', 'doNotDisturb', true],
    ['server', 'unreachable', true],
    ['server', 'noAnswer', true],
    ['callee', 'declined', false],
    ['server', 'notFound', false],
  ] as const) {
    it(`${missed ? '' : 'not '}a call that ended by ${reason}`, () => {
      const log = new Log().give(started, ended(by, reason))
      expect(log.row.missed).toBe(missed)
      expect(log.machine.missed('bob').length).toBe(missed ? 1 : 0)
    })
  }

  describe('for those called in the callee’s place', () => {
    const forThem: CallInput = { ...started, event: { ...started.event, others: ['carol', 'dora'] } }
    const declined = (user: string): CallInput => ({
      kind: 'sip',
      event: { kind: 'declined', call: 'c1', user },
    })
    const missedBy = (log: Log): string[] =>
      ['bob', 'carol', 'dora', 'emil'].filter(user => log.machine.missed(user).length > 0)

    it('what nobody took, and each looks at it alone', () => {
      const log = new Log().give(forThem, ended('caller', 'cancelled'))
      expect(missedBy(log)).toEqual(['bob', 'carol', 'dora'])
      log.give({ kind: 'missedSeen', user: 'carol' })
      expect(missedBy(log)).toEqual(['bob', 'dora'])
      expect(missedBy(log.restart(10))).toEqual(['bob', 'dora'])
    })

    it('what was forwarded to them as well, once', () => {
      const to = ['emil', 'carol', 'bob']
      const log = new Log().give(forThem, { kind: 'sip', event: { kind: 'forwarded', call: 'c1', to } })
      expect(log.give(ended('callee', 'busy')).row.others?.map(({ user }) => user)).toEqual([
        'carol',
        'dora',
        'emil',
      ])
      expect(missedBy(log)).toEqual(['bob', 'carol', 'dora', 'emil'])
    })

    it('not what one of them took, or one did who was told to try otherwise', () => {
      const byCarol = { ...answered.event, callee: { user: 'carol', displayName: 'Carol', device: 'd1' } }
      const log = new Log().give(forThem, { ...answered, event: byCarol }, ended('caller', 'hangup'))
      expect(missedBy(log)).toEqual([])
      const again = new Log().give(forThem, ended('callee', 'failed'), forThem, answered)
      expect(missedBy(again.give(ended('caller', 'hangup')))).toEqual([])
    })

    it('not what they declined, nor, once all have, for who was called', () => {
      const log = new Log().give(forThem, declined('carol'), ended('callee', 'declined'))
      expect(missedBy(log)).toEqual(['bob', 'dora'])
      const all = new Log().give(forThem, declined('carol'), declined('dora'), ended('callee', 'declined'))
      expect(missedBy(all)).toEqual([])
      const self = new Log().give(forThem, declined('bob'), ended('caller', 'cancelled'))
      expect(missedBy(self)).toEqual(['carol', 'dora'])
    })

    it('is told each of them once, and nobody again when others look, or more is learned of it', () => {
      const log = new Log().give(forThem, ended('caller', 'cancelled'))
      expect(log.toldMissed).toEqual(['bob', 'carol', 'dora'])
      log.give({ kind: 'missedSeen', user: 'carol' }, { kind: 'missedSeen', user: 'bob' })
      expect(log.toldMissed).toHaveLength(3)
    })

    it('not what was looked at, or declined, also when its end is known only later', () => {
      const log = new Log().give(forThem, declined('dora')).restart(1_000).pass(callLimits.setUpMilliseconds)
      expect(log.give({ kind: 'missedSeen', user: 'carol' }).row.reason).toBe('lost')
      expect(missedBy(log)).toEqual(['bob'])
      expect(log.give(reported('a1', 'self', 50_000)).row.reason).toBe('cancelled')
      expect(missedBy(log)).toEqual(['bob'])
    })

    it('what rang when the daemon was killed', () => {
      const log = new Log().give(forThem).restart(1_000).pass(callLimits.absentMilliseconds)
      expect(log.row.reason).toBe('lost')
      expect(missedBy(log)).toEqual(['bob', 'carol', 'dora'])
    })
  })

  it('forgotten once it was looked at, also after a restart', () => {
    const log = new Log().give(started, ended('caller', 'cancelled'), { kind: 'missedSeen', user: 'bob' })
    expect(log.machine.missed('bob')).toEqual([])
    expect(log.restart(10).machine.missed('bob')).toEqual([])
  })
})

describe('over a restart', () => {
  const running = (): Log =>
    new Log().give(reachable('a1', true), reachable('b1', true), started, answered).pass(90_000)

  it('a call stays open while a client holds it, and then ends as seen', () => {
    const log = running().restart(5_000)
    log.give(reachable('a1', true), { kind: 'held', call: 'c1', device: 'a1' }).pass(600_000)
    expect(log.row.endedAt).toBeUndefined()
    expect(log.give(ended('caller', 'hangup')).row.endedAt).toBe(1_000_000 + 1_000 + 90_000 + 5_000 + 600_000)
  })

  it('a call nobody comes back to was lost when it was last known to go on', () => {
    const log = running().restart(5_000)
    const alive = log.row.aliveAt
    log.give(reachable('a1', true)).pass(callLimits.absentMilliseconds)
    expect(log.row).toMatchObject({ reason: 'lost', endedAt: alive, missed: false })
    expect(alive).toBe(1_000_000 + 1_000 + 60_000)
  })

  it('a reported end is the true one', () => {
    const log = running()
      .restart(60_000)
      .give(reported('a1', 'peer', 45_000), reported('b1', 'self', 44_000))
    expect(log.row).toMatchObject({
      endedAt: 1_000_000 + log.now - 45_000,
      endedBy: 'callee',
      reason: 'hangup',
    })
  })

  it('a reported end replaces a guess, and nothing that was seen', () => {
    const log = running().restart(5_000).pass(callLimits.absentMilliseconds)
    expect(log.row.reason).toBe('lost')
    log.give(reported('b1', 'self', 100_000))
    expect(log.row).toMatchObject({
      reason: 'hangup',
      endedBy: 'callee',
      endedAt: 1_000_000 + log.now - 100_000,
    })
    const end = log.row.endedAt
    expect(log.give(reported('a1', 'self', 3_000)).row.endedAt).toBe(end)
  })

  it('an end is never before the beginning, however wrong a client is', () => {
    const log = running().give(reported('a1', 'self', 10 ** 9))
    expect(log.row.endedAt).toBe(log.row.startedAt)
  })

  it('a call that a client comes back without is over, unless the other holds it', () => {
    const log = running().restart(5_000).give({ kind: 'held', call: 'c1', device: 'a1' })
    log.give({ kind: 'released', call: 'c1', device: 'b1' })
    expect(log.row.endedAt).toBeUndefined()
    expect(log.give({ kind: 'released', call: 'c1', device: 'a1' }).row.reason).toBe('lost')
  })

  it('a call goes on when a phone that rang before it is picked up and hung up', () => {
    const log = running().restart(5_000)
    const bye = (calleeDevice: string): CallInput => ({
      kind: 'sip',
      event: {
        ...{ kind: 'ended', call: 'c1', by: 'callee', code: 0, reason: 'hangup' },
        calleeTag: 'tag2',
        calleeDevice,
      },
    })
    expect(log.give(bye('another')).row.endedAt).toBeUndefined()
    expect(log.give(bye('b1')).row).toMatchObject({ reason: 'hangup', endedBy: 'callee' })
  })

  it('a call in set-up was lost unless a client that comes back holds it', () => {
    const log = new Log().give(reachable('a1', false), started).restart(5_000).give(reachable('a1', false))
    expect(log.pass(callLimits.setUpMilliseconds - 1).row.endedAt).toBeUndefined()
    expect(log.pass(1).row).toMatchObject({ reason: 'lost', missed: true })

    const held = new Log().give(reachable('b1', true), started).restart(5_000)
    held.give(reachable('b1', true), { kind: 'held', call: 'c1', device: 'b1' })
    expect(held.pass(callLimits.setUpMilliseconds).row.endedAt).toBeUndefined()
  })

  it('a call that turns out to have been declined is taken off the list again', () => {
    const log = new Log().give(started).restart(5_000).pass(callLimits.setUpMilliseconds)
    expect([log.row.missed, log.toldMissed]).toEqual([true, ['bob']])
    log.give(reported('b1', 'self', 60_000))
    expect(log.row).toMatchObject({ reason: 'declined', missed: false })
    expect(log.toldMissed).toEqual(['bob', 'bob'])
  })

  it('giving up while it rang and the daemon was away is a cancelled or declined call', () => {
    const log = new Log()
      .give(started)
      .restart(1_000)
      .give(reported('a1', 'self', 500))
    expect(log.row).toMatchObject({ reason: 'cancelled', endedBy: 'caller', missed: true })
  })
})

it('memory is bounded by the most recent calls', () => {
  const log = new Log()
  for (let number = 0; number < callLimits.recent + 10; number++) {
    const event = { ...(started as { event: object }).event, call: `n${number}` } as never
    log.give({ kind: 'sip', event })
    log.give({
      kind: 'sip',
      event: { kind: 'ended', call: `n${number}`, by: 'caller', code: 487, reason: 'cancelled' },
    })
  }
  expect(log.machine.sizes.recent).toBe(callLimits.recent)
  expect(log.machine.missed('bob')).toHaveLength(callLimits.missed)
  expect(log.machine.missed('bob')[0]!.id).toBe(`n${callLimits.recent + 9}`)
})

describe('a device whose right ended', () => {
  const revoked = (device: string): CallInput => ({ kind: 'revoked', device })
  const talking = (): Log => new Log().give(reachable('a1', true), reachable('b1', false), started, answered)

  it('that is a phone ends its answered calls, and the hosted agent at the other end is told', () => {
    const log = talking()
    const effects = log.machine.handle(revoked('b1'), log.now as Monotonic)
    expect(effects).toContainEqual({ kind: 'peerRevoked', device: 'a1', call: 'c1' })
    expect(log.machine.find('c1')).toMatchObject({ reason: 'revoked', endedBy: 'server' })
    expect(log.machine.open()).toEqual([])
  })

  it('that is hosted leaves by its own BYE, and what only rings is the proxy’s', () => {
    const log = talking()
    expect(log.machine.handle(revoked('a1'), log.now as Monotonic)).toEqual([])
    const ringing = new Log().give(reachable('a1', false), started)
    expect(ringing.machine.handle(revoked('a1'), ringing.now as Monotonic)).toEqual([])
  })
})

describe('a device that only rings', () => {
  it('does not say how the call ends: another of the same person may yet answer', () => {
    const log = new Log().give(reachable('a1', true), reachable('b1', true), started)
    log.give(reported('b2', 'peer', 60_000))
    expect(log.machine.find('c1')).toMatchObject({ endedAt: undefined })
    log.give(answered)
    expect(log.machine.find('c1')).toMatchObject({ calleeDevice: 'b1', endedAt: undefined })
    log.give(reported('b1', 'self', 0))
    expect(log.machine.find('c1')).toMatchObject({ endedBy: 'callee', reason: 'hangup' })
  })
})

describe('very many calls of one device', () => {
  const many = 1_000

  /** The most effects of one turn since, and the calls as they were saved. */
  function busy() {
    const log = new Log()
    const { machine } = log
    log.give(reachable('a1', false), reachable('b1', false))
    for (let at = 0; at < many; at++) {
      log.give(
        { ...started, event: { ...started.event, call: `c${at}` } },
        { ...answered, event: { ...answered.event, call: `c${at}` } },
      )
    }
    let most = 0
    for (const name of ['handle', 'wake'] as const) {
      const turn = machine[name].bind(machine) as (...given: unknown[]) => CallEffect[]
      machine[name] = (...given: unknown[]) => {
        const effects = turn(...given)
        most = Math.max(most, effects.length)
        return effects
      }
    }
    const reasons = (): unknown[] => [...new Set([...log.saved.values()].map(({ reason }) => reason))]
    return { log, most: () => most, reasons }
  }
  const atMost = 3 * callLimits.atOnce

  it('are written as alive some at a time, each once a minute', () => {
    const { log, most } = busy()
    log.pass(2 * callLimits.aliveMilliseconds)
    expect(most()).toBeLessThan(atMost)
    const alive = [...log.saved.values()].map(row => row.aliveAt)
    expect(alive).toHaveLength(many)
    expect(Math.min(...alive)).toBeGreaterThan(log.offset + callLimits.aliveMilliseconds)
  })

  it('are lost some at a time', () => {
    const { log, most, reasons } = busy()
    log.give(reachable('a1', false, false), reachable('b1', false, false))
    log.pass(callLimits.absentMilliseconds + 1_000)
    expect(most()).toBeLessThan(atMost)
    expect([reasons(), log.machine.sizes.open]).toEqual([['lost'], 0])
  })

  it('are asked for some at a time', () => {
    const { log, most } = busy()
    log.give({ kind: 'registeredAnew', device: 'a1' }).pass(callLimits.switchedOnAskMilliseconds + 1_000)
    expect(most()).toBeLessThan(atMost)
    expect(new Set(log.asked).size).toBe(2)
    expect(log.asked).toHaveLength(2 * many)
  })

  it('end some at a time where its right does', () => {
    const { log, most, reasons } = busy()
    log.give(reachable('a1', false, false), { kind: 'revoked', device: 'a1' }).pass(100)
    expect(most()).toBeLessThan(atMost)
    expect([reasons(), log.machine.sizes.open]).toEqual([['revoked'], 0])
  })

  it('that were missed are looked at some at a time', () => {
    const { log, most } = busy()
    for (let at = 0; at < many; at++) {
      const call = `m${at}`
      log.give(
        { ...started, event: { ...started.event, call } },
        { kind: 'sip', event: { kind: 'ended', call, by: 'caller', code: 487, reason: 'cancelled' } },
      )
    }
    expect(log.machine.missed('bob')).toHaveLength(callLimits.missed)
    log.give({ kind: 'missedSeen', user: 'bob' }).pass(100)
    expect(most()).toBeLessThan(atMost)
    expect(log.machine.missed('bob')).toEqual([])
  })
})
