import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkMounted } from '../../src/cli/container.ts'

const program = join(import.meta.dirname, '../../src/main.ts')
const isRoot = process.getuid!() === 0

let folder: string
let data: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanline-mounted-'))
  chmodSync(folder, 0o755)
  data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
})
afterEach(() => rmSync(folder, { recursive: true }))

it('a folder of its own is taken, empty, used, and not made yet', () => {
  checkMounted(data)
  writeFileSync(join(data, 'lanline.db'), '')
  mkdirSync(join(data, 'cache'))
  checkMounted(data)
  checkMounted(join(folder, 'none'))
})

/**
 * As the container's user. What reads its program here may lie in a folder of root's own: so it may read all there is, as a
 * program that belongs to everybody could, and write nothing (capabilities(7), CAP_DAC_READ_SEARCH).
 */
const serveAs700 = () =>
  spawnSync(
    'setpriv',
    [
      ...['--reuid=700', '--regid=700', '--clear-groups'],
      ...['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'],
      ...[process.execPath, program, 'serve'],
    ],
    {
      ...{ encoding: 'utf8', cwd: '/' },
      env: {
        ...{ PATH: process.env.PATH, LANLINE_CONTAINER: 'yes' },
        ...{ LANLINE_DATA_DIR: data, LANLINE_MDNS_MODE: 'off' },
      },
    },
  )

/** Only root may give a folder away. */
it.runIf(isRoot)('root does not write among the files of a folder that is another user’s', () => {
  chownSync(data, 1026, 100)
  expect(() => checkMounted(data)).toThrow(
    /belongs to user 1026:100, and lanline runs here as 0:0: .*chown -R 0:0 .*user: "1026:100" in compose\.yml/,
  )
})

it.runIf(isRoot)(
  'a start as another user ends with one line that says what to do, and writes nothing',
  () => {
    chownSync(data, 1026, 100)
    const { status, stdout, stderr } = serveAs700()
    expect(stderr).toBe(
      `lanline: ${data} belongs to user 1026:100, and lanline runs here as 700:700: on the machine run chown -R 700:700 on the folder that is mounted there, or start the container as its owner (user: "1026:100" in compose.yml, or --user 1026:100)\n`,
    )
    expect([status, stdout]).toEqual([1, ''])
  },
)

it.runIf(isRoot)('a file that another user left in it is named', () => {
  chownSync(data, 700, 700)
  writeFileSync(join(data, 'lanline.db'), '', { mode: 0o600 })
  expect(serveAs700().stderr).toMatch(
    /data\/lanline\.db belongs to user 0:0, and lanline runs here as 700:700/,
  )
})
