/**
 * The program on a card of its own without a machine around it: QEMU's block layer offers the logged disk as a file (FUSE),
 * its data partition is mounted here, and the daemon of these sources runs on it. Where machines are slow the household is
 * twenty times as busy this way.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../../test/interop/free-ports.ts'
import type { Doors } from './household.ts'

const root = join(import.meta.dirname, '../..')
/** lanline's user on a card, whose its files must be: `image-build/rootfs/usr/lib/sysusers.d/lanline.conf`. */
const lanlineUser = 700
/** Words of setpriv for that user, who besides reads these sources wherever they lie. */
const asLanline = [
  ...['--reuid', `${lanlineUser}`, '--regid', `${lanlineUser}`, '--clear-groups'],
  ...['--inh-caps', '+dac_read_search', '--ambient-caps', '+dac_read_search'],
]
/** As `initramfs/init` mounts it, but that an error must not stop this computer. */
const mountOptions = 'noatime,nodev,nosuid,noexec,errors=remount-ro'

export class Here {
  readonly doors: Doors
  readonly #storage: ChildProcess
  readonly #mountPoint: string
  readonly #device: string
  readonly #daemon: ChildProcess

  private constructor(
    doors: Doors,
    storage: ChildProcess,
    mountPoint: string,
    device: string,
    daemon: ChildProcess,
  ) {
    this.doors = doors
    this.#storage = storage
    this.#mountPoint = mountPoint
    this.#device = device
    this.#daemon = daemon
  }

  /** `blockdev`: QEMU's words for the disk, whose node is `card`; `dataBegins` in bytes. */
  static async start(
    directory: string,
    blockdev: readonly string[],
    dataBegins: number,
    diskBytes: number,
  ): Promise<Here> {
    const card = join(directory, 'card')
    mkdirSync(directory, { recursive: true })
    // Where that user may go.
    const mountPoint = mkdtempSync(join(tmpdir(), 'lanline-card-'))
    chmodSync(mountPoint, 0o755)
    writeFileSync(card, '')
    const words = blockdev.map(word => (word === '-blockdev' ? '--blockdev' : word))
    const shown = `type=fuse,id=card,node-name=card,mountpoint=${card},writable=on`
    const storage = spawn('qemu-storage-daemon', [...words, '--export', shown], { stdio: 'inherit' })
    for (let tries = 0; sizeOf(card) !== diskBytes; tries++) {
      if (tries > 100 || storage.exitCode !== null) throw new Error('QEMU does not offer the disk')
      await pause(100)
    }
    const device = execFileSync('losetup', ['--find', '--show', '--offset', String(dataBegins), card], {
      encoding: 'utf8',
    }).trim()
    execFileSync('mount', ['-t', 'ext4', '-o', mountOptions, device, mountPoint])
    const [https, http, sip, sips] = (await freePorts(4)) as [number, number, number, number]
    const data = join(mountPoint, 'lanline')
    mkdirSync(data, { recursive: true })
    chownSync(data, lanlineUser, lanlineUser)
    const serve = [process.execPath, join(root, 'src/main.ts'), 'serve']
    const daemon = spawn('setpriv', [...asLanline, ...serve], {
      cwd: directory,
      stdio: 'ignore',
      env: {
        ...process.env,
        LANLINE_DATA_DIR: data,
        LANLINE_HTTP_PORT: String(http),
        LANLINE_HTTP_TLS_PORT: String(https),
        LANLINE_SIP_PORT: String(sip),
        LANLINE_SIP_TLS_PORT: String(sips),
      },
    })
    return new Here({ https, sipUdp: sip, sipTcp: sip }, storage, mountPoint, device, daemon)
  }

  /** Everything that it asked to be written is in the log; nothing follows. */
  async stop(): Promise<void> {
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      this.#daemon.kill('SIGKILL')
      await once(this.#daemon, 'exit')
    }
    execFileSync('umount', [this.#mountPoint])
    rmdirSync(this.#mountPoint)
    execFileSync('losetup', ['--detach', this.#device])
    // Lazily detached: the last flush must have come before the end.
    await pause(500)
    this.#storage.kill('SIGTERM')
    await once(this.#storage, 'exit')
  }
}

/** A file of FUSE says its size only when it is opened. */
function sizeOf(path: string): number {
  try {
    const file = openSync(path, 'r')
    const byte = Buffer.alloc(1)
    const begins = readSync(file, byte, 0, 1, 0)
    closeSync(file)
    return begins === 0 ? 0 : Number(execFileSync('stat', ['-c', '%s', path], { encoding: 'utf8' }))
  } catch {
    return 0
  }
}
