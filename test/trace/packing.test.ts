import { describe, expect, it } from 'vitest'
import type { TraceSave } from '../../src/trace/machine-message.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import { Packer } from '../../src/trace/packing.ts'
import { eventsOf } from '../../src/trace/segments.ts'

const event = (number: number, text: string): TraceEvent =>
  ({ number, atMilliseconds: number, source: 'server', kind: 'sip', text }) as unknown as TraceEvent
const save = (call: string, ...events: TraceEvent[]): TraceSave => ({
  ...{ kind: 'save', call, bytes: 1, onlyCounters: false },
  events: events.map(event => JSON.stringify(event)),
})

describe('packed events', () => {
  it('are read back as they were, in order, whatever is in their text and however long they are', () => {
    const packer = new Packer()
    const calls = ['a', 'b', 'c']
    const texts = ['short', 'ü\t\n€ 😀', 'x'.repeat(60_000), '€'.repeat(70_000), 'y'.repeat(300_000)]
    let number = 0
    for (let round = 0; round < 5; round++) {
      for (const call of calls) {
        for (const text of texts) packer.add(save(call, event(++number, text), event(++number, call)))
      }
    }
    const segments = packer.take()
    expect(packer.take()).toEqual([])
    expect(segments.length).toBeGreaterThan(3)
    const seen = calls.map(call => {
      const own = segments.filter(segment => segment.calls.includes(call)).map(({ data }) => data)
      return eventsOf(call, own) as unknown as { number: number; text: string }[]
    })
    for (const [index, events] of seen.entries()) {
      expect(events.map(one => one.text)).toEqual(
        Array.from({ length: 5 }, () => texts.flatMap(text => [text, calls[index]])).flat(),
      )
      expect(events.map(one => one.number)).toEqual(events.map(one => one.number).toSorted((x, y) => x - y))
    }
    // Each can be given to another thread by itself.
    for (const { data } of segments) {
      if (typeof data !== 'string') expect(data.byteLength).toBe(data.buffer.byteLength)
    }
  })

  it('lie there as text while there are few of them', () => {
    const packer = new Packer()
    packer.add(save('a', event(1, 'short')))
    const [segment] = packer.take()
    expect(segment).toMatchObject({ calls: ['a'] })
    expect(typeof segment?.data).toBe('string')
  })
})
