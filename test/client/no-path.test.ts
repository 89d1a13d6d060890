import { describe, expect, it } from 'vitest'
import { noPathLimits, PathWatch, pairsOf, Search } from '../../client/no-path.ts'
import { FakeClock } from './fakes.ts'

const { unansweredMilliseconds, unansweredAgainMilliseconds } = noPathLimits
const pair = (id: string, sent: number, answered: number) => ({ id, sent, answered })

describe('checks in the statistics', () => {
  it('are counted by Chromium and werift', () => {
    const stats = [
      { type: 'transport', id: 'T' },
      { type: 'candidate-pair', id: 'CP1', state: 'in-progress', requestsSent: 11, responsesReceived: 0 },
      { type: 'candidate-pair', id: 'CP2', state: 'succeeded', requestsSent: 3, responsesReceived: 3 },
      { type: 'candidate-pair', id: 'CP3', state: 'waiting', requestsSent: 0, responsesReceived: 0 },
    ]
    expect(pairsOf(stats)).toEqual([pair('CP1', 11, 0), pair('CP2', 3, 3), pair('CP3', 0, 0)])
  })

  it('are told by the state in Firefox, which counts answers only', () => {
    const states = ['frozen', 'waiting', 'in-progress', 'failed', 'cancelled']
    const stats = [
      ...states.map(state => ({ type: 'candidate-pair', id: state, state, responsesReceived: 0 })),
      { type: 'candidate-pair', id: 'succeeded', state: 'succeeded', responsesReceived: 1 },
    ]
    const checked = pairsOf(stats).filter(({ sent }) => sent > 0)
    expect(checked).toEqual([pair('in-progress', 1, 0), pair('failed', 1, 0), pair('succeeded', 1, 1)])
  })

  it('are told by the state where nothing is counted', () => {
    expect(pairsOf([{ type: 'candidate-pair', id: 'a', state: 'succeeded' }])).toEqual([pair('a', 1, 1)])
  })
})

describe('a search for a path', () => {
  const judged = (search: Search, now: number, ...pairs: ReturnType<typeof pair>[]) =>
    search.judge(now, pairs, unansweredMilliseconds)

  it('is in vain 1 s after the first check if none was answered', () => {
    const search = new Search(0, [])
    expect(judged(search, 200, pair('a', 0, 0))).toBe('open')
    expect(judged(search, 250, pair('a', 1, 0))).toBe('open')
    expect(judged(search, 1_199, pair('a', 20, 0), pair('b', 2, 0))).toBe('open')
    expect(judged(search, 1_200, pair('a', 21, 0), pair('b', 2, 0))).toBe('vain')
  })

  it('is not as soon as one pair had an answer', () => {
    const search = new Search(0, [])
    judged(search, 200, pair('a', 1, 0))
    expect(judged(search, 60_000, pair('a', 900, 0), pair('b', 3, 1))).toBe('answered')
  })

  it('is in vain when there is nothing to check for 1.5 s', () => {
    const search = new Search(1_000, [])
    expect(judged(search, 2_499)).toBe('open')
    expect(judged(search, 2_500)).toBe('vain')
  })

  it('takes no notice of what pairs of an earlier generation were told before', () => {
    const before = [pair('old', 40, 12)]
    const search = new Search(0, before)
    judged(search, 200, ...before, pair('new', 1, 0))
    expect(judged(search, 1_700, ...before, pair('new', 20, 0))).toBe('vain')
  })

  it('knows that an earlier pair is alive again', () => {
    const search = new Search(0, [pair('old', 40, 12)])
    expect(judged(search, 9_000, pair('old', 44, 13))).toBe('answered')
  })
})

describe('a watch over the path', () => {
  function watching() {
    const clock = new FakeClock()
    const said: number[] = []
    const parts = {
      state: 'connecting',
      pairs: [] as ReturnType<typeof pair>[],
      flowed: false,
      line: true,
      silent: false,
    }
    const watch = new PathWatch({
      env: {
        now: () => clock.milliseconds,
        setTimeout: clock.setTimeout,
        clearTimeout: clock.clearTimeout,
      } as never,
      pairs: async () => parts.pairs,
      connectionState: () => parts.state,
      hasFlowed: () => parts.flowed,
      isFlowing: () => parts.state === 'connected' && !parts.silent,
      say: () => {
        if (parts.line) said.push(clock.milliseconds)
        return parts.line
      },
    })
    return { clock, said, watch, parts }
  }

  it('says once in a generation that there is no path', async () => {
    const { clock, said, watch, parts } = watching()
    watch.begin([])
    parts.pairs = [pair('a', 5, 0)]
    await clock.pass(60_000)
    expect(said).toEqual([unansweredMilliseconds])
  })

  it('says nothing when media flows or a check is answered', async () => {
    const flowing = watching()
    flowing.watch.begin([])
    flowing.parts.state = 'connected'
    await flowing.clock.pass(60_000)
    const answered = watching()
    answered.watch.begin([])
    answered.parts.pairs = [pair('a', 5, 1)]
    await answered.clock.pass(60_000)
    expect([...flowing.said, ...answered.said]).toEqual([])
  })

  it('says it at once when the browser says `failed`, but not for the `failed` of the generation before', async () => {
    const { clock, said, watch, parts } = watching()
    parts.state = 'failed'
    watch.begin([])
    await clock.pass(1_000)
    expect(said).toEqual([])
    parts.state = 'connecting'
    await clock.pass(200)
    parts.state = 'failed'
    await clock.pass(200)
    expect(said).toHaveLength(1)
  })

  it('waits less in a call in which media had flowed', async () => {
    const { clock, said, watch, parts } = watching()
    parts.flowed = true
    parts.pairs = [pair('a', 5, 0)]
    watch.begin([])
    await clock.pass(60_000)
    expect(said).toEqual([unansweredAgainMilliseconds])
  })

  it('says it after each restart that finds nothing, ever later, and four times at most', async () => {
    const { clock, said, watch, parts } = watching()
    for (let generation = 0; generation < 10; generation++) {
      parts.pairs = [pair(`pair ${generation}`, 1, 0)]
      watch.begin([])
      await clock.pass(20_000)
    }
    expect(said).toHaveLength(noPathLimits.sayings)
    const quick = watching()
    for (let generation = 0; generation < 40; generation++) {
      quick.parts.pairs = [pair(`pair ${generation}`, 1, 0)]
      quick.watch.begin([])
      await quick.clock.pass(2_000)
    }
    const gaps = quick.said.slice(1).map((at, index) => at - quick.said[index]!)
    expect(gaps.every((gap, index) => gap >= noPathLimits.sayAgainMilliseconds * 2 ** index)).toBe(true)
    expect(gaps).toHaveLength(3)
  })

  it('says it as soon as the appliance can be told, and again over a new line', async () => {
    const { clock, said, watch, parts } = watching()
    parts.line = false
    watch.begin([])
    await clock.pass(5_000)
    expect(said).toEqual([])
    parts.line = true
    await clock.pass(200)
    expect(said).toHaveLength(1)
    watch.lineBack()
    await clock.pass(200)
    expect(said).toHaveLength(2)
  })

  it('is not deceived by a browser that says `connected` for seconds after the path broke', async () => {
    const { clock, said, watch, parts } = watching()
    parts.state = 'connected'
    watch.begin([])
    await clock.pass(3_000)
    expect(said).toEqual([])
    parts.silent = true
    await clock.pass(200)
    expect(said).toHaveLength(1)
  })

  it('ends when a restart in a call that goes on is answered', async () => {
    const { clock, said, watch, parts } = watching()
    parts.state = 'connected'
    parts.pairs = [pair('a', 1, 1)]
    watch.begin([])
    await clock.pass(1_000)
    parts.pairs = []
    parts.state = 'disconnected'
    await clock.pass(60_000)
    expect(said).toEqual([])
  })

  it('has nothing to say of a loss before anybody looked for a new path', async () => {
    const { clock, said, watch, parts } = watching()
    watch.begin([])
    watch.found()
    parts.state = 'disconnected'
    await clock.pass(60_000)
    expect(said).toEqual([])
  })
})
