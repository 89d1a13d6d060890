import { expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { decode, response } from '../../src/sip/codec.ts'
import { type Incoming, readRequest } from '../../src/sip/incoming.ts'
import { udpFlow } from '../../src/sip/message.ts'
import { Outbox } from '../../src/sip/outbox.ts'
import { ServerTransactions } from '../../src/sip/server-transactions.ts'
import { SipTimers } from '../../src/sip/transaction-timers.ts'

const flow = udpFlow({ address: '192.0.2.1', port: 5060 }, { address: '192.0.2.2', port: 5060 })

function message(number: number): Incoming {
  const lines = [
    'MESSAGE sip:bob@lan SIP/2.0',
    `Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK${number}`,
    'From: "Jürgen 😀" <sip:jane@lan>;tag=a',
    'To: <sip:bob@lan>',
    'Call-ID: c1',
    'CSeq: 1 MESSAGE',
  ]
  const decoded = decode(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  if (decoded.kind !== 'ok' || decoded.message.kind !== 'request') throw new Error(decoded.kind)
  return readRequest(decoded.message, decoded.essentials, flow, 400)
}

it('a request that comes again is answered by the very bytes that answered it, whatever is in them', () => {
  const outbox = new Outbox()
  const answeredLimit = { count: 10, bytes: 10_000 }
  const servers = new ServerTransactions({ timers: new SipTimers(), outbox, answeredLimit })
  const incoming = message(1)
  const body = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  servers.respond(servers.open(incoming), { ...response(incoming.request, 200, 'OK'), body }, 0 as Monotonic)
  const sent = outbox.take()
  expect(sent).toHaveLength(1)
  expect(servers.retransmitted(incoming.key)).toBe(true)
  expect(outbox.take()).toEqual(sent)
})

it('answers are kept by their bytes, too: the oldest give way to the latest', () => {
  const answeredLimit = { count: 1_000, bytes: 40_000 }
  const servers = new ServerTransactions({ timers: new SipTimers(), outbox: new Outbox(), answeredLimit })
  const body = new Uint8Array(4_000)
  for (let number = 0; number < 100; number++) {
    const incoming = message(number)
    servers.respond(
      servers.open(incoming),
      { ...response(incoming.request, 200, 'OK'), body },
      0 as Monotonic,
    )
    expect(servers.retransmitted(incoming.key)).toBe(true)
    expect(servers.answers * body.length).toBeLessThanOrEqual(answeredLimit.bytes)
  }
  expect(servers.retransmitted(message(0).key)).toBe(false)
  expect(servers.bytes).toBe(0)
})
