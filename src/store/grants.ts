/**
 * Calls that relay now, so that a daemon which was killed gives them their grants again. No address and no secret is
 * kept: parties prove themselves anew.
 */
import type { RelayReason } from '../relay/message.ts'
import { type Rows, statement } from './client.ts'

export interface RememberedGrant {
  readonly call: string
  readonly reason: RelayReason
}

/** As many as the relay ever holds. */
const maxGrants = 500

export class Grants {
  readonly #rows: Rows

  constructor(rows: Rows) {
    this.#rows = rows
  }

  async load(): Promise<readonly RememberedGrant[]> {
    const rows = await this.#rows.read('select call, reason from grants order by rowid limit ?', maxGrants)
    return rows.map(row => ({ call: String(row.call), reason: row.reason as RelayReason }))
  }

  async remember(call: string, reason: RelayReason): Promise<void> {
    await this.#rows.write(
      statement(
        'insert into grants values (?, ?) on conflict (call) do update set reason = excluded.reason',
        call,
        reason,
      ),
    )
  }

  async forget(call: string): Promise<void> {
    await this.#rows.write(statement('delete from grants where call = ?', call))
  }
}
