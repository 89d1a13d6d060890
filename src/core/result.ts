/**
 * How a decoder answers. Total and bounded: it never throws, whatever the bytes. Blame decides the kind: what the peer
 * did wrong and may be told is a `reject` carrying the answer, what deserves no answer is a `drop` with a stable
 * reason for the counter.
 */
export type Decoded<Message, Answer> =
  | { readonly kind: 'ok'; readonly message: Message }
  | { readonly kind: 'reject'; readonly answer: Answer; readonly reason: string }
  | { readonly kind: 'drop'; readonly reason: string }

/** A value or the reason there is none, for calls whose failure is ordinary. */
export type Result<Value, Failure = string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Failure }

export const ok = <Value>(value: Value): { ok: true; value: Value } => ({ ok: true, value })
export const fail = <Failure>(error: Failure): { ok: false; error: Failure } => ({ ok: false, error })
