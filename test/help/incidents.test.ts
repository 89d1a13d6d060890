import { describe, expect, it } from 'vitest'
import { type Epoch, hours } from '../../src/core/clock.ts'
import { Incidents, incidentLimits } from '../../src/help/incidents.ts'

const at = (milliseconds: number): Epoch => (1_800_000_000_000 + milliseconds) as Epoch
const wrong = (account: string, source = '10.0.0.9') => ({ kind: 'wrongPassword', account, source }) as const

describe('what was refused', () => {
  it('is one entry however often it happens, and a new one after hours of quiet', () => {
    const incidents = new Incidents()
    for (let second = 0; second < 50; second++) incidents.happened(wrong('bob'), at(second * 1_000))
    expect(incidents.all()).toMatchObject([{ count: 50, at: at(0), lastAt: at(49_000) }])
    incidents.happened(wrong('bob'), at(hours(7)))
    expect(incidents.all()).toMatchObject([{ count: 1, at: at(hours(7)) }])
  })

  it('ends, and begins anew', () => {
    const incidents = new Incidents()
    const away = { kind: 'away', device: 'd' } as const
    incidents.ended(away, at(0))
    expect(incidents.all()).toEqual([])
    incidents.happened(away, at(1))
    incidents.ended(away, at(5))
    incidents.ended(away, at(9))
    expect(incidents.all()).toMatchObject([{ at: at(1), until: at(5) }])
    incidents.happened(away, at(20))
    expect(incidents.all()).toMatchObject([{ at: at(20), until: undefined, count: 1 }])
  })

  it('is bounded by kind and by source: a guesser pushes out nothing but guesses', () => {
    const incidents = new Incidents()
    incidents.happened({ kind: 'mediaProblem', device: 'd', detail: 'microphoneDenied' }, at(0))
    incidents.happened(wrong('bob'), at(1))
    for (let name = 0; name < 5_000; name++)
      incidents.happened(wrong(`guess-${name}`, '10.0.0.66'), at(2 + name))
    expect(incidents.all().filter(one => one.source === '10.0.0.66').length).toBeLessThanOrEqual(
      incidentLimits.perSource + 1,
    )
    expect(incidents.all().some(one => one.account === 'bob')).toBe(true)
    for (let source = 0; source < 5_000; source++)
      incidents.happened(wrong('x', `fd00::${source}`), at(9_000 + source))
    expect(incidents.size).toBe(incidentLimits.perKind + 1)
    expect(incidents.all().some(one => one.kind === 'mediaProblem')).toBe(true)
  })

  it('keeps words of strangers short and on one line', () => {
    const incidents = new Incidents()
    incidents.happened(wrong(`a\n\u202e${'x'.repeat(500)}`), at(0))
    const { account } = incidents.all()[0]!
    expect(account).toHaveLength(incidentLimits.nameCharacters)
    expect(account).toMatch(/^a··x/)
  })

  it('is written as it changes and known after a restart', () => {
    const incidents = new Incidents()
    incidents.happened(wrong('bob'), at(0))
    const changed = incidents.takeChanged()
    expect(changed.size).toBe(1)
    expect(incidents.takeChanged().size).toBe(0)
    const again = new Incidents([...changed.values()])
    expect(again.takeChanged().size).toBe(0)
    again.happened(wrong('bob'), at(5))
    expect([...again.takeChanged().values()]).toMatchObject([{ count: 2, at: at(0) }])
  })
})
