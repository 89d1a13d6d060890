/** Network by network: direct, relayed, failed, and why. A table on a desk, a list on a phone. */
import type { NetworkCell, NetworkTable } from '../../../src/help/message.ts'
import { useConsole } from '../console.ts'
import { usePolled } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Await, Empty } from '../parts/states.tsx'
import { hrefTo } from '../router.ts'
import { helpTexts as texts } from '../texts/help.ts'

export function Networks() {
  const { api } = useConsole()
  const loaded = usePolled(() => api.get<NetworkTable>('/help/networks'), 60)
  return (
    <Card title={texts.networks}>
      <Await of={loaded} lines={4}>
        {table =>
          table.cells.length === 0 ? (
            <Empty icon="direct">
              <p>{texts.networksNone}</p>
            </Empty>
          ) : (
            <>
              <p class="soft small">
                {texts.networksLead(table.calls)} {table.unknown > 0 && texts.networksUnknown(table.unknown)}
              </p>
              {table.networks.length > 1 && <Matrix table={table} />}
              <Pairs table={table} />
            </>
          )
        }
      </Await>
    </Card>
  )
}

const cellOf = ({ cells }: NetworkTable, one: string, other: string): NetworkCell | undefined =>
  cells.find(({ from, to }) => (from === one && to === other) || (from === other && to === one))

function Matrix({ table }: { readonly table: NetworkTable }) {
  return (
    <table class="matrix">
      <caption class="hidden">{texts.networks}</caption>
      <thead>
        <tr>
          <th scope="col">{texts.network}</th>
          {table.networks.map(name => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.networks.map(row => (
          <tr key={row}>
            <th scope="row">{row}</th>
            {table.networks.map(column => (
              <td key={column}>
                <Counts cell={cellOf(table, row, column)} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Counts({ cell }: { readonly cell: NetworkCell | undefined }) {
  if (cell === undefined) return <span class="soft small">{texts.none}</span>
  return (
    <span class="counts">
      {cell.direct > 0 && <span class="badge good">{texts.direct(cell.direct)}</span>}
      {cell.relayed > 0 && <span class="badge info">{texts.relayed(cell.relayed)}</span>}
      {cell.failed > 0 && <span class="badge bad">{texts.failed(cell.failed)}</span>}
    </span>
  )
}

/** The same as a list with the reasons, which no cell has room for. */
function Pairs({ table }: { readonly table: NetworkTable }) {
  return (
    <ul class="rows">
      {table.cells.map(cell => (
        <li key={`${cell.from} ${cell.to}`}>
          <div class="row-main">
            <strong>
              {cell.from === cell.to ? texts.within(cell.from) : texts.between(cell.from, cell.to)}
            </strong>
            {cell.reasons.map(({ text, count }) => (
              <span key={text} class="small">
                {count} × {texts.refusals[text] ?? text}
              </span>
            ))}
            {cell.example !== undefined && (
              <span class="small">
                <a href={hrefTo('calls', cell.example)}>{texts.example}</a>
              </span>
            )}
          </div>
          <Counts cell={cell} />
        </li>
      ))}
    </ul>
  )
}
