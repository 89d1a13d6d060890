/** Captures brought for a call: what is kept of them, what is not, and what the verdict makes of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { seededRandom } from '../../src/core/random.ts'
import { realClock } from '../../src/runtime/clock.ts'
import type { SignedTrace } from '../../src/trace/document.ts'
import { importLimits } from '../../src/trace/import-io.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { isSoak } from '../property/counts.ts'
import { eventsOfKept } from './packets/calls.ts'
import { captured, pcap } from './packets/files.ts'
import { TraceHouse } from './packets/house.ts'

describe('a capture brought for a call', () => {
  let house: TraceHouse
  beforeAll(async () => {
    house = await TraceHouse.open()
  })
  afterAll(() => house.close())

  it('proves a direct call long after its end, becomes its next event, and changes what the log says', async () => {
    const before = await house.keep('direct')
    const told = await house.bring('direct', captured('direct'), { importedBy: 'callee', takenAt: 'switch' })
    expect(told).toMatchObject({
      ...{ kind: 'added', event: before.length + 1 },
      verdict: { path: 'direct', grade: 'packets', missing: [], contradictions: [] },
      file: { format: 'pcapng', frames: 877, bytes: 116_104 },
    })
    const trace = await house.trace('direct')
    expect(trace.verdict).toEqual(told.verdict)
    expect(trace.events.slice(0, -1)).toEqual(before)
    expect(trace.events.at(-1)).toMatchObject({
      ...{ number: before.length + 1, source: 'capture', kind: 'capture' },
      facts: { name: 'bridge.pcapng', takenAt: 'switch', importedBy: 'callee', frames: 877 },
    })
    expect((await house.row('direct')).outcome).toMatchObject({ grade: 'packets' })
    const { id } = await house.row('direct')
    expect((await house.store.traces.summary(id))?.verdict.grade).toBe('packets')
  })

  it('tells checks, handshake and packets by stream, for each way and sender', async () => {
    await house.keep('direct')
    const { facts, encrypted } = await house.bring('direct', captured('direct'))
    // The same numbers as tshark's (test/interop/captures.test.ts).
    expect(facts.flows).toEqual([
      expect.objectContaining({
        ...{ source: '10.77.0.13:46700', target: '10.77.0.12:37716', way: 'direct', sender: 'callee' },
        ...{ checks: 6, checkAnswers: 6, dtls: ['ClientHello'] },
        rtp: [
          { ssrc: 3185584494, packets: 227 },
          { ssrc: 2962018143, packets: 68 },
          { ssrc: 3357700090, packets: 17 },
        ],
      }),
      expect.objectContaining({ source: '10.77.0.12:37716', sender: 'caller', dtls: ['ServerHello'] }),
    ])
    expect(encrypted.map(({ party }) => party).sort()).toEqual(['callee', 'caller'])
  })

  it('counts once, whoever brings it again', async () => {
    await house.keep('direct')
    const first = await house.bring('direct', captured('direct'))
    const again = await house.bring('direct', captured('direct'), { by: 'tom', importedBy: 'callee' })
    expect(again).toMatchObject({ kind: 'known', event: first.event, verdict: first.verdict })
    expect(captures(await house.trace('direct')).length).toBe(1)
  })

  it('counts once when two bring it at the same moment', async () => {
    await house.keep('direct')
    const both = await Promise.all([
      house.bring('direct', captured('direct')),
      house.bring('direct', captured('direct'), { by: 'tom', importedBy: 'callee' }),
    ])
    expect(both.map(({ kind }) => kind).sort()).toEqual(['added', 'known'])
    expect(both[0]!.event).toBe(both[1]!.event)
    expect(captures(await house.trace('direct')).length).toBe(1)
  })

  it('of another call shows nothing of this one and changes nothing', async () => {
    const before = await house.keep('other')
    const told = await house.bring('other', captured('direct'))
    expect(told).toMatchObject({ kind: 'nothing', verdict: { path: 'direct', grade: 'bothEnds' } })
    expect(told.event).toBe(undefined)
    expect((await house.trace('other')).events).toEqual(before)
    await house.keep('direct')
    expect(await house.bring('direct', captured('relayed'))).toMatchObject({ kind: 'nothing' })
  })

  it('of a relayed call shows what went by way of the appliance, inside TURN too, and proves nothing direct', async () => {
    await house.keep('relayed')
    const { verdict, facts } = await house.bring('relayed', captured('relayed'))
    expect(verdict).toMatchObject({ path: 'relayed', grade: 'ledger', contradictions: [] })
    expect(verdict.checked.find(({ id }) => id === 'packets')).toMatchObject({
      outcome: 'holds',
      // On their way to the relay, and as many on their way on.
      figures: expect.stringMatching(/RTP by way of lanline 617$/),
    })
    const inside = facts.flows.filter(({ way }) => way === 'turn').flatMap(({ rtp }) => rtp)
    expect(inside).toContainEqual({ ssrc: 2942740908, packets: 225 })
    expect(inside).toContainEqual({ ssrc: 863133587, packets: 222 })
  })

  it('that shows media by way of an appliance whose ledger is empty contradicts it', async () => {
    await house.keep('relayed', eventsOfKept('relayed', { ledger: undefined }))
    const { verdict } = await house.bring('relayed', captured('relayed'))
    expect(verdict.path).toBe('contradicted')
    expect(verdict.contradictions).toContainEqual(
      expect.objectContaining({ about: 'the packets', other: 'the relay’s ledger: 0 bytes' }),
    )
  })

  it('is taken while the call goes on and just after its end, and counted on from there', async () => {
    const now = realClock.epoch()
    const times = { startedAt: (now - 40_000) as Epoch, endedAt: undefined }
    const before = await house.keep('direct', eventsOfKept('direct'), times)
    const { outcome: _, ...going } = await house.row('direct')
    const startedAt = realClock.monotonic()
    await house.restart([{ row: going, lastNumber: before.length, lastAtMilliseconds: 0, startedAt }])
    const first = await house.bring('direct', captured('direct'))
    // The restart itself is two events.
    expect(first).toMatchObject({ kind: 'added', event: before.length + 3, verdict: { grade: 'packets' } })
    expect((await house.row('direct')).outcome).toBe(undefined)
    const ended = { ...going, endedAt: now }
    await house.store.calls.save(ended)
    house.io.input({ kind: 'row', row: ended })
    const later = await house.bring('direct', captured('direct').subarray(0, 60_000))
    expect(later).toMatchObject({ kind: 'added', event: before.length + 4 })
    const numbers = (await house.trace('direct')).events.map(({ number }) => number)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect((await house.row('direct')).outcome).toMatchObject({ grade: 'packets' })
  })

  it('that was cut off shows what came before, and says where it stopped', async () => {
    await house.keep('direct')
    const told = await house.bring('direct', captured('direct').subarray(0, 50_000))
    expect(told).toMatchObject({ kind: 'added', file: { stop: { reason: 'truncated', offset: 49_956 } } })
    expect(told.facts.stoppedBecause).toMatch(/358 packets were read up to byte 49956/)
    expect(told.verdict.checked.at(-1)!.figures).toContain('read in part: The file ends in the middle')
  })

  it.each([
    ['an empty file', Buffer.alloc(0), 'empty'],
    ['text', Buffer.from('frame,time\n1,0\n'), 'notACapture'],
    ['something compressed', Buffer.from('1f8b0800', 'hex'), 'compressed'],
    ['the first three bytes of a capture', captured('direct').subarray(0, 3), 'notACapture'],
    ['half of a header', captured('direct').subarray(0, 40), 'truncated'],
  ])('that is %s is refused with what is wrong', async (_name, bytes, detail) => {
    await house.keep('direct')
    const told = await house.outcome('direct', bytes)
    expect(told).toMatchObject({ kind: 'refused', reason: 'notACapture', detail })
    expect(captures(await house.trace('direct'))).toEqual([])
  })

  it('that was damaged anywhere, or is nothing but noise, is refused, or read up to there', async () => {
    await house.keep('direct')
    const random = seededRandom(5)
    const seen = new Set<string>()
    for (let count = 0; count < (isSoak ? 1_000 : 12); count++) {
      const whole = captured(count % 2 === 0 ? 'direct' : 'relayed')
      const begin = whole.subarray(0, random.below(whole.length))
      const mutant =
        count % 3 === 0 ? Buffer.concat([begin.subarray(0, 400), random.bytes(5_000)]) : Buffer.from(begin)
      for (let change = 0; change < count % 5; change++) {
        mutant[random.below(Math.max(1, mutant.length))] = random.below(256)
      }
      const told = await house.outcome('direct', mutant, { by: 'somebody' })
      seen.add(told.kind)
      if (told.kind === 'refused') expect(['notACapture', 'tooMany']).toContain(told.reason)
      else if (told.file.stop) expect(told.facts.stoppedBecause).toMatch(/byte \d+/)
    }
    expect(seen.size).toBeGreaterThan(1)
  }, 600_000)

  it('that is no capture is refused before it is whole', async () => {
    await house.keep('direct')
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++
        yield Buffer.alloc(65_536, 'x')
      }
    }
    expect(await house.outcome('direct', endless())).toMatchObject({ reason: 'notACapture' })
    expect(given).toBeLessThan(20)
  })

  it('that holds no packet at all is read, and has nothing of the call', async () => {
    await house.keep('direct')
    expect(await house.bring('direct', pcap(1, []))).toMatchObject({ kind: 'nothing', file: { frames: 0 } })
  })

  it('whose upload stops in the middle leaves nothing', async () => {
    const before = await house.keep('direct')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield captured('direct').subarray(0, 100_000)
      throw new Error('the line broke')
    }
    await expect(house.outcome('direct', broken())).rejects.toThrow('the line broke')
    expect((await house.trace('direct')).events).toEqual(before)
    // And holds no place.
    expect(await house.bring('direct', captured('direct'))).toMatchObject({ kind: 'added' })
  })

  it('for a call whose events were forgotten, in part or all, is refused without being read', async () => {
    const unread = async function* (): AsyncGenerator<Uint8Array> {
      yield captured('direct')
      throw new Error('it was read')
    }
    await house.keep('direct', [])
    expect(await house.outcome('direct', unread())).toMatchObject({ kind: 'refused', reason: 'forgotten' })
    await house.keep('other', eventsOfKept('other').slice(10))
    expect(await house.outcome('other', unread())).toMatchObject({ kind: 'refused', reason: 'forgotten' })
  })

  it('waits for nobody: one person has one at a time, and there are few at once', async () => {
    await house.keep('direct')
    const gate = Promise.withResolvers<void>()
    const started: Promise<void>[] = []
    const slow = (): AsyncIterable<Uint8Array> => {
      const start = Promise.withResolvers<void>()
      started.push(start.promise)
      return (async function* () {
        start.resolve()
        await gate.promise
        yield captured('direct')
      })()
    }
    const people = Array.from({ length: importLimits.atOnce }, (_, index) => `person ${index}`)
    const reading = people.map(by => house.outcome('direct', slow(), { by }))
    await Promise.all(started)
    for (const by of [people[0]!, 'somebody else']) {
      expect(await house.outcome('direct', captured('direct'), { by })).toMatchObject({ reason: 'busy' })
    }
    gate.resolve()
    expect((await Promise.all(reading)).map(({ kind }) => kind).sort()).toEqual(['added', 'known'])
  })

  it('is one of few: a call has its share', async () => {
    const facts = { name: 'a', takenAt: 'client', frames: 1, flows: [] } as const
    const times = { firstAtMilliseconds: undefined, lastAtMilliseconds: undefined }
    const more = Array.from({ length: importLimits.captures - 1 }, (_, index) => {
      return { kind: 'capture', facts: { ...facts, ...times, sha256: String(index) } } as const
    })
    await house.keep('direct', eventsOfKept('direct', { more }))
    expect(await house.bring('direct', captured('direct'))).toMatchObject({ kind: 'added' })
    expect(await house.outcome('direct', captured('direct'))).toMatchObject({ reason: 'tooMany' })
  })

  it('is read by a thread of its own: the loop that calls hang on has little to do with it', async () => {
    await house.keep('direct')
    async function* large(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 100; count++) yield captured('direct')
    }
    const [own, all] = [process.threadCpuUsage(), process.cpuUsage()]
    await house.bring('direct', large())
    const sum = ({ user, system }: NodeJS.CpuUsage): number => user + system
    expect(sum(process.threadCpuUsage(own))).toBeLessThan(sum(process.cpuUsage(all)) / 2)
  })
})

const captures = ({ events }: SignedTrace): TraceEvent[] => events.filter(({ kind }) => kind === 'capture')
