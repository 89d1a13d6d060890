/** What an appliance says of itself by DNS-SD (RFC 6763), read from answers of any order. Pure; asking is `node.ts`'s. */

export interface Appliance {
  /** The same over restarts, renamings and new addresses. */
  readonly id: string
  /** What people call it. */
  readonly name: string
  /** `lanline.local`. */
  readonly hostname: string
  /** By address, since names of `.local` do not resolve everywhere: `https://192.168.1.10` or with its port. */
  readonly origin: string
  readonly addresses: readonly string[]
  readonly port: number
  /** Where its door is, for the authority's certificate. */
  readonly httpPort: number
  /** SHA-256 of its authority's certificate, lower-case hexadecimal: whom to trust, if nothing better tells. */
  readonly fingerprint: string
  readonly version: string
}

/** One record as multicast-dns gives it. */
export interface Answer {
  readonly name: string
  readonly type: string
  readonly data?: unknown
}

export const serviceType = '_lanline._tcp.local'

/** Collects answers until they make appliances. Bounded: what a network says is not believed without end. */
export class Findings {
  readonly #services = new Map<
    string,
    { target?: string; port?: number; text?: ReadonlyMap<string, string> }
  >()
  readonly #addresses = new Map<string, Set<string>>()

  add(answers: readonly Answer[]): void {
    for (const { name, type, data } of answers) {
      const key = name.toLowerCase()
      if (type === 'PTR' && key === serviceType) this.#service(String(data))
      else if (type === 'SRV' && key.endsWith(`.${serviceType}`)) {
        const { target, port } = data as { target: string; port: number }
        Object.assign(this.#service(name) ?? {}, { target: target.toLowerCase(), port })
      } else if (type === 'TXT' && key.endsWith(`.${serviceType}`)) {
        Object.assign(this.#service(name) ?? {}, { text: textOf(data) })
      } else if ((type === 'A' || type === 'AAAA') && this.#addresses.size < most) {
        const known = this.#addresses.get(key) ?? new Set()
        if (known.size < most) this.#addresses.set(key, known.add(String(data)))
      }
    }
  }

  /** Those of which everything is known, each once. */
  appliances(): readonly Appliance[] {
    const found = new Map<string, Appliance>()
    for (const [instance, { target, port, text }] of this.#services) {
      const id = text?.get('id')
      const fingerprint = text?.get('ca')
      if (target === undefined || port === undefined || id === undefined || fingerprint === undefined)
        continue
      // IPv4 first: a link-local IPv6 address means nothing without an interface.
      const addresses = [...(this.#addresses.get(target) ?? [])]
        .filter(address => !/^fe[89ab]/i.test(address))
        .sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
      if (addresses.length === 0 || !/^[0-9a-f]{64}$/.test(fingerprint)) continue
      const host = addresses[0]!.includes(':') ? `[${addresses[0]}]` : addresses[0]
      found.set(id, {
        ...{ id, addresses, port, fingerprint, hostname: target },
        name: instance.slice(0, -serviceType.length - 1),
        origin: `https://${host}${port === 443 ? '' : `:${port}`}`,
        httpPort: Number(text?.get('http') ?? 80),
        version: text?.get('version') ?? '',
      })
    }
    return [...found.values()]
  }

  #service(instance: string): object | undefined {
    const known = this.#services.get(instance)
    if (known !== undefined || this.#services.size >= most) return known
    const fresh = {}
    this.#services.set(instance, fresh)
    return fresh
  }
}

const most = 64

/** RFC 6763 §6.4: keys without regard to case, the first of each counts. */
function textOf(data: unknown): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  for (const entry of Array.isArray(data) ? data : [data]) {
    const [key = '', ...rest] = String(entry).split('=')
    if (!pairs.has(key.toLowerCase())) pairs.set(key.toLowerCase(), rest.join('='))
  }
  return pairs
}
