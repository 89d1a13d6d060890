/** What the doctor looks at, and what he says of it. Types only. */
import type { Device, Health, HealthFinding, Network } from '../admin/message.ts'
import type { CallRow } from '../calls/message.ts'
import type { MachineFacts } from '../runtime/machine.ts'

export type Finding = HealthFinding

/** What the running daemon tells of itself. */
export interface Told {
  readonly health: Health
  readonly network: Network
  readonly caFingerprint: string
  readonly devices: readonly Device[]
  /** The newest. */
  readonly calls: readonly CallRow[]
}

/** An appliance as anybody on the network finds it. */
export interface Seen {
  readonly hostname: string
  readonly addresses: readonly string[]
  /** Lower-case hexadecimal. */
  readonly fingerprint: string
}

export interface Facts extends MachineFacts {
  readonly now: number
  /** Undefined: no daemon runs on this data directory. */
  readonly told: Told | undefined
  /** By asking the network from this machine. */
  readonly seen: readonly Seen[]
  /** What this machine's own look-up says of the name; undefined: it cannot look up such names. */
  readonly lookedUp: string | undefined
  /** In a container on a network that its engine made for it. */
  readonly bridged: boolean
  /** Names of programs on UDP 5353, ours left out; undefined: other programs cannot be seen from here. */
  readonly mdnsHolders: readonly string[] | undefined
  /** By the names `http`, `https`, `sip`, `sips`: whether it took a connection. */
  readonly ports: Readonly<Record<string, boolean>>
  /** As the HTTPS port shows it. */
  readonly certificate:
    | { readonly names: readonly string[]; readonly notBefore: number; readonly notAfter: number }
    | undefined
  /** One that the owner brought; from outside it is not looked for. */
  readonly ownCertificate?: { readonly names: readonly string[]; readonly notAfter: number } | undefined
}
