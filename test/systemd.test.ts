import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith, pathOf } from './net/peers.ts'

const sources = join(import.meta.dirname, '../systemd')
let machine: string

/** As much of a machine as systemd needs to judge a unit without running it. */
beforeAll(() => {
  machine = mkdtempSync(join(tmpdir(), 'lanline-unit-'))
  const units = join(machine, 'usr/lib/systemd/system')
  mkdirSync(units, { recursive: true })
  mkdirSync(join(machine, 'usr/lib/lanline/bin'), { recursive: true })
  cpSync(join(sources, 'start'), join(machine, 'usr/lib/lanline/bin/start'))
  for (const unit of [
    'sysinit.target',
    'basic.target',
    'shutdown.target',
    'network.target',
    'multi-user.target',
  ])
    writeFileSync(join(units, unit), '[Unit]\nDescription=of the machine\n')
})
afterAll(() => rmSync(machine, { recursive: true, force: true }))

function analyze(unit: string, ...words: string[]) {
  writeFileSync(join(machine, 'usr/lib/systemd/system/lanline.service'), unit)
  const { status, stdout, stderr } = spawnSync(pathOf('systemd-analyze')!, words, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

describeWith(['systemd-analyze'], 'lanline.service', () => {
  const unit = readFileSync(join(sources, 'lanline.service'), 'utf8')
  const verify = (text: string) => analyze(text, 'verify', `--root=${machine}`, 'lanline.service')
  const exposure = (text: string) => {
    const words = ['security', '--offline=true', `--root=${machine}`, '--threshold=15', 'lanline.service']
    return analyze(text, ...words)
  }

  it('is a unit about which systemd has nothing to say', () => {
    expect(verify(unit)).toEqual({ status: 0, said: '' })
    expect(verify(unit.replace('Restart=always', 'Restart=allways')).said).toContain('allways')
  })

  it('has an exposure of at most 1.5', () => {
    expect(exposure(unit).status).toBe(0)
    expect(exposure(unit.replace('ProtectSystem=strict', '')).status).not.toBe(0)
  })
})

describeWith(['perl'], 'what systemd starts', () => {
  it('is a program that Perl can read', () => {
    execFileSync(pathOf('perl')!, ['-c', join(sources, 'start')], { stdio: 'pipe' })
  })
})
