/** What of a call that was for several people each of them is shown, and a guest of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ToldCall } from '../../src/admin/message.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { type Epoch, hours } from '../../src/core/clock.ts'
import { AdminHouse } from './house.ts'

type Name = 'olivia' | 'mia' | 'noah' | 'gast'
let house: AdminHouse
let owner: Readonly<Record<string, string>>
const tokens = {} as Record<Name, string>

const at = 1_800_000_000_000
const call = (id: string, changed: Partial<CallRow>): CallRow => ({
  ...{ id: id.repeat(32), callerUser: 'gast', callerName: 'Gast', callerDevice: 'd1' },
  ...{ calleeUser: 'house', calleeName: 'House', calleeDevice: undefined, video: false },
  ...{ startedAt: at as Epoch, aliveAt: at as Epoch, endedAt: (at + 9_000) as Epoch, ringingAt: undefined },
  ...{ answeredAt: undefined, endedBy: 'caller', reason: 'cancelled', code: 487 },
  ...{ missed: false, missedSeen: false, callerPair: undefined, calleePair: undefined },
  ...{ relayReason: undefined, ledger: undefined, ...changed },
})

/** The guest called the house, which they may know, and Mia took it, whom they may not. */
const taken = call('a', {
  ...{ answeredAt: (at + 3_000) as Epoch, calleeDevice: 'd2', reason: 'hangup', code: 0 },
  ...{ answererUser: 'mia', answererName: 'Mia', others: [{ user: 'mia' }, { user: 'noah' }] },
})
/** Olivia called the house: Mia declined, Noah missed it. */
const missed = call('b', {
  ...{ callerUser: 'olivia', callerName: 'Olivia', missed: true },
  others: [
    { user: 'mia', became: 'declined' },
    { user: 'noah', became: 'missed' },
  ],
})
/** Olivia called Mia, whose phone forwarded it to the guest. */
const forwarded = call('c', {
  ...{ callerUser: 'olivia', callerName: 'Olivia', calleeUser: 'mia', calleeName: 'Mia' },
  ...{ answererUser: 'gast', answererName: 'Gast', answeredAt: at as Epoch, calleeDevice: 'd3' },
  others: [{ user: 'gast' }],
})
/** As `taken`, kept before it was written down at whom else a call rang. */
const { others: _, ...ofOld } = call('d', { ...taken, id: 'd'.repeat(32) })

/** Olivia called the guest, and hid who she is; and Mia. */
const hidden = call('e', {
  ...{ callerUser: 'olivia', callerName: 'Olivia', callerDevice: 'd4', callerHidden: true, missed: true },
  ...{ calleeUser: 'gast', calleeName: 'Gast' },
})
const hiddenFromMia = { ...hidden, id: 'f'.repeat(32), calleeUser: 'mia', calleeName: 'Mia' }

beforeAll(async () => {
  house = await AdminHouse.open()
  owner = await house.owner()
  const { directory, calls } = house.store
  await directory.addUser({ name: 'house', displayName: 'House' })
  await directory.changeUser('house', { seenByGuests: true })
  await directory.addUser({ name: 'mia', displayName: 'Mia' })
  await directory.addUser({ name: 'noah', displayName: 'Noah' })
  const page = { name: 'Phone', kind: 'page' } as const
  const stay = await directory.addInvite(undefined, hours(1), 3_600)
  tokens.gast = (await directory.enrolByInvite(stay.token, 'Gast', page)).token
  for (const user of ['olivia', 'mia', 'noah'] as const)
    tokens[user] = (await directory.enrol({ user }, page)).token
  for (const row of [taken, missed, forwarded, ofOld, hidden, hiddenFromMia]) await calls.save(row)
})
afterAll(() => house.close())

const asked = (name: Name, path: string) =>
  house.api('GET', path, { headers: { authorization: `Bearer ${tokens[name]}` } })
const callsOf = async (name: Name): Promise<Record<string, ToldCall>> => {
  const { calls } = (await asked(name, '/calls')).body as { calls: ToldCall[] }
  return Object.fromEntries(calls.map(one => [one.id[0], one]))
}

describe('a call to several people', () => {
  it('is listed for who called, who took it and who missed it, and told of each as theirs', async () => {
    const noahs = await callsOf('noah')
    expect(Object.keys(noahs)).toEqual(['b'])
    expect(noahs.b).toMatchObject({ calleeUser: 'house', missed: true, missedSeen: false })
    expect(Object.keys(await callsOf('mia')).sort()).toEqual(['a', 'c', 'd', 'f'])
    expect(await callsOf('olivia')).toMatchObject({ b: { missed: true } })
    expect((await asked('noah', `/calls/${missed.id}`)).body).toMatchObject({ missed: true })
    expect((await asked('mia', `/calls/${missed.id}`)).status).toBe(404)
  })

  it('says whom else it was for to the owner’s console alone', async () => {
    for (const name of ['olivia', 'mia', 'noah', 'gast'] as const)
      for (const one of Object.values(await callsOf(name))) expect(one).not.toHaveProperty('others')
    const { body } = await house.api('GET', `/calls/${missed.id}`, { headers: owner })
    expect(body.others).toEqual(missed.others)
  })
})

describe('a guest', () => {
  it('is not told who took a call of theirs, if they may not know them', async () => {
    const { a } = await callsOf('gast')
    expect(a).toMatchObject({ calleeUser: 'house', calleeName: 'House', answeredAt: at + 3_000 })
    for (const path of ['/calls', `/calls/${taken.id}`, `/calls/${ofOld.id}`, '/calls.csv'])
      expect((await asked('gast', path)).text, path).not.toMatch(/mia|noah|d2/i)
    expect((await callsOf('mia')).a).toMatchObject({ answererUser: 'mia' })
  })

  it('is not told for whom a call was that they took, if they may not know them', async () => {
    expect((await callsOf('gast')).c).toMatchObject({
      calleeUser: 'gast',
      calleeName: 'Gast',
      callerUser: 'olivia',
    })
  })

  it('is not told who called them, where that one hides it, though the house is', async () => {
    expect((await callsOf('gast')).e).toMatchObject({ callerUser: 'anonymous', callerName: 'Anonymous' })
    for (const path of [`/calls/${hidden.id}`, '/calls.csv'])
      expect((await asked('gast', path)).text.replace(/^.*c{32}.*$/m, ''), path).not.toMatch(/olivia|d4/i)
    for (const name of ['mia', 'olivia'] as const)
      expect((await callsOf(name)).f).toMatchObject({ callerUser: 'olivia', callerHidden: true })
    for (const file of ['trace.json', 'capture'])
      expect((await asked('gast', `/calls/${hidden.id}/${file}`)).status).toBe(404)
  })

  it.each(['trace.json', 'capture'])('gets no %s of calls that name people they may not know', async file => {
    for (const { id } of [taken, forwarded, ofOld]) {
      expect((await asked('gast', `/calls/${id}/${file}`)).status).toBe(404)
      expect((await asked('mia', `/calls/${id}/${file}`)).status).toBe(200)
    }
  })

  it('is not told at whom calls to them ring as well, if they may not know them', async () => {
    await house.store.directory.changeUser('gast', { alsoRings: ['mia', 'house'] })
    const patch = { headers: { authorization: `Bearer ${tokens.gast}` }, body: { doNotDisturb: false } }
    const { status, body } = await house.api('PATCH', '/users/gast', patch)
    expect([status, body.alsoRings]).toEqual([200, ['house']])
  })
})
