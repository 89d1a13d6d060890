/** The daemon's look at itself: what the console's first page says of health. */
import { availableParallelism } from 'node:os'
import type { Device, Health, HealthDetail, Network } from '../admin/message.ts'
import type { CallRow } from '../calls/message.ts'
import { plausibleFrom } from '../core/clock.ts'
import { readLoad, readMachine } from '../runtime/machine.ts'
import { judgeFromInside } from './judge.ts'

export type Look = Omit<HealthDetail, keyof Health>

export interface LookSource {
  readonly dataDirectory: string
  readonly now: number
  readonly health: Health
  readonly network: Network
  readonly devices: readonly Device[]
  /** The newest. */
  readonly calls: readonly CallRow[]
  readonly certificate: {
    readonly names: readonly string[]
    readonly addresses: readonly string[]
    readonly notBefore: number
    readonly notAfter: number
    readonly own?: boolean
  }
  readonly caFingerprint: string
}

/** All cores, busy for a minute. */
const busyLoad = 1.5

export function lookAtOneself(source: LookSource): Look {
  const { now, health, network, devices, calls, caFingerprint } = source
  const { notBefore, notAfter, own = false } = source.certificate
  const names = [...source.certificate.names, ...source.certificate.addresses]
  const machine = readMachine(source.dataDirectory)
  const load = readLoad()
  const findings = judgeFromInside({
    ...machine,
    now,
    told: { health, network, devices, calls, caFingerprint },
    ...{ seen: [], lookedUp: undefined, mdnsHolders: [], ports: {} },
    certificate: { names, notBefore, notAfter },
  })
  if (load.load > availableParallelism() * busyLoad) {
    findings.push({
      check: 'load',
      level: 'warning',
      found: `${load.load.toFixed(1)} on ${load.cores} cores`,
      advice: 'Another program may keep this machine busy; calls that go direct are not touched by it.',
    })
  }
  return {
    at: now,
    machine: {
      ...load,
      diskTotalBytes: machine.disk?.totalBytes,
      diskFreeBytes: machine.disk?.freeBytes,
      celsius: machine.celsius,
      clockSet: now >= plausibleFrom,
      clockSynchronised: machine.clockSynchronised,
    },
    certificate: { names, notAfter, own },
    findings,
  }
}
