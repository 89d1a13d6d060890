/** The tracer's thread, as the main thread knows it. */
import { afterEach, expect, it } from 'vitest'
import { udpFlow } from '../../src/sip/message.ts'
import type { KnownCall, TraceInput } from '../../src/trace/machine-message.ts'
import type { TraceEvent } from '../../src/trace/message.ts'
import type { PackedSegment } from '../../src/trace/ports.ts'
import { eventsOf } from '../../src/trace/segments.ts'
import { callOf } from '../../src/trace/sip-text.ts'
import { TracerThread, tracerLimits } from '../../src/trace/tracer-io.ts'

const here = { address: '192.0.2.1', port: 5060 }
const flow = udpFlow(here, { address: '192.0.2.2', port: 5060 })
const id = callOf('one', 'abc')
const party = { user: 'a', displayName: 'a', device: 'A' }
const started: TraceInput = {
  kind: 'call',
  event: { kind: 'started', call: id, caller: party, callee: { ...party, device: undefined }, video: false },
}
const invite = (extra = ''): Buffer =>
  Buffer.from(
    `INVITE sip:b@h SIP/2.0\r\nFrom: <sip:a@h>;tag=abc\r\nTo: <sip:b@h>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n${extra}`,
  )

const open: TracerThread[] = []
afterEach(async () => {
  for (const tracer of open.splice(0)) await tracer.close()
})

function house(options: { watched?: boolean; keep?: () => Promise<void>; open?: KnownCall[] } = {}) {
  const segments: PackedSegment[] = []
  const notes: string[] = []
  const faults: string[] = []
  const effects: string[] = []
  const heard = new Set<() => void>()
  const tracer = new TracerThread({
    ...{ addresses: ['192.0.2.1'], open: options.open ?? [], watched: options.watched ?? false },
    keep: async packed => {
      segments.push(...packed)
      await options.keep?.()
    },
    onEffect: effect => {
      effects.push(effect.kind)
      for (const hear of heard) hear()
    },
    onUntold: () => {},
    onNote: reason => {
      notes.push(reason)
      for (const hear of heard) hear()
    },
    onFault: error => faults.push(String(error)),
  })
  open.push(tracer)
  const events = (): TraceEvent[] =>
    eventsOf(
      id,
      segments.map(({ data }) => data),
    )
  const effect = (kind: string): Promise<void> =>
    new Promise(resolve => {
      const hear = (): void => {
        if ([...effects, ...notes].includes(kind)) resolve()
      }
      heard.add(hear)
      hear()
    })
  return { tracer, events, notes, faults, effect }
}

it('gives out all that was told before it was asked, in order, with the moments of the main thread', async () => {
  const { tracer, events, notes } = house()
  const before = performance.now()
  tracer.sip('in', flow, invite())
  tracer.input(started)
  const startedBy = performance.now()
  for (let count = 0; count < 3_000; count++) tracer.sip('out', flow, invite())
  expect(await tracer.flush(id)).toBe(true)
  const kinds = events().map(one => (one.kind === 'sip' ? one.direction : one.kind))
  expect(kinds.slice(0, 4)).toEqual(['in', 'call', 'network', 'out'])
  expect(kinds.length).toBe(3_003)
  // Before the call was accepted, and no longer than this test has run.
  const [first] = events()
  expect(first!.atMilliseconds).toBeLessThanOrEqual(0)
  expect(first!.atMilliseconds).toBeGreaterThanOrEqual(before - startedBy - 0.1)
  expect(await tracer.flush('another')).toBe(false)
  expect(tracer.sizes.calls).toBe(1)
  expect(notes).toEqual([])
})

it('tells whoever captures at once by what a party’s checks are known', async () => {
  const { tracer, effect } = house({ watched: true })
  tracer.input(started)
  tracer.sip('in', flow, invite('v=0\r\na=ice-ufrag:abcd\r\n'))
  await effect('ufrag')
})

it('loses nothing of many calls that begin while its thread does', async () => {
  const { tracer, events, notes } = house({ watched: true })
  const offer = invite(`v=0\r\na=ice-ufrag:abcd\r\n${'x'.repeat(2_000)}`)
  tracer.input(started)
  for (let count = 0; count < 400; count++) tracer.sip('in', flow, offer)
  await tracer.flush(id)
  expect(events().filter(({ kind }) => kind === 'sip')).toHaveLength(400)
  expect(notes).toEqual([])
})

it('goes on when nothing can be written', async () => {
  const { tracer, events } = house({ keep: () => Promise.reject(new Error('the disk is full')) })
  tracer.input(started)
  tracer.sip('in', flow, invite())
  await tracer.flush()
  tracer.input({
    kind: 'row',
    row: { id, callerDevice: 'A', calleeDevice: 'B', answeredAt: undefined, endedAt: 1 as never },
  })
  expect(await tracer.flush(id)).toBe(true)
  expect(events().length).toBeGreaterThan(2)
})

it('drops what a thread that does not follow cannot take, and says so', async () => {
  const { tracer, notes } = house()
  const message = invite('x'.repeat(60_000))
  // Nothing is looked at before this turn of the event loop is over.
  for (let count = 0; count < 4 * (tracerLimits.batches + 10); count++) tracer.sip('in', flow, message)
  expect(notes).toEqual(['behind'])
  await tracer.flush()
  expect(notes).toEqual(['behind', 'behind'])
})

it('costs nothing as long as nobody calls', async () => {
  const { tracer } = house()
  tracer.sip('in', flow, Buffer.from('REGISTER sip:h SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n'))
  tracer.input({ kind: 'reached', device: 'A', address: '192.0.2.2' })
  tracer.input({ kind: 'addresses', addresses: ['192.0.2.9'] })
  expect(tracer.isRunning).toBe(false)
  tracer.input(started)
  await tracer.flush()
  expect(tracer.isRunning).toBe(true)
})

it('begins anew when its thread was lost', async () => {
  const { tracer, events, notes, faults, effect } = house({ open: [{} as KnownCall] })
  await effect('lost')
  expect(faults.length).toBe(1)
  tracer.input(started)
  expect(await tracer.flush(id)).toBe(true)
  expect(events().map(one => one.kind)).toEqual(['call', 'network'])
  expect(notes).toEqual(['lost'])
})
