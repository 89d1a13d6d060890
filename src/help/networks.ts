/** Which networks reach which, from what became of calls between them. Pure. */
import { formatIPv6, isInSubnet, isLoopback, parseIPv4, parseIPv6 } from '../core/endpoint.ts'
import type { KnownNetwork, NetworkCell, NetworkedCall, NetworkTable } from './message.ts'

const maxNetworks = 12
const maxReasons = 4

export function networkTable(calls: readonly NetworkedCall[], known: readonly KnownNetwork[]): NetworkTable {
  const cells = new Map<string, Growing>()
  let unknown = 0
  for (const one of calls) {
    const ends = [one.addresses.caller, one.addresses.callee].map(address => networkOf(address, known))
    const [from, to] = ends.sort()
    if (from === undefined || to === undefined || from === '' || to === '') {
      unknown++
      continue
    }
    const key = `${from}\u0000${to}`
    const cell = cells.get(key) ?? {
      from,
      to,
      direct: 0,
      relayed: 0,
      failed: 0,
      reasons: new Map(),
      example: undefined,
    }
    cells.set(key, cell)
    cell[one.path]++
    if (one.path === 'direct') continue
    // Calls come newest first.
    cell.example ??= one.call
    if (one.reason !== '') cell.reasons.set(one.reason, (cell.reasons.get(one.reason) ?? 0) + 1)
  }
  const kept = namesOf([...cells.values()])
  return {
    networks: kept,
    cells: [...cells.values()].filter(cell => kept.includes(cell.from) && kept.includes(cell.to)).map(told),
    calls: calls.length,
    unknown,
  }
}

interface Growing extends Omit<NetworkCell, 'reasons' | 'direct' | 'relayed' | 'failed' | 'example'> {
  direct: number
  relayed: number
  failed: number
  example: string | undefined
  readonly reasons: Map<string, number>
}

/** Those with most calls. */
function namesOf(cells: readonly Growing[]): string[] {
  const counts = new Map<string, number>()
  for (const { from, to, direct, relayed, failed } of cells) {
    for (const name of new Set([from, to]))
      counts.set(name, (counts.get(name) ?? 0) + direct + relayed + failed)
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, maxNetworks)
  return most.map(([name]) => name).sort()
}

function told(cell: Growing): NetworkCell {
  const reasons = [...cell.reasons]
    .map(([text, count]) => ({ text, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, maxReasons)
  return { ...cell, reasons }
}

/**
 * The interface or configured network that holds the address, the narrowest where several do, else its own /24 or
 * /64: as the relay tells networks apart. `''`: no address.
 */
export function networkOf(address: string, known: readonly KnownNetwork[]): string {
  if (isLoopback(address)) return 'this computer'
  const holding = known
    .filter(one => isInSubnet(address, one.address, one.prefixLength))
    .sort((a, b) => b.prefixLength - a.prefixLength)[0]
  if (holding !== undefined) return holding.name
  const quad = parseIPv4(address)
  if (quad !== undefined) return `${quad.slice(0, 3).join('.')}.0/24`
  const octets = parseIPv6(address)
  return octets === undefined ? '' : `${formatIPv6(octets.fill(0, 8))}/64`
}
