/** What the tracer holds in memory, whatever comes and however slow the store is. */
import { describe, expect, it } from 'vitest'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { batchLimits } from '../../src/trace/batches.ts'
import { earlyLimits } from '../../src/trace/early.ts'
import { TraceMachine, traceLimits } from '../../src/trace/machine.ts'
import type { TraceEffect, TraceInput } from '../../src/trace/machine-message.ts'
import { callOf } from '../../src/trace/sip-text.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const end = { address: '192.0.2.1', port: 5060 }
const fresh = (): TraceMachine => new TraceMachine({ now: at(0), addresses: [], open: [] })

/** 13 kB of it stay when it is redacted. */
const sip = (call: number, start = 'INVITE sip:b@h SIP/2.0', cseq = '1 INVITE'): TraceInput => {
  const sdp = Array.from({ length: 100 }, (_, line) => `a=fmtp:${line} ${'x'.repeat(120)}`)
  const head = [start, 'From: <sip:a@h>;tag=abc', 'To: <sip:b@h>', `Call-ID: ${call}`, `CSeq: ${cseq}`]
  const bytes = Buffer.from([...head, 'Content-Type: application/sdp', '', ...sdp].join('\r\n'))
  return { kind: 'sip', direction: 'in', transport: 'udp', local: end, remote: end, bytes }
}
const started = (call: number): TraceInput => {
  const party = { user: 'a', displayName: 'a', device: 'A' }
  const id = callOf(String(call), 'abc')
  return { kind: 'call', event: { kind: 'started', call: id, caller: party, callee: party, video: false } }
}

describe('what the tracer holds in memory', () => {
  it('is bounded over all calls together when nothing is ever written, and each call says what it misses', () => {
    const machine = fresh()
    for (let call = 0; call < traceLimits.calls; call++) machine.handle(started(call), at(0))
    for (let round = 1; round <= 3; round++) {
      for (let call = 0; call < traceLimits.calls; call++) {
        machine.handle(sip(call, 'INFO sip:b@h SIP/2.0', '2 INFO'), at(round))
        expect(machine.sizes.bytes).toBeLessThanOrEqual(batchLimits.unwrittenBytes)
      }
    }
    const id = callOf('1999', 'abc')
    const row = { id, callerDevice: 'A', calleeDevice: 'B', endedAt: 1 as Epoch }
    machine.handle({ kind: 'row', row } as unknown as TraceInput, at(10))
    const last = machine.wake(at(10 + traceLimits.lateMilliseconds)).flatMap(savedBy(id))
    expect(last).toContainEqual(expect.objectContaining({ kind: 'leftOut', what: 'sip' }))
  })

  it('is free again when it was written, or could not be', () => {
    const machine = fresh()
    machine.handle(started(0), at(0))
    const effects = Array.from({ length: 300 }, (_, index) =>
      machine.handle(sip(0, 'INFO sip:b@h SIP/2.0', '2 INFO'), at(index)),
    ).flat()
    const saves = savedIn([...effects, ...machine.flush()])
    // Not only each second: so much would not wait for it.
    expect(saves.length).toBeGreaterThan(1)
    expect(machine.sizes.bytes).toBeGreaterThan(1_000_000)
    machine.handle({ kind: 'written', saves, lost: true }, at(400))
    expect(machine.sizes.bytes).toBe(0)
    const id = callOf('0', 'abc')
    machine.handle({ kind: 'row', row: { id, endedAt: 1 } } as unknown as TraceInput, at(500))
    const last = machine.wake(at(500 + traceLimits.lateMilliseconds)).flatMap(savedBy(id))
    expect(last).toContainEqual(expect.objectContaining({ kind: 'leftOut', what: 'notSaved' }))
  })

  it('is bounded for what is not a call yet', () => {
    const machine = fresh()
    for (let stranger = 0; stranger < 500; stranger++) {
      for (let again = 0; again < 4; again++) machine.handle(sip(stranger), at(stranger))
    }
    expect(machine.sizes.bytes).toBeLessThanOrEqual(earlyLimits.bytes)
    expect(machine.sizes.early).toBeGreaterThan(10)
    const connection = (index: number): string => `c${index}`
    for (let index = 0; index < 100; index++) {
      machine.handle({ kind: 'opened', connection: connection(index), local: end, remote: end }, at(1_000))
      for (let ref = 0; ref < 4; ref++) {
        const text = JSON.stringify({
          type: 'call',
          ref: `${ref}`,
          sdp: `a=mid:${'x'.repeat(300)}\r\n`.repeat(100),
        })
        machine.handle({ kind: 'frame', direction: 'in', connection: connection(index), text }, at(1_000))
      }
      expect(machine.sizes.bytes).toBeLessThanOrEqual(earlyLimits.bytes)
    }
    for (let index = 0; index < 100; index++) {
      machine.handle({ kind: 'closed', connection: connection(index) }, at(2_000))
    }
    const effects = Array.from({ length: 500 }, (_, call) => machine.handle(started(call), at(3_000))).flat()
    const saves = savedIn([...effects, ...machine.flush()])
    machine.handle({ kind: 'written', saves, lost: false }, at(3_000))
    // Nothing was forgotten in the counting.
    expect(machine.sizes).toMatchObject({ early: 0, bytes: 0 })
  })
})

const savedIn = (effects: readonly TraceEffect[]) =>
  effects.flatMap(effect => (effect.kind === 'save' ? { ...effect, events: effect.events.length } : []))
const savedBy = (id: string) => (effect: TraceEffect) =>
  effect.kind === 'save' && effect.call === id ? effect.events.map(event => JSON.parse(event)) : []
