/**
 * The rim of capturing: the machine that says when, the thread that does it, and which interfaces there are. Nothing of a
 * call waits for it, and whatever goes wrong in here costs the capture alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Epoch, minutes } from '../core/clock.ts'
import { realClock } from '../runtime/clock.ts'
import { Driver } from '../runtime/driver.ts'
import { isContainerBridge } from '../runtime/interfaces.ts'
import { endOnceStuck } from '../runtime/threads.ts'
import type { CaptureFacts } from './message.ts'
import type { CallIdentity } from './packets/figures.ts'
import { Watch, type WatchEffect, type WatchInput, type WatchWord } from './watch.ts'
import type { CaptureWish, FromCapture, ToCapture } from './watch-message.ts'

export interface WatchIoOptions {
  /** `net.bind`: interfaces, or addresses of them. */
  readonly bind: readonly string[]
  /** Asked for at each start. */
  readonly own: () => readonly { readonly interface: string; readonly address: string }[]
  readonly relayPorts: { readonly first: number; readonly last: number }
  /** All that is known of a call by now. */
  readonly identityOf: (
    call: string,
  ) => Promise<{ readonly identity: CallIdentity; readonly startedAt: Epoch } | undefined>
  readonly onFacts: (call: string, facts: CaptureFacts) => void
  /** For the owner: that it captures, or why not. */
  readonly onTell: (what: WatchWord, detail: string) => void
  readonly onFault: (error: unknown, during: string) => void
}

/** Where Linux describes its interfaces. */
const sysClassNet = '/sys/class/net'
const interfacesAtMost = 8
const stopMilliseconds = 1_000
/** A thread takes up to a second to begin, in which a call may be answered, and memory that a small machine wants back. */
const idleMilliseconds = minutes(10)
const heapMegabytes = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 }

export class WatchIo {
  readonly #options: WatchIoOptions
  readonly #driver: Driver<WatchInput, WatchEffect>
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(options: WatchIoOptions) {
    this.#options = options
    this.#driver = new Driver({
      machine: new Watch(),
      clock: realClock,
      carryOut: effect => this.#carryOut(effect),
      onFault: options.onFault,
    })
  }

  readonly input = (input: WatchInput): void => this.#driver.input(input)

  async close(): Promise<void> {
    this.#driver.stop()
    await this.#endWorker()
  }

  #carryOut(effect: WatchEffect): void {
    switch (effect.kind) {
      case 'start':
        return this.#order({ kind: 'start', wish: this.#wish() })
      case 'stop':
        this.#order(effect)
        this.#idle = setTimeout(() => void this.#endWorker(), idleMilliseconds).unref()
        return
      case 'conclude':
        this.#conclude(effect.call).catch(error => this.#options.onFault(error, 'conclude'))
        return
      case 'tell':
        return this.#options.onTell(effect.what, effect.detail)
      case 'know':
      case 'forget':
        return this.#order(effect)
    }
  }

  async #conclude(call: string): Promise<void> {
    const known = await this.#options.identityOf(call)
    this.#order(known === undefined ? { kind: 'forget', call } : { kind: 'conclude', call, ...known })
  }

  #wish(): CaptureWish {
    const { bind, own, relayPorts } = this.#options
    const addresses = own()
    return {
      interfaces: capturable(bind, addresses),
      relay: {
        addresses: addresses.map(({ address }) => address).slice(0, 16),
        firstPort: relayPorts.first,
        lastPort: relayPorts.last,
      },
    }
  }

  #order(order: ToCapture): void {
    if (order.kind === 'start') {
      clearTimeout(this.#idle)
      this.#worker ??= this.#makeWorker()
    }
    this.#worker?.postMessage(order)
  }

  #makeWorker(): Worker {
    const worker = new Worker(new URL('./watch-worker.ts', import.meta.url), {
      name: 'lanline watch',
      resourceLimits: heapMegabytes,
    })
    worker.unref()
    worker.on('message', (message: FromCapture) => {
      if (message.kind === 'facts') this.#options.onFacts(message.call, message.facts)
      else this.input(message)
    })
    const lost = (why: string): void => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.input({ kind: 'lost', why })
    }
    worker.on('error', error => lost(`the thread that captures failed: ${String(error)}`))
    worker.on('exit', () => lost('the thread that captures ended'))
    endOnceStuck(worker, why => this.#options.onFault(why, 'the thread that captures'))
    return worker
  }

  async #endWorker(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    if (worker === undefined) return
    const ended = new Promise(resolve => worker.once('exit', resolve))
    worker.postMessage({ kind: 'end' } satisfies ToCapture)
    const patience = setTimeout(() => void worker.terminate(), stopMilliseconds)
    await ended
    clearTimeout(patience)
  }
}

/**
 * Interfaces with frames of Ethernet, wireless ones too: those that are up, no port of a bridge or bond (all of it is
 * seen there), none that containers bring; without an address as well, which is how one listens at a mirror port.
 */
function capturable(
  bind: readonly string[],
  own: readonly { readonly interface: string; readonly address: string }[],
): string[] {
  const bound = new Set(
    own
      .filter(({ interface: name, address }) => bind.includes(name) || bind.includes(address))
      .map(one => one.interface),
  )
  if (!existsSync(sysClassNet)) return [...new Set(own.map(one => one.interface))].slice(0, interfacesAtMost)
  const read = (name: string, what: string): string => {
    try {
      return readFileSync(`${sysClassNet}/${name}/${what}`, 'utf8').trim()
    } catch {
      return ''
    }
  }
  const [ethernet, loopback] = ['1', 0x8]
  return readdirSync(sysClassNet)
    .filter(name => (bind.length > 0 ? bound.has(name) || bind.includes(name) : !isContainerBridge(name)))
    .filter(name => read(name, 'type') === ethernet && (Number(read(name, 'flags')) & loopback) === 0)
    .filter(name => ['up', 'unknown'].includes(read(name, 'operstate')))
    .filter(name => !existsSync(`${sysClassNet}/${name}/master`))
    .slice(0, interfacesAtMost)
}
