import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Epoch } from '../../../src/core/clock.ts'
import type { CallIdentity } from '../../../src/trace/packets/figures.ts'
import { LiveCalls, liveLimits } from '../../../src/trace/packets/live.ts'
import type { Packet } from '../../../src/trace/packets/message.ts'
import { CaptureReader } from '../../../src/trace/packets/reader.ts'
import { captured } from './files.ts'

const identity: CallIdentity = {
  parties: {
    caller: { ufrags: ['eIyP'], addresses: ['10.77.0.12'] },
    callee: { ufrags: ['Y26x'], addresses: ['10.77.0.13'] },
  },
  applianceAddresses: ['10.77.0.11'],
}
const packets: readonly Packet[] = new CaptureReader({ wire: true }).push(captured('direct'))
const begin = packets[0]!.at!
const end = packets.at(-1)!.at!

function followed(call = 'a'): LiveCalls {
  const calls = new LiveCalls()
  calls.know(call, 'caller', 'eIyP', begin)
  calls.know(call, 'callee', 'Y26x', begin)
  return calls
}
const mediaOf = (calls: LiveCalls, call = 'a'): number =>
  calls
    .conclude(call, identity, begin, end)!
    .flows.flatMap(({ rtp }) => rtp)
    .reduce((sum, { packets: count }) => sum + count, 0)
const inFile = packets.filter(({ content }) => content.kind === 'rtp').length

describe('packets of a running capture', () => {
  it('are the same, told by ufrags as they come, as in the whole file', () => {
    const calls = followed()
    for (const packet of packets) calls.add(packet, 'eth0')
    const facts = calls.conclude('a', identity, begin, end)!
    expect(facts).toMatchObject({ name: 'the appliance', takenAt: 'appliance' })
    expect(facts.flows.every(({ way, matchedBy }) => way === 'direct' && matchedBy === 'ufrags')).toBe(true)
    expect(facts.flows.flatMap(({ dtls }) => dtls)).toEqual(['ClientHello', 'ServerHello'])
    expect(facts.packets!.length).toBeGreaterThan(20)
    expect(calls.size).toBe(0)
  })

  it('count once where a bridge shows them on several ports', () => {
    const [once, twice] = [followed(), followed()]
    for (const packet of packets) {
      once.add(packet, 'eth0')
      twice.add(packet, 'eth0')
      twice.add(packet, 'wlan0')
    }
    expect(mediaOf(twice)).toBe(mediaOf(once))
  })

  it('are found although media comes before the check that tells whose it is', () => {
    const calls = followed()
    // Each filter has a buffer of its own.
    const isMedia = ({ content }: Packet): boolean => content.kind === 'rtp'
    for (let at = begin as number; at <= end; at += 500) {
      const now = packets.filter(packet => packet.at! >= at && packet.at! < at + 500)
      for (const packet of [...now.filter(isMedia), ...now.filter(packet => !isMedia(packet))]) {
        calls.add(packet, 'eth0')
      }
    }
    const ordered = followed()
    for (const packet of packets) ordered.add(packet, 'eth0')
    expect(mediaOf(calls)).toBe(mediaOf(ordered))
    expect(inFile).toBeGreaterThan(100)
  })

  it('of a call that is not followed are nothing; two calls are told apart', () => {
    const calls = followed()
    calls.know('b', 'caller', 'eIyP', begin)
    calls.know('b', 'callee', 'zzzz', begin)
    for (const packet of packets) calls.add(packet, 'eth0')
    expect(calls.conclude('c', identity, begin, end)).toBe(undefined)
    expect(calls.conclude('b', { ...identity }, begin, end)!.flows).toEqual([])
    expect(mediaOf(calls)).toBeGreaterThan(100)
  })

  it('that were missed are said to be', () => {
    const calls = followed()
    calls.interrupted()
    expect(calls.conclude('a', identity, begin, end)!.stoppedBecause).toMatch(/did not capture all/)
  })

  it('fill no memory, whatever they are', () => {
    const calls = followed()
    for (let call = 0; call < 2 * liveLimits.calls; call++) calls.know(`x${call}`, 'caller', 'uuuu', begin)
    expect(calls.size).toBe(liveLimits.calls)
    const [check] = packets.filter(({ content }) => content.kind === 'stun' && content.username !== undefined)
    for (let port = 1; port < 10_000; port++) {
      calls.add(
        { ...check!, at: (begin + port / 10) as Epoch, source: { address: '10.9.9.9', port } },
        'eth0',
      )
    }
    const facts = calls.conclude('a', identity, begin, end)!
    expect(facts.flows.length).toBeLessThanOrEqual(liveLimits.waysEach)
  })

  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pick: fc.nat(packets.length - 1), port: fc.nat(65_535), late: fc.integer() })),
        all => {
          const calls = followed()
          for (const { pick, port, late } of all) {
            const packet = packets[pick]!
            calls.add(
              { ...packet, at: (begin + late) as Epoch, target: { ...packet.target, port } },
              `eth${port % 3}`,
            )
          }
          calls.conclude('a', identity, begin, end)
        },
      ),
    )
  })
})
