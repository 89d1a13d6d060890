/** What another client may say by the data channel: whatever it is, it is read as one of our words or as none. */
import { expect, it } from 'vitest'
import { readPeerWord } from '../../client/peerword.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runs } from './counts.ts'

const random = seededRandom(7)
const below = (count: number): number => random.below(count)
const pick = <One>(from: readonly One[]): One => from[below(from.length)]!

const fields = [
  ...['type', 'reason', 'sdp', 'number', 'candidate', 'muted', 'camera', 'testSource', 'hold'],
  ...['microphoneLost', 'cameraLost', 'toString', '__proto__', 'other'],
]
const words = ['bye', 'offer', 'answer', 'candidate', 'media', 'hangup', 'mediaLost', 'revoked', 'x', '']
const value = (depth: number): unknown => {
  if (depth < 2 && below(4) === 0) return object(depth + 1)
  return pick<unknown>([true, false, null, 0, -1, 1e308, [], [1], '<b>', ...words])
}
const object = (depth = 0): object =>
  Object.fromEntries(Array.from({ length: below(8) }, () => [pick(fields), value(depth)]))

const flags = ['muted', 'camera', 'testSource', 'hold'] as const
const losses = ['microphoneLost', 'cameraLost'] as const

it('has our shape, field by field, whatever was said', () => {
  for (let run = 0; run < runs * 20; run++) {
    const said = { ...object(), ...(below(3) > 0 && { type: pick(words) }) }
    let text = JSON.stringify(said)
    if (below(10) === 0) text = text.slice(0, below(text.length + 1))
    const word = readPeerWord(text)
    if (word?.type !== 'media') {
      expect(['bye', 'offer', 'answer', 'candidate', undefined], text).toContain(word?.type)
      continue
    }
    for (const flag of flags) expect(typeof word[flag], text).toBe('boolean')
    for (const loss of losses) expect([true, undefined], text).toContain(word[loss])
    expect([...flags, ...losses, 'type'], text).toEqual(expect.arrayContaining(Object.keys(word)))
  }
})
