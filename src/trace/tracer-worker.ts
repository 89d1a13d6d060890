/**
 * The tracer's thread: the machine, what it gives out in one turn packed and told together. Nothing of a call waits for
 * what is done here, and its processor time is nobody's who handles calls.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { after, type Clock, type Epoch, type Monotonic } from '../core/clock.ts'
import { Driver } from '../runtime/driver.ts'
import { TraceMachine } from './machine.ts'
import type { Saved, TraceEffect, TraceInput, TraceSave } from './machine-message.ts'
import { Packer } from './packing.ts'
import { spentOf, type TapMemory, toldIn } from './tap.ts'
import type { FromTracer, ToTracer, TracerSetup } from './tracer-message.ts'

/** What nobody waits for is done and told at such moments. */
const togetherMilliseconds = 250
/** What is packed waits so long for more. */
const keepMilliseconds = 1_000
/** The same for counters alone, which come each second: every commit is some 30 kB of a card's life. */
const keepCountersMilliseconds = 10_000

const port = parentPort!
const { clockOffsetMilliseconds, ...setup } = workerData as TracerSetup

/** The main thread's: `performance.now` counts from each thread's own start. */
const clock: Clock = {
  monotonic: () => (Number(process.hrtime.bigint()) / 1e6 - clockOffsetMilliseconds) as Monotonic,
  epoch: () => Date.now() as Epoch,
}
const machine = new TraceMachine({ ...setup, now: clock.monotonic() })
const driver = new Driver<TraceInput, TraceEffect>({
  // Ends of many calls are dealt with in one go.
  machine: {
    handle: (input, now) => machine.handle(input, now),
    wake: now => machine.wake(now),
    nextWakeup: () => {
      const at = machine.nextWakeup()
      return at && ((Math.ceil(at / togetherMilliseconds) * togetherMilliseconds) as Monotonic)
    },
  },
  clock,
  carryOut,
  onFault: (error, during) => {
    effects.push({ kind: 'fault', error: String((error as Error)?.stack ?? error), during })
    soon()
  },
})

const packer = new Packer()
/** Of what lies packed there: what `written` is to tell. */
let saves: Saved[] = []
let effects: FromTracer['effects'][number][] = []
let untold: string[] = []
let looked = 0
let spent: TapMemory[] = []
let timer: NodeJS.Timeout | undefined
let lastId = 0
/** When what lies packed is to be given out. */
let dueAt: Monotonic | undefined
let isUrgent = false
/** Given out and not known to be written. */
const unwritten = new Map<number, readonly Saved[]>()

function carryOut(effect: TraceEffect): void {
  if (effect.kind === 'save') keep(effect)
  else if (effect.kind === 'untold') untold.push(effect.call)
  else effects.push(effect)
  // Checks begin at once, and whoever captures has to know before.
  if (effect.kind === 'ufrag' || effect.kind === 'over') isUrgent = true
  soon()
}

function keep(save: TraceSave): void {
  packer.add(save)
  const { call, events, bytes, onlyCounters } = save
  const due = after(clock.monotonic(), onlyCounters ? keepCountersMilliseconds : keepMilliseconds)
  if (dueAt === undefined || due < dueAt) dueAt = due
  saves.push({ call, events: events.length, bytes })
}

function soon(): void {
  timer ??= setTimeout(() => tell(undefined), togetherMilliseconds)
}

function tell(flushed: FromTracer['flushed']): void {
  clearTimeout(timer)
  timer = undefined
  isUrgent = false
  const isDue =
    flushed !== undefined || mustComeBefore(effects) || (dueAt !== undefined && clock.monotonic() >= dueAt)
  const segments = isDue ? packer.take() : []
  let kept: FromTracer['kept']
  if (segments.length > 0) {
    kept = { id: ++lastId, segments }
    unwritten.set(lastId, saves)
    saves = []
    dueAt = undefined
  }
  if (dueAt !== undefined) soon()
  const isEmpty = kept === undefined && effects.length === 0 && untold.length === 0
  if (isEmpty && flushed === undefined && looked === 0) return
  const word: FromTracer = { kept, effects, untold, flushed, looked, spent, sizes: machine.sizes }
  const given = segments.flatMap(({ data }) => (typeof data === 'string' ? [] : [data.buffer]))
  port.postMessage(word, [...given, ...spent.flatMap(({ bytes, index }) => [bytes, index])])
  effects = []
  untold = []
  looked = 0
  spent = []
}

/** Whoever concludes reads what is kept. */
const mustComeBefore = (told: FromTracer['effects']): boolean =>
  told.some(effect => effect.kind === 'ended' || effect.kind === 'finished')

port.on('message', (message: ToTracer) => {
  if (message.kind === 'told') {
    for (const { input, at } of toldIn(message.batch)) driver.inputAt(input, at)
    // At once, so that little of a batch outlives it.
    for (const effect of machine.flush()) carryOut(effect)
    looked++
    const memory = spentOf(message.batch)
    if (memory !== undefined) spent.push(memory)
    if (isUrgent) tell(undefined)
    else soon()
  } else if (message.kind === 'written') {
    const written = unwritten.get(message.id)
    unwritten.delete(message.id)
    if (written) driver.input({ kind: 'written', saves: written, lost: message.lost })
  } else {
    const isFlush = message.kind === 'flush'
    for (const effect of isFlush ? machine.flush() : machine.end(clock.monotonic())) carryOut(effect)
    const isTraced = isFlush && message.call !== undefined && machine.has(message.call)
    tell({ id: message.id, isTraced })
  }
})
