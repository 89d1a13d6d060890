/** What is answered before anybody is known: no larger than what was asked, since the address may be forged. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode, first, values } from '../../src/sip/codec.ts'
import { listedExtensions, unsupported } from '../../src/sip/extensions.ts'
import type { HeaderField, SipMessage, SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'
import { Bench } from './agent-bench.ts'

/** To challenge somebody takes this much: two challenges. */
const ownBytes = 1_500

function ask(o: { method?: string; uri?: string; extra: HeaderField[] }) {
  const home = new SimHouse(new SimNetwork(1), ['alice'])
  const stranger = new SimPhone(home, { device: 'zoe-1', address: '10.0.1.66' })
  let sent: SipMessage | undefined
  stranger.request({
    ...{ method: 'OPTIONS', uri: 'sip:alice@lanline.local', to: '<sip:alice@lanline.local>', ...o },
    sending: request => {
      sent ??= request
    },
    done: () => {},
  })
  home.network.run(300)
  const answer = stranger.received[0] as SipResponse
  return { answer, asked: encode(sent!).length, answered: encode(answer).length }
}

describe('extensions that nobody here knows', () => {
  const field = (value: string): HeaderField[] => [{ name: 'Proxy-Require', value }]

  it('are named where they are few', () => {
    const { answer } = ask({ extra: field('magic, Privacy, spells') })
    expect([answer.status, first(answer, 'Unsupported')]).toEqual([420, 'magic, spells'])
  })

  it.each([
    ['one of 60 kB', 'x'.repeat(60_000)],
    ['thirty thousand', Array(30_000).fill('a').join(',')],
    ['ten thousand that differ', Array.from({ length: 10_000 }, (_, at) => `t${at}`).join(',')],
    ['those that are no tokens', Array(1_000).fill('"a b"<>').join(',')],
  ])('make no large answer: %s', (_, value) => {
    const { answer, answered } = ask({ extra: field(value) })
    expect(answer.status).toBe(420)
    expect(answered).toBeLessThan(2_000)
  })

  it('are whole tokens, each once, and so many, whatever is written (property)', () => {
    const texts = fc.array(fc.oneof(fc.string({ maxLength: 200 }), fc.stringMatching(/^[a-z0-9.]{1,40}$/)))
    fc.assert(
      fc.property(texts, tags => {
        const [named] = unsupported(tags)
        if (named === undefined) return
        expect(named.name).toBe('Unsupported')
        const said = named.value.split(', ')
        expect(said.length).toBeLessThanOrEqual(listedExtensions)
        expect(new Set(said).size).toBe(said.length)
        for (const one of said) {
          expect(one).toMatch(/^[a-zA-Z0-9\-.!%*_+`'~]{1,64}$/)
          expect(tags.map(tag => tag.trim())).toContain(one)
        }
      }),
    )
  })
})

it('what is asked of nobody known makes no answer larger than itself, but for what a challenge takes (property)', () => {
  const names = [
    'Via',
    'Route',
    'Record-Route',
    'Require',
    'Proxy-Require',
    'Supported',
    'Contact',
    'Max-Breadth',
    'Timestamp',
  ]
  const value = fc.constantFrom(
    'SIP/2.0/UDP a.example;branch=z9hG4bK1',
    'a,b,c,d',
    '<sip:a@b.example>',
    '1',
    ',,,,',
  )
  const field = fc.record({ name: fc.constantFrom(...names), value, times: fc.integer({ min: 1, max: 300 }) })
  const methods = fc.constantFrom('OPTIONS', 'INVITE', 'REGISTER', 'SUBSCRIBE', 'NOTIFY', 'BYE')
  const uris = fc.constantFrom('sip:alice@lanline.local', 'sip:lanline.local', 'sip:a@elsewhere.example')
  fc.assert(
    fc.property(methods, uris, fc.array(field, { maxLength: 4 }), (method, uri, fields) => {
      const extra = fields.map(({ name, value: one, times }) => ({
        name,
        value: Array(times).fill(one).join(','),
      }))
      const { answer, asked, answered } = ask({ method, uri, extra })
      if (answer === undefined) return
      expect(values(answer, 'Via').length).toBeGreaterThan(0)
      expect(answered).toBeLessThan(asked + ownBytes)
    }),
    { numRuns: 200 },
  )
})

it('what a page is required to do and nobody can write down is refused all the same', () => {
  const bench = new Bench().attach()
  bench.incoming({ extra: [{ name: 'Require', value: '"no token"' }] })
  expect(bench.statuses).toEqual([420])
})
