import { describe, expect, it } from 'vitest'
import { limits } from '../../src/sip/codec.ts'
import { type FramedItem, StreamFramer } from '../../src/sip/framing.ts'

const message = (body: string, length: string | number = body.length): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: ${length}\r\n\r\n${body}`

/** What comes out, messages as text, `broken` as its reason. */
const shown = (items: readonly FramedItem[]): string[] =>
  items.map(item => {
    if (item.kind === 'message') return Buffer.from(item.bytes).toString()
    return item.kind === 'broken' ? `broken: ${item.reason}` : item.kind
  })

function framed(...chunks: readonly string[]): string[] {
  const framer = new StreamFramer()
  return chunks.flatMap(chunk => shown(framer.push(Buffer.from(chunk))))
}

describe('StreamFramer', () => {
  it('cuts messages out of one chunk', () => {
    expect(framed(message('one') + message('') + message('three'))).toEqual([
      message('one'),
      message(''),
      message('three'),
    ])
  })

  it('waits for the rest of a head and of a body', () => {
    const text = message('body')
    expect(framed(text.slice(0, 20))).toEqual([])
    expect(framed(text.slice(0, 20), text.slice(20, -2))).toEqual([])
    expect(framed(text.slice(0, 20), text.slice(20, -2), text.slice(-2))).toEqual([text])
  })

  it('does not change a message given out when more comes', () => {
    const framer = new StreamFramer()
    const text = message('first')
    framer.push(Buffer.from(text.slice(0, 10)))
    const [item] = framer.push(Buffer.from(text.slice(10) + text.slice(0, 30)))
    framer.push(Buffer.from('x'.repeat(500)))
    expect(shown([item!])).toEqual([text])
  })

  it('takes CRLF CRLF for a ping and a CRLF alone for a pong', () => {
    expect(framed(`\r\n\r\n${message('a')}\r\n${message('b')}\r\n\r\n\r\n\r\n`)).toEqual([
      'ping',
      message('a'),
      'pong',
      message('b'),
      'ping',
      'ping',
    ])
    expect(framed('\r', '\n', '\r', '\n')).toEqual(['ping'])
  })

  it.each([
    ['compact', 'l: 2'],
    ['with space before the colon', 'CONTENT-LENGTH  : 2'],
    ['folded', 'Content-Length:\r\n 2'],
    ['as the last field', 'X: y\r\nL:2'],
  ])('reads a length %s', (_, field) => {
    const text = `OPTIONS sip:a SIP/2.0\r\n${field}\r\n\r\nok`
    expect(framed(text + text)).toEqual([text, text])
  })

  it.each([
    ['no Content-Length (RFC 3261 §18.3)', 'OPTIONS sip:a SIP/2.0\r\nX: y\r\n\r\n', 'noContentLength'],
    [
      'a Content-Length folded into another field',
      'OPTIONS sip:a SIP/2.0\r\nX: y\r\n Content-Length: 1\r\n\r\na',
      'noContentLength',
    ],
    [
      'two Content-Lengths',
      'OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\na',
      'badContentLength',
    ],
    ['a length that is no number', message('a', '1x'), 'badContentLength'],
    ['a negative length', message('a', -1), 'badContentLength'],
    ['two lengths in a field', message('a', '1, 1'), 'badContentLength'],
    ['a length over the limit', message('a', limits.messageBytes), 'tooLarge'],
    ['a length beyond counting', message('a', '9'.repeat(40)), 'badContentLength'],
    ['a head without end', 'x'.repeat(limits.messageBytes), 'tooLarge'],
    ['a CR that ends no line', '\rx', 'badStart'],
  ])('is broken by %s, and stays broken', (_, text, reason) => {
    expect(framed(message('fine') + text, message('late'))).toEqual([message('fine'), `broken: ${reason}`])
  })
})
