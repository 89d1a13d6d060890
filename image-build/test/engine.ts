/** Docker or Podman on a NAS, by its command line, as docs/install.md says to use it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Done } from './machine.ts'
import { until } from './machine.ts'
import type { Nas } from './nas.ts'

export type EngineName = 'docker' | 'podman'

export interface StartOptions {
  readonly version: string
  /** A volume, or a folder of the NAS. */
  readonly data?: string
  /** Undefined: that of the NAS. */
  readonly network?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly more?: readonly string[]
}

const guide = readFileSync(join(import.meta.dirname, '../../docs/install.md'), 'utf8')
const documentedRun = /^ {4}(docker run -d .* lanline:[0-9.]+)$/m.exec(guide)![1]!
const documentedCompose = /^```yaml\n([\s\S]*?)^```$/m.exec(guide)![1]!
const folder = '/volume1/docker/lanline'

export class Engine {
  readonly name: EngineName
  readonly #nas: Nas

  constructor(nas: Nas, name: EngineName) {
    this.#nas = nas
    this.name = name
  }

  try(words: readonly string[], input = ''): Done {
    return this.#nas.run(['env', 'PODMAN_IGNORE_CGROUPSV1_WARNING=1', this.name, ...words], input)
  }

  /** Its output; throws with the end of it where it fails. */
  must(words: readonly string[], input = ''): string {
    const { code, text } = this.try(words, input)
    if (code === 0) return text.trim()
    throw new Error(`${this.name} ${words[0]} ended with ${code}: ${lastOf(text)}`)
  }

  /** A command of lanline in the container. */
  lanline(words: readonly string[], input = ''): string {
    return this.must(['exec', '-i', 'lanline', 'lanline', ...words], input)
  }

  /** By the documented line; one that was is removed. */
  start(options: StartOptions): void {
    this.remove()
    const { version, data = 'lanline', network = 'host', environment = {}, more = [] } = options
    const [, , ...documented] = documentedRun.split(' ').slice(0, -1)
    const words = documented.map((word, index) =>
      documented[index - 1] === '--network'
        ? network
        : documented[index - 1] === '-v'
          ? word.replace(/^[^:]+/, data)
          : // What ends is looked at, not started anew.
            documented[index - 1] === '--restart'
            ? 'no'
            : word,
    )
    const variables = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    this.must(['run', ...words, ...variables, ...more, `lanline:${version}`])
  }

  /** By the documented file, with Compose 2, which makes anew what changed. */
  compose(version: string): void {
    const text = documentedCompose.replace(/lanline:[0-9.]+/, `lanline:${version}`)
    this.#nas.run(['mkdir', '-p', folder])
    this.#nas.run(['tee', `${folder}/compose.yml`], text)
    this.must(['compose', '-f', `${folder}/compose.yml`, 'up', '-d'])
  }

  remove(): void {
    this.try(['rm', '-f', 'lanline'])
  }

  /** Resolves once `lanline health` inside ends with 0, with how long it took. */
  untilWell(seconds = 60): Promise<number> {
    return until(
      'lanline is well',
      seconds,
      () => this.try(['exec', 'lanline', 'lanline', 'health']).code === 0,
    ).catch(error => {
      throw new Error(`${error.message}: ${lastOf(this.log())}`)
    })
  }

  /** Resolves with its exit code once it has ended. */
  async untilEnded(seconds = 30): Promise<number> {
    await until('it ends', seconds, () => this.state('Status') === 'exited')
    return Number(this.state('ExitCode'))
  }

  state(field: string): string {
    return this.must(['inspect', '-f', `{{.State.${field}}}`, 'lanline'])
  }

  log(): string {
    return this.try(['logs', 'lanline']).text
  }
}

export const lastOf = (text: string): string => text.trim().split('\n').slice(-3).join(' / ')
