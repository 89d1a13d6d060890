/** New versions for the tests of updates: a root file system that is there, changed; good ones and bad ones. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Rewrites one file of a root file system; throws where that changes nothing. */
export type Edit = (path: string, by: (text: string) => string) => void
/** Also given where the tree lies. */
export type Change = (edit: Edit, tree: string) => void

/** A copy of a tree by links, with one version's number in place of another's, and a change. */
export function changedTree(
  from: string,
  to: string,
  versions: { readonly from: string; readonly to: string },
  change: Change,
): void {
  execFileSync('cp', ['-al', from, to])
  const edit: Edit = (path, by) => {
    const file = join(to, path)
    const before = readFileSync(file, 'utf8')
    const after = by(before)
    if (after === before) throw new Error(`${path} was to be changed`)
    rmSync(file)
    writeFileSync(file, after)
  }
  edit('usr/lib/lanline/package.json', text =>
    text.replace(`"version": "${versions.from}"`, `"version": "${versions.to}"`),
  )
  change(edit, to)
}

const trial = 'usr/lib/lanline/src/update/trial.ts'
const main = 'usr/lib/lanline/src/main.ts'

const quickEnd: Change = edit =>
  edit(trial, text => text.replace('giveUpMilliseconds: minutes(5)', 'giveUpMilliseconds: seconds(45)'))
export const quickGood: Change = edit =>
  edit(trial, text => text.replace('goodMilliseconds: seconds(60)', 'goodMilliseconds: seconds(15)'))
export const migrates: Change = edit =>
  edit('usr/lib/lanline/src/store/migrations.ts', text =>
    text.replace(/\]\n$/, '  `create table later (x integer) strict;`,\n]\n'),
  )
const onServe =
  (code: string): Change =>
  edit =>
    edit(main, text => text.replace(/\n(?=import )/, `\nif (process.argv[2] === 'serve') { ${code} }\n`))
export const both =
  (...changes: readonly Change[]): Change =>
  (edit, tree) => {
    for (const change of changes) change(edit, tree)
  }

/** Each must end on the version before by itself, with all data. */
export const badVersions: Readonly<Record<string, Change>> = {
  exits: both(quickEnd, migrates, onServe('process.exit(1)')),
  'cannot-run': edit => edit('usr/bin/lanline', () => '#!/bin/sh\nexit 1\n'),
  'no-network': both(quickEnd, edit =>
    edit('etc/systemd/network/50-lanline.network', text => text.replace('Type=ether', 'Type=none')),
  ),
  // What is to watch the trial cannot be started as its unit asks for.
  unfenced: edit =>
    edit('usr/lib/systemd/system/lanline-confirm.service', text =>
      text.replace('ReadWritePaths=', 'ReadWritePaths=/nowhere '),
    ),
  panics: (_edit, tree) => {
    rmSync(join(tree, 'usr/lib/systemd/systemd'))
    cpSync(join(tree, 'usr/bin/true'), join(tree, 'usr/lib/systemd/systemd'))
  },
  hangs: both(quickEnd, onServe('for (;;) {}')),
  stopped: both(quickEnd, onServe("setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 12_000)")),
  // As shipped: five minutes. The database is changed before.
  'never-well': both(migrates, edit =>
    edit('usr/lib/lanline/src/state.ts', text =>
      text.replace("sip: {\n        state: 'ok'", "sip: {\n        state: 'failed'"),
    ),
  ),
}
