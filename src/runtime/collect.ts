/**
 * Collection of what just became garbage. Memory that came from a socket is outside V8's heap: V8 does not see it grow
 * before there are 64 MB of it (measured), while a collection of the young generation takes a millisecond.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' }) => void
let collect: Collect | undefined

export function collectYoung(): void {
  collect ??= collector()
  collect({ type: 'minor' })
}

/** The function that `--expose-gc` puts into every context made after it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc')
  const found = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  return found
}
