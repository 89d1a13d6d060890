/** Every `lanline` command that the pages for people show, in their order, against a real daemon. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Daemon } from '../net/daemon.ts'
import { Lan } from '../net/lan.ts'
import { Owner } from '../net/owner.ts'
import { describeWith } from '../net/peers.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = [
  'README.md',
  'docs/install.md',
  'docs/phone.md',
  'docs/trace.md',
  'docs/relay.md',
  'docs/admin.md',
]

/** Lines of code blocks that run `lanline`, without what stands behind them for the reader. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const fenced = [...text.matchAll(/^```\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => block!.split('\n'))
  const indented = [...text.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line!)
  return [...fenced, ...indented]
    .filter(line => /^(echo '[^']*' \| )?(\.\/scripts\/)?lanline (?!ready)[a-z]/.test(line))
    .map(line => line.replace(/ {2,}.*$| +# .*$/, ''))
}

const commands = pages.flatMap(page => commandsOf(page).map(command => [page, command] as const))

describeWith(['namespaces'], 'the commands that the pages show', () => {
  let lan: Lan
  let daemon: Daemon
  let folder: string
  /** What the placeholders stand for. */
  const known: Record<string, string> = { name: 'olivia' }

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'one', 'other'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    const owner = await Owner.claim(daemon, 'Olivia')
    await owner.addUser('alice', 'Alice')
    folder = join(lan.directory, 'checkout')
    mkdirSync(join(folder, 'scripts'), { recursive: true })
    const lanline = join(folder, 'scripts/lanline')
    writeFileSync(lanline, `#!/bin/sh\nexec ${root}scripts/lanline "$@"\n`)
    chmodSync(lanline, 0o755)
    known.call = await tryCall()
    copyDatabase()
    known.device = owner.enrolment.device
  })
  afterAll(() => lan?.remove())

  it('are found', () => expect(commands.length).toBeGreaterThan(20))

  it.each(commands)(
    '%s: %s',
    async (_, command) => {
      const { code, stdout, stderr } = await shell(filled(command))
      expect(stderr.includes('usage:') ? stderr : '').toBe('')
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
      const grant = /grant +(\w+)|^(\w{32})\b/m.exec(stdout)
      if (command.includes('relay grant')) known.grant = grant?.[1] ?? grant?.[2] ?? ''
    },
    60_000,
  )

  /** As an update makes one, under the name that the page has. */
  function copyDatabase(): void {
    const name = /restore-copy (\S+\.db)/.exec(commands.map(([, command]) => command).join('\n'))![1]!
    const database = new Sqlite(join(daemon.dataDirectory, 'lanline.db'), { readonly: true })
    database.prepare('vacuum into ?').run(join(daemon.dataDirectory, name))
    database.close()
  }

  const shell = (command: string) => {
    const environment = [
      `LANLINE_DATA_DIR=${daemon.dataDirectory}`,
      `PATH=${folder}/scripts:${process.env.PATH}`,
    ]
    return lan.host('pi').exec('env', ['-C', folder, ...environment, 'bash', '-c', command])
  }

  /** As a person would read the line: their own calls, devices and addresses. */
  const filled = (command: string): string =>
    command
      .replace(/(call show|trace export) <(?:id|call)>/, `$1 ${known.call}`)
      .replace(/device revoke <id>/, `device revoke ${known.device}`)
      .replace('<grant>', known.grant ?? '')
      .replace('<name>', known.name!)
      .replace('10.0.20.7', lan.host('other').address)
      .replace('10.0.10.5', lan.host('one').address)

  async function tryCall(): Promise<string> {
    const tried = await shell('lanline try')
    expect(tried.stderr + tried.stdout.slice(-500)).toContain('all is well')
    const calls = await daemon.calls()
    return calls[0]!.id
  }
})
