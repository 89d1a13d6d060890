/**
 * What the proxy tells the call log of the calls that pass it: who calls whom, who rings, who answered, how it ended.
 * What was told is marked on the call, so that it is told once.
 */
import { callKey, first, tagOf } from './codec.ts'
import type { Incoming } from './incoming.ts'
import type { CallEvent, SipResponse } from './message.ts'
import type { Accounts } from './ports.ts'
import { reasonWord, wordOfRefusal } from './reason.ts'
import type { Asked, AskedCall, Branch, ResponseContext } from './response-context.ts'
import { personOf, type Routed } from './routing.ts'
import { hasVideo } from './sdp.ts'
import { othersOf } from './targets.ts'

/** Whatever somebody dials is written down, if it is nobody's name: no longer than a name may be. */
const dialledCharacters = 64

/** Who is called, as the caller may know them: a person by their name, else what was dialled. Undefined: nobody is. */
export function calleeOf(
  { destination, uri }: Routed,
  caller: string,
  accounts: Accounts,
): AskedCall['callee'] | undefined {
  const name = personOf(destination)
  if (name === undefined) return undefined
  const user = accounts.mayCall(caller, name) ? accounts.user(name) : undefined
  if (user !== undefined) return { user: user.name, displayName: user.displayName, device: undefined }
  const dialled = (uri?.user ?? name).toLowerCase().slice(0, dialledCharacters)
  return { user: dialled, displayName: dialled, device: undefined }
}

export function callStarted(
  call: AskedCall,
  { incoming, isHidden }: Asked,
  { user, device }: ResponseContext['sender'],
  accounts: Accounts,
): CallEvent {
  const displayName = accounts.user(user)?.displayName ?? incoming.from.displayName ?? user
  const caller = { user, displayName, device }
  const others = othersOf(call.callee.user, user, accounts)
  return {
    kind: 'started',
    call: call.id,
    caller,
    ...(isHidden && { isHidden }),
    callee: call.callee,
    ...(others.length > 0 && { others }),
    video: hasVideo(latin1(incoming.request.body)),
  }
}

/** Undefined where it goes to nobody whom it may ring at. */
export function callForwarded(
  call: AskedCall,
  people: readonly string[],
  caller: string,
  accounts: Accounts,
): CallEvent | undefined {
  const to = people.filter(one => one !== caller && accounts.mayCall(caller, one))
  return to.length === 0 ? undefined : { kind: 'forwarded', call: call.id, to }
}

/** One of those it rings at does not want it, on any of their devices. */
export function callDeclined(
  call: AskedCall,
  { target }: Branch,
  answer: SipResponse,
): CallEvent | undefined {
  if (target.user === undefined || wordOfRefusal(answer) !== 'declined') return undefined
  return { kind: 'declined', call: call.id, user: target.user }
}

/** Undefined where this answer does not ring, or the device was told of before. */
export function callRings(
  call: AskedCall,
  { target }: Branch,
  { status }: SipResponse,
): CallEvent | undefined {
  const { device } = target
  if ((status !== 180 && status !== 183) || call.ringing.includes(device)) return undefined
  call.ringing = [...call.ringing, device]
  return { kind: 'ringing', call: call.id, device }
}

export function callAnswered(
  call: AskedCall,
  { target }: Branch,
  answer: SipResponse,
  accounts: Accounts,
): CallEvent {
  call.answered = true
  const user = accounts.userOfDevice(target.device) ?? call.callee.user
  const isCallee = user === call.callee.user
  const displayName = isCallee ? call.callee.displayName : (accounts.user(user)?.displayName ?? user)
  const callee = { user, displayName, device: target.device }
  const [callerTag = '', calleeTag = ''] = [tagOf(answer, 'From'), tagOf(answer, 'To')]
  const dialog = { callId: first(answer, 'Call-ID') ?? '', callerTag, calleeTag }
  return { kind: 'answered', call: call.id, callee, dialog }
}

/** An INVITE came to nothing. `fromPeer`: one of the callee's devices said `final`. */
export function callRefused(
  call: AskedCall,
  cancelled: ResponseContext['cancelled'],
  final: SipResponse,
  fromPeer: boolean,
): CallEvent {
  const by = cancelled !== 'no' ? 'caller' : fromPeer ? 'callee' : 'server'
  const word = cancelled === 'callerLost' ? 'lost' : wordOfRefusal(final)
  const reason = cancelled === 'byCaller' ? 'cancelled' : word
  return { kind: 'ended', call: call.id, by, code: final.status, reason }
}

/**
 * A BYE ends the call whoever gets to hear of it. Whose it is, the sender's token says, or else the other one's. Where a
 * telephone ignores Record-Route it may be of either: only one of the two calls is there to be ended.
 */
export function callHungUp(incoming: Incoming, routed: Routed): CallEvent[] {
  const { callId, fromTag, toTag, request } = incoming
  const ended = { kind: 'ended', code: 0, reason: reasonWord(request) ?? 'hangup' } as const
  const within = callWithin(incoming, routed)
  if (within !== undefined) return [{ ...ended, ...within }]
  if (routed.destination.kind !== 'contact' || toTag === undefined) return []
  return [
    { ...ended, call: callKey(callId, fromTag), by: 'caller', calleeTag: toTag },
    { ...ended, call: callKey(callId, toTag), by: 'callee', calleeTag: fromTag },
  ]
}

/** An offer within a call was answered with a picture (RFC 3264 §8.1): from then on it is a video call. */
export function callTookPicture(call: string, answer: SipResponse): CallEvent | undefined {
  return hasVideo(latin1(answer.body)) ? { kind: 'video', call } : undefined
}

/** The call that a request is within, and who sent it; undefined where no token tells. */
export function callWithin(
  { callId, fromTag, toTag }: Incoming,
  { destination, senderToken }: Routed,
): Pick<CallEvent & { kind: 'ended' }, 'call' | 'by' | 'calleeTag' | 'calleeDevice'> | undefined {
  if (destination.kind !== 'party') return undefined
  const by = senderToken?.role ?? (destination.token.role === 'caller' ? 'callee' : 'caller')
  const [callerTag, calleeTag] = by === 'caller' ? [fromTag, toTag] : [toTag ?? '', fromTag]
  const calleeDevice = [senderToken, destination.token].find(token => token?.role === 'callee')?.device
  return { call: callKey(callId, callerTag), by, calleeTag, calleeDevice }
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
