/**
 * The two Record-Routes of a request that can make a dialog (RFC 3261 §16.6 step 4, RFC 5658 §3): one a side, since the
 * two may differ in transport and family. What they say is `route-token.ts`.
 */
import type { Bindings } from './bindings.ts'
import { parseNameAddr, parseUri, values } from './codec.ts'
import { recordRouteFor } from './forward.ts'
import type { Sender } from './identity.ts'
import type { Incoming } from './incoming.ts'
import type { Flow, SipResponse } from './message.ts'
import type { Accounts } from './ports.ts'
import type { Asked, Target } from './response-context.ts'
import type { DialogName, RouteToken, RouteTokens } from './route-token.ts'
import type { Routed } from './routing.ts'

const dialogMakers = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export class RecordRoutes {
  readonly #accounts: Accounts
  readonly #bindings: Bindings
  readonly #tokens: RouteTokens
  /** Told of callers that have no binding: requests in their dialogs go back by the flow they called from. */
  readonly #onUnbound: (flow: Flow) => void

  constructor(o: {
    accounts: Accounts
    bindings: Bindings
    tokens: RouteTokens
    onUnbound: (flow: Flow) => void
  }) {
    this.#accounts = o.accounts
    this.#bindings = o.bindings
    this.#tokens = o.tokens
    this.#onUnbound = o.onUnbound
  }

  /**
   * The side of who sends a request that can make a dialog. RFC 6665 §4.3: a NOTIFY can too, where it comes before the 200, or that
   * of another notifier was taken (§4.4.1); it records what the SUBSCRIBE recorded, seen from the other side.
   */
  ofSender(
    incoming: Incoming,
    { ownRoutes }: Routed,
    sender: Sender,
    { initial, isHidden }: { readonly initial: boolean; readonly isHidden: boolean },
  ): Pick<Asked, 'recordRoute' | 'targetToken'> {
    const { method } = incoming.request
    if (method === 'NOTIFY' && ownRoutes !== undefined) {
      const [own, targetToken] = ownRoutes
      return { recordRoute: recordRouteFor(incoming.replyTo, own), targetToken }
    }
    const isMade = initial && dialogMakers.has(method)
    return {
      recordRoute: isMade ? this.#ofCaller(incoming, sender, isHidden) : undefined,
      targetToken: undefined,
    }
  }

  /** As they stand in what goes to `target`, who is reached by `flow`. */
  both(asked: Asked, target: Target, flow: Flow): string[] {
    const { recordRoute, targetToken } = asked
    if (recordRoute === undefined) return []
    const ofTarget =
      targetToken === undefined ? this.#ofCallee(target, asked, flow) : recordRouteFor(flow, targetToken)
    return [ofTarget, recordRoute]
  }

  /** The way from us to who sent a 2xx: what was recorded beyond our own two (§12.1.2). */
  beyond(answer: SipResponse): string[] {
    const routes = values(answer, 'Record-Route')
    const own = routes.findIndex(value => {
      const user = parseUri(parseNameAddr(value)?.uri ?? '')?.user
      return this.#tokens.read(user) !== undefined
    })
    return own < 0 ? [] : routes.slice(0, own).reverse()
  }

  /** Who called and who answered, where both our sides stand in a 2xx as we wrote them for this dialog. */
  partiesOf(
    answer: SipResponse,
    dialog: DialogName,
  ): { readonly caller: RouteToken; readonly callee: RouteToken } | undefined {
    const own = values(answer, 'Record-Route').flatMap(value => {
      const user = parseUri(parseNameAddr(value)?.uri ?? '')?.user
      const token = this.#tokens.read(user)
      return token !== undefined && this.#tokens.isOf(user!, dialog) ? [token] : []
    })
    const [caller, callee] = (['caller', 'callee'] as const).map(role => own.find(one => one.role === role))
    return caller === undefined || callee === undefined ? undefined : { caller, callee }
  }

  /** Leads to the binding that the request came from, or to the address of a caller that never registered. */
  #ofCaller(incoming: Incoming, { user, device }: Sender, isHidden: boolean): string {
    const flow = incoming.replyTo
    const known = this.#bindings.ofDevice(user, device)
    const key = known.find(one => one.flow?.id === flow.id)?.binding.key
    if (key === undefined) this.#onUnbound(flow)
    const token =
      key === undefined
        ? addressToken({ role: 'caller', device, isHidden }, flow)
        : bindingToken({ role: 'caller', device, isHidden }, key)
    return this.#write(flow, token, incoming)
  }

  #ofCallee({ key, device }: Target, { incoming, isHidden }: Asked, flow: Flow): string {
    const token =
      key === undefined
        ? addressToken({ role: 'callee', device, isHidden }, flow)
        : bindingToken({ role: 'callee', device, isHidden }, key, this.#calledAs(device, incoming))
    return this.#write(flow, token, incoming)
  }

  /** Whoever is called stands in To, wherever the request goes (RFC 3261 §8.1.1.2). */
  #calledAs(device: string, { to, request, uri }: Incoming): string | undefined {
    const called = to.uri === request.uri ? uri : parseUri(to.uri)
    const name = called?.user?.toLowerCase()
    const person = name === undefined ? undefined : this.#accounts.personOf(name)
    return person === this.#accounts.userOfDevice(device) ? undefined : person
  }

  #write(flow: Flow, token: RouteToken, { callId, fromTag: callerTag }: Incoming): string {
    return recordRouteFor(flow, this.#tokens.issue(token, { callId, callerTag }))
  }
}

type Side = Pick<RouteToken, 'role' | 'device' | 'isHidden'>

const bindingToken = (side: Side, key: string, as?: string): RouteToken => ({
  ...{ kind: 'binding', ...side, key, as },
})

const addressToken = (side: Side, { transport, local, remote }: Flow): RouteToken => ({
  ...{ kind: 'address', ...side, transport, local, remote },
})
