/**
 * Names to be had, by whichever way they are published: the host's, and one for each service. None of ours is called
 * like another; what somebody else has becomes the next free one (RFC 6762 §9, RFC 6763 appendix D). Pure.
 */
import { type Monotonic, seconds } from '../core/clock.ts'
import type { Name, Publication, Service } from './message.ts'
import { hostNameOf, keyOf, labelOf, nextHostname, nextInstance, typeNameOf } from './names.ts'

export const claimLimits = {
  services: 1_000,
  /** RFC 6762 §8.2: whoever loses against another's probe waits so long. */
  loserMilliseconds: seconds(1),
  /** RFC 6762 §8.1: after so many conflicts within ten seconds, five seconds before each further try. */
  conflicts: 15,
  conflictWindowMilliseconds: seconds(10),
  conflictMilliseconds: seconds(5),
} as const

/** The claim that is the host's. */
export const host = 'host'

export interface Claim {
  readonly id: string
  /** Undefined: the host's. */
  service: Service | undefined
  /** The label as it stands now, after any renaming. */
  label: string
  /** When somebody else turned out to have it. */
  conflicts: readonly Monotonic[]
}

/** What a publication brought, by the claims' ids. */
export interface Changes {
  readonly fresh: readonly string[]
  /** Ports or texts are others. */
  readonly changed: readonly string[]
  /** Services there was no room for. */
  readonly left: number
}

export class Claims {
  readonly #byId = new Map<string, Claim>()
  /** By the key of its name: whose a name is. */
  readonly #byName = new Map<string, Claim>()
  /** The host's name as it was published last. */
  #published: string | undefined

  get size(): number {
    return this.#byId.size
  }

  get host(): Claim | undefined {
    return this.#byId.get(host)
  }

  get(id: string): Claim | undefined {
    return this.#byId.get(id)
  }

  all(): IterableIterator<Claim> {
    return this.#byId.values()
  }

  ids(): string[] {
    return [...this.#byId.keys()]
  }

  ofName(nameKey: string): Claim | undefined {
    return this.#byName.get(nameKey)
  }

  /** Claims whose names this publication gives up: services that are no more, and whatever is called otherwise by hand. */
  lostBy(publication: Publication): string[] {
    const { hostname } = publication
    const wanted = wantedOf(publication)
    const isLost = ({ id, service, label }: Claim): boolean => {
      if (service === undefined) return hostname !== this.#published && labelOf(hostname) !== label
      const next = wanted.get(id)
      return next === undefined || !hasSameName(service, next)
    }
    return [...this.#byId.values()].filter(isLost).map(({ id }) => id)
  }

  /** From here on all of it is to be had. */
  publish(publication: Publication): Changes {
    const { hostname, services } = publication
    for (const id of this.lostBy(publication)) {
      const claim = this.#byId.get(id)!
      if (claim.service === undefined) {
        this.#relabel(claim, labelOf(hostname))
        claim.conflicts = []
      } else {
        this.#byId.delete(id)
        this.#byName.delete(keyOf(nameOf(claim)))
      }
    }
    const fresh: string[] = []
    const changed: string[] = []
    if (!this.#byId.has(host)) {
      this.#own(host, undefined, labelOf(hostname))
      fresh.push(host)
    }
    this.#published = hostname
    for (const [id, service] of wantedOf(publication)) {
      const claim = this.#byId.get(id)
      if (claim === undefined) {
        this.#own(id, service, this.#freeLabel(service, labelOf(service.instance)))
        fresh.push(id)
      } else if (JSON.stringify(claim.service) !== JSON.stringify(service)) {
        claim.service = service
        changed.push(id)
      }
    }
    return { fresh, changed, left: Math.max(0, services.length - claimLimits.services) }
  }

  /** Somebody else has its name: it takes the next one. */
  lose(claim: Claim, now: Monotonic): void {
    const { conflicts, conflictWindowMilliseconds } = claimLimits
    const recent = claim.conflicts.filter(at => at > now - conflictWindowMilliseconds)
    claim.conflicts = [...recent, now].slice(-conflicts)
    const { service, label } = claim
    this.#relabel(
      claim,
      service === undefined ? nextHostname(label) : this.#freeLabel(service, nextInstance(label)),
    )
  }

  #own(id: string, service: Service | undefined, label: string): void {
    const claim: Claim = { id, service, label, conflicts: [] }
    this.#byId.set(id, claim)
    this.#byName.set(keyOf(nameOf(claim)), claim)
  }

  #relabel(claim: Claim, label: string): void {
    this.#byName.delete(keyOf(nameOf(claim)))
    claim.label = label
    this.#byName.set(keyOf(nameOf(claim)), claim)
  }

  /** Two of our own services of one type must not fight either. */
  #freeLabel({ type }: Service, wanted: string): string {
    let label = wanted
    while (this.#byName.has(keyOf([label, ...typeNameOf(type)]))) label = nextInstance(label)
    return label
  }
}

export const nameOf = ({ service, label }: Claim): Name =>
  service === undefined ? hostNameOf(label) : [label, ...typeNameOf(service.type)]

/** So often of late that the next try is to wait. */
export const isLostOften = ({ conflicts }: Claim): boolean => conflicts.length >= claimLimits.conflicts

const wantedOf = ({ services }: Publication): ReadonlyMap<string, Service> =>
  new Map(services.slice(0, claimLimits.services).map(service => [`service ${service.key}`, service]))

const hasSameName = (one: Service, other: Service): boolean =>
  one.instance === other.instance && one.type.join('.') === other.type.join('.')
