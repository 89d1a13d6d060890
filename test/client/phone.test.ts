import { expect, it } from 'vitest'
import { fakePhone } from './fakes.ts'

it('a guest who is kept for good, or renamed, is what the appliance says at once', async () => {
  const { phone, online, socket } = fakePhone()
  await online({ role: 'guest', staySeconds: 3_600 })
  expect(phone.guestUntil).toBeDefined()
  let changes = 0
  phone.on('changed', () => changes++)
  socket().say({ type: 'standing', name: 'Gustav', role: 'member', staySeconds: null })
  expect(phone.guestUntil).toBeUndefined()
  expect(phone.me).toMatchObject({ role: 'member', name: 'Gustav', staySeconds: null })
  expect(changes).toBe(1)
})
