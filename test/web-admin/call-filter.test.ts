import { describe, expect, it } from 'vitest'
import { addressOf, filterOf, isEmpty, noFilter, queryOf } from '../../web-admin/src/calls/filter.ts'

describe('the call list’s filter', () => {
  it('is in the page’s address and comes back from it', () => {
    const filter = {
      ...{ person: 'mia', path: 'relayed', grade: 'ledger', quality: 'poor', missed: true },
      ...{ from: '2027-03-01', to: '2027-03-02' },
    }
    expect(filterOf(new URLSearchParams(addressOf(filter)))).toEqual(filter)
    expect(addressOf(noFilter)).toEqual({})
    expect(isEmpty(filterOf(new URLSearchParams('')))).toBe(true)
  })

  it('asks from the first moment of a day here to the first of the day after', () => {
    const query = queryOf({ ...noFilter, from: '2027-03-28', to: '2027-03-28' })
    expect(Number(query.get('from'))).toBe(new Date(2027, 2, 28).getTime())
    expect(Number(query.get('until'))).toBe(new Date(2027, 2, 29).getTime())
  })

  it('takes nothing from an address that makes no sense', () => {
    const odd = 'person=<b>&path=sideways&proof=none2&quality=GOOD&from=yesterday&to=2027-3-1&missed=yes'
    expect(filterOf(new URLSearchParams(odd))).toEqual(noFilter)
  })
})
