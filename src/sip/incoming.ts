/**
 * A request as the rest of the room wants it: what transaction matching, identity and routing read is taken out once,
 * and the topmost Via says where the answer goes (RFC 3261 §18.2.1, RFC 3581). Nothing here decides what happens next.
 */
import { type Endpoint, formatEndpoint } from '../core/endpoint.ts'
import { formatVia, replaceFirstValue } from './codec.ts'
import { type CSeq, type Essentials, type Flow, type SipRequest, udpFlow, type Via } from './message.ts'

export interface Incoming extends Essentials {
  /** With `received` and `rport` filled in on the topmost Via. */
  readonly request: SipRequest
  readonly flow: Flow
  /** Where answers go: the flow itself, or over UDP without `rport` the port named in the Via. */
  readonly replyTo: Flow
  readonly fromTag: string
  readonly toTag: string | undefined
  /** Bytes, as it came. */
  readonly size: number
  /** Names the server transaction (§17.2.3) of who is answered there; an ACK has the key of its INVITE. */
  readonly key: string
}

export function readRequest(request: SipRequest, essentials: Essentials, flow: Flow, size: number): Incoming {
  const { via, from, to, callId, cseq, uri } = essentials
  const fromTag = from.params.get('tag') ?? ''
  const replyTo = replyFlow(via, flow)
  return {
    request: completeVia(request, via, flow),
    flow,
    replyTo,
    via,
    from,
    to,
    cseq,
    callId,
    uri,
    fromTag,
    toTag: to.params.get('tag'),
    size,
    key: transactionKey(
      request,
      via,
      cseq,
      callId,
      fromTag,
      replyTo,
      request.method === 'ACK' ? 'INVITE' : request.method,
    ),
  }
}

/** The key of the INVITE transaction that a CANCEL is about (§9.2: all the same but the method). */
export function cancelledKey(incoming: Incoming): string {
  const { request, via, cseq, callId, fromTag, replyTo } = incoming
  return transactionKey(request, via, cseq, callId, fromTag, replyTo, 'INVITE')
}

export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.port === b.port && a.address === b.address

// §17.2.3. Where answers go is part of the key instead of sent-by: a branch guessed by somebody else never matches, and an
// old phone may send each datagram from another port.
function transactionKey(
  request: SipRequest,
  via: Via,
  cseq: CSeq,
  callId: string,
  fromTag: string,
  replyTo: Flow,
  method: string,
): string {
  const branch = via.params.get('branch')
  if (branch?.startsWith('z9hG4bK')) return `${method}|${branch}|${replyTo.id}`
  return `${method}|${callId}|${cseq.number}|${fromTag}|${request.uri}|${via.host}:${via.port}|${replyTo.id}`
}

function completeVia(request: SipRequest, via: Via, flow: Flow): SipRequest {
  if (flow.transport === 'hosted') return request
  const asksPort = via.params.get('rport') === ''
  if (!asksPort && via.host === flow.remote.address) return request
  const params = new Map(via.params)
  params.set('received', flow.remote.address)
  // RFC 3581 §4: rport is filled in only for who asked; `received` then always comes with it.
  if (asksPort) params.set('rport', String(flow.remote.port))
  return { ...request, headers: replaceFirstValue(request.headers, 'Via', formatVia({ ...via, params })) }
}

// §18.2.2: over UDP the answer goes to the source address, at the port in sent-by unless rport asks for the source port.
function replyFlow(via: Via, flow: Flow): Flow {
  if (flow.transport !== 'udp' || via.params.has('rport')) return flow
  const port = via.port ?? 5060
  return port === flow.remote.port ? flow : udpFlow(flow.local, { address: flow.remote.address, port })
}

/** How a flow is written for a log line. */
export const describe = (flow: Flow): string => `${flow.transport} ${formatEndpoint(flow.remote)}`
