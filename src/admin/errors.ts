/** How a request fails: a status, a stable code, and a sentence that says what to do. */
import type { ErrorBody } from './message.ts'

export class HttpError extends Error {
  readonly status: number
  readonly code: string
  /** Tells cases of one code apart. */
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    detail?: string,
  ) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
    this.detail = detail
  }
}

/** Too many tries; `waitMilliseconds` goes into Retry-After (RFC 9110 §10.2.3). */
export const tooManyTries = (waitMilliseconds: number): HttpError => {
  const waitSeconds = Math.max(1, Math.ceil(waitMilliseconds / 1_000))
  return new HttpError(429, 'tooManyTries', `too many tries; wait ${waitSeconds} s and try again`, {
    'retry-after': String(waitSeconds),
  })
}

/** Codes of the directory and the store, by the status they are told with. */
const statusOfCode: Readonly<Record<string, number>> = {
  notFound: 404,
  taken: 409,
  claimed: 409,
  owner: 409,
  constraint: 409,
  notGuest: 409,
  guest: 409,
  badName: 400,
  badInvite: 403,
  tooMany: 429,
  tooManyWaiting: 429,
  diskFull: 507,
  readOnly: 507,
  diskFails: 507,
  corrupt: 507,
  busy: 503,
  closed: 503,
}

/** What is told of any exception; undefined when it is a fault of ours, of which nothing is told. */
export function toHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error
  if (!(error instanceof Error) || !['DirectoryError', 'StoreError'].includes(error.name)) return undefined
  const code = String((error as { code?: unknown }).code)
  const status = statusOfCode[code]
  const { detail } = error as { detail?: string }
  return status === undefined ? undefined : new HttpError(status, code, error.message, {}, detail)
}

/**
 * To catch what a part of the house rejects with: an error called `name` that has one of these codes becomes an answer with
 * its status and its own sentence. Anything else is thrown on.
 */
export const problemsOf =
  <Problem extends string>(name: string, statusOf: Readonly<Record<Problem, number>>) =>
  (error: unknown): never => {
    if (!(error instanceof Error) || error.name !== name) throw error
    const { code } = error as Error & { readonly code: Problem }
    throw new HttpError(statusOf[code], code, error.message)
  }

export const errorBody = (error: HttpError): ErrorBody => ({
  error: {
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    message: error.message,
  },
})
