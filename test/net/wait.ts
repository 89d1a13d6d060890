/** Waits until `look` gives something other than undefined or false; real peers take real time. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: { seconds?: number; everyMilliseconds?: number } = {},
): Promise<T> {
  const { seconds = 20, everyMilliseconds = 100 } = options
  const giveUpAt = performance.now() + seconds * 1_000
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > giveUpAt) throw new Error(`after ${seconds} s still not so: ${what}`)
    await pause(everyMilliseconds)
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds))
