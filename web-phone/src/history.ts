/** This person's calls as the appliance kept them, told from their side. */
import type { CallList, ToldCall } from '../../src/admin/message.ts'
import { ask } from './ask.ts'

export interface PastCall {
  readonly id: string
  /** The other one, as they are called now or were then. */
  readonly user: string
  readonly name: string
  /** The name of who was called, where it was for this person in their place. */
  readonly calledFor: string | undefined
  /** The name of who took a call of this person's in the place of who was called. */
  readonly answeredBy: string | undefined
  readonly outgoing: boolean
  /** Nobody took it here. */
  readonly missed: boolean
  readonly video: boolean
  readonly at: number
  /** Undefined: never answered. */
  readonly talkedSeconds: number | undefined
  /** Why it ended. */
  readonly reason: string | undefined
  /** Undefined: nothing is known of its way. */
  readonly path: 'direct' | 'relayed' | undefined
  readonly going: boolean
  /** It has just ended: what is known of its way may still come. */
  readonly unsettled: boolean
}

const pageLength = 30
/** A call's verdict is made within this of its end. */
const settledMilliseconds = 10_000

/** Newest first; `before` is the id of the last one there was. */
export async function pastCalls(
  user: string,
  { before, limit = pageLength }: { readonly before?: string | undefined; readonly limit?: number } = {},
): Promise<{ readonly calls: readonly PastCall[]; readonly more: boolean }> {
  const query = new URLSearchParams({ limit: String(limit), ...(before && { before }) })
  const list = await ask<CallList>('GET', `/calls?${query}`)
  return {
    calls: list.calls.map(call => told(call, user, Date.now())),
    more: list.calls.length === limit,
  }
}

export function told(call: ToldCall, user: string, now: number): PastCall {
  const outgoing = call.callerUser === user
  const { answeredAt, endedAt } = call
  const ended = endedAt ?? call.aliveAt
  const path = call.outcome?.path
  return {
    id: call.id,
    user: outgoing ? call.calleeUser : call.callerUser,
    calledFor: outgoing || call.calleeUser === user ? undefined : call.calleeName || call.calleeUser,
    answeredBy: outgoing ? call.answererName || call.answererUser : undefined,
    name: (outgoing ? call.calleeName : call.callerName) || (outgoing ? call.calleeUser : call.callerUser),
    outgoing,
    missed: !outgoing && call.missed,
    video: call.video,
    at: call.startedAt,
    talkedSeconds: answeredAt === undefined ? undefined : Math.max(0, (ended - answeredAt) / 1_000),
    reason: call.reason,
    path: path === 'direct' || path === 'relayed' ? path : undefined,
    going: endedAt === undefined,
    unsettled: answeredAt !== undefined && call.outcome === undefined && now - ended < settledMilliseconds,
  }
}
