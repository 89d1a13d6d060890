/** The call list's filter: in the page's address, and as the appliance is asked. Days are those of whoever looks. */
export interface Filter {
  readonly person: string
  readonly path: string
  readonly grade: string
  readonly quality: string
  /** `YYYY-MM-DD`, both inclusive; `''`: none. */
  readonly from: string
  readonly to: string
  readonly missed: boolean
}

export const noFilter: Filter = {
  ...{ person: '', path: '', grade: '', quality: '', from: '', to: '', missed: false },
}

const day = /^\d{4}-\d{2}-\d{2}$/

/** What the address says, as far as it makes sense. */
export function filterOf(query: URLSearchParams): Filter {
  const word = (name: string, allowed: RegExp): string => {
    const value = query.get(name) ?? ''
    return allowed.test(value) ? value : ''
  }
  return {
    person: word('person', /^[a-z0-9.-]{1,32}$/),
    path: word('path', /^(direct|relayed|unknown|contradicted)$/),
    grade: word('proof', /^(packets|bothEnds|oneEnd|ledger|none)$/),
    quality: word('quality', /^(good|fair|poor)$/),
    from: word('from', day),
    to: word('to', day),
    missed: query.get('missed') === '1',
  }
}

/** For a link to the list. */
export function addressOf(filter: Filter): Record<string, string> {
  const { person, path, grade, quality, from, to, missed } = filter
  return present({ person, path, proof: grade, quality, from, to, missed: missed ? '1' : '' })
}

/** For the appliance; `from` is the first moment of that day here, `until` the first after the last one. */
export function queryOf(filter: Filter): URLSearchParams {
  const { person, path, grade, quality, missed } = filter
  const from = filter.from === '' ? '' : String(startOf(filter.from, 0))
  const until = filter.to === '' ? '' : String(startOf(filter.to, 1))
  return new URLSearchParams(
    present({ user: person, path, grade, quality, from, until, missed: missed ? 'true' : '' }),
  )
}

function startOf(text: string, daysLater: number): number {
  const [year, month, date] = text.split('-').map(Number) as [number, number, number]
  return new Date(year, month - 1, date + daysLater).getTime()
}

const present = (all: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))

export const isEmpty = (filter: Filter): boolean => Object.keys(addressOf(filter)).length === 0
