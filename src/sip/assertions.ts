/**
 * Who somebody is, as lanline vouches for it (RFC 3325): a phone writes what it likes for a name into From, and lanline
 * knows whose phone it is.
 */
import { values } from './codec.ts'
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

/** §9.3: who sent this wishes not to be known to whom lanline does not trust. */
export const wishesPrivacy = (message: SipMessage): boolean =>
  values(message, 'Privacy').some(value => /(^|;)\s*id\s*(;|$)/i.test(value))

/** §5: it is asserted by those one trusts: lanline is, and devices are not. */
export const withoutAssertions = (headers: readonly HeaderField[]): readonly HeaderField[] =>
  headers.some(isAssertion) ? headers.filter(field => !isAssertion(field)) : headers

const isAssertion = ({ name }: HeaderField): boolean =>
  name === 'P-Asserted-Identity' || name === 'P-Preferred-Identity' || name === 'Remote-Party-ID'
