import { describe, expect, it } from 'vitest'
import { type Interfaces, readInterfaces, watchInterfaces } from '../../src/runtime/interfaces.ts'

const everyMilliseconds = 5

describe('a change of own addresses', () => {
  it('that came while whoever watches was starting is told', async () => {
    const known: Interfaces = { addresses: [], links: [] }
    let stop = () => {}
    const told = await new Promise<Interfaces>(resolve => {
      stop = watchInterfaces([], known, resolve, everyMilliseconds)
    })
    stop()
    expect(told).toEqual(readInterfaces([]))
    expect(told.addresses).not.toEqual([])
  })

  it('is told once', async () => {
    const told: Interfaces[] = []
    const stop = watchInterfaces([], { addresses: [], links: [] }, each => told.push(each), everyMilliseconds)
    await expect.poll(() => told.length).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 10 * everyMilliseconds))
    stop()
    expect(told).toHaveLength(1)
  })
})
