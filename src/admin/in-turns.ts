/** What there may be thousands of, as JSON: made some at a time, with a turn of the event loop between. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Ten to twenty microseconds each, on a small board four times that. */
const atOnce = 50

/** Lots of `items` in their order, each in a turn of its own. */
export async function* lotsOf<Item>(items: Iterable<Item>): AsyncGenerator<readonly Item[]> {
  let lot: Item[] = []
  for (const item of items) {
    lot.push(item)
    if (lot.length < atOnce) continue
    await nextTurn()
    yield lot
    lot = []
  }
  if (lot.length === 0) return
  await nextTurn()
  yield lot
}

/** The bytes of a JSON array, made only as fast as they are taken. */
export function jsonArray(items: Iterable<unknown>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let before = '['
    for await (const lot of lotsOf(items)) {
      yield encoder.encode(before + lot.map(item => JSON.stringify(item)).join())
      before = ','
    }
    yield encoder.encode(before === '[' ? '[]' : ']')
  }
  return streamOf(pieces())
}

/** Each piece is made when it can be taken. */
export function streamOf(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await pieces.return(undefined)
    },
  })
}
