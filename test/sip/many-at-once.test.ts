/** What one fact brings about for very many requests under way: a little at a time, so that packets come in between. */
import { expect, it } from 'vitest'
import { SimHouse } from '../sim/house.ts'
import { calm, SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'

/** As many as hold the process for a few milliseconds. */
const atMost = 300
const many = 450

/** Alice talks with Bob. `most`: the most that the house ever sent or ended in one turn since `watch`. */
function talking(transport: 'tcp' | 'wss') {
  const home = new SimHouse(new SimNetwork(1, calm), ['alice', 'bob'])
  const alice = new SimPhone(home, { device: 'alice-1', transport })
  const bob = new SimPhone(home, { device: 'bob-1', transport, onInvite: 'answer' })
  for (const phone of [alice, bob]) phone.register()
  home.network.run(200)
  const call = alice.call('bob')
  home.network.run(200)
  expect(call.final).toBe(200)
  const { machine } = home
  let most = 0
  const watch = (): void => {
    for (const name of ['handle', 'wake'] as const) {
      const turn = machine[name].bind(machine) as (...given: unknown[]) => ReturnType<typeof machine.wake>
      machine[name] = (...given: unknown[]) => {
        const before = machine.sizes
        const effects = turn(...given)
        most = Math.max(most, effects.filter(({ kind }) => kind === 'send').length)
        for (const table of ['clientTransactions', 'serverTransactions'] as const)
          most = Math.max(most, before[table] - machine.sizes[table])
        return effects
      }
    }
  }
  const statuses: number[] = []
  const ask = (method: string): void => {
    for (let asked = 0; asked < many; asked++)
      alice.inDialog(call.dialog!, method, status => statuses.push(status))
    home.network.run(100)
  }
  return { home, alice, bob, call, statuses, ask, watch, most: () => most }
}

it.each(['tcp', 'wss'] as const)('%s: requests that wait for a telephone to register again', transport => {
  const { home, bob, statuses, ask, watch, most } = talking(transport)
  bob.disconnect()
  home.network.run(100)
  ask('INFO')
  watch()
  bob.connect()
  bob.register()
  home.network.run(1_000)
  expect(bob.requests.filter(method => method === 'INFO').length).toBeGreaterThan(100)
  home.network.run(40_000)
  expect(most()).toBeLessThan(atMost)
  expect([statuses.length, statuses.includes(200)]).toEqual([many, true])
})

it('requests to a telephone whose connection closes', () => {
  const { home, bob, statuses, ask, watch, most } = talking('wss')
  bob.deaf = true
  ask('INFO')
  watch()
  bob.disconnect()
  home.network.run(1_000)
  expect(most()).toBeLessThan(atMost)
  expect(statuses).toEqual(Array.from({ length: many }, () => 480))
  expect(home.machine.sizes.branches).toBe(0)
})

it('calls that ring when the caller’s connection closes', () => {
  const { home, alice, bob, watch, most } = talking('wss')
  bob.onInvite = 'ring'
  for (let call = 0; call < many; call++) alice.call('bob')
  home.network.run(200)
  const ringing = bob.requests.filter(method => method === 'INVITE').length - 1
  expect(ringing).toBe(many)
  watch()
  alice.disconnect()
  home.network.run(2_000)
  expect(most()).toBeLessThan(atMost)
  expect(bob.requests.filter(method => method === 'CANCEL')).toHaveLength(many)
  expect(home.machine.sizes.branches).toBe(0)
})

it('calls that ring when the caller’s right ends', () => {
  const { home, alice, bob, watch, most } = talking('wss')
  bob.onInvite = 'ring'
  for (let call = 0; call < many; call++) alice.call('bob')
  home.network.run(200)
  watch()
  home.revoke('alice-1')
  home.network.run(2_000)
  expect(most()).toBeLessThan(atMost)
  expect(bob.requests.filter(method => method === 'CANCEL')).toHaveLength(many)
  expect(home.machine.sizes.branches).toBe(0)
})

it('timers that are due at one moment', () => {
  const { home, alice, bob, call, watch, most } = talking('wss')
  const udp = new SimPhone(home, { device: 'bob-2', onInvite: 'silent' })
  udp.register()
  home.network.run(200)
  udp.deaf = true
  bob.disconnect()
  home.network.run(100)
  watch()
  for (let one = 0; one < many; one++) alice.call('bob')
  home.network.run(40_000)
  expect(call.final).toBe(200)
  expect(most()).toBeLessThan(atMost)
  expect(alice.outgoing.filter(({ final }) => final !== undefined)).toHaveLength(many + 1)
})
