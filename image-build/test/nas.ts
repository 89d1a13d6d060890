/** A Debian in namespaces of its own that runs Docker and Podman, as a NAS does: without systemd, on a network with one other host. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Host, until } from './machine.ts'

const begin = join(import.meta.dirname, 'nas-begin')
const cgroups = '/sys/fs/cgroup'
const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--cgroup']

export class Nas extends Host {
  readonly directory: string
  readonly #group = `lanline-nas-${process.pid}`
  readonly #unshare: ChildProcess

  /** Unpacks `archive` below `scratch`, in memory, where images are unpacked in no time, and starts it, with Docker. */
  static async boot(archive: string, scratch: string): Promise<Nas> {
    mkdirSync(scratch, { recursive: true })
    const directory = mkdtempSync(join(scratch, 'nas-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6g,mode=755', 'lanline-nas', directory])
    execFileSync('tar', ['-xf', archive, '-C', directory])
    const nas = new Nas(directory)
    try {
      await nas.#begin()
      return nas
    } catch (error) {
      await nas.end()
      throw error
    }
  }

  private constructor(directory: string) {
    super()
    this.directory = directory
    const log = openSync(`${directory}.log`, 'w')
    // The groups are made before their namespace, whose root they are.
    for (const group of this.#groups()) makeGroup(group)
    const join = this.#groups().map(group => `echo $$ >${group}/cgroup.procs`)
    const words = [...namespaces, '--fork', '--kill-child', 'sh', begin, directory]
    this.#unshare = spawn('sh', ['-c', `${join.join('; ')}; exec unshare ${words.join(' ')}`], {
      stdio: ['ignore', log, log],
    })
    closeSync(log)
  }

  /** Every process of it ends with its first. */
  async end(): Promise<void> {
    const gone = new Promise(resolve => this.#unshare.once('exit', resolve))
    if (this.leader > 0) process.kill(this.leader, 'SIGKILL')
    else this.#unshare.kill('SIGKILL')
    await gone
    this.unplug()
    await this.#removeGroups()
    execFileSync('umount', [this.directory])
    rmSync(this.directory, { recursive: true, force: true })
    rmSync(`${this.directory}.log`, { force: true })
  }

  /** Of each of the kernel's trees of groups the one that is this computer's root. */
  #groups(): string[] {
    const trees = existsSync(join(cgroups, 'cgroup.controllers'))
      ? [cgroups]
      : ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids'].map(name =>
          join(cgroups, name),
        )
    return trees.map(tree => join(tree, this.#group))
  }

  async #begin(): Promise<void> {
    const children = `/proc/${this.#unshare.pid}/task/${this.#unshare.pid}/children`
    await until('the NAS is up', 30, () => {
      this.leader = Number(readFileSync(children, 'utf8').split(' ')[0])
      return this.leader > 0 && this.sh('cat /proc/1/cmdline').includes('infinity')
    })
    // A NAS whose network card is part of a bridge, as it is where virtual machines can be had.
    this.plugIn('port0')
    this.sh(
      `ip link set lo up; ip link add eth0 type bridge; ip link set port0 master eth0 up; ip address add ${this.address}/24 dev eth0; ip link set eth0 up; ip route add default via 10.77.0.2`,
    )
    this.sh('mkdir -p /var/log; dockerd >/var/log/dockerd.log 2>&1 &')
    await until('Docker answers', 60, () => this.run(['docker', 'version']).code === 0).catch(error => {
      throw new Error(`${error.message}\n${this.sh('tail -n 20 /var/log/dockerd.log')}`)
    })
  }

  async #removeGroups(): Promise<void> {
    const remove = (group: string): void => {
      for (const entry of readdirSync(group, { withFileTypes: true }))
        if (entry.isDirectory()) remove(join(group, entry.name))
      rmdirSync(group)
    }
    for (const group of this.#groups()) {
      for (let tries = 0; existsSync(group) && tries < 50; tries++) {
        try {
          remove(group)
        } catch {
          // Its last process is still going.
          await wait(100)
        }
      }
    }
  }
}

function makeGroup(group: string): void {
  mkdirSync(group)
  // A group of cpuset takes nobody before it has processors and memory.
  for (const file of ['cpuset.cpus', 'cpuset.mems'].filter(name => existsSync(join(group, name))))
    writeFileSync(join(group, file), readFileSync(join(dirname(group), file)))
}
