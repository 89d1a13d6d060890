import { expect, it } from 'vitest'
import { Metrics } from '../../src/runtime/metrics.ts'

it('notes are told by room and reason, as many as there were, at each scrape', async () => {
  const metrics = new Metrics()
  metrics.note('sip', 'challenged')
  metrics.note('sip', 'challenged', 2)
  metrics.note('turn', 'challenged')
  const lines = async () =>
    (await metrics.registry.metrics()).split('\n').filter(line => line.startsWith('lanline_notes_total{'))
  const told = [
    'lanline_notes_total{room="sip",reason="challenged"} 3',
    'lanline_notes_total{room="turn",reason="challenged"} 1',
  ]
  expect(await lines()).toEqual(told)
  expect(await lines()).toEqual(told)
})
