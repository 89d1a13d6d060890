import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHead, headLimitBytes, judge, trustedKeys } from '../../src/update/codec.ts'
import { compareVersions } from '../../src/update/version.ts'
import { headOf, keyPair, machine, manifestOf, pemOf, privateKey, publicKey } from './house.ts'

const keys = [publicKey]

describe('the beginning of a bundle', () => {
  it('is read back as it was written, and says where the root file system begins', () => {
    const head = headOf(manifestOf())
    const read = decodeHead(Buffer.concat([head, Buffer.from('squashfs')]), keys)
    expect(read).toEqual({ kind: 'ok', manifest: manifestOf(), bytes: head.length })
  })

  it('asks for more until it is whole, whatever the pieces it comes in', () => {
    const head = headOf(manifestOf())
    for (let length = 0; length < head.length; length++) {
      expect(decodeHead(head.subarray(0, length), keys)).toEqual({ kind: 'more' })
    }
  })

  it('with any one bit changed is refused', () => {
    const head = headOf(manifestOf())
    for (let at = 0; at < head.length; at++) {
      for (const bit of [1, 2, 4, 0x20, 0x80]) {
        const changed = Buffer.from(head)
        changed[at]! ^= bit
        expect(decodeHead(Buffer.concat([changed, Buffer.alloc(headLimitBytes)]), keys).kind).toBe('refused')
      }
    }
  })

  it('by another key is refused, and by one of several trusted ones taken', () => {
    const other = keyPair()
    const head = headOf(manifestOf(), other.privateKey)
    expect(decodeHead(head, keys)).toMatchObject({ kind: 'refused', problem: 'untrusted' })
    expect(decodeHead(head, [publicKey, other.publicKey]).kind).toBe('ok')
    expect(decodeHead(head, []).kind).toBe('refused')
  })

  it('that is signed but says nonsense is refused', () => {
    const wrong: readonly object[] = [
      ...[{ rootBytes: 0 }, { rootBytes: 3e9 }, { rootBytes: 1.5 }, { version: '1' }, { rootSha256: 'ABC' }],
      ...[{ architecture: 'riscv64' }, { product: 'other' }, { schema: -1 }, { build: '\n' }],
    ]
    for (const change of wrong) {
      expect(decodeHead(headOf({ ...manifestOf(), ...change }), keys)).toMatchObject({ kind: 'refused' })
    }
  })

  it('of any bytes at all is an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9_000 }), fc.nat(200), (bytes, from) => {
        const grafted = Buffer.from(headOf(manifestOf()))
        grafted.set(bytes.subarray(0, Math.max(0, grafted.length - from)), Math.min(from, grafted.length))
        for (const input of [bytes, grafted]) {
          const read = decodeHead(input, keys)
          if (read.kind === 'ok') expect(read.manifest).toEqual(manifestOf())
          if (input.length > headLimitBytes) expect(read.kind).not.toBe('more')
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('whether it may be installed', () => {
  const problem = (change: object, word = false, on: object = {}) =>
    judge(manifestOf(change), { ...machine, ...on }, word)?.problem

  it('a newer one for this machine may', () => {
    expect(problem({})).toBeUndefined()
    expect(problem({ schema: 13 })).toBeUndefined()
  })
  it('one that is not newer needs a word', () => {
    expect(problem({ version: '0.1.0' })).toBe('notNewer')
    expect(problem({ version: '0.0.9' })).toBe('notNewer')
    expect(problem({ version: '0.1.0-rc.1' })).toBe('notNewer')
    expect(problem({ version: '0.0.9' }, true)).toBeUndefined()
  })
  it('no word helps against another architecture, an older database, an old kernel, too little room', () => {
    expect(problem({ architecture: 'amd64' }, true)).toBe('wrongArchitecture')
    expect(problem({ schema: 11 }, true)).toBe('schemaOlder')
    expect(problem({ boot: 2 }, true)).toBe('bootTooOld')
    expect(problem({}, true, { slotBytes: 299_999 })).toBe('tooLarge')
    expect(problem({}, true, { slotBytes: undefined })).toBeUndefined()
  })
})

describe('trusted keys', () => {
  it('are all Ed25519 keys of a text; others are left out', () => {
    const other = keyPair()
    const text = `old key\n${pemOf(publicKey)}\n-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n${pemOf(other.publicKey)}`
    expect(trustedKeys(text)).toHaveLength(2)
    expect(trustedKeys('')).toEqual([])
    expect(decodeHead(headOf(manifestOf(), privateKey), trustedKeys(text)).kind).toBe('ok')
  })
})

describe('versions', () => {
  it('are in their order', () => {
    const order = [
      'x',
      '0.9.0',
      '0.10.0-a',
      '0.10.0-a.2',
      '0.10.0-a.10',
      '0.10.0-a.b',
      '0.10.0',
      '1.0.0',
      '10.0.0',
    ]
    for (const [at, version] of order.entries()) {
      for (const [other, against] of order.entries()) {
        expect(Math.sign(compareVersions(version, against)), `${version} ${against}`).toBe(
          Math.sign(at - other),
        )
      }
    }
  })
})
