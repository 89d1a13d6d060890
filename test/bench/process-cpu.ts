/**
 * CPU time and memory of a running program and its children, as Linux counts them. The scheduler's own count
 * (`schedstat`, nanoseconds, user and system together) is used because the ticks in `stat` are 10 ms wide and sampled.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface ThreadCpu {
  readonly pid: number
  readonly tid: number
  readonly name: string
  readonly nanoseconds: number
}

/** Every thread of `pid` and of all its descendants; threads that ended in between are left out. */
export function threadCpu(pid: number): ThreadCpu[] {
  return familyOf(pid).flatMap(member =>
    tasksOf(member).flatMap(tid => {
      try {
        const spent = readFileSync(`/proc/${member}/task/${tid}/schedstat`, 'latin1').split(' ')[0]
        const name = readFileSync(`/proc/${member}/task/${tid}/comm`, 'latin1').trim()
        return [{ pid: member, tid, name, nanoseconds: Number(spent) }]
      } catch {
        return []
      }
    }),
  )
}

/** What each thread spent between two readings, largest first, threads that spent nothing left out. */
export function cpuBetween(before: readonly ThreadCpu[], after: readonly ThreadCpu[]): ThreadCpu[] {
  const start = new Map(before.map(thread => [thread.tid, thread.nanoseconds]))
  return after
    .map(thread => ({ ...thread, nanoseconds: thread.nanoseconds - (start.get(thread.tid) ?? 0) }))
    .filter(thread => thread.nanoseconds > 0)
    .sort((a, b) => b.nanoseconds - a.nanoseconds)
}

export const totalNanoseconds = (threads: readonly ThreadCpu[]): number =>
  threads.reduce((sum, thread) => sum + thread.nanoseconds, 0)

/**
 * Resident kilobytes of `pid` and its descendants: `resident` counts shared pages once a process, `proportional`
 * divides them, so it alone can be added up over processes that share memory.
 */
export function memoryKilobytes(pid: number): { resident: number; proportional: number } {
  const sum = { resident: 0, proportional: 0 }
  for (const member of familyOf(pid)) {
    try {
      const rollup = readFileSync(`/proc/${member}/smaps_rollup`, 'latin1')
      sum.resident += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
      sum.proportional += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    } catch {
      // It ended since it was listed.
    }
  }
  return sum
}

function familyOf(pid: number): number[] {
  return [pid, ...tasksOf(pid).flatMap(tid => childrenOf(pid, tid).flatMap(familyOf))]
}

function tasksOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

function childrenOf(pid: number, tid: number): number[] {
  try {
    const line = readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').trim()
    return line === '' ? [] : line.split(' ').map(Number)
  } catch {
    return []
  }
}
