/**
 * The image as a machine under QEMU, for the tests of the appliance. Kernel and initramfs are the files of its FAT
 * partition, as the firmware of a Raspberry Pi would take them; the disk is a copy-on-write layer over the image. A root
 * shell is had by the kernel command line alone (systemd.debug_shell), so the image tested is the image shipped.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export type Architecture = 'amd64' | 'arm64'

export interface Forward {
  readonly protocol: 'tcp' | 'udp'
  readonly guest: number
}

export interface VmOptions {
  readonly architecture: Architecture
  /** The raw image as built; read only. */
  readonly image: string
  /** Where disk, sockets and logs of this machine are; made if missing. The disk is kept from one start to the next. */
  readonly directory: string
  readonly diskGigabytes?: number
  readonly memoryMegabytes?: number
  readonly forwards?: readonly Forward[]
  /** Appended to the kernel's command line. */
  readonly commandLine?: string
  /** In place of the own `-drive`; its `-drive` must be `if=none,id=card`. */
  readonly drive?: readonly string[]
  /** In place of user networking. */
  readonly network?: readonly string[]
  readonly more?: readonly string[]
  /** The network namespace that QEMU runs in. */
  readonly namespace?: string
  /** One processor for which each instruction takes a nanosecond: its times of CPU are counts of instructions. Slow. */
  readonly countsInstructions?: boolean
  /** Processes and memory are shared with others: QEMU runs so much less urgently. */
  readonly niceness?: number
}

/** What the firmware of a Raspberry Pi takes from the FAT partition (`fat/config.txt` names them). */
const bootFiles = ['vmlinuz', 'initramfs.img'] as const
/** `fat_begins` of disk.sh. */
const fatOffset = '4M'

export class Vm {
  readonly serialFile: string
  readonly #options: VmOptions
  readonly #ports: ReadonlyMap<string, number>
  readonly #process: ChildProcess
  readonly #started = performance.now()
  /** Resolves when QEMU has ended, however. */
  readonly ended: Promise<void>
  #shell: Shell | undefined
  #qmp: Qmp | undefined

  private constructor(options: VmOptions, ports: ReadonlyMap<string, number>, process: ChildProcess) {
    this.#options = options
    this.#ports = ports
    this.#process = process
    this.serialFile = join(options.directory, 'serial.log')
    this.ended = new Promise(resolve => process.once('exit', () => resolve()))
  }

  static async start(options: VmOptions): Promise<Vm> {
    mkdirSync(options.directory, { recursive: true })
    const ports = new Map<string, number>()
    for (const { protocol, guest } of options.forwards ?? [])
      ports.set(`${protocol}${guest}`, await freePort())
    for (const name of ['qmp.sock', 'shell.sock']) rmSync(join(options.directory, name), { force: true })
    for (const name of bootFiles) fromFat(options.image, name, join(options.directory, name))
    const disk = join(options.directory, 'card.qcow2')
    if (options.drive === undefined && !existsSync(disk))
      newDisk(options.image, disk, options.diskGigabytes ?? 4)
    const [program, args] = commandOf(options, ports)
    writeFileSync(join(options.directory, 'command'), `${program} ${args.join(' ')}\n`)
    const within = options.namespace === undefined ? [] : ['ip', 'netns', 'exec', options.namespace]
    const process = spawn('nice', ['-n', String(options.niceness ?? 5), ...within, program, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaints = ''
    process.stderr?.on('data', data => {
      complaints += data
    })
    const vm = new Vm(options, ports, process)
    vm.#qmp = await Qmp.open(join(options.directory, 'qmp.sock'), vm.ended).catch(error => {
      throw new Error(`QEMU did not start: ${complaints || error}`)
    })
    return vm
  }

  /** The port of this computer that is forwarded to one of the machine. */
  port(protocol: Forward['protocol'], guest: number): number {
    const port = this.#ports.get(`${protocol}${guest}`)
    if (port === undefined) throw new Error(`${protocol} ${guest} is not forwarded`)
    return port
  }

  /** Since QEMU was started. */
  seconds(): number {
    return (performance.now() - this.#started) / 1_000
  }

  serial(): string {
    return existsSync(this.serialFile) ? readFileSync(this.serialFile, 'utf8') : ''
  }

  /** Resolves with the seconds since QEMU's start at which the serial console shows the pattern; looks from a position on. */
  async serialShows(pattern: RegExp, limitSeconds: number, from = 0): Promise<number> {
    return this.until(
      () => pattern.test(this.serial().slice(from)),
      limitSeconds,
      `${pattern} on the serial console`,
    )
  }

  /** Polls what has no event to wait for. */
  async until(
    test: () => boolean | Promise<boolean>,
    limitSeconds: number,
    what: string,
    everyMilliseconds = 500,
  ): Promise<number> {
    const limit = performance.now() + limitSeconds * 1_000
    while (!(await test())) {
      if (this.#process.exitCode !== null) throw new Error(`QEMU has ended while waiting for ${what}`)
      if (performance.now() > limit) throw new Error(`not within ${limitSeconds} s: ${what}`)
      await pause(everyMilliseconds)
    }
    return this.seconds()
  }

  /** `GET` over HTTPS by the appliance's own name; undefined while nothing answers. */
  async health(): Promise<Record<string, unknown> | undefined> {
    try {
      const url = `https://lanline.local:${this.port('tcp', 443)}/api/v1/health`
      const text = execFileSync(
        'curl',
        ['-sk', '-m', '20', '--resolve', `lanline.local:${this.port('tcp', 443)}:127.0.0.1`, url],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      )
      return JSON.parse(text) as Record<string, unknown>
    } catch {
      return undefined
    }
  }

  async healthy(limitSeconds: number): Promise<number> {
    return this.until(async () => (await this.health())?.status === 'ok', limitSeconds, 'health', 1_000)
  }

  /** Runs a command in a root shell of the machine. */
  async run(
    command: string,
    limitSeconds = 120,
  ): Promise<{ readonly code: number; readonly output: string }> {
    this.#shell ??= await Shell.open(join(this.#options.directory, 'shell.sock'))
    return this.#shell.run(command, limitSeconds)
  }

  async qmp(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return this.#qmp!.command(execute, args)
  }

  /** The plug is pulled and put in again. What QEMU was given is on the disk, what the machine held in memory is gone. */
  async reset(): Promise<void> {
    this.#closeShell()
    await this.qmp('system_reset')
  }

  /** After the machine itself restarted: its shell is a new one. */
  forgetShell(): void {
    this.#closeShell()
  }

  /** The plug is pulled. */
  async cut(): Promise<void> {
    this.#closeShell()
    this.#process.kill('SIGKILL')
    // nice has become QEMU: it is one process.
    await this.ended
  }

  async powerOff(limitSeconds = 120): Promise<void> {
    const shell = this.#shell
    await shell?.send('systemctl poweroff\n')
    const late = pause(limitSeconds * 1_000).then(() => 'late' as const)
    if ((await Promise.race([this.ended, late])) === 'late') await this.cut()
    this.#closeShell()
  }

  #closeShell(): void {
    this.#shell?.close()
    this.#shell = undefined
  }
}

/** SHA-256 of the files that were booted, and of the same names on the FAT partition now. */
export function bootedFiles(
  image: string,
  directory: string,
): readonly { readonly name: string; readonly booted: string; readonly onFat: string }[] {
  return bootFiles.map(name => ({
    name,
    booted: sha256(readFileSync(join(directory, name))),
    onFat: sha256(
      execFileSync('mtype', ['-i', `${image}@@${fatOffset}`, `::/${name}`], { maxBuffer: 1 << 28 }),
    ),
  }))
}

/** The raw image that `build-image` made. */
export function builtImage(root: string, architecture: Architecture): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const machine = architecture === 'arm64' ? 'rpi-arm64' : 'qemu-amd64'
  return join(root, 'image-build/out', `lanline-${version}-${machine}.img`)
}

export function fromFat(image: string, name: string, to: string): void {
  execFileSync('mcopy', ['-o', '-n', '-i', `${image}@@${fatOffset}`, `::/${name}`, to])
}

export function newDisk(image: string, disk: string, gigabytes: number): void {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'raw', disk, `${gigabytes}G`])
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

function commandOf(options: VmOptions, ports: ReadonlyMap<string, number>): [string, string[]] {
  const { architecture, directory } = options
  // Only where the processor itself does it: elsewhere an ordinary kernel does not start under KVM.
  const kvm =
    architecture === 'amd64' && ['kvm_intel', 'kvm_amd'].some(name => existsSync(`/sys/module/${name}`))
  const emulator = `tcg,thread=${options.countsInstructions ? 'single' : 'multi'},tb-size=512`
  const accelerator = kvm && existsSync('/dev/kvm') && !options.countsInstructions ? 'kvm' : emulator
  const processors = options.countsInstructions ? ['-smp', '1', '-icount', 'shift=0'] : ['-smp', '2']
  const machine =
    architecture === 'arm64'
      ? ['-M', 'virt', '-cpu', 'cortex-a72']
      : ['-M', 'q35', '-cpu', accelerator === 'kvm' ? 'host' : 'max']
  const console = architecture === 'arm64' ? 'ttyAMA0' : 'ttyS0'
  // no_timer_check: the PC's timer is late where the machine is busy, and the kernel then gives it up.
  const forwards = [...ports].map(
    ([name, port]) => `,hostfwd=${name.slice(0, 3)}:127.0.0.1:${port}-:${name.slice(3)}`,
  )
  const network = options.network ?? ['-netdev', `user,id=net${forwards.join('')}`]
  return [
    architecture === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64',
    [
      ...machine,
      ...['-accel', accelerator, ...processors, '-m', String(options.memoryMegabytes ?? 1024)],
      ...['-nodefaults', '-nographic', '-monitor', 'none', '-parallel', 'none'],
      ...['-kernel', join(directory, 'vmlinuz'), '-initrd', join(directory, 'initramfs.img')],
      '-append',
      `console=${console} loglevel=4 no_timer_check net.ifnames=0 panic=10 systemd.debug_shell=hvc0 ${options.commandLine ?? ''}`.trim(),
      ...(options.drive ?? [
        '-drive',
        `if=none,id=card,file=${join(directory, 'card.qcow2')},format=qcow2,discard=unmap`,
      ]),
      ...['-device', 'virtio-blk-pci,drive=card'],
      ...network,
      ...['-device', 'virtio-net-pci,netdev=net,romfile='],
      ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
      ...['-serial', `file:${join(directory, 'serial.log')}`],
      ...[
        '-device',
        'virtio-serial-pci',
        '-chardev',
        `socket,id=shell,path=${join(directory, 'shell.sock')},server=on,wait=off`,
      ],
      ...['-device', 'virtconsole,chardev=shell'],
      ...['-qmp', `unix:${join(directory, 'qmp.sock')},server=on,wait=off`],
      ...(options.more ?? []),
    ],
  ]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

async function connect(path: string, limitSeconds: number, given?: Promise<void>): Promise<Socket> {
  const limit = performance.now() + limitSeconds * 1_000
  let over = false
  given?.then(() => {
    over = true
  })
  for (;;) {
    const socket = createConnection(path)
    const opened = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (opened) return socket
    if (over || performance.now() > limit) throw new Error(`nothing listens at ${path}`)
    await pause(100)
  }
}

/** Commands and answers of QEMU's monitor; events are left out. */
class Qmp {
  readonly #socket: Socket
  readonly #waiting: ((answer: { return?: unknown; error?: { desc: string } }) => void)[] = []
  #rest = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('data', data => {
      const lines = (this.#rest + data).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) {
        const message = JSON.parse(line) as Record<string, unknown>
        if ('return' in message || 'error' in message) this.#waiting.shift()?.(message)
      }
    })
  }

  static async open(path: string, ended: Promise<void>): Promise<Qmp> {
    const qmp = new Qmp(await connect(path, 20, ended))
    await qmp.command('qmp_capabilities', {})
    return qmp
  }

  async command(execute: string, args: Record<string, unknown>): Promise<unknown> {
    const answered = new Promise<{ return?: unknown; error?: { desc: string } }>(resolve =>
      this.#waiting.push(resolve),
    )
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    const answer = await answered
    if (answer.error) throw new Error(`${execute}: ${answer.error.desc}`)
    return answer.return
  }
}

/** One command at a time in the shell behind a console. */
class Shell {
  readonly #socket: Socket
  #seen = ''
  #count = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('data', data => {
      this.#seen += data
    })
  }

  static async open(path: string): Promise<Shell> {
    const shell = new Shell(await connect(path, 20))
    // Its own echo and prompt are still in what this answers; and what was said before it began is lost.
    for (let tries = 0; ; tries++) {
      try {
        await shell.run('stty -echo columns 500 2>/dev/null; PS1=; PS2=', 5)
        break
      } catch (error) {
        if (tries === 40) throw error
      }
    }
    await pause(500)
    return shell
  }

  async send(text: string): Promise<void> {
    await new Promise(resolve => this.#socket.write(text, resolve))
  }

  async run(command: string, limitSeconds: number): Promise<{ code: number; output: string }> {
    const mark = `end-of-${++this.#count}`
    this.#seen = ''
    // Split, so that an echo of the command is not taken for its end.
    await this.send(`${command}\nprintf '\\n%s-%s %s\\n' end of-${this.#count} $?\n`)
    const limit = performance.now() + limitSeconds * 1_000
    for (;;) {
      const found = new RegExp(`^([\\s\\S]*?)\\r?\\n${mark} (\\d+)\\r?\\n`).exec(this.#seen)
      if (found) return { code: Number(found[2]), output: found[1]!.replaceAll('\r', '').trim() }
      if (performance.now() > limit)
        throw new Error(`no end within ${limitSeconds} s of: ${command}; so far: ${this.#seen.slice(-500)}`)
      await pause(50)
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
