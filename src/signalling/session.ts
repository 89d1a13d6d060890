/** What the channel remembers of a device: its connection, and its calls as far as the protocol's rules need it. */
import type { Monotonic } from '../core/clock.ts'
import { type EndReason, isEndReason } from '../core/end-reason.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Quiet } from '../core/quiet-hours.ts'
import type { AgentEvent } from '../sip/message.ts'
import type { PersonName, ServerMessage } from './message.ts'
import type { DeviceIdentity } from './ports.ts'
import type { Roster } from './roster.ts'

export interface Connection {
  readonly id: string
  readonly remote: Endpoint
  readonly local: Endpoint
  session: Session | undefined
}

export interface SessionCall {
  readonly role: 'caller' | 'callee'
  established: boolean
  /** The other side's offer waits for our client's answer. */
  offered: boolean
  /** Our client hands the other party on. */
  referring?: boolean
}

/** What this device's client was told of its own person. */
export interface Standing {
  readonly name: string
  readonly role: 'owner' | 'member' | 'guest'
  readonly staySeconds: number | null
  readonly toldAt: Monotonic
}

/** Whether their person is not to be disturbed, as it was told. */
export interface ToldQuiet {
  readonly on: boolean
  readonly quiet: Quiet
}

export interface Session extends DeviceIdentity {
  standing: Standing
  quiet: ToldQuiet
  /** Undefined while the client is away; the session then lasts as long as its calls. */
  connection: Connection | undefined
  tab: string
  readonly calls: Map<string, SessionCall>
}

/** Whether two standings say the same: a stay grows shorter by itself. */
export function sameStanding(a: Standing, b: Standing): boolean {
  return a.name === b.name && a.role === b.role && sameStay(a, b)
}

function sameStay(a: Standing, b: Standing): boolean {
  if (a.staySeconds === null || b.staySeconds === null) return a.staySeconds === b.staySeconds
  return Math.abs(a.toldAt / 1_000 + a.staySeconds - (b.toldAt / 1_000 + b.staySeconds)) < 2
}

export const sameQuiet = (a: ToldQuiet, b: ToldQuiet): boolean =>
  a.on === b.on &&
  a.quiet.byHand === b.quiet.byHand &&
  a.quiet.within === b.quiet.within &&
  a.quiet.hours === b.quiet.hours

/** What an agent's event changes in the session, and how the client is told; undefined when it is not. */
export function tellingOf(session: Session, event: AgentEvent, roster: Roster): ServerMessage | undefined {
  const { calls } = session
  switch (event.kind) {
    case 'calling':
      calls.set(event.call, { role: 'caller', established: false, offered: false })
      return { type: 'calling', ref: event.ref, call: event.call }
    case 'incoming': {
      const { call, from, calledFor, referredBy, sdp, trickle, video, replaces } = event
      calls.set(call, { role: 'callee', established: false, offered: true })
      return {
        ...{ type: 'incoming', call, from: partyOf(from, roster), sdp, trickle, video, replaces },
        ...(calledFor && { for: partyOf(calledFor, roster) }),
        ...(referredBy && { referredBy: partyOf(referredBy, roster) }),
      }
    }
    case 'ringing':
      return { type: 'ringing', call: event.call }
    case 'answered': {
      const call = calls.get(event.call)
      if (call !== undefined) call.established = true
      return {
        type: 'answered',
        call: event.call,
        sdp: event.sdp,
        trickle: event.trickle,
        by: partyOf(event.by, roster),
      }
    }
    case 'offer': {
      const call = calls.get(event.call)
      if (call !== undefined) call.offered = true
      return { type: 'offer', call: event.call, sdp: event.sdp }
    }
    case 'offerWanted':
      return { type: 'restart', call: event.call }
    case 'offerRefused': {
      const { call, code, retryAfterMilliseconds = null } = event
      return { type: 'offerRefused', call, code, retryAfterMilliseconds }
    }
    case 'referred':
      return { type: 'referred', call: event.call, to: partyOf(event.to, roster) }
    case 'referral': {
      const call = calls.get(event.call)
      if (call !== undefined) call.referring = event.state === 'ringing'
      return { type: 'referral', call: event.call, state: event.state, reason: event.reason ?? null }
    }
    case 'candidate':
      return { type: 'candidate', call: event.call, candidate: event.candidate ?? { candidate: '' } }
    case 'ended':
      calls.delete(event.call)
      return {
        type: 'ended',
        call: event.call,
        by: event.by,
        reason: endReasonOf(event.reason),
        code: event.code,
      }
    case 'dialog':
      return { type: 'dialog', call: event.call, dialog: event.token }
    case 'restored':
      return undefined
    case 'notRestored':
      if (!calls.delete(event.call)) return undefined
      return { type: 'ended', call: event.call, by: 'server', reason: 'lost', code: 0 }
  }
}

export const endReasonOf = (word: string | undefined): EndReason =>
  word !== undefined && isEndReason(word) ? word : 'failed'

/** The name people gave themselves here says more than the one a phone was set up with. */
function partyOf(party: { readonly user: string; readonly displayName: string }, roster: Roster): PersonName {
  return { user: party.user, name: roster.nameOf(party.user) ?? (party.displayName || party.user) }
}
