/** How secrets become what may be stored: one-way, every one of them. */
import { createHash } from 'node:crypto'

/** Lower-case hexadecimal SHA-256, for tokens: they are random, so no salt and no stretching is needed. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** RFC 8760 §2.4 and RFC 7616 §3.4.2: H(user ":" realm ":" password) for both digest algorithms. */
export function digestHashes(
  digestUser: string,
  realm: string,
  password: string,
): { readonly ha1Md5: string; readonly ha1Sha256: string } {
  const secret = `${digestUser}:${realm}:${password}`
  return { ha1Md5: createHash('md5').update(secret).digest('hex'), ha1Sha256: sha256(secret) }
}

/**
 * A person's address out of how they call themselves: lower-case letters, digits, `-` and `.`, at most 32 characters;
 * `person` where nothing is left.
 */
export function userNameFrom(displayName: string): string {
  const plain = displayName
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, 32)
    .replace(/[-.]+$/, '')
  return plain === '' ? 'person' : plain
}

export const isUserName = (name: string): boolean => /^[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?$/.test(name)
