/** What the appliance tells of people, message by message. */
import { expect, it } from 'vitest'
import { nothingTold, toldAtFirst, toldSince } from '../../client/told.ts'
import type { Person } from '../../src/signalling/message.ts'
import { welcome } from './fakes.ts'

const now = 1_000
const person = (user: string, presence: Person['presence'] = 'available'): Person => ({
  ...{ user, name: user, number: '30', presence },
})
const told = toldAtFirst(welcome(), now)
const users = ({ roster }: { readonly roster: readonly Person[] }) => roster.map(one => one.user)

it('one is not in one’s own list', () => {
  expect(users(told)).toEqual(['bob'])
  expect(toldSince(told, { type: 'presence', person: person('alice', 'inCall') }, now)).toBe(told)
  const roster = ['alice', 'carol'].map(user => person(user))
  expect(users(toldSince(told, { type: 'roster', roster }, now)!)).toEqual(['carol'])
})

it('somebody takes their own place, somebody new the last', () => {
  const busy = toldSince(told, { type: 'presence', person: person('bob', 'inCall') }, now)!
  expect(busy.roster).toEqual([person('bob', 'inCall')])
  expect(users(toldSince(busy, { type: 'presence', person: person('carol') }, now)!)).toEqual([
    'bob',
    'carol',
  ])
})

it('an older appliance, which knows of no hours, is understood', () => {
  const on = toldSince(told, { type: 'doNotDisturb', on: true } as never, now)!
  expect([on.doNotDisturb, on.quiet]).toEqual([true, { byHand: true, within: false, hours: null }])
})

it('a guest’s end is by the clock here', () => {
  const guest = { type: 'standing', name: 'Gast', role: 'guest', staySeconds: 60 } as const
  expect(toldSince(told, guest, now)).toMatchObject({
    guestUntil: 61_000,
    me: { name: 'Gast', role: 'guest' },
  })
  expect(toldSince(nothingTold, guest, now)!.me, 'not before the first welcome').toBeUndefined()
})

it('a welcome tells all anew', () => {
  const asked = toldSince(told, { type: 'requests', waiting: [{} as never] }, now)!
  expect([asked.requests.length, toldAtFirst(welcome(), now).requests.length]).toEqual([1, 0])
})

it('what is about something else tells nothing', () => {
  expect(toldSince(told, { type: 'pong', id: 1 }, now)).toBeUndefined()
})
