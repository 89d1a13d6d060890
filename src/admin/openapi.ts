/** The OpenAPI 3.1 document, made from the very routes that are served. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Route, Who } from './route.ts'
import * as schemas from './schemas.ts'

const security: Readonly<Record<Who, readonly Record<string, string[]>[]>> = {
  anyone: [],
  member: [{ session: [] }, { device: [] }],
  owner: [{ session: [] }],
}

/** A route a turn: all of them at once would keep calls waiting. */
export async function openApi(routes: readonly Route[], version: string): Promise<unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    await nextTurn()
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'lanline',
      version,
      description:
        'docs/api.md tells what stands in no schema: who may ask, and what each error code means. Times are milliseconds since 1970.',
    },
    servers: [{ url: '/api/v1' }],
    paths,
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-lanline_session',
          description:
            'Set by POST /session; over plain HTTP, on the loopback, it is called lanline_session.',
        },
        device: {
          type: 'http',
          scheme: 'bearer',
          description: 'A device token: its person, never as owner.',
        },
      },
    },
  }
}

function operation(route: Route): unknown {
  const parameters = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const answers = Object.entries(route.answers).map(([status, schema]) => [
    status,
    { description: 'done', ...(schema ? { content: contentOf(schema) } : {}) },
  ])
  return {
    summary: route.summary,
    security: security[route.who],
    'x-who': route.who,
    parameters: [...parameters, ...queryParameters(route.query), ...headerParameters(route)],
    ...(route.body ? { requestBody: { required: true, content: json(route.body, 'input') } } : {}),
    ...(route.upload ? { requestBody: { required: true, content: uploaded(route.upload) } } : {}),
    responses: {
      ...Object.fromEntries(answers),
      default: { description: 'refused or failed', content: json(schemas.error, 'output') },
    },
  }
}

/** OpenAPI 3.1 §4.8.14.3: raw bytes have an empty schema. */
const uploaded = ({ contentType }: NonNullable<Route['upload']>): unknown => ({ [contentType]: {} })

const contentOf = (answer: z.ZodType | string): unknown =>
  typeof answer === 'string' ? { [answer]: {} } : json(answer, 'output')

function queryParameters(query: z.ZodType | undefined): unknown[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input' })
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function headerParameters({ method, who, headers = {} }: Route): unknown[] {
  const own = Object.entries(headers).map(([name, description]) => ({ name, required: true, description }))
  const csrf = {
    name: 'x-csrf-token',
    required: false,
    description: 'The csrfToken of the session, with its cookie.',
  }
  return [...own, ...(who === 'anyone' || method === 'GET' ? [] : [csrf])].map(header => ({
    ...header,
    in: 'header',
    schema: { type: 'string' },
  }))
}

function json(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io })
  return { 'application/json': { schema: plain } }
}
