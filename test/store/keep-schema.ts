/**
 * Keeps the newest schema as `test/vectors/store/schema-NN.sql`, filled by the store of the day: run it before a version is
 * released, and never again for that schema.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Passwords } from '../../src/admin/password.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { days, type Epoch, plausibleFrom } from '../../src/core/clock.ts'
import type { BindingRow } from '../../src/sip/message.ts'
import { databaseFile } from '../../src/store/database.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/store.ts'
import { summaryOf } from '../../src/trace/document.ts'
import { eventsOf } from '../trace/story.ts'
import { dumpOf, type Household, keptDirectory } from './kept.ts'

const at = (plausibleFrom + days(100)) as Epoch
const ownerPassword = 'correct horse battery'
const sipPassword = 'anna-secret-1'

async function fill(): Promise<Household> {
  const store = await openStore(directory, () => at)
  const { bindings, calls, directory: people, grants, incidents, settings, traces } = store
  const device = { name: 'Kitchen tablet', kind: 'page' } as const
  const passwordHash = await new Passwords().hash(ownerPassword)
  const owner = await people.claim({ displayName: 'Olivia Owner', place: 'Old house', passwordHash, device })
  await people.addUser({ name: 'anna', displayName: 'Anna', sipPassword })
  await people.addUser({ name: 'carl', displayName: 'Carl' })
  await people.changeUser('carl', { disabled: true })
  await people.changeUser('anna', { alsoRings: ['carl'] })
  await people.changeUser('carl', { doorKeys: '9#' })
  const quietHours = { from: '22:00', until: '07:00', days: ['sun', 'mon'], zone: 'Europe/Berlin' } as const
  await people.changeUser('anna', { quietHours })
  const annas = await people.enrol({ user: 'anna' }, device)
  await people.addSoftphone('anna', 'Desk')
  const forGuest = await people.addInvite(undefined, days(3), days(30) / 1_000)
  const guest = await people.enrolByInvite(forGuest.token, 'Gina Guest', device)
  const invite = await people.addInvite('anna', days(3))
  await people.addRequest({ displayName: 'Rita', device, address: '192.168.1.9', page: 'page of Rita' })
  await settings.changePolicies({ retainDays: 3_650 })
  const phone = people.devices('anna').find(({ digestUser }) => digestUser === 'anna')!
  await bindings.save([bindingOf(phone.id)], [])
  const events = eventsOf()
  const [relayed, missed] = [rowOf('a'.repeat(32), {}), rowOf('b'.repeat(32), { answered: false })]
  await Promise.all([calls.save(relayed), calls.save(missed)])
  await traces.save(relayed.id, events)
  const summary = summaryOf(relayed, events)
  await traces.conclude({
    ...summary,
    verdict: { ...summary.verdict, path: 'relayed', grade: 'bothEnds' },
    mos: { caller: 4.1, callee: 2.5 },
  })
  await traces.concludeUntold([missed.id])
  await grants.remember('c'.repeat(32), 'otherNetwork')
  const incident = {
    kind: 'away',
    user: 'anna',
    device: phone.id,
    account: '',
    source: '',
    call: '',
    detail: '',
  }
  await incidents.save(new Map([['away', { ...incident, at, count: 1, lastAt: at } as never]]))
  await store.close()
  return {
    at,
    place: 'Old house',
    ownerPassword,
    people: {
      'olivia-owner': { name: 'Olivia Owner', role: 'owner' },
      anna: { name: 'Anna', role: 'member' },
      carl: { name: 'Carl', role: 'member' },
      'gina-guest': { name: 'Gina Guest', role: 'guest' },
    },
    tokens: { 'olivia-owner': owner.token, anna: annas.token, 'gina-guest': guest.token },
    sipPasswords: { anna: sipPassword },
    registered: ['anna'],
    invite: { token: invite.token, user: 'anna' },
    calls: {
      [relayed.id]: {
        ...{ caller: 'anna', callee: 'olivia-owner', missed: false, path: 'relayed', mos: 2.5 },
        events: events.length,
      },
      [missed.id]: {
        ...{ caller: 'anna', callee: 'olivia-owner', missed: true, path: 'unknown', mos: null },
        events: 0,
      },
    },
  }
}

const bindingOf = (device: string): BindingRow => ({
  ...{
    key: 'kept',
    user: 'anna',
    device,
    contact: 'sip:anna@192.168.1.7:5060',
    instance: undefined,
    regId: undefined,
  },
  ...{ path: [], q: 1, callId: 'kept@192.168.1.7', cseq: 1, userAgent: 'kept', transport: 'udp' },
  ...{ local: { address: '192.168.1.2', port: 5060 }, remote: { address: '192.168.1.7', port: 5060 } },
  expiresSeconds: 3_600,
})

const rowOf = (id: string, { answered = true }: { answered?: boolean }): CallRow => ({
  ...{ id, callerUser: 'anna', callerName: 'Anna', callerDevice: 'a' },
  ...{ calleeUser: 'olivia-owner', calleeName: 'Olivia Owner', calleeDevice: 'b', video: false },
  startedAt: at,
  ringingAt: (at + 500) as Epoch,
  answeredAt: answered ? ((at + 4_000) as Epoch) : undefined,
  endedAt: (at + 50_000) as Epoch,
  ...{ endedBy: 'caller', reason: answered ? 'hangup' : 'cancelled', code: answered ? 200 : 487 },
  ...{ missed: !answered, missedSeen: false, aliveAt: at },
  ...(answered ? {} : { others: [{ user: 'carl', became: 'missed' }] }),
  ...{ callerPair: undefined, calleePair: undefined, relayReason: undefined, ledger: undefined },
})

const directory = mkdtempSync(join(tmpdir(), 'lanline-keep-'))
try {
  const household = await fill()
  const db = new Sqlite(join(directory, databaseFile))
  const name = `schema-${String(migrations.length).padStart(2, '0')}`
  writeFileSync(join(keptDirectory, `${name}.sql`), dumpOf(db))
  writeFileSync(join(keptDirectory, `${name}.json`), `${JSON.stringify(household, undefined, 2)}\n`)
  db.close()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
