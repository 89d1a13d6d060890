/** Reads what `node --cpu-prof` wrote and says where the time went, by function and by file. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[]
}

/** Prints the functions with the most time of their own, idle left out, for each profile in `directory`. */
export function printProfile(directory: string, count = 40): void {
  for (const file of readdirSync(directory).filter(name => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as CpuProfile
    const byFunction = selfTime(profile, frame => {
      const place = frame.url === '' ? '' : ` ${shorten(frame.url)}:${frame.lineNumber + 1}`
      return `${frame.functionName || '(anonymous)'}${place}`
    })
    const byFile = selfTime(profile, frame => (frame.url === '' ? frame.functionName : shorten(frame.url)))
    const total = [...byFunction.values()].reduce((sum, time) => sum + time, 0)
    process.stdout.write(`\n${file}: ${(total / 1_000).toFixed(0)} ms busy\n`)
    print('by file', byFile, total, 15)
    print('by function (self time)', byFunction, total, count)
  }
}

function selfTime(
  profile: CpuProfile,
  nameOf: (frame: CpuProfile['nodes'][number]['callFrame']) => string,
): Map<string, number> {
  const names = new Map(profile.nodes.map(node => [node.id, nameOf(node.callFrame)]))
  const times = new Map<string, number>()
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? '?'
    if (name === '(idle)' || name === '(root)') return
    times.set(name, (times.get(name) ?? 0) + profile.timeDeltas[index]!)
  })
  return times
}

function print(title: string, times: Map<string, number>, total: number, count: number): void {
  process.stdout.write(`  ${title}\n`)
  const sorted = [...times].sort((a, b) => b[1] - a[1]).slice(0, count)
  for (const [name, time] of sorted) {
    const share = ((100 * time) / total).toFixed(1).padStart(6)
    process.stdout.write(`  ${share} % ${(time / 1_000).toFixed(0).padStart(7)} ms  ${name}\n`)
  }
}

const shorten = (url: string): string =>
  url.replace(/^file:\/\//, '').replace(/^.*\/(src|node_modules)\//, '$1/')
