import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { Digest, type DigestVerdict, digestLimits } from '../../src/sip/digest.ts'

const address = '192.0.2.7'
const md5 = (text: string): string => hash('md5', text)
const ha1Md5 = md5('anna:lanline:secret')
const credential = { device: 'd1', user: 'anna', ha1Md5, ha1Sha256: hash('sha256', 'anna:lanline:secret') }

class Client {
  readonly #digest = new Digest({ realm: 'lanline', nonceKey: new Uint8Array(32).fill(7), firstSerial: 1 })

  get remembered(): number {
    return this.#digest.usedNonces
  }

  nonce(at: number): string {
    return /nonce="([^"]+)"/.exec(this.#digest.challenges(false, address, at as Monotonic)[0])![1]!
  }

  answer(nonce: string, at: number, nc = '00000001'): DigestVerdict {
    const ha2 = md5('REGISTER:sip:lanline')
    const response = md5(`${ha1Md5}:${nonce}:${nc}:c:auth:${ha2}`)
    const params = { nonce, nc, response, cnonce: 'c', qop: 'auth', uri: 'sip:lanline' }
    const auth = { scheme: 'digest', params: new Map(Object.entries(params)) }
    return this.#digest.judge(auth, 'REGISTER', credential, address, at as Monotonic)
  }
}

const minute = 60_000
const lifetime = digestLimits.nonceMilliseconds

describe('a used nonce', () => {
  it('is forgotten once it has expired, and is stale then', () => {
    const client = new Client()
    const first = client.nonce(0)
    expect(client.answer(first, 1).kind).toBe('proven')
    for (let at = 0; at <= 60 * minute; at += minute) {
      expect(client.answer(client.nonce(at), at + 1).kind).toBe('proven')
    }
    expect(client.remembered).toBeLessThanOrEqual((2 * lifetime) / minute + 2)
    expect(client.answer(first, 60 * minute)).toEqual({ kind: 'stale', reason: 'expiredNonce' })
  })

  it('counts once for as long as it is good, whatever was used since', () => {
    const client = new Client()
    for (let at = 0; at <= 40 * minute; at += 20_000) {
      const nonce = client.nonce(at)
      expect(client.answer(nonce, at + 1).kind).toBe('proven')
      for (const later of [1, 2 * minute, lifetime]) {
        expect(client.answer(nonce, at + later)).toEqual({ kind: 'stale', reason: 'replayedNonce' })
      }
      expect(client.answer(nonce, at + lifetime, '00000002').kind).toBe('proven')
    }
  })

  it('never counts twice when so many are used that some have to be forgotten before', () => {
    const client = new Client()
    const nonces = Array.from({ length: digestLimits.usedNonces + 10 }, (_, at) => client.nonce(at))
    for (const [at, nonce] of nonces.entries()) expect(client.answer(nonce, at).kind).toBe('proven')
    const last = nonces.length
    expect(client.remembered).toBeLessThanOrEqual(digestLimits.usedNonces)
    for (const nonce of nonces) expect(client.answer(nonce, last).kind).toBe('stale')
  })
})
