/** The sample messages of RFC 5769 §2 and RFC 8489 Appendix B, one file each: hexadecimal, lines from `#` are notes. */
import { readFileSync } from 'node:fs'

export type StunVector =
  | 'rfc5769-2.1-request'
  | 'rfc5769-2.2-ipv4-response'
  | 'rfc5769-2.3-ipv6-response'
  | 'rfc5769-2.4-long-term'
  | 'rfc8489-b.1-sha256'

export function stunVector(name: StunVector): Uint8Array {
  const text = readFileSync(new URL(`${name}.txt`, import.meta.url), 'utf8')
  const digits = text.replaceAll(/#.*|\s/g, '')
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}
