/** The lanline command as a process, on free ports and a data directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Health, RelayGrant } from '../../src/admin/message.ts'

const root = join(import.meta.dirname, '../..')
const main = join(root, 'src/main.ts')
let directory: string
let data: string
const running = new Set<ChildProcess>()

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lanline-command-'))
  data = join(directory, 'data')
  const ports = ['http', 'sip', 'turn'].map(section => `[${section}]\nport = 0\ntls_port = 0\n`).join('')
  writeFileSync(join(directory, 'lanline.toml'), `[data]\ndir = ${JSON.stringify(data)}\n${ports}`)
})
afterEach(async () => {
  for (const child of running) await end(child, 'SIGKILL')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `seenIn`: this program as it is seen in that folder, wherever it lies (needs root). */
function start(args: readonly string[], env: Record<string, string> = {}, seenIn = '') {
  const own = [...args, '--config', join(directory, 'lanline.toml')]
  const mounted = ['-m', 'sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', root, seenIn]
  const [command, words] =
    seenIn === ''
      ? [process.execPath, [main, ...own]]
      : ['unshare', [...mounted, process.execPath, join(seenIn, 'src/main.ts'), ...own]]
  const child = spawn(command, words, { env: { ...process.env, ...env } })
  running.add(child)
  const state = { out: '', err: '' }
  child.stdout.on('data', text => {
    state.out += text
  })
  child.stderr.on('data', text => {
    state.err += text
  })
  const ended = new Promise<Ended>(resolve =>
    child.once('close', code => {
      running.delete(child)
      resolve({ code, ...state })
    }),
  )
  return { child, state, ended }
}

function lanline(
  args: readonly string[],
  input = '',
  env: Record<string, string> = {},
  seenIn = '',
): Promise<Ended> {
  const started = start(args, env, seenIn)
  started.child.stdin.end(input)
  return started.ended
}

async function serve() {
  const started = start(['serve'])
  await new Promise<void>((resolve, reject) => {
    started.child.stdout.on('data', () => started.state.out.includes('lanline ready') && resolve())
    void started.ended.then(({ err }) => reject(new Error(err)))
  })
  return { ...started, page: /this computer (\S+)/.exec(started.state.out)![1]! }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('close', resolve))
  child.kill(signal)
  await gone
}

describe('lanline serve', () => {
  it('says where it is and how to claim it, answers health, and leaves on SIGTERM without a trace', async () => {
    const daemon = await serve()
    expect(daemon.state.out).toMatch(/^lanline ready https:\/\/lanline\.local:\d+\/$/m)
    expect(daemon.state.out).toMatch(
      /^claim it as its owner: http:\/\/localhost:\d+\/admin\/#claim=[0-9a-f]{48}$/m,
    )
    expect(daemon.state.out).toMatch(/^setup code [0-9A-Z]{4}-[0-9A-Z]{4}$/m)
    expect(readFileSync(join(data, 'lanline.pid'), 'utf8')).toBe(`${daemon.child.pid}\n`)
    expect(statSync(join(data, 'lanline.sock')).mode & 0o777).toBe(0o600)
    const health = (await (await fetch(`${daemon.page}api/v1/health`)).json()) as Health
    expect(health.status).toBe('ok')
    expect(Object.keys(health.parts)).toEqual(['sip', 'signalling', 'discovery', 'relay', 'web', 'store'])
    daemon.child.kill('SIGTERM')
    expect((await daemon.ended).code).toBe(0)
    expect(['lanline.pid', 'lanline.sock'].filter(name => existsSync(join(data, name)))).toEqual([])
  })

  it('starts again after SIGKILL', async () => {
    const first = await serve()
    await end(first.child, 'SIGKILL')
    const second = await serve()
    expect((await lanline(['user', 'list'])).code).toBe(0)
    await end(second.child, 'SIGINT')
  })

  it.each([
    ['whoever reads its log is gone', 'pipe'],
    ['the disk that takes its log is full', '/dev/full'],
  ])('starts and goes on where %s', async (_, where) => {
    const log = where === 'pipe' ? where : openSync(where, 'w')
    const child = spawn(process.execPath, [main, 'serve', '--config', join(directory, 'lanline.toml')], {
      stdio: ['ignore', log, log],
    })
    running.add(child)
    if (typeof log === 'number') closeSync(log)
    for (const stream of [child.stdout, child.stderr]) stream?.destroy()
    const listed = () => lanline(['device', 'list']).then(({ code }) => code)
    await expect.poll(listed, { timeout: 60_000 }).toBe(0)
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    running.delete(child)
    expect(code).toBe(0)
  })

  it('refuses a data directory that another one holds', async () => {
    const first = await serve()
    const second = await lanline(['serve'])
    expect(second.code).toBe(1)
    expect(second.err).toContain(String(first.child.pid))
    await end(first.child, 'SIGINT')
  })

  it('refuses an explicit port that is taken, naming port, key and process', async () => {
    const holder = createServer()
    await new Promise<void>(resolve => holder.listen(0, resolve))
    const { port } = holder.address() as { port: number }
    const tried = await lanline(['serve'], '', { LANLINE_SIP_PORT: String(port) })
    expect(tried.code).toBe(1)
    expect(tried.err).toMatch(
      new RegExp(`^lanline: port ${port} \\(sip\\.port\\) is taken by .*\\(pid ${process.pid}\\)`),
    )
    expect(tried.err.trimEnd().split('\n')).toHaveLength(1)
    holder.close()
  })

  it('is what others find on its ports, by name', async () => {
    const first = await serve()
    const { port } = new URL(first.page)
    const tried = await lanline(['serve'], '', {
      LANLINE_DATA_DIR: join(directory, 'other'),
      LANLINE_HTTP_PORT: port,
    })
    expect(tried.code).toBe(1)
    expect(tried.err).toContain(
      `port ${port} (http.port) is taken by lanline (pid ${first.child.pid}); stop that program`,
    )
    await end(first.child, 'SIGINT')
  })

  it('refuses a data directory that cannot be made, in one line that says what to do', async () => {
    const file = join(directory, 'a-file')
    writeFileSync(file, '')
    const tried = await lanline(['serve'], '', { LANLINE_DATA_DIR: join(file, 'data') })
    expect(tried).toMatchObject({ code: 1, out: '' })
    expect(tried.err).toMatch(/^lanline: ENOTDIR: .*a-file.*; .* choose another place \(data\.dir\)\n$/)
  })

  it('refuses a configuration it does not understand', async () => {
    const tried = await lanline(['serve'], '', { LANLINE_SIP_PROT: '5060' })
    expect(tried).toMatchObject({ code: 1, out: '' })
    expect(tried.err).toMatch(/environment LANLINE_SIP_PROT: sip\.prot: no such key/)
  })
})

describe('lanline-setup.txt', () => {
  it('names place and host while nobody owns the appliance, and no longer afterwards', async () => {
    mkdirSync(data, { recursive: true })
    const file = join(data, 'lanline-setup.txt')
    writeFileSync(file, 'setup_code = AB12-CD34\nplace = Mill Lane 4\nhostname = mill-4\n')
    const first = await serve()
    expect(first.state.out).toMatch(/^lanline ready https:\/\/mill-4(-\d+)?\.local:/m)
    const setup = await fetch(`${first.page}api/v1/setup`)
    expect(await setup.json()).toMatchObject({ claimed: false, place: 'Mill Lane 4' })
    const claim = {
      code: 'AB12-CD34',
      place: 'Barn',
      displayName: 'Olivia',
      password: 'correct horse battery',
    }
    const headers = { 'content-type': 'application/json' }
    const claimed = await fetch(`${first.page}api/v1/setup`, {
      method: 'POST',
      headers,
      body: JSON.stringify(claim),
    })
    expect(claimed.status).toBe(201)
    await end(first.child, 'SIGINT')
    writeFileSync(file, 'place = Elsewhere\nhostname = elsewhere\n')
    const second = await serve()
    expect(second.state.out).toMatch(/^lanline ready https:\/\/mill-4(-\d+)?\.local:/m)
    expect(await (await fetch(`${second.page}api/v1/setup`)).json()).toMatchObject({ place: 'Barn' })
    await end(second.child, 'SIGINT')
    rmSync(data, { recursive: true })
  })
})

describe.skipIf(process.getuid?.() !== 0)('root, on the data of the service’s user (needs root)', () => {
  let place: string
  let theirs: string
  let program: string
  const on = (args: readonly string[], input: string): Promise<Ended> =>
    lanline(args, input, { LANLINE_DATA_DIR: theirs }, program)

  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'lanline-theirs-'))
    theirs = join(place, 'data')
    program = join(place, 'opt/lanline')
    chmodSync(place, 0o711)
    mkdirSync(theirs, { mode: 0o700 })
    chownSync(theirs, nobody, nobody)
    mkdirSync(program, { recursive: true })
  })
  afterEach(() => rmSync(place, { recursive: true }))

  it('says so where they cannot read the program', async () => {
    chmodSync(join(place, 'opt'), 0o700)
    const { code, err } = await on(['user', 'add', 'ann'], '')
    expect(code).toBe(1)
    expect(err).toContain(`cannot read ${program}; use the lanline that is installed`)
    expect(readdirSync(theirs)).toEqual([])
  })

  it('follows no link that lies there, and leaves everything theirs', async () => {
    const ours = join(place, 'kept')
    const backup = join(place, 'all.backup')
    const passphrase = 'three words and one\n'
    const link = (name: string): void => {
      rmSync(join(theirs, name), { force: true })
      symlinkSync(ours, join(theirs, name))
    }
    writeFileSync(ours, 'only root reads this', { mode: 0o600 })

    const early = await on(['backup', backup, '--passphrase-stdin'], passphrase)
    expect(early).toMatchObject({ code: 1, err: expect.stringContaining('nothing to back up in') })
    expect(await on(['user', 'add', 'ann'], '')).toMatchObject({ code: 0, err: '' })
    expect((await on(['backup', backup, '--passphrase-stdin'], passphrase)).code).toBe(0)
    expect(statSync(backup)).toMatchObject({ uid: 0, mode: 0o100600 })
    expect((await on(['restore', backup, '--passphrase-stdin'], passphrase)).code).toBe(0)
    for (const name of readdirSync(theirs)) expect(lstatSync(join(theirs, name)).uid, name).toBe(nobody)

    for (const name of ['lanline.reserve', 'lanline.lock']) {
      link(name)
      await on(['user', 'add', 'bea'], '')
    }
    expect(readFileSync(ours, 'utf8')).toBe('only root reads this')
  })
})

const nobody = 65_534

describe('people', () => {
  it('are added with the daemon stopped or running, listed and removed', async () => {
    expect((await lanline(['user', 'add', 'stopped', '--password-stdin'], 'telephone\n')).code).toBe(0)
    const daemon = await serve()
    expect((await lanline(['user', 'add', 'running', '--display-name', 'Run Ning'])).code).toBe(0)
    const users = JSON.parse((await lanline(['user', 'list', '--json'])).out) as { name: string }[]
    expect(users.map(user => user.name).sort()).toEqual(['running', 'stopped'])
    const devices = JSON.parse((await lanline(['device', 'list', '--json'])).out) as { digestUser: string }[]
    expect(devices.map(device => device.digestUser)).toEqual(['stopped'])
    expect((await lanline(['invite', 'running'])).out).toMatch(/^http:\/\/\S+\/j#\S+$/m)
    expect(
      (await lanline(['user', 'passwd', 'running', '--sip', '--password-stdin'], 'telephone\n')).code,
    ).toBe(0)
    for (const name of ['running', 'stopped']) expect((await lanline(['user', 'remove', name])).code).toBe(0)
    expect((await lanline(['user', 'list'])).out).toBe('nobody yet\n')
    await end(daemon.child, 'SIGINT')
  })

  it('may be guests: invited until an hour, listed with their end, kept for longer', async () => {
    const daemon = await serve()
    const code = /^setup code (\S+)$/m.exec(daemon.state.out)![1]!
    const post = async <Answer>(path: string, body: object): Promise<Answer> => {
      const headers = { 'content-type': 'application/json' }
      const url = `${daemon.page}api/v1${path}`
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Answer
    }
    await post('/setup', { code, place: 'Mill', displayName: 'Olivia', password: 'correct horse battery' })
    const made = JSON.parse((await lanline(['invite', '--until', '2h', '--json'])).out)
    expect(made).toMatchObject({ staySeconds: 7_200 })
    // The link is worth nothing once the time is over.
    expect(made.expiresAt).toBeLessThanOrEqual(Date.now() + 7_200_000)
    await post('/devices', { displayName: 'Gast', deviceName: 'Phone', kind: 'app', invite: made.token })
    const listed = async () => (await lanline(['user', 'list'])).out
    expect(await listed()).toMatch(/^NAME +CALLED +NUMBER +ROLE +GUEST UNTIL /)
    expect(await listed()).toMatch(/^gast +Gast +21 +guest +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +away/m)
    expect(await listed()).toMatch(/^olivia +Olivia +20 +owner +– +away/m)
    const gast = async (): Promise<number> =>
      JSON.parse((await lanline(['user', 'list', '--json'])).out).find(
        (user: { name: string }) => user.name === 'gast',
      ).expiresAt
    expect((await gast()) - Date.now()).toBeLessThanOrEqual(7_200_000)
    expect((await lanline(['invite', 'gast', '--until', '30h'])).out).toMatch(/^a guest until \d{4}-/m)
    expect((await gast()) - Date.now()).toBeGreaterThan(29 * 3_600_000)
    // Who stays for good is made nobody's guest.
    const refused = await lanline(['invite', 'olivia', '--until', 'tonight'])
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/olivia is no guest/)])
    expect((await lanline(['invite', '--until', 'weekend'])).code).toBe(0)
    await lanline(['user', 'remove', 'gast'])
    await end(daemon.child, 'SIGINT')
    rmSync(data, { recursive: true })
  })

  it('that exist, or have no proper name, are refused in one line', async () => {
    const daemon = await serve()
    await lanline(['user', 'add', 'twice'])
    for (const name of ['twice', 'No Name']) {
      const tried = await lanline(['user', 'add', name])
      expect(tried).toMatchObject({ code: 1, out: '' })
      expect(tried.err.trimEnd().split('\n')).toHaveLength(1)
    }
    await lanline(['user', 'remove', 'twice'])
    await end(daemon.child, 'SIGINT')
  })
})

describe('lanline try', () => {
  it('proves a call through the running daemon, leaves its row and takes its people away', async () => {
    const daemon = await serve()
    const tried = await lanline(['try', '--json'])
    expect(tried).toMatchObject({ code: 0, err: '' })
    const proof = JSON.parse(tried.out) as { call: string; bytesToCaller: number; bytesToCallee: number }
    expect(proof).toMatchObject({ where: 'same machine', failed: [], bytesDaemonCarried: 0 })
    expect(Math.min(proof.bytesToCaller, proof.bytesToCallee)).toBeGreaterThan(0)
    const list = JSON.parse((await lanline(['call', 'list', '--json'])).out) as { calls: { id: string }[] }
    expect(list.calls.map(call => call.id)).toEqual([proof.call])
    expect((await lanline(['call', 'show', proof.call])).out).toContain('by caller: hangup')
    expect((await lanline(['user', 'list'])).out).toBe('nobody yet\n')
    await end(daemon.child, 'SIGINT')
  })

  it('brings a daemon of its own when none is running, also on a computer without a network', async () => {
    const tried = await lanline(['try'], '', { LANLINE_NET_BIND: '127.0.0.1' })
    expect(tried).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^alice and bob register …\nalice calls bob …\n/),
    })
    expect(tried.out).toContain('127.0.0.1')
    expect(tried.out).toContain('bytes the daemon carried 0')
    expect(tried.out).toMatch(/caller {5,}lanline {5,}callee/)
    expect(tried.out).toMatch(/^verdict {2}Direct/m)
    const file = /^trace +(\S+\.html)$/m.exec(tried.out)![1]!
    expect((await lanline(['trace', 'verify', file])).out).toMatch(/^genuine: a page/)
    rmSync(file)
  })
})

describe('the relay', () => {
  const here = Object.values(networkInterfaces())
    .flatMap(infos => infos ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address

  // Without any address but loopback there is nothing to relay on.
  it.skipIf(here === undefined)('is granted by hand, listed and closed', async () => {
    const daemon = await serve()
    const asked = ['relay', 'grant', '--peer', '198.51.100.7', '--for', here!, '--seconds', '60', '--json']
    const grant = JSON.parse((await lanline(asked)).out) as RelayGrant
    expect(grant.urls).toHaveLength(3)
    expect(grant.urls[0]).toMatch(new RegExp(`^turn:${here}:[1-9][0-9]*\\?transport=udp$`))
    const listed = (await lanline(['relay', 'status'])).out
    expect(listed).toMatch(/^relay {5}ready$/m)
    expect(listed).toMatch(new RegExp(`^${grant.call}  by hand  open   ${here} +198\\.51\\.100\\.7`, 'm'))
    expect(listed + daemon.state.out).not.toContain(grant.credential)
    expect((await lanline(['relay', 'close', grant.call])).code).toBe(0)
    expect((await lanline(['relay', 'close', grant.call])).err).toBe('lanline: there is no such grant\n')
    const own = await lanline(['relay', 'grant', '--peer', here!, '--for', here!, '--seconds', '60'])
    expect([own.code, own.err]).toEqual([1, expect.stringMatching(/nothing is ever relayed to/)])
    await end(daemon.child, 'SIGINT')
  })
})

describe('wrong usage', () => {
  it.each([
    [['dance'], /no command "dance"/],
    [['user', 'add'], /usage: lanline user add <name>/],
    [['invite', '--until', 'soon'], /--until "soon": allowed are tonight, weekend, and 1h to 744h/],
    [['invite', '--until', '0h'], /allowed are/],
    [['relay', 'grant', '--peer', '10.0.0.1'], /usage: lanline relay grant --peer ADDRESS/],
    [['call', 'list', '--colour'], /'--colour'.*usage: lanline call list/],
  ])('%j is exit code 2 and one line', async (args, message) => {
    const tried = await lanline(args)
    expect(tried.code).toBe(2)
    expect(tried.err).toMatch(message)
  })

  it('what is not there is said with the command that lists what is', async () => {
    const daemon = await serve()
    for (const [args, hint] of [
      [['call', 'show', '12'], /no such call.*; .*lanline call list\n$/],
      [['trace', 'export', '12'], /no such call.*; .*lanline call list\n$/],
      [['device', 'revoke', 'x'], /no such device; .*lanline device list\n$/],
      [['user', 'remove', 'nobody'], /nobody does not exist.*; .*lanline user list\n$/],
      [['invite', 'nobody'], /nobody does not exist.*; .*lanline user add\n$/],
    ] as const) {
      const tried = await lanline([...args])
      expect([tried.code, tried.err]).toEqual([1, expect.stringMatching(hint)])
    }
    const short = await lanline(['user', 'add', 'desk', '--password-stdin'], 'abc\n')
    expect(short.err).toBe('lanline: sipPassword: at least 6 characters\n')
    await end(daemon.child, 'SIGINT')
  })

  it('without a running daemon what needs one says so', async () => {
    const tried = await lanline(['device', 'list'])
    expect(tried.code).toBe(1)
    expect(tried.err).toMatch(/no lanline is running on .*; start it with: \.\/scripts\/start/)
  })
})

describe('help', () => {
  it('lists every command under what it is about, and says more of one, or of those that begin alike', async () => {
    const all = await lanline(['--help'])
    expect(all.code).toBe(0)
    expect(all.out).toMatch(/^people and devices\n {2}invite /m)
    const one = await lanline(['call', 'list', '--help'])
    expect([one.code, one.out]).toEqual([
      0,
      expect.stringMatching(/^lanline call list .*\nlists calls, newest first\n {2}--limit {2}how many/),
    ])
    const alike = await lanline(['trace', '--help'])
    expect(alike.out.match(/^lanline trace (\w+)/gm)).toEqual(
      ['export', 'show', 'verify', 'key', 'import'].map(name => `lanline trace ${name}`),
    )
  })
})
