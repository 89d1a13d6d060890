import { expect, it } from 'vitest'
import type { Monotonic } from '../../src/core/clock.ts'
import { decode, response } from '../../src/sip/codec.ts'
import { readRequest } from '../../src/sip/incoming.ts'
import { udpFlow } from '../../src/sip/message.ts'
import { Outbox } from '../../src/sip/outbox.ts'
import { ServerTransactions } from '../../src/sip/server-transactions.ts'
import { SipTimers } from '../../src/sip/transaction-timers.ts'

it('a request that comes again is answered by the very bytes that answered it, whatever is in them', () => {
  const flow = udpFlow({ address: '192.0.2.1', port: 5060 }, { address: '192.0.2.2', port: 5060 })
  const outbox = new Outbox()
  const servers = new ServerTransactions({ timers: new SipTimers(), outbox, limit: 10, answeredLimit: 10 })
  const lines = [
    'MESSAGE sip:bob@lan SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1',
    'From: "Jürgen 😀" <sip:jane@lan>;tag=a',
    'To: <sip:bob@lan>',
    'Call-ID: c1',
    'CSeq: 1 MESSAGE',
  ]
  const decoded = decode(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  if (decoded.kind !== 'ok' || decoded.message.kind !== 'request') throw new Error(decoded.kind)
  const incoming = readRequest(decoded.message, decoded.essentials, flow)
  const body = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  servers.respond(servers.open(incoming), { ...response(incoming.request, 200, 'OK'), body }, 0 as Monotonic)
  const sent = outbox.take()
  expect(sent).toHaveLength(1)
  expect(servers.retransmitted(incoming.key)).toBe(true)
  expect(outbox.take()).toEqual(sent)
})
