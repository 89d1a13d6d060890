import { describe, expect, it } from 'vitest'
import { listing } from '../../demo/packet-list.ts'
import { type Ends, fields, type Read, tell } from '../../demo/packets.ts'

const around: Ends = {
  names: { '10.77.0.12': 'Alice' },
  codecs: new Map([[111, 'opus/48000/2']]),
  extensions: new Map([[4, 'mid']]),
}

const read = (known: Partial<Read>): Read =>
  ({ ...Object.fromEntries(fields.map(field => [field, ''])), ...known }) as Read

const payload = (hex: string) => tell(read({ 'udp.payload': hex }), around)

/** Version 2 with an extension, marker, type 111, sequence 1, timestamp 2, SSRC 0x0000000a; `mid` 0. */
const rtp = '90ef0001000000020000000abede00014030000000'

describe('a packet of a recorded call', () => {
  it('that is a check is told with its role and whether it nominates', () => {
    const check = {
      'stun.type': '0x0001',
      'stun.att.username': 'WHXK:C9jr',
      'stun.att.priority': '1853824767',
    }
    const controlling = tell(read({ ...check, 'stun.att.type': '0x0006,0x802a,0x0025' }), around)
    expect(controlling?.line).toBe('STUN Binding request, USERNAME WHXK:C9jr, ICE-CONTROLLING, USE-CANDIDATE')
    const controlled = tell(read({ ...check, 'stun.att.type': '0x0006,0x8029' }), around)
    expect(controlled?.line).toBe('STUN Binding request, USERNAME WHXK:C9jr, ICE-CONTROLLED')
    expect(controlled?.note).toContain('0x6e7f1eff: type preference 110')
  })

  it('that asks a STUN server, or is its answer, is not taken for a check', () => {
    const asked = tell(read({ 'stun.type': '0x0001' }), around)
    const answered = tell(
      read({
        'stun.type': '0x0101',
        'stun.att.type': '0x0020',
        'stun.att.ipv4': '10.77.0.12',
        'stun.att.port': '5',
      }),
      around,
    )
    expect([asked?.kind, answered?.kind]).toEqual(['binding', 'binding answered'])
  })

  it('under the handshake’s keys is told apart from one under the application’s', () => {
    expect(payload('2e1c7102')?.kind).toBe('handshake keys')
    expect(payload('2fc70c00')?.kind).toBe('application keys')
  })

  it('of media is told by its readable header, with the names that SDP gave its numbers', () => {
    expect(payload(rtp)?.line).toBe(
      'SRTP 111 opus/48000/2, sequence 1, timestamp 2, SSRC 0x0000000a, M X: mid',
    )
  })

  it('of RTCP is told with the index behind what is encrypted', () => {
    const tag = '00'.repeat(10)
    expect(payload(`afcd00057f664f2f4ef9e71580000001${tag}`)?.line).toBe(
      'SRTCP transport feedback, SSRC 0x7f664f2f, E 1, index 1',
    )
  })

  it('of something else, or cut short, is left out or told as far as it goes, and ends nothing', () => {
    for (const hex of ['', '00', 'ff', '90', 'afcd', '9000', '2e']) expect(() => payload(hex)).not.toThrow()
    expect(payload('474554')).toBeUndefined()
  })
})

describe('a list of packets', () => {
  it('notes each kind once, shows it once from each sender, and counts the rest', () => {
    const packet = (frame: string, from: string) => ({
      ...{ frame, from, seconds: '1.5' },
      ...{ kind: 'k', line: 'a packet', note: 'what it is', each: false },
    })
    expect(
      listing([packet('1', 'Alice'), packet('2', 'Alice'), packet('3', 'Bob'), packet('4', 'Bob')]),
    ).toEqual([
      '    1    1.5000  Alice   a packet',
      '                         what it is',
      '        … 1 more, of kinds told above',
      '    3    1.5000  Bob     a packet',
      '        … 1 more, of kinds told above',
    ])
  })
})
