/**
 * The web server's whole surface: who is let near (`guard.ts`), the door page in the clear, the pages, the REST
 * interface. Every right is decided here, from the table of routes; no handler is reached before.
 */
import { Hono } from 'hono'
import type { ContentfulStatusCode, StatusCode } from 'hono/utils/http-status'
import { bodyOf, checked, uploadOf } from './body.ts'
import { parseCookies, sessionIn } from './cookies.ts'
import { type Door, makeDoor } from './door.ts'
import { errorBody, HttpError, toHttpError } from './errors.ts'
import { isForeignFetch, judge, type Listener } from './guard.ts'
import { commonHeaders, filePolicy, pagePolicy } from './headers.ts'
import { jsonArray } from './in-turns.ts'
import { openApi } from './openapi.ts'
import { respondPage } from './pages.ts'
import { Passwords } from './password.ts'
import { isLostInConsole, pageAt } from './places.ts'
import type { AppDeps } from './ports.ts'
import { Provisioning } from './provisioning.ts'
import { type Answer, isOwner, type Principal, type Route, type Who } from './route.ts'
import { backupRoutes } from './routes/backup.ts'
import { callRoutes } from './routes/calls.ts'
import { captureRoutes } from './routes/captures.ts'
import { certificateRoutes } from './routes/certificate.ts'
import { enrolRoutes } from './routes/enrol.ts'
import { helpRoutes } from './routes/help.ts'
import { liveRoutes } from './routes/live.ts'
import { relayRoutes } from './routes/relay.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { setupRoutes } from './routes/setup.ts'
import { siteRoutes } from './routes/site.ts'
import { traceRoutes } from './routes/traces.ts'
import { updateRoutes } from './routes/update.ts'
import { userRoutes } from './routes/users.ts'
import { Sessions, sameSecret } from './sessions.ts'
import { Tries } from './tries.ts'

/** What the listener knows of a request: given to `fetch` beside it. */
export interface AppEnv {
  readonly listener: Listener
  readonly peer: string
  /** The body as it comes, for routes that take an upload; without it, `request` has it. */
  readonly upload?: (() => AsyncIterable<Uint8Array>) | undefined
}

export interface App {
  fetch(request: Request, env: AppEnv): Response | Promise<Response>
  /** As served under `/api/v1`, `openapi.json` included. */
  readonly routes: readonly Route[]
}

const healthPath = '/api/v1/health'
const changes = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

export function createApp(deps: AppDeps): App {
  const sessions = new Sessions()
  const parts = {
    ...deps,
    sessions,
    passwords: new Passwords(deps.scryptCost),
    tries: new Tries(deps.settings.identity().tokenKey),
    provisioning: new Provisioning(deps),
  }
  deps.directory.onChange(event => {
    if (event.kind === 'people') sessions.keepOnly(user => deps.directory.user(user) !== undefined)
  })
  const routes: Route[] = [
    ...setupRoutes(parts),
    ...userRoutes(parts),
    ...enrolRoutes(parts),
    ...callRoutes(parts),
    ...traceRoutes(parts),
    ...captureRoutes(parts),
    ...relayRoutes(parts),
    ...helpRoutes(parts),
    ...liveRoutes(parts),
    ...backupRoutes(parts),
    ...updateRoutes(parts),
    ...sessionRoutes(parts),
    ...siteRoutes(parts),
    ...certificateRoutes(parts),
    {
      method: 'GET',
      path: '/openapi.json',
      who: 'anyone',
      summary: 'This document.',
      answers: { 200: 'application/json' },
      handle: async () => {
        document ??= openApi(routes, deps.version)
        return { status: 200, body: await document }
      },
    },
  ]
  let document: Promise<unknown> | undefined
  const app = new Hono<{ Bindings: AppEnv }>()
  const door = makeDoor()
  guardAll(app, deps, door, parts.provisioning)
  for (const route of routes) {
    app.on(route.method, `/api/v1${route.path}`, async context => {
      const request = context.req.raw
      const principal = authorise(route.who, request, context.env, deps, sessions)
      if (deps.update.changesWait && isKept(route)) throw onTrial()
      const answer = await route.handle({
        body: (await bodyOf(route, request)) as never,
        query: queryOf(route, request) as never,
        upload: uploadOf(route, request, context.env.upload),
        params: context.req.param(),
        principal,
        peer: context.env.peer,
        secure: context.env.listener === 'https',
        cookies: parseCookies(request.headers.get('cookie') ?? undefined),
        header: name => request.headers.get(name) ?? undefined,
      })
      return respond(answer)
    })
  }
  app.get('/metrics', async context => {
    authorise('owner', context.req.raw, context.env, deps, sessions)
    return new Response(await deps.metrics.metrics(), {
      headers: { 'content-type': deps.metrics.contentType },
    })
  })
  app.get('/admin', () => new Response(null, { status: 308, headers: { location: '/admin/' } }))
  app.get('*', context => {
    const offered = parts.provisioning.answer(context.req.raw, context.env.peer, deps.directory.place())
    if (offered !== undefined) return offered
    const { pathname } = new URL(context.req.url)
    const page = pageAt(deps.pages, pathname)
    if (page !== undefined) return respondPage(page, context.req.raw)
    const console = deps.pages.get('/admin/')
    if (console === undefined || !isLostInConsole(pathname, context.req.header('accept') ?? ''))
      throw notFound()
    return respondPage(console, context.req.raw, 404)
  })
  app.notFound(() => failure(notFound()))
  app.onError(error => {
    const told = toHttpError(error)
    if (told) return failure(told)
    deps.log.error('request failed', { error: error.stack ?? String(error) })
    return failure(new HttpError(500, 'failed', 'this did not work; the log of lanline says why'))
  })
  return { fetch: (request, env) => app.fetch(request, env), routes }
}

/** Host, origin and place come before everything; headers that bind the browser go on every answer. */
function guardAll(
  app: Hono<{ Bindings: AppEnv }>,
  deps: AppDeps,
  door: Door,
  provisioning: Provisioning,
): void {
  app.use('*', async (context, next) => {
    const { listener, peer } = context.env
    const host = context.req.header('host')
    const origin = context.req.header('origin')
    const verdict = judge({ listener, peer, host, origin }, deps.allowed)
    const { pathname } = new URL(context.req.url)
    if (verdict.kind === 'refuse') {
      context.res = failure(new HttpError(verdict.status, verdict.code, verdict.message))
    } else if (verdict.kind === 'door') {
      context.res =
        provisioning.answer(context.req.raw, peer, deps.directory.place()) ??
        door({
          method: context.req.method,
          pathname,
          host: verdict.host,
          httpsPort: deps.httpsPort(),
          userAgent: context.req.header('user-agent') ?? '',
          place: deps.directory.place(),
          claimed: deps.directory.owner() !== undefined,
          root: deps.authority.root(),
          fingerprint: deps.authority.fingerprint(),
        })
    } else {
      // Health alone may be asked from the door page, whose scheme makes it another site.
      const foreign = isForeignFetch(
        context.req.header('sec-fetch-site'),
        context.req.header('sec-fetch-mode'),
      )
      if (foreign && origin === undefined && pathname !== healthPath) {
        context.res = failure(
          new HttpError(403, 'badOrigin', 'pages of other sites may not use this appliance'),
        )
      } else {
        await next()
        if (!context.res.headers.has('content-security-policy'))
          context.header('content-security-policy', pagePolicy(listener, host ?? '', deps))
        // Browsers heed it in secure contexts only, and complain elsewhere.
        context.header('cross-origin-opener-policy', 'same-origin')
      }
    }
    for (const [name, value] of Object.entries(commonHeaders)) context.header(name, value)
    // The door page asks for it to learn whether the browser accepts the certificate.
    if (pathname === healthPath) context.header('cross-origin-resource-policy', 'cross-origin')
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store')
  })
}

/** What is written down, and would be gone with a version that fails its trial; sessions live in memory. */
const isKept = ({ method, path }: Route): boolean =>
  method !== 'GET' &&
  !['/session', '/sessions/:id', '/backup', '/help/restart', '/invites/look'].includes(path)

const onTrial = (): HttpError =>
  new HttpError(
    503,
    'onTrial',
    'a new version is being tried, and changes wait until it is found good: try again in a minute',
    { 'retry-after': '30' },
  )

/** The one place where rights are checked. Throws when `who` may not. */
function authorise(who: Who, request: Request, env: AppEnv, deps: AppDeps, sessions: Sessions): Principal {
  const principal = identify(request, env, deps, sessions)
  if (principal.kind === 'session' && changes.has(request.method)) {
    const token = request.headers.get('x-csrf-token')
    if (token === null || !sameSecret(token, principal.session.csrfToken)) {
      // Without its token the session counts for nothing; what is open to anyone stays open.
      if (who === 'anyone') return { kind: 'nobody' }
      throw new HttpError(403, 'csrf', 'the header x-csrf-token with the session’s token is missing or wrong')
    }
  }
  if (who === 'anyone') return principal
  if (principal.kind === 'nobody') throw new HttpError(401, 'notLoggedIn', 'log in first')
  if (who === 'owner' && !isOwner(principal)) {
    throw new HttpError(403, 'forbidden', 'only the owner of this appliance may do that')
  }
  return principal
}

function identify(request: Request, env: AppEnv, deps: AppDeps, sessions: Sessions): Principal {
  if (env.listener === 'unix') return { kind: 'local' }
  const bearer = /^Bearer ([A-Za-z0-9_-]{20,128})$/.exec(request.headers.get('authorization') ?? '')?.[1]
  if (bearer !== undefined) {
    const device = deps.directory.byToken(bearer)
    return device ? { kind: 'device', user: device.user, device: device.device } : { kind: 'nobody' }
  }
  const cookies = parseCookies(request.headers.get('cookie') ?? undefined)
  const id = sessionIn(cookies, env.listener === 'https')
  const session = sessions.find(id, deps.clock.monotonic())
  const user = session && deps.directory.user(session.user)
  if (id === undefined || session === undefined || !user || user.disabled) return { kind: 'nobody' }
  return { kind: 'session', user: user.name, owner: user.role === 'owner', id, session }
}

function queryOf(route: Route, request: Request): unknown {
  if (route.query === undefined) return undefined
  return checked(route.query, Object.fromEntries(new URL(request.url).searchParams), 'badQuery')
}

function respond(answer: Answer): Response {
  const headers = new Headers()
  for (const cookie of answer.cookies ?? []) headers.append('set-cookie', cookie)
  if (answer.file !== undefined) {
    headers.set('content-type', answer.file.contentType)
    headers.set('content-security-policy', answer.file.policy ?? filePolicy)
    const { name } = answer.file
    if (name !== undefined) headers.set('content-disposition', `attachment; filename="${name}"`)
    return new Response(answer.file.content, { status: answer.status as ContentfulStatusCode, headers })
  }
  const { body, list } = answer
  if (body === undefined && list === undefined)
    return new Response(null, { status: answer.status as StatusCode, headers })
  headers.set('content-type', 'application/json')
  const content = list === undefined ? JSON.stringify(body) : jsonArray(list)
  return new Response(content, { status: answer.status as ContentfulStatusCode, headers })
}

const failure = (error: HttpError): Response =>
  new Response(JSON.stringify(errorBody(error)), {
    status: error.status,
    headers: { 'content-type': 'application/json', ...error.headers },
  })

const notFound = (): HttpError => new HttpError(404, 'notFound', 'there is nothing at this address')
