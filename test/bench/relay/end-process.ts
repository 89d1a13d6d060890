/** An end of the load, from the benchmark's side. */
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import type { Host } from '../../net/lan.ts'
import type { Order, RunResult } from './message.ts'

export class End {
  readonly host: Host
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(host: Host, core: number) {
    this.host = host
    const program = path.join(import.meta.dirname, 'end.ts')
    this.#child = host.spawn('taskset', ['-c', String(core), process.execPath, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#reader = createInterface({ input: this.#child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** One at a time. */
  async endpoints(order: Exclude<Order, { do: 'run' }>): Promise<readonly Endpoint[]> {
    return (await this.#ask(order)) as readonly Endpoint[]
  }

  async run(order: Order & { do: 'run' }): Promise<RunResult> {
    return (await this.#ask(order)) as RunResult
  }

  stop(): void {
    this.#child.stdin!.end()
    this.#reader.close()
  }

  async #ask(order: Order): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
    const { done, value } = await this.#lines.next()
    if (done) throw new Error(`an end of the load stopped at "${order.do}"`)
    return JSON.parse(value)
  }
}
