/** Parts of messages as tests write them. */
import type { HeaderField, SipUri } from '../../src/sip/message.ts'

/** `value` in the place of the field of that name, spelled so, or after all others. */
export function withField(headers: readonly HeaderField[], name: string, value: string): HeaderField[] {
  const index = headers.findIndex(field => field.name === name)
  return index < 0 ? [...headers, { name, value }] : headers.with(index, { name, value })
}

/** RFC 3261 §19.1.1: all is escaped that need not stand as it is. */
export function uriText({ scheme, user, password, host, port, params, headers }: SipUri): string {
  const escaped = encodeURIComponent
  const userInfo =
    user === undefined ? '' : `${escaped(user)}${password === undefined ? '' : `:${password}`}@`
  const place = `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`
  const each = [...params].map(([name, value]) => `;${escaped(name)}${value && `=${escaped(value)}`}`)
  return `${scheme}:${userInfo}${place}${each.join('')}${headers === undefined ? '' : `?${headers}`}`
}
