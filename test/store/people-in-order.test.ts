/** The list of everybody, which every change of anybody needs anew: kept in order, not sorted each time. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { byName } from '../../src/core/name-order.ts'
import { Held } from '../../src/store/directory/held.ts'
import type { UserRow } from '../../src/store/message.ts'

const empty = (): Held =>
  new Held(
    undefined as never,
    undefined as never,
    () => 0 as Epoch,
    () => 0 as Monotonic,
  )

const rowOf = (name: string, displayName: string): UserRow => ({
  ...{ name, displayName, number: name, role: 'member', stay: undefined, seenByGuests: false, alsoRings: [] },
  ...{ doorKeys: '', passwordHash: undefined, doNotDisturbByHand: false, quietHours: undefined },
  ...{ quietSkipped: undefined, disabled: false, createdAt: 0 as Epoch },
})

it('is what sorting it would give, whatever is changed in whichever order', () => {
  const name = fc.integer({ min: 0, max: 9 }).map(digit => `p${digit}`)
  const step = fc.oneof(
    fc.record({ name, displayName: fc.constantFrom('Ann', 'ann', 'Bob 2', 'Bob 10', 'Čapek', '', '٣') }),
    fc.record({ name, displayName: fc.constant(undefined) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const held = empty()
      for (const { name, displayName } of steps) {
        if (displayName !== undefined) held.keepUser(rowOf(name, displayName))
        else if (held.users.has(name)) held.forgetUser(name)
        expect(held.inOrder()).toEqual([...held.users.values()].sort(byName))
      }
    }),
  )
})

it('costs few looks at names where one of very many is changed', () => {
  const held = empty()
  let looks = 0
  const counted = (row: UserRow): UserRow =>
    Object.defineProperty({ ...row }, 'displayName', {
      get: () => {
        looks++
        return row.displayName
      },
    })
  for (let at = 0; at < 2_000; at++) held.keepUser(counted(rowOf(`p${at}`, `Person ${(at * 7) % 2_000}`)))
  const before = held.inOrder()
  looks = 0
  held.keepUser(counted({ ...rowOf('p5', 'Person 35'), doNotDisturbByHand: true }))
  held.keepUser(counted(rowOf('p6', 'Somebody else')))
  held.keepUser(counted(rowOf('new', 'Somebody new')))
  held.forgetUser('p7')
  expect(held.inOrder().map(({ name }) => name)).toEqual(
    before
      .map(({ name }) => name)
      .filter(name => name !== 'p6' && name !== 'p7')
      .concat('p6', 'new'),
  )
  expect(looks).toBeLessThan(200)
})
