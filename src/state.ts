/**
 * What the whole says of itself, read from its parts at the moment of asking: where it can be reached, health, the relay's
 * state, ports, network, discovery. A part of the composition root.
 */
import type { ClaimSecrets } from './admin/claim.ts'
import type { Health, RelayState } from './admin/message.ts'
import type { Policies } from './admin/policies.ts'
import type { AppDeps } from './admin/ports.ts'
import type { CallsMachine } from './calls/machine.ts'
import type { Config } from './config.ts'
import { formatEndpoint } from './core/endpoint.ts'
import { discoveryStateOf, publicationOf } from './discovery.ts'
import type { Advertiser } from './mdns/advertiser-io.ts'
import type { Publication } from './mdns/message.ts'
import type { RelayIo } from './relay/io.ts'
import type { OwnNames } from './runtime/names.ts'
import type { SignallingMachine } from './signalling/machine.ts'
import type { SipIo } from './sip/io.ts'
import type { SipMachine } from './sip/machine.ts'
import type { Store } from './store/store.ts'
import type { Certificates } from './tls/certificates.ts'

export interface Urls {
  readonly page: string
  readonly thisComputer: string
  readonly phones: readonly string[]
  /** While nobody owns the appliance. */
  readonly claim: { readonly link: string; readonly code: string } | undefined
}

export interface StateParts {
  readonly config: Config
  readonly version: string
  readonly claim: ClaimSecrets
  readonly store: Store
  readonly names: OwnNames
  readonly certificates: Certificates
  readonly policies: Policies
  readonly channel: SignallingMachine
  readonly sip: SipMachine
  readonly calls: CallsMachine
  readonly sipIo: SipIo
  readonly relay: RelayIo
  readonly advertiser: Advertiser | undefined
  /** Those of `answering.ts` that did not answer when they were asked last. */
  silent(): readonly string[]
  /** Filled as they open. */
  readonly web: { readonly http?: { readonly port: number }; readonly https?: { readonly port: number } }
}

/** The built-in person who sends everything back is registered like a device. */
const echoBindings = 1

export class State {
  readonly #parts: StateParts
  #storeLost: string | undefined

  constructor(parts: StateParts) {
    this.#parts = parts
    void parts.store.lost.then(why => {
      this.#storeLost = why
    })
  }

  /** Where it can be reached, for people. */
  urls(): Urls {
    const http = this.#parts.web.http?.port ?? 0
    const https = this.#parts.web.https?.port ?? 0
    const lan = this.#parts.names.addresses.filter(own => !own.loopback)
    const claimed = this.#parts.store.directory.owner() !== undefined
    const link = `http://localhost:${http}/admin/#claim=${this.#parts.claim.token}`
    return {
      page: `https://${this.#parts.names.hostname}.local:${https}/`,
      thisComputer: `http://localhost:${http}/`,
      phones: lan.map(({ address }) => `http://${formatEndpoint({ address, port: http })}/`),
      claim: claimed ? undefined : { link, code: this.#parts.claim.code },
    }
  }

  /** `http://<address>[:port]` for devices beside this one. As short as can be: it is typed, and drawn as a code. */
  inviteOrigin(peer: string): string {
    const address = this.#parts.names.addressBeside(peer)
    if (address === undefined) return new URL(this.urls().thisComputer).origin
    return new URL(`http://${formatEndpoint({ address, port: this.#parts.web.http?.port ?? 0 })}/`).origin
  }

  /** What it does now, for whoever supervises it. */
  statusLine(): string {
    const open = this.#parts.calls.sizes.open
    const registered = Math.max(0, this.#parts.sip.sizes.bindings - echoBindings)
    return `${open} ${open === 1 ? 'call' : 'calls'}, ${registered} registered, ${this.urls().page}`
  }

  health(): Health['parts'] {
    const { plain, tls } = this.#parts.sipIo.ports
    const web = this.#parts.web
    const relay = this.relayState()
    const discovery = this.discovery()
    const parts: Record<string, Health['parts'][string]> = {
      sip: {
        state: 'ok',
        detail: `UDP and TCP ${plain}, TLS ${tls} on ${this.#parts.sipIo.addresses.join(', ')}`,
      },
      signalling: { state: 'ok', detail: `${this.#parts.channel.sizes.sessions} devices` },
      discovery: { state: healthOf[discovery.state], detail: discovery.detail },
      relay: { state: relay.state === 'ready' ? 'ok' : 'failed', detail: relay.detail },
      web: { state: 'ok', detail: `HTTP ${web.http?.port ?? 0}, HTTPS ${web.https?.port ?? 0}` },
      store: this.#storeHealth(),
    }
    for (const silent of this.#parts.silent()) parts[partOf[silent]!] = doesNotAnswer
    return parts
  }

  #storeHealth(): Health['parts'][string] {
    const { trouble, note } = this.#parts.store.space
    const why = this.#storeLost ?? trouble
    if (why !== undefined) return { state: 'failed', detail: why }
    // Anybody may ask for the health: where the data lies is for the owner alone (`GET /settings`).
    return { state: 'ok', detail: note ?? 'calls and settings are kept' }
  }

  relayState(): RelayState {
    const { turn, relay } = this.#parts.config
    const { ports, trouble, machine } = this.#parts.relay
    const { plain, tls } = ports ?? { plain: 0, tls: 0 }
    return {
      state: ports === undefined ? 'failed' : 'ready',
      detail: trouble ?? (ports === undefined ? 'it does not listen' : `UDP and TCP ${plain}, TLS ${tls}`),
      ...relay,
      policy: this.#parts.policies.relay,
      ports: { plain, tls, relayMin: turn.relayMin, relayMax: turn.relayMax },
      grants: machine.views(),
    }
  }

  ports(): ReturnType<AppDeps['ports']> {
    const { given } = this.#parts.config
    const { plain: sip, tls: sips } = this.#parts.sipIo.ports
    const { plain: turn, tls: turns } = this.#parts.relay.ports ?? { plain: 0, tls: 0 }
    const used = {
      ...{ 'http.port': this.#parts.web.http?.port ?? 0, 'http.tls_port': this.#parts.web.https?.port ?? 0 },
      ...{ 'sip.port': sip, 'sip.tls_port': sips, 'turn.port': turn, 'turn.tls_port': turns },
    }
    return Object.entries(used).map(([key, port]) => ({ key, port, setIn: given[key] }))
  }

  network(): ReturnType<AppDeps['network']> {
    const { plain, tls } = this.#parts.sipIo.ports
    return {
      hostname: this.#parts.names.hostname,
      addresses: this.#parts.names.addresses
        .filter(own => !own.loopback)
        .map(({ interface: name, address, prefixLength }) => ({ interface: name, address, prefixLength })),
      ports: {
        http: this.#parts.web.http?.port ?? 0,
        https: this.#parts.web.https?.port ?? 0,
        sip: plain,
        sips: tls,
      },
      discovery: this.discovery(),
    }
  }

  discovery(): ReturnType<AppDeps['network']>['discovery'] {
    return discoveryStateOf(this.#parts.advertiser?.state, this.#parts.names.hostname)
  }

  publication(): Publication {
    const { directory, settings } = this.#parts.store
    const here = settings.showNames() ? this.#parts.channel.people : []
    const { plain: sip, tls: sips } = this.#parts.sipIo.ports
    const stun = this.#parts.relay.ports?.plain ?? 0
    return publicationOf({
      hostname: settings.hostname(),
      place: settings.place(),
      version: this.#parts.version,
      id: settings.identity().realm,
      caFingerprint: this.#parts.certificates.fingerprint(),
      ports: {
        http: this.#parts.web.http?.port ?? 0,
        https: this.#parts.web.https?.port ?? 0,
        sip,
        sips,
        stun,
      },
      relays: this.#parts.policies.relay !== 'off',
      people: here
        .filter(({ presence }) => presence === 'available' || presence === 'inCall')
        .filter(
          ({ user }) => directory.user(user)?.role === 'member' || directory.user(user)?.role === 'owner',
        ),
    })
  }
}

const doesNotAnswer = { state: 'failed', detail: 'it does not answer' } as const
/** In health, by their names of `answering.ts`. */
const partOf: Readonly<Record<string, string>> = {
  ...{ store: 'store', relay: 'relay', relayTcp: 'relay' },
  ...{ http: 'web', https: 'web', sipUdp: 'sip', sipTcp: 'sip', sipTls: 'sip' },
}

const healthOf = { ready: 'ok', probing: 'ok', conflict: 'ok', off: 'off', failed: 'failed' } as const
