import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CallRow } from '../../src/calls/message.ts'
import { days, type Epoch, hours, type Monotonic, minutes } from '../../src/core/clock.ts'
import { userNameFrom } from '../../src/store/credentials.ts'
import { type DirectoryEvent, limits } from '../../src/store/directory/message.ts'
import { openStore, type Store } from '../../src/store/store.ts'

let path: string
let store: Store
let now = Date.UTC(2027, 0, 1) as Epoch
let running = 0 as Monotonic
const open = (): Promise<Store> =>
  openStore(
    path,
    () => now,
    () => running,
  )
const reopen = async (): Promise<void> => {
  await store.close()
  store = await open()
}
beforeEach(async () => {
  running = 0 as Monotonic
  now = Date.UTC(2027, 0, 1) as Epoch
  path = mkdtempSync(join(tmpdir(), 'lanline-directory-'))
  store = await open()
})
afterEach(async () => {
  await store.close()
  rmSync(path, { recursive: true, force: true })
})

const page = { name: 'Browser', kind: 'page' as const }

test('a SIP device is found by its digest user, with both hashes over the realm, also after a restart', async () => {
  await store.directory.addUser({ name: 'bob', displayName: 'Bob', sipPassword: 'secret phone' })
  const { realm } = store.settings.identity()
  const hash = (algorithm: string): string =>
    createHash(algorithm).update(`bob:${realm}:secret phone`).digest('hex')
  const due = { user: 'bob', ha1Md5: hash('md5'), ha1Sha256: hash('sha256') }
  expect(store.directory.byDigestUser('bob')).toMatchObject(due)
  await reopen()
  expect(store.directory.byDigestUser('bob')).toMatchObject(due)
})

test('a new SIP password keeps the device, replaces the hashes and is told to whoever goes by them', async () => {
  await store.directory.addUser({ name: 'bob', sipPassword: 'secret phone' })
  const before = store.directory.byDigestUser('bob')!
  const told: unknown[] = []
  store.directory.onChange(event => told.push(event))
  await store.directory.setSipPassword('bob', 'another one')
  expect(told).toEqual([{ kind: 'password', device: before.device }])
  const after = store.directory.byDigestUser('bob')!
  expect(after.device).toBe(before.device)
  expect(after.ha1Md5).not.toBe(before.ha1Md5)
})

test('a person who does not exist, exists already or has no proper name is refused', async () => {
  await store.directory.addUser({ name: 'bob' })
  const { directory } = store
  await expect(directory.addUser({ name: 'bob' })).rejects.toMatchObject({ code: 'taken' })
  await expect(directory.addUser({ name: 'Bob Baker' })).rejects.toMatchObject({ code: 'badName' })
  await expect(directory.removeUser('nobody')).rejects.toMatchObject({ code: 'notFound' })
  await expect(directory.enrol({ user: 'nobody' }, page)).rejects.toMatchObject({ code: 'notFound' })
})

test('of many adding the same person at once, one does', async () => {
  const outcome = await Promise.allSettled(
    Array.from({ length: 20 }, () => store.directory.addUser({ name: 'bob' })),
  )
  expect(outcome.filter(result => result.status === 'fulfilled')).toHaveLength(1)
})

test('people are told in the order of their names, whoever came first and whatever they are called later', async () => {
  for (const displayName of ['Person 10', 'zoe', 'Émile', 'Person 9', 'Frank']) {
    await store.directory.enrol({ displayName }, page)
  }
  const names = () => store.directory.users().map(({ displayName }) => displayName)
  expect(names()).toEqual(['Émile', 'Frank', 'Person 9', 'Person 10', 'zoe'])
  await store.directory.changeUser('zoe', { displayName: 'Ada' })
  await store.directory.removeUser('frank')
  expect(names()).toEqual(['Ada', 'Émile', 'Person 9', 'Person 10'])
  expect(store.directory.people().map(({ displayName }) => displayName)).toEqual(names())
})

test('people of the same name get addresses of their own', async () => {
  const first = await store.directory.enrol({ displayName: 'Müller, Ann' }, page)
  const second = await store.directory.enrol({ displayName: 'Müller, Ann' }, page)
  expect([first.device.user, second.device.user]).toEqual(['muller-ann', 'muller-ann-2'])
  expect(['Ann', '李雷', '  ', 'Straße 7', 'x'.repeat(80)].map(userNameFrom)).toEqual([
    'ann',
    'person',
    'person',
    'strasse-7',
    'x'.repeat(32),
  ])
})

test('a revoked device is gone at once and after a restart, and those who listen are told', async () => {
  const { device, token } = await store.directory.enrol({ displayName: 'Ann' }, page)
  const told: DirectoryEvent[] = []
  store.directory.onChange(event => told.push(event))
  expect(store.directory.byToken(token)?.device).toBe(device.id)
  await store.directory.revokeDevice(device.id)
  expect(store.directory.byToken(token)).toBeUndefined()
  expect(store.directory.userOfDevice(device.id)).toBeUndefined()
  expect(told).toContainEqual({ kind: 'revoked', device: device.id, user: 'ann' })
  await reopen()
  expect(store.directory.byToken(token)).toBeUndefined()
})

test('with a person go their devices, invites and registrations', async () => {
  await store.directory.addUser({ name: 'bob', sipPassword: 'secret phone' })
  const { device } = await store.directory.enrol({ user: 'bob' }, page)
  await store.directory.addInvite('bob', hours(1))
  const told: string[] = []
  store.directory.onChange(event => event.kind === 'revoked' && told.push(event.device))
  await store.directory.removeUser('bob')
  expect(told).toHaveLength(2)
  expect(told).toContain(device.id)
  expect(store.directory.invites()).toEqual([])
  expect(store.directory.byDigestUser('bob')).toBeUndefined()
  await reopen()
  expect(store.directory.devices()).toEqual([])
})

test('an invite lets one device in, once, and not after its time', async () => {
  const once = await store.directory.addInvite(undefined, hours(1))
  const late = await store.directory.addInvite(undefined, hours(1))
  await reopen()
  const enrolled = await store.directory.enrolByInvite(once.token, 'Ann', page)
  expect(enrolled.device.user).toBe('ann')
  const again = store.directory.enrolByInvite(once.token, 'Eve', page)
  await expect(again).rejects.toMatchObject({ code: 'badInvite' })
  now = (now + hours(1)) as Epoch
  await expect(store.directory.enrolByInvite(late.token, 'Eve', page)).rejects.toMatchObject({
    code: 'badInvite',
  })
  await expect(store.directory.enrolByInvite('guess', 'Eve', page)).rejects.toMatchObject({
    code: 'badInvite',
  })
})

test('an invitation until a certain hour leaves its guest what is left of it, however late it is used', async () => {
  const told: unknown[] = []
  const joined = async (stayFromNow: boolean) => {
    const made = await store.directory.addInvite(undefined, hours(4), 4 * 3_600, stayFromNow)
    now = (now + hours(3)) as Epoch
    await reopen()
    told.push(store.directory.invited(made.token))
    const { device } = await store.directory.enrolByInvite(made.token, 'Gast', page)
    return store.directory.staySeconds(device.user)
  }
  expect([await joined(true), await joined(false)]).toEqual([3_600, 4 * 3_600])
  expect(told).toEqual([
    { displayName: undefined, staySeconds: 3_600, stayFromJoin: false },
    { displayName: undefined, staySeconds: 4 * 3_600, stayFromJoin: true },
  ])
})

test('spent invitations are remembered for a month, over restarts, and not without end', async () => {
  const used = await store.directory.addInvite(undefined, hours(1))
  const expired = await store.directory.addInvite(undefined, hours(1))
  await store.directory.enrolByInvite(used.token, 'Ann', page)
  now = (now + hours(2)) as Epoch
  await store.directory.sweep()
  await reopen()
  const why = (token: string): unknown => {
    try {
      return store.directory.invited(token)
    } catch (error) {
      return (error as { detail?: string }).detail
    }
  }
  expect([why(used.token), why(expired.token)]).toEqual(['used', 'expired'])
  now = (now + days(31)) as Epoch
  await store.directory.sweep()
  await reopen()
  expect([why(used.token), why(expired.token)]).toEqual(['unknown', 'unknown'])
})

test('of two devices using one invite at once, one gets in', async () => {
  const { token } = await store.directory.addInvite(undefined, hours(1))
  const outcome = await Promise.allSettled(
    ['Ann', 'Eve'].map(name => store.directory.enrolByInvite(token, name, page)),
  )
  expect(outcome.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(store.directory.users()).toHaveLength(1)
})

test('an invite made before the clock was set does not expire when it is', async () => {
  now = 60_000 as Epoch
  const { token } = await store.directory.addInvite(undefined, hours(1))
  now = Date.UTC(2027, 0, 1) as Epoch
  expect((await store.directory.enrolByInvite(token, 'Ann', page)).device.user).toBe('ann')
})

test('an invite or a request made by a clock years ahead is over once it is set back, not for years good', async () => {
  const right = now
  now = (right + days(5_000)) as Epoch
  const { token } = await store.directory.addInvite(undefined, hours(1))
  await store.directory.addRequest({ displayName: 'Ann', device: page, address: '10.0.0.9' })
  now = (right - hours(1)) as Epoch
  const good = await store.directory.addInvite(undefined, hours(1))
  now = right
  await expect(store.directory.enrolByInvite(token, 'Eve', page)).rejects.toMatchObject({ code: 'badInvite' })
  await store.directory.sweep()
  expect(store.directory.requests()).toEqual([])
  // What a small correction makes a little younger than it is stays good.
  now = (right - hours(2)) as Epoch
  expect((await store.directory.enrolByInvite(good.token, 'Ann', page)).device.user).toBe('ann')
})

test('an allowed request tells the same token however often its answer is fetched', async () => {
  const { request, secret } = await store.directory.addRequest({
    displayName: 'Ann',
    device: page,
    address: '10.0.0.9',
  })
  expect((await store.directory.fetchRequest(request.id, secret)).state).toBe('waiting')
  await expect(store.directory.fetchRequest(request.id, 'wrong')).rejects.toMatchObject({ code: 'notFound' })
  await store.directory.allowRequest(request.id, {})
  await reopen()
  const first = await store.directory.fetchRequest(request.id, secret)
  const second = await store.directory.fetchRequest(request.id, secret)
  expect(second.enrolled?.token).toBe(first.enrolled?.token)
  expect(store.directory.byToken(first.enrolled!.token)?.user).toBe('ann')
  expect(store.directory.devices('ann')).toHaveLength(1)
})

test('a device revoked after its request was allowed is not made again by fetching once more', async () => {
  const { request, secret } = await store.directory.addRequest({
    displayName: 'Ann',
    device: page,
    address: '',
  })
  await store.directory.allowRequest(request.id, {})
  const { enrolled } = await store.directory.fetchRequest(request.id, secret)
  await store.directory.revokeDevice(enrolled!.device.id)
  await expect(store.directory.fetchRequest(request.id, secret)).rejects.toMatchObject({ code: 'notFound' })
  await reopen()
  await expect(store.directory.fetchRequest(request.id, secret)).rejects.toMatchObject({ code: 'notFound' })
})

test('requests wait in bounded number and are forgotten after a day', async () => {
  const ask = (address: string) => store.directory.addRequest({ displayName: 'Eve', device: page, address })
  await Promise.all(Array.from({ length: limits.requestsWaiting }, (_, index) => ask(`10.0.0.${index}`)))
  await expect(ask('10.0.0.99')).rejects.toMatchObject({ code: 'tooManyWaiting' })
  now = (now + days(1) + 1) as Epoch
  await store.directory.sweep()
  expect(store.directory.requests()).toEqual([])
  await reopen()
  expect(store.directory.requests()).toEqual([])
})

test('do not disturb and names are kept over a restart', async () => {
  await store.directory.addUser({ name: 'bob' })
  await store.directory.changeUser('bob', { doNotDisturb: true, displayName: 'Bobby' })
  await reopen()
  expect(store.directory.people()).toMatchObject([{ user: 'bob', displayName: 'Bobby', doNotDisturb: true }])
})

test('a guest is let in for a time, and gone with all their devices when it is over, also over a restart', async () => {
  const told: DirectoryEvent[] = []
  await store.directory.addUser({ name: 'bob' })
  const { request, secret } = await store.directory.addRequest({
    displayName: 'Gast',
    device: page,
    address: '',
  })
  await store.directory.allowRequest(request.id, { staySeconds: 7_200 })
  const { enrolled } = await store.directory.fetchRequest(request.id, secret)
  expect(store.directory.user('gast')).toMatchObject({ role: 'guest', seenByGuests: false })
  expect(store.directory.staySeconds('gast')).toBe(7_200)
  now = (now + hours(1)) as Epoch
  await reopen()
  expect(store.directory.staySeconds('gast')).toBe(3_600)
  expect(store.directory.byToken(enrolled!.token)).toMatchObject({ user: 'gast' })
  now = (now + hours(1)) as Epoch
  // Before anybody swept, the token counts for nothing.
  expect(store.directory.byToken(enrolled!.token)).toBeUndefined()
  store.directory.onChange(event => told.push(event))
  await store.directory.sweep()
  expect(store.directory.user('gast')).toBeUndefined()
  expect(store.directory.devices('gast')).toEqual([])
  expect(told.map(event => event.kind)).toEqual(['revoked', 'people'])
  await reopen()
  expect(store.directory.users().map(user => user.name)).toEqual(['bob'])
})

test('an invitation may be for a guest; a guest may be kept longer or for good, a member is never made one', async () => {
  const { token } = await store.directory.addInvite(undefined, hours(1), 3_600)
  await store.directory.enrolByInvite(token, 'Gast', page)
  expect(store.directory.user('gast')?.role).toBe('guest')
  await store.directory.changeUser('gast', { staySeconds: 86_400 })
  expect(store.directory.staySeconds('gast')).toBe(86_400)
  await store.directory.changeUser('gast', { staySeconds: null })
  expect(store.directory.user('gast')).toMatchObject({ role: 'member', stay: undefined })
  now = (now + days(400)) as Epoch
  await store.directory.sweep()
  expect(store.directory.user('gast')).toBeDefined()
  await expect(store.directory.changeUser('gast', { staySeconds: 60 })).rejects.toMatchObject({
    code: 'notGuest',
  })
})

test('the stay of a guest granted without a clock goes by it once it is set', async () => {
  const later = now
  now = hours(1) as Epoch
  const { token } = await store.directory.addInvite(undefined, hours(1), 3_600)
  await store.directory.enrolByInvite(token, 'Gast', page)
  now = later
  await store.directory.sweep()
  expect(store.directory.staySeconds('gast')).toBe(3_600)
  now = (later + hours(1)) as Epoch
  await store.directory.sweep()
  expect(store.directory.user('gast')).toBeUndefined()
})

/** What is left of the guest's hour after each of so many runs, all on a machine that believes it is 1970. */
async function restartedWithoutClock(
  runs: number,
  runMilliseconds: number,
  pulled: boolean,
): Promise<number[]> {
  now = hours(1) as Epoch
  const { token } = await store.directory.addInvite(undefined, hours(1), 3_600)
  await store.directory.enrolByInvite(token, 'Gast', page)
  const left: number[] = []
  for (let run = 0; run < runs; run++) {
    running = (running + runMilliseconds) as Monotonic
    await store.directory.sweep()
    left.push(store.directory.staySeconds('gast') ?? 0)
    const image = mkdtempSync(join(tmpdir(), 'lanline-directory-'))
    if (pulled) cpSync(path, image, { recursive: true })
    await store.close()
    if (!pulled) cpSync(path, image, { recursive: true })
    rmSync(path, { recursive: true })
    path = image
    now = hours(1) as Epoch
    running = 0 as Monotonic
    store = await open()
  }
  return left
}

test('a machine without a clock that is stopped and started again and again forgets nothing of a stay', async () => {
  expect(await restartedWithoutClock(7, minutes(10), false)).toEqual([3_000, 2_400, 1_800, 1_200, 600, 0, 0])
  expect(store.directory.user('gast')).toBeUndefined()
})

test('nor does one whose plug is pulled every minute, before anything was written by the time', async () => {
  const left = await restartedWithoutClock(40, minutes(1), true)
  for (const [run, seconds] of left.entries()) expect(seconds).toBeLessThanOrEqual(3_600 - (run + 1) * 60)
  expect(store.directory.user('gast')).toBeUndefined()
})

test('a guest may call those who are marked, and nobody else', async () => {
  const { token } = await store.directory.addInvite(undefined, hours(1), 3_600)
  for (const name of ['bob', 'eve']) await store.directory.addUser({ name })
  await store.directory.enrolByInvite(token, 'Gast', page)
  await store.directory.changeUser('bob', { seenByGuests: true })
  const { directory } = store
  expect([directory.mayCall('gast', 'bob'), directory.mayCall('gast', 'eve')]).toEqual([true, false])
  expect([directory.mayCall('bob', 'gast'), directory.mayCall('eve', 'gast')]).toEqual([true, true])
  expect(directory.mayCall('gast', 'gast')).toBe(true)
})

test('calls to a person ring at others whom the owner names, until those are gone', async () => {
  for (const name of ['house', 'bob', 'eve']) await store.directory.addUser({ name })
  const { token } = await store.directory.addInvite(undefined, hours(1), 3_600)
  await store.directory.enrolByInvite(token, 'Gast', page)
  const rings = () => store.directory.user('house')?.alsoRings
  expect(rings()).toEqual([])
  await store.directory.changeUser('house', { alsoRings: ['bob', 'gast', 'eve', 'bob'] })
  await reopen()
  expect(rings()).toEqual(['bob', 'gast', 'eve'])
  await store.directory.removeUser('bob')
  expect(rings()).toEqual(['gast', 'eve'])
  now = (now + hours(2)) as Epoch
  await store.directory.sweep()
  expect(rings()).toEqual(['eve'])
  await reopen()
  expect(rings()).toEqual(['eve'])

  const refused = (alsoRings: string[]) =>
    store.directory.changeUser('house', { alsoRings }).then(
      () => 'taken',
      error => error.code,
    )
  expect(await refused(['nobody'])).toBe('notFound')
  expect(await refused(['house'])).toBe('badName')
  for (let number = 0; number < 21; number++) await store.directory.addUser({ name: `n${number}` })
  expect(await refused(Array.from({ length: 21 }, (_, number) => `n${number}`))).toBe('badName')
  expect(rings()).toEqual(['eve'])
  expect(await refused([])).toBe('taken')
  expect(rings()).toEqual([])
})

test('what opens a door is kept', async () => {
  await store.directory.addUser({ name: 'door' })
  expect(store.directory.person('door')?.doorKeys).toBe('')
  await store.directory.changeUser('door', { doorKeys: '*9#' })
  await reopen()
  expect(store.directory.person('door')?.doorKeys).toBe('*9#')
})

const ownerWish = { displayName: 'Olivia', place: 'Mill', passwordHash: 'hash', device: page }

test('released by a file: nobody owns it, everybody and their devices stay, and the former owner claims it as themself', async () => {
  const first = await store.directory.claim(ownerWish)
  await store.directory.addUser({ name: 'bob', sipPassword: 'secret phone' })
  expect(await store.directory.releaseOwners('7:1')).toBe(true)
  await reopen()
  expect(store.directory.owner()).toBeUndefined()
  expect(store.directory.byToken(first.token)).toMatchObject({ user: 'olivia' })
  expect(store.directory.byDigestUser('bob')).toBeDefined()
  expect(store.settings.ownerReset()).toEqual({ at: now, mark: '7:1', owners: ['olivia'] })
  await store.directory.claim({ ...ownerWish, passwordHash: 'another' })
  await reopen()
  expect(store.directory.owner()).toMatchObject({ name: 'olivia', passwordHash: 'another' })
  expect(
    store.directory
      .users()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['bob', 'olivia'])
  expect(store.directory.devices('olivia')).toHaveLength(2)
  expect(store.settings.ownerReset()).toMatchObject({ claimedBy: 'olivia' })
})

test('somebody else may claim what was released: former owners are members, and nobody takes a member’s name', async () => {
  await store.directory.claim(ownerWish)
  await store.directory.addUser({ name: 'bob', displayName: 'Bob' })
  await store.directory.releaseOwners('7:1')
  await store.directory.claim({ ...ownerWish, displayName: 'Bob' })
  expect(store.directory.owner()).toMatchObject({ name: 'bob-2' })
  expect(store.directory.user('olivia')).toMatchObject({ role: 'member' })
  expect(store.directory.user('bob')).toMatchObject({ role: 'member' })
})

test('a file that cannot be removed counts once, and one where nobody owns the appliance not at all', async () => {
  expect(await store.directory.releaseOwners('7:1')).toBe(false)
  await store.directory.claim(ownerWish)
  expect(await store.directory.releaseOwners('7:1')).toBe(true)
  await store.directory.claim(ownerWish)
  expect(await store.directory.releaseOwners('7:1')).toBe(false)
  expect(await store.directory.releaseOwners('7:2')).toBe(true)
})

test.each<[string, Partial<CallRow>]>([
  ['made', { callerUser: 'gast' }],
  ['were called in', { calleeUser: 'gast' }],
  ['took in another’s place', { answererUser: 'gast' }],
  ['missed in another’s place', { others: [{ user: 'gast', became: 'missed' }] }],
])('who is let in by the name of somebody who is gone is called otherwise: the calls they %s are not theirs', async (_what, its) => {
  const wish = { displayName: 'Gast', staySeconds: 3_600 }
  const enrol = () => store.directory.enrol(wish, page)
  const first = await enrol()
  expect(first.device.user).toBe('gast')
  const call = { id: 'c1', callerUser: 'olivia', calleeUser: 'olivia', startedAt: now, missed: false, ...its }
  await store.calls.save(call as CallRow)
  await store.directory.removeUser('gast')
  expect((await enrol()).device.user).toBe('gast-2')
  await store.directory.removeUser('gast-2')
  await reopen()
  expect((await enrol()).device.user).not.toBe('gast')
  // The owner, who sees all calls, may give them to whom they like.
  expect(await store.directory.addUser({ name: 'gast' })).toMatchObject({ name: 'gast' })
})

test('a name is free again when nobody has it and its calls are forgotten', async () => {
  const named = async (displayName: string): Promise<string> => {
    const wish = { displayName, staySeconds: 3_600 }
    const { device } = await store.directory.enrol(wish, page)
    await store.directory.removeUser(device.user)
    return device.user
  }
  const call = { id: 'c1', callerUser: 'gast', calleeUser: 'olivia', missed: false }
  const [startedAt, endedAt] = [now - days(20), now - days(20)]
  await store.calls.save({ ...call, startedAt, endedAt } as CallRow)
  await store.directory.forgetNames()
  expect([await named('Gast'), await named('Gast'), await named('Anna'), await named('Anna')]).toEqual([
    ...['gast-2', 'gast-3'],
    ...['anna', 'anna-2'],
  ])
  await store.directory.forgetNames()
  expect([await named('Gast'), await named('Anna')]).toEqual(['gast-2', 'anna'])
  await store.calls.prune(10, now)
  await store.directory.forgetNames()
  expect(await named('Gast')).toBe('gast')
})

test('everybody has a short number of their own, the lowest that is free, also after a restart', async () => {
  const { directory } = store
  for (const name of ['anna', '22', 'bob', 'carol']) await directory.addUser({ name })
  const numbers = () =>
    store.directory
      .users()
      .map(({ name, number }) => [name, number])
      .toSorted()
  // 22 is dialled for the person of that name.
  const all = [
    ['22', '21'],
    ['anna', '20'],
    ['bob', '23'],
    ['carol', '24'],
  ]
  expect(numbers()).toEqual(all)
  await reopen()
  expect(numbers()).toEqual(all)
  expect(['20', '21', '22', '23', '25', '90'].map(one => store.directory.personOf(one))).toEqual([
    'anna',
    '22',
    '22',
    'bob',
    undefined,
    undefined,
  ])
  await store.directory.removeUser('22')
  await store.directory.addUser({ name: 'dora' })
  expect(store.directory.user('dora')?.number).toBe('21')
})

test('a short number can be changed, but to nobody else’s, nor to a name', async () => {
  for (const name of ['anna', 'bob', '44']) await store.directory.addUser({ name })
  await store.directory.changeUser('anna', { number: '333' })
  const dialled = () => ['20', '333'].map(one => store.directory.personOf(one))
  expect(dialled()).toEqual([undefined, 'anna'])
  for (const number of ['333', '44', '90']) {
    await expect(store.directory.changeUser('bob', { number })).rejects.toMatchObject({ code: 'taken' })
  }
  await expect(store.directory.addUser({ name: '333' })).rejects.toMatchObject({ code: 'taken' })
  // Their own is no obstacle.
  await store.directory.changeUser('anna', { number: '333', displayName: 'Anna' })
  await reopen()
  expect(dialled()).toEqual([undefined, 'anna'])
})

test('who comes from a version without short numbers is given one, and keeps it', async () => {
  for (const name of ['21', 'anna', 'bob']) await store.directory.addUser({ name })
  await store.close()
  const file = new Database(join(path, 'lanline.db'))
  file.exec("update users set number = null; update users set number = '20' where name = 'bob'")
  file.close()
  store = await open()
  const numbers = () =>
    store.directory
      .users()
      .map(({ name, number }) => [name, number])
      .toSorted()
  const given = [
    ['21', '22'],
    ['anna', '23'],
    ['bob', '20'],
  ]
  expect(numbers()).toEqual(given)
  await reopen()
  expect(numbers()).toEqual(given)
})
