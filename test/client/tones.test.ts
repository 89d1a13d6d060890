/** Keys of a telephone, pressed in a call. */
import { expect, it } from 'vitest'
import { fakePhone, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const bob = { user: 'bob', name: 'Bob' }

/** What a browser has where the other side takes keys; it holds what is not sent yet. */
class FakeDtmf {
  canInsertDTMF = true
  toneBuffer = ''

  insertDTMF(tones: string): void {
    this.toneBuffer = tones
  }
}

async function talking() {
  const parts = fakePhone()
  await parts.online()
  const placed = parts.phone.call(bob, { video: false })
  await parts.clock.pass(500)
  const dtmf = new FakeDtmf()
  Object.assign(parts.peer().transceivers[0]!.sender, { dtmf })
  parts.socket().say({ type: 'calling', ref: placed.ref, call })
  parts.socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
  await settle()
  const connected = async () => {
    parts.peer().become('connected')
    await settle()
  }
  return { ...parts, placed, dtmf, connected }
}

it('are sent to a telephone one after the other, once it is heard', async () => {
  const { placed, dtmf, connected } = await talking()
  expect(placed.sendTones('1')).toBe(false)
  await connected()
  expect(placed.takesTones).toBe(true)
  expect([placed.sendTones('1'), placed.sendTones('#')]).toEqual([true, true])
  expect(dtmf.toneBuffer).toBe('1#')
})

it('are only those that a telephone has', async () => {
  const { placed, dtmf, connected } = await talking()
  await connected()
  for (const keys of ['', 'A', ',', '1 2', '1'.repeat(33)]) expect(placed.sendTones(keys)).toBe(false)
  expect(dtmf.toneBuffer).toBe('')
})

it('are not sent to a client of ours, nor to who takes none, nor from where there are none', async () => {
  const { placed, dtmf, peer, connected } = await talking()
  await connected()
  dtmf.canInsertDTMF = false
  expect(placed.takesTones).toBe(false)
  dtmf.canInsertDTMF = true
  Object.assign(peer().transceivers[0]!.sender, { dtmf: null })
  expect(placed.sendTones('1')).toBe(false)
  Object.assign(peer().transceivers[0]!.sender, { dtmf })
  peer().channel!.open()
  peer().channel!.hear({ type: 'media', muted: false, camera: false, testSource: false })
  expect(placed.takesTones).toBe(false)
})
