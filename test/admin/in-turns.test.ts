import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { jsonArray, lotsOf } from '../../src/admin/in-turns.ts'

const many = Array.from({ length: 1_001 }, (_, index) => index)

it('every item comes once and in its order, some in each turn of the event loop', async () => {
  let turns = 0
  let over = false
  const count = async () => {
    while (!over) {
      await nextTurn()
      turns++
    }
  }
  const counting = count()
  const seen: number[] = []
  for await (const lot of lotsOf(many)) {
    expect(lot.length).toBeLessThanOrEqual(50)
    expect(turns).toBeGreaterThanOrEqual(seen.length / 50)
    seen.push(...lot)
  }
  over = true
  await counting
  expect(seen).toEqual(many)
})

it.each([0, 1, 50, 51, 1_001])('%i items are one JSON array', async count => {
  const items = many.slice(0, count).map(id => ({ id, name: 'ann' }))
  expect(await new Response(jsonArray(items)).json()).toEqual(items)
})

it('what nobody takes is not made', async () => {
  let made = 0
  const items = many.values().map(item => ++made && item)
  const reader = jsonArray(items).getReader()
  await reader.read()
  await nextTurn()
  await reader.cancel()
  await nextTurn()
  expect(made).toBeLessThanOrEqual(200)
})
