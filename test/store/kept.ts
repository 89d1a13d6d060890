/** Databases as each schema left them, kept in `test/vectors/store`: what a newer lanline finds in people's houses. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Sqlite from 'better-sqlite3'

export const keptDirectory = join(import.meta.dirname, '../vectors/store')

/** What was put into one of them, secrets included, and must come out again. */
export interface Household {
  /** Milliseconds since 1970: its invitation is good then, and its guests are there. */
  readonly at: number
  readonly place: string
  readonly ownerPassword: string
  readonly people: Readonly<Record<string, { readonly name: string; readonly role: string }>>
  /** Device tokens. */
  readonly tokens: Readonly<Record<string, string>>
  /** Of SIP devices whose digest user is the person's name. */
  readonly sipPasswords: Readonly<Record<string, string>>
  /** Whose contacts are registered. */
  readonly registered: readonly string[]
  readonly invite: { readonly token: string; readonly user: string }
  readonly calls: Readonly<Record<string, KeptCall>>
}

interface KeptCall {
  readonly caller: string
  readonly callee: string
  readonly missed: boolean
  /** Null: nothing was concluded. */
  readonly path: string | null
  readonly mos: number | null
  readonly events: number
}

export interface Kept {
  readonly schema: number
  readonly sql: string
  readonly household: Household
}

/** From the oldest to the newest. */
export function keptDatabases(): Kept[] {
  const schemas = readdirSync(keptDirectory).flatMap(name => /^schema-(\d+)\.sql$/.exec(name)?.[1] ?? [])
  return schemas.sort().map(schema => {
    const read = (end: string): string => readFileSync(join(keptDirectory, `schema-${schema}.${end}`), 'utf8')
    return { schema: Number(schema), sql: read('sql'), household: JSON.parse(read('json')) as Household }
  })
}

/** Its tables and rows as SQL that makes them anew; `sqlite3 <file> .dump`, with a line for each row. */
export function dumpOf(db: Sqlite.Database): string {
  const lines = ['pragma foreign_keys = off;', 'begin;']
  for (const { type, name, sql } of schemaOf(db)) {
    lines.push(`${sql};`)
    if (type !== 'table') continue
    const columns = db.pragma(`table_info(${name})`) as { name: string }[]
    const quoted = columns.map(({ name }) => literal(`"${name}"`)).join(" || ', ' || ")
    for (const row of db.prepare(`select ${quoted} from "${name}"`).pluck().all()) {
      lines.push(`insert into ${name} values (${row});`)
    }
  }
  lines.push(`pragma user_version = ${db.pragma('user_version', { simple: true })};`, 'commit;', '')
  return lines.join('\n')
}

/** `quote` ends at a NUL, which keys of what is kept may hold. */
const literal = (column: string): string =>
  `iif(typeof(${column}) = 'text' and instr(${column}, char(0)), 'cast(x''' || hex(${column}) || ''' as text)', quote(${column}))`

interface SchemaPart {
  readonly type: string
  readonly name: string
  readonly sql: string
}

/** Tables before what belongs to them, without what SQLite makes by itself. */
export function schemaOf(db: Sqlite.Database): SchemaPart[] {
  return db
    .prepare(
      `select type, name, sql from sqlite_master where sql is not null and name not like 'sqlite_%'
        order by type <> 'table', rowid`,
    )
    .all() as SchemaPart[]
}
