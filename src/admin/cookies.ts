/**
 * The two cookies of the console (RFC 6265): both unreadable to scripts and sent to us by our own pages only. Over TLS
 * their names begin with `__Host-` (RFC 6265bis §4.1.3.2): cookies know no ports, and without it whatever else answers
 * on this host, in the clear or by a longer path, could put a session of its own in place of ours.
 */
const session = 'lanline_session'
/** Marks a browser in which a person has logged in before; grants nothing, see `tries.ts`. */
const known = 'lanline_known'

type Cookies = Readonly<Record<string, string>>

const yearSeconds = 31_536_000

const nameOf = (name: string, secure: boolean): string => (secure ? `__Host-${name}` : name)

export const sessionIn = (cookies: Cookies, secure: boolean): string | undefined =>
  cookies[nameOf(session, secure)]
export const knownIn = (cookies: Cookies, secure: boolean): string | undefined =>
  cookies[nameOf(known, secure)]

export const setSession = (id: string, secure: boolean): string =>
  setCookie(session, id, { secure, maxAgeSeconds: 30 * 86_400 })
export const clearSession = (secure: boolean): string => setCookie(session, '', { secure, maxAgeSeconds: 0 })
export const setKnown = (mark: string, secure: boolean): string =>
  setCookie(known, mark, { secure, maxAgeSeconds: yearSeconds })

export function parseCookies(header: string | undefined): Cookies {
  const cookies: Record<string, string> = Object.create(null)
  for (const part of (header ?? '').slice(0, 8_192).split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0) cookies[part.slice(0, equals).trim()] ??= part.slice(equals + 1).trim()
  }
  return cookies
}

function setCookie(
  name: string,
  value: string,
  { secure, maxAgeSeconds }: { secure: boolean; maxAgeSeconds: number },
): string {
  const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  return `${nameOf(name, secure)}=${value}; ${attributes}`
}
