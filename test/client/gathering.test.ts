/** Whether a description waits for candidates that are to go with it, because the other side takes none afterwards. */
import { expect, it } from 'vitest'
import { Gathering, newTransports } from '../../client/gathering.ts'
import { Peer } from '../../client/peer.ts'
import type { IceCandidate } from '../../src/signalling/message.ts'
import { FakeClock, FakePeerConnection } from './fakes.ts'

const section = (mid: number, ufrag: string) =>
  `m=audio 9 RTP/AVP 0\r\na=mid:${mid}\r\na=ice-ufrag:${ufrag}\r\n`

/** A second offer, and how many were sent at once, shortly before half a second and then. */
async function offered(second: string, iceGatheringState = 'complete', mend = (_: FakePeerConnection) => {}) {
  const clock = new FakeClock()
  let sdp = `v=0\r\n${section(0, 'old')}`
  class Connection extends FakePeerConnection {
    override async createOffer() {
      return { type: 'offer' as const, sdp }
    }
  }
  const env = { ...clock, now: () => clock.milliseconds, RTCPeerConnection: Connection }
  const told: string[] = []
  const listener = { candidate: ({ candidate }: IceCandidate) => told.push(candidate), changed: () => {} }
  const peer = new Peer(env as never, 0, 'balanced', listener)
  const connection = peer.connection as unknown as FakePeerConnection
  const first = peer.offer({ restart: false, wait: true })
  await clock.pass(500)
  expect(await first).toBe(sdp)
  await peer.takeAnswer('v=0 answer')
  connection.iceGatheringState = iceGatheringState
  mend(connection)
  sdp = second
  const sent: string[] = []
  peer.offer({ restart: false, wait: true }).then(
    said => sent.push(said),
    () => sent.push('none'),
  )
  const seen: number[] = []
  for (const milliseconds of [0, 499, 1]) {
    await clock.pass(milliseconds)
    seen.push(sent.length)
  }
  return { seen, sent, told, connection }
}

const same = `v=0\r\n${section(0, 'old')}`

it.each([
  ['whose candidates are all known goes at once', same, 'complete', [1, 1, 1]],
  ['waits while some are still looked for', same, 'gathering', [0, 0, 1]],
  ['waits for those of a new section', `${same}${section(1, 'old')}`, 'complete', [0, 0, 1]],
  ['waits for those of new credentials', `v=0\r\n${section(0, 'new')}`, 'complete', [0, 0, 1]],
] as const)('a description %s', async (_what, sdp, state, seen) => {
  expect((await offered(sdp, state)).seen).toEqual(seen)
})

it('a description that cannot be applied keeps no candidate back', async () => {
  const { sent, told, connection } = await offered(`v=0\r\n${section(0, 'new')}`, 'complete', one => {
    one.setLocalDescription = async () => {
      throw new Error('not now')
    }
  })
  const candidate = 'candidate:1 1 udp 1 10.0.0.2 5000 typ host'
  connection.found(candidate)
  expect([sent, told]).toEqual([['none'], [candidate]])
})

it.each([
  ['each of them, as Firefox tells it', ['0', '1'], [false, true]],
  ['another one and then all, as Chromium does', ['9', undefined], [false, true]],
  ['all at once', [undefined], [true]],
] as const)('several transports are waited for until the end of %s', async (_what, ends, seen) => {
  const clock = new FakeClock()
  const gathering = new Gathering(clock)
  let isDone = false
  void gathering.begin(['0', '1'], false).then(() => (isDone = true))
  const done: boolean[] = []
  for (const end of ends) {
    gathering.found('', end)
    await clock.pass(0)
    done.push(isDone)
  }
  expect(done).toEqual(seen)
})

it('sections on one transport have the candidates of the first, where they may have no others', () => {
  const next = `v=0\r\na=group:BUNDLE 0 1\r\n${section(0, 'new')}${section(1, 'new')}m=video 0 x 1\r\na=mid:2\r\n`
  expect(newTransports(next, '', 'max-bundle')).toEqual(['0'])
  expect(newTransports(next, '', 'balanced')).toEqual(['0', '1'])
  expect(newTransports(next, same.replace('old', 'new'), 'balanced')).toEqual(['1'])
  expect(newTransports(next, next, 'balanced')).toEqual([])
})
