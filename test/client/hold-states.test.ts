/** Each state of hold under each event, and what is still to be offered in it. */
import { describe, expect, it } from 'vitest'
import { Hold, type HoldEvent, type HoldState, holdAfter } from '../../client/hold.ts'

/** How one comes to each state. */
const ways: Readonly<Record<HoldState, readonly HoldEvent[]>> = {
  off: [],
  asked: ['holdOffered'],
  takenBack: ['holdOffered', 'takenBack'],
  on: ['holdOffered', 'answered'],
  leaving: ['holdOffered', 'answered', 'talkOffered'],
}

type Row = Readonly<Record<HoldEvent, HoldState>>
const table: Readonly<Record<HoldState, Row>> = {
  off: {
    holdOffered: 'asked',
    talkOffered: 'off',
    answered: 'off',
    takenBack: 'off',
    answeredLate: 'off',
    refused: 'off',
  },
  asked: {
    // One offer at a time.
    holdOffered: 'asked',
    talkOffered: 'asked',
    answered: 'on',
    takenBack: 'takenBack',
    // What is out is not late; and it is refused only once it is taken back.
    answeredLate: 'asked',
    refused: 'asked',
  },
  takenBack: {
    holdOffered: 'asked',
    // They may have taken the hold that was taken back.
    talkOffered: 'leaving',
    answered: 'off',
    takenBack: 'takenBack',
    answeredLate: 'on',
    refused: 'off',
  },
  on: {
    holdOffered: 'on',
    talkOffered: 'leaving',
    // A restart, or another picture: they wait on.
    answered: 'on',
    takenBack: 'on',
    // Of an offer to leave: it is offered again.
    answeredLate: 'on',
    refused: 'on',
  },
  leaving: {
    holdOffered: 'leaving',
    talkOffered: 'leaving',
    answered: 'off',
    takenBack: 'on',
    answeredLate: 'leaving',
    refused: 'leaving',
  },
}

const states = Object.keys(table) as HoldState[]
const events = Object.keys(table.off) as HoldEvent[]

describe('hold', () => {
  it.each(states)('comes to be %s', state => {
    expect(ways[state].reduce(holdAfter, 'off')).toBe(state)
  })

  it.each(
    states.flatMap(state => events.map(event => [state, event, table[state][event]] as const)),
  )('that is %s is after %s: %s', (state, event, next) => {
    expect(holdAfter(state, event)).toBe(next)
  })

  it.each([
    // state, wanted, agreed, agreed with a page, left, outdated
    ['off', false, true, true, false, false],
    ['off', true, false, true, false, false],
    ['asked', false, true, true, false, true],
    ['asked', true, false, true, false, false],
    ['takenBack', false, false, false, false, false],
    ['takenBack', true, false, true, false, false],
    ['on', false, false, false, true, false],
    ['on', true, true, true, false, false],
    ['leaving', false, false, false, true, false],
    ['leaving', true, true, true, false, false],
  ] as const)('that is %s, wanted: %s', (state, isWanted, isAgreed, isAgreedWithPage, isLeft, isOutdated) => {
    const hold = new Hold()
    for (const event of ways[state]) hold.happened(event)
    hold.isWanted = isWanted
    expect([hold.isAgreed(false), hold.isAgreed(true), hold.isLeft, hold.isOutdated]).toEqual([
      ...[isAgreed, isAgreedWithPage, isLeft, isOutdated],
    ])
  })
})
