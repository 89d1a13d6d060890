/** What the list of calls says of those that ended just before a stop or a power cut. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import type { Epoch } from '../../src/core/clock.ts'
import type { Store } from '../../src/store/store.ts'
import { summaryOf } from '../../src/trace/document.ts'
import type { TraceInput } from '../../src/trace/machine-message.ts'
import { until } from '../net/wait.ts'
import { rowOf } from './packets/calls.ts'
import { TraceHouse } from './packets/house.ts'
import { ledger } from './story.ts'

let house: TraceHouse
beforeEach(async () => {
  house = await TraceHouse.open()
})
afterEach(() => house.close())

const pathOf = async (call: string): Promise<string | undefined> =>
  (await house.store.calls.get(call))?.outcome?.path

/** Told to the tracer as it passes by, up to the end. */
async function ended(id: string, told: readonly TraceInput[]): Promise<CallRow> {
  const party = { user: 'mia', displayName: 'Mia', device: 'caller' }
  const row = rowOf('direct', { id })
  house.io.input({
    kind: 'call',
    event: {
      kind: 'started',
      call: id,
      caller: party,
      callee: { ...party, device: undefined },
      video: false,
    },
  })
  for (const input of told) house.io.input(input)
  house.io.input({ kind: 'row', row })
  await house.store.calls.save(row)
  return row
}

describe('at a stop', () => {
  it('calls that ended a moment ago are concluded with what is known, and those that go on are not', async () => {
    await ended('carried', [{ kind: 'ledger', call: 'carried', ledger: ledger(90_000, 900) }])
    await ended('silent', [])
    const going = { ...(await ended('going', [])), endedAt: undefined }
    await house.store.calls.save(going)
    house.io.input({ kind: 'row', row: going })
    await house.restart([])
    await house.store.traces.flush()
    expect(await Promise.all(['carried', 'silent', 'going'].map(pathOf))).toEqual([
      'relayed',
      'unknown',
      undefined,
    ])
    expect((await house.store.traces.summary('carried'))?.verdict.grade).toBe('ledger')
    expect(await house.store.traces.summary('silent')).toBe(undefined)
  })

  it('a first verdict is made anew of what was told since', async () => {
    const row = await ended('carried', [{ kind: 'ledger', call: 'carried', ledger: ledger(90_000, 900) }])
    await until('a first verdict', async () => (await pathOf(row.id)) === 'relayed')
    house.io.input({ kind: 'ledger', call: row.id, ledger: ledger(120_000, 1_200) })
    await house.restart([])
    expect((await house.store.traces.summary(row.id))?.verdict.sentence).toMatch('240 kB')
  })

  it('nobody waits for long, and what is not done then is done at the next start', async () => {
    const first = house
    house = TraceHouse.on({ ...first.store, traces: stuck(first.store.traces) })
    const row = await ended('carried', [{ kind: 'ledger', call: 'carried', ledger: ledger(90_000, 900) }])
    await house.close()
    house = first
    expect(await pathOf(row.id)).toBe(undefined)
    house.io.makeUp()
    await until('a verdict', async () => (await pathOf(row.id)) === 'relayed')
  })
})

describe('at a start', () => {
  it('calls that have events and no verdict are concluded, and no others', async () => {
    const { calls, traces } = house.store
    const [over, silent, known, going, bare] = await Promise.all(
      ['over', 'silent', 'known', 'going', 'bare'].map(async id => {
        const row = rowOf('direct', { id, endedAt: id === 'going' ? undefined : (1e12 as Epoch) })
        await calls.save(row)
        return row
      }),
    )
    const events = await house.keep('direct')
    for (const row of [over!, known!, going!]) await traces.save(row.id, events)
    await traces.save(silent!.id, events.slice(0, 2))
    const kept = { ...summaryOf(known!, events), events: 1 }
    await traces.conclude(kept)
    await house.restart([])
    house.io.makeUp()
    await until('a verdict', async () => (await pathOf(over!.id)) === 'direct')
    await until('no verdict', async () => (await pathOf(silent!.id)) === 'unknown')
    expect(await traces.summary(over!.id)).toMatchObject({ events: events.length })
    expect(await traces.summary(known!.id)).toMatchObject({ events: 1 })
    expect(await traces.summary(silent!.id)).toBe(undefined)
    expect([await pathOf(going!.id), await pathOf(bare!.id)]).toEqual([undefined, undefined])
  })

  it('however many they are, and a stop in between is not held up by them', async () => {
    const ids = Array.from({ length: 120 }, (_, index) => `call${index}`)
    const events = await house.keep('direct')
    await Promise.all(ids.map(id => house.store.calls.save(rowOf('direct', { id }))))
    await Promise.all(ids.map(id => house.store.traces.save(id, events)))
    house.io.makeUp()
    // The newest first: people look at them.
    await until('the first verdict', async () => (await pathOf('call119')) !== undefined)
    await house.restart([])
    expect(await pathOf('call0')).toBe(undefined)
    house.io.makeUp()
    await until('the last verdict', async () => (await pathOf('call0')) !== undefined, { seconds: 60 })
    expect(await Promise.all(ids.map(pathOf))).toEqual(ids.map(() => 'direct'))
  })
})

/** A disk that gives nothing. */
function stuck(traces: Store['traces']): Store['traces'] {
  return new Proxy(traces, {
    get: (target, name) => {
      if (name === 'segments')
        return () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) })
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
