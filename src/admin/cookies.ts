/** The two cookies of the console (RFC 6265): both unreadable to scripts and sent to us by our own pages only. */

export const sessionCookie = 'lanline_session'
/** Marks a browser in which a person has logged in before; grants nothing, see `tries.ts`. */
export const knownCookie = 'lanline_known'

const yearSeconds = 31_536_000

export function setCookie(
  name: string,
  value: string,
  options: { secure: boolean; maxAgeSeconds: number },
): string {
  const secure = options.secure ? '; Secure' : ''
  return `${name}=${value}; Path=/; Max-Age=${options.maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`
}

export const setSession = (id: string, secure: boolean): string =>
  setCookie(sessionCookie, id, { secure, maxAgeSeconds: 30 * 86_400 })
export const clearSession = (secure: boolean): string =>
  setCookie(sessionCookie, '', { secure, maxAgeSeconds: 0 })
export const setKnown = (mark: string, secure: boolean): string =>
  setCookie(knownCookie, mark, { secure, maxAgeSeconds: yearSeconds })

export function parseCookies(header: string | undefined): Readonly<Record<string, string>> {
  const cookies: Record<string, string> = Object.create(null)
  for (const part of (header ?? '').slice(0, 8_192).split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0) cookies[part.slice(0, equals).trim()] ??= part.slice(equals + 1).trim()
  }
  return cookies
}
