/** Which slot the first steps of a start choose: that part of their script alone, with a folder for the card. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Slot, SlotState } from '../../src/update/message.ts'
import { chosenAtStart, decodeState, encodeState } from '../../src/update/slots.ts'

const init = readFileSync(join(import.meta.dirname, '../../image-build/initramfs/init'), 'utf8')
const part = (name: string): string => new RegExp(`^${name}\\(\\) \\{\\n[\\s\\S]*?^\\}`, 'm').exec(init)![0]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanline-first-steps-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
const state = (): string => join(folder, 'state')

/** What is chosen where `readable` slots can be mounted: `<slot> <on trial>`, or that it gave up. */
function chosen(readable: string): string {
  const steps = ['read_state', 'write_state', 'choose_slot'].map(part).join('\n')
  const rest = `say() { :; }\nsync() { :; }\ngive_up() { echo gave up; exit; }\nmount_slot() { case ${readable}. in *$1*) ;; *) return 1 ;; esac; }`
  const script = `${rest}\n${steps.replaceAll('/data/slots', folder)}\nchoose_slot\necho $slot $trial`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

const trials = (good: Slot, next: Slot): SlotState[] =>
  [0, 1, 2, 3].map(tries => ({ good, trial: { next, tries } }))
const states: SlotState[] = [
  { good: 'a', trial: undefined },
  { good: 'b', trial: undefined },
  ...trials('a', 'b'),
  ...trials('b', 'a'),
]

it.each(
  states.map(each => [encodeState(each), each] as const),
)('as it is written down: %j', (text, before) => {
  writeFileSync(state(), text)
  const { slot, left } = chosenAtStart(before)
  expect(chosen('ab')).toBe(`${slot} ${left.trial === undefined ? 'no' : 'yes'}`)
  expect(decodeState(readFileSync(state(), 'utf8'))).toEqual(left)
})

it('without a state slot a, and the other where one cannot be read', () => {
  expect(chosen('ab')).toBe('a no')
  expect(chosen('b')).toBe('b no')
  expect(chosen('')).toBe('gave up')
  expect(existsSync(state())).toBe(false)
})

it('the good slot where the one on trial cannot be read', () => {
  writeFileSync(state(), 'good=a\nnext=b\ntries=0\n')
  expect(chosen('a')).toBe('a no')
  expect(readFileSync(state(), 'utf8')).toBe('good=a\n')
})

it('the good slot where a try cannot be counted, and the state stays whole', () => {
  writeFileSync(state(), 'good=b\nnext=a\ntries=1\n')
  // Nothing can be written by that name.
  mkdirSync(`${state()}.new`)
  expect(chosen('ab')).toBe('b no')
  expect(readFileSync(state(), 'utf8')).toBe('good=b\nnext=a\ntries=1\n')
})
