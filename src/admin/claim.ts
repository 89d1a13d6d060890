/** What proves, while nobody owns the appliance, that one has access to its console: a link's token, or a short code. */
import type { Random } from '../core/random.ts'
import { sameSecret } from './sessions.ts'

export interface ClaimSecrets {
  /** Goes into the claim link, `/admin/#claim=<token>`. */
  readonly token: string
  /** `XXXX-XXXX`, to be typed. */
  readonly code: string
}

/** Crockford's alphabet: no letter looks like another or like a digit. 32 characters, so 40 bits in a code. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Made anew at each start while unclaimed; the code may have been chosen beforehand. */
export function newClaimSecrets(random: Random, chosen?: string): ClaimSecrets {
  const letters = Array.from({ length: 8 }, () => alphabet[random.below(alphabet.length)]!).join('')
  return { token: random.hex(24), code: chosen ?? `${letters.slice(0, 4)}-${letters.slice(4)}` }
}

/** The token is too long to guess; the code is not, so its tries are to be limited. */
export const isClaimToken = (given: string): boolean => given.length > 16

/** Code in any case, with or without dash, O for 0, I and L for 1. */
export function isRightClaim(given: string, secrets: ClaimSecrets): boolean {
  if (isClaimToken(given)) return sameSecret(given, secrets.token)
  return sameSecret(plain(given), plain(secrets.code))
}

const plain = (code: string): string =>
  code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
