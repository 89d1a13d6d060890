/**
 * The call log on disk. Order is the order of arrival, not of wall time: a clock that jumps must not shuffle the log.
 */
import type { CallRow, KeptCall } from '../calls/message.ts'
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import type { CallDialog } from '../sip/message.ts'
import type { CallOutcome, Grade, Path, TraceSummary } from '../trace/message.ts'
import { type Rows, readable, statement } from './client.ts'
import type { Row, Statement, Value } from './database.ts'
import { diskTroubles, type StoreError } from './errors.ts'

export interface CallFilter {
  /** 1 to 500. */
  readonly limit: number
  /** The id of a call: only older ones are listed. An unknown id lists nothing. */
  readonly before?: string | undefined
  /** Only calls this person made, was called in, or took or missed in somebody's place. */
  readonly user?: string | undefined
  readonly path?: Path | undefined
  readonly grade?: Grade | undefined
  /** By the lower of both parties' MOS estimates: from 4.0, from 3.6 (ITU-T G.109), below. */
  readonly quality?: Quality | undefined
  readonly missed?: boolean | undefined
  /** True: only those that go on; false: only those that are over. */
  readonly going?: boolean | undefined
  /** Started at or after, and before, by wall time. */
  readonly from?: number | undefined
  readonly until?: number | undefined
}

export type Quality = 'good' | 'fair' | 'poor'

/** A row, and what was concluded of it; undefined before it is over. */
export type ListedCall = CallRow & { readonly outcome: CallOutcome | undefined }

/** More rows than this are not kept, whatever `calls.retain_days` says: the oldest go. */
export const maxCalls = 200_000
/** How long a change of a row may wait for the next one: a call that is answered at once is written once. */
const saveDelayMilliseconds = 100
/** As many do not wait: each is put into words here, and copied to the store's thread. */
const rowsAtOnce = 200
/** While nothing can be written: how often rows are tried again, and how many wait. */
const retryMilliseconds = 5_000
const maxWaiting = 10_000
/** Rows deleted in one transaction, so that pruning never keeps a registration waiting. */
const pruneStep = 1_000

const upsert = `insert into calls (id, caller_user, callee_user, answerer_user, started_at, ended_at, missed, row)
  values (?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set caller_user = excluded.caller_user, callee_user = excluded.callee_user,
  answerer_user = excluded.answerer_user, started_at = excluded.started_at, ended_at = excluded.ended_at, missed = excluded.missed, row = excluded.row`

/** As a bound of `seq`, so that a page far back is found and not counted off; takes the id twice. */
const olderThan = 'seq < iif(? is null, 9007199254740991, coalesce((select seq from calls where id = ?), 0))'

const columns = 'row, path, grade, mos'

const listAll = `select ${columns} from calls where ${olderThan} order by seq desc limit ?`

/** Each by an index of its own. */
const ofUser = [
  'calls where caller_user = ?',
  'calls where callee_user = ?',
  'calls where answerer_user = ?',
  'calls_missed_by where user = ?',
]

/** Walks of one index each, merged: an OR over the columns would sort everything a busy person ever did. */
const listOfUser = `select ${columns} from calls where seq in (${ofUser
  .map(own => `select * from (select seq from ${own} and ${olderThan} order by seq desc limit ?)`)
  .join(' union ')}) order by seq desc limit ?`

/** By indexes alone: what a busy person did lies all over the table, and each of its pages would be read. */
const countOfUser = `select count(*) as total from
  (${ofUser.map(own => `select seq from ${own}`).join(' union ')})`

const isOfUser = `(caller_user = ? or callee_user = ? or answerer_user = ?
  or seq in (select seq from calls_missed_by where user = ?))`

/** A filter's conditions, all of which one index answers. */
interface Where {
  readonly sql: string
  readonly values: readonly Value[]
}

const qualities: Readonly<Record<Quality, string>> = {
  good: 'mos >= 4.0',
  fair: 'mos >= 3.6 and mos < 4.0',
  poor: 'mos < 3.6',
}

function whereOf(filter: CallFilter): Where {
  const parts: string[] = []
  const values: Value[] = []
  const add = (sql: string, ...given: readonly Value[]): void => {
    parts.push(sql)
    values.push(...given)
  }
  if (filter.user !== undefined) add(isOfUser, ...ofUser.map(() => filter.user!))
  if (filter.path !== undefined) add('path = ?', filter.path)
  if (filter.grade !== undefined) add('grade = ?', filter.grade)
  if (filter.quality !== undefined) add(qualities[filter.quality])
  if (filter.missed !== undefined) add('missed = ?', filter.missed ? 1 : 0)
  if (filter.going !== undefined) add(filter.going ? 'ended_at is null' : 'ended_at is not null')
  if (filter.from !== undefined) add('started_at >= ?', filter.from)
  if (filter.until !== undefined) add('started_at < ?', filter.until)
  return { sql: parts.join(' and '), values }
}

const isPlain = ({ limit: _, before: _before, user: _user, ...others }: CallFilter): boolean =>
  Object.values(others).every(value => value === undefined)

export class Calls {
  readonly #rows: Rows
  /** Changed rows that are not given to the database yet, in order of their first change. */
  #waiting = new Map<string, KeptCall>()
  #written: PromiseWithResolvers<void> | undefined
  #last: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  /** Nothing could be written when it was last tried. */
  #isHeld = false

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** Resolves once the row, in this state or a later one, is on disk. Whoever reads here sees it at once. */
  save(row: CallRow, dialog?: CallDialog): Promise<void> {
    this.#waiting.set(row.id, { row, dialog })
    this.#timer ??= setTimeout(() => this.flush(), saveDelayMilliseconds)
    this.#written ??= Promise.withResolvers()
    const { promise } = this.#written
    if (this.#waiting.size >= rowsAtOnce && !this.#isHeld) this.flush()
    return promise
  }

  /** Gives what waits to the database now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const written = this.#written
    if (written === undefined) return
    this.#written = undefined
    const given = this.#waiting
    this.#waiting = new Map()
    const isWritten = this.#rows.write(...[...given.values()].flatMap(put)).then(() => {
      this.#isHeld = false
      written.resolve()
    })
    isWritten.catch((error: StoreError) => {
      if (diskTroubles.has(error.code) || error.code === 'busy') this.#again(given)
      written.reject(error)
    })
    this.#last = written.promise
  }

  /** Calls go on while the disk is full or held, and that ends: what was not written waits for the next time. */
  #again(given: ReadonlyMap<string, KeptCall>): void {
    this.#isHeld = true
    const newer = this.#waiting
    this.#waiting = new Map([...given, ...newer].slice(-maxWaiting))
    if (this.#written === undefined) {
      this.#written = Promise.withResolvers()
      // Whoever saved these rows knows already.
      this.#written.promise.catch(() => {})
    }
    this.#timer ??= setTimeout(() => this.flush(), retryMilliseconds)
  }

  /** Whoever saved a row hears of its failure; readers go on with what is there. */
  async #settled(): Promise<void> {
    this.flush()
    await this.#last.catch(() => {})
  }

  /** Newest first, with the number of all rows that the filter lets through, whatever `before` is. */
  async list(filter: CallFilter): Promise<{ readonly calls: readonly ListedCall[]; readonly total: number }> {
    await this.#settled()
    const limit = Math.min(Math.max(1, Math.floor(filter.limit)), 500)
    const [rows, total] = isPlain(filter)
      ? await this.#listPlain(filter.user, filter.before ?? null, limit)
      : await this.#listWhere(whereOf(filter), filter.before ?? null, limit)
    return { calls: rows.flatMap(listedOf), total: Number(total[0]!.total) }
  }

  #listPlain(
    user: string | undefined,
    before: string | null,
    limit: number,
  ): Promise<[readonly Row[], readonly Row[]]> {
    return Promise.all([
      user === undefined
        ? this.#rows.read(listAll, before, before, limit)
        : this.#rows.read(listOfUser, ...ofUser.flatMap(() => [user, before, before, limit]), limit),
      user === undefined
        ? this.#rows.read('select count(*) as total from calls')
        : this.#rows.read(countOfUser, ...ofUser.map(() => user)),
    ])
  }

  /** Walks the index alone, newest first; rows are fetched for what is found. */
  #listWhere(
    { sql, values }: Where,
    before: string | null,
    limit: number,
  ): Promise<[readonly Row[], readonly Row[]]> {
    return Promise.all([
      this.#rows.read(
        `select ${columns} from calls where seq in (select seq from calls indexed by calls_filter
          where ${sql} and ${olderThan} order by seq desc limit ?) order by seq desc`,
        ...values,
        before,
        before,
        limit,
      ),
      this.#rows.read(`select count(*) as total from calls indexed by calls_filter where ${sql}`, ...values),
    ])
  }

  async get(id: string): Promise<ListedCall | undefined> {
    await this.#settled()
    const rows = await this.#rows.read(`select ${columns} from calls where id = ?`, id)
    return rows.flatMap(listedOf)[0]
  }

  /** Calls without an end: those in progress when the daemon stopped. Newest first, at most 1,000. */
  async open(): Promise<KeptCall[]> {
    await this.#settled()
    return (
      await this.#rows.read('select row from calls where ended_at is null order by seq desc limit 1000')
    ).flatMap(keptOf)
  }

  /**
   * Forgets calls that started more than `retainDays` ago, and the oldest above `maxCalls`; resolves with how many.
   * Calls still open stay. With an unset clock nobody can tell age, and a row written under one has no age: neither
   * makes a row go.
   */
  async prune(retainDays: number, now: Epoch): Promise<number> {
    await this.#settled()
    const before = await this.#count()
    for (let left = before; left > maxCalls; left -= pruneStep) {
      await this.#rows.write(
        statement(
          `delete from calls where seq in (select seq from calls where ended_at is not null order by seq
            limit ?)`,
          Math.min(pruneStep, left - maxCalls),
        ),
      )
    }
    if (now >= plausibleFrom) await this.#forgetBefore((now - days(retainDays)) as Epoch)
    return before - (await this.#count())
  }

  async #forgetBefore(cutoff: Epoch): Promise<void> {
    for (;;) {
      const due = await this.#rows.read(
        `select seq from calls where started_at >= ? and started_at < ? and ended_at is not null
          order by started_at limit ?`,
        plausibleFrom,
        cutoff,
        pruneStep,
      )
      if (due.length === 0) return
      await this.#rows.write(
        statement(
          `delete from calls where seq in (select seq from calls where started_at >= ? and started_at < ?
            and ended_at is not null order by started_at limit ?)`,
          plausibleFrom,
          cutoff,
          pruneStep,
        ),
      )
    }
  }

  async #count(): Promise<number> {
    return Number((await this.#rows.read('select count(*) as total from calls'))[0]!.total)
  }
}

function put({ row, dialog }: KeptCall): Statement[] {
  const { id, others = [] } = row
  const missedBy = others.filter(({ became }) => became === 'missed' || became === 'missedSeen')
  const put = statement(
    upsert,
    ...[id, row.callerUser, row.calleeUser, row.answererUser ?? null, row.startedAt, row.endedAt ?? null],
    row.missed || missedBy.length > 0 ? 1 : 0,
    JSON.stringify({ ...row, dialog }),
  )
  if (others.length === 0) return [put]
  // A phone that was refused may try again, and be answered (`calls/`).
  return [
    put,
    statement('delete from calls_missed_by where seq = (select seq from calls where id = ?)', id),
    statement(
      `insert or ignore into calls_missed_by select value, seq from calls, json_each(?) where calls.id = ?`,
      JSON.stringify(missedBy.map(({ user }) => user)),
      id,
    ),
  ]
}

/** What was concluded of a call, for the columns that the list is filtered by. */
export function concluded({ call, verdict, mos }: TraceSummary) {
  const known = [mos.caller, mos.callee].filter(one => one != null)
  return statement(
    'update calls set path = ?, grade = ?, mos = ? where id = ?',
    verdict.path,
    verdict.grade,
    known.length > 0 ? Math.min(...known) : null,
    call,
  )
}

/** The same for calls of whose media nothing was told. */
export const unknownPath = (calls: readonly string[]) =>
  statement(
    `update calls set path = 'unknown', grade = 'none'
      where path is null and id in (select value from json_each(?))`,
    JSON.stringify(calls),
  )

const listedOf = (row: Row): ListedCall[] => callOf(row).map(call => ({ ...call, outcome: outcomeOf(row) }))

const outcomeOf = ({ path, grade, mos }: Row): CallOutcome | undefined =>
  path === null || grade === null
    ? undefined
    : { path: path as Path, grade: grade as Grade, mos: (mos as number | null) ?? undefined }

const callOf = (row: Row): CallRow[] => keptOf(row).map(kept => kept.row)

const keptOf = ({ row: text }: Row): KeptCall[] =>
  readable(() => {
    const { dialog, ...row } = JSON.parse(String(text)) as CallRow & { readonly dialog?: CallDialog }
    return { row, dialog }
  })
