/**
 * What the appliance captures by itself: as the bridge that one of the two is behind it sees their packets and proves the
 * way; as one host among others it sees none, which proves nothing and is called that.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { CaptureFacts } from '../../src/trace/message.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { type Lan, must, run } from '../net/lan.ts'
import { hears } from '../net/media-check.ts'
import { describeWith } from '../net/peers.ts'
import type { PhonePage } from '../net/phone-page.ts'
import { pause, until } from '../net/wait.ts'

describeWith(
  ['namespaces', 'chromium', 'certutil', 'dumpcap', 'tcpdump'],
  'an appliance that captures',
  () => {
    let house: House
    let alice: PhonePage
    let bob: PhonePage

    beforeAll(async () => {
      house = await House.build({ seats: [aliceSeat, bobSeat], prepare: bridged })
      await house.owner.addUser('alice', 'Alice')
      await house.owner.addUser('bob', 'Bob')
      alice = await house.phone('Alice', 'alice')
      bob = await house.phone('Bob', 'bob')
    }, 120_000)
    afterAll(() => house?.remove())

    it('proves the way as the bridge between the two', async () => {
      const trace = await called()
      const { facts, line } = ofAppliance(trace)
      console.info(line?.figures)
      expect(line).toMatchObject({ outcome: 'holds' })
      expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'packets', contradictions: [] })
      const media = facts.flows.flatMap(({ rtp }) => rtp)
      expect(media).toHaveLength(2)
      // Each is counted once, though it crossed two ports.
      for (const { ssrc, packets } of media) expect(packets).toBeLessThanOrEqual(sentOf(trace, ssrc) + 100)
      for (const { ssrc, packets } of media) expect(packets).toBeGreaterThan(sentOf(trace, ssrc) * 0.9)
    }, 120_000)

    it('sees none of it as one host among others, which proves nothing', async () => {
      await asOneHost(house.lan)
      const trace = await called()
      const { facts, line } = ofAppliance(trace)
      expect(facts).toMatchObject({ flows: [], takenAt: 'appliance' })
      expect(line?.outcome).toBe('missing')
      expect(line?.figures).toMatch(/silence supports a direct path and proves none/)
      expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'bothEnds', contradictions: [] })
    }, 120_000)

    async function called(): Promise<SignedTrace> {
      const before = (await house.daemon.calls()).length
      await alice.callAudio('Bob')
      await bob.rings('Alice')
      await bob.accept()
      await Promise.all([hears(alice.page, 1_000), hears(bob.page, 440)])
      await pause(4_000)
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      const call = (await house.daemon.calls())[0]!.id
      expect(await house.daemon.calls()).toHaveLength(before + 1)
      let trace: SignedTrace | undefined
      await until('the appliance tells what it captured', async () => {
        const { stdout } = await house.daemon.cli(['trace', 'export', call])
        trace = JSON.parse(stdout) as SignedTrace
        return trace.events.some(({ kind }) => kind === 'capture')
      })
      return trace!
    }
  },
)

/** Alice's cable ends in the appliance, which ties it to its own one. */
async function bridged(lan: Lan): Promise<void> {
  const [pi, { port }] = [lan.host('pi'), lan.host('alice')]
  await must(run('ip', ['-n', lan.switchNamespace, 'link', 'set', port, 'netns', pi.namespace]))
  await batch(pi.namespace, [
    'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'addr flush dev eth0',
    ...['eth0', port].flatMap(name => [`link set ${name} master br0`, `link set ${name} up`]),
    `addr add ${pi.address}/24 dev br0`,
    'link set br0 up',
    'route add default dev br0',
  ])
}

async function asOneHost(lan: Lan): Promise<void> {
  const [pi, { port }] = [lan.host('pi'), lan.host('alice')]
  await must(run('ip', ['-n', pi.namespace, 'link', 'set', port, 'nomaster', 'netns', lan.switchNamespace]))
  await batch(lan.switchNamespace, [`link set ${port} master ${lan.bridge}`, `link set ${port} up`])
}

const batch = (namespace: string, lines: readonly string[]): Promise<unknown> =>
  must(run('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`))

function ofAppliance({ events, verdict }: SignedTrace) {
  const captures = events.flatMap(event => (event.kind === 'capture' ? [event.facts] : []))
  expect(captures).toHaveLength(1)
  return {
    facts: captures[0] as CaptureFacts,
    line: verdict.checked.find(({ id }) => id === 'packets'),
  }
}

/** By the last word of whoever sent it. */
function sentOf({ events }: SignedTrace, ssrc: number): number {
  const counts = events.flatMap(event =>
    event.kind === 'quality'
      ? event.streams
          .filter(one => one.direction === 'sent' && one.ssrc === ssrc)
          .map(({ packets }) => packets)
      : [],
  )
  return Math.max(...counts)
}
