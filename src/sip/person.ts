/** How people are written in SIP: their addresses, with or without the name others read. */
import { formatNameAddr } from './codec.ts'

/** RFC 3261 §25.1 `user`: everything that is not unreserved is escaped. Half a character, as JSON may hold, is none. */
export const escapeUser = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )

export const personUri = (user: string, domain: string): string => `sip:${escapeUser(user)}@${domain}`

export function nameAddr(displayName: string, uri: string): string {
  // A display name comes from people: no control character may reach a header.
  const clean = displayName.replace(/[\x00-\x1f\x7f]/g, ' ').trim()
  return formatNameAddr({ displayName: clean === '' ? undefined : clean, uri, params: new Map() })
}
