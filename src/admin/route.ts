/** The one shape of a REST route. Authorisation, limits and the OpenAPI document are read from here. */
import type { z } from 'zod'
import type { LiveSession } from './sessions.ts'

/** `member`: everybody with a session or a device token, the owner included. */
export type Who = 'anyone' | 'member' | 'owner'

export type Principal =
  | { readonly kind: 'nobody' }
  /** By its token as bearer (RFC 6750 §2.1); never more than a member. */
  | { readonly kind: 'device'; readonly user: string; readonly device: string }
  | {
      readonly kind: 'session'
      readonly user: string
      readonly owner: boolean
      readonly id: string
      readonly session: LiveSession
    }
  /** Over the unix socket: the owner of the data directory. */
  | { readonly kind: 'local' }

export const isOwner = (principal: Principal): boolean =>
  principal.kind === 'local' || (principal.kind === 'session' && principal.owner)

/** The person behind a principal; undefined for nobody and for the unix socket. */
export const userOf = (principal: Principal): string | undefined =>
  principal.kind === 'session' || principal.kind === 'device' ? principal.user : undefined

export interface Call<Body, Query> {
  readonly body: Body
  readonly query: Query
  /** The body as it comes, if the route takes an upload; otherwise there is nothing in it. */
  readonly upload: AsyncIterable<Uint8Array>
  readonly params: Readonly<Record<string, string>>
  readonly principal: Principal
  readonly peer: string
  /** True over TLS: cookies are marked Secure then. */
  readonly secure: boolean
  readonly cookies: Readonly<Record<string, string>>
  header(name: string): string | undefined
}

export interface Answer {
  readonly status: number
  /** Sent as JSON; undefined sends no body. */
  readonly body?: unknown
  /** Sent as a JSON array, instead of `body`: for what there may be thousands of. Each is made when its turn comes. */
  readonly list?: Iterable<unknown>
  /** Sent as it is, instead of `body`. */
  readonly file?:
    | {
        readonly contentType: string
        /** A stream is sent as it comes. */
        readonly content: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>
        /** What a browser saves it as; undefined: it is shown. */
        readonly name?: string | undefined
        /** What a browser may do with it (CSP), where that is less than with other files. */
        readonly policy?: string | undefined
      }
    | undefined
  readonly cookies?: readonly string[]
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: string
  readonly who: Who
  readonly summary: string
  readonly body?: z.ZodType | undefined
  /** Its body is no JSON and never held whole. */
  readonly upload?: { readonly limitBytes: number; readonly contentType: string } | undefined
  readonly query?: z.ZodType | undefined
  /** Headers that it needs, each with what stands in it. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Every status of success, with its body: JSON by a schema, a file by its content type; null where there is none. */
  readonly answers: Readonly<Record<number, z.ZodType | string | null>>
  readonly handle: (call: Call<never, never>) => Promise<Answer> | Answer
}

/** Ties the handler's types to the schemas of one route. */
export function route<Body = undefined, Query = undefined>(
  definition: Omit<Route, 'body' | 'query' | 'handle'> & {
    readonly body?: z.ZodType<Body>
    readonly query?: z.ZodType<Query>
    readonly handle: (call: Call<Body, Query>) => Promise<Answer> | Answer
  },
): Route {
  return definition as unknown as Route
}
