/**
 * The one composition root: builds every part, wires them, starts them in order and stops them in reverse. Nothing
 * else sees more than its own room and its ports. Long because each part is made here, and nowhere else; what is loaded
 * before is in `loading.ts`, what becomes of effects in `effects.ts`, what is told of the whole in `state.ts`, what
 * went wrong in `notes.ts`, what is looked after at intervals in `chores.ts`.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { createApp } from './admin/app.ts'
import { type ClaimSecrets, newClaimSecrets } from './admin/claim.ts'
import { type Allowed, refuseUpgrade } from './admin/guard.ts'
import { nodeListener } from './admin/listener.ts'
import { Now } from './admin/now.ts'
import { loadPages } from './admin/pages.ts'
import { Policies } from './admin/policies.ts'
import type { AppDeps } from './admin/ports.ts'
import type { SetupFile } from './admin/setup-file.ts'
import { answering, notAnswering } from './answering.ts'
import { backupOf } from './backup/backup.ts'
import type { CallsMachine } from './calls/machine.ts'
import type { CallEffect, CallInput } from './calls/message.ts'
import { doChores } from './chores.ts'
import type { Config } from './config.ts'
import type { Log } from './core/log.ts'
import type { Machine } from './core/machine.ts'
import { lookAtOneself } from './doctor/self.ts'
import { EchoIo } from './echo/io.ts'
import { EchoMachine } from './echo/machine.ts'
import type { EchoEffect, EchoInput } from './echo/message.ts'
import { withEcho } from './echo/person.ts'
import { Effects } from './effects.ts'
import { registerGauges } from './gauges.ts'
import { HelpDesk } from './helpdesk.ts'
import { type Loaded, load, openData } from './loading.ts'
import { Advertiser } from './mdns/advertiser-io.ts'
import { Notes } from './notes.ts'
import { RelayIo } from './relay/io.ts'
import { SignsOfLife } from './runtime/alive.ts'
import { isBridged } from './runtime/bridged.ts'
import { realClock } from './runtime/clock.ts'
import { busSocketPath } from './runtime/dbus.ts'
import { freeBytesIn } from './runtime/disk.ts'
import { Driver } from './runtime/driver.ts'
import { type HttpListener, listenHttp, listenLocal } from './runtime/http.ts'
import { type Interfaces, readInterfaces, watchInterfaces } from './runtime/interfaces.ts'
import { Metrics } from './runtime/metrics.ts'
import type { OwnNames } from './runtime/names.ts'
import { openPort } from './runtime/ports.ts'
import { systemRandom } from './runtime/random.ts'
import { type RecentLog, withRecent } from './runtime/recent-log.ts'
import { Supervision } from './runtime/supervision.ts'
import { isSupervised, type ServiceManager, serviceManager } from './runtime/systemd.ts'
import { credentialsOf } from './runtime/tls.ts'
import { WebSockets } from './runtime/websocket.ts'
import { SignallingIo } from './signalling/io.ts'
import { SignallingMachine } from './signalling/machine.ts'
import { closeCode, type SignallingEffect, type SignallingInput } from './signalling/message.ts'
import { SipIo } from './sip/io.ts'
import { SipMachine } from './sip/machine.ts'
import type { SipEffect, SipInput } from './sip/message.ts'
import { State, type Urls } from './state.ts'
import { trialCopyIn } from './store/copies.ts'
import type { DeviceRow } from './store/message.ts'
import { migrations } from './store/migrations.ts'
import type { Store } from './store/store.ts'
import type { Certificates } from './tls/certificates.ts'
import { TraceIo, type TraceIoOptions } from './trace/io.ts'
import type { DormantAccount } from './turn/message.ts'
import { Updates } from './update/io.ts'
import { architectureOf, bootedOf } from './update/machine-io.ts'
import { type Places, placesUnder } from './update/places.ts'

export interface DaemonOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly version: string
}

/** A port that was taken, and the one used instead. */
export interface MovedPort {
  readonly key: string
  readonly from: number
  readonly to: number
}

/** So many calls show whether devices reach each other. */
const recentCalls = 50
/** A SIP client's WebSocket that answers no ping is gone. */
const sipPingMilliseconds = 30_000

/** How long good-byes may take to leave before every connection is cut. */
const goodbyeMilliseconds = 150

export class Daemon {
  readonly moved: MovedPort[] = []
  /** Resolves with why, should the store or any part without which there are no calls be lost; then the process is to end. */
  readonly lost: Promise<string>
  /** Resolves when it is to end so that it is started again. */
  readonly restartWanted: Promise<void>
  readonly #config: Config
  readonly #log: RecentLog
  readonly #version: string
  readonly #metrics = new Metrics()
  readonly #notes: Notes
  readonly #random = systemRandom()
  readonly #setupFile: SetupFile
  readonly #claim: ClaimSecrets
  readonly #updates: Updates
  readonly #names: OwnNames
  readonly #store: Store
  readonly #certificates: Certificates
  /** Undefined where nobody supervises this process. */
  readonly #manager: ServiceManager | undefined
  #supervision: Supervision | undefined
  /** Threads and listeners that did not answer when they were asked last. */
  #silent: readonly string[] = []
  readonly #partsLost = Promise.withResolvers<string>()
  readonly #now: Now
  readonly #policies: Policies
  readonly #channel: SignallingMachine
  readonly #callLog: CallsMachine
  readonly #calls: Driver<CallInput, CallEffect>
  readonly #sip: Driver<SipInput, SipEffect>
  readonly #signalling: Driver<SignallingInput, SignallingEffect>
  readonly #relay: RelayIo
  readonly #trace: TraceIo
  readonly #help: HelpDesk
  readonly #effects: Effects
  readonly #sipIo: SipIo
  readonly #signallingIo: SignallingIo
  readonly #echo: Driver<EchoInput, EchoEffect>
  readonly #echoIo: EchoIo
  /** Undefined where `mdns.mode` is off. */
  readonly #advertiser: Advertiser | undefined
  readonly #webSockets: WebSockets
  readonly #web: { http?: HttpListener; https?: HttpListener; local?: { close(): void } } = {}
  readonly #state: State
  readonly #undo: (() => void)[] = []

  /** Rejects with `PortError` or `StoreError` when it cannot start; then nothing is left open. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const places = placesUnder(options.environment.LANLINE_APPLIANCE_ROOT)
    const booted = bootedOf(places)
    const start = { image: booted !== undefined, onTrial: booted?.trial === true }
    const signs = new SignsOfLife(options.config.data.dir, options.environment.RUNTIME_DIRECTORY)
    const store = await openData(options.config.data.dir, options.log, start)
    let daemon: Daemon | undefined
    try {
      const loaded = await load(store, options.config, signs)
      daemon = new Daemon(options, loaded, places)
      await daemon.#open(loaded.interfaces)
      return daemon
    } catch (error) {
      if (daemon) await daemon.stop()
      else await store.close()
      throw error
    }
  }

  private constructor(options: DaemonOptions, loaded: Loaded, places: Places) {
    this.#config = options.config
    this.#log = withRecent(options.log)
    this.#notes = new Notes(this.#metrics, this.#log, error => this.#help.notWritten(error))
    this.#version = options.version
    this.#manager = serviceManager(options.environment)
    this.#setupFile = loaded.setupFile
    for (const complaint of this.#setupFile.complaints) this.#log.warn('setupFile', { complaint })
    this.#claim = newClaimSecrets(this.#random, this.#setupFile.code)
    this.#updates = this.#makeUpdates(places)
    this.#names = loaded.names
    this.#store = loaded.store
    this.#certificates = loaded.certificates
    this.lost = Promise.race([loaded.store.lost, this.#partsLost.promise])
    const { directory, settings } = loaded.store
    const people = withEcho(directory)
    this.#trace = this.#makeTrace(loaded)
    this.#calls = this.#drive('calls', loaded.calls, effect => this.#effects.calls(effect))
    this.#channel = new SignallingMachine({
      devices: people,
      callLog: loaded.calls,
      version: options.version,
    })
    this.#callLog = loaded.calls
    this.#now = new Now({
      presence: user => this.#channel.presence(user),
      openCalls: () => loaded.calls.open(),
    })
    this.#signalling = this.#drive('signalling', this.#channel, effect => this.#effects.signalling(effect))
    const sip = new SipMachine({
      accounts: people,
      callLog: loaded.calls,
      own: { isOwnHost: host => loaded.names.isOwnHost(host) || loaded.names.isCalled(host) },
      identity: { ...settings.identity(), nonceKey: this.#random.bytes(32) },
      random: this.#random,
      bindings: loaded.bindings,
      now: realClock.monotonic(),
      domain: `${loaded.names.hostname}.local`,
    })
    this.#sipIo = new SipIo({
      clock: realClock,
      input: input => {
        if (input.kind === 'received') this.#trace.sip('in', input.flow, input.bytes)
        this.#sip.input(input)
      },
      ...this.#notes.of('sip'),
    })
    this.#sip = this.#drive('sip', sip, effect => this.#effects.sip(effect))
    this.#policies = new Policies(options.config, settings)
    this.#relay = this.#makeRelay(loaded)
    this.#signallingIo = new SignallingIo({
      path: '/ws',
      input: input => {
        this.#trace.channel(input)
        this.#signalling.input(input)
      },
    })
    this.#echo = this.#drive('echo', new EchoMachine(), effect => this.#effects.echo(effect))
    this.#echoIo = new EchoIo({
      input: this.#echo.input,
      addresses: () => this.#ownAddresses(),
      onFault: this.#notes.of('echo').onFault,
    })
    const { mode } = options.config.mdns
    if (mode !== 'off') this.#advertiser = this.#makeAdvertiser(mode, options.environment)
    this.#state = new State({
      ...{ config: options.config, version: options.version, claim: this.#claim, store: loaded.store },
      ...{ names: loaded.names, certificates: loaded.certificates, policies: this.#policies },
      ...{ channel: this.#channel, sipIo: this.#sipIo, relay: this.#relay, advertiser: this.#advertiser },
      ...{ sip, calls: loaded.calls, web: this.#web, silent: () => this.#silent },
    })
    this.#webSockets = this.#makeWebSockets()
    const restart = Promise.withResolvers<void>()
    this.restartWanted = restart.promise
    this.#help = this.#makeHelp(loaded, isSupervised(options.environment) ? restart.resolve : undefined)
    this.#effects = new Effects({
      ...{ sip: this.#sip, signalling: this.#signalling, calls: this.#calls, echo: this.#echo },
      inputs: {
        sip: this.#sip.input,
        signalling: this.#signalling.input,
        calls: this.#calls.input,
        relay: this.#relay.input,
      },
      ...{ sipIo: this.#sipIo, signallingIo: this.#signallingIo, echoIo: this.#echoIo, relay: this.#relay },
      ...{ trace: this.#trace, help: this.#help, advertiser: this.#advertiser, now: this.#now },
      store: loaded.store,
      notes: this.#notes,
    })
    this.#watchStore()
    registerGauges(this.#metrics, {
      ...{ sip, channel: this.#channel, webSockets: this.#webSockets },
      ...{ trace: this.#trace, relay: this.#relay },
    })
  }

  urls(): Urls {
    return this.#state.urls()
  }

  /** In reverse order of starting; what was acknowledged is on disk when this resolves. */
  async stop(): Promise<void> {
    this.#supervision?.stopping()
    this.#help.stopping()
    this.#signalling.input({ kind: 'stopping' })
    this.#advertiser?.stop()
    for (const undo of this.#undo.splice(0).reverse()) undo()
    this.#webSockets.closeAll(closeCode.goingAway, 'lanline stops')
    this.#sipIo.close()
    // The good-byes above still have to leave.
    await new Promise(resolve => setTimeout(resolve, goodbyeMilliseconds))
    for (const driver of [this.#sip, this.#signalling, this.#calls, this.#echo]) driver.stop()
    this.#echoIo.close()
    await this.#relay.close()
    this.#advertiser?.close()
    this.#webSockets.terminateAll()
    for (const listener of Object.values(this.#web)) listener.close()
    await this.#trace.close()
    await this.#help.flush()
    await this.#store.close()
  }

  // Starting

  async #open(known: Interfaces): Promise<void> {
    const { data, sip, net } = this.#config
    this.#leavePid(join(data.dir, 'lanline.pid'))
    await this.#openWeb()
    await this.#sipIo.listen({
      ...sip,
      addresses: this.#names.addresses,
      isBound: address => this.#names.isBound(address),
      credentials: credentialsOf(this.#certificates.current()),
      onMoved: (key, from, to) => this.moved.push({ key, from, to }),
    })
    await this.#relay.start()
    this.#echo.input({ kind: 'attach' })
    this.#signalling.input({ kind: 'clockSet' })
    this.#undo.push(watchInterfaces(net.bind, known, changed => this.#interfacesChanged(changed)))
    this.#advertise()
    this.#undo.push(this.#help.keepAlive())
    this.#undo.push(
      doChores({
        ...{ clock: realClock, store: this.#store, help: this.#help },
        ...{ policies: this.#policies, notes: this.#notes },
        refreshCertificate: () => this.#refreshCertificate(),
        onClockSet: movedSeconds => {
          this.#log.info('clockSet', { movedSeconds })
          this.#signalling.input({ kind: 'clockSet' })
        },
      }),
    )
    this.#supervision = this.#supervise(this.#manager)
    this.#trace.makeUp()
    this.#log.info('ready', { page: this.#state.urls().page, version: this.#version })
  }

  /** For whoever wants to end it: a disk on which it cannot be written is no reason not to start. */
  #leavePid(path: string): void {
    try {
      writeFileSync(path, `${process.pid}\n`)
    } catch (error) {
      this.#log.warn('failed', { what: 'pid', error: String(error) })
    }
    this.#undo.push(() => removeIfPossible(path))
  }

  async #openWeb(): Promise<void> {
    const { http, data } = this.#config
    const app = createApp(this.#appDeps())
    const socket = join(data.dir, 'lanline.sock')
    rmSync(socket, { force: true })
    this.#web.local = await listenLocal(socket, nodeListener(app, 'unix'))
    this.#undo.push(() => removeIfPossible(socket))
    const moved = (key: string, from: number, to: number): void => void this.moved.push({ key, from, to })
    const common = {
      webSockets: this.#webSockets,
      allowLocal: (address: string) => this.#names.isBound(address),
      onRefused: (reason: string, remote: string) => this.#notes.note('web', reason, remote),
      onCertificateRefused: (alert: string, remote: string) => this.#help.certificateRefused(alert, remote),
    }
    this.#web.http = await openPort(
      http.port,
      port => listenHttp({ ...common, port, listener: nodeListener(app, 'http') }),
      moved,
    )
    const credentials = credentialsOf(this.#certificates.current())
    this.#web.https = await openPort(
      http.tlsPort,
      port => listenHttp({ ...common, port, credentials, listener: nodeListener(app, 'https') }),
      moved,
    )
    this.#names.certifiedChanged(this.#certificates.own()?.names ?? [])
    this.#certificates.onRenewed(pair => {
      this.#names.certifiedChanged(pair.named?.names ?? [])
      this.#web.https?.reload(credentialsOf(pair))
      this.#sipIo.reload(credentialsOf(pair))
      this.#relay.certificateRenewed(pair)
      this.#log.info('certificateRenewed')
    })
  }

  #appDeps(): AppDeps {
    const { directory, calls, settings } = this.#store
    const root = join(import.meta.dirname, '..')
    return {
      version: this.#version,
      clock: realClock,
      random: this.#random,
      log: this.#log.room('web'),
      directory,
      calls,
      settings,
      live: this.#now,
      relay: {
        state: () => this.#state.relayState(),
        ledgerOf: row => this.#relay.machine.ledgerOf(row),
        carriedBytes: () => this.#relay.machine.totals.bytes,
        grant: wish => this.#relay.grant(wish),
        close: call => this.#relay.input({ kind: 'closeManually', call }),
      },
      trace: this.#trace,
      help: this.#help,
      metrics: this.#metrics.registry,
      claim: this.#claim,
      policies: this.#policies,
      ports: () => this.#state.ports(),
      dataDirectory: this.#config.data.dir,
      backup: backupOf({
        ...{ dataDirectory: this.#config.data.dir, version: this.#version, schema: migrations.length },
        freeBytes: () => freeBytesIn(this.#config.data.dir),
      }),
      update: this.#updates,
      certificate: () => {
        const { names, addresses, notBefore, notAfter } = this.#certificates.facts()
        return { names: [...names, ...addresses], notBefore, notAfter }
      },
      ownCertificate: {
        facts: () => this.#certificates.own(),
        look: ({ certificate, key }) => this.#certificates.lookAtOwn(certificate, key, realClock.epoch()),
        use: ({ certificate, key }) => this.#certificates.useOwn(certificate, key, realClock.epoch()),
        drop: () => this.#certificates.dropOwn(),
      },
      logLines: () => this.#log.lines(),
      allowed: this.#allowed(),
      claimMinutes: this.#setupFile.claimMinutes ?? this.#config.enrol.claimMinutes,
      isAttached: peer => this.#names.isAttached(peer),
      network: () => this.#state.network(),
      pages: loadPages({ phone: join(root, 'web-phone/dist'), admin: join(root, 'web-admin/dist') }),
      authority: this.#certificates,
      health: () => this.#state.health(),
      look: (health, devices) =>
        lookAtOneself({
          ...{ dataDirectory: this.#config.data.dir, now: realClock.epoch(), health, devices },
          bridged: isBridged(this.#config),
          network: { ...this.#state.network(), joinUrl: undefined, seenAddress: '' },
          calls: this.#callLog.recent(recentCalls),
          certificate: this.#certificates.facts(),
          ownCertificate: this.#certificates.own(),
          caFingerprint: this.#certificates.fingerprint(),
          ownerReset: this.#store.settings.ownerReset(),
        }),
      httpsPort: () => this.#web.https?.port ?? 0,
      inviteOrigin: peer => this.#state.inviteOrigin(peer),
    }
  }

  #makeUpdates(places: Places): Updates {
    const { dir } = this.#config.data
    return new Updates({
      ...{ places, dataDirectory: dir, version: this.#version, schema: migrations.length },
      architecture: architectureOf(process.arch),
      programDirectory: join(import.meta.dirname, '..'),
      epoch: realClock.epoch,
      freeBytes: () => freeBytesIn(dir),
      mayGoBack: () => trialCopyIn(dir) !== undefined,
    })
  }

  #makeWebSockets(): WebSockets {
    const allowed = this.#allowed()
    return new WebSockets({
      routes: [
        this.#signallingIo.route,
        {
          path: '/sip',
          subprotocol: 'sip',
          pingMilliseconds: sipPingMilliseconds,
          onOpen: this.#sipIo.acceptWebSocket,
        },
      ],
      refuse: request =>
        refuseUpgrade(request, request.socket instanceof TLSSocket ? 'https' : 'http', allowed),
      onRefused: (reason, remote) => this.#notes.note('web', reason, remote),
      onFault: (error, during) => this.#notes.fault('web', error, during),
    })
  }

  #makeRelay({ calls, grants }: Loaded): RelayIo {
    const { turn, relay } = this.#config
    return new RelayIo({
      ...{ policy: this.#policies.relay, networks: relay.networks, remembered: grants, random: this.#random },
      callOf: id => {
        const row = calls.find(id)
        if (row === undefined) return undefined
        const { callerDevice, calleeDevice, answeredAt, endedAt, ledger } = row
        return { callerDevice, calleeDevice, answered: answeredAt != null, ended: endedAt != null, ledger }
      },
      ownAddresses: () => this.#names.addresses,
      accountOf: device => accountOf(this.#store.directory.device(device)),
      setup: () => ({
        realm: this.#store.settings.identity().realm,
        ...{ plain: turn.port, tls: turn.tlsPort, relayPorts: { min: turn.relayMin, max: turn.relayMax } },
        bytesPerSecond: (relay.maxKilobits * 1_000) / 8,
        addresses: this.#ownAddresses(),
        certificate: this.#certificates.current(),
      }),
      onMoved: (key, from, to) => this.moved.push({ key, from, to }),
      carryOut: effect => this.#effects.relay(effect),
      onTrouble: trouble => {
        // Its ports may be others.
        this.#advertiser?.changed()
        if (trouble === undefined) this.#log.info('relayBack')
        else this.#log.warn('relayLost', { trouble })
      },
      ...this.#notes.of('relay'),
    })
  }

  #makeTrace({ store, traced }: Loaded): TraceIo {
    return new TraceIo({
      store: store.traces,
      rowOf: call => store.calls.get(call),
      addresses: this.#ownAddresses(),
      open: traced,
      version: this.#version,
      appliance: store.settings.identity().realm,
      key: store.settings.traceKey(),
      relayPorts: () => {
        const { turn } = this.#config
        const now = this.#relay.ports?.plain ?? turn.port.fallback
        return { turn: now, first: turn.relayMin, last: turn.relayMax }
      },
      watch: this.#watchOptions(),
      ...this.#notes.of('trace'),
    })
  }

  #watchOptions(): TraceIoOptions['watch'] {
    const { trace, net, turn } = this.#config
    if (trace.capture === 'off') return undefined
    return {
      bind: net.bind,
      own: () => this.#names.addresses.filter(own => !own.loopback),
      relayPorts: { first: turn.relayMin, last: turn.relayMax },
      onTell: (what, detail) => {
        this.#metrics.note('trace', what)
        this.#log[what === 'captureLost' ? 'warn' : 'info'](what, { detail })
      },
    }
  }

  #makeHelp({ store, incidents, signs }: Loaded, restart: (() => void) | undefined): HelpDesk {
    return new HelpDesk({
      ...{ config: this.#config, store, kept: incidents, signs, restart },
      ...{ version: this.#version, moved: this.moved },
      liveDevice: id => this.#now.device(id),
      callFacts: row => this.#trace.facts(row),
      hostname: () => this.#names.hostname,
      addresses: () => this.#names.addresses,
      sipPort: () => this.#sipIo.ports.plain,
      relayPolicy: () => this.#policies.relay,
      certificate: () => this.#certificates.facts(),
      ownCertificate: () => this.#certificates.own(),
      discovery: () => this.#state.discovery(),
      parts: () => this.#state.health(),
      sections: async () => ({
        health: this.#state.health(),
        network: this.#state.network(),
        relay: this.#state.relayState(),
        metrics: await this.#metrics.registry.metrics(),
      }),
      logLines: () => this.#log.lines(),
      onFailure: error => this.#notes.note('store', 'saveIncidents', String(error)),
    })
  }

  #ownAddresses(): string[] {
    return this.#names.addresses.filter(own => !own.loopback).map(own => own.address)
  }

  #allowed(): Allowed {
    return { isOwnHost: host => this.#names.isOwnHost(host), origins: this.#config.http.origins }
  }

  // Wiring

  #drive<Input extends { readonly kind: string }, Effect extends { readonly kind: string }>(
    room: string,
    machine: Machine<Input, Effect>,
    carryOut: (effect: Effect) => void,
  ): Driver<Input, Effect> {
    return new Driver({ machine, clock: realClock, carryOut, onFault: this.#notes.of(room).onFault })
  }

  #watchStore(): void {
    const { directory, settings } = this.#store
    const policy = (): void => this.#relay.input({ kind: 'policy', policy: this.#policies.relay })
    this.#undo.push(settings.onSiteChanged(policy))
    this.#undo.push(directory.onChange(event => this.#effects.directoryChanged(event)))
  }

  #interfacesChanged({ addresses, links }: Interfaces): void {
    this.#names.addressesChanged(addresses)
    this.#log.info('addresses', { addresses: addresses.map(own => own.address).join(' ') })
    this.#notes.inBackground('addresses', this.#sipIo.addressesChanged(addresses))
    this.#relay.addressesChanged()
    this.#trace.input({ kind: 'addresses', addresses: this.#ownAddresses() })
    this.#refreshCertificate()
    this.#advertiser?.linksChanged(links)
  }

  #refreshCertificate(): void {
    this.#notes.inBackground(
      'certificates',
      this.#certificates.refresh(this.#names.subjects(), realClock.epoch()),
    )
  }

  // Discovery

  #makeAdvertiser(
    wish: Exclude<Config['mdns']['mode'], 'off'>,
    environment: DaemonOptions['environment'],
  ): Advertiser {
    return new Advertiser({
      wish,
      busSocketPath: busSocketPath(environment.DBUS_SYSTEM_BUS_ADDRESS),
      clock: realClock,
      random: this.#random,
      publication: () => this.#state.publication(),
      onEstablished: hostname => this.#hostnameIs(hostname),
      onInstanceRenamed: (from, to) => this.#log.info('instanceRenamed', { from, to }),
      onTrouble: trouble => {
        if (trouble !== undefined) this.#log.warn('discovery', { trouble })
      },
      ...this.#notes.of('mdns'),
    })
  }

  #advertise(): void {
    const advertiser = this.#advertiser
    if (advertiser === undefined) return
    const { directory, settings } = this.#store
    this.#undo.push(settings.onSiteChanged(() => advertiser.changed()))
    this.#undo.push(directory.onChange(() => advertiser.changed()))
    advertiser.start(readInterfaces(this.#config.net.bind).links)
  }

  /** The network has settled on a name: pages, certificate and the next start go by it. */
  #hostnameIs(hostname: string): void {
    const from = this.#names.hostname
    if (hostname === from) return
    const wanted = this.#store.settings.hostname()
    if (hostname.startsWith(`${wanted}-`)) this.#help.nameTaken(wanted)
    this.#names.hostnameChanged(hostname)
    this.#log.info('hostRenamed', { from, to: hostname, page: this.#state.urls().page })
    this.#notes.inBackground('hostname', this.#store.settings.changeSite({ hostname }))
    this.#refreshCertificate()
  }

  // Supervision

  /** Ready once every thread and listener answers; a sign of life as long as they do. */
  #supervise(manager: ServiceManager | undefined): Supervision {
    return new Supervision({
      manager,
      clock: realClock,
      parts: answering({
        ...{ clock: realClock, store: this.#store, relay: this.#relay, sipIo: this.#sipIo },
        ...{ httpPort: this.#web.http?.port ?? 0, httpsPort: this.#web.https?.port ?? 0 },
        ownAddresses: () => this.#ownAddresses(),
      }),
      status: () => this.#state.statusLine(),
      onSilent: parts => {
        this.#silent = parts ?? []
        if (parts === undefined) return this.#log.info('answering')
        this.#log.warn('silent', { parts: parts.join(' ') })
        if (parts.includes('relay')) this.#relay.giveUp()
      },
      onLost: parts => this.#partsLost.resolve(notAnswering(parts)),
      onFault: this.#notes.of('supervision').onFault,
    })
  }
}

/** On a disk that became read-only it stays; the rest of a stop goes on. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {}
}

/** A phone's SIP account is its TURN account: realm and HA1 are the same (RFC 8489 §9.2.2). */
function accountOf(device: DeviceRow | undefined): DormantAccount | undefined {
  if (device?.digestUser === undefined || device.ha1Md5 === undefined) return undefined
  const { id, digestUser: username, ha1Md5: ha1, ha1Sha256 } = device
  return { device: id, username, ha1, ha1Sha256 }
}
