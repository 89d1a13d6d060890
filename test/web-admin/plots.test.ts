import { expect, it } from 'vitest'
import type { QualitySeries, StreamPoint } from '../../src/trace/series.ts'
import { plotsOf } from '../../web-admin/src/calls/plots.ts'

const point = (at: number, kilobitsPerSecond: number): StreamPoint => ({
  ...{ atMilliseconds: at, kilobitsPerSecond, packetsPerSecond: 50, lossPercent: 1 },
  ...{
    jitterMilliseconds: undefined,
    concealedPercent: undefined,
    framesPerSecond: undefined,
    freezes: undefined,
  },
})
const stream = (
  from: 'caller' | 'callee',
  direction: 'sent' | 'received',
  ssrc: number,
  points: StreamPoint[],
) => ({ from, by: from, direction, media: 'audio', ssrc, points }) as const
const names = { caller: 'Alice', callee: 'Bob' }

it('a direction is drawn by what arrived, and by what was sent only where the other end is silent', () => {
  const series: QualitySeries = {
    streams: [
      stream('caller', 'sent', 1, [point(1_000, 90)]),
      stream('caller', 'received', 1, [point(1_500, 30), point(2_500, 60)]),
      stream('callee', 'sent', 2, [point(1_200, 20)]),
    ],
    rtt: { caller: [{ atMilliseconds: 900, value: 4 }], callee: [] },
    mos: { caller: [], callee: [] },
  }
  const [bitrate, loss, jitter, rtt, mos] = plotsOf(series, names)
  expect(
    bitrate!.lines.map(({ label, points, average, worst }) => ({ label, points, average, worst })),
  ).toEqual([
    {
      label: 'audio to Bob',
      points: [
        [1.5, 30],
        [2.5, 60],
      ],
      average: '45',
      worst: '30',
    },
    { label: 'audio to Alice', points: [[1.2, 20]], average: '20', worst: '20' },
  ])
  expect(loss!.lines).toHaveLength(2)
  // What no stack counts draws no line.
  expect(jitter!.lines).toEqual([])
  expect(rtt!.lines).toMatchObject([{ points: [[0.9, 4]] }])
  expect(mos!.lines).toEqual([])
})

it('nobody loses less than nothing, though what comes twice or late is counted so', () => {
  const late = { ...point(1_000, 90), lossPercent: -0.6 }
  const series: QualitySeries = {
    streams: [stream('caller', 'received', 1, [late])],
    rtt: { caller: [], callee: [] },
    mos: { caller: [], callee: [] },
  }
  const loss = plotsOf(series, names).find(({ id }) => id === 'loss')!
  expect(loss.lines).toMatchObject([{ points: [[1, 0]], average: '0', worst: '0' }])
})
