/** The example program as its own process on a host of the LAN, and what it says, line by line. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Host } from './lan.ts'
import { until } from './wait.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Said {
  readonly what: string
  readonly [more: string]: unknown
}

export class Example {
  readonly said: Said[] = []
  readonly #child: ChildProcess
  #errors = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    let rest = ''
    child.stdout?.on('data', chunk => {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.said.push(JSON.parse(line) as Said)
    })
    child.stderr?.on('data', chunk => {
      this.#errors += String(chunk)
    })
  }

  /** Its credential is kept under the LAN's directory, a file for each host. */
  static start(host: Host, ...args: readonly string[]): Example {
    const state = join(host.lan.directory, `example-${host.name}.json`)
    const program = join(root, 'examples/node/phone.ts')
    const node = join(root, 'node_modules/.bin/node')
    const child = host.spawn(node, [program, ...args, '--state', state], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new Example(child)
  }

  says(what: string, fits: (said: Said) => boolean = () => true, seconds = 15): Promise<Said> {
    const look = () => this.said.find(said => said.what === what && fits(said))
    return until(`the example says ${what}`, look, { seconds }).catch(error => {
      throw new Error(`${String(error)}\n${JSON.stringify(this.said)}\n${this.#errors}`)
    })
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}
