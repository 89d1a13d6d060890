import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { type Flow, udpFlow } from '../../src/sip/message.ts'
import type { TraceInput } from '../../src/trace/machine-message.ts'
import {
  hasUfrag,
  isRegistration,
  spentOf,
  Tap,
  type TapMemory,
  tapLimits,
  toldIn,
} from '../../src/trace/tap.ts'

const at = (milliseconds: number): Monotonic => milliseconds as Monotonic
const here = { address: '192.0.2.1', port: 5060 }
const flowTo = (port: number, address = '192.0.2.2'): Flow => udpFlow(here, { address, port })
const fact = (call: string): TraceInput => ({ kind: 'grant', call, reason: undefined })
const told = (tap: Tap) => {
  const batch = tap.take()
  return batch === undefined ? [] : [...toldIn(structuredClone(batch))]
}

describe('what taps leave for the tracer', () => {
  it('comes out in its order, with moments, ways and bytes, messages and facts among each other', () => {
    const tap = new Tap()
    tap.fact(fact('a'), at(1))
    tap.sip('in', flowTo(6_000), Buffer.from('one'), at(2.5))
    tap.sip('out', flowTo(6_000, '192.0.2.3'), Buffer.from('two'), at(3))
    tap.fact(fact('b'), at(4))
    tap.fact(fact('c'), at(4))
    tap.sip('in', flowTo(6_000), Buffer.from(''), at(5))
    tap.fact(fact('d'), at(6))
    const seen = told(tap).map(({ at: moment, input }) =>
      input.kind === 'sip'
        ? `${moment} ${input.direction} ${input.remote.address}:${input.remote.port} ${Buffer.from(input.bytes)}`
        : `${moment} ${input.kind === 'grant' ? input.call : ''}`,
    )
    expect(seen).toEqual([
      '1 a',
      '2.5 in 192.0.2.2:6000 one',
      '3 out 192.0.2.3:6000 two',
      '4 b',
      '4 c',
      '5 in 192.0.2.2:6000 ',
      '6 d',
    ])
    expect(tap.take()).toBe(undefined)
  })

  it('is a copy: what becomes of the bytes afterwards is not seen', () => {
    const tap = new Tap()
    const bytes = Buffer.from('before')
    tap.sip('in', flowTo(6_000), bytes, at(1))
    bytes.write('after!')
    const [first] = told(tap)
    expect(first?.input.kind === 'sip' && Buffer.from(first.input.bytes).toString()).toBe('before')
  })

  it('is bounded by bytes, messages and facts, and a message is cut where no SIP message may be longer', () => {
    const tap = new Tap()
    const huge = Buffer.alloc(100_000, 'x')
    const taken = (flow: Flow) => tap.sip('in', flow, huge, at(1))
    for (let count = 0; count < 4; count++) expect(taken(flowTo(count))).toBe(true)
    expect(taken(flowTo(5))).toBe(false)
    const lengths = told(tap).map(({ input }) => (input.kind === 'sip' ? input.bytes.length : 0))
    expect(lengths).toEqual([65_536, 65_536, 65_536, 65_536])
    const small = Buffer.from('x')
    for (let count = 0; count < tapLimits.messages; count++) {
      expect(tap.sip('in', flowTo(count % 500), small, at(1))).toBe(true)
    }
    expect(tap.sip('in', flowTo(1), small, at(1))).toBe(false)
    for (let count = 0; count < tapLimits.facts; count++) expect(tap.fact(fact('a'), at(1))).toBe(true)
    expect(tap.fact(fact('a'), at(1))).toBe(false)
    expect(told(tap).length).toBe(tapLimits.messages + tapLimits.facts)
  })

  it('lies in the memory of batches that were read, in which nothing of them is left', () => {
    const tap = new Tap()
    const read = (): TapMemory => {
      const memory = spentOf(tap.take()!)!
      expect(new Uint8Array(memory.bytes).every(byte => byte === 0)).toBe(true)
      return memory
    }
    tap.sip('in', flowTo(6_000), Buffer.from('secret of the first'), at(1))
    const memory = read()
    tap.reuse([memory])
    tap.sip('in', flowTo(6_000), Buffer.from('second'), at(2))
    tap.sip('out', flowTo(6_000), Buffer.from('third'), at(3))
    const again = tap.take()!
    expect(again.bytes.buffer).toBe(memory.bytes)
    expect(
      [...toldIn(again)].map(one => one.input.kind === 'sip' && `${Buffer.from(one.input.bytes)}`),
    ).toEqual(['second', 'third'])
    tap.fact(fact('a'), at(4))
    expect(spentOf(tap.take()!)).toBe(undefined)
  })

  it('keeps no more of it than is out at a time', () => {
    const tap = new Tap()
    const many = Array.from({ length: 9 }, () => ({
      bytes: new ArrayBuffer(tapLimits.bytes),
      index: new ArrayBuffer(32 * tapLimits.messages),
    }))
    tap.reuse(many.slice(0, 3))
    tap.reuse(many.slice(3))
    const used = Array.from({ length: 6 }, () => {
      tap.sip('in', flowTo(6_000), Buffer.from('x'), at(1))
      return tap.take()!.bytes.buffer
    })
    expect(used.filter(buffer => many.some(({ bytes }) => bytes === buffer))).toHaveLength(tapLimits.spares)
  })

  it('is told at once where a description may begin checks', () => {
    const head = 'SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n'
    expect(hasUfrag(Buffer.from(`${head}v=0\r\na=ice-ufrag:abcd\r\n`))).toBe(true)
    expect(hasUfrag(Buffer.from(`${head}v=0\r\na=ice-ufrag:abcd`))).toBe(true)
    expect(hasUfrag(Buffer.from(`${head}v=0\r\n`))).toBe(false)
    expect(hasUfrag(Buffer.from(head))).toBe(false)
    expect(hasUfrag(new Uint8Array(0))).toBe(false)
  })

  it('knows registrations, and takes nothing else for one', () => {
    const is = (text: string, direction: 'in' | 'out' = 'out'): boolean =>
      isRegistration(direction, new Uint8Array(Buffer.from(text)))
    expect(is('REGISTER sip:h SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n')).toBe(true)
    expect(is('SIP/2.0 401 Unauthorized\r\nCall-ID: a\r\nCSeq: 12 REGISTER\r\n\r\n')).toBe(true)
    expect(is('SIP/2.0 200 OK\r\nAllow: INVITE, REGISTER\r\nCSeq: 12 INVITE\r\n\r\n')).toBe(false)
    expect(is('INVITE sip:h SIP/2.0\r\nX: a\r\nCSeq: 1 REGISTER\r\n\r\n')).toBe(false)
    expect(is('SIP/2.0 200 OK\r\ncseq: 12 REGISTER\r\n\r\n')).toBe(false)
    expect(is('SIP/2.0 200 OK\r\nCSeq:')).toBe(false)
    expect(is('REGISTER sip:h SIP/2.0\r\n\r\n', 'in')).toBe(true)
    expect(is('SIP/2.0 200 OK\r\nCSeq: 12 REGISTER\r\n\r\n', 'in')).toBe(false)
    expect(is('')).toBe(false)
    expect(is('REG')).toBe(false)
  })
})
