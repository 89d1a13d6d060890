/** What root takes from the card into lanline's own directory, where lanline may have laid anything. */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '../../image-build/rootfs/usr/lib/lanline-card/read-card')

it('the file that asks for a new owner is made anew, not written through a link that lies there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanline-card-'))
  const [state, asked] = [join(folder, 'state'), join(folder, 'fat-reset-owner')]
  // That one step alone: card and data are one folder, and lanline is who runs this.
  const step = /^reset_owner\(\) \{\n[\s\S]*?^\}/m.exec(readFileSync(script, 'utf8'))![0]
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  const ours = step
    .replaceAll('$fat/', '$fat-')
    .replaceAll('-o lanline -g lanline', `-o ${userInfo().username} -g ${group}`)
    .replaceAll('lanline:lanline', `${userInfo().username}:${group}`)
  writeFileSync(state, 'good=a\n')
  writeFileSync(asked, '')
  symlinkSync(state, join(folder, 'reset-owner'))
  execFileSync('sh', ['-c', `fat="$1/fat" data="$1"; writable() { :; }\n${ours}\nreset_owner`, 'sh', folder])
  expect(readFileSync(state, 'utf8')).toBe('good=a\n')
  expect(lstatSync(join(folder, 'reset-owner')).isFile()).toBe(true)
  expect(existsSync(asked)).toBe(false)
  rmSync(folder, { recursive: true })
})
