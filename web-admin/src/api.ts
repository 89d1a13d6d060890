/** The console's way to `/api/v1`: JSON, the session's CSRF token on every change, failures as one sentence. */
import type { ErrorBody } from '../../src/admin/message.ts'

/** `code` is the appliance's stable word; `unreachable` when there was no answer. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export class Api {
  readonly #csrfToken: string
  readonly #onLoggedOut: () => void

  constructor(csrfToken = '', onLoggedOut: () => void = () => {}) {
    this.#csrfToken = csrfToken
    this.#onLoggedOut = onLoggedOut
  }

  get<Body>(path: string): Promise<Body> {
    return this.#ask('GET', path, undefined)
  }

  post<Body>(path: string, body: unknown): Promise<Body> {
    return this.#ask('POST', path, body)
  }

  patch<Body>(path: string, body: unknown): Promise<Body> {
    return this.#ask('PATCH', path, body)
  }

  delete(path: string): Promise<void> {
    return this.#ask('DELETE', path, undefined)
  }

  async #ask<Body>(method: string, path: string, body: unknown): Promise<Body> {
    const headers: Record<string, string> = {}
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (method !== 'GET' && this.#csrfToken) headers['x-csrf-token'] = this.#csrfToken
    let response: Response
    try {
      response = await fetch(`/api/v1${path}`, {
        method,
        headers,
        cache: 'no-store',
        body: body === undefined ? null : JSON.stringify(body),
      })
    } catch {
      throw new ApiError(
        0,
        'unreachable',
        'lanline does not answer. Is it running, and are you on its network?',
      )
    }
    const answer: unknown = await response.json().catch(() => undefined)
    if (response.ok) return answer as Body
    const error = (answer as ErrorBody | undefined)?.error
    if (response.status === 401 && error?.code === 'notLoggedIn') this.#onLoggedOut()
    throw new ApiError(
      response.status,
      error?.code ?? 'failed',
      sentence(error?.message ?? 'This did not work.'),
    )
  }
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}
