/**
 * What the container has to stand, with Docker and Podman, as somebody with a NAS uses it.
 * `container.ts VERSION OLDER ARCHITECTURE FOREIGN EMULATOR SUITE=ARCHIVE…`; prints each step as it is done, and a table; exit code 1
 * when something does not hold.
 */

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Engine, type EngineName, lastOf } from './engine.ts'
import { until } from './machine.ts'
import { Nas } from './nas.ts'

const [version, older, architecture, foreign, emulator, ...archives] = process.argv.slice(2) as [
  ...[string, string, string, string, string],
  ...string[],
]
const out = join(import.meta.dirname, '../out')
const passwords = { desk: 'a-desk-in-the-hall-1', hall: 'a-wall-in-the-hall-2' }
const fileOf = (each: string, number: string): string => `lanline-${number}-container-${each}.tar`

interface Row {
  readonly where: string
  readonly what: string
  readonly held: boolean
  readonly found: string
}
const rows: Row[] = []

async function tryOut(suite: string, nas: Nas, name: EngineName): Promise<void> {
  const engine = new Engine(nas, name)
  const where = `${suite} ${name}`
  const step = async (what: string, work: () => Promise<string> | string): Promise<void> => {
    let found: string
    let held = true
    try {
      found = await work()
    } catch (error) {
      held = false
      found = error instanceof Error ? error.message : String(error)
    }
    rows.push({ where, what, held, found })
    process.stdout.write(`${where}  ${held ? 'ok  ' : 'FAIL'}  ${what}: ${found}\n`)
    if (!held) process.stdout.write(`${lastOf(engine.log())}\n`)
  }
  const beside = (script: string, ...words: string[]) =>
    nas.beside([process.execPath, join(import.meta.dirname, script), ...words])
  const visit = async <Told>(...words: string[]): Promise<Told> => {
    for await (const line of createInterface(beside('visitor.ts', ...words).stdout!))
      return JSON.parse(line) as Told
    throw new Error(`${words[0]}: no answer`)
  }
  const phones = beside('phone.ts', nas.address)
  const answers = createInterface(phones.stdout!)[Symbol.asyncIterator]()
  const phone = async (words: string, expected: string): Promise<string> => {
    phones.stdin!.write(`${words}\n`)
    const { value } = await answers.next()
    if (value !== expected) throw new Error(`${words.split(' ')[0]}: ${value}`)
    return value
  }
  const call = (): Promise<string> => phone(`call ${passwords.hall}`, 'INVITE 200, BYE 200')
  const composes = name === 'docker' && nas.run(['docker', 'compose', 'version']).code === 0
  const begin = (number: string): void =>
    composes ? engine.compose(number) : engine.start({ version: number })
  /** As whoever starts it finds in the log why it does not run. */
  const refusal = async (): Promise<string> => {
    const code = await engine.untilEnded()
    const said = engine.log().trim()
    if (code !== 1 || said.includes('\n')) throw new Error(`ended with ${code}: ${lastOf(said)}`)
    return said
  }
  const must = (said: string, ...patterns: readonly RegExp[]): string => {
    for (const pattern of patterns)
      if (!pattern.test(said)) throw new Error(`without ${pattern}: ${lastOf(said)}`)
    return said
  }

  try {
    const engineVersion = engine.must([
      'version',
      '--format',
      name === 'docker' ? '{{.Server.Version}}' : '{{.Client.Version}}',
    ])
    await step('load takes the file', () => {
      const number = engine.must(['load', '-q', '-i', `/root/${fileOf(architecture, older)}`])
      engine.must(['load', '-q', '-i', `/root/${fileOf(architecture, version)}`])
      const size = Number(engine.must(['image', 'inspect', '-f', '{{.Size}}', `lanline:${version}`]))
      return `${name} ${engineVersion}: ${lastOf(number)}; ${Math.round(size / 1e6)} MB unpacked`
    })
    await step(
      composes ? 'it starts by the compose.yml of the docs' : 'it starts by the line of the docs',
      async () => {
        begin(older)
        return `well after ${(await engine.untilWell()).toFixed(1)} s`
      },
    )
    await step('the engine’s health check says so too', async () => {
      if (name === 'podman')
        return engine.must(['healthcheck', 'run', 'lanline']) || 'podman healthcheck run: 0'
      const seconds = await until('it is healthy', 90, () => engine.state('Health.Status') === 'healthy')
      return `healthy, ${seconds.toFixed(0)} s later`
    })
    await step('it is a user without rights, who cannot get any', () => {
      const status = nas.sh(`cat /proc/${engine.state('Pid')}/status`)
      const field = (key: string): string => new RegExp(`^${key}:\\s+(\\S+)`, 'm').exec(status)![1]!
      const rights = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(field)
      if (field('Uid') !== '700' || field('NoNewPrivs') !== '1' || rights.some(each => !/^0+$/.test(each)))
        throw new Error(`uid ${field('Uid')}, NoNewPrivs ${field('NoNewPrivs')}, ${rights.join(' ')}`)
      return 'uid 700, no capability, no_new_privs'
    })
    await step('the system is read-only, its data are its own', () => {
      const write = (path: string) => engine.try(['exec', 'lanline', 'sh', '-c', `echo x >${path}`])
      if (write('/usr/lib/lanline/x').code === 0) throw new Error('the program can be changed')
      if (write('/tmp/x').code !== 0) throw new Error('/tmp cannot be written')
      const open = engine.must([
        'exec',
        'lanline',
        'sh',
        '-c',
        'for each in *; do [ -d $each ] || echo $each; done',
      ])
      return `${open.split('\n').length} files in the volume`
    })
    await step('it is found over mDNS, at ports that a NAS leaves free', async () => {
      const found = await visit<{ hostname: string; addresses: string[]; port: number }[]>('find', '10')
      const said = JSON.stringify(found[0] ?? 'nothing')
      return must(said, /"lanline\.local"/, /10\.77\.0\.1/, /2443/).slice(0, 100)
    })
    await step('it is claimed from the network without a code', async () => {
      const { status } = await visit<{ status: number }>('claim', nas.address, '2443')
      const { body } = await visit<{ body: { claimed: boolean } }>('setup', nas.address, '2443')
      if (status !== 201 || !body.claimed) throw new Error(`${status}`)
      return '201'
    })
    await step('the command line inside', () => {
      for (const [user, password] of Object.entries(passwords))
        engine.lanline(['user', 'add', user, '--password-stdin'], `${password}\n`)
      engine.lanline(['backup', 'house.backup', '--passphrase-stdin'], 'four words of many letters\n')
      const { text } = engine.try(['exec', 'lanline', 'lanline', 'doctor'])
      if (/own network|PROBLEM/.test(text)) throw new Error(text)
      return `user add, backup; doctor: ${text.split('\n').filter(line => line.startsWith('ok')).length} ok, no problem`
    })
    await step(
      'lanline try inside: a call of its own',
      () =>
        engine
          .lanline(['try'])
          .split('\n')
          .find(line => line.endsWith('all is well'))!,
    )
    await step('a phone of the network registers and is called', async () => {
      const registered = await phone(`register ${passwords.desk}`, 'REGISTER 200')
      return `${registered}; ${await call()}`
    })
    await step('restart: people and registrations are there', async () => {
      engine.must(['restart', 'lanline'])
      const seconds = await engine.untilWell()
      must(engine.lanline(['user', 'list']), /desk/, /Olga/)
      return `well after ${seconds.toFixed(1)} s; ${await call()}`
    })
    await step('a newer number on the same volume: the same', async () => {
      must(engine.lanline(['version']), new RegExp(`lanline ${older.replaceAll('.', '\\.')} `))
      begin(version)
      const seconds = await engine.untilWell()
      must(engine.lanline(['version']), new RegExp(`lanline ${version.replaceAll('.', '\\.')} `))
      must(engine.lanline(['user', 'list']), /desk/, /Olga/)
      return `well after ${seconds.toFixed(1)} s; ${await call()}`
    })
    await step('stop takes less than 2 s, in order', () => {
      const from = performance.now()
      engine.must(['stop', 'lanline'])
      const seconds = (performance.now() - from) / 1_000
      const code = engine.state('ExitCode')
      if (seconds >= 2 || code !== '0') throw new Error(`${seconds.toFixed(2)} s, exit code ${code}`)
      return `${seconds.toFixed(2)} s`
    })
    const mine = `/volume1/of-${name}`
    await step('a folder that belongs to somebody else: says whose, and what to do', async () => {
      nas.sh(`mkdir -p ${mine}; chown 1026:100 ${mine}; chmod 700 ${mine}`)
      engine.start({ version, data: mine })
      return must(await refusal(), /belongs to user 1026:100/, /chown -R 700:700/, /user: "1026:100"/)
    })
    await step('either advice helps', async () => {
      engine.start({ version, data: mine, more: ['--user', '1026:100'] })
      const first = await engine.untilWell()
      engine.remove()
      nas.sh(`chown -R 700:700 ${mine}`)
      engine.start({ version, data: mine })
      const second = await engine.untilWell()
      const others = nas.sh(`find ${mine} ! -user 700 -o -type f -perm /077`)
      if (others !== '') throw new Error(others)
      return `--user: well after ${first.toFixed(1)} s; chown: after ${second.toFixed(1)} s; files are mode 0600`
    })
    await step('a folder mounted read-only', async () => {
      engine.start({
        version,
        data: 'unused',
        more: ['--user', '700:700', '-v', `${mine}:/srv/data:ro`, '-e', 'LANLINE_DATA_DIR=/srv/data'],
      })
      return must(await refusal(), /mounted read-only/)
    })
    await step('a network of the container’s own: start and doctor say so', async () => {
      const bridge = name === 'docker' ? 'bridge' : 'podman'
      engine.start({ version, data: 'scratch', network: bridge })
      await engine.untilWell()
      must(
        engine.try(['exec', 'lanline', 'lanline', 'doctor']).text,
        /PROBLEM {2}networks: .*of its own/,
        /network_mode: host/,
      )
      const said = must(engine.log(), /of its own, which phones do not reach\. Give it/)
      return said.split('\n').find(line => line.includes('of its own'))!
    })
    await step('a port that is taken', async () => {
      const holder = nas.inNetwork([process.execPath, '-e', 'require("net").createServer().listen(2443)'])
      try {
        await until('the port is taken', 10, () => nas.sh('ss -tln').includes(':2443'))
        engine.start({ version, data: 'scratch' })
        await engine.untilWell()
        const moved = must(engine.log(), /port 2443 \(http\.tls_port\) is taken, using 2444/)
        engine.start({ version, data: 'scratch', environment: { LANLINE_HTTP_TLS_PORT: '2443' } })
        must(await refusal(), /port 2443 \(http\.tls_port\) is taken.*set http\.tls_port to another/)
        return `${moved.split('\n').find(line => line.startsWith('port '))}; set, it ends and says so`
      } finally {
        holder.kill('SIGKILL')
      }
    })
    await step('beside the avahi-daemon of the NAS, sharing its port', async () => {
      beginAvahi(nas, false)
      engine.start({ version, data: 'scratch' })
      await engine.untilWell()
      return must(JSON.stringify(await visit('find', '15')), /"lanline\.local"/, /2443/).slice(0, 100)
    })
    await step('published by an avahi-daemon that shares with nobody', async () => {
      // Who shares with nobody does not start beside anybody.
      engine.remove()
      beginAvahi(nas, true)
      const bus = '/run/dbus/system_bus_socket'
      const environment = { LANLINE_MDNS_MODE: 'avahi' }
      const more = ['-v', `${bus}:${bus}`]
      engine.start({ version, data: 'scratch', environment, more })
      await engine.untilWell()
      await until('it says whom the bus turns away', 10, () => engine.log().includes('turns away user 700'))
      // www-data, a user of every Debian.
      const folder = `/volume1/known-${name}`
      nas.sh(`mkdir ${folder}; chown 33:33 ${folder}`)
      engine.start({ version, data: folder, environment, more: [...more, '--user', '33:33'] })
      await engine.untilWell()
      must(engine.try(['exec', 'lanline', 'lanline', 'doctor']).text, /published through avahi-daemon/)
      return must(JSON.stringify(await visit('find', '15')), /"lanline\.local"/, /2443/).slice(0, 100)
    })
    endAvahi(nas)
    const platform = ['--platform', `linux/${foreign}`]
    await step(`the image for ${foreign} loads, and its program runs, translated`, async () => {
      engine.remove()
      engine.must(['rmi', '-f', `lanline:${version}`])
      engine.must(['load', '-q', '-i', `/root/${fileOf(foreign, version)}`])
      const said = engine.must([
        'run',
        '--rm',
        ...platform,
        '--network',
        'none',
        `lanline:${version}`,
        'version',
      ])
      return `${engine.must(['image', 'inspect', '-f', '{{.Architecture}}', `lanline:${version}`])}: ${lastOf(said)}`
    })
    await step(`the one for ${foreign} starts as a whole`, async () => {
      engine.start({ version, data: 'foreign', environment: { LANLINE_MDNS_MODE: 'off' }, more: platform })
      const seconds = await engine.untilWell(240)
      engine.must(['stop', 'lanline'])
      return `well after ${seconds.toFixed(0)} s`
    })
  } finally {
    engine.remove()
    phones.stdin!.end()
  }
}

function beginAvahi(nas: Nas, alone: boolean): void {
  endAvahi(nas)
  nas.sh('mkdir -p /run/dbus; pgrep dbus-daemon || dbus-daemon --system --fork')
  nas.sh(
    `sed -i 's/^#\\?disallow-other-stacks=.*/disallow-other-stacks=${alone ? 'yes' : 'no'}/' /etc/avahi/avahi-daemon.conf`,
  )
  const { code, text } = nas.run(['avahi-daemon', '--daemonize', '--no-rlimits'])
  if (code !== 0) throw new Error(`avahi-daemon: ${lastOf(text)}`)
}

/** Until it is gone, no other starts. */
function endAvahi(nas: Nas): void {
  nas.sh('avahi-daemon --kill; while avahi-daemon --check; do sleep 0.1; done')
}

const magics = {
  arm64: ['\\x02\\x00\\xb7\\x00', '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00'],
  amd64: ['\\x02\\x00\\x3e\\x00', '\\xff\\xff\\xff\\xff\\xff\\xfe\\xfe\\x00'],
} as const

/** Has the kernel run the other architecture's programs by the emulator, in containers too (F), until what is returned is called. */
function translate(): () => void {
  const directory = '/proc/sys/fs/binfmt_misc'
  const rule = join(directory, 'lanline-foreign')
  const mounts = !existsSync(join(directory, 'register'))
  if (mounts) execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', directory])
  const forget = (): void => {
    if (existsSync(rule)) writeFileSync(rule, '-1')
  }
  const end = (): void => {
    forget()
    if (mounts) execFileSync('umount', [directory])
  }
  forget()
  const [machine, mask] = magics[foreign as keyof typeof magics]
  const head = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'
  const rest = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
  writeFileSync(
    join(directory, 'register'),
    `:lanline-foreign:M::${head}${machine}:${mask}${rest}:${emulator}:F`,
  )
  return end
}

const untranslate = translate()
try {
  for (const one of archives) {
    const [suite, archive] = one.split('=') as [string, string]
    const nas = await Nas.boot(archive, join(out, 'test-container'))
    try {
      mkdirSync(join(nas.directory, 'root'), { recursive: true })
      for (const file of [
        fileOf(architecture, version),
        fileOf(architecture, older),
        fileOf(foreign, version),
      ])
        copyFileSync(join(out, file), join(nas.directory, 'root', file))
      for (const name of ['docker', 'podman'] as const) await tryOut(suite, nas, name)
    } finally {
      await nas.end()
    }
  }
} finally {
  untranslate()
}
const width = Math.max(...rows.map(({ what }) => what.length))
process.stdout.write('\n')
for (const { where, what, held, found } of rows)
  process.stdout.write(
    `${where.padEnd(15)} ${held ? 'holds ' : 'FAILS '} ${what.padEnd(width)}  ${found.split('\n')[0]}\n`,
  )
const failed = rows.filter(({ held }) => !held).length
process.stdout.write(`\n${rows.length - failed} hold, ${failed} fail\n`)
process.exitCode = failed > 0 ? 1 : 0
