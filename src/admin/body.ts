/** What a request carries: JSON that is held whole and small, or an upload that is taken as it comes. */
import { HttpError } from './errors.ts'
import type { Route } from './route.ts'

const jsonLimitBytes = 16_384
const jsonMilliseconds = 60_000
/** An upload of which nothing comes for so long is given up. */
const stallMilliseconds = 30_000

export async function bodyOf(route: Route, request: Request): Promise<unknown> {
  if (route.body === undefined) return undefined
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new HttpError(415, 'notJson', 'send the body as application/json')
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(await within(jsonMilliseconds, textOf(request)))
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, 'badBody', 'the body is no JSON')
  }
  return checked(route.body, parsed, 'badBody')
}

async function textOf(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > jsonLimitBytes) {
      throw new HttpError(413, 'tooLarge', `a request holds at most ${jsonLimitBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function checked(schema: NonNullable<Route['body']>, value: unknown, code: string): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
  throw new HttpError(400, code, `${where}${issue.message}`)
}

/**
 * The body as it comes, no faster than it is read. Throws `HttpError` when it is said to be or turns out too large, or when
 * nothing comes any more, or the sender is gone before its end.
 */
export function uploadOf(
  { upload }: Route,
  request: Request,
  raw: (() => AsyncIterable<Uint8Array>) | undefined,
): AsyncIterable<Uint8Array> {
  if (upload === undefined) return nothing()
  const { limitBytes } = upload
  // RFC 9110 §8.6: digits; Node has refused everything else.
  const said = Number(request.headers.get('content-length') ?? 0)
  if (said > limitBytes) throw tooLarge(limitBytes)
  return bounded(() => raw?.() ?? request.body ?? [], limitBytes)
}

/** Of a route that takes none: its body is read as JSON. */
async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* bounded(
  body: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  const source = body()
  const chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  for (let bytes = 0; ; ) {
    const next = Promise.resolve(chunks.next()).catch(cutOff)
    const { value, done } = await within(stallMilliseconds, next)
    if (done) return
    bytes += value.length
    if (bytes > limitBytes) throw tooLarge(limitBytes)
    yield value
  }
}

/** Whoever is gone reads no answer; it is no fault of ours for the log either. */
const cutOff = (): never => {
  throw new HttpError(400, 'cutOff', 'the connection ended before the file did; send it again')
}

const tooLarge = (limitBytes: number): HttpError =>
  new HttpError(413, 'tooLarge', `at most ${limitBytes / 1_000_000} MB are taken`)

async function within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new HttpError(
      408,
      'stalled',
      `nothing more came for ${milliseconds / 1_000} s; send it again`,
    )
    timer = setTimeout(() => reject(error), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
