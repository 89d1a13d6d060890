import { zstdCompressSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { segmentLine } from '../../src/core/segment.ts'
import { verifyTrace } from '../../src/trace/document.ts'
import { MakerBusy, maxWaitingFiles, TraceMaker } from '../../src/trace/maker-io.ts'
import type { TraceFormat } from '../../src/trace/making.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import type { StoredSegment } from '../../src/trace/ports.ts'
import { fortyMessages, longRow } from './long-story.ts'

const row = longRow(39_762)
const maker = { version: '1', appliance: 'here', key: new Uint8Array(32).fill(7) }
const wish = (format: TraceFormat) => ({ kind: 'file', format, row, maker }) as const

/** A line of somebody else's call before and behind each of ours; every second segment compressed. */
function segmentsOf(events: readonly TraceEvent[]): StoredSegment[] {
  return events.map((event, index) => {
    const other = segmentLine('other', '[{"kind":"restart"}]')
    const text = `${other}${segmentLine(row.id, JSON.stringify([event]))}${other}`
    return index % 2 === 0 ? text : new Uint8Array(zstdCompressSync(text))
  })
}

const storeOf = (segments: readonly StoredSegment[], page = 64) => ({
  async *segments() {
    for (let at = 0; at < segments.length; at += page) yield segments.slice(at, at + page)
  },
  summary: async () => undefined,
})

const makers: TraceMaker[] = []
const makerOf = (store: ConstructorParameters<typeof TraceMaker>[0]): TraceMaker => {
  makers.push(new TraceMaker(store, error => expect.fail(String(error))))
  return makers.at(-1)!
}
afterAll(() => Promise.all(makers.map(one => one.close())))

const events = fortyMessages()

it('makes the same of a long call in its thread as of the same call here', async () => {
  const here = await makerOf(storeOf([segmentLine(row.id, JSON.stringify(events.slice(0, 40)))])).make(
    row.id,
    wish('json'),
  )
  const there = await makerOf(storeOf(segmentsOf(events.slice(0, 40)), 7)).make(row.id, wish('json'))
  expect(there.toString()).toBe(here.toString())
  const long = makerOf(storeOf([...segmentsOf(events), ...Array<string>(200).fill('other\t[]\n')], 64))
  const made = await long.make(row.id, wish('json'))
  const verified = verifyTrace(made, undefined)
  expect(verified).toMatchObject({
    kind: 'genuine',
    trace: { call: { id: row.id }, verdict: { path: 'relayed' } },
  })
  if (verified.kind === 'genuine') expect(verified.trace.events).toHaveLength(events.length)
  expect(await long.make(row.id, { kind: 'summary', row })).toMatchObject({ verdict: { path: 'relayed' } })
})

it('goes on after what failed, whether the store did or the making', async () => {
  const segments = segmentsOf(events)
  const broken = {
    ...storeOf(segments),
    async *segments() {
      yield segments
      throw new Error('disk')
    },
  }
  const first = makerOf(broken)
  await expect(first.make(row.id, wish('html'))).rejects.toThrow('disk')
  await expect(first.make(row.id, wish('html'))).rejects.toThrow('disk')
  const half = makerOf(storeOf([...segments, `${row.id}\t[{"kind":`]))
  await expect(half.make(row.id, wish('html'))).rejects.toThrow('could not be made')
  const good = makerOf(storeOf(segments))
  expect((await good.make(row.id, wish('html'))).length).toBeGreaterThan(10_000)
})

it('lets no more than a number of files wait, and conclusions as many as there are', async () => {
  const busy = makerOf(storeOf(segmentsOf(events)))
  const asked = Array.from({ length: maxWaitingFiles + 3 }, () => busy.make(row.id, wish('pcap')))
  const summary = busy.make(row.id, { kind: 'summary', row })
  const settled = await Promise.allSettled(asked)
  const refused = settled.filter(one => one.status === 'rejected')
  expect(refused).toHaveLength(3)
  for (const { reason } of refused) expect(reason).toBeInstanceOf(MakerBusy)
  expect((await summary)?.events).toBe(events.length)
})
