/**
 * What the appliance captures by itself: as the bridge that one of the two is behind it sees their packets and proves the
 * way; as one host among others it sees none, which proves nothing and is called that. Then `scripts/capture` at the two
 * computers proves it.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedTrace } from '../../src/trace/document.ts'
import type { CaptureFacts } from '../../src/trace/message.ts'
import { aliceSeat, bobSeat, House } from '../net/house.ts'
import { type ExecResult, type Lan, must, run } from '../net/lan.ts'
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
    })
    afterAll(() => house?.remove())

    it('proves the way as the bridge between the two', async () => {
      const trace = await called(theApplianceDoes)
      const { facts, line } = ofAppliance(trace)
      console.info(line?.figures)
      expect(line).toMatchObject({ outcome: 'holds' })
      expect(trace.verdict).toMatchObject({ path: 'direct', grade: 'packets', contradictions: [] })
      const media = facts.flows.flatMap(({ rtp }) => rtp)
      expect(media).toHaveLength(2)
      // Each is counted once, though it crossed two ports.
      for (const { ssrc, packets } of media) expect(packets).toBeLessThanOrEqual(sentOf(trace, ssrc) + 100)
      for (const { ssrc, packets } of media) expect(packets).toBeGreaterThan(sentOf(trace, ssrc) * 0.9)
    })

    it('sees none of it as one host among others; scripts/capture at the two computers proves the way', async () => {
      await asOneHost(house.lan)
      // Over a line of its own, whatever the pulled cable left of the old one.
      await alice.page.reload()
      await alice.ready()
      const atTheirs = [captureAt('alice', 'tcpdump'), captureAt('bob', 'dumpcap')]
      const trace = await called(() =>
        Promise.all([theApplianceDoes(), ...atTheirs.map(({ begun }) => begun)]),
      )
      // It runs on for a while, since the next call may come soon.
      for (const pid of await capturing()) process.kill(Number(pid), 'SIGKILL')
      await until('the loss is told', () => house.daemon.output.includes('captureLost'))
      const { facts, line } = ofAppliance(trace)
      expect(facts).toMatchObject({ flows: [], takenAt: 'appliance' })
      expect(line?.figures).toMatch(/silence supports a direct path and proves none/)
      for (const { code, stdout, stderr } of await Promise.all(atTheirs.map(({ ended }) => ended))) {
        expect(stderr).toMatch(/capturing headers of call [0-9a-f]{32} on eth0/)
        expect(stderr).not.toContain('correct horse')
        expect({ code, stdout, stderr }).toMatchObject({
          ...{ code: 0, stdout: 'Direct: captured packets show it, and both ends agree.\n' },
        })
      }
      const { events, verdict, call } = await exported(trace.call.id)
      expect(verdict).toMatchObject({ path: 'direct', grade: 'packets', contradictions: [] })
      const brought = events.flatMap(event =>
        event.kind === 'capture' && event.facts.takenAt === 'client' ? [event.facts] : [],
      )
      expect(brought).toHaveLength(2)
      for (const { frames, flows } of brought) {
        // Nothing else was let through, not even these hosts' own talk with the appliance.
        expect(flows.reduce((sum, { packets }) => sum + packets, 0)).toBeGreaterThan(frames * 0.9)
      }
      const { malformed, comments } = await readByTshark(call.id)
      expect(malformed).toBe('')
      for (const name of [
        'check',
        'DTLS ClientHello',
        'one of the first of stream',
        'one of the last of stream',
      ]) {
        expect(comments).toMatch(new RegExp(`event [0-9]+: captured by .*: ${name}`))
      }
    })

    const theApplianceDoes = (): Promise<unknown> =>
      until('the appliance captures', async () => (await capturing()).length > 0)

    async function capturing(): Promise<string[]> {
      const { stdout } = await run('ip', ['netns', 'pids', house.host('pi').namespace])
      return stdout.split('\n').filter(pid => pid !== '' && commandOf(pid) === 'dumpcap')
    }

    /** Started before the call, by the owner, who may see every call. */
    function captureAt(host: string, program: string) {
      const authority = new X509Certificate(readFileSync(house.daemon.authorityFile))
      const fingerprint = createHash('sha256').update(authority.raw).digest('hex')
      const words = ['--user', house.owner.enrolment.user, '--password-stdin', '--program', program]
      const all = [...words, '--fingerprint', fingerprint, house.daemon.origin]
      const child = house.host(host).spawn('sh', ['scripts/capture', ...all], { stdio: 'pipe' })
      let [stdout, stderr] = ['', '']
      const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<ExecResult>()]
      child.stdout?.on('data', chunk => {
        stdout += String(chunk)
      })
      child.stderr?.on('data', chunk => {
        stderr += String(chunk)
        if (stderr.includes('the capture runs')) begun.resolve()
      })
      child.once('close', code => {
        begun.resolve()
        ended.resolve({ code: code ?? -1, stdout, stderr })
      })
      child.stdin?.end('correct horse battery\n')
      return { begun: begun.promise, ended: ended.promise }
    }

    async function exported(call: string): Promise<SignedTrace> {
      const { stdout } = await house.daemon.cli(['trace', 'export', call])
      return JSON.parse(stdout) as SignedTrace
    }

    async function readByTshark(call: string): Promise<{ malformed: string; comments: string }> {
      const file = `${house.lan.directory}/call.pcapng`
      await house.daemon.cli(['trace', 'export', call, '--format', 'pcapng', '--output', file])
      const words = ['-n', '-r', file, '-T', 'fields', '-e', 'frame.number']
      const { stdout: malformed } = await must(
        run('tshark', [...words, '-e', '_ws.expert.message', '-Y', '_ws.malformed']),
      )
      const { stdout: comments } = await must(run('tshark', [...words, '-e', 'frame.comment']))
      return { malformed, comments }
    }

    async function called(captures: () => Promise<unknown>): Promise<SignedTrace> {
      const before = (await house.daemon.calls()).length
      await alice.callAudio('Bob')
      await bob.rings('Alice')
      // A person takes longer to pick up than a capture to begin.
      await captures()
      await bob.accept()
      await Promise.all([hears(alice.page, 1_000), hears(bob.page, 440)])
      await pause(4_000)
      await alice.hangUp()
      await Promise.all([alice.ready(), bob.ready()])
      const call = (await house.daemon.calls())[0]!.id
      expect(await house.daemon.calls()).toHaveLength(before + 1)
      let trace: SignedTrace | undefined
      await until('the appliance tells what it captured', async () => {
        trace = await exported(call)
        return trace.events.some(event => event.kind === 'capture' && event.facts.takenAt === 'appliance')
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
  const captures = events.flatMap(event =>
    event.kind === 'capture' && event.facts.takenAt === 'appliance' ? [event.facts] : [],
  )
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

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}
