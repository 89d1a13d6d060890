/** A Debian that runs under systemd-nspawn, on a network of its own with one other host. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface Done {
  readonly code: number
  readonly text: string
}

/** The namespaces of something that runs as a computer of its own, on a network with one other host. */
export abstract class Host {
  abstract readonly directory: string
  /** Of the computer. */
  readonly address = '10.77.0.1'
  readonly #neighbour = `lanline-beside-${process.pid}`
  /** A process that is in all of them. */
  protected leader = 0

  /** Runs a command of the computer; `input` is its stdin. */
  run(command: readonly string[], input = ''): Done {
    // Not the host's root directory's idea of a shell's environment.
    const env = {
      ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
      DEBIAN_FRONTEND: 'noninteractive',
    }
    const inside = ['-t', String(this.leader), '-a', '--', ...command]
    const { status, stdout, stderr } = spawnSync('nsenter', inside, {
      input,
      env,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    return { code: status ?? -1, text: `${stdout}${stderr}` }
  }

  sh(script: string): string {
    return this.run(['sh', '-c', script]).text.trim()
  }

  /** Starts a program of this computer in the other's network. */
  inNetwork(command: readonly string[]): ChildProcess {
    return spawn('nsenter', ['-t', String(this.leader), '-n', '--', ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }

  /** The same on the other host of that network. */
  beside(command: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.#neighbour, ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  /** A cable to the other host: its end here is called `name`, and has no address yet. */
  protected plugIn(name: string): void {
    const ip = (...words: string[]): void => void execFileSync('ip', words)
    const far = `v${process.pid}`
    ip('netns', 'add', this.#neighbour)
    ip('link', 'add', far, 'type', 'veth', 'peer', 'name', name, 'netns', String(this.leader))
    ip('link', 'set', far, 'netns', this.#neighbour)
    ip('-n', this.#neighbour, 'address', 'add', '10.77.0.2/24', 'dev', far)
    ip('-n', this.#neighbour, 'link', 'set', far, 'up')
  }

  protected unplug(): void {
    spawnSync('ip', ['netns', 'del', this.#neighbour])
  }
}

export class Machine extends Host {
  readonly directory: string
  readonly #nspawn: ChildProcess

  /** Unpacks `archive` below `scratch` and boots it. */
  static async boot(archive: string, scratch: string): Promise<Machine> {
    mkdirSync(scratch, { recursive: true })
    const directory = mkdtempSync(join(scratch, 'machine-'))
    execFileSync('tar', ['-xf', archive, '-C', directory])
    const machine = new Machine(directory)
    try {
      await machine.#begin()
      return machine
    } catch (error) {
      await machine.end()
      throw error
    }
  }

  private constructor(directory: string) {
    super()
    this.directory = directory
    const log = openSync(`${directory}.log`, 'w')
    const options = ['--boot', '--private-network', '--register=no', '--keep-unit', '--console=pipe']
    this.#nspawn = spawn('systemd-nspawn', ['-D', directory, ...options], { stdio: ['ignore', log, log] })
  }

  /** A property of the service, as `systemctl show` has it. */
  show(property: string): string {
    return this.sh(`systemctl show lanline.service --value -p ${property}`)
  }

  async end(): Promise<void> {
    const gone = new Promise(resolve => this.#nspawn.once('exit', resolve))
    this.run(['systemctl', 'poweroff'])
    const late = setTimeout(() => this.#nspawn.kill('SIGKILL'), 15_000)
    await gone
    clearTimeout(late)
    this.unplug()
    rmSync(this.directory, { recursive: true, force: true })
    rmSync(`${this.directory}.log`, { force: true })
  }

  async #begin(): Promise<void> {
    const children = `/proc/${this.#nspawn.pid}/task/${this.#nspawn.pid}/children`
    // Its first child only makes room for the machine; the machine is what is there after it.
    await until('the machine is up', 120, () => {
      this.leader = Number(readFileSync(children, 'utf8').split(' ')[0])
      return this.leader > 0 && /^(running|degraded)$/.test(this.sh('systemctl is-system-running'))
    })
    this.plugIn('host0')
    this.sh(`ip link set lo up; ip address add ${this.address}/24 dev host0; ip link set host0 up`)
  }
}

/** Asks again and again; throws with `what` when it has not become true after so many seconds. */
export async function until(what: string, seconds: number, ask: () => boolean): Promise<number> {
  const begin = performance.now()
  for (;;) {
    let is = false
    try {
      is = ask()
    } catch {}
    const tookSeconds = (performance.now() - begin) / 1_000
    if (is) return tookSeconds
    if (tookSeconds > seconds) throw new Error(`not within ${seconds} s: ${what}`)
    await wait(100)
  }
}
