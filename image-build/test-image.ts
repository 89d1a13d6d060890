/** Runs `image-build/test-image` and says what held. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  challengeOf,
  digest,
  RawPeer,
  type RequestParts,
  request as sipRequest,
} from '../test/interop/raw-sip.ts'
import { checkBoards } from './boards.ts'
import { documentedPorts } from './documented-ports.ts'
import { joinsWifi } from './test/wifi.ts'
import { type Architecture, bootedFiles, builtImage, fromFat, Vm } from './vm.ts'

const root = join(import.meta.dirname, '..')
const architecture = process.argv[2] as Architecture
const image = builtImage(root, architecture)
const squashfs = image.replace(/-[a-z]+-[a-z0-9]+\.img$/, `-root-${architecture}.squashfs`)
const password = 'ten letters or so'
const sipPassword = 'desk-desk-desk'
const diskGigabytes = 4
/** Long enough for timers of a minute to show; the first minutes after a start are not idle. */
const idleSeconds = Number(process.argv[3] ?? 180)
const settleSeconds = 90
/** In tenths, as systemd-analyze takes it. */
const exposureLimit = 30
/**
 * Translated on a busy machine, lanline and systemd may be silent for longer than the watchdogs allow; that lanline is killed
 * then is tested where it runs as fast as it should (test-deb).
 */
const commandLine = 'systemd.service_watchdogs=no systemd.watchdog_sec=600'
/** Translated, everything takes some thirty times as long as on the board. */
const patienceSeconds = 900

const began = performance.now()
const say = (line: string): void =>
  void process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`)

interface Row {
  readonly held: boolean | 'note'
  readonly what: string
  readonly found: string
}
const rows: Row[] = []

function note(what: string, found: string): void {
  rows.push({ held: 'note', what, found })
  say(`        ${what}: ${found}`)
}

async function check(
  what: string,
  test: () => Promise<string | undefined> | string | undefined,
): Promise<void> {
  try {
    const found = (await test()) ?? ''
    rows.push({ held: true, what, found })
    say(`held    ${what}${found && `: ${found}`}`)
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error)
    rows.push({ held: false, what, found })
    say(`FAILED  ${what}: ${found}`)
  }
}

function expect(held: boolean, otherwise: string): void {
  if (!held) throw new Error(otherwise)
}

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field where it matters
  readonly body: any
  readonly cookie: string
}

let session: Readonly<Record<string, string>> = {}

function ask(vm: Vm, method: string, path: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ host: '127.0.0.1', port: vm.port('tcp', 443), path: `/api/v1${path}`, method },
      ...{ rejectUnauthorized: false, agent: false, timeout: 120_000 },
      headers: { host: 'lanline.local', ...(text && { 'content-type': 'application/json' }), ...session },
    })
    sent.once('error', reject)
    sent.once('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
    sent.once('response', async answer => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk)
      const given = Buffer.concat(chunks).toString()
      const cookie = (answer.headers['set-cookie'] ?? []).map(line => line.split(';', 1)[0]).join('; ')
      resolve({ status: answer.statusCode!, body: given === '' ? undefined : JSON.parse(given), cookie })
    })
    sent.end(text)
  })
}

async function register(vm: Vm): Promise<number> {
  const peer = await RawPeer.open('udp', vm.port('udp', 5060))
  const parts: RequestParts = {
    ...{ method: 'REGISTER', uri: 'sip:lanline.local', from: '<sip:desk@lanline.local>' },
    ...{ to: '<sip:desk@lanline.local>', transport: 'udp' as const },
    more: [`Contact: <sip:desk@10.0.2.2:${peer.localPort}>`, 'Expires: 3600'],
  }
  const first = await peer.ask(sipRequest(parts))
  expect(first !== undefined, 'no answer to REGISTER')
  const proof = digest({
    user: 'desk',
    password: sipPassword,
    method: 'REGISTER',
    uri: parts.uri,
    challenge: challengeOf(first!),
  })
  const second = await peer.ask(
    sipRequest({ ...parts, cseq: 2, more: [...parts.more!, `Authorization: ${proof}`] }),
  )
  peer.close()
  return second?.status ?? 0
}

/** Local addresses and ports of what listens in the machine: from the kernel, so nothing is overlooked by a scan. */
async function listeners(vm: Vm): Promise<string[]> {
  const { output } = await vm.run('for f in tcp tcp6 udp udp6; do sed 1d /proc/net/$f | sed "s/^/$f /"; done')
  const found = new Set<string>()
  for (const line of output.split('\n')) {
    const [kind = '', , local = '', remote = '', state = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    const isLoopback = address === '0100007F' || address === '00000000000000000000000001000000'
    const listens = kind.startsWith('tcp') ? state === '0A' : /^0+:0000$/.test(remote)
    if (listens && !isLoopback) found.add(`${kind.replace('6', '')} ${Number.parseInt(port, 16)}`)
  }
  return [...found].sort()
}

/** The time in the first machine when it was switched off, in seconds since 1970. */
let lastSeconds = 0

async function firstStart(directory: string): Promise<void> {
  const vm = await Vm.start({
    ...{
      architecture,
      image,
      directory,
      diskGigabytes,
      commandLine,
      niceness: architecture === 'arm64' ? 10 : 0,
    },
    forwards: [
      { protocol: 'tcp', guest: 443 },
      { protocol: 'udp', guest: 5060 },
    ],
  })
  try {
    await check('first start: the initramfs finds the card and grows the data partition', async () => {
      const at = await vm.serialShows(/lanline: slot a, data whole/, patienceSeconds)
      expect(
        /growing the data partition from 128 to/.test(vm.serial()),
        'the console does not say that it grew',
      )
      return `${at.toFixed(1)} s after QEMU`
    })
    await check('SHA-256 of the booted kernel and initramfs are those of the FAT partition', () => {
      const files = bootedFiles(image, directory)
      for (const { name, booted, onFat } of files)
        expect(booted === onFat, `${name}: ${booted}, on the FAT ${onFat}`)
      return files.map(({ name, onFat }) => `${name} ${onFat.slice(0, 12)}…`).join(', ')
    })
    await check(
      'health through a forwarded port',
      async () => `${(await vm.healthy(patienceSeconds)).toFixed(0)} s after QEMU`,
    )
    await check('the system is up, no unit failed', async () => {
      await vm.until(
        async () => /^(running|degraded)$/.test((await vm.run('systemctl is-system-running')).output),
        300,
        'the end of the start',
      )
      const { output } = await vm.run(
        'systemctl is-system-running; systemctl --failed --plain --no-legend --no-pager',
      )
      expect(output === 'running', output)
      const { output: times } = await vm.run('systemd-analyze')
      return times.split('\n')[0]!
    })
    await check('the data file system has grown with its partition', async () => {
      const { output } = await vm.run('df -m --output=size /data | sed 1d; stat -f -c %T /data')
      const [megabytes = '', type] = output.split('\n')
      expect(Number(megabytes) > (diskGigabytes - 2) * 1_024 * 0.9 && type === 'ext2/ext3', output)
      return `${megabytes.trim()} MiB`
    })
    await check('the root file system is read-only, the card is mounted for reading', async () => {
      const { output } = await vm.run(
        'touch /etc/x /usr/x 2>&1; grep -E " (/|/boot/firmware) " /proc/mounts | cut -d" " -f2-4 | cut -d, -f1',
      )
      expect(
        output.match(/Read-only file system/g)?.length === 2 &&
          /^\/ squashfs ro$/m.test(output) &&
          /^\/boot\/firmware vfat ro$/m.test(output),
        output,
      )
      return undefined
    })
    await check('nobody can log in: no account with a password, no getty, no sshd', async () => {
      const { output } = await vm.run(
        "cut -d: -f2 /etc/shadow | sort -u | tr '\\n' ' '; systemctl list-units --all --plain --no-legend --no-pager 'getty*' 'serial-getty*' 'ssh*' | grep -c ' active '",
      )
      expect(/^\* ?\n?0$/.test(output), output)
      return undefined
    })
    await check(`what root does with files of others is exposed at most ${exposureLimit / 10}`, async () => {
      const units = ['lanline-card', 'lanline-confirm', 'lanline-update', 'lanline-stick@sda', 'lanline-wifi']
      const found: string[] = []
      for (const unit of units) {
        const { code, output } = await vm.run(
          `systemd-analyze security --threshold=${exposureLimit} --no-pager ${unit}.service >/tmp/exposure; code=$?; tail -n 1 /tmp/exposure; (exit $code)`,
        )
        const [exposure = output] = /\d+\.\d/.exec(output) ?? []
        found.push(`${unit} ${exposure}`)
        expect(code === 0, found.join(', '))
      }
      return found.join(', ')
    })
    await check('claimed with the setup code that the card wrote on the FAT partition', async () => {
      const { output } = await vm.run("sed -n 's/^setup_code = //p' /boot/firmware/lanline-setup.txt")
      expect(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/.test(output), `lanline-setup.txt has: ${output}`)
      const wrong = await ask(vm, 'POST', '/setup', {
        code: 'AAAA-AAAA',
        place: 'Mill',
        displayName: 'Olivia',
        password,
      })
      expect(wrong.status === 403 || wrong.status === 401, `a wrong code: ${wrong.status}`)
      const answer = await ask(vm, 'POST', '/setup', {
        code: output,
        place: 'Mill',
        displayName: 'Olivia',
        password,
      })
      expect(answer.status === 201, `${answer.status} ${JSON.stringify(answer.body)}`)
      session = { cookie: answer.cookie, 'x-csrf-token': answer.body.session.csrfToken }
      return undefined
    })
    await check('a user is added', async () => {
      const answer = await ask(vm, 'POST', '/users', { name: 'desk', sipPassword })
      expect(answer.status === 201, `${answer.status} ${JSON.stringify(answer.body)}`)
      return undefined
    })
    await check('a SIP phone registers through a forwarded port', async () => {
      const status = await register(vm)
      expect(status === 200, `REGISTER ${status}`)
      return `REGISTER ${status}`
    })
    await memoryAndStart(vm)
    await idleWrites(vm)
    await check('lanline try inside', async () => {
      const { code, output } = await vm.run(
        'lanline try --patience 300 >/tmp/try 2>&1; code=$?; tail -n 25 /tmp/try; (exit $code)',
        1_500,
      )
      say(output.replaceAll('\n', '\n         '))
      expect(
        code === 0 && !/not as it should be|lanline: /.test(output),
        output.split('\n').slice(-3).join(' '),
      )
      return undefined
    })
    const before = vm.serial().length
    vm.forgetShell()
    say('restarting')
    await ask(vm, 'GET', '/health')
    const restart = vm.run('systemctl reboot', 20).catch(() => undefined)
    await vm.serialShows(/lanline: slot a, data whole/, patienceSeconds, before)
    await restart
    vm.forgetShell()
    const since = vm.seconds()
    await check('restarted: healthy again, everything is still there', async () => {
      await vm.healthy(patienceSeconds)
      const health = await vm.health()
      session = {}
      const login = await ask(vm, 'POST', '/session', { user: 'olivia', password })
      expect(login.status === 200, `login: ${login.status} ${JSON.stringify(login.body)}`)
      session = { cookie: login.cookie, 'x-csrf-token': login.body.csrfToken }
      const users = (await ask(vm, 'GET', '/users')).body as {
        name: string
        devices: { reachable: boolean }[]
      }[]
      const desk = users.find(user => user.name === 'desk')
      expect(desk?.devices.some(device => device.reachable) === true, JSON.stringify(users))
      expect(health !== undefined, 'no health')
      return `${(vm.seconds() - since).toFixed(0)} s after the initramfs; the phone is still registered`
    })
    await check('the port list of the kernel is that of docs/security.md', async () => {
      const { always, sometimes } = documentedPorts(root)
      const found = await listeners(vm)
      compare(found, always, sometimes)
      return found.join(', ')
    })
    await check('with wifi.txt it joins an access point of simulated radios, and gets an address there', () =>
      joinsWifi(vm, patienceSeconds),
    )
    lastSeconds = Number((await vm.run('date +%s')).output)
    await vm.powerOff(300)
    note('disk of the test machine', `${diskGigabytes} GiB`)
  } finally {
    await vm.cut()
  }
}

async function memoryAndStart(vm: Vm): Promise<void> {
  const { output } = await vm.run(
    'p=$(systemctl show -P MainPID lanline); sed -n "s/^VmRSS:[^0-9]*//p" /proc/$p/status; ' +
      'systemctl show -P ExecMainStartTimestampMonotonic lanline; systemctl show -P ActiveEnterTimestampMonotonic lanline; ' +
      'sed -n "s/^MemAvailable:[^0-9]*//p" /proc/meminfo; systemctl show -P MemoryCurrent lanline',
  )
  const [rss = '', started = '0', active = '0', available = ''] = output.split('\n')
  note(
    'memory of lanline',
    `${(Number.parseInt(rss, 10) / 1_024).toFixed(0)} MiB resident; ${(Number.parseInt(available, 10) / 1_024).toFixed(0)} of 1024 MiB are free`,
  )
  note(
    'start of lanline until it answers',
    `${((Number(active) - Number(started)) / 1e6).toFixed(1)} s, translated by QEMU`,
  )
}

interface BlockStats {
  readonly stats: {
    readonly wr_bytes: number
    readonly wr_operations: number
    readonly flush_operations: number
  }
}

async function idleWrites(vm: Vm): Promise<void> {
  say(`idle: ${settleSeconds} s to settle, then ${idleSeconds} s of counting`)
  await pause(settleSeconds * 1_000)
  const count = async (): Promise<BlockStats['stats']> =>
    ((await vm.qmp('query-blockstats')) as BlockStats[])[0]!.stats
  const before = await count()
  await pause(idleSeconds * 1_000)
  const after = await count()
  await check(`idle for ${idleSeconds} s with a registered phone, nothing is written to the card`, () => {
    const bytes = after.wr_bytes - before.wr_bytes
    const found = `${bytes} bytes in ${after.wr_operations - before.wr_operations} writes`
    expect(bytes === 0, found)
    return found
  })
}

function compare(
  found: readonly string[],
  always: ReadonlySet<string>,
  sometimes: readonly { readonly protocol: string; readonly from: number; readonly to: number }[],
): void {
  const unexpected = found.filter(each => {
    const [protocol = '', port = ''] = each.split(' ')
    const may = sometimes.some(
      range => range.protocol === protocol && Number(port) >= range.from && Number(port) <= range.to,
    )
    return !always.has(each) && !may
  })
  const missing = [...always].filter(each => !found.includes(each))
  expect(
    unexpected.length === 0 && missing.length === 0,
    `not documented: ${unexpected.join(', ') || 'none'}; documented but not open: ${missing.join(', ') || 'none'}; open: ${found.join(', ')}`,
  )
}

/** In a network namespace with no DHCP server: the address is a link-local one, and the scan comes from a neighbour. */
async function scanned(directory: string): Promise<void> {
  const space = `lanline-scan-${process.pid}`
  const inSpace = (...args: string[]): string =>
    execFileSync('ip', ['netns', 'exec', space, ...args], { encoding: 'utf8' })
  execFileSync('ip', ['netns', 'add', space])
  try {
    inSpace('ip', 'link', 'set', 'lo', 'up')
    inSpace('ip', 'tuntap', 'add', 'tap0', 'mode', 'tap')
    inSpace('ip', 'address', 'add', '169.254.77.1/16', 'dev', 'tap0')
    inSpace('ip', 'link', 'set', 'tap0', 'up')
    const vm = await Vm.start({
      ...{
        architecture,
        image,
        directory,
        commandLine,
        niceness: architecture === 'arm64' ? 10 : 0,
        namespace: space,
      },
      // As a board without a clock.
      more: ['-rtc', 'base=1980-01-01T00:00:00'],
      network: ['-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no'],
    })
    try {
      let address = ''
      await check('with neither DHCP nor router it has a link-local address and answers there', async () => {
        await vm.serialShows(/lanline: slot a, data whole/, patienceSeconds)
        await vm.until(
          async () => {
            const { output } = await vm.run(
              // The kernel's own list: networkctl asks by the system bus, which is not there.
              'grep -B1 "host LOCAL" /proc/net/fib_trie | grep -o "169\\.254\\.[0-9]*\\.[0-9]*" | head -n 1',
            )
            address = output
            return address !== ''
          },
          patienceSeconds,
          'a link-local address',
          3_000,
        )
        await vm.until(
          () =>
            spawnSync('ip', [
              'netns',
              'exec',
              space,
              'curl',
              '-sk',
              '-m',
              '10',
              `https://${address}/api/v1/health`,
            ]).status === 0,
          patienceSeconds,
          'health',
          2_000,
        )
        return address
      })
      await check(
        'without a clock and a time server the time goes on from the last that was known',
        async () => {
          const now = Number((await vm.run('date +%s')).output)
          const apart = now - lastSeconds
          expect(lastSeconds > 0 && apart > -60 && apart < 3_600, `${apart} s apart`)
          return `${apart} s after the end of the first machine`
        },
      )
      await check('a scan of all TCP ports from a neighbour finds what docs/security.md says', () => {
        const { always } = documentedPorts(root)
        const report = inSpace(
          'nmap',
          '-Pn',
          '-n',
          '-sS',
          '-T4',
          '--max-retries',
          '3',
          '-p-',
          '-oG',
          '-',
          address,
        )
        const found = [...report.matchAll(/(\d+)\/open\/tcp/g)].map(match => `tcp ${match[1]}`)
        compare(found, new Set([...always].filter(each => each.startsWith('tcp'))), [])
        return found.join(', ')
      })
      await check('a scan of UDP ports finds what docs/security.md says', () => {
        const { always } = documentedPorts(root)
        const documented = [...always].filter(each => each.startsWith('udp')).map(each => each.slice(4))
        // Of those that nothing listens on, a sample: each closed port is answered once a second.
        const others = [
          '53',
          '67',
          '69',
          '123',
          '137',
          '161',
          '500',
          '1900',
          '3702',
          '5004',
          '5355',
          '49152',
          '50151',
          '60000',
        ]
        const report = inSpace(
          'nmap',
          '-Pn',
          '-n',
          '-sU',
          // Linux says of one closed port a second that it is.
          '--scan-delay',
          '1100ms',
          '--max-retries',
          '3',
          '-p',
          [...documented, ...others].join(','),
          '-oG',
          '-',
          address,
        )
        const states = new Map(
          [...report.matchAll(/(\d+)\/([a-z|]+)\/udp/g)].map(match => [match[1]!, match[2]!]),
        )
        const open = [...states].filter(([, state]) => state.startsWith('open')).map(([port]) => port)
        expect(
          open.every(port => documented.includes(port)) && documented.every(port => open.includes(port)),
          JSON.stringify([...states]),
        )
        return `open: ${open.join(', ')}; ${states.size - open.length} others closed`
      })
    } finally {
      await vm.cut()
    }
  } finally {
    execFileSync('ip', ['netns', 'delete', space])
  }
}

async function boardsOf(directory: string): Promise<void> {
  const names = execFileSync('mdir', ['-b', '-i', `${image}@@4M`, '::/'], { encoding: 'utf8' })
  for (const name of [
    'modules.squashfs',
    'initramfs.img',
    ...names.matchAll(/::\/(\S+\.dtb)/g).map(match => match[1]!),
  ])
    fromFat(image, name, join(directory, name))
  expect(
    readdirSync(directory).some(name => name.endsWith('.dtb')),
    'there is no device tree on the FAT partition',
  )
  for (const { board, held, found } of checkBoards(directory, squashfs))
    await check(`${board}: device tree and drivers (not run on hardware)`, () => {
      expect(held, found)
      return found
    })
  await check('the firmware of the boards is on the FAT partition', () => {
    for (const name of [
      'bootcode.bin',
      'start.elf',
      'fixup.dat',
      'start4.elf',
      'fixup4.dat',
      'config.txt',
      'cmdline.txt',
    ])
      expect(names.includes(`::/${name}\n`), `${name} is missing`)
    return undefined
  })
}

if (!existsSync(image)) {
  process.stderr.write(
    `lanline: ${image} is missing; run image-build/build-image --arch ${architecture} first\n`,
  )
  process.exit(1)
}
const directory = mkdtempSync(join(root, 'image-build/out', 'test-image.'))
try {
  if (architecture === 'arm64') await check('boards', () => boardsOf(directory).then(() => undefined))
  await check('first machine', () => firstStart(directory).then(() => undefined))
  await check('second machine', () => scanned(directory).then(() => undefined))
} finally {
  rmSync(directory, { recursive: true })
}
process.stdout.write('\n')
for (const { held, what, found } of rows)
  process.stdout.write(
    `${held === 'note' ? '  ·   ' : held ? ' held ' : 'FAILED'}  ${what}${found && `: ${found}`}\n`,
  )
const failed = rows.filter(row => row.held === false).length
process.stdout.write(
  `\n${rows.length - failed} held or noted, ${failed} failed, ${((performance.now() - began) / 60_000).toFixed(0)} min\n`,
)
process.exit(failed === 0 ? 0 : 1)
