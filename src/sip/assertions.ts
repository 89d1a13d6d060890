/**
 * Who somebody is, as lanline vouches for it (RFC 3325): a phone writes what it likes for a name into From, and lanline
 * knows whose phone it is. And who does not wish that it is told (RFC 3323 §4.2).
 */
import type { HeaderField, SipMessage } from './message.ts'
import { nameAddr, personUri } from './person.ts'
import type { Accounts } from './ports.ts'

/** §9.1: P-Asserted-Identity of what `user` asks, or takes. */
export function assertedOf(
  user: string,
  { accounts, domain }: { readonly accounts: Accounts; readonly domain: string },
): string | undefined {
  const person = accounts.user(user)
  return person && nameAddr(person.displayName, personUri(person.name, domain))
}

/**
 * Who sent this wishes not to be known to whom lanline does not trust: RFC 3325 §9.3, RFC 3323 §4.2, and as telephones say it
 * that are older than both.
 */
export function wishesPrivacy(message: SipMessage): boolean {
  const wished = privacyOf(message)
  if (wished.has('none')) return false
  return (
    ['id', 'user', 'header'].some(level => wished.has(level)) ||
    message.headers.some(({ name, value }) => name === 'Remote-Party-ID' && wishesIt(value))
  )
}

/** RFC 3323 §5: what is critical to who asks, and not to be had: addresses are in all that two say to each other. */
export function isPrivacyLacking(message: SipMessage): boolean {
  const wished = privacyOf(message)
  return wished.has('critical') && [...wished].some(level => !provided.has(level))
}

/** `none` asks for nothing. */
const provided: ReadonlySet<string> = new Set(['id', 'user', 'none', 'critical'])

const privacyOf = ({ headers }: SipMessage): ReadonlySet<string> => {
  const fields = headers.filter(({ name }) => name === 'Privacy')
  const levels = fields.flatMap(({ value }) => value.split(/[;,]/, most.levels))
  return new Set(levels.map(level => level.trim().toLowerCase()).filter(level => level !== ''))
}

const wishesIt = (remoteParty: string): boolean =>
  /;\s*privacy\s*=\s*"?(full|name|uri)\b/i.test(remoteParty.slice(0, most.remotePartyCharacters))

/** Read of one field: there are six levels (RFC 3323 §4.2), and a stranger's datagram has room for thirty thousand. */
const most = { levels: 32, remotePartyCharacters: 4_096 } as const

/** §5: it is asserted by those one trusts: lanline is, and devices are not. */
export const withoutAssertions = (headers: readonly HeaderField[]): readonly HeaderField[] =>
  headers.some(isAssertion) ? headers.filter(field => !isAssertion(field)) : headers

const isAssertion = ({ name }: HeaderField): boolean =>
  name === 'P-Asserted-Identity' || name === 'P-Preferred-Identity' || name === 'Remote-Party-ID'
