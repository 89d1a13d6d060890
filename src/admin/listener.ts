/** From Node's HTTP servers to the app: says of each request where it came in and from whom. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { App } from './app.ts'
import { type Listener, peerOf } from './guard.ts'

/**
 * The `request` listener for an `http` server in the clear, an `https` server, or one on the unix socket. Requests
 * that are no HTTP we understand are answered 400 by it.
 */
export function nodeListener(
  app: App,
  listener: Listener,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const handle = getRequestListener(
    (request, env) => {
      const incoming = (env as unknown as { incoming: IncomingMessage }).incoming
      const peer = listener === 'unix' ? '' : peerOf(incoming)
      return app.fetch(request, { listener, peer, upload: () => uploadOf(incoming) })
    },
    {
      overrideGlobalObjects: false,
      hostname: 'lanline',
      errorHandler: () => new Response(null, { status: 400 }),
    },
  )
  return (incoming, outgoing) => void handle(incoming, outgoing)
}

/** The web's own stream of the body holds more than twice as much memory. Who stops reading can still be answered. */
const uploadOf = (incoming: IncomingMessage): AsyncIterable<Uint8Array> =>
  incoming.iterator({ destroyOnReturn: false })
