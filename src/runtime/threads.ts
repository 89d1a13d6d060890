/**
 * Threads beside the main one for whose answer no call waits: one that hangs is ended, so that whoever started it hears of
 * its end and goes on as after any other.
 */
import { postMessageToThread, type Worker } from 'node:worker_threads'
import { seconds } from '../core/clock.ts'

const askedEachMilliseconds = seconds(30)
/** Longer than loading takes on a small board that does much else. */
const patienceMilliseconds = seconds(30)

/** `told` in plain words, before it ends. Node answers for the thread as soon as that has come back to its event loop. */
export function endOnceStuck(
  worker: Worker,
  told: (why: Error) => void,
  each = askedEachMilliseconds,
  patience = patienceMilliseconds,
): void {
  const ask = async (): Promise<void> => {
    // It has ended.
    if (worker.threadId === -1) return
    try {
      await postMessageToThread(worker.threadId, 'areYouThere', patience)
    } catch (error) {
      // That it does not listen is an answer, too.
      if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_MESSAGING_TIMEOUT') {
        told(new Error('it does not answer, and is ended'))
        await worker.terminate()
      }
    }
    askLater()
  }
  const askLater = (): unknown => setTimeout(ask, each).unref()
  askLater()
}
