/** The relay's thread: its machine, its sockets, and the main thread's orders. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Epoch, Monotonic } from '../core/clock.ts'
import { realClock } from '../runtime/clock.ts'
import { Driver } from '../runtime/driver.ts'
import { PortError } from '../runtime/ports.ts'
import { systemRandom } from '../runtime/random.ts'
import { credentialsOf } from '../runtime/tls.ts'
import { TurnIo } from './io.ts'
import { TurnMachine } from './machine.ts'
import type { TurnEffect, TurnInput, TurnOrder, TurnWord } from './message.ts'
import type { TurnSetup } from './thread-io.ts'

const setup = workerData as TurnSetup
const port = parentPort!
const random = systemRandom()
const notesMilliseconds = 1_000

let notes: Record<string, number> = {}
const tell = (word: TurnWord): void => port.postMessage(word)
const note = (reason: string): void => {
  notes[reason] = (notes[reason] ?? 0) + 1
}
const fault = (error: unknown, during: string): void =>
  tell({
    kind: 'fault',
    during,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })

const machine = new TurnMachine({
  realm: setup.realm,
  random,
  nonceKey: random.bytes(32),
  bytesPerSecond: setup.bytesPerSecond,
  epoch: (moment: Monotonic) => (realClock.epoch() - (realClock.monotonic() - moment)) as Epoch,
})
const driver: Driver<TurnInput, TurnEffect> = new Driver({
  machine,
  clock: realClock,
  carryOut: effect => {
    if (effect.kind === 'word') tell(effect.word)
    else if (effect.kind === 'note') note(effect.reason)
    else io.carryOut(effect)
  },
  onFault: fault,
})
const io = new TurnIo({
  clock: realClock,
  router: machine.router,
  input: driver.input,
  relayPorts: setup.relayPorts,
  onNote: note,
  onFault: fault,
})

// Orders wait until the sockets are there.
let ready: Promise<unknown> = start()
port.on('message', (order: TurnOrder) => {
  ready = ready.then(() => obey(order)).catch(error => fault(error, order.kind))
})
const notesTimer = setInterval(() => {
  if (Object.keys(notes).length === 0) return
  tell({ kind: 'notes', notes })
  notes = {}
}, notesMilliseconds)

async function start(): Promise<void> {
  driver.input({ kind: 'addresses', addresses: setup.addresses })
  try {
    await io.listen({
      ...{ plain: setup.plain, tls: setup.tls, addresses: setup.addresses },
      credentials: credentialsOf(setup.certificate),
      onMoved: (key, from, to) => tell({ kind: 'moved', key, from, to }),
    })
    tell({ kind: 'listening', ports: io.ports })
  } catch (error) {
    if (!(error instanceof PortError)) fault(error, 'listen')
    tell({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
  }
}

async function obey(order: TurnOrder): Promise<void> {
  switch (order.kind) {
    case 'addresses':
      driver.input(order)
      return io.addressesChanged(order.addresses)
    case 'certificate':
      return io.reload(credentialsOf(order))
    case 'areYouThere':
      return tell({ kind: 'here' })
    case 'stop':
      driver.stop()
      io.close()
      clearInterval(notesTimer)
      return port.close()
    default:
      driver.input(order)
  }
}
