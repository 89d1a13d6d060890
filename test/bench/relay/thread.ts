/**
 * lanline's relay alone, a program: its thread in a process whose main thread does nothing, and one grant. Its settings
 * are its first argument, as JSON; it says `ready` on a line and ends with its standard input.
 */
import type { Grant } from '../../../src/turn/message.ts'
import { type TurnSetup, TurnThread } from '../../../src/turn/thread-io.ts'

export interface ThreadSettings {
  readonly setup: TurnSetup
  readonly grant: Grant
}

const { setup, grant } = JSON.parse(process.argv[2]!) as ThreadSettings
const thread = new TurnThread({
  setup: () => setup,
  onReady: () => {},
  onLost: why => {
    throw new Error(`the relay's thread ended: ${why}`)
  },
  onWord: word => {
    if (word.kind === 'granted') process.stdout.write('ready\n')
    if (word.kind === 'fault') process.stderr.write(`${word.during}: ${word.error}\n`)
    if (word.kind === 'notes') process.stderr.write(`${JSON.stringify(word.notes)}\n`)
  },
})
await thread.start()
thread.order({ kind: 'openGrant', grant })
process.stdin.resume().once('end', () => void thread.close())
