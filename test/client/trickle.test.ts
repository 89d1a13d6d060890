import { expect, it } from 'vitest'
import { limitCandidates, Trickle } from '../../client/trickle.ts'
import type { IceCandidate } from '../../src/signalling/message.ts'

const candidate = (number: number) => ({ candidate: `candidate:${number}` }) as IceCandidate

/** Candidates of a call whose other end the test plays. */
function trickling() {
  const parts = { answered: true, way: true, sent: [] as string[] }
  const trickle = new Trickle({
    mayGo: () => parts.answered,
    send: ({ candidate }) => parts.way && parts.sent.push(candidate) > 0,
  })
  trickle.isTaken = true
  return { trickle, parts }
}

it('a candidate goes at once in a call that is answered, and waits for the answer in one that is not', () => {
  const { trickle, parts } = trickling()
  parts.answered = false
  trickle.add(candidate(1))
  trickle.add(candidate(2))
  expect(parts.sent).toEqual([])
  parts.answered = true
  trickle.flush()
  trickle.add(candidate(3))
  expect(parts.sent).toEqual(['candidate:1', 'candidate:2', 'candidate:3'])
})

it('no candidate overtakes a description, and of two descriptions at once it waits for both', () => {
  const { trickle, parts } = trickling()
  trickle.holdBack()
  trickle.holdBack()
  trickle.add(candidate(1))
  trickle.letGo()
  trickle.flush()
  expect(parts.sent).toEqual([])
  trickle.letGo()
  trickle.flush()
  expect(parts.sent).toEqual(['candidate:1'])
})

it('without a way candidates are kept in their order, and each goes once', () => {
  const { trickle, parts } = trickling()
  parts.way = false
  trickle.add(candidate(1))
  trickle.add(candidate(2))
  parts.way = true
  trickle.flush()
  trickle.flush()
  expect(parts.sent).toEqual(['candidate:1', 'candidate:2'])
})

it('who takes none gets none, and those from before are not sent later', () => {
  const { trickle, parts } = trickling()
  trickle.isTaken = false
  trickle.add(candidate(1))
  trickle.isTaken = true
  trickle.flush()
  expect(parts.sent).toEqual([])
})

it('more than the limit are not kept', () => {
  const { trickle, parts } = trickling()
  parts.answered = false
  for (let number = 0; number <= limitCandidates; number++) trickle.add(candidate(number))
  parts.answered = true
  trickle.flush()
  expect(parts.sent).toHaveLength(limitCandidates)
})
