import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { liveLimits } from '../../src/admin/live.ts'
import type { LiveEvent } from '../../src/admin/message.ts'
import { Now } from '../../src/admin/now.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { AdminHouse } from './house.ts'

const noParty = {
  ...{ allocations: 0, openAllocations: 0, permissions: 0, sentPackets: 0, sentBytes: 0 },
  ...{ receivedPackets: 0, receivedBytes: 0, droppedPackets: 0, refusals: 0, refusedPeers: [] },
}
const call = { id: 'c1', callerUser: 'olivia', calleeUser: 'mia', startedAt: 1 } as unknown as CallRow

/** What one console hears. */
class Ear {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #rest = ''

  constructor(response: Response) {
    this.#reader = response.body!.getReader()
  }

  /** The next event; undefined: it was cut off. */
  async next(): Promise<LiveEvent | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n')
      if (end >= 0) {
        const text = this.#rest.slice(0, end)
        this.#rest = this.#rest.slice(end + 2)
        return JSON.parse(text.replace(/^data: /, ''))
      }
      const { value, done } = await this.#reader.read()
      if (done) return undefined
      this.#rest += new TextDecoder().decode(value)
    }
  }

  close(): Promise<void> {
    return this.#reader.cancel()
  }
}

let house: AdminHouse
let now: Now
const people: { user: string; name: string; number: string; presence: 'available' | 'inCall' }[] = []
beforeEach(async () => {
  people.length = 0
  const presence = (name: string) => people.find(({ user }) => user === name)?.presence ?? 'away'
  now = new Now({ presence, openCalls: () => [] })
  house = await AdminHouse.open({ live: now })
})
afterEach(() => house.close())

async function listen(headers: Record<string, string>): Promise<Response> {
  const request = new Request('http://any/api/v1/events', {
    headers: { host: 'lanline.local:8443', ...headers },
  })
  return house.app.fetch(request, { listener: 'https', peer: '10.1.1.9' })
}

describe('what consoles are told', () => {
  it('is everything first, then only what changed', async () => {
    const owner = await house.owner()
    const response = await listen(owner)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const ear = new Ear(response)
    const first = await ear.next()
    expect(first).toMatchObject({ kind: 'snapshot', calls: [], requests: [], relay: { grants: 0 } })
    expect(first).toMatchObject({ people: [{ name: 'olivia', presence: 'away' }], health: { status: 'ok' } })

    await house.api('POST', '/users', { headers: owner, body: { name: 'mia' } })
    expect(await ear.next()).toMatchObject({ kind: 'people', changed: [{ name: 'mia' }], gone: [] })

    people.push({ user: 'olivia', name: 'Olivia', number: '20', presence: 'available' })
    now.reached(house.store.directory.devices('olivia')[0]!.id, {
      ...{ transport: 'tls', address: '10.1.1.9', userAgent: 'x' },
    })
    expect(await ear.next()).toMatchObject({
      kind: 'people',
      changed: [{ name: 'olivia', presence: 'available', devices: [{ reachable: true }] }],
    })

    now.called(call)
    expect(await ear.next()).toMatchObject({ kind: 'call', call: { id: 'c1', ledger: { caller: noParty } } })

    await house.api('POST', '/devices', { body: { displayName: 'Gus', deviceName: 'Phone', kind: 'page' } })
    expect(await ear.next()).toMatchObject({ kind: 'requests', requests: [{ displayName: 'Gus' }] })

    await house.api('DELETE', '/users/mia', { headers: owner })
    expect(await ear.next()).toMatchObject({ kind: 'people', changed: [], gone: ['mia'] })
    await ear.close()
  })

  it('is a person’s presence also when it is that of who rings for them', async () => {
    const owner = await house.owner()
    await house.api('POST', '/users', { headers: owner, body: { name: 'house' } })
    await house.api('PATCH', '/users/house', { headers: owner, body: { alsoRings: ['olivia'] } })
    const ear = new Ear(await listen(owner))
    await ear.next()
    for (const user of ['olivia', 'house']) {
      people.push({ user, name: user, number: '20', presence: 'available' })
    }
    now.reached(house.store.directory.devices('olivia')[0]!.id, {
      ...{ transport: 'tls', address: '10.1.1.9', userAgent: 'x' },
    })
    expect(await ear.next()).toMatchObject({
      kind: 'people',
      changed: [
        { name: 'olivia', presence: 'available' },
        { name: 'house', presence: 'available' },
      ],
    })
    await ear.close()
  })

  it('is everybody in one event, however many they are, and nothing that changes meanwhile is lost', async () => {
    const owner = await house.owner()
    const names = Array.from({ length: 250 }, (_, index) => `p${index}`)
    for (const name of names) await house.store.directory.addUser({ name })
    const first = new Ear(await listen(owner))
    await first.next()
    // These two are made while the second console is told.
    const told = listen(owner)
    const changed = house.store.directory.changeUser('p7', { displayName: 'Seven' })
    await Promise.all([told, changed, house.store.directory.removeUser('p8')])
    const second = new Ear(await told)
    const all = await second.next()
    expect(all?.kind === 'snapshot' && all.people.length).toBeGreaterThanOrEqual(250)
    for (const ear of [first, second]) {
      const known = new Map(
        ear === second && all?.kind === 'snapshot' ? all.people.map(one => [one.name, one]) : [],
      )
      while (
        known.get('p7')?.displayName !== 'Seven' ||
        known.has('p8') ||
        (ear === first && known.size === 0)
      ) {
        const event = await ear.next()
        if (event?.kind !== 'people') continue
        for (const one of event.changed) known.set(one.name, one)
        for (const name of event.gone) known.delete(name)
      }
      await ear.close()
    }
  })

  it('is for the owner alone', async () => {
    await house.owner()
    const member = await house.member()
    expect((await listen({})).status).toBe(401)
    expect((await listen(member)).status).toBe(403)
  })

  it('ends when the session does', async () => {
    const owner = await house.owner()
    const ear = new Ear(await listen(owner))
    await ear.next()
    await house.api('DELETE', '/session', { headers: owner })
    await house.api('POST', '/users', { body: { name: 'eve' }, env: { listener: 'unix', peer: '' } })
    expect(await ear.next()).toBeUndefined()
  })

  it('is told to so many at once, and to another one when one has gone', async () => {
    const owner = await house.owner()
    const ears = await Promise.all(
      Array.from({ length: liveLimits.listeners }, async () => new Ear(await listen(owner))),
    )
    const refused = await listen(owner)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
    await ears[0]!.close()
    expect((await listen(owner)).status).toBe(200)
  })

  it('does not pile up for one that does not read', async () => {
    const owner = await house.owner()
    const response = await listen(owner)
    const long = 'x'.repeat(64)
    const wide = { ...call, callerName: long.repeat(1_000) } as CallRow
    const reader = new Ear(response)
    await reader.next()
    for (let told = 0; told < liveLimits.waitingBytes / 60_000 + 10; told++) {
      now.called({ ...wide, id: `c${told}` })
    }
    let heard = 0
    while ((await reader.next()) !== undefined) heard++
    expect(heard).toBeLessThan(liveLimits.waitingBytes / 60_000 + 5)
  })

  it('says how the machine is, to the owner', async () => {
    const owner = await house.owner()
    const { body } = await house.api('GET', '/health/detail', { headers: owner })
    expect(body).toMatchObject({ status: 'ok', machine: { cores: 4 }, findings: [{ check: 'clock' }] })
    expect((await house.api('GET', '/health/detail')).status).toBe(401)
  })
})
