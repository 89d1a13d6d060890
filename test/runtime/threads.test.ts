import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, it } from 'vitest'
import { endOnceStuck } from '../../src/runtime/threads.ts'

const eachMilliseconds = 20
const threads: Worker[] = []

afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.terminate()
})

/** `patience`: on a busy machine even the start of a thread takes seconds. */
function looked(work: string, patience: number): { thread: Worker; told: string[] } {
  const source = `const { parentPort } = require('node:worker_threads'); ${work}`
  const thread = new Worker(source, { eval: true })
  const told: string[] = []
  threads.push(thread)
  endOnceStuck(thread, why => told.push(why.message), eachMilliseconds, patience)
  return { thread, told }
}

it('a thread that hangs is told of and ended', async () => {
  const { thread, told } = looked("parentPort.on('message', () => { for (;;); })", 1_000)
  thread.postMessage('hang')
  await once(thread, 'exit')
  expect(told).toEqual(['it does not answer, and is ended'])
})

it('one that is idle, and one that works for a while, go on', async () => {
  const { thread, told } = looked(
    `parentPort.on('message', () => {
    for (const until = Date.now() + 300; Date.now() < until; );
    parentPort.postMessage('done')
  })`,
    30_000,
  )
  for (let count = 0; count < 5; count++) {
    thread.postMessage('work')
    expect(await once(thread, 'message')).toEqual(['done'])
  }
  expect(told).toEqual([])
})
