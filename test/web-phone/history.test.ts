import { expect, it } from 'vitest'
import type { ToldCall } from '../../src/admin/message.ts'
import { told } from '../../web-phone/src/history.ts'
import { texts, timeOf } from '../../web-phone/src/texts.ts'

const call = {
  ...{ id: 'c1', callerUser: 'alice', callerName: 'Alice', calleeUser: 'bob', calleeName: 'Bob' },
  ...{ video: false, startedAt: 1_000, answeredAt: 5_000, endedAt: 65_000, aliveAt: 60_000 },
  ...{ missed: false, missedSeen: false, outcome: { path: 'direct', grade: 'bothEnds', mos: 4.4 } },
} as unknown as ToldCall

it('a call is told from the side of the one who reads', () => {
  expect(told(call, 'alice', 100_000)).toMatchObject({
    user: 'bob',
    name: 'Bob',
    outgoing: true,
    talkedSeconds: 60,
  })
  expect(told(call, 'bob', 100_000)).toMatchObject({
    user: 'alice',
    name: 'Alice',
    outgoing: false,
    path: 'direct',
  })
})

it('a call that nobody took says why', () => {
  const said = (outgoing: boolean, reason: string | undefined): string =>
    texts.history.notAnswered(
      outgoing,
      told({ ...call, answeredAt: undefined, reason } as ToldCall, outgoing ? 'alice' : 'bob', 100_000)
        .reason,
    )
  expect(
    ['declined', 'busy', 'doNotDisturb', 'unreachable', 'cancelled', 'noAnswer'].map(why => said(true, why)),
  ).toEqual(['declined', 'busy', 'do not disturb', 'not reachable', 'given up', 'not answered'])
  expect(
    ['declined', 'cancelled', 'answeredElsewhere', 'toString', undefined].map(why => said(false, why)),
  ).toEqual(['declined', 'not taken', 'not taken', 'not taken', 'not taken'])
})

it('a call is missed by whom it rang, never by who called', () => {
  const missed = { ...call, missed: true, answeredAt: undefined } as ToldCall
  expect(told(missed, 'bob', 100_000)).toMatchObject({ missed: true, talkedSeconds: undefined })
  expect(told(missed, 'alice', 100_000)).toMatchObject({ missed: false, talkedSeconds: undefined })
})

it('a call that several answer to says for whom it was, and who took it', () => {
  const house = { calleeUser: 'house', calleeName: 'House', answererUser: 'bob', answererName: 'Bob' }
  const taken = { ...call, ...house } as ToldCall
  expect(told(taken, 'alice', 100_000)).toMatchObject({
    user: 'house',
    answeredBy: 'Bob',
    calledFor: undefined,
  })
  expect(told(taken, 'bob', 100_000)).toMatchObject({
    user: 'alice',
    answeredBy: undefined,
    calledFor: 'House',
  })
  const {
    answererUser: _,
    answererName: _name,
    ...missed
  } = { ...taken, missed: true, answeredAt: undefined }
  expect(told(missed as ToldCall, 'bob', 100_000)).toMatchObject({ missed: true, calledFor: 'House' })
  expect(told(call, 'bob', 100_000)).toMatchObject({ answeredBy: undefined, calledFor: undefined })
})

it('a way that is unknown or contradicted is not told, and one that goes on is as long as it was last alive', () => {
  const unknown = { ...call, outcome: { path: 'contradicted', grade: 'none', mos: undefined } } as ToldCall
  expect(told(unknown, 'bob', 100_000).path).toBeUndefined()
  const going = { ...call, endedAt: undefined } as ToldCall
  expect(told(going, 'bob', 100_000)).toMatchObject({ going: true, talkedSeconds: 55 })
})

it('a call of which the way may still come is looked at again, for a while', () => {
  const fresh = { ...call, outcome: undefined } as ToldCall
  expect(told(fresh, 'bob', 66_000).unsettled).toBe(true)
  expect(told(fresh, 'bob', 76_000).unsettled).toBe(false)
  expect(told(call, 'bob', 66_000).unsettled).toBe(false)
  expect(told({ ...fresh, answeredAt: undefined } as ToldCall, 'bob', 66_000).unsettled).toBe(false)
})

it('writes the time as one reads it there: no zero before an hour with AM or PM', () => {
  expect(timeOf(new Date(2026, 10, 22, 9, 5).getTime())).toMatch(/^(9:05\s[AP]M|0?9[:.]05)$/i)
})
