/** Becoming a device of the appliance: by invite, or by asking the owner. What comes out is the token for `hello`. */
import type {
  Enrolment,
  EnrolRequest,
  ErrorBody,
  InviteLook,
  JoinRequest,
  JoinState,
  SetupState,
} from '../src/admin/message.ts'

export type EnrolResult =
  | { readonly kind: 'enrolled'; readonly enrolment: Enrolment }
  /** The owner must allow it: ask `joinState` until it says so. */
  | { readonly kind: 'waiting'; readonly request: JoinRequest }
  /** `code` is the appliance's stable word, `unreachable` when there was no answer. */
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly message: string
      /** With `badInvite`: what became of it. */
      readonly detail: string | undefined
    }

type Fetch = typeof fetch

/** Asks for enrolment. `origin` is the appliance's, without a slash at its end. Never throws. */
export async function enrol(fetch: Fetch, origin: string, request: EnrolRequest): Promise<EnrolResult> {
  const answer = await ask(fetch, `${origin}/api/v1/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  if (answer.status === 201) return { kind: 'enrolled', enrolment: answer.body as Enrolment }
  if (answer.status === 202) return { kind: 'waiting', request: answer.body as JoinRequest }
  return refusal(answer)
}

/** How a request to join stands. The enrolment is told once, so keep it at once. Never throws. */
export async function joinState(
  fetch: Fetch,
  origin: string,
  request: JoinRequest,
): Promise<JoinState | { readonly state: 'unreachable' | 'gone' }> {
  const answer = await ask(fetch, `${origin}/api/v1/requests/${encodeURIComponent(request.id)}`, {
    headers: { 'x-request-secret': request.secret },
  })
  if (answer.status === 200) return answer.body as JoinState
  return {
    state: answer.status >= 400 && answer.status < 500 && answer.status !== 429 ? 'gone' : 'unreachable',
  }
}

export type InviteState =
  /**
   * `displayName` is of the person it is for; `''`: somebody new. `staySeconds`: who uses it now is a guest for so long,
   * counted from then where it is `stayFromJoin`.
   */
  | {
      readonly kind: 'good'
      readonly displayName: string
      readonly staySeconds: number | undefined
      readonly stayFromJoin: boolean
    }
  /** `detail`: it was `used`, has `expired`, or is `unknown`. */
  | { readonly kind: 'bad'; readonly detail: string | undefined }
  /** No answer that says either: ask again. */
  | { readonly kind: 'unreachable' }

/** What an invite is worth, without using it. Never throws. */
export async function lookAtInvite(fetch: Fetch, origin: string, invite: string): Promise<InviteState> {
  const answer = await ask(fetch, `${origin}/api/v1/invites/look`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ invite }),
  })
  if (answer.status === 200) {
    const { displayName = '', staySeconds, stayFromJoin = false } = answer.body as InviteLook
    return { kind: 'good', displayName, staySeconds, stayFromJoin }
  }
  if (answer.status !== 400 && answer.status !== 403) return { kind: 'unreachable' }
  return { kind: 'bad', detail: (answer.body as ErrorBody | undefined)?.error.detail }
}

/** Whether the appliance has an owner yet; undefined when it does not answer. Never throws. */
export async function setupState(fetch: Fetch, origin: string): Promise<SetupState | undefined> {
  const answer = await ask(fetch, `${origin}/api/v1/setup`, {})
  return answer.status === 200 ? (answer.body as SetupState) : undefined
}

interface Answer {
  /** 0 when there was none. */
  readonly status: number
  readonly body: unknown
  /** Why there was none, as the system says it. */
  readonly why?: string
}

async function ask(fetch: Fetch, url: string, init: RequestInit): Promise<Answer> {
  try {
    // The device asks for itself, not for whoever may be logged in here.
    const response = await fetch(url, { ...init, cache: 'no-store', credentials: 'omit' })
    return { status: response.status, body: await response.json().catch(() => undefined) }
  } catch (error) {
    return { status: 0, body: undefined, why: error instanceof Error ? error.message : String(error) }
  }
}

function refusal(answer: Answer): EnrolResult {
  const error = (answer.body as ErrorBody | undefined)?.error
  return {
    kind: 'refused',
    code: error?.code ?? (answer.status === 0 ? 'unreachable' : 'failed'),
    message: error?.message ?? answer.why ?? '',
    detail: error?.detail,
  }
}
