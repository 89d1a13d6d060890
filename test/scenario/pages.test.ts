/**
 * Seeded exploration of the real client library, and of what the web phone makes of its calls, against the real exchange:
 * pages and a telephone call, answer, decline, hang up, hand each other on, put each other on hold, ask a third one first,
 * connect or go back, and turn cameras on, while lines break either way and are noticed late, the daemon is killed and
 * started, media is cut or needs the relay, addresses change, lids are closed, pages are closed and loaded anew, other tabs
 * take the line, and rights are taken away. Whatever the seed: both ends of a call and its row agree, a page shows the calls
 * that it is in, nobody is on hold whom nobody lets wait, who was connected talks, and nobody rings for that; nothing rings,
 * calls or looks for a path for ever, what was declined does not ring again, calls outlive their lines, who turned a camera
 * on is seen, people are as pages were told, and nothing is left behind. A failure names its seed and tells its story.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SimAir } from '../sim/air.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimDevice, SimPage } from '../sim/page.ts'
import { type Fault, Town } from '../sim/town.ts'

const seeds = process.env.LANLINE_SOAK === '1' ? 6_000 : 100
const batch = 20

/** What may happen, by the seed: where less does, more must go well. */
const lives: readonly (readonly Fault[])[] = [
  [],
  ['line'],
  ['line', 'daemon'],
  ['line', 'media'],
  ['line', 'daemon', 'media', 'page', 'right'],
  ['line', 'networks'],
  ['line', 'sleep'],
  ['line', 'daemon', 'media', 'networks', 'sleep'],
  ['line', 'daemon', 'media', 'page', 'right', 'networks', 'sleep'],
]

beforeEach(() => {
  // A description that comes when its call is over is none to be told of.
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  // A page asks before it is left in a call.
  vi.stubGlobal('addEventListener', () => {})
  vi.stubGlobal('removeEventListener', () => {})
})

describe('whatever people, lines and plugs do to pages', () => {
  const states = new Set<string>()
  const fates = new Set<string>()
  const connected = new Set<string>()
  for (let first = 1; first <= seeds; first += batch) {
    it(`all who are in a call agree, and nothing goes on for ever (seeds ${first} to ${first + batch - 1})`, async () => {
      for (let seed = first; seed < first + batch; seed++) {
        const town = await explore(seed)
        for (const one of town.watch.seen) {
          for (const { state } of one.states) states.add(`${one.call.direction} ${state}`)
          fates.add(one.call.handOn?.state ?? '')
        }
        for (const { fate } of town.watch.connects) connected.add(fate ?? '')
      }
    }, 600_000)
  }

  it('is no quiet life', () => {
    const both = ['answering', 'connecting', 'connected', 'reconnecting', 'ended']
    const wanted = both.map(state => (state === 'answering' ? 'incoming incoming' : `outgoing ${state}`))
    expect([...fates]).toEqual(expect.arrayContaining(['answered', 'failed']))
    expect([...connected]).toEqual(expect.arrayContaining(['answered', 'failed']))
    expect([...states]).toEqual(expect.arrayContaining([...wanted, 'incoming answering', 'outgoing ringing']))
  })
})

async function explore(seed: number): Promise<Town> {
  const town = new Town(seed, lives[seed % lives.length]!)
  const { network } = town
  await network.pass(2_000)
  const steps = 20 + network.random.below(40)
  for (let step = 0; step < steps; step++) {
    town.act()
    await network.pass([0, 1, 3, 10, 100, 1_000, 5_000][network.random.below(7)]!)
  }
  await town.settle()
  expect(town.watch.wrong, `seed ${seed}\n${town.watch.diary.join('\n')}`).toEqual([])
  return town
}

describe('two pages', () => {
  async function ringing() {
    const network = new SimNetwork(1, { latencyMilliseconds: [1, 5], loss: 0, duplication: 0, reordering: 0 })
    const exchange = new SimExchange(network, ['alice', 'bob'])
    const air = new SimAir(network, exchange.thread)
    const [alice, bob] = ['alice-5', 'bob-5'].map(
      (name, index) => new SimPage(exchange, air, new SimDevice(name, `10.0.2.${index + 1}`)),
    ) as [SimPage, SimPage]
    await network.pass(1_000)
    const ours = alice.phone.call({ user: 'bob', name: 'Bob' }, { video: false })
    await network.pass(1_000)
    const theirs = bob.phone.calls[0]!
    const states = () => [ours.state, theirs.state]
    expect(states()).toEqual(['ringing', 'incoming'])
    return { network, exchange, air, alice, bob, ours, theirs, states }
  }

  async function talking() {
    const parts = await ringing()
    void parts.theirs.answer({ video: false })
    await parts.network.pass(1_000)
    expect(parts.states()).toEqual(['connected', 'connected'])
    return parts
  }

  it('see who turned a camera on before the call was established', async () => {
    for (const isCaller of [true, false]) {
      const { network, ours, theirs, states } = await ringing()
      if (isCaller) await ours.setCamera(true)
      void theirs.answer({ video: false })
      // The microphone is open, the answer not made yet.
      await network.pass(6)
      if (!isCaller) await theirs.setCamera(true)
      expect(theirs.state).toBe('answering')
      await network.pass(5_000)
      const [sees, seen] = isCaller ? [theirs, ours] : [ours, theirs]
      expect([seen.cameraOn, seen.picture.sends, sees.picture.receives]).toEqual([true, true, true])
      expect(states()).toEqual(['connected', 'connected'])
    }
  })

  it('agree on a picture, find each other again after a cut and at another address, and hang up', async () => {
    const { network, exchange, air, alice, bob, ours, theirs, states } = await talking()
    await ours.setCamera(true)
    await network.pass(1_000)
    expect([ours.picture.sends, theirs.picture.receives, theirs.peerMedia?.camera]).toEqual([
      true,
      true,
      true,
    ])
    air.cut(alice.device, bob.device)
    await network.pass(6_000)
    expect(states()).toEqual(['reconnecting', 'reconnecting'])
    air.mend(alice.device, bob.device)
    await network.pass(6_000)
    expect(states()).toEqual(['connected', 'connected'])
    alice.device.address = '10.0.2.77'
    alice.line!.break({
      up: true,
      down: true,
      inFlight: false,
      clientHears: undefined,
      serverHears: undefined,
    })
    air.changed()
    void alice.phone.networkChanged()
    await network.pass(3_000)
    expect(states()).toEqual(['connected', 'connected'])
    expect(ours.facts?.pair?.localAddress).toBe('10.0.2.77')
    ours.hangUp()
    await network.pass(60_000)
    expect(states()).toEqual(['ended', 'ended'])
    expect(exchange.leftovers()).toEqual({})
  })
})
