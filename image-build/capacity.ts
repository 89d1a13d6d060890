/**
 * Instructions of the image, counted by QEMU: it lets each take a nanosecond of the machine's time, so what the machine's own
 * kernel books as time of a processor is a count of instructions, of every thread and of the kernel on its behalf. Idle time
 * passes as on a clock. The load comes from outside, through forwarded ports.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cpuBetween, threadCpu, totalNanoseconds } from '../test/bench/process-cpu.ts'
import { startLocalDaemon } from '../test/interop/local-daemon.ts'
import {
  type Batch,
  type Cost,
  costOf,
  isSettled,
  median,
  packetsPerVideoCall,
  perSecond,
  pi4,
  rounded,
  table,
} from './capacity-estimate.ts'
import { call, type Done, type Pair, Phone, Relayed, register } from './capacity-load.ts'
import { machineCode } from './capacity-proof.ts'
import { type Architecture, builtImage, Vm } from './vm.ts'

const phones = 16
const phonePassword = 'phone of the house'
/** So many are on their way at a time, as on a machine with much to do. */
const sideBySide = { registrations: 8, calls: 4, packets: 16 } as const
const batchOf = { registrations: 200, calls: 40, packets: 3_000 } as const
const packetBytes = [172, 1_200] as const
const idleSeconds = 40
/** A call's trace is concluded some time after its end. */
const lateSeconds = 25
/** As QEMU's network shows this computer to the machine. */
const outside = '10.0.2.2'
const ownerPassword = 'counting instructions'

const began = performance.now()
const say = (line: string): void =>
  void process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`)
const millions = (instructions: number): string => `${(instructions / 1e6).toFixed(3)} M`

// What the machine says of itself.

interface Reading {
  readonly process: number
  readonly threads: ReadonlyMap<string, number>
  readonly machine: number
  readonly seconds: number
}

/** Without starting a program but the shell: asking costs instructions too. */
const readingCommand = [
  'reading() { for t in /proc/$P/task/*; do read -r n <$t/comm; read -r c r <$t/schedstat; echo "thread $c $n"; done',
  'while read -r k v; do [ $k = usage_usec ] && echo "process $v"; done </sys/fs/cgroup/system.slice/lanline.service/cpu.stat',
  // Field 7: nanoseconds of all that ran, programs and threads of the kernel.
  'while read -r k a b c d e f run r; do [ $k = cpu0 ] && echo "machine $run"; done </proc/schedstat',
  'read -r u i </proc/uptime; echo "seconds $u"; }',
].join('\n')

export class Machine {
  readonly #vm: Vm
  /** Of reading once. */
  #asking = 0
  #idle = { process: 0, machine: 0 }

  constructor(vm: Vm) {
    this.#vm = vm
  }

  async run(command: string): Promise<string> {
    const { code, output } = await this.#vm.run(command, 1_200)
    if (code !== 0) throw new Error(`${command}: ${code}: ${output}`)
    return output
  }

  /** After each start of the daemon. */
  async prepare(): Promise<void> {
    await this.run(readingCommand)
    await this.run('P=$(systemctl show -p MainPID --value lanline)')
    const asked: number[] = []
    for (let time = 0; time < 5; time++) {
      const [before, after] = [await this.#reading(), await this.#reading()]
      asked.push(after.machine - before.machine)
    }
    this.#asking = median(asked)
  }

  async #reading(): Promise<Reading> {
    const lines = (await this.run('reading')).split('\n').map(line => line.trim().split(' '))
    const threads = new Map<string, number>()
    const told: Record<string, number> = {}
    for (const [kind = '', first = '', ...rest] of lines) {
      if (kind === 'thread') threads.set(rest.join(' '), (threads.get(rest.join(' ')) ?? 0) + Number(first))
      else told[kind] = Number(first)
    }
    const { process, machine, seconds } = told
    if (!process || !machine || !seconds)
      throw new Error(`the machine's figures are not to be read: ${lines}`)
    return { process: process * 1_000, threads, machine, seconds }
  }

  /** Sets what is taken off everything that follows. */
  async idle(seconds: number): Promise<{ process: number; machine: number }> {
    const before = await this.#reading()
    await pause(seconds * 1_000)
    const after = await this.#reading()
    const passed = after.seconds - before.seconds
    this.#idle = {
      process: (after.process - before.process) / passed,
      machine: (after.machine - before.machine - this.#asking) / passed,
    }
    return this.#idle
  }

  async batch(load: () => Promise<Done>): Promise<Batch> {
    const before = await this.#reading()
    const { done, failed } = await load()
    // What is written to disk together with others.
    await pause(300)
    const after = await this.#reading()
    const passed = after.seconds - before.seconds
    const spent = [...after.threads]
      .map(([name, count]) => ({ name, instructions: count - (before.threads.get(name) ?? 0) }))
      .sort((a, b) => b.instructions - a.instructions)
    return {
      ...{ done, failed, busiest: spent[0]! },
      process: after.process - before.process - this.#idle.process * passed,
      machine: after.machine - before.machine - this.#asking - this.#idle.machine * passed,
    }
  }
}

/** Batches until they settle. */
async function settle(
  name: string,
  measure: (load: () => Promise<Done>) => Promise<Batch>,
  load: () => Promise<Done>,
): Promise<Cost> {
  const batches: Batch[] = []
  while (!isSettled(batches)) {
    const batch = await measure(load)
    batches.push(batch)
    const each = (count: number): string => millions(count / Math.max(1, batch.done))
    say(
      `${name} ${batches.length}: ${batch.done} done, ${batch.failed} failed; each ${each(batch.process)} in the process, ` +
        `of it ${each(batch.busiest.instructions)} in ${batch.busiest.name}; ${each(batch.machine)} in the whole machine`,
    )
    if (batch.done === 0) throw new Error(`${name}: none was done`)
  }
  return costOf(batches)
}

// The owner, as a browser would.

export class Owner {
  readonly #port: number
  #headers: Readonly<Record<string, string>> = {}

  constructor(port: number) {
    this.#port = port
  }

  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked where they matter
  async ask(path: string, body: unknown): Promise<any> {
    const text = JSON.stringify(body)
    const sent = httpsRequest({
      ...{ host: '127.0.0.1', port: this.#port, path: `/api/v1${path}`, method: 'POST', agent: false },
      ...{ rejectUnauthorized: false, timeout: 300_000 },
      headers: { host: 'lanline.local', 'content-type': 'application/json', ...this.#headers },
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${path}`)))
    sent.end(text)
    const [answered] = await once(sent, 'response')
    let heard = ''
    for await (const chunk of answered) heard += chunk
    if (answered.statusCode >= 300) throw new Error(`${path}: ${answered.statusCode} ${heard}`)
    const told = heard === '' ? undefined : JSON.parse(heard)
    const cookies: string[] = answered.headers['set-cookie'] ?? []
    if (cookies.length > 0) {
      const cookie = cookies.map(line => line.split(';', 1)[0]).join('; ')
      this.#headers = { cookie, 'x-csrf-token': (told.session ?? told).csrfToken }
    }
    return told
  }
}

// What is measured.

const phoneNames = Array.from({ length: phones }, (_, index) => `phone${index + 1}`)

const openPhones = (port: number, address: string): Promise<Phone[]> =>
  Promise.all(phoneNames.map(name => Phone.open({ name, password: phonePassword, port, address })))

const pairsOf = (all: readonly Phone[]): Pair[] =>
  Array.from({ length: sideBySide.calls }, (_, at) => [all[at]!, all[at + sideBySide.calls]!] as const)

interface Memory {
  readonly rss: number
  readonly pss: number
  readonly available: number
  readonly total: number
}

async function memoryOf(machine: Machine): Promise<Memory> {
  const text = await machine.run('cat /proc/$P/smaps_rollup /proc/meminfo')
  const megabytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1_024
  return {
    ...{ rss: megabytes('Rss'), pss: megabytes('Pss') },
    ...{ available: megabytes('MemAvailable'), total: megabytes('MemTotal') },
  }
}

interface Start {
  readonly instructions: number
  readonly seconds: number
}

async function unitStart(machine: Machine): Promise<number> {
  const text = await machine.run(
    'systemctl show lanline -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic',
  )
  const of = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(text)?.[1])
  return (of('ActiveEnterTimestampMonotonic') - of('ExecMainStartTimestampMonotonic')) / 1e6
}

/** systemctl returns when the daemon has said that it is ready. */
async function restart(machine: Machine): Promise<Start> {
  const usage = await machine.run(
    'systemctl restart lanline; while read -r k v; do [ $k = usage_usec ] && echo $v; done </sys/fs/cgroup/system.slice/lanline.service/cpu.stat; true',
  )
  return { instructions: Number(usage.split('\n').at(-1)) * 1_000, seconds: await unitStart(machine) }
}

/** A program of known length: is a nanosecond an instruction? */
async function proof(machine: Machine, architecture: Architecture): Promise<number> {
  const { bytes, instructions } = machineCode(architecture)
  const octal = [...bytes].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  await machine.run(`printf '${octal}' >/run/count; chmod 755 /run/count`)
  const batch = await machine.batch(async () => {
    await machine.run('/run/count')
    return { done: 1, failed: 0 }
  })
  await machine.run('rm /run/count')
  return batch.machine / instructions
}

export async function loads(vm: Vm, machine: Machine, owner: Owner): Promise<[string, Cost][]> {
  const all = await openPhones(vm.port('udp', 5060), outside)
  const batch = (load: () => Promise<Done>): Promise<Batch> => machine.batch(load)
  const costs: [string, Cost][] = []
  await register(all, phones)
  costs.push([
    'authenticated registration (2 requests)',
    await settle('registrations', batch, () =>
      register(all.slice(0, sideBySide.registrations), batchOf.registrations),
    ),
  ])
  await register(all, phones)
  costs.push([
    'authenticated call (9 messages)',
    await settle('calls', batch, () => call(pairsOf(all), batchOf.calls)),
  ])
  const late = await machine.batch(async () => {
    await pause(lateSeconds * 1_000)
    return { done: 1, failed: 0 }
  })
  say(`after the last call: ${millions(late.process)} in ${lateSeconds} s more than idling`)
  for (const phone of all) phone.close()

  const grant = await owner.ask('/relay/grants', { peer: outside, for: outside, seconds: 7_200 })
  const relayed = await Relayed.open(vm.port('udp', 3478), outside, grant)
  for (const bytes of packetBytes)
    costs.push([
      `relayed packet (${bytes.toLocaleString('en')} bytes)`,
      await settle(`packets of ${bytes} bytes`, batch, () =>
        relayed.carry(batchOf.packets, bytes, sideBySide.packets),
      ),
    ])
  relayed.close()
  return costs
}

export async function measure(vm: Vm, architecture: Architecture): Promise<string> {
  const machine = new Machine(vm)
  await machine.run('uname -m')
  const bootSeconds = await unitStart(machine)
  say(`start at boot: ${bootSeconds.toFixed(1)} s from exec to READY by the unit`)
  const owner = new Owner(vm.port('tcp', 443))
  await owner.ask('/setup', { place: 'Count', displayName: 'Olivia', password: ownerPassword })
  for (const name of phoneNames) await owner.ask('/users', { name, sipPassword: phonePassword })
  say(`claimed, ${phones} people with a SIP phone`)

  // The bound of bytes a second would be met here, and is no cost of a packet.
  await machine.run(
    'mkdir -p /run/systemd/system/lanline.service.d; printf "[Service]\\nEnvironment=LANLINE_RELAY_MAX_KILOBITS=0\\n" >/run/systemd/system/lanline.service.d/count.conf; systemctl daemon-reload',
  )
  const start = await restart(machine)
  say(
    `start: ${millions(start.instructions)} instructions to READY, ${start.seconds.toFixed(2)} s by the unit`,
  )
  await owner.ask('/session', { user: 'olivia', password: ownerPassword })
  // What a start leaves to be done is no idling.
  await pause(20_000)
  await machine.prepare()
  const idle = await machine.idle(idleSeconds)
  const memory = await memoryOf(machine)
  say(
    `idle: ${millions(idle.process)} a second in the process, ${millions(idle.machine)} in the whole machine`,
  )
  say(
    `idle: RSS ${memory.rss.toFixed(0)} MB, PSS ${memory.pss.toFixed(0)} MB, ${memory.available.toFixed(0)} of ${memory.total.toFixed(0)} MB available`,
  )
  const share = await proof(machine, architecture)
  say(`a program of known length is counted as ${share.toFixed(4)} of its instructions`)

  const costs = await loads(vm, machine, owner)
  const after = await memoryOf(machine)
  const version = await machine.run('cat /usr/lib/lanline/package.json | grep \'"version"\'; uname -r')
  return report({ architecture, version, bootSeconds, start, idle, memory, after, share, costs })
}

function report(told: {
  readonly architecture: Architecture
  readonly version: string
  readonly bootSeconds: number
  readonly start: Start
  readonly idle: { readonly process: number; readonly machine: number }
  readonly memory: Memory
  readonly after: Memory
  readonly share: number
  readonly costs: readonly (readonly [string, Cost])[]
}): string {
  const { idle, memory, after, start } = told
  const thousand = (count: number): string => rounded(count / 1_000)
  const counted = told.costs.map(([name, cost]) => [
    name,
    ...[cost.first, cost.process, cost.busiest.instructions, cost.machine].map(thousand),
    `${cost.batches}`,
    `${cost.failed}`,
  ])
  const estimated = told.costs.flatMap(([name, cost]) => {
    const rate = perSecond(cost.machine)
    const row = (title: string, share: number): string[] => [
      title,
      ...[rate.assumed, rate.low, rate.high].map(each => rounded(each * share)),
    ]
    const rates = row(`${name.replace(' (', 's (')} a second`, 1)
    return name.startsWith('relayed') ? [rates, row('  as video calls', 1 / packetsPerVideoCall)] : [rates]
  })
  return [
    `${told.architecture}, ${told.version.replaceAll(/\s+/g, ' ').trim()}; a program of known length counted as ${told.share.toFixed(4)} of it`,
    '',
    table(
      [
        'thousand instructions each',
        'first batch',
        'process',
        'busiest thread',
        'whole machine',
        'batches',
        'failed',
      ],
      counted,
    ),
    '',
    table(
      ['', ''],
      [
        ['idle, instructions a second: process', `${rounded(idle.process / 1e6)} M`],
        ['idle, instructions a second: whole machine', `${rounded(idle.machine / 1e6)} M`],
        ['start to READY, instructions of the process', `${rounded(start.instructions / 1e9)} G`],
        ['start to READY, s by the unit at 1 instruction/ns', start.seconds.toFixed(1)],
        ['  at boot, beside everything else', told.bootSeconds.toFixed(1)],
        ['RSS idle, MB', memory.rss.toFixed(0)],
        ['PSS idle, MB', memory.pss.toFixed(0)],
        ['available idle, MB', `${memory.available.toFixed(0)} of ${memory.total.toFixed(0)}`],
        ['RSS after the load, MB', after.rss.toFixed(0)],
      ],
    ),
    '',
    `Estimated for one core of a Raspberry Pi 4 (${pi4.hertz / 1e9} GHz) that does all of it, not run on hardware:`,
    '',
    table(
      ['', `${pi4.perCycle.assumed} instructions a cycle`, `${pi4.perCycle.low}`, `${pi4.perCycle.high}`],
      estimated,
    ),
  ].join('\n')
}

/** Microseconds in place of instructions: what both say together must be a believable processor. */
async function measureHere(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-capacity-'))
  const users = phoneNames.map(name => ({ name, password: phonePassword }))
  const daemon = await startLocalDaemon({ directory, users })
  try {
    const all = await openPhones(daemon.ports.sip, '127.0.0.1')
    const batch = async (load: () => Promise<Done>): Promise<Batch> => {
      const before = threadCpu(daemon.pid)
      const done = await load()
      await pause(300)
      const spent = cpuBetween(before, threadCpu(daemon.pid))
      const process = totalNanoseconds(spent)
      const busiest = { name: spent[0]!.name, instructions: spent[0]!.nanoseconds }
      return { ...done, process, machine: process, busiest }
    }
    await register(all, phones)
    const registration = await settle('registrations (ns)', batch, () =>
      register(all.slice(0, sideBySide.registrations), batchOf.registrations),
    )
    await register(all, phones)
    const calls = await settle('calls (ns)', batch, () => call(pairsOf(all), batchOf.calls))
    for (const phone of all) phone.close()
    return table(
      ['microseconds of CPU on this machine', 'first batch', 'settled'],
      [
        [
          'authenticated registration',
          rounded(registration.first / 1_000),
          rounded(registration.process / 1_000),
        ],
        ['authenticated call', rounded(calls.first / 1_000), rounded(calls.process / 1_000)],
      ],
    )
  } finally {
    await daemon.stop()
    rmSync(directory, { recursive: true })
  }
}

async function measureImage(architecture: Architecture, image: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'lanline-capacity-'))
  say(`${image} in QEMU, one instruction a nanosecond; everything takes ten times as long as elsewhere`)
  const vm = await Vm.start({
    ...{ architecture, image, directory, countsInstructions: true, niceness: 10 },
    forwards: [
      { protocol: 'tcp', guest: 443 },
      { protocol: 'udp', guest: 5060 },
      { protocol: 'udp', guest: 3478 },
    ],
  })
  try {
    const waiting = setInterval(
      () => say(`starting: ${vm.serial().trimEnd().split('\n').at(-1)?.slice(-80)}`),
      30_000,
    )
    await vm.healthy(3_600).finally(() => clearInterval(waiting))
    say('healthy')
    return await measure(vm, architecture)
  } finally {
    await vm.cut()
    rmSync(directory, { recursive: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: 'arm64' },
      image: { type: 'string' },
      native: { type: 'boolean', default: false },
    },
  })
  const architecture = values.arch
  if (architecture !== 'arm64' && architecture !== 'amd64') throw new Error('--arch is arm64 or amd64')
  const image = values.image ?? builtImage(join(import.meta.dirname, '..'), architecture)
  process.stdout.write(`\n${values.native ? await measureHere() : await measureImage(architecture, image)}\n`)
  process.exit(0)
}
