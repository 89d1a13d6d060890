import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalAddress,
  formatEndpoint,
  formatIPv6,
  isLoopback,
  parseIPv4,
  parseIPv6,
} from '../../src/core/endpoint.ts'

describe('addresses as text', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is written %s (RFC 5952)', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    'lanline.local',
    '1:2:3:4:5:6:1.2.3.4:7',
  ])('%j is not an address', text => {
    expect(canonicalAddress(text)).toBeUndefined()
  })

  it('reads back every IPv6 address it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), octets => {
        expect(parseIPv6(formatIPv6(octets))).toEqual(octets)
      }),
    )
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        parseIPv4(text)
        parseIPv6(text)
        canonicalAddress(text)
      }),
    )
  })

  it('puts brackets round IPv6 in an endpoint', () => {
    expect(formatEndpoint({ address: '2001:db8::1', port: 5060 })).toBe('[2001:db8::1]:5060')
    expect(formatEndpoint({ address: '192.0.2.1', port: 5060 })).toBe('192.0.2.1:5060')
  })

  it('knows loopback in every form', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(
      true,
    )
    expect(['10.0.0.1', '::2', 'localhost', '128.0.0.1'].some(isLoopback)).toBe(false)
  })
})
