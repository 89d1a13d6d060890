/** Browsers that keep nothing: no room, or site data that are not allowed. */
import { expect, it } from 'vitest'
import { fakePhone, settle } from './fakes.ts'

const call = '0123456789abcdef0123456789abcdef'
const bob = { user: 'bob', name: 'Bob' }
const refuse = (): never => {
  throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
}

it('a call goes from its placing to its end where nothing of it can be kept', async () => {
  const { phone, storage, online, peer, socket } = fakePhone()
  Object.assign(storage, { setItem: refuse, removeItem: refuse })
  await online()
  const placed = phone.call(bob, { video: false })
  await settle()
  peer().found(null)
  await settle()
  const [sent] = socket().ofType('call')
  socket().say({ type: 'calling', ref: sent!.ref, call })
  socket().say({ type: 'ringing', call })
  socket().say({ type: 'answered', call, sdp: 'v=0 answer', trickle: true, by: bob })
  await settle()
  socket().say({ type: 'dialog', call, dialog: 'token-1' })
  peer().become('connected')
  await settle()
  expect(placed.state).toBe('connected')
  placed.hangUp()
  await settle()
  expect(socket().ofType('bye')).toHaveLength(1)
  socket().say({ type: 'ended', call, by: 'self', reason: 'hangup', code: 0 })
  expect(phone.calls).toEqual([])
})

it('a phone begins where what was kept may not be read', async () => {
  const { storage, reloaded } = fakePhone()
  Object.assign(storage, { getItem: refuse })
  expect(reloaded().calls).toEqual([])
})
