/**
 * What a package has to stand, in each Debian: install, upgrade, stop, hang, be killed, be removed, be purged.
 * `deb.ts VERSION ARCHITECTURE SUITE=ARCHIVE…`; prints each step as it is done, and a table; exit code 1 when something does not hold.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { Machine, until } from './machine.ts'
import { stick } from './stuck.ts'

const [version, architecture, ...archives] = process.argv.slice(2) as [string, string, ...string[]]
const out = join(import.meta.dirname, '../out')
const olderVersion = '0.0.1'
const passwords = { desk: 'a-desk-in-the-hall-1', hall: 'a-wall-in-the-hall-2' }
const exposureLimit = 15
/** More than systemd allows in a row where nothing is said (StartLimitBurst). */
const starts = 7

interface Row {
  readonly suite: string
  readonly what: string
  readonly held: boolean
  readonly found: string
}
const rows: Row[] = []

/** The same program by a lower number, packed fast. */
function olderPackage(): string {
  const file = join(out, `lanline_${olderVersion}_${architecture}.deb`)
  const newer = join(out, `lanline_${version}_${architecture}.deb`)
  const work = mkdtempSync(join(out, 'older-'))
  try {
    execFileSync('dpkg-deb', ['-R', newer, work])
    for (const [path, from, to] of [
      ['DEBIAN/control', `Version: ${version}`, `Version: ${olderVersion}`],
      ['usr/lib/lanline/package.json', `"version": "${version}"`, `"version": "${olderVersion}"`],
    ] as const) {
      writeFileSync(join(work, path), readFileSync(join(work, path), 'utf8').replace(from, to))
    }
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', work, file], {
      stdio: 'ignore',
    })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return file
}

async function tryOut(suite: string, archive: string, older: string): Promise<void> {
  const machine = await Machine.boot(archive, join(out, 'test-deb'))
  const step = async (what: string, work: () => Promise<string> | string): Promise<void> => {
    let found: string
    let held = true
    try {
      found = await work()
    } catch (error) {
      held = false
      found = error instanceof Error ? error.message : String(error)
    }
    rows.push({ suite, what, held, found })
    process.stdout.write(`${suite}  ${held ? 'ok  ' : 'FAIL'}  ${what}: ${found}\n`)
    if (!held) process.stdout.write(`${machine.sh('journalctl -u lanline --no-pager -n 25')}\n`)
  }
  const phones = machine.beside([process.execPath, join(import.meta.dirname, 'phone.ts'), machine.address])
  const answers = createInterface(phones.stdout!)[Symbol.asyncIterator]()
  const phone = async (words: string, expected: string): Promise<string> => {
    phones.stdin!.write(`${words}\n`)
    const { value } = await answers.next()
    if (value !== expected) throw new Error(`${words.split(' ')[0]}: ${value}`)
    return value
  }
  const call = (): Promise<string> => phone(`call ${passwords.hall}`, 'INVITE 200, BYE 200')
  const mainPid = (): number => Number(machine.show('MainPID'))
  const restarted = (before: number, seconds: number): Promise<number> =>
    until(
      'the service runs anew',
      seconds,
      () => mainPid() !== before && mainPid() > 0 && machine.show('ActiveState') === 'active',
    )
  const must = (command: readonly string[], input = ''): string => {
    const { code, text } = machine.run(command, input)
    if (code !== 0)
      throw new Error(
        `${command.join(' ')} ended with ${code}: ${text.trim().split('\n').slice(-3).join(' / ')}`,
      )
    return text.trim()
  }
  const install = (file: string): string => {
    copyFileSync(file, join(machine.directory, 'root/lanline.deb'))
    const begin = performance.now()
    must(['apt-get', 'install', '-y', '-qq', '/root/lanline.deb'])
    return `${((performance.now() - begin) / 1_000).toFixed(1)} s`
  }

  try {
    const before = traces(machine)
    await step('apt installs it, enabled and started', () => {
      const took = install(older)
      if (must(['systemctl', 'is-enabled', 'lanline']) !== 'enabled') throw new Error('it is not enabled')
      if (machine.show('ActiveState') !== 'active') throw new Error(machine.show('ActiveState'))
      return `${took} until active; ${machine.show('StatusText')}`
    })
    await step('the unit is right (systemd-analyze verify)', () => {
      const said = must(['systemd-analyze', 'verify', 'lanline.service'])
      // Of the machine's own units it may complain.
      if (/lanline/.test(said)) throw new Error(said)
      return 'nothing to say'
    })
    await step('its exposure is at most 1.5 (systemd-analyze security)', () =>
      must(['systemd-analyze', 'security', `--threshold=${exposureLimit}`, '--no-pager', 'lanline.service'])
        .split('\n')
        .at(-1)!
        .replace(/^→ /, ''),
    )
    await step('it runs as its own user with one right', () => {
      const status = machine.sh(`cat /proc/${mainPid()}/status`)
      const uid = /^Uid:\s+(\d+)/m.exec(status)![1]!
      const capabilities = /^CapBnd:\s+(\w+)/m.exec(status)![1]!
      if (uid === '0' || capabilities !== '0000000000000400') throw new Error(`uid ${uid}, ${capabilities}`)
      return `uid ${uid}, CAP_NET_BIND_SERVICE`
    })
    await step('root’s command line finds it and leaves no file of root’s', () => {
      for (const [user, password] of Object.entries(passwords))
        must(['lanline', 'user', 'add', user, '--password-stdin'], `${password}\n`)
      must(['lanline', 'invite'])
      must(['lanline', 'backup', '/root/kept.backup', '--passphrase-stdin'], 'four words of many letters\n')
      // On a network of two hosts it may find something to say; that it looks is what counts.
      if (!/running for/.test(machine.run(['lanline', 'doctor']).text))
        throw new Error('doctor found no lanline')
      const others = machine.sh('find /var/lib/lanline ! -user lanline')
      if (others !== '') throw new Error(others)
      return 'user add, invite, backup, doctor'
    })
    await step(
      'lanline try: a call of its own',
      () =>
        must(['lanline', 'try'])
          .split('\n')
          .find(line => line.endsWith('all is well'))!,
    )
    await step('a phone registers over UDP and is called', async () => {
      const registered = await phone(`register ${passwords.desk}`, 'REGISTER 200')
      return `${registered}; ${await call()}`
    })
    await step('STATUS follows', async () => {
      await until('"1 registered" in the status', 20, () =>
        machine.show('StatusText').includes('1 registered'),
      )
      return machine.show('StatusText')
    })
    await step('an upgrade keeps people and registrations', async () => {
      const pid = mainPid()
      const took = install(join(out, `lanline_${version}_${architecture}.deb`))
      if (mainPid() === pid) throw new Error('the old one still runs')
      if (!must(['lanline', 'version']).includes(`lanline ${version} `))
        throw new Error('the old version is there')
      if (!/desk/.test(must(['lanline', 'user', 'list']))) throw new Error('desk is gone')
      return `${took}; ${await call()}`
    })
    await step('kill -9: it is back, and the phone is still called', async () => {
      const pid = mainPid()
      machine.sh(`kill -9 ${pid}`)
      const seconds = await restarted(pid, 20)
      return `ready after ${seconds.toFixed(1)} s; ${await call()}`
    })
    await step('systemctl stop takes less than 2 s', async () => {
      const begin = performance.now()
      must(['systemctl', 'stop', 'lanline'])
      const seconds = (performance.now() - begin) / 1_000
      const result = machine.show('Result')
      must(['systemctl', 'start', 'lanline'])
      if (seconds >= 2 || result !== 'success') throw new Error(`${seconds.toFixed(2)} s, ${result}`)
      return `${seconds.toFixed(2)} s`
    })
    await step('what stands still (SIGSTOP) is started anew by the watchdog', async () => {
      const pid = mainPid()
      await wait(1_000)
      machine.sh(`kill -STOP ${pid}`)
      const seconds = await restarted(pid, 60)
      if (!machine.sh('journalctl -u lanline --no-pager').includes('Watchdog timeout'))
        throw new Error('not by the watchdog')
      return `after ${seconds.toFixed(0)} s (WatchdogSec=30)`
    })
    await step('a relay that hangs is replaced; the service goes on', async () => {
      const pid = mainPid()
      await stick(machine, pid, 'turn/worker.ts')
      const seconds = await until('the relay is back', 60, () =>
        machine.sh('journalctl -u lanline --no-pager -n 30').includes('"relayBack"'),
      )
      if (mainPid() !== pid) throw new Error('the whole was started anew')
      return `after ${seconds.toFixed(0)} s, same process; ${await call()}`
    })
    await step('a store that hangs is started anew with everything, by the watchdog', async () => {
      const pid = mainPid()
      await stick(machine, pid, 'store/worker.ts')
      const seconds = await restarted(pid, 90)
      return `after ${seconds.toFixed(0)} s; ${await call()}`
    })
    await step('a restart that lanline asks for', async () => {
      const pid = mainPid()
      must(['/usr/lib/lanline/bin/node', '-e', askRestart])
      const seconds = await restarted(pid, 20)
      if (!machine.sh('journalctl -u lanline --no-pager -n 20').includes('"event":"restart"'))
        throw new Error('it did not ask')
      return `after ${seconds.toFixed(1)} s`
    })
    await step('settings that are wrong are tried again until they are right', async () => {
      machine.sh('echo "[sip]\nport = 99999" > /etc/lanline/lanline.toml; systemctl restart lanline')
      await until('starts', 120, () => Number(machine.show('NRestarts')) >= starts)
      const said = machine.sh('journalctl -u lanline --no-pager | grep "sip.port: found" | tail -n 1')
      machine.sh('rm /etc/lanline/lanline.toml')
      const seconds = await until('it runs by itself', 20, () => machine.show('ActiveState') === 'active')
      if (!said.includes('allowed')) throw new Error('it did not say why')
      return `${starts} starts, then up ${seconds.toFixed(1)} s after they were put right`
    })
    await step('what a supervised minute costs when idle', async () => {
      const used = (): number => {
        const fields = machine.sh(`cat /proc/${mainPid()}/stat`).split(') ')[1]!.split(' ')
        return Number(fields[11]) + Number(fields[12])
      }
      const begin = used()
      await wait(60_000)
      const resident = Number(/VmRSS:\s+(\d+)/.exec(machine.sh(`cat /proc/${mainPid()}/status`))![1])
      return `${(used() - begin) * 10} ms of CPU (six rounds of questions are in it), ${Math.round(resident / 1_000)} MB resident`
    })
    await step('the drop-in for captures gives one right more, and calls are captured with it', async () => {
      machine.sh(
        'mkdir -p /etc/systemd/system/lanline.service.d; cp /usr/share/doc/lanline/examples/capture.conf /etc/systemd/system/lanline.service.d/',
      )
      must(['systemctl', 'daemon-reload'])
      must(['systemctl', 'restart', 'lanline'])
      const capabilities = /^CapEff:\s+(\w+)/m.exec(machine.sh(`cat /proc/${mainPid()}/status`))![1]!
      if (capabilities !== '0000000000002400') throw new Error(capabilities)
      const answered = await call()
      const said = (): string =>
        machine.sh('journalctl -u lanline --no-pager | grep -iE "captur" | tail -n 1')
      await until('it captures', 10, () => said().includes('capturing'))
      return `${answered}; ${said().replace(/^[^{]*/, '')}`
    })
    await step('remove keeps what it knows, and it is there when it comes back', () => {
      must(['apt-get', 'remove', '-y', '-qq', 'lanline'])
      if (existsSync(join(machine.directory, 'usr/lib/lanline')))
        throw new Error(machine.sh('find /usr/lib/lanline | head'))
      if (!existsSync(join(machine.directory, 'var/lib/lanline/lanline.db')))
        throw new Error('the database is gone')
      if (machine.show('ActiveState') !== 'inactive') throw new Error('it still runs')
      install(join(out, `lanline_${version}_${architecture}.deb`))
      if (!/desk/.test(must(['lanline', 'user', 'list']))) throw new Error('desk is gone')
      return 'desk is still there'
    })
    await step('purge leaves nothing', () => {
      must(['apt-get', 'purge', '-y', '-qq', 'lanline'])
      machine.sh('rm -f /root/lanline.deb /root/kept.backup')
      const after = traces(machine)
      const left = [...after].filter(line => !before.has(line))
      const lost = [...before].filter(line => !after.has(line))
      if (left.length + lost.length > 0)
        throw new Error([...left.map(line => `+ ${line}`), ...lost.map(line => `- ${line}`)].join('\n'))
      return `${after.size} files, users and units compared`
    })
  } finally {
    phones.stdin!.end()
    await machine.end()
  }
}

/** Files and directories, users and groups, units that systemd knows. */
function traces(machine: Machine): Set<string> {
  const left = [
    '/proc',
    '/sys',
    '/dev',
    '/run',
    '/tmp',
    '/var/tmp',
    '/var/log',
    '/var/cache/apt',
    '/var/cache/debconf',
    '/var/lib/dpkg',
    '/var/lib/apt',
  ]
  const prune = left.map(path => `-path ${path}`).join(' -o ')
  const files = machine.sh(`find / -xdev \\( ${prune} \\) -prune -o -print`).split('\n')
  // Those that end in - are what the tools for users keep of the file before.
  const kept = files.filter(
    path => !/^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$|apt\/extended_states$/.test(path),
  )
  const people = machine.sh('cat /etc/passwd /etc/group /etc/shadow /etc/gshadow').split('\n')
  const units = machine
    .sh('systemctl list-unit-files --no-legend; systemctl list-units --no-legend "lanline*"')
    .split('\n')
  return new Set([...kept, ...people, ...units.map(line => line.trim())])
}

const askRestart = `
  const { request } = require('node:http')
  const options = { socketPath: '/var/lib/lanline/lanline.sock', path: '/api/v1/help/restart', method: 'POST', headers: { host: 'localhost' } }
  request(options, answer => process.exit(answer.statusCode < 300 ? 0 : 1)).end()
`

const older = olderPackage()
for (const one of archives) {
  const [suite, archive] = one.split('=') as [string, string]
  await tryOut(suite, archive, older)
}
const width = Math.max(...rows.map(({ what }) => what.length))
process.stdout.write('\n')
for (const { suite, what, held, found } of rows)
  process.stdout.write(
    `${suite.padEnd(9)} ${held ? 'holds ' : 'FAILS '} ${what.padEnd(width)}  ${found.split('\n')[0]}\n`,
  )
const failed = rows.filter(({ held }) => !held).length
process.stdout.write(`\n${rows.length - failed} hold, ${failed} fail\n`)
process.exitCode = failed > 0 ? 1 : 0
