/** What somebody with a password can make the exchange hold: so many bytes, however many requests that is. */
import { expect, it } from 'vitest'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

const body = new Uint8Array(10_000).fill(0x61)
const limits = { transactionBytes: 200_000, answerBytes: 100_000 }

function house(): { home: SimHouse; alice: SimPhone; bob: SimPhone; send: (count: number) => number[] } {
  const home = new SimHouse(new SimNetwork(1), ['alice', 'bob'], limits)
  const [alice, bob] = (['alice-1', 'bob-1'] as const).map(device => {
    const phone = new SimPhone(home, { device, transport: device === 'alice-1' ? 'tcp' : 'udp' })
    phone.register()
    home.network.runUntil(() => phone.statuses.length > 0, 1_000)
    return phone
  }) as [SimPhone, SimPhone]
  const send = (count: number): number[] => {
    const statuses: number[] = []
    for (let one = 0; one < count; one++) {
      const to = '<sip:bob@lanline.local>'
      const done = ({ status }: { status: number }): void => void statuses.push(status)
      alice.request({ method: 'MESSAGE', uri: 'sip:bob@lanline.local', to, body, done })
    }
    home.network.run(1_000)
    return statuses
  }
  return { home, alice, bob, send }
}

it('requests under way are bounded by their bytes, as they came and as they went on; what is more is told to come again', () => {
  const { home, bob, send } = house()
  // Nobody is there any more, and nobody says so.
  bob.deaf = true
  const statuses = send(40)
  const held = home.machine.sizes.serverTransactions
  expect(held).toBeGreaterThan(5)
  expect(held * 2 * body.length).toBeLessThanOrEqual(limits.transactionBytes + 2 * 12_000)
  expect(statuses.filter(status => status === 503)).toHaveLength(40 - held)
  // All of them end, and then there is room again.
  home.network.run(40_000)
  expect(home.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0 })
  bob.deaf = false
  expect(send(5)).toEqual([200, 200, 200, 200, 200])
})
