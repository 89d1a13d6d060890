/** The daemon's look at itself: what the console's first page says of health. */
import { availableParallelism } from 'node:os'
import type { Device, Health, HealthDetail, HealthFinding, Network } from '../admin/message.ts'
import type { CallRow } from '../calls/message.ts'
import { days, plausibleFrom } from '../core/clock.ts'
import { readLoad, readMachine } from '../runtime/machine.ts'
import { judgeFromInside } from './judge.ts'

export type Look = Omit<HealthDetail, keyof Health>

export interface LookSource {
  readonly dataDirectory: string
  /** In a container on a network that its engine made for it. */
  readonly bridged: boolean
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
  }
  /** One that the owner brought. */
  readonly ownCertificate: { readonly names: readonly string[]; readonly notAfter: number } | undefined
  readonly caFingerprint: string
  readonly ownerReset?: OwnerReset | undefined
}

/** A new owner by a file on the card. */
export interface OwnerReset {
  readonly at: number
  readonly owners: readonly string[]
  readonly claimedBy?: string | undefined
}

/** So long everybody who opens the console is told. */
const resetShownMilliseconds = days(7)

/** All cores, busy for a minute. */
const busyLoad = 1.5

export function lookAtOneself(source: LookSource): Look {
  const { now, health, network, devices, calls, caFingerprint } = source
  const { ownCertificate } = source
  const { notBefore, notAfter } = source.certificate
  const names = [...source.certificate.names, ...source.certificate.addresses]
  const machine = readMachine(source.dataDirectory)
  const load = readLoad()
  const findings = judgeFromInside({
    ...machine,
    now,
    bridged: source.bridged,
    told: { health, network, devices, calls, caFingerprint },
    ...{ seen: [], lookedUp: undefined, mdnsHolders: [], ports: {} },
    certificate: { names, notBefore, notAfter },
    ownCertificate,
  })
  const { ownerReset } = source
  if (ownerReset !== undefined && now - ownerReset.at < resetShownMilliseconds) {
    findings.push(resetFinding(ownerReset))
  }
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
    certificate: { names, notAfter, own: ownCertificate !== undefined },
    findings,
  }
}

const resetFinding = ({ at, owners, claimedBy = 'nobody yet' }: OwnerReset): HealthFinding => ({
  check: 'owner',
  level: 'warning',
  found: `changed by a file on the card on ${new Date(at).toISOString().slice(0, 10)}: ${owners.join() === claimedBy ? `${claimedBy} again` : `before ${owners.join(', ')}, now ${claimedBy}`}`,
  advice:
    'If it was none of you: look through People and their devices, and change your password under Settings. Shown for seven days.',
})
