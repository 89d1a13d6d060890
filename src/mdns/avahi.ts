/**
 * Publishes through the avahi-daemon of this machine, where it lets nobody else answer: says which entry groups it is
 * to hold, and takes other names where somebody has ours. Probing, answering and defending are avahi's. Leaves out: the
 * bus (`advertiser-io.ts`).
 *
 * Each entry group (`avahi-groups.ts`) goes its own way:
 *
 * | group       | path told | all added, committed | state 2 (established) | collision           | refused          |
 * | ----------- | --------- | -------------------- | --------------------- | ------------------- | ---------------- |
 * | making      | filling   |                      |                       |                     | failed           |
 * | filling     |           | registering          | established           | freed, made anew    | failed           |
 * | registering |           |                      | established           | freed, made anew    |                  |
 * | established |           |                      |                       | freed, made anew    |                  |
 * | failed      |           |                      |                       |                     | again after 30 s |
 *
 * After a collision it is made anew after a second under the same name, after a second collision at once under another.
 * What it holds is never changed: a group with something else in it is another one, made after the old one is freed.
 */
import { after, type Monotonic, seconds } from '../core/clock.ts'
import type { Machine } from '../core/machine.ts'
import { TimerTable } from '../core/timers.ts'
import { anyInterface, hostGroups, serviceGroup, type Wanted } from './avahi-groups.ts'
import { type Claim, Claims, claimLimits, host, isLostOften } from './claims.ts'
import type { AvahiCall, AvahiEffect, AvahiInput, Link, Publication } from './message.ts'

export const avahiLimits = {
  links: 32,
  /** avahi-daemon lets one program have 1,024 (`objects-per-client-max`). */
  groups: 1_000,
  /** Calls without their answer; the next group waits: hundreds of names keep avahi-daemon busy for seconds. */
  callsUnderWay: 16,
  /** After which what avahi-daemon refused is tried again. */
  retryMilliseconds: seconds(30),
} as const

export const avahiName = 'org.freedesktop.Avahi'
const server = { path: '/', interface: `${avahiName}.Server` } as const
export const groupInterface = `${avahiName}.EntryGroup`
/** AVAHI_ENTRY_GROUP_… */
const groupState = { established: 2, collision: 3, failure: 4 } as const
const collisionError = `${avahiName}.CollisionError`
const notPermittedError = `${avahiName}.NotPermittedError`

interface Group extends Wanted {
  readonly key: string
  phase: 'making' | 'filling' | 'registering' | 'established' | 'failed'
  path: string | undefined
  /** Calls of its filling that are not answered yet. */
  open: number
  /** Not wanted any more, before avahi-daemon told its path. */
  dropped: boolean
}

type Purpose =
  | { readonly kind: 'index'; readonly link: string }
  | { readonly kind: 'new' | 'fill'; readonly group: Group }

const refreshTimer = 'refresh'
const retryTimer = 'retry'

export class AvahiMachine implements Machine<AvahiInput, AvahiEffect> {
  readonly #timers = new TimerTable<string>()
  readonly #claims = new Claims()
  /** By the claim: disputed too often, and not before this moment. */
  readonly #notBefore = new Map<string, Monotonic>()
  /** Avahi's number of each link's interface, as soon as it is told; `null`: it knows no such interface. */
  readonly #indexes = new Map<string, number | null>()
  readonly #groups = new Map<string, Group>()
  readonly #byPath = new Map<string, Group>()
  readonly #calls = new Map<number, Purpose>()
  #links = new Map<string, Link>()
  #wanted = new Map<string, Wanted>()
  #toMake: string[] = []
  /** By the group's key: when its name was lost, and since then not tried again. */
  readonly #disputed = new Map<string, { readonly label: string; readonly at: Monotonic }>()
  /** There was more than one link at a time. */
  #severalLinks = false
  #present = false
  #stopped = false
  #established: string | undefined
  #trouble: string | undefined
  #serial = 0
  #out: AvahiEffect[] = []

  /** For tests of bounds. */
  get sizes(): Readonly<Record<'groups' | 'calls' | 'claims' | 'timers' | 'waiting', number>> {
    return {
      ...{ groups: this.#groups.size, calls: this.#calls.size, claims: this.#claims.size },
      ...{ timers: this.#timers.size, waiting: this.#toMake.length },
    }
  }

  /** The host's name as it stands, whether it is still to be had, and what is in the way. */
  get state(): {
    readonly hostname: string | undefined
    readonly probing: boolean
    readonly trouble: string | undefined
  } {
    return {
      hostname: this.#claims.host?.label,
      probing: this.#links.size > 0 && !this.#hasHost(),
      trouble: this.#trouble,
    }
  }

  handle(input: AvahiInput, now: Monotonic): AvahiEffect[] {
    if (this.#stopped) return []
    switch (input.kind) {
      case 'links':
        this.#setLinks(input.links.slice(0, avahiLimits.links), now)
        break
      case 'publish':
        this.#publish(input.publication, now)
        break
      case 'present':
        this.#forget()
        this.#present = true
        for (const link of this.#links.keys()) this.#askIndex(link)
        break
      case 'absent':
        this.#forget()
        break
      case 'answered':
      case 'refused':
        this.#answer(input, now)
        break
      case 'groupState':
        this.#groupState(input.path, input.state, now)
        break
      case 'stop':
        this.#stop()
    }
    this.#make()
    this.#sayEstablished()
    return this.#taken()
  }

  nextWakeup(): Monotonic | undefined {
    return this.#timers.next()
  }

  wake(now: Monotonic): AvahiEffect[] {
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      if (name === retryTimer) this.#retry()
    }
    for (const [claim, at] of this.#notBefore) if (at <= now) this.#notBefore.delete(claim)
    this.#refresh(now)
    this.#make()
    return this.#taken()
  }

  // What is to be found, and where

  #setLinks(links: readonly Link[], now: Monotonic): void {
    const before = this.#links
    this.#links = new Map(links.map(link => [link.name, link]))
    for (const name of before.keys()) if (!this.#links.has(name)) this.#indexes.delete(name)
    for (const [name, link] of this.#links) {
      if (JSON.stringify(before.get(name)) === JSON.stringify(link)) continue
      // An interface may have been made anew under its old name.
      this.#askIndex(name)
    }
    this.#refresh(now)
  }

  #publish(publication: Publication, now: Monotonic): void {
    for (const claim of this.#claims.lostBy(publication)) if (claim !== host) this.#notBefore.delete(claim)
    const { left } = this.#claims.publish(publication)
    if (left > 0) this.#note('tooManyServices', undefined, String(publication.services.length))
    this.#refresh(now)
  }

  /** Works out what avahi-daemon is to hold; what else it holds is freed. */
  #refresh(now: Monotonic): void {
    const wanted = this.#allWanted()
    if (wanted.length > avahiLimits.groups) this.#note('tooManyGroups', undefined, String(wanted.length))
    this.#wanted = new Map(wanted.slice(0, avahiLimits.groups))
    for (const group of this.#groups.values()) {
      if (this.#wanted.get(group.key)?.content !== group.content) this.#drop(group)
    }
    for (const [key, { at }] of this.#disputed) {
      if (!this.#wanted.has(key) || at + claimLimits.conflictWindowMilliseconds <= now)
        this.#disputed.delete(key)
    }
    this.#toMake = [...this.#wanted.keys()].filter(key => !this.#groups.has(key) && !this.#waits(key, now))
  }

  /** Once for everything that is heard at one moment. */
  #refreshSoon(now: Monotonic): void {
    this.#timers.set(refreshTimer, now)
  }

  /** RFC 6762 §8.2: its name was lost a moment ago. */
  #waits(key: string, now: Monotonic): boolean {
    const disputed = this.#disputed.get(key)
    return (
      disputed !== undefined &&
      disputed.label === this.#wanted.get(key)?.label &&
      disputed.at + claimLimits.loserMilliseconds > now
    )
  }

  #allWanted(): [string, Wanted][] {
    const named = this.#claims.host
    if (!this.#present || named === undefined) return []
    const links = [...this.#links.values()].flatMap(link => {
      const index = this.#indexes.get(link.name)
      return typeof index === 'number' ? [{ link, index }] : []
    })
    this.#severalLinks ||= links.length > 1
    // One entry on each link would be said goodbye to on the last one only: avahi-daemon keeps silent about what it
    // still has elsewhere.
    const index = this.#severalLinks ? anyInterface : links[0]?.index
    if (index === undefined) return []
    const isFree = ({ id }: Claim): boolean => !this.#notBefore.has(id)
    const hosts = isFree(named) ? links.flatMap(one => hostGroups(named.label, one.link, one.index)) : []
    const services = [...this.#claims.all()].flatMap((claim): [string, Wanted][] => {
      const { id, service } = claim
      if (service === undefined || !isFree(claim)) return []
      return [[id, serviceGroup(claim, service, named.label, index)]]
    })
    return [...hosts, ...services]
  }

  // Groups

  #make(): void {
    while (this.#present && this.#toMake.length > 0 && this.#calls.size < avahiLimits.callsUnderWay) {
      const key = this.#toMake.shift()!
      const wanted = this.#wanted.get(key)
      if (wanted === undefined || this.#groups.has(key)) continue
      const group: Group = {
        ...wanted,
        ...{ key, phase: 'making', path: undefined, open: 0, dropped: false },
      }
      this.#groups.set(key, group)
      this.#call({ kind: 'new', group }, { ...server, member: 'EntryGroupNew' })
    }
  }

  #fill(group: Group, path: string): void {
    group.path = path
    group.phase = 'filling'
    this.#byPath.set(path, group)
    const at = { path, interface: groupInterface }
    const calls = [...group.entries(), { member: 'Commit' }]
    group.open = calls.length
    for (const call of calls) this.#call({ kind: 'fill', group }, { ...at, ...call })
  }

  /** Freed groups get their goodbyes from avahi-daemon. */
  #drop(group: Group): void {
    this.#groups.delete(group.key)
    group.dropped = true
    if (group.path === undefined) return
    this.#byPath.delete(group.path)
    this.#free(group.path)
  }

  #free(path: string): void {
    const call = { path, interface: groupInterface, member: 'Free' }
    this.#out.push({ kind: 'call', id: undefined, call })
  }

  #stop(): void {
    for (const group of [...this.#groups.values()]) this.#drop(group)
    this.#forget()
    this.#stopped = true
  }

  /** Nothing of what was said to avahi-daemon holds any more. */
  #forget(): void {
    this.#present = false
    this.#trouble = undefined
    const tables = [this.#groups, this.#byPath, this.#calls, this.#indexes, this.#wanted, this.#disputed]
    for (const table of tables) table.clear()
    this.#severalLinks = false
    this.#toMake = []
    this.#timers.clear(retryTimer)
  }

  #retryLater(now: Monotonic): void {
    if (!this.#timers.has(retryTimer)) this.#timers.set(retryTimer, after(now, avahiLimits.retryMilliseconds))
  }

  #retry(): void {
    this.#trouble = undefined
    for (const [key, group] of this.#groups) if (group.phase === 'failed') this.#groups.delete(key)
    for (const [link, index] of this.#indexes) if (index === null) this.#askIndex(link)
  }

  // What avahi-daemon says

  #answer(answer: Extract<AvahiInput, { kind: 'answered' | 'refused' }>, now: Monotonic): void {
    const purpose = this.#calls.get(answer.call)
    this.#calls.delete(answer.call)
    if (purpose === undefined) return
    if (purpose.kind === 'index') return this.#indexIs(purpose.link, answer, now)
    const { group } = purpose
    if (answer.kind === 'refused') return this.#refused(group, answer, now)
    if (purpose.kind === 'fill') {
      group.open--
      if (group.open === 0 && group.phase === 'filling') group.phase = 'registering'
      return
    }
    const [path] = answer.body
    if (typeof path !== 'string') return
    if (group.dropped) this.#free(path)
    else this.#fill(group, path)
  }

  #refused(group: Group, { name, detail }: { name: string; detail: string }, now: Monotonic): void {
    if (group.dropped) return
    if (name === collisionError) {
      // Another program of this machine has it from avahi-daemon: there is nothing to wait for.
      this.#disputed.set(group.key, { label: group.label, at: now })
      return this.#conflict(group, now)
    }
    this.#fail(
      group,
      name === notPermittedError ? notPermitted : `avahi-daemon refused: ${detail || name}`,
      now,
    )
  }

  #fail(group: Group, why: string, now: Monotonic): void {
    if (group.path !== undefined) {
      this.#byPath.delete(group.path)
      this.#free(group.path)
      group.path = undefined
    }
    group.phase = 'failed'
    this.#note('avahiRefused', undefined, `${group.label}: ${why}`)
    if (group.claim === host) this.#trouble = why
    this.#retryLater(now)
  }

  #indexIs(
    link: string,
    answer: Extract<AvahiInput, { kind: 'answered' | 'refused' }>,
    now: Monotonic,
  ): void {
    if (!this.#links.has(link)) return
    const index = answer.kind === 'answered' ? answer.body[0] : undefined
    this.#indexes.set(link, typeof index === 'number' ? index : null)
    if (typeof index !== 'number') {
      const detail = answer.kind === 'refused' ? answer.detail || answer.name : ''
      this.#note('avahiRefused', link, detail)
      if ([...this.#links.keys()].every(name => this.#indexes.get(name) === null)) {
        this.#trouble = `avahi-daemon refused: ${detail}`
      }
      this.#retryLater(now)
    }
    this.#refreshSoon(now)
  }

  #groupState(path: string, state: number, now: Monotonic): void {
    const group = this.#byPath.get(path)
    if (group === undefined) return
    if (state === groupState.established) group.phase = 'established'
    else if (state === groupState.collision) this.#conflict(group, now)
    else if (state === groupState.failure) this.#fail(group, 'avahi-daemon gave up on it', now)
    if (group.claim === host && state === groupState.established) this.#trouble = undefined
  }

  /**
   * RFC 6762 §8.2, §9: first the same name again, since who probed at the same moment may have gone, or have been
   * avahi-daemon itself with an address we had until then; when that is disputed too, another one, on all links.
   */
  #conflict(group: Group, now: Monotonic): void {
    const claim = this.#claims.get(group.claim)
    const before = this.#disputed.get(group.key)
    const recently = after(now, -claimLimits.conflictWindowMilliseconds)
    this.#drop(group)
    // What another link's group lost was found out before.
    if (claim?.label === group.label) {
      if (before?.label === group.label && before.at > recently) this.#rename(claim, now)
      else {
        this.#disputed.set(group.key, { label: group.label, at: now })
        this.#timers.set(`group ${group.key}`, after(now, claimLimits.loserMilliseconds))
      }
    }
    this.#refreshSoon(now)
  }

  #rename(claim: Claim, now: Monotonic): void {
    const from = claim.label
    this.#claims.lose(claim, now)
    if (isLostOften(claim)) {
      const at = after(now, claimLimits.conflictMilliseconds)
      this.#notBefore.set(claim.id, at)
      this.#timers.set(`claim ${claim.id}`, at)
    }
    if (claim.service === undefined) return this.#note('hostConflict', undefined, from)
    this.#out.push({ kind: 'instanceRenamed', key: claim.service.key, from, to: claim.label })
  }

  #sayEstablished(): void {
    const hostname = this.#claims.host?.label
    if (hostname === undefined || hostname === this.#established || !this.#hasHost()) return
    this.#established = hostname
    this.#out.push({ kind: 'established', hostname })
  }

  #hasHost(): boolean {
    let any = false
    for (const [key, { claim }] of this.#wanted) {
      // The host's come first.
      if (claim !== host) break
      if (this.#groups.get(key)?.phase !== 'established') return false
      any = true
    }
    return any
  }

  // Helpers

  #askIndex(link: string): void {
    if (!this.#present) return
    this.#call(
      { kind: 'index', link },
      { ...server, member: 'GetNetworkInterfaceIndexByName', signature: 's', body: [link] },
    )
  }

  #call(purpose: Purpose, call: AvahiCall): void {
    const id = ++this.#serial
    this.#calls.set(id, purpose)
    this.#out.push({ kind: 'call', id, call })
  }

  #note(reason: string, link: string | undefined, detail: string): void {
    this.#out.push({ kind: 'note', reason, link, detail })
  }

  #taken(): AvahiEffect[] {
    const out = this.#out
    this.#out = []
    return out
  }
}

const notPermitted =
  'avahi-daemon publishes for no program: set disable-publishing and disable-user-service-publishing to no in avahi-daemon.conf'
