/** The echo's facts and effects, and what its main side and its worker say to each other. Types and constants only. */
import type { AgentCommand, AgentEvent, Candidate } from '../sip/message.ts'

/** The person everybody can call, and their one device. */
export const echoUser = 'echo'
export const echoDevice = 'echo'
export const echoName = 'Echo test'
/** Beside those of people, which begin with 2 to 8. */
export const echoNumber = '90'

export type EchoInput =
  /** The exchange runs: the echo can be called. */
  | { readonly kind: 'attach' }
  /** What happens to the echo's calls, as its hosted agent tells it. */
  | { readonly kind: 'agentEvent'; readonly event: AgentEvent }
  | { readonly kind: 'worker'; readonly message: FromWorker }
  /** The worker is no more; whatever it carried has ended. */
  | { readonly kind: 'workerLost' }

export type EchoEffect =
  | { readonly kind: 'agent'; readonly command: AgentCommand }
  /** To the worker, which is started if it does not run. */
  | { readonly kind: 'toWorker'; readonly message: ToWorker }
  | { readonly kind: 'note'; readonly reason: string; readonly detail: string }

export type ToWorker =
  /** Make an answer to this offer. */
  | { readonly kind: 'open'; readonly call: string; readonly sdp: string }
  /** The caller offers anew within the call. */
  | { readonly kind: 'offer'; readonly call: string; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly call: string; readonly candidate: Candidate | undefined }
  | { readonly kind: 'close'; readonly call: string }

export type FromWorker =
  | { readonly kind: 'answer'; readonly call: string; readonly sdp: string }
  /** Nothing could be made of the offer. */
  | { readonly kind: 'failed'; readonly call: string; readonly why: string }

/** As the worker gets it: with the addresses that media may use. */
export type Order = ToWorker & { readonly addresses: readonly string[] }
