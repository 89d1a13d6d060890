/**
 * Calls between two browsers, captured at the switch: our reader and tshark find the same, the figures say which way the
 * call went, and imported into the call's trace they are its proof. With LANLINE_KEEP_CAPTURES=1 the files in test/vectors/captures are made anew.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ImportedCapture } from '../../src/admin/message.ts'
import { type Evidence, evidenceOf, type PartyEvidence } from '../../src/trace/evidence.ts'
import type { Verdict } from '../../src/trace/message.ts'
import type { PartyIdentity } from '../../src/trace/packets/figures.ts'
import { handshakeName } from '../../src/trace/packets/flows.ts'
import { CallMatch } from '../../src/trace/packets/summary.ts'
import { Capture } from '../net/capture.ts'
import { byTshark, byUs, type Dissection, type Figures } from '../net/dissect.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { must, run } from '../net/lan.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

const folder = fileURLToPath(new URL('../vectors/captures/', import.meta.url))
const appliance = ['10.77.0.11', '10.78.0.11']

describeWith(
  ['namespaces', 'chromium', 'certutil', 'dumpcap', 'tshark', 'nft'],
  'a call captured at the switch',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage
    let direct: { readonly call: string; readonly file: string } | undefined

    beforeAll(async () => {
      const prepare = async (lan: House['lan']) => void (await lan.join('pi', 'eth0.20', 'vlan20'))
      house = await House.build({ seats: [aliceSeat, bobSeat], prepare })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    it('that goes directly is shown to: nothing of it by way of the appliance', async () => {
      const { totals, packets, of, call, file } = await talk('direct')
      direct = { call, file }
      for (const party of ['caller', 'callee'] as const) {
        const { checks, answers, handshakeMessages, mediaPackets } = totals.direct[party]
        expect(Math.min(checks, answers, handshakeMessages)).toBeGreaterThan(0)
        expect(mediaPackets).toBeGreaterThan(100)
        expect(totals.appliance[party].mediaPackets + totals.turn[party].mediaPackets).toBe(0)
      }
      await concludes(call, { path: 'direct', grade: 'packets', contradictions: [] })
      // Another call's ufrags, between the same two addresses.
      const strangers = {
        caller: { ...of.caller, ufrags: ['none'], ssrcs: [1] },
        callee: { ...of.callee, ssrcs: [2] },
      }
      const other = new CallMatch({ parties: strangers, applianceAddresses: appliance })
      for (const packet of packets) other.add(packet)
      expect(other.figures().flows).toEqual([])
    })

    it('that is relayed is shown to, inside ChannelData too', async () => {
      await house.lan.move('bob', 'vlan20')
      await bob.page.reload()
      await bob.ready()
      const { totals, call, file, told } = await talk('relayed')
      expect(told.verdict).toMatchObject({ path: 'relayed', grade: 'ledger', contradictions: [] })
      expect(told.verdict.checked.find(({ id }) => id === 'packets')?.outcome).toBe('holds')
      for (const party of ['caller', 'callee'] as const) {
        expect(totals.direct[party].mediaPackets).toBe(0)
        expect(totals.turn[party].mediaPackets).toBeGreaterThan(100)
        expect(totals.turn[party].checks).toBeGreaterThan(0)
        expect(
          totals.turn[party].handshakeMessages + totals.appliance[party].handshakeMessages,
        ).toBeGreaterThan(0)
      }
      // Each beside the other's call.
      expect(await imported(call, direct!.file)).toMatchObject({
        ...{ kind: 'nothing', facts: { flows: [] }, verdict: { path: 'relayed' } },
      })
      expect(await imported(direct!.call, file)).toMatchObject({
        ...{ kind: 'nothing', facts: { flows: [] }, verdict: { path: 'direct', grade: 'packets' } },
      })
    })

    it('that is relayed over TCP is shown to', async () => {
      const rule = 'chain input { type filter hook input priority 0; policy accept; udp dport 3478 drop; }'
      await must(house.host('pi').exec('nft', ['-f', '-'], `table inet lanline {\n${rule}\n}\n`))
      const { totals, packets, told } = await talk('tcp')
      expect(told.verdict).toMatchObject({ path: 'relayed', contradictions: [] })
      const overTcp = packets.filter(
        ({ transport, content }) => transport === 'tcp' && content.kind === 'rtp',
      )
      expect(overTcp.length).toBeGreaterThan(100)
      expect(totals.turn.caller.mediaPackets).toBeGreaterThan(100)
      expect(totals.turn.callee.mediaPackets).toBeGreaterThan(100)
    })

    async function talk(name: string) {
      const capture = await Capture.across(house.lan, [house.lan.bridge, 'vlan20'])
      await alice.callVideo('Bob')
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([hears(alice.page, 1_000, 20, 2), hears(bob.page, 440, 20, 2)])
      await pause(3_000)
      const of = {
        caller: await identity(alice, house.host('alice').address),
        callee: await identity(bob, house.host('bob').address),
      }
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      await capture.stop()
      const [theirs, { packets, ending, ...ours }] = await Promise.all([
        byTshark(capture.file),
        byUs(capture.file),
      ])
      if (!isDeepStrictEqual(ours, theirs)) {
        mkdirSync('test-output', { recursive: true })
        copyFileSync(capture.file, `test-output/${name}-differs.pcapng`)
      }
      expect(ours).toEqual(theirs)
      expect(ending.stop).toBe(undefined)
      if (process.env.LANLINE_KEEP_CAPTURES !== undefined && name !== 'tcp') {
        await must(run('bash', [`${folder}keep`, capture.file, `${folder}${name}.pcapng`]))
        console.info(name, of)
      }
      const call = (await house.daemon.calls())[0]!.id
      const told = await imported(call, capture.file)
      expect(told).toMatchObject({ kind: 'added', file: { frames: ending.frames, format: 'pcapng' } })
      const evidence = evidenceOf((await house.owner.trace(call)).events)
      expect(shownOf(told)).toEqual(shownBy(theirs, evidence))
      expect(await imported(call, capture.file)).toMatchObject({ kind: 'known', event: told.event })
      // A call that was sent round once more shook hands under ufrags that its browsers name no longer.
      const parties = {
        caller: { ...of.caller, ufrags: [...of.caller.ufrags, ...evidence.caller.sentUfrags] },
        callee: { ...of.callee, ufrags: [...of.callee.ufrags, ...evidence.callee.sentUfrags] },
      }
      const match = new CallMatch({ parties, applianceAddresses: appliance })
      for (const packet of packets) match.add(packet)
      return { ...match.figures(), packets, of, call, told, file: capture.file }
    }

    async function imported(call: string, file: string): Promise<ImportedCapture> {
      const { stdout } = await house.daemon.cli([
        ...['trace', 'import', call, file],
        ...['--taken-at', 'switch', '--json'],
      ])
      return JSON.parse(stdout)
    }

    /** The last reports come when the call is over. */
    async function concludes(call: string, verdict: Partial<Verdict>): Promise<void> {
      await until(`the verdict is ${verdict.grade}`, async () => {
        return (await house.owner.trace(call)).verdict.grade === verdict.grade
      }).catch(() => {})
      expect((await house.owner.trace(call)).verdict).toMatchObject(verdict)
    }
  },
)

/** What the import says of the call's packets, in the form in which tshark's dissection has it. */
function shownOf({ facts }: ImportedCapture) {
  const rtp: Figures = {}
  const handshakes = new Set<string>()
  const checks = { caller: 0, callee: 0 }
  for (const flow of facts.flows) {
    const ends = [flow.source, flow.target].map(end => end.replace(/:\d+$/, '')).join(' ')
    for (const { ssrc, packets } of flow.rtp) rtp[`${ends} ${ssrc}`] = (rtp[`${ends} ${ssrc}`] ?? 0) + packets
    for (const name of flow.dtls) handshakes.add(`${flow.source} ${name}`)
    if (flow.sender !== 'unknown') checks[flow.sender] += flow.checks
  }
  return { rtp, handshakes, checks }
}

/** Of every ICE generation, which the descriptions in the trace name. */
function shownBy({ rtp, handshakeMessages, usernames }: Dissection, { caller, callee }: Evidence) {
  const sentBy = (own: PartyEvidence, other: PartyEvidence): number => {
    const names = other.sentUfrags.flatMap(receiver => own.sentUfrags.map(sender => `${receiver}:${sender}`))
    return names.reduce((sum, name) => sum + (usernames[name] ?? 0), 0)
  }
  const handshakes = handshakeMessages.map(message => {
    const [source, type] = message.split(' ')
    return `${source} ${handshakeName(Number(type))}`
  })
  const checks = { caller: sentBy(caller, callee), callee: sentBy(callee, caller) }
  return { rtp, handshakes: new Set(handshakes), checks }
}

/** What that browser knows of its own call. */
async function identity(phone: PhonePage, address: string): Promise<PartyIdentity> {
  const { ufrags, ssrcs } = await phone.page.evaluate(async () => {
    const scope = window as unknown as { watched: { connections: RTCPeerConnection[] } }
    const connection = scope.watched.connections.at(-1)!
    const sdp = connection.localDescription!.sdp
    const stats = [...(await connection.getStats()).values()]
    return {
      ufrags: [...new Set([...sdp.matchAll(/^a=ice-ufrag:(\S+)/gm)].map(found => found[1]!))],
      ssrcs: stats.filter(stat => stat.type === 'outbound-rtp').map(stat => Number(stat.ssrc)),
    }
  })
  return { ufrags, ssrcs, addresses: [address] }
}
