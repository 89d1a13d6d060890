/**
 * How a leg ends that somebody answered and nobody wants: ACK (RFC 3261 §13.2.2.4), then BYE (§15), both made of its 2xx
 * alone. Whoever has no other to leave it to does so: a hosted agent that called, or the proxy where the caller is gone.
 */
import { first, parseCSeq, parseNameAddr, parseUri, values } from './codec.ts'
import type { HeaderField, SipRequest, SipResponse } from './message.ts'

/** `routes`: from us to who answered. Undefined where the 2xx makes no dialog (§12.1.2), so that nothing can be said in it. */
export function leaving(
  answer: SipResponse,
  how: {
    readonly routes: readonly string[]
    readonly vias: { readonly ack: string; readonly bye: string }
    readonly reason: HeaderField
  },
): { readonly ack: SipRequest; readonly bye: SipRequest } | undefined {
  const uri = parseNameAddr(values(answer, 'Contact')[0] ?? '')?.uri
  const cseq = parseCSeq(first(answer, 'CSeq') ?? '')
  if (uri === undefined || parseUri(uri) === undefined || cseq === undefined) return undefined
  const inside = (method: string, via: string, seq: number, extra: readonly HeaderField[]): SipRequest => ({
    kind: 'request',
    method,
    uri,
    headers: [
      { name: 'Via', value: via },
      { name: 'Max-Forwards', value: '70' },
      ...how.routes.map(value => ({ name: 'Route', value })),
      { name: 'From', value: first(answer, 'From') ?? '' },
      { name: 'To', value: first(answer, 'To') ?? '' },
      { name: 'Call-ID', value: first(answer, 'Call-ID') ?? '' },
      { name: 'CSeq', value: `${seq} ${method}` },
      ...extra,
    ],
    body: new Uint8Array(0),
  })
  return {
    ack: inside('ACK', how.vias.ack, cseq.number, []),
    bye: inside('BYE', how.vias.bye, cseq.number + 1, [how.reason]),
  }
}
