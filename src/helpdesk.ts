/**
 * How Help sees the rest of the house: its facts from store, trace and what is live, and what the daemon's effects mean to
 * it. A part of the composition root, which gives it what it reads.
 */
import type { CallRow } from './calls/message.ts'
import type { Config } from './config.ts'
import { type Epoch, minutes, plausibleFrom } from './core/clock.ts'
import { parseSubnet } from './core/endpoint.ts'
import { bundleOf } from './help/bundle.ts'
import { HelpIo } from './help/io.ts'
import type { ApplianceFacts, CallFacts, Incident, PersonFacts } from './help/message.ts'
import type { HelpPorts } from './help/ports.ts'
import type { SignsOfLife } from './runtime/alive.ts'
import { realClock } from './runtime/clock.ts'
import type { OwnAddress } from './runtime/interfaces.ts'
import { readMachine } from './runtime/machine.ts'
import type { SipEffect } from './sip/message.ts'
import type { Store } from './store/store.ts'

/** The newest calls that the table of networks is made of. */
const networkCalls = 300
/** Calls in the diagnostics. */
const bundledCalls = 50
/** A shorter absence is a restart. */
const gapMilliseconds = minutes(2)

export interface HelpDeskParts {
  readonly config: Config
  readonly store: Store
  readonly kept: readonly Incident[]
  readonly signs: SignsOfLife
  readonly version: string
  readonly liveDevice: (id: string) => { readonly address: string } | undefined
  readonly callFacts: (row: CallRow) => Promise<CallFacts>
  readonly hostname: () => string
  readonly addresses: () => readonly OwnAddress[]
  readonly sipPort: () => number
  readonly relayPolicy: () => ApplianceFacts['relayPolicy']
  readonly moved: ApplianceFacts['moved']
  readonly certificate: () => { readonly notBefore: number; readonly notAfter: number }
  readonly ownCertificate: () => ApplianceFacts['ownCertificate']
  readonly discovery: () => { readonly state: string; readonly detail: string }
  readonly parts: () => Readonly<Record<string, { readonly state: string; readonly detail: string }>>
  /** What else the diagnostics tell, by section. */
  readonly sections: () => Promise<Readonly<Record<string, unknown>>>
  readonly logLines: () => readonly string[]
  /** Undefined: nothing would start it again. */
  readonly restart: (() => void) | undefined
  readonly onFailure: (error: unknown) => void
}

export class HelpDesk {
  readonly #parts: HelpDeskParts
  readonly #help: HelpIo
  readonly #addresses = new Map<string, string>()
  #stopping = false

  constructor(parts: HelpDeskParts) {
    this.#parts = parts
    const { store, kept, onFailure } = parts
    this.#help = new HelpIo({ ports: this.#ports(), store: store.incidents, kept, onFailure })
    this.#noticeGap()
  }

  get diagnose(): HelpIo['diagnose'] {
    return this.#help.diagnose
  }
  get networks(): HelpIo['networks'] {
    return this.#help.networks
  }
  get flush(): HelpIo['flush'] {
    return this.#help.flush
  }
  get canRestart(): boolean {
    return this.#parts.restart !== undefined
  }

  restart(): void {
    this.#parts.restart?.()
  }

  readonly diagnostics = async (): Promise<string> => {
    const { config, store, version, sections, logLines } = this.#parts
    const { calls } = await store.calls.list({ limit: bundledCalls })
    const summaries = await Promise.all(calls.map(({ id }) => store.traces.summary(id)))
    return bundleOf({
      madeAt: realClock.epoch(),
      log: logLines(),
      sections: {
        version,
        runtime: { node: process.version, platform: process.platform, arch: process.arch },
        config,
        ...(await sections()),
        appliance: this.#appliance(),
        incidents: this.#help.incidents(),
        calls: calls.map((call, at) => ({ ...call, verdict: summaries[at]?.verdict })),
      },
    })
  }

  // What the daemon's effects mean

  noted(effect: Extract<SipEffect, { kind: 'note' }>): void {
    const { account, flow } = effect
    if (account === undefined) return
    const device = this.#parts.store.directory.byDigestUser(account)
    const source = flow?.remote.address ?? ''
    const who = device === undefined ? {} : { user: device.user, device: device.device }
    this.#help.happened({ kind: 'wrongPassword', account, source, ...who })
  }

  reachable(effect: Extract<SipEffect, { kind: 'reachable' }>): void {
    const { user, device, reachable, remote } = effect
    if (reachable) {
      this.#addresses.set(device, remote.address)
      this.#help.ended({ kind: 'away', user, device })
    } else if (!this.#stopping) this.#help.happened({ kind: 'away', user, device })
  }

  revoked(device: string): void {
    this.#addresses.delete(device)
  }

  mediaProblem(what: { user: string; device: string; call: string; problem: string }): void {
    const { user, device, call, problem: detail } = what
    this.#help.happened({ kind: 'mediaProblem', user, device, call, detail })
  }

  notWritten(error: unknown): void {
    const code = (error as { code?: unknown } | undefined)?.code
    if (typeof code === 'string' && writeFailures.has(code))
      this.#help.happened({ kind: 'notWritten', detail: code })
  }

  certificateRefused(alert: string, source: string): void {
    this.#help.happened({ kind: 'certificateRefused', source, detail: alert })
  }

  /** Another name was established than was wanted. */
  nameTaken(wanted: string): void {
    this.#help.happened({ kind: 'nameTaken', detail: wanted })
  }

  /** Said now and then, and at the end. */
  keepAlive(): () => void {
    return this.#parts.signs.give(realClock.epoch)
  }

  /** From now on devices go because the daemon does. */
  stopping(): void {
    this.#stopping = true
  }

  // Facts

  #noticeGap(): void {
    const now = realClock.epoch()
    const last = this.#parts.signs.last
    if (last === undefined || last.at < plausibleFrom) return
    if (now - last.at < last.withinMilliseconds + gapMilliseconds) return
    this.#help.spanned({ kind: 'notRunning' }, last.at, now)
  }

  #ports(): HelpPorts {
    const { store, config, callFacts } = this.#parts
    return {
      people: () => this.#people(),
      appliance: () => this.#appliance(),
      callsBetween: async (user, from, until) =>
        (await store.calls.list({ limit: 50, user, from, until })).calls.map(({ outcome: _, ...row }) => row),
      factsOf: callFacts,
      networked: () => store.traces.networked(networkCalls),
      networks: () => [
        ...this.#parts
          .addresses()
          .filter(own => !own.loopback)
          .map(({ interface: name, address, prefixLength }) => ({ name, address, prefixLength })),
        ...config.relay.networks.flatMap(name => {
          const subnet = parseSubnet(name)
          return subnet === undefined
            ? []
            : { name, address: subnet.network, prefixLength: subnet.prefixLength }
        }),
      ],
    }
  }

  #people(): PersonFacts[] {
    const { store, liveDevice } = this.#parts
    return store.directory.users().map(({ name: user, displayName: name }) => ({
      user,
      name,
      devices: store.directory.devices(user).map(({ id, name, kind, digestUser, lastSeenAt }) => {
        const live = liveDevice(id)
        const address = live?.address ?? this.#addresses.get(id) ?? ''
        return { id, name, kind, digestUser, lastSeenAt, reachable: live !== undefined, address }
      }),
    }))
  }

  #appliance(): ApplianceFacts {
    const { config, hostname, addresses, sipPort, relayPolicy, moved, discovery, parts } = this.#parts
    const { certificate, ownCertificate } = this.#parts
    const now = realClock.epoch()
    const wish = config.http.tlsPort
    const { notBefore, notAfter } = certificate()
    const taken = this.#help
      .incidents()
      .filter(one => one.kind === 'nameTaken')
      .at(-1)?.detail
    const present = hostname()
    const failed = Object.entries(parts()).filter(([, part]) => part.state === 'failed')
    return {
      now,
      hostname: present,
      // A name that was chosen since has nothing to do with the one that was taken.
      wantedHostname: taken !== undefined && present.startsWith(`${taken}-`) ? taken : present,
      address: addresses().find(own => !own.loopback)?.address ?? present,
      sipPort: sipPort(),
      httpsPort: moved.find(one => one.key === wish.key)?.to ?? wish.explicit ?? wish.fallback,
      relayPolicy: relayPolicy(),
      clockSet: now >= plausibleFrom,
      moved,
      certificate: { notBefore: notBefore as Epoch, notAfter: notAfter as Epoch },
      ownCertificate: ownCertificate(),
      disk: readMachine(config.data.dir).disk,
      failedParts: failed.map(([name, { detail }]) => ({ name, detail })),
      discovery: discovery(),
    }
  }
}

const writeFailures = new Set(['diskFull', 'readOnly', 'diskFails', 'corrupt', 'failed'])
