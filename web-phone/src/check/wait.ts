/** Waiting that ends when the check is stopped. */

/** The check was stopped; nothing went wrong. */
export class Stopped extends Error {}

/** Throws once the check is stopped. */
export function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new Stopped()
}

export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Stopped())
      return
    }
    const stop = () => {
      clearTimeout(timer)
      reject(new Stopped())
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** Polls until `look` gives something, or gives `undefined` when the time is over. */
export async function poll<Value>(
  milliseconds: number,
  signal: AbortSignal,
  look: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value | undefined> {
  for (let waited = 0; ; waited += 50) {
    const found = await look()
    if (found !== undefined || waited >= milliseconds) return found
    await sleep(50, signal)
  }
}
