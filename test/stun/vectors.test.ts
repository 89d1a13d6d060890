/** The published samples, as they stand in the RFCs. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/stun/codec.ts'
import { isIntact, longTermKey, signingWith } from '../../src/stun/integrity.ts'
import { type StunMessage, stunAttribute, stunType } from '../../src/stun/message.ts'
import { type StunVector, stunVector } from '../vectors/stun/vectors.ts'

const shortTerm = Buffer.from('VOkJxbRl1RmTxUk/WvJxBt')
const username = '\u30de\u30c8\u30ea\u30c3\u30af\u30b9'
const realm = 'example.org'
/** "The<U+00AD>M<U+00AA>tr<U+2168>" as RFC 4013 and RFC 8265 prepare it. */
const password = 'TheMatrIX'

function read(name: StunVector): { bytes: Uint8Array; message: StunMessage } {
  const bytes = stunVector(name)
  const decoded = decode(bytes)
  if (decoded.kind !== 'ok') throw new Error(`${name}: ${decoded.kind}`)
  return { bytes, message: decoded.message }
}

/** Everything but the integrity, which `encode` makes anew. */
const unsigned = ({ integrity, ...message }: StunMessage): StunMessage => message

describe('RFC 5769', () => {
  it('§2.1: the request is read, its integrity verified, its unknown attribute named', () => {
    const { bytes, message } = read('rfc5769-2.1-request')
    expect(message).toMatchObject({
      ...{ type: stunType.bindingRequest, username: 'evtj:h6vY', software: 'STUN test client' },
      unknown: [0x0024],
    })
    expect(message.integrity?.kind).toBe('sha1')
    expect(isIntact(bytes, message.integrity!, shortTerm)).toBe(true)
  })

  it.each([
    ['§2.2', 'rfc5769-2.2-ipv4-response', '192.0.2.1'],
    ['§2.3', 'rfc5769-2.3-ipv6-response', '2001:db8:1234:5678:11:2233:4455:6677'],
  ] as const)('%s: the response is read and its integrity verified', (_section, name, address) => {
    const { bytes, message } = read(name)
    expect(message).toMatchObject({
      ...{ type: stunType.bindingSuccess, software: 'test vector', mapped: { address, port: 32_853 } },
    })
    expect(isIntact(bytes, message.integrity!, shortTerm)).toBe(true)
  })

  it('§2.4: the request with long-term authentication is read, verified, and written with the same attributes', () => {
    const { bytes, message } = read('rfc5769-2.4-long-term')
    const key = longTermKey('md5', username, realm, password)
    expect(message).toMatchObject({ username, realm, nonce: 'f//499k954d6OL34oL9FSTvy64sA' })
    expect(isIntact(bytes, message.integrity!, key)).toBe(true)
    expect(isIntact(bytes, message.integrity!, longTermKey('md5', username, realm, 'thematrix'))).toBe(false)
    const written = encode(unsigned(message), { signing: signingWith('sha1', key) })
    expect(written.length).toBe(bytes.length)
    expect(decode(written)).toMatchObject({ kind: 'ok', message: unsigned(message) })
  })
})

describe('RFC 8489 B.1', () => {
  it('is read and its SHA-256 verified; USERHASH, which is not served, is named unknown', () => {
    const { bytes, message } = read('rfc8489-b.1-sha256')
    expect(message).toMatchObject({ realm, algorithm: 2, unknown: [0x001e] })
    expect(message.nonce).toBe('obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA')
    expect(message.integrity?.kind).toBe('sha256')
    expect(isIntact(bytes, message.integrity!, longTermKey('sha256', username, realm, password))).toBe(true)
    expect(isIntact(bytes, message.integrity!, longTermKey('md5', username, realm, password))).toBe(false)
  })

  it('names the user by a hash of user name and realm', () => {
    const hash = createHash('sha256').update(`${username}:${realm}`).digest('hex')
    expect(Buffer.from(stunVector('rfc8489-b.1-sha256')).toString('hex')).toContain(hash)
  })
})

describe('of every sample', () => {
  const names: StunVector[] = [
    'rfc5769-2.1-request',
    'rfc5769-2.2-ipv4-response',
    'rfc5769-2.3-ipv6-response',
    'rfc5769-2.4-long-term',
    'rfc8489-b.1-sha256',
  ]
  const keys = {
    short: shortTerm,
    sha1: longTermKey('md5', username, realm, password),
    sha256: longTermKey('sha256', username, realm, password),
  }
  const keyOf = (name: StunVector): Uint8Array =>
    name.startsWith('rfc8489') ? keys.sha256 : name.endsWith('long-term') ? keys.sha1 : keys.short

  it.each(names)('%s: no single bit before or in the integrity can be another one', name => {
    const original = stunVector(name)
    const { offset, value } = read(name).message.integrity!
    for (let bit = 0; bit < (offset + 4 + value.length) * 8; bit++) {
      const bytes = original.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const decoded = decode(bytes)
      if (decoded.kind !== 'ok' || decoded.message.integrity === undefined) continue
      expect(isIntact(bytes, decoded.message.integrity, keyOf(name)), `bit ${bit}`).toBe(false)
    }
  })

  it.each(names)('%s: verifying leaves the bytes as they were, also where they are a Buffer', name => {
    const bytes = Buffer.from(stunVector(name))
    const decoded = decode(bytes)
    if (decoded.kind !== 'ok') throw new Error('not read')
    isIntact(bytes, decoded.message.integrity!, keyOf(name))
    expect(bytes.equals(stunVector(name))).toBe(true)
  })
})

describe('what follows the integrity', () => {
  const key = longTermKey('md5', 'u', 'r', 'p')
  const transaction = new Uint8Array(12)
  const type = stunType.createPermissionRequest

  it('is ignored, whatever it is', () => {
    const signed = encode({ type, transaction, username: 'u' }, { signing: signingWith('sha1', key) }).slice()
    const peer = encode({ type, transaction, peers: [{ address: '10.0.0.1', port: 1 }], lifetimeSeconds: 0 })
    const bytes = Buffer.concat([signed, peer.subarray(20)])
    bytes.writeUInt16BE(bytes.length - 20, 2)
    const decoded = decode(bytes)
    expect(decoded).toMatchObject({ kind: 'ok', message: { username: 'u' } })
    if (decoded.kind !== 'ok') return
    expect(decoded.message.peers).toBe(undefined)
    expect(decoded.message.lifetimeSeconds).toBe(undefined)
    expect(isIntact(bytes, decoded.message.integrity!, key)).toBe(true)
  })

  it('is not: the stronger integrity, which is the one that counts', () => {
    const signed = encode({ type, transaction, username: 'u' }, { signing: signingWith('sha1', key) }).slice()
    const bytes = Buffer.concat([signed, Buffer.alloc(36)])
    bytes.writeUInt16BE(bytes.length - 20, 2)
    bytes.writeUInt16BE(stunAttribute.messageIntegritySha256, signed.length)
    bytes.writeUInt16BE(32, signed.length + 2)
    const decoded = decode(bytes)
    expect(decoded).toMatchObject({ message: { integrity: { kind: 'sha256', offset: signed.length } } })
    if (decoded.kind === 'ok') expect(isIntact(bytes, decoded.message.integrity!, key)).toBe(false)
  })
})
