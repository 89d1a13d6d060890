/** Extensions that are required and not known here (RFC 3261 §8.2.2.3, §16.3 step 5). */
import { values } from './codec.ts'
import type { HeaderField, SipRequest } from './message.ts'

/** RFC 3323 §4.3: that whoever gets this is a privacy service, which lanline is; nothing else needs a proxy. */
const privacy = 'privacy'

/** What a proxy is to know, and does not. */
export const proxyRequired = (request: SipRequest): string[] =>
  values(request, 'Proxy-Require').filter(tag => tag.trim().toLowerCase() !== privacy)

/** Said of one request: who asks may be nobody known, and the address forged to which the answer goes. */
export const listedExtensions = 10

/** §25.1 `option-tag`. */
const optionTag = /^[a-zA-Z0-9\-.!%*_+`'~]{1,64}$/

/** The first of them, each once, in an Unsupported; none where nothing can be said. */
export function unsupported(tags: readonly string[]): HeaderField[] {
  const said = new Set<string>()
  for (const tag of tags) {
    if (said.size === listedExtensions) break
    const name = tag.trim()
    if (optionTag.test(name)) said.add(name)
  }
  return said.size === 0 ? [] : [{ name: 'Unsupported', value: [...said].join(', ') }]
}
