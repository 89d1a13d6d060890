import type { Stream } from './tcp.ts'

/**
 * A chunk of a stream may hold thousands of small messages: so many are handled in one turn of the loop, others come in
 * between, and the stream is not read meanwhile. `handle` does not throw; where it says false, the stream is closed and
 * the rest is dropped.
 */
export function inTurns<Message>(
  stream: Pick<Stream, 'pause' | 'resume'>,
  messages: readonly Message[],
  atOnce: number,
  handle: (message: Message) => boolean,
): void {
  const turn = (from: number): void => {
    const next = from + atOnce
    for (const message of messages.slice(from, next)) if (!handle(message)) return
    if (next < messages.length) {
      if (from === 0) stream.pause()
      setImmediate(turn, next)
    } else if (from > 0) stream.resume()
  }
  turn(0)
}
