/**
 * Registered contacts on disk. A row holds the seconds that were left and the moment it was written; on load the time
 * since is taken off. Where nobody can say how long the machine was off (its clock was or is unset), the seconds left
 * at writing stand: a phone that still believes in its registration must not be dropped, and a stale contact costs one
 * unanswered branch until it lapses, at most one lifetime later.
 */
import type { BindingRow, Transport } from '../sip/message.ts'
import { elapsedSeconds, type Moment, moment } from './boot.ts'
import { type Rows, readable, statement } from './client.ts'
import type { Row, Statement } from './database.ts'

export interface LoadedBinding extends BindingRow {
  readonly remainingMilliseconds: number
}

const put = `insert into bindings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (key) do update set user = excluded.user, device = excluded.device, contact = excluded.contact,
  instance = excluded.instance, reg_id = excluded.reg_id, path = excluded.path, q = excluded.q,
  call_id = excluded.call_id, cseq = excluded.cseq, user_agent = excluded.user_agent, transport = excluded.transport,
  local_address = excluded.local_address, local_port = excluded.local_port,
  remote_address = excluded.remote_address, remote_port = excluded.remote_port,
  expires_seconds = excluded.expires_seconds, written_at = excluded.written_at,
  written_boot = excluded.written_boot, written_uptime_seconds = excluded.written_uptime_seconds`

export class Bindings {
  readonly #rows: Rows
  readonly #now: () => Moment

  constructor(rows: Rows, now: () => Moment = moment) {
    this.#rows = rows
    this.#now = now
  }

  /**
   * Resolves when all of it is on disk; rejects (`constraint`) when a device is not enrolled any more, and then
   * nothing of it is.
   */
  save(rows: readonly BindingRow[], removeKeys: readonly string[]): Promise<void> {
    const at = this.#now()
    return this.#rows.write(
      ...removeKeys.map(key => statement('delete from bindings where key = ?', key)),
      ...rows.map(row => putStatement(row, at)),
    )
  }

  /** The bindings that are still good, each with the time left to it. */
  async load(): Promise<LoadedBinding[]> {
    const now = this.#now()
    const rows = await this.#rows.read('select * from bindings')
    return rows
      .flatMap(row => readable(() => fromRow(row, now)))
      .filter(binding => binding.remainingMilliseconds > 0)
  }
}

function putStatement(row: BindingRow, at: Moment): Statement {
  return statement(
    put,
    row.key,
    row.user,
    row.device,
    row.contact,
    row.instance ?? null,
    row.regId ?? null,
    JSON.stringify(row.path),
    row.q,
    row.callId,
    row.cseq,
    row.userAgent,
    row.transport,
    row.local.address,
    row.local.port,
    row.remote.address,
    row.remote.port,
    row.expiresSeconds,
    at.epoch,
    at.boot,
    at.uptimeSeconds,
  )
}

function fromRow(row: Row, now: Moment): LoadedBinding {
  const written = {
    epoch: row.written_at,
    boot: row.written_boot,
    uptimeSeconds: row.written_uptime_seconds,
  } as Moment
  const expiresSeconds = Number(row.expires_seconds)
  return {
    key: String(row.key),
    user: String(row.user),
    device: String(row.device),
    contact: String(row.contact),
    instance: row.instance === null ? undefined : String(row.instance),
    regId: row.reg_id === null ? undefined : Number(row.reg_id),
    path: JSON.parse(String(row.path)) as string[],
    q: Number(row.q),
    callId: String(row.call_id),
    cseq: Number(row.cseq),
    userAgent: String(row.user_agent),
    transport: row.transport as Transport,
    local: { address: String(row.local_address), port: Number(row.local_port) },
    remote: { address: String(row.remote_address), port: Number(row.remote_port) },
    expiresSeconds,
    remainingMilliseconds: (expiresSeconds - (elapsedSeconds(written, now) ?? 0)) * 1_000,
  }
}
