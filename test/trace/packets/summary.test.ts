import { describe, expect, it } from 'vitest'
import type { Epoch } from '../../../src/core/clock.ts'
import type { CallIdentity } from '../../../src/trace/packets/figures.ts'
import { captureFlows, flowLimits, untoldPackets } from '../../../src/trace/packets/flows.ts'
import type { Content, Packet, Stun } from '../../../src/trace/packets/message.ts'
import { CallMatch, summaryLimits } from '../../../src/trace/packets/summary.ts'
import { captured, read } from './files.ts'

/** Alice called Bob; what their clients reported of the call that `direct.pcapng` holds. */
const direct: CallIdentity = {
  parties: {
    caller: { ufrags: ['eIyP'], addresses: ['10.77.0.12'], ssrcs: [1965794124] },
    callee: { ufrags: ['Y26x'], addresses: ['10.77.0.13'] },
  },
  applianceAddresses: ['10.77.0.11', '10.78.0.11'],
}
/** The same people, when Bob was on the other network: `relayed.pcapng`. */
const relayed: CallIdentity = {
  parties: {
    caller: { ufrags: ['Oa9t'], addresses: ['10.77.0.12'] },
    callee: { ufrags: ['7orN'], addresses: ['10.78.0.13'] },
  },
  applianceAddresses: direct.applianceAddresses,
}

function figures(call: CallIdentity, packets: readonly Packet[]) {
  const match = new CallMatch(call)
  for (const packet of packets) match.add(packet)
  return match.figures()
}

const directPackets = read(captured('direct')).packets
const relayedPackets = read(captured('relayed')).packets
const nothing = { checks: 0, answers: 0, handshakeMessages: 0, mediaPackets: 0, mediaBytes: 0 }

describe('the figures of a call', () => {
  // Each number is also tshark's: test/interop/captures.test.ts compares them.
  it('that went directly say so: checks, handshake and media both ways, none by the appliance', () => {
    const { flows, totals } = figures(direct, directPackets)
    expect(totals.direct).toMatchObject({
      caller: { checks: 6, answers: 6, handshakeMessages: 1, mediaPackets: 304 },
      callee: { checks: 6, answers: 6, handshakeMessages: 1, mediaPackets: 312 },
    })
    for (const way of ['appliance', 'turn', 'elsewhere'] as const) {
      expect(totals[way]).toEqual({ caller: nothing, callee: nothing, unknown: nothing })
    }
    const [fromBob, fromAlice] = flows
    expect(flows.length).toBe(2)
    expect(fromAlice).toMatchObject({
      ...{ source: { address: '10.77.0.12', port: 37716 }, sender: 'caller', way: 'direct', nominations: 6 },
      handshake: [{ type: 2, hello: { version: 0xfefc, ciphers: [0x1301] } }],
    })
    expect(fromBob).toMatchObject({
      sender: 'callee',
      handshake: [{ type: 1, hello: { srtpProfiles: [1, 8, 7] } }],
    })
    expect(fromAlice!.streams.map(({ ssrc, packets, reportedBy }) => [ssrc, packets, reportedBy])).toEqual([
      [2442540027, 9, undefined],
      [1965794124, 226, 'caller'],
      [3702255460, 69, undefined],
    ])
    const { firstAt, lastAt } = fromAlice!.streams[1]!
    expect(lastAt! - firstAt!).toBeGreaterThan(4_000)
    expect(lastAt! - firstAt!).toBeLessThan(6_000)
  })

  it('that was relayed say so, with each leg: to the relay as it is, from the relay inside ChannelData', () => {
    const { totals, flows } = figures(relayed, relayedPackets)
    expect(totals.direct).toEqual({ caller: nothing, callee: nothing, unknown: nothing })
    expect(totals.appliance).toMatchObject({
      caller: { handshakeMessages: 1, mediaPackets: 306 },
      callee: { handshakeMessages: 1, mediaPackets: 311 },
      unknown: nothing,
    })
    expect(totals.turn).toMatchObject({
      caller: { handshakeMessages: 1, mediaPackets: 306 },
      callee: { handshakeMessages: 1, mediaPackets: 311 },
      unknown: nothing,
    })
    const inside = flows.find(flow => flow.way === 'turn' && flow.streams.length > 0)
    expect(inside).toMatchObject({
      ...{ source: { address: '10.78.0.13' }, target: { address: '10.78.0.11', port: 3_478 } },
      ...{ sender: 'callee', peer: { address: '10.77.0.12', port: 36462 } },
    })
  })

  it.each([
    ['directly', direct, directPackets],
    ['by the relay', relayed, relayedPackets],
  ])('that went %s are the same where each packet was captured on three interfaces', (_, call, packets) => {
    const once = figures(call, packets)
    const thrice = figures(
      call,
      packets.flatMap(packet => [packet, packet, packet]),
    )
    const counted = ({ flows }: typeof once) =>
      flows.map(({ source, checks, answers, streams }) => [
        ...[source, checks, answers],
        ...streams.map(({ ssrc, packets, bytes }) => [ssrc, packets, bytes]),
      ])
    expect(counted(thrice)).toEqual(counted(once))
  })

  it('of another call between the same two are nothing', () => {
    const { flows, totals } = figures({ ...relayed, parties: relayed.parties }, directPackets)
    expect(flows).toEqual([])
    expect(totals.direct.caller).toEqual(nothing)
    const half = { ...direct.parties, callee: { ...direct.parties.callee, ufrags: ['7orN'] } }
    const sameAddresses = { ...direct, parties: { ...half, caller: { ...half.caller, ssrcs: [] } } }
    expect(figures(sameAddresses, directPackets).flows).toEqual([])
  })

  it('from the middle of a call are found by SSRCs that a party reports', () => {
    const media = directPackets.filter(({ content }) => content.kind === 'rtp')
    const { flows, totals } = figures(direct, media)
    expect(flows.map(({ matchedBy }) => matchedBy)).toEqual(['ssrc', 'ssrc'])
    expect(totals.direct).toMatchObject({ caller: { mediaPackets: 304 }, callee: { mediaPackets: 312 } })
  })

  it('count what came before the first check, as soon as one is seen on that path', () => {
    const checksLast = [...directPackets].sort(
      (one, other) => Number(one.content.kind === 'stun') - Number(other.content.kind === 'stun'),
    )
    expect(figures({ ...direct }, checksLast).totals.direct.caller.mediaPackets).toBe(304)
  })

  it('of a party that is on the appliance’s own address are never direct', () => {
    const here = { ...direct, applianceAddresses: ['10.77.0.13'] }
    const { totals } = figures(here, directPackets)
    expect(totals.direct.caller).toEqual(nothing)
    expect(totals.appliance.caller.mediaPackets).toBe(304)
  })

  it('by an address that is nobody’s are said to go elsewhere', () => {
    const stranger = { ...direct.parties.callee, addresses: ['10.9.9.9'] }
    const { totals } = figures({ ...direct, parties: { ...direct.parties, callee: stranger } }, directPackets)
    expect(totals.direct.caller).toEqual(nothing)
    expect(totals.elsewhere.caller.checks).toBe(6)
  })

  it('have what each party exchanged with the appliance unreadably, by port', () => {
    const { encrypted } = figures(relayed, relayedPackets)
    expect(encrypted.map(({ party, appliance }) => [party, appliance.port])).toEqual(
      expect.arrayContaining([
        ['caller', 443],
        ['callee', 443],
        ['callee', 5_349],
      ]),
    )
  })

  it('are bounded: by checks without end more paths are left out than counted, and said to be', () => {
    const flood = Array.from({ length: 3 * summaryLimits.paths }, (_, index) =>
      packet(
        { kind: 'stun', class: 'request', method: 1, transaction: `${index}`, username: 'Y26x:eIyP' },
        index,
      ),
    )
    const { flows, leftOut } = figures(direct, flood)
    expect(flows.length).toBe(summaryLimits.paths)
    expect(leftOut).toBe(2 * summaryLimits.paths)
    const streams = Array.from({ length: 200 }, (_, ssrc) =>
      packet({ kind: 'rtp', ssrc, payloadType: 96, sequence: 1, marker: false }, 0),
    )
    const one = figures(direct, [flood[0]!, ...streams])
    expect(one.flows[0]!.streams.length).toBe(summaryLimits.streamsPerFlow)
    expect(one.leftOut).toBe(200 - summaryLimits.streamsPerFlow)
  })

  it('make one line for each path and direction, with packets per stream inside TURN too', () => {
    const lines = captureFlows(figures(relayed, relayedPackets))
    const keys = lines.map(({ source, target, way, peer }) => `${source} ${target} ${way} ${peer}`)
    expect(new Set(keys).size).toBe(lines.length)
    const toRelay = lines.find(({ target, rtp }) => target.startsWith('10.77.0.11:') && rtp.length > 0)
    expect(toRelay).toMatchObject({ way: 'appliance', dtls: ['ServerHello'] })
    const fromBob = lines.filter(({ source, way }) => source.startsWith('10.78.0.13') && way === 'turn')
    expect(fromBob.length).toBeGreaterThan(0)
    expect(fromBob.every(({ target, sender }) => target.endsWith(':3478') && sender === 'callee')).toBe(true)
    const inside = fromBob.flatMap(({ rtp }) => rtp.map(({ packets }) => packets))
    expect(inside.reduce((sum, packets) => sum + packets, 0)).toBeGreaterThan(300)
    expect(untoldPackets(figures(relayed, relayedPackets), lines)).toBe(0)
  })

  it('tell of a flood of paths those with most packets, and how many packets the others had', () => {
    const paths = Array.from({ length: 200 }, (_, port) =>
      Array.from({ length: 1 + (port % 7) }, (_, count) =>
        packet({ ...ownCheck, transaction: `${count}` }, port + 1),
      ),
    ).flat()
    const flooded = figures(direct, paths)
    const lines = captureFlows(flooded)
    expect(lines.length).toBe(flowLimits.flows)
    expect(Math.min(...lines.map(({ packets }) => packets))).toBeGreaterThan(4)
    const told = lines.reduce((sum, { packets }) => sum + packets, 0)
    expect(untoldPackets(flooded, lines)).toBe(paths.length - told)
  })
})

const ownCheck: Stun = {
  ...{ kind: 'stun', class: 'request', method: 1, transaction: '1', username: 'Y26x:eIyP' },
}

function packet(content: Content, port: number): Packet {
  return {
    ...{
      number: 1,
      offset: 0,
      at: 1 as Epoch,
      interface: 0,
      comments: [],
      transport: 'udp',
      content,
      bytes: 50,
    },
    source: { address: '10.77.0.12', port },
    target: { address: '10.77.0.13', port: 1 },
  }
}
