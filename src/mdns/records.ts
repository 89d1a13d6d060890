/** What is told of the host and of each service on one link, as records (RFC 6762 §10, RFC 6763 §4–§9). Pure. */
import { familyOf } from '../core/endpoint.ts'
import type { Claim } from './claims.ts'
import { rdataOf, typeOf } from './codec.ts'
import type { Link, Name, RecordData, ResourceRecord, Service } from './message.ts'
import { hostNameOf, keyOf, metaName, reverseNameOf, typeNameOf } from './names.ts'

/** RFC 6762 §10: records with a host's name or address, and all others. */
export const ttl = { hostSeconds: 120, otherSeconds: 4_500 } as const

/** A record of ours, with what is asked of it again and again. */
export interface OwnRecord extends ResourceRecord {
  /** Equal for records with the same name, type and data. */
  readonly key: string
  readonly nameKey: string
  readonly type: number
  /** False for those that several responders may have: pointers to services. */
  readonly unique: boolean
}

/** Tells records apart as the wire does, whatever their TTL and flags. */
export const recordKeyOf = (record: ResourceRecord): string =>
  `${keyOf(record.name)} ${typeOf(record.data)} ${dataKeyOf(record.data)}`

/** Names within the data count alike in either case, like all names. */
function dataKeyOf(data: RecordData): string {
  if (data.type === 'PTR') return keyOf(data.target)
  if (data.type === 'SRV') return `${data.priority} ${data.weight} ${data.port} ${keyOf(data.target)}`
  return Buffer.from(rdataOf(data)).toString('latin1')
}

function own(name: Name, ttlSeconds: number, data: RecordData, unique = true): OwnRecord {
  const record = { name, class: 1, flush: unique, ttlSeconds, data }
  return { ...record, key: recordKeyOf(record), nameKey: keyOf(name), type: typeOf(data), unique }
}

/**
 * The addresses told on a link: its own and no other's. IPv6 link-local ones mean nothing without an interface, so they
 * are told only where there is nothing else.
 */
export function addressesOf(link: Link): readonly string[] {
  const all = link.addresses.map(({ address }) => address)
  const routable = all.filter(address => !isLinkLocal6(address))
  return routable.length > 0 ? routable : all
}

export const isLinkLocal6 = (address: string): boolean => /^fe[89ab]/.test(address)

function hostRecords(hostname: string, link: Link): OwnRecord[] {
  const name = hostNameOf(hostname)
  return addressesOf(link).flatMap(address => [
    own(name, ttl.hostSeconds, { type: familyOf(address) === 4 ? 'A' : 'AAAA', address }),
    own(reverseNameOf(address), ttl.hostSeconds, { type: 'PTR', target: name }),
  ])
}

function serviceRecords(service: Service, instance: string, hostname: string): OwnRecord[] {
  const type = typeNameOf(service.type)
  const name = [instance, ...type]
  const strings = service.txt.map(entry => new TextEncoder().encode(entry).subarray(0, 255))
  const srv = {
    type: 'SRV',
    priority: 0,
    weight: 0,
    port: service.port,
    target: hostNameOf(hostname),
  } as const
  return [
    own(type, ttl.otherSeconds, { type: 'PTR', target: name }, false),
    own(name, ttl.hostSeconds, srv),
    own(name, ttl.otherSeconds, { type: 'TXT', strings }),
    own(metaName, ttl.otherSeconds, { type: 'PTR', target: type }, false),
  ]
}

interface Made {
  readonly hostname: string
  readonly label: string
  readonly records: readonly OwnRecord[]
}

/** Records that need not be made again until something of them is another. */
export class Records {
  readonly #made = new WeakMap<Service | Link, Made>()

  of({ service, label }: Claim, hostname: string, link: Link): readonly OwnRecord[] {
    const known = this.#made.get(service ?? link)
    if (known?.hostname === hostname && known.label === label) return known.records
    const records =
      service === undefined ? hostRecords(label, link) : serviceRecords(service, label, hostname)
    this.#made.set(service ?? link, { hostname, label, records })
    return records
  }
}

/** RFC 6762 §6.1: says that of all types only those of `records` exist at this name, all of which is ours. */
export function noOthers(name: Name, records: readonly OwnRecord[]): OwnRecord {
  const types = [...new Set(records.map(record => record.type))].sort((a, b) => a - b)
  return own(name, ttl.hostSeconds, { type: 'NSEC', next: name, types })
}

/** What is to be in the authority section of a probe: the unique records of the name probed for. */
export const proposed = (records: readonly OwnRecord[], nameKey: string): OwnRecord[] =>
  records.filter(record => record.unique && record.nameKey === nameKey)

/**
 * RFC 6762 §8.2.1: positive when `ours` is lexicographically later and so wins, 0 when both say the same. Records are
 * compared by class, type and uncompressed data, each side sorted.
 */
export function compareProbes(ours: readonly ResourceRecord[], theirs: readonly ResourceRecord[]): number {
  const [left, right] = [ours, theirs].map(side => side.map(comparable).sort(Buffer.compare)) as [
    Buffer[],
    Buffer[],
  ]
  for (const [index, one] of left.entries()) {
    const other = right[index]
    // Whoever has records left when the other has none wins.
    if (other === undefined) return 1
    const order = Buffer.compare(one, other)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function comparable(record: ResourceRecord): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(record.class, 0)
  head.writeUInt16BE(typeOf(record.data), 2)
  return Buffer.concat([head, rdataOf(record.data)])
}
