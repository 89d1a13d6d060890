/** Values from the appliance: loaded when a page opens, again on demand, and kept while a newer one is on its way. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<Value> {
  readonly value: Value | undefined
  /** `''`: none. */
  readonly failure: string
  readonly reload: () => Promise<void>
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Loads now and whenever `key` changes; answers that were overtaken are dropped. */
export function useLoaded<Value>(load: () => Promise<Value>, key = ''): Loaded<Value> {
  const [state, setState] = useState<{ key: string; value: Value | undefined; failure: string }>({
    ...{ key, value: undefined, failure: '' },
  })
  const latest = useRef(load)
  const turn = useRef(0)
  latest.current = load
  const reload = useCallback(async () => {
    const mine = ++turn.current
    try {
      const value = await latest.current()
      if (mine === turn.current) setState({ key, value, failure: '' })
    } catch (error) {
      if (mine === turn.current) setState(old => ({ ...old, key, failure: messageOf(error) }))
    }
  }, [key])
  useEffect(() => {
    void reload()
    return () => void turn.current++
  }, [reload])
  return { value: state.key === key ? state.value : undefined, failure: state.failure, reload }
}

/** The same, every `everySeconds` as well while the page is looked at. For what no event tells. */
export function usePolled<Value>(load: () => Promise<Value>, everySeconds: number, key = ''): Loaded<Value> {
  const loaded = useLoaded(load, key)
  const { reload } = loaded
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden) void reload()
    }
    const timer = setInterval(look, everySeconds * 1_000)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [reload, everySeconds])
  return loaded
}
