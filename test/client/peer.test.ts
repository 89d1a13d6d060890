/** What is received, as tracks come and go. */
import { expect, it } from 'vitest'
import { environment } from '../../client/env.ts'
import { Peer } from '../../client/peer.ts'
import { FakePeerConnection } from './fakes.ts'

it('a track whose end is told twice takes no other with it', () => {
  const env = environment({ RTCPeerConnection: FakePeerConnection as never })
  const peer = new Peer(env, env.now(), 'max-bundle', { candidate: () => {}, changed: () => {} })
  const [picture, sound] = ['video', 'audio'].map(kind => ({ kind }) as MediaStreamTrack)
  for (const track of [picture!, sound!]) peer.connection.ontrack?.({ track } as RTCTrackEvent)
  for (let time = 0; time < 2; time++) picture!.onended?.({} as Event)
  expect(peer.remoteTracks).toEqual([sound])
})
