/**
 * The machine's system bus (D-Bus), as far as one asks programs on it: method calls and their answers, signals that one
 * subscribed to. It is connected to anew for as long as it is wanted. The library is loaded only then: most machines
 * need no bus.
 */
import { connect } from 'node:net'
import type { DBusConnection, Message } from 'dbus-native'

export interface BusCall {
  /** The name of the program called. */
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  /** In D-Bus's own letters; one value of `body` for each complete type. */
  readonly signature?: string
  readonly body?: readonly unknown[]
}

export type BusAnswer =
  | { readonly kind: 'done'; readonly body: readonly unknown[] }
  /** `name` as the program gave it, such as `org.freedesktop.DBus.Error.ServiceUnknown`; `detail` is for people. */
  | { readonly kind: 'refused'; readonly name: string; readonly detail: string }

export interface BusSignal {
  readonly sender: string
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly body: readonly unknown[]
}

export interface SystemBusOptions {
  readonly socketPath: string
  /** D-Bus match rules for the signals wanted. */
  readonly matches: readonly string[]
  readonly onUp: () => void
  /** Not there, refused, or lost; it is tried again by itself. Told once for each reason. */
  readonly onDown: (why: string) => void
  readonly onSignal: (signal: BusSignal) => void
  readonly onFault: (error: unknown, during: string) => void
}

/** Where D-Bus says the system bus is, unless the environment says otherwise. */
const usualSocketPath = '/run/dbus/system_bus_socket'

/** The first address of `DBUS_SYSTEM_BUS_ADDRESS` that is a socket of this machine. */
export function busSocketPath(address: string | undefined): string {
  const found = /(?:^|;)unix:(?:[^;]*,)?(path|abstract)=([^,;]+)/.exec(address ?? '')
  if (found === null) return usualSocketPath
  const path = unescaped(found[2]!)
  return found[1] === 'abstract' ? `\0${path}` : path
}

const bounds = {
  /** Calls without their answer; more are refused at once. */
  callsUnderWay: 4_096,
  answerMilliseconds: 30_000,
  connectMilliseconds: 5_000,
  retryMilliseconds: 2_000,
  closeMilliseconds: 1_000,
  /** Far above what is ever asked for here. */
  messageBytes: 1_048_576,
} as const

const bus = { name: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' } as const
const call = 1
const methodReturn = 2
const error = 3
const signal = 4
const noReplyExpected = 1

interface Waiting {
  readonly done: (answer: BusAnswer) => void
  readonly timer: NodeJS.Timeout
}

export class SystemBus {
  readonly #options: SystemBusOptions
  readonly #waiting = new Map<number, Waiting>()
  #connection: DBusConnection | undefined
  #up = false
  #serial = 0
  #retry: NodeJS.Timeout | undefined
  #told: string | undefined
  #closed = false

  constructor(options: SystemBusOptions) {
    this.#options = options
    void this.#connect()
  }

  /** `done` is called once, never at once. Whom nobody answers in time has lost the bus, and is refused. */
  call(what: BusCall, done: (answer: BusAnswer) => void): void {
    if (!this.#up) return refuse(done, 'NotConnected', 'the system bus is not there')
    this.#send(what, done)
  }

  /** A call whose answer nobody waits for. */
  tell(what: BusCall): void {
    if (this.#up) this.#write(what, ++this.#serial, noReplyExpected)
  }

  /** What was called before still goes out. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    const connection = this.#connection
    connection?.end()
    // A bus that hangs is not to keep the process.
    setTimeout(() => connection?.stream.destroy(), bounds.closeMilliseconds).unref()
    this.#forget('the connection was closed')
  }

  async #connect(): Promise<void> {
    try {
      const { createConnection } = await import('dbus-native')
      if (this.#closed) return
      const stream = connect(this.#options.socketPath)
      const late = setTimeout(
        () => stream.destroy(new Error('no answer in time')),
        bounds.connectMilliseconds,
      )
      const connection = createConnection({
        ...{ stream, authMethods: ['EXTERNAL'], maxMessageSize: bounds.messageBytes },
      } as Parameters<typeof createConnection>[0])
      this.#connection = connection
      let why: string | undefined
      let greeted = false
      connection.on('error', failure => {
        why ??= failure.message
        // A refused handshake leaves the stream open.
        stream.destroy()
      })
      connection.on('close', () => {
        clearTimeout(late)
        // dbus-daemon(1) takes everybody's word of who they are, and then closes on whom the machine has no groups of.
        const unknown = greeted && !this.#up && (why === undefined || /EPIPE|ECONNRESET/.test(why))
        const turned = `it turns away user ${process.geteuid!()}, whom this machine may not know`
        this.#lost(connection, unknown ? turned : (why ?? 'it closed the connection'))
      })
      connection.on('handlerError', failure => this.#options.onFault(failure, 'bus message'))
      connection.on('message', message => this.#heard(message))
      connection.on('connect', () => {
        greeted = true
        this.#greet(() => clearTimeout(late))
      })
    } catch (failure) {
      this.#down(failure instanceof Error ? failure.message : String(failure))
    }
  }

  /** D-Bus specification, "Message Bus Messages": nothing is routed before Hello. */
  #greet(done: () => void): void {
    const give = (why: string): void => void this.#connection?.stream.destroy(new Error(why))
    this.#send(busCall('Hello'), answer => {
      if (answer.kind === 'refused') return give(answer.detail)
      let missing = this.#options.matches.length
      for (const match of this.#options.matches) {
        this.#send(busCall('AddMatch', 's', [match]), added => {
          if (added.kind === 'refused') return give(added.detail)
          missing--
          if (missing > 0) return
          done()
          this.#up = true
          this.#told = undefined
          this.#options.onUp()
        })
      }
    })
  }

  #send(what: BusCall, done: (answer: BusAnswer) => void): void {
    if (this.#connection === undefined || this.#closed)
      return refuse(done, 'NotConnected', 'the system bus is not there')
    if (this.#waiting.size >= bounds.callsUnderWay) return refuse(done, 'Busy', 'too many calls under way')
    const serial = ++this.#serial
    // Whoever answers late answers in a state that nobody knows: all that is theirs goes with the connection.
    const timer = setTimeout(
      () => this.#connection?.stream.destroy(new Error(`no answer to ${what.member}`)),
      bounds.answerMilliseconds,
    )
    this.#waiting.set(serial, { done, timer })
    const failure = this.#write(what, serial, 0)
    if (failure === undefined) return
    clearTimeout(timer)
    this.#waiting.delete(serial)
    refuse(done, 'NotWritten', failure)
  }

  /** Why it cannot be written in D-Bus's types; undefined when it is on its way. */
  #write(what: BusCall, serial: number, flags: number): string | undefined {
    try {
      this.#connection?.message({ type: call, serial, flags, ...what, body: [...(what.body ?? [])] })
      return undefined
    } catch (failure) {
      return String(failure)
    }
  }

  #heard(message: Message): void {
    const body: readonly unknown[] = Array.isArray(message.body) ? message.body : []
    if (message.type === signal) {
      const { sender = '', path = '', member = '' } = message
      return this.#options.onSignal({ sender, path, interface: message.interface ?? '', member, body })
    }
    if (message.type !== methodReturn && message.type !== error) return
    const waiting = this.#waiting.get(message.replySerial ?? 0)
    if (waiting === undefined) return
    this.#waiting.delete(message.replySerial!)
    clearTimeout(waiting.timer)
    if (message.type === methodReturn) return waiting.done({ kind: 'done', body })
    const detail = typeof body[0] === 'string' ? body[0] : ''
    waiting.done({ kind: 'refused', name: message.errorName ?? '', detail })
  }

  #lost(connection: DBusConnection, why: string): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#forget(why)
    this.#down(why)
  }

  #forget(why: string): void {
    this.#up = false
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { done, timer } of all) {
      clearTimeout(timer)
      refuse(done, 'Disconnected', why)
    }
  }

  #down(why: string): void {
    if (this.#closed) return
    this.#retry = setTimeout(() => void this.#connect(), bounds.retryMilliseconds)
    if (this.#told === why) return
    this.#told = why
    this.#options.onDown(why)
  }
}

/** D-Bus specification, "Server Addresses": all but plain letters are written as `%` and two digits. */
const unescaped = (value: string): string =>
  value.replace(/%([0-9a-fA-F]{2})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

const busCall = (member: string, signature?: string, body?: readonly unknown[]): BusCall => ({
  ...{ destination: bus.name, path: bus.path, interface: bus.name, member },
  ...(signature !== undefined && body !== undefined && { signature, body }),
})

function refuse(done: (answer: BusAnswer) => void, name: string, detail: string): void {
  queueMicrotask(() => done({ kind: 'refused', name, detail }))
}
