import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inTurns } from '../../src/runtime/turns.ts'

function stream() {
  const said: string[] = []
  return { said, pause: () => void said.push('pause'), resume: () => void said.push('resume') }
}

it('so many messages are handled at once, the others after them, and the stream is read again', async () => {
  const { said, ...paused } = stream()
  const handled: number[] = []
  inTurns(paused, [1, 2, 3, 4, 5], 2, message => handled.push(message) > 0)
  expect([handled, said]).toEqual([[1, 2], ['pause']])
  await nextTurn()
  expect([handled, said]).toEqual([[1, 2, 3, 4], ['pause']])
  await nextTurn()
  expect([handled, said]).toEqual([
    [1, 2, 3, 4, 5],
    ['pause', 'resume'],
  ])
})

it('few messages are handled at once, and nobody waits', () => {
  const { said, ...paused } = stream()
  const handled: number[] = []
  inTurns(paused, [1, 2], 2, message => handled.push(message) > 0)
  expect([handled, said]).toEqual([[1, 2], []])
})

it('once one of them is not wanted the rest is dropped, and a closed stream is not read again', async () => {
  const { said, ...paused } = stream()
  const handled: number[] = []
  inTurns(paused, [1, 2, 3, 4, 5], 2, message => handled.push(message) < 3)
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  expect([handled, said]).toEqual([[1, 2, 3], ['pause']])
})
