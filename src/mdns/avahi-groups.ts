/**
 * What avahi-daemon is to hold: entry groups, each with the calls that fill it. The host has one for each link and
 * family, since its addresses are a link's own; each service has one. So they come, go and are disputed without touching
 * each other. Pure.
 */
import { familyOf } from '../core/endpoint.ts'
import { type Claim, host } from './claims.ts'
import type { AvahiCall, Link, Service } from './message.ts'
import { addressesOf } from './records.ts'

/** What it lets one group hold (`entries-per-entry-group-max`): addresses of one family on one link. */
const addressesAtMost = 32

/** AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC. */
export const anyInterface = -1
const anyProtocol = -1
/** AVAHI_PUBLISH_NO_REVERSE: the address's own name stays the machine's. */
const noReverse = 16
/** AVAHI_PUBLISH_NO_COOKIE: nothing is added to our texts. */
const noCookie = 32

export interface Wanted {
  readonly claim: string
  readonly label: string
  /** Equal for groups that hold the same. */
  readonly content: string
  readonly entries: () => readonly Pick<AvahiCall, 'member' | 'signature' | 'body'>[]
}

/** A link's addresses by family: IPv6 ones come and go by themselves, and are not to touch the other. */
export function hostGroups(hostname: string, link: Link, index: number): [string, Wanted][] {
  return ([4, 6] as const).flatMap(family => {
    const own = addressesOf(link).filter(address => familyOf(address) === family)
    const addresses = own.slice(0, addressesAtMost)
    if (addresses.length === 0) return []
    const body = (address: string): readonly unknown[] => [
      ...[index, anyProtocol, noReverse, `${hostname}.local`, address],
    ]
    const wanted: Wanted = {
      ...{ claim: host, label: hostname, content: JSON.stringify([hostname, index, addresses]) },
      entries: () =>
        addresses.map(address => ({ member: 'AddAddress', signature: 'iiuss', body: body(address) })),
    }
    return [[`${host} ${family} ${link.name}`, wanted]]
  })
}

export function serviceGroup(claim: Claim, service: Service, hostname: string, index: number): Wanted {
  const { id, label } = claim
  const { type, port, txt } = service
  return {
    ...{ claim: id, label, content: JSON.stringify([label, type, port, txt, hostname, index]) },
    entries: () => {
      const strings = txt.map(entry => Buffer.from(entry).subarray(0, 255))
      const where = ['local', `${hostname}.local`, port]
      const body = [index, anyProtocol, noCookie, label, type.join('.'), ...where, strings]
      return [{ member: 'AddService', signature: 'iiussssqaay', body }]
    },
  }
}
