/** The console's way to `/api/v1`: JSON, the session's CSRF token on every change, failures as one sentence. */
import type { ErrorBody } from '../../src/admin/message.ts'
import { common } from './texts/common.ts'

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

  /** Sends a file as it is. */
  upload<Body>(path: string, file: Blob, headers: Readonly<Record<string, string>>): Promise<Body> {
    return this.#fetch('POST', path, file, { ...headers, 'content-type': 'application/octet-stream' }).then(
      response => response.json() as Promise<Body>,
    )
  }

  /** A file made of what is sent, under the name that the appliance gives it. */
  async file(path: string, body: unknown): Promise<{ readonly blob: Blob; readonly name: string }> {
    const response = await this.#fetch('POST', path, JSON.stringify(body), {
      'content-type': 'application/json',
    })
    const told = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
    // A stream that breaks off in the middle rejects here: half a file is none.
    return { blob: await response.blob(), name: told ?? 'lanline' }
  }

  async #ask<Body>(method: string, path: string, body: unknown): Promise<Body> {
    const json = body === undefined ? null : JSON.stringify(body)
    const headers: Record<string, string> = json === null ? {} : { 'content-type': 'application/json' }
    const response = await this.#fetch(method, path, json, headers)
    return (await response.json().catch(() => undefined)) as Body
  }

  async #fetch(
    method: string,
    path: string,
    body: BodyInit | null,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const csrf: Record<string, string> =
      method !== 'GET' && this.#csrfToken ? { 'x-csrf-token': this.#csrfToken } : {}
    let response: Response
    try {
      response = await fetch(`/api/v1${path}`, {
        ...{ method, body, cache: 'no-store' },
        headers: { ...headers, ...csrf },
      })
    } catch {
      throw new ApiError(0, 'unreachable', common.unreachable)
    }
    if (response.ok) return response
    const answer: unknown = await response.json().catch(() => undefined)
    const error = (answer as ErrorBody | undefined)?.error
    if (response.status === 401 && error?.code === 'notLoggedIn') this.#onLoggedOut()
    const more = response.status === 500 ? ` ${common.whereLog}` : ''
    throw new ApiError(
      response.status,
      error?.code ?? 'failed',
      sentence(error?.message ?? common.failed) + more,
    )
  }
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(start) ? start : `${start}.`
}
