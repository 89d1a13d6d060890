/** What was refused, ran out or was told of, as Help remembers it over restarts. */
import type { Incident } from '../help/message.ts'
import { type Rows, readable, statement } from './client.ts'

/** More are not kept: the ones that happened last stay. */
const maxIncidents = 2_000

export class StoredIncidents {
  readonly #rows: Rows

  constructor(rows: Rows) {
    this.#rows = rows
  }

  async load(): Promise<Incident[]> {
    const rows = await this.#rows.read(
      'select incident from incidents order by last_at desc limit ?',
      maxIncidents,
    )
    return rows.flatMap(row => readable(() => JSON.parse(String(row.incident)) as Incident))
  }

  /** By their keys; the oldest above the bound go. */
  async save(changed: ReadonlyMap<string, Incident>): Promise<void> {
    if (changed.size === 0) return
    await this.#rows.write(
      ...[...changed].map(([key, incident]) =>
        statement(
          `insert into incidents values (?, ?, ?)
            on conflict (key) do update set last_at = excluded.last_at, incident = excluded.incident`,
          key,
          incident.lastAt,
          JSON.stringify(incident),
        ),
      ),
      statement(
        'delete from incidents where key in (select key from incidents order by last_at desc limit -1 offset ?)',
        maxIncidents,
      ),
    )
  }
}
