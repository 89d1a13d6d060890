/**
 * What the advertiser speaks of: DNS messages (RFC 1035) as mDNS uses them (RFC 6762), what is to be published
 * (RFC 6763), and the facts and effects of its machine. Types and their constants only.
 */
import type { Endpoint } from '../core/endpoint.ts'

export const mdnsPort = 5353
export const groups = { 4: '224.0.0.251', 6: 'ff02::fb' } as const

/** Labels without the root, as they are meant: a dot inside a label is a character like any other (RFC 6763 §4.3). */
export type Name = readonly string[]

export const recordType = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, NSEC: 47, ANY: 255 } as const

export interface Question {
  readonly name: Name
  /** A number of `recordType`, or any other the asker made up. */
  readonly type: number
  /** IN is 1, ANY 255; without the top bit. */
  readonly class: number
  /** The top bit of the class: QU (RFC 6762 §5.4). */
  readonly unicast: boolean
}

export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'PTR'; readonly target: Name }
  | {
      readonly type: 'SRV'
      readonly priority: number
      readonly weight: number
      readonly port: number
      readonly target: Name
    }
  /** Strings as bytes, in order; each at most 255 long (RFC 6763 §6.1). */
  | { readonly type: 'TXT'; readonly strings: readonly Uint8Array[] }
  /** The restricted form of RFC 6762 §6.1: types below 256. */
  | { readonly type: 'NSEC'; readonly next: Name; readonly types: readonly number[] }
  /** Anything else, kept for comparison and otherwise ignored. */
  | { readonly type: 'other'; readonly code: number; readonly bytes: Uint8Array }

export interface ResourceRecord {
  readonly name: Name
  readonly class: number
  /** The top bit of the class: cache-flush (RFC 6762 §10.2). */
  readonly flush: boolean
  readonly ttlSeconds: number
  readonly data: RecordData
}

export interface MdnsMessage {
  readonly id: number
  readonly response: boolean
  readonly truncated: boolean
  readonly questions: readonly Question[]
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
}

/** A network this machine is on: one interface that is up, with its own addresses, link-local ones included. */
export interface Link {
  /** As the system calls it: `eth0`. */
  readonly name: string
  readonly addresses: readonly { readonly address: string; readonly prefixLength: number }[]
}

export interface Service {
  /** Unique in a publication; the same service keeps its key when it changes. */
  readonly key: string
  /** `['_sip', '_udp']`; the domain is always `local`. */
  readonly type: readonly [string, string]
  /** What people read, at most 63 bytes of UTF-8; renamed by the machine on a conflict. */
  readonly instance: string
  readonly port: number
  /** `key=value` or `key`, in order (RFC 6763 §6.3). */
  readonly txt: readonly string[]
}

/** Everything that is to be found on the network. A new one replaces the old: what is gone gets its goodbye. */
export interface Publication {
  /** One label, without `.local`. */
  readonly hostname: string
  readonly services: readonly Service[]
}

export type MdnsInput =
  /** All links that are up now; given whole at each change. A link that is new or came back is probed on anew. */
  | { readonly kind: 'links'; readonly links: readonly Link[] }
  | { readonly kind: 'publish'; readonly publication: Publication }
  /**
   * A datagram that came in on `link` (judged by the rim from its source). `multicast` is false when it was sent to
   * one of our own addresses.
   */
  | {
      readonly kind: 'packet'
      readonly link: string
      readonly source: Endpoint
      readonly multicast: boolean
      readonly bytes: Uint8Array
    }
  /** Say goodbye to everything; nothing is answered any more. */
  | { readonly kind: 'stop' }

export type MdnsEffect =
  /** `to` is a family's group, or one host (QU, legacy unicast). Goes out on `link` from its own address, TTL 255. */
  | {
      readonly kind: 'send'
      readonly link: string
      readonly to: 4 | 6 | Endpoint
      readonly bytes: Uint8Array
    }
  /**
   * Probing is over on every link: this host name is ours. It is another than the published one where somebody else
   * had that (RFC 6762 §9); then it is to be kept, and given to `publish` from now on.
   */
  | { readonly kind: 'established'; readonly hostname: string }
  /** Somebody else has the instance's name: people will read this one. */
  | { readonly kind: 'instanceRenamed'; readonly key: string; readonly from: string; readonly to: string }
  /** To be counted, and logged at debug. `reason` is a stable word. */
  | {
      readonly kind: 'note'
      readonly reason: string
      readonly link: string | undefined
      readonly detail: string
    }

/** Asked of avahi-daemon over the system bus. */
export interface AvahiCall {
  readonly path: string
  readonly interface: string
  readonly member: string
  /** In D-Bus's own letters; one value of `body` for each complete type. */
  readonly signature?: string
  readonly body?: readonly unknown[]
}

export type AvahiInput =
  | Extract<MdnsInput, { readonly kind: 'links' | 'publish' | 'stop' }>
  /** avahi-daemon is on the bus: another one than before, which knows nothing of us. */
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'answered'; readonly call: number; readonly body: readonly unknown[] }
  /** `name` as D-Bus has it: `org.freedesktop.Avahi.CollisionError`. */
  | { readonly kind: 'refused'; readonly call: number; readonly name: string; readonly detail: string }
  /** Signal StateChanged of one of our entry groups. */
  | { readonly kind: 'groupState'; readonly path: string; readonly state: number }

export type AvahiEffect =
  /** Without `id` no answer is wanted. */
  | { readonly kind: 'call'; readonly id: number | undefined; readonly call: AvahiCall }
  | Extract<MdnsEffect, { readonly kind: 'established' | 'instanceRenamed' | 'note' }>

/** `auto`: the port where it can be shared, else avahi-daemon where it is there. */
export type MdnsWish = 'auto' | 'builtin' | 'avahi'

export type ChoiceInput =
  | { readonly kind: 'begin' }
  /** What came of opening UDP 5353; `held`: another program lets nobody share it. */
  | { readonly kind: 'port'; readonly state: 'open' | 'held' }
  | { readonly kind: 'avahi'; readonly present: boolean }

export type ChoiceEffect =
  /** Open the port, and keep trying while somebody holds it; or leave it alone. */
  | { readonly kind: 'port'; readonly wanted: boolean }
  /** Look for avahi-daemon on the system bus, and tell when it comes and goes. */
  | { readonly kind: 'bus'; readonly wanted: boolean }
  /** Publish through avahi-daemon from now on, or no longer. */
  | { readonly kind: 'avahi'; readonly used: boolean }
