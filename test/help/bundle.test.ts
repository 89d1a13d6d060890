import { expect, it } from 'vitest'
import { bundleOf, cleanText } from '../../src/help/bundle.ts'

const token = 'Zx81Kq0vB3nW7yTfLmR2pAsD'

it('secrets are taken out wherever they are, by name or by looks', () => {
  const text = bundleOf({
    madeAt: 0,
    sections: {
      config: { turn: { secret: 's3cret' }, port: { key: 'http.port', explicit: 80 } },
      rows: [{ ha1Md5: 'aaaa', passwordHash: 'bbbb', tokenHash: 'cccc', name: 'Alice', codeOk: 488 }],
      words: { detail: `hello ${token} end`, link: `http://10.0.0.1/j#${token}`, code: 488 },
    },
    log: [
      JSON.stringify({ event: 'x', authorization: 'Bearer abc', detail: 'password=hunter2 next' }),
      'no JSON: token: hunter3',
    ],
  })
  for (const secret of ['s3cret', 'aaaa', 'bbbb', 'cccc', token, 'hunter2', 'hunter3', 'Bearer abc'])
    expect(text).not.toContain(secret)
  for (const kept of ['http.port', 'Alice', '488', 'hello', 'next']) expect(text).toContain(kept)
})

it('ids of calls, names and addresses stay readable', () => {
  const call = '0123456789abcdef0123456789abcdef'
  expect(cleanText(`call ${call} from desk-phone-in-the-living-room at fd00::1`)).toBe(
    `call ${call} from desk-phone-in-the-living-room at fd00::1`,
  )
})
