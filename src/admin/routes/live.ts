/** What is going on and how well: for the console's first page. */
import { deviceBody } from '../bodies.ts'
import { LiveFeed } from '../live.ts'
import type { Health, HealthDetail } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { isOwner, type Principal, type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'
import type { Sessions } from '../sessions.ts'

type Deps = Pick<
  AppDeps,
  'version' | 'clock' | 'health' | 'look' | 'live' | 'directory' | 'relay' | 'log'
> & { readonly sessions: Sessions }

export function liveRoutes(deps: Deps): Route[] {
  const { clock, sessions, directory } = deps
  const startedAt = clock.monotonic()
  const health = (): Health => {
    const parts = deps.health()
    return {
      status: Object.values(parts).some(part => part.state === 'failed') ? 'degraded' : 'ok',
      version: deps.version,
      uptimeSeconds: Math.floor((clock.monotonic() - startedAt) / 1_000),
      parts,
    }
  }
  const detail = (): HealthDetail => {
    const now = health()
    const devices = directory.devices().map(row => deviceBody(deps, row))
    return { ...now, ...deps.look(now, devices) }
  }
  const feed = new LiveFeed({ ...deps, health: detail })
  /** Asked again before each event: who logged out or is no owner any more hears nothing more. */
  const stillOwner = (principal: Principal): boolean =>
    principal.kind === 'session'
      ? sessions.isLive(principal.id, clock.monotonic()) && directory.user(principal.user)?.role === 'owner'
      : isOwner(principal)

  return [
    route({
      method: 'GET',
      path: '/health',
      who: 'anyone',
      summary: 'Whether each part of the appliance works.',
      answers: { 200: schemas.health },
      handle: () => ({ status: 200, body: health() }),
    }),
    route({
      method: 'GET',
      path: '/health/detail',
      who: 'owner',
      summary: 'The same with numbers of this machine, what they mean, and what to do.',
      answers: { 200: schemas.healthDetail },
      handle: () => ({ status: 200, body: detail() }),
    }),
    route({
      method: 'GET',
      path: '/events',
      who: 'owner',
      summary:
        'What is going on, as server-sent events: everything first, then what changed. Each one’s data is a `LiveEvent` of src/admin/message.ts.',
      answers: { 200: 'text/event-stream' },
      handle: ({ principal }) => ({
        status: 200,
        file: { contentType: 'text/event-stream', content: feed.listen(() => stillOwner(principal)) },
      }),
    }),
  ]
}
