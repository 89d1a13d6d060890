/** Choosing ports: an explicit one that is taken is an error that helps; an unset one moves on to the next free. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** `explicit` is what the configuration says; undefined starts at `fallback` and may move. */
export interface PortWish {
  readonly key: string
  readonly explicit: number | undefined
  readonly fallback: number
}

/** A wish that cannot be had. The message says port, key and, where the system tells, who holds it. */
export class PortError extends Error {}

const triesBeforeGivingUp = 50

/**
 * Tries `open` on the wished port, on the following ones while the wish is not explicit. `open` rejects with a system
 * error: `EADDRINUSE` and `EACCES` mean this port cannot be had, anything else is passed on.
 */
export async function openPort<Opened>(
  wish: PortWish,
  open: (port: number) => Promise<Opened>,
  onMoved: (key: string, from: number, to: number) => void,
): Promise<Opened> {
  const first = wish.explicit ?? wish.fallback
  const tries = wish.explicit === undefined ? triesBeforeGivingUp : 1
  for (let port = first; port < first + tries; port++) {
    try {
      const opened = await open(port)
      if (port !== first) onMoved(wish.key, first, port)
      return opened
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
      if (wish.explicit !== undefined) throw new PortError(refusal(port, wish.key, code))
    }
  }
  throw new PortError(`no free port from ${first} to ${first + tries - 1} for ${wish.key}`)
}

function refusal(port: number, key: string, code: string): string {
  if (code === 'EACCES') {
    return `port ${port} (${key}) needs rights this process does not have; set ${key} to a port above 1023`
  }
  const holder = holderOf(port)
  return `port ${port} (${key}) is taken${holder ? ` by ${holder}` : ''}; stop that program or set ${key} to another port`
}

/** `name (pid 123)` of the process that listens on this port, where /proc lets us see it. */
export function holderOf(port: number, proc = '/proc'): string | undefined {
  const [holder] = holdersOf(port, proc)
  return holder && `${holder.name} (pid ${holder.pid})`
}

/** Every process that listens on this port, where /proc lets us see it. */
export function holdersOf(port: number, proc = '/proc'): { readonly name: string; readonly pid: number }[] {
  const inodes = new Set<string>()
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const inode of inodesOn(port, readOr(`${proc}/net/${table}`, ''), table.startsWith('tcp')))
      inodes.add(inode)
  }
  if (inodes.size === 0) return []
  const holds = (pid: string): boolean =>
    listOr(`${proc}/${pid}/fd`).some(descriptor => {
      const target = linkOr(`${proc}/${pid}/fd/${descriptor}`)
      return target?.startsWith('socket:[') === true && inodes.has(target.slice(8, -1))
    })
  return listOr(proc)
    .filter(name => /^[0-9]+$/.test(name) && holds(name))
    .map(pid => ({ name: readOr(`${proc}/${pid}/comm`, 'a process').trim(), pid: Number(pid) }))
}

/** /proc/net/{tcp,udp}: fields 2 (local), 4 (state; 0A is LISTEN, 07 an unconnected UDP socket) and 10 (inode). */
function* inodesOn(port: number, table: string, tcp: boolean): Generator<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    if (fields[1]?.endsWith(suffix) && fields[3] === (tcp ? '0A' : '07') && fields[9]) yield fields[9]
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function linkOr(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
