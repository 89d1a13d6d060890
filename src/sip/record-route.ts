/**
 * The two Record-Routes of a request that can make a dialog (RFC 3261 §16.6 step 4, RFC 5658 §3): one a side, since the
 * two may differ in transport and family. What they say is `route-token.ts`.
 */
import type { Bindings } from './bindings.ts'
import { recordRouteFor } from './forward.ts'
import type { Sender } from './identity.ts'
import type { Incoming } from './incoming.ts'
import type { Flow } from './message.ts'
import type { Target } from './response-context.ts'
import type { RouteToken, RouteTokens } from './route-token.ts'

const dialogMakers = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export const makesDialogs = (method: string): boolean => dialogMakers.has(method)

export class RecordRoutes {
  readonly #bindings: Bindings
  readonly #tokens: RouteTokens
  /** Told of callers that have no binding: requests in their dialogs go back by the flow they called from. */
  readonly #onUnbound: (flow: Flow) => void

  constructor(o: { bindings: Bindings; tokens: RouteTokens; onUnbound: (flow: Flow) => void }) {
    this.#bindings = o.bindings
    this.#tokens = o.tokens
    this.#onUnbound = o.onUnbound
  }

  /** Leads to the binding that the request came from, or to the address of a caller that never registered. */
  ofCaller({ replyTo: flow }: Incoming, { user, device }: Sender): string {
    const known = this.#bindings.ofDevice(user, device)
    const live = known.find(one => one.flow?.id === flow.id)
    if (live !== undefined) return this.#write(flow, bindingToken('caller', live.binding.key, device))
    this.#onUnbound(flow)
    return this.#write(flow, addressToken('caller', device, flow))
  }

  ofCallee({ key, device }: Target, flow: Flow): string {
    const token =
      key === undefined ? addressToken('callee', device, flow) : bindingToken('callee', key, device)
    return this.#write(flow, token)
  }

  #write(flow: Flow, token: RouteToken): string {
    return recordRouteFor(flow, this.#tokens.issue(token))
  }
}

const bindingToken = (role: RouteToken['role'], key: string, device: string): RouteToken => ({
  kind: 'binding',
  role,
  key,
  device,
})

const addressToken = (
  role: RouteToken['role'],
  device: string,
  { transport, local, remote }: Flow,
): RouteToken => ({ kind: 'address', role, device, transport, local, remote })
