/**
 * Who sent a request (RFC 3261 §22). A device proves itself by digest once per connection, or per request over UDP; in
 * a dialog its route token from its own address is proof enough. Whoever proved nothing is challenged, and whoever
 * guesses too often is asked to wait.
 */
import type { Monotonic } from '../core/clock.ts'
import { sourceOf } from '../core/endpoint.ts'
import { Limiter } from '../core/limiter.ts'
import { nobody } from '../core/nobody.ts'
import { wishesPrivacy } from './assertions.ts'
import type { Bindings } from './bindings.ts'
import { first, parseAuth, parseUri } from './codec.ts'
import type { Digest } from './digest.ts'
import { type Incoming, sameEndpoint } from './incoming.ts'
import {
  type AuthParams,
  type Credential,
  type Flow,
  type HeaderField,
  isReliable,
  type SipRequest,
} from './message.ts'
import { hostedDevice } from './outbox.ts'
import type { Accounts, OwnAddresses } from './ports.ts'
import type { RouteToken } from './route-token.ts'
import { nobodysHost } from './veil.ts'

export interface Sender {
  readonly device: string
  readonly user: string
}

export type Identified =
  | { readonly kind: 'sender'; readonly sender: Sender; readonly byDigest: boolean }
  | {
      readonly kind: 'refused'
      readonly status: 401 | 403 | 407 | 503
      readonly reason: string
      readonly note: string
      readonly extra: HeaderField[]
      /** The digest user name that was given with a wrong password. */
      readonly account?: string | undefined
    }

type Refused = Extract<Identified, { kind: 'refused' }>

export const identityLimits = {
  /** Devices one connection may carry. */
  devicesPerFlow: 64,
  /** Wrong passwords: by (address, digest user), and by source over all users. */
  tries: { perSecond: 0.2, burst: 10, maxKeys: 10_000 },
  triesBySource: { perSecond: 2, burst: 100, maxKeys: 10_000 },
} as const

export class Identity {
  readonly #accounts: Accounts
  readonly #own: OwnAddresses
  readonly #bindings: Bindings
  readonly #digest: Digest
  readonly #byFlow = new Map<string, Map<string, { readonly flow: Flow; readonly sender: Sender }>>()
  readonly #tries = new Limiter(identityLimits.tries)
  readonly #triesBySource = new Limiter(identityLimits.triesBySource)

  constructor(o: { accounts: Accounts; own: OwnAddresses; bindings: Bindings; digest: Digest }) {
    this.#accounts = o.accounts
    this.#own = o.own
    this.#bindings = o.bindings
    this.#digest = o.digest
  }

  /** `token` is the sender's own route token, when the request came in a dialog with one. */
  identify(incoming: Incoming, token: RouteToken | undefined, now: Monotonic): Identified {
    const { flow, request } = incoming
    if (flow.transport === 'hosted') return this.#hosted(incoming)
    if (request.method !== 'REGISTER') {
      const inDialog = this.#byToken(incoming, token)
      if (inDialog !== undefined) {
        if (!this.#isTheirName(incoming, inDialog, token)) return forgedFrom
        return { kind: 'sender', sender: inDialog, byDigest: false }
      }
    }
    const credentials = this.#ourCredentials(request)
    if (credentials !== undefined) return this.#byDigest(incoming, credentials, token, now)
    const known = this.#byFlow.get(flow.id)
    if (known === undefined) return this.#challenge(incoming, false, 'challenged', now)
    return this.#onKnownFlow(incoming, [...known.values()], token, now)
  }

  /** After a REGISTER that came straight from the device: its connection is the device until it closes. */
  remember(flow: Flow, sender: Sender): void {
    if (!isReliable(flow.transport) || flow.transport === 'hosted') return
    const known = this.#byFlow.get(flow.id)
    if (known === undefined) this.#byFlow.set(flow.id, new Map([[sender.device, { flow, sender }]]))
    else if (known.size < identityLimits.devicesPerFlow) known.set(sender.device, { flow, sender })
  }

  /**
   * RFC 3323 §4.1.1.3: From names nobody, as telephones write it that hide who calls. It may stand in what anybody sends who
   * is known otherwise; beside it stands no name, which would be taken for the caller's.
   */
  isAnonymous({ from, request }: Incoming): boolean {
    const uri = parseUri(from.uri)
    const user = uri?.user?.toLowerCase()
    if (uri === undefined || user !== nobody.user || request.method === 'REGISTER') return false
    if (uri.host.toLowerCase() !== nobodysHost && !this.#own.isOwnHost(uri.host)) return false
    const shown = (from.displayName ?? '').trim().toLowerCase()
    return (shown === '' || shown === nobody.user) && this.#accounts.personOf(user) === undefined
  }

  /** Whether a request is from somebody who does not wish to be told of, be it by the name beside their address alone. */
  isHidden(incoming: Incoming): boolean {
    if (incoming.flow.transport === 'hosted') return false
    const isUnnamed = incoming.from.displayName?.trim().toLowerCase() === nobody.user
    return isUnnamed || this.isAnonymous(incoming) || wishesPrivacy(incoming.request)
  }

  flowClosed(flow: Flow): void {
    this.#byFlow.delete(flow.id)
  }

  /** The connections of a device whose right ended; they are nobody's from now on. */
  revoke(device: string): Flow[] {
    const flows: Flow[] = []
    for (const [id, known] of this.#byFlow) {
      const found = known.get(device)
      if (found === undefined) continue
      flows.push(found.flow)
      this.#byFlow.delete(id)
    }
    return flows
  }

  /** Credentials for our realm are for us alone (§22.3): what goes on has them taken out. */
  withoutOurCredentials(headers: readonly HeaderField[]): readonly HeaderField[] {
    const isOurs = ({ name, value }: HeaderField): boolean => {
      if (name !== 'Proxy-Authorization' && name !== 'Authorization') return false
      const auth = parseAuth(value)
      return auth === undefined || this.#digest.isOurRealm(auth)
    }
    return headers.some(isOurs) ? headers.filter(field => !isOurs(field)) : headers
  }

  #hosted(incoming: Incoming): Identified {
    const device = hostedDevice(incoming.flow)
    const user = this.#accounts.userOfDevice(device)
    // A device whose right ended still ends its calls.
    if (user === undefined && incoming.request.method !== 'BYE') return refused(403, 'Forbidden', 'revoked')
    return { kind: 'sender', sender: { device, user: user ?? '' }, byDigest: false }
  }

  #byToken(incoming: Incoming, token: RouteToken | undefined): Sender | undefined {
    if (token === undefined || incoming.toTag === undefined) return undefined
    const user = this.#accounts.userOfDevice(token.device)
    if (user === undefined) return undefined
    const { flow } = incoming
    const address = token.kind === 'address' ? token : this.#bindings.get(token.key)?.binding
    const fromThere =
      flow.transport === 'udp' && address?.transport === 'udp' && sameEndpoint(address.remote, flow.remote)
    return fromThere ? { device: token.device, user } : undefined
  }

  #onKnownFlow(
    incoming: Incoming,
    known: readonly { sender: Sender }[],
    token: RouteToken | undefined,
    now: Monotonic,
  ): Identified {
    const theirs = known.filter(({ sender }) => this.#isTheirName(incoming, sender, token))
    // A gateway's connection carries several people: whoever is not known on it yet may prove who they are, and so may who
    // names nobody.
    const isAnybody = theirs.length > 1 && this.isAnonymous(incoming)
    const match = isAnybody ? theirs.find(({ sender }) => sender.device === token?.device) : theirs[0]
    if (match === undefined) return this.#challenge(incoming, false, 'challenged', now)
    if (this.#accounts.userOfDevice(match.sender.device) === undefined)
      return refused(403, 'Forbidden', 'revoked')
    return { kind: 'sender', sender: match.sender, byDigest: false }
  }

  /**
   * Whether From may stand in what this sender sends: it is their own, or nobody's, or, from who was called, the person they were
   * called as: a forwarded call still has that one's name in To, and so has that of a caller that followed a redirection
   * (RFC 3261 §8.1.3.4). What else To may hold is nobody's name, and good in what only ends or changes that dialog.
   */
  #isTheirName(incoming: Incoming, sender: Sender, token: RouteToken | undefined): boolean {
    const person = this.#fromPerson(incoming)
    if (person === sender.user || this.isAnonymous(incoming)) return true
    const wasCalled = token?.role === 'callee' && token.device === sender.device
    if (!wasCalled || incoming.toTag === undefined) return false
    if (ofDialogs.has(incoming.request.method)) return true
    return person !== undefined && token.kind === 'binding' && token.as === person
  }

  #fromPerson({ from }: Incoming): string | undefined {
    const user = parseUri(from.uri)?.user?.toLowerCase()
    return user === undefined ? undefined : this.#accounts.personOf(user)
  }

  #byDigest(incoming: Incoming, auth: AuthParams, token: RouteToken | undefined, now: Monotonic): Identified {
    const { request, flow } = incoming
    const name = auth.params.get('username') ?? ''
    const tries = `${flow.remote.address} ${name.slice(0, 64)}`
    const credential = this.#accounts.byDigestUser(name)
    const wait = Math.max(
      this.#tries.waitMilliseconds(tries, now),
      this.#sourceMustWait(flow, credential, now),
    )
    if (wait > 0) {
      const extra = [{ name: 'Retry-After', value: String(Math.ceil(wait / 1_000)) }]
      return { ...refused(503, 'Too Many Attempts', 'tooManyAttempts'), extra, account: name }
    }
    const verdict = this.#digest.judge(auth, request.method, credential, flow.remote.address, now)
    if (verdict.kind === 'stale') {
      // A connection that is known needs no fresh nonce: clients send their last credentials along.
      const known = this.#byFlow.get(flow.id)?.get(credential?.device ?? '')
      if (known !== undefined) return this.#onKnownFlow(incoming, [known], token, now)
      return this.#challenge(incoming, true, verdict.reason, now)
    }
    if (verdict.kind === 'wrong' || !this.#isAboutThis(auth, incoming)) {
      this.#tries.allow(tries, now)
      this.#triesBySource.allow(sourceOf(flow.remote.address), now)
      const note = verdict.kind === 'wrong' ? verdict.reason : 'digestUri'
      return { ...this.#challenge(incoming, false, note, now), account: name }
    }
    const { device, user } = verdict.credential
    const sender = { device, user }
    if (request.method !== 'REGISTER' && !this.#isTheirName(incoming, sender, token)) return forgedFrom
    return { kind: 'sender', sender, byDigest: true }
  }

  /**
   * Milliseconds. Who guesses has as many IPv6 addresses as they like, and the network they share with the telephones: one
   * that is registered where it asks from does not wait for what others do there.
   */
  #sourceMustWait({ remote }: Flow, credential: Credential | undefined, now: Monotonic): number {
    const wait = this.#triesBySource.waitMilliseconds(sourceOf(remote.address), now)
    if (wait === 0 || credential === undefined) return wait
    const theirs = this.#bindings.ofDevice(credential.user, credential.device)
    return theirs.some(({ binding }) => binding.remote.address === remote.address) ? 0 : wait
  }

  /**
   * RFC 7616 §3.4.6 wants the digest URI to name what the Request-URI names. Clients write the server alone there
   * (`sip:host:port`), or another of our names: any own host will do, as long as a user part, if given, is the same.
   * A count is good once only, so nothing can be replayed at another address.
   */
  #isAboutThis(auth: AuthParams, { request, uri: target }: Incoming): boolean {
    const text = auth.params.get('uri') ?? ''
    if (text === request.uri) return true
    const uri = parseUri(text)
    if (uri === undefined) return false
    const sameUser = uri.user === undefined || uri.user === target?.user
    return sameUser && (uri.host === target?.host || this.#own.isOwnHost(uri.host))
  }

  #ourCredentials(request: SipRequest): AuthParams | undefined {
    const wanted = request.method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization'
    let other: AuthParams | undefined
    for (const { name, value } of request.headers) {
      if (name !== 'Authorization' && name !== 'Proxy-Authorization') continue
      const auth = parseAuth(value)
      if (auth === undefined || !this.#digest.isOurRealm(auth)) continue
      if (name === wanted) return auth
      other = auth
    }
    return other
  }

  #challenge(incoming: Incoming, stale: boolean, note: string, now: Monotonic): Refused {
    const { request, flow } = incoming
    const register = request.method === 'REGISTER'
    const name = register ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const [md5, sha256] = this.#digest.challenges(stale, flow.remote.address, now)
    const extra = this.#inOrder(incoming, md5, sha256).map(value => ({ name, value }))
    return register
      ? { kind: 'refused', status: 401, reason: 'Unauthorized', note, extra }
      : { kind: 'refused', status: 407, reason: 'Proxy Authentication Required', note, extra }
  }

  /**
   * RFC 8760 §2.4 has a client take the first challenge it can use. Most telephones never saw two: Sofia-SIP (GNOME Calls,
   * Janus) and libre before 3.12 give up on all when one is unknown to them, Twinkle reads the last one, PJSIP before 2.11
   * answers both and takes the next answer for a refusal of its password. So who is not known to read on is asked for MD5
   * alone, as exchanges ask. The WebSocket libraries JsSIP and SIP.js read the last one.
   */
  #inOrder({ request, flow }: Incoming, md5: string, sha256: string): readonly string[] {
    if (flow.transport === 'ws' || flow.transport === 'wss') return [sha256, md5]
    return readsOn.test(first(request, 'User-Agent') ?? '') ? [md5, sha256] : [md5]
  }
}

/** What means nothing outside of a dialog, or is refused there by whoever gets it. */
const ofDialogs = new Set(['INVITE', 'BYE', 'INFO', 'UPDATE', 'PRACK', 'NOTIFY', 'OPTIONS'])

/** Linphone, under its names, and what else is made of belle-sip; baresip from 3.12 on. */
const readsOn = /linphone|belle-sip|^baresip v(?:[4-9]|\d{2,}|3\.(?:1[2-9]|[2-9]\d))\./i

function refused(status: 403 | 503, reason: string, note: string) {
  return { kind: 'refused', status, reason, note, extra: [] as HeaderField[] } as const
}

const forgedFrom = refused(403, 'From Is Not You', 'forgedFrom')
