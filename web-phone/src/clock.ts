/** The page's end of `clock.worker.ts`, in the shape that the client library takes. */
import type { Env } from '../../client/env.ts'

export function steadyTimers(): Pick<Env, 'setTimeout' | 'clearTimeout'> {
  const worker = new Worker(new URL('./clock.worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, () => void>()
  let serial = 0
  worker.onmessage = ({ data: id }: MessageEvent<number>) => {
    const fire = waiting.get(id)
    waiting.delete(id)
    fire?.()
  }
  return {
    setTimeout: (fire, milliseconds) => {
      const id = ++serial
      waiting.set(id, fire)
      worker.postMessage({ set: id, milliseconds })
      return id
    },
    clearTimeout: handle => {
      if (waiting.delete(handle as number)) worker.postMessage({ clear: handle })
    },
  }
}
