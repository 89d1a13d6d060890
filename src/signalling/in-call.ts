/**
 * What a client says within a call of its own, and what that means to its agent or the relay. Whether it may say so is
 * the table of README.md ("States"). Reports are not among it: they are taken in every state.
 */
import type { RelayInput } from '../relay/message.ts'
import type { AgentCommand } from '../sip/message.ts'
import type { ClientMessage } from './message.ts'
import type { SessionCall } from './session.ts'

type InCall =
  | 'ringing'
  | 'answer'
  | 'decline'
  | 'candidate'
  | 'offer'
  | 'refer'
  | 'bye'
  | 'noPath'
  | 'relayReady'
export type InCallMessage = Extract<ClientMessage, { readonly type: InCall }>

export type Meaning =
  | { readonly kind: 'agent'; readonly command: AgentCommand }
  | { readonly kind: 'relayFact'; readonly input: RelayInput }
  | { readonly kind: 'wrongState'; readonly sentence: string }

/** RFC 3261 §21.6.2, §21.4.24, §21.4.26. */
const declineCodes = { declined: 603, busy: 486, failed: 488 } as const

/** Changes the state as the message does. */
export function meaningOf(state: SessionCall, device: string, message: InCallMessage): Meaning {
  const { call } = message
  switch (message.type) {
    case 'ringing':
      if (state.role === 'caller' || state.established)
        return wrong('Only a call that comes in can ring here.')
      return { kind: 'agent', command: { kind: 'ringing', call } }
    case 'answer':
      if (!state.offered) return wrong('Nothing was offered that could be answered.')
      Object.assign(state, { established: true, offered: false })
      return { kind: 'agent', command: { kind: 'answer', call, sdp: message.sdp } }
    case 'decline':
      if (!state.offered) return wrong('Nothing was offered that could be declined.')
      state.offered = false
      return { kind: 'agent', command: { kind: 'refuse', call, code: declineCodes[message.reason] } }
    case 'candidate':
      return { kind: 'agent', command: candidateCommand(message) }
    case 'offer':
      if (!state.established) return wrong(notEstablished)
      return { kind: 'agent', command: { kind: 'offer', call, sdp: message.sdp } }
    case 'refer':
      if (!state.established) return wrong(notEstablished)
      if (state.referring) return wrong('This call is being handed on already.')
      state.referring = true
      return { kind: 'agent', command: { kind: 'refer', call, to: message.to, replaces: message.replaces } }
    case 'bye':
      return { kind: 'agent', command: { kind: 'bye', call, reason: message.reason } }
    case 'noPath':
    case 'relayReady':
      if (!state.established) return wrong(notEstablished)
      return { kind: 'relayFact', input: { kind: message.type, call, device } }
  }
}

const notEstablished = 'The call is not established yet.'

const wrong = (sentence: string): Meaning => ({ kind: 'wrongState', sentence })

function candidateCommand({ call, candidate }: Extract<InCallMessage, { type: 'candidate' }>): AgentCommand {
  if (candidate.candidate === '') return { kind: 'candidate', call, candidate: undefined }
  return {
    kind: 'candidate',
    call,
    candidate: {
      candidate: candidate.candidate,
      sdpMid: candidate.sdpMid ?? undefined,
      sdpMLineIndex: candidate.sdpMLineIndex ?? undefined,
      usernameFragment: candidate.usernameFragment ?? undefined,
    },
  }
}
