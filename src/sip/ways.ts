/** The ways to a telephone that may have several (RFC 5626 §7): it is asked by one at a time. */
import { type LiveBinding, likeliestFirst } from './bindings.ts'
import type { Target } from './response-context.ts'

/** Of the contacts of one instance one is in the target set, the others for when its flow fails. */
export function byInstance(reached: readonly LiveBinding[]): Target[] {
  const ways = new Map<string, LiveBinding[]>()
  for (const live of reached) {
    const { key, device, instance } = live.binding
    // Telephones that were set up by a copy say the same instance: another device is another telephone.
    const name = instance === undefined ? key : `${device}\0${instance}`
    const known = ways.get(name)
    if (known === undefined) ways.set(name, [live])
    else known.push(live)
  }
  return [...ways.values()].map(known => {
    const [best, ...others] = known.sort(likeliestFirst)
    return targetOf(best!, others)
  })
}

/** `others`: to the same instance, in the order in which they are tried. */
export function targetOf({ binding }: LiveBinding, others: readonly LiveBinding[] = []): Target {
  const { contact, key, user, device, transport, path, remote: seen } = binding
  const keys = others.map(one => one.binding.key)
  const uri = requestUri(contact)
  return { uri, key, user, device, transport, path, seen, address: undefined, others: keys }
}

/** RFC 3261 §16.6 step 2: without what may stand in a contact and in no Request-URI (§19.1.1), its method and headers. */
export function requestUri(contact: string): string {
  const paramsFrom = contact.indexOf('@') + 1
  const headersFrom = contact.indexOf('?', paramsFrom)
  const uri = headersFrom < 0 ? contact : contact.slice(0, headersFrom)
  const after = uri.slice(paramsFrom)
  return methodParam.test(after) ? uri.slice(0, paramsFrom) + after.replace(methodParam, '') : uri
}

const methodParam = /;method=[^;]*/i
