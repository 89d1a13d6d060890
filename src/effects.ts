/**
 * What becomes of each machine's effects: to its sockets, the store, the trace, Help and the advertiser, then to the
 * other machines as `exchange.ts` says. A part of the composition root.
 */
import type { Now } from './admin/now.ts'
import type { CallEffect, CallInput } from './calls/message.ts'
import type { EchoIo } from './echo/io.ts'
import { type EchoEffect, type EchoInput, echoDevice } from './echo/message.ts'
import {
  type ExchangeInputs,
  passCallEffect,
  passRelayEffect,
  passSignallingEffect,
  passSipEffect,
} from './exchange.ts'
import type { HelpDesk } from './helpdesk.ts'
import type { Advertiser } from './mdns/advertiser-io.ts'
import type { Notes } from './notes.ts'
import type { OutsideEffect, RelayIo } from './relay/io.ts'
import type { Driver } from './runtime/driver.ts'
import type { SignallingIo } from './signalling/io.ts'
import type { SignallingEffect, SignallingInput } from './signalling/message.ts'
import type { SipIo } from './sip/io.ts'
import type { SipEffect, SipInput } from './sip/message.ts'
import type { DirectoryEvent } from './store/directory/message.ts'
import type { Store } from './store/store.ts'
import type { TraceIo } from './trace/io.ts'

export interface EffectParts {
  readonly sip: Driver<SipInput, SipEffect>
  readonly signalling: Driver<SignallingInput, SignallingEffect>
  readonly calls: Driver<CallInput, CallEffect>
  readonly echo: Driver<EchoInput, EchoEffect>
  /** The inputs of the exchange's machines. */
  readonly inputs: ExchangeInputs
  readonly sipIo: SipIo
  readonly signallingIo: SignallingIo
  readonly echoIo: EchoIo
  readonly relay: RelayIo
  readonly trace: TraceIo
  readonly help: HelpDesk
  readonly advertiser: Advertiser | undefined
  readonly now: Now
  readonly store: Store
  readonly notes: Notes
}

export class Effects {
  readonly #parts: EffectParts

  constructor(parts: EffectParts) {
    this.#parts = parts
  }

  sip(effect: SipEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#parts.trace.sip('out', effect.flow, effect.bytes)
        return this.#parts.sipIo.carryOut(effect)
      case 'connect':
      case 'close':
        return this.#parts.sipIo.carryOut(effect)
      case 'saveBindings':
        return this.#saveBindings(effect)
      case 'note':
        this.#parts.help.noted(effect)
        return this.#parts.notes.note('sip', effect.reason, effect.detail, effect.flow?.remote.address)
      case 'reachable':
        this.#keepLive(effect)
        this.#parts.advertiser?.changed()
        break
      case 'agentEvent':
        if (effect.device === echoDevice)
          return this.#parts.echo.input({ kind: 'agentEvent', event: effect.event })
        break
      case 'call':
        this.#parts.trace.input(effect)
    }
    passSipEffect(effect, this.#parts.inputs)
  }

  signalling(effect: SignallingEffect): void {
    const { directory } = this.#parts.store
    switch (effect.kind) {
      case 'sendFrame':
        this.#parts.trace.input({ ...effect, kind: 'frame', direction: 'out' })
        return this.#parts.signallingIo.carryOut(effect)
      case 'closeConnection':
        return this.#parts.signallingIo.carryOut(effect)
      case 'reported':
        return this.#parts.trace.input({ ...effect, kind: 'report' })
      case 'saveDoNotDisturb':
        return this.#parts.notes.inBackground(
          'saveDoNotDisturb',
          directory.changeUser(effect.user, { doNotDisturb: effect.on }),
        )
      case 'saveQuietHours':
        return this.#parts.notes.inBackground(
          'saveQuietHours',
          directory.changeUser(effect.user, { quietHours: effect.hours }),
        )
      case 'quietTurned':
        this.#parts.now.turned(effect.users)
        return this.#parts.advertiser?.changed()
      case 'deviceSeen':
        return directory.seen(effect.device)
      case 'mediaProblem':
        return this.#parts.help.mediaProblem(effect)
      case 'answerRequest': {
        const { id, allow, staySeconds } = effect
        const answered = allow ? directory.allowRequest(id, { staySeconds }) : directory.denyRequest(id)
        return this.#parts.notes.inBackground('answerRequest', answered)
      }
      case 'note':
        return this.#parts.notes.note('signalling', effect.reason, effect.detail)
    }
    passSignallingEffect(effect, this.#parts.inputs)
  }

  echo(effect: EchoEffect): void {
    switch (effect.kind) {
      case 'agent':
        return this.#parts.sip.input({ kind: 'agent', device: echoDevice, command: effect.command })
      case 'toWorker':
        return this.#parts.echoIo.carryOut(effect.message)
      case 'note':
        return this.#parts.notes.note('echo', effect.reason, effect.detail)
    }
  }

  relay(effect: OutsideEffect): void {
    const { grants } = this.#parts.store
    switch (effect.kind) {
      case 'remember':
        this.#parts.trace.input({ kind: 'grant', call: effect.call, reason: effect.reason })
        return this.#parts.notes.inBackground('rememberGrant', grants.remember(effect.call, effect.reason))
      case 'forget':
        this.#parts.trace.input({ kind: 'grant', call: effect.call, reason: undefined })
        return this.#parts.notes.inBackground('forgetGrant', grants.forget(effect.call))
      case 'note':
        return this.#parts.notes.note('relay', effect.reason, effect.detail)
      case 'ledger':
        this.#parts.trace.input(effect)
    }
    passRelayEffect(effect, this.#parts.inputs)
  }

  calls(effect: CallEffect): void {
    if (effect.kind === 'changed') {
      this.#parts.advertiser?.changed()
      this.#parts.trace.input({ kind: 'row', row: effect.row })
      this.#parts.now.called(effect.row)
    }
    if (effect.kind === 'save')
      this.#parts.notes.inBackground('saveCall', this.#parts.store.calls.save(effect.row, effect.dialog))
    passCallEffect(effect, this.#parts.inputs)
  }

  /** A right that is gone is gone everywhere at once. */
  directoryChanged(event: DirectoryEvent): void {
    const { calls, help, relay, signalling, sip } = this.#parts
    if (event.kind === 'people') signalling.input({ kind: 'peopleChanged' })
    if (event.kind === 'requests') signalling.input({ kind: 'requestsChanged' })
    if (event.kind === 'password') relay.accountChanged(event.device)
    if (event.kind !== 'revoked' && event.kind !== 'disabled') return
    help.revoked(event.device)
    // Its calls first: the other ends hang up while it can still be told.
    calls.input({ kind: 'revoked', device: event.device })
    signalling.input({ kind: event.kind, device: event.device })
    const isGuestOver = event.kind === 'revoked' && event.isGuestOver === true
    sip.input({ kind: 'revoked', device: event.device, isGuestOver })
    relay.input({ kind: 'revoked', device: event.device })
  }

  #saveBindings(effect: Extract<SipEffect, { kind: 'saveBindings' }>): void {
    const { ticket } = effect
    this.#parts.store.bindings.save(effect.put, effect.remove).then(
      () => {
        if (ticket !== undefined) this.#parts.sip.input({ kind: 'saved', ticket })
      },
      error => {
        this.#parts.notes.note('store', 'saveBindings', String(error))
        this.#parts.help.notWritten(error)
        if (ticket !== undefined) this.#parts.sip.input({ kind: 'saveFailed', ticket })
      },
    )
  }

  #keepLive(effect: Extract<SipEffect, { kind: 'reachable' }>): void {
    const { device, reachable, transport, remote, local, userAgent } = effect
    this.#parts.now.reached(device, reachable ? { transport, userAgent, address: remote.address } : undefined)
    const flow = { remote: remote.address, local: local.address, client: transport === 'hosted' }
    this.#parts.relay.reached(device, reachable ? flow : undefined)
    this.#parts.help.reachable(effect)
    if (reachable) this.#parts.trace.input({ kind: 'reached', device, address: remote.address })
    this.#parts.store.directory.seen(device)
  }
}
