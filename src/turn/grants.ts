/**
 * Who may relay to whom. Nothing here knows of packets: grants, the parties' credentials, phones that may hold an
 * allocation in waiting, and the addresses that are answered at all.
 */
import type { Monotonic } from '../core/clock.ts'
import { type Endpoint, familyOf } from '../core/endpoint.ts'
import { longTermKey } from '../stun/integrity.ts'
import { Ledger } from './ledger.ts'
import { type CallLedger, type Grant, grantLimits, type Known, type PartyRole } from './message.ts'
import { isNeverPeer } from './peers.ts'
import type { Allocation, Holder, OpenGrant, Party } from './state.ts'

/** Credentials a client may have been given, one after the other, in one call. */
const credentialsPerParty = 4

export class Grants {
  readonly #realm: string
  readonly #grants = new Map<string, OpenGrant>()
  readonly #byUsername = new Map<string, Holder>()
  readonly #accounts = new Map<string, Holder>()
  readonly #accountOfDevice = new Map<string, Holder>()
  readonly #partyOfDevice = new Map<string, Party>()
  #own: ReadonlySet<string> = new Set()
  #knownAddresses: ReadonlySet<string> = new Set()
  /** Addresses that grants name, with how many do. */
  #granted: ReadonlySet<string> = new Set()

  constructor(realm: string) {
    this.#realm = realm
  }

  get size(): number {
    return this.#grants.size
  }

  /** Whoever can authenticate for a party, or could once and may still have an allocation. */
  get holders(): number {
    let count = 0
    for (const { parties } of this.#grants.values()) {
      count += parties.caller.holders.size + parties.callee.holders.size
    }
    return count
  }

  all(): IterableIterator<OpenGrant> {
    return this.#grants.values()
  }

  find(call: string): OpenGrant | undefined {
    return this.#grants.get(call)
  }

  holder(username: string): Holder | undefined {
    return this.#byUsername.get(username) ?? this.#accounts.get(username)
  }

  ownAddresses(addresses: readonly string[]): void {
    this.#own = new Set(addresses)
  }

  isOwn(address: string): boolean {
    return this.#own.has(address)
  }

  /** Whether a source is answered at all. */
  isKnown(address: string): boolean {
    return this.#knownAddresses.has(address) || this.#granted.has(address)
  }

  /** Takes over the list; returns holders that are no more, with their allocations still in them. */
  known({ addresses, accounts }: Known): Holder[] {
    this.#knownAddresses = new Set(addresses)
    const gone = new Set(this.#accounts.values())
    this.#accountOfDevice.clear()
    for (const { device, username, ha1, ha1Sha256 } of accounts) {
      const md5 = Buffer.from(ha1, 'hex')
      let holder = this.#accounts.get(username)
      if (holder === undefined || !md5.equals(holder.md5)) {
        const sha256 = ha1Sha256 === undefined ? undefined : Buffer.from(ha1Sha256, 'hex')
        holder = newHolder({ username, md5, sha256, quota: 1, guessable: true })
        this.#accounts.set(username, holder)
      }
      gone.delete(holder)
      this.#accountOfDevice.set(device, holder)
      this.#wake(holder, this.#partyOfDevice.get(device))
    }
    for (const holder of gone) {
      if (this.#accounts.get(holder.username) === holder) this.#accounts.delete(holder.username)
      this.#wake(holder, undefined)
    }
    return [...gone]
  }

  /** False: there is no room. What an earlier grant of this call allowed and this does not is for `mayReach` to say. */
  open(grant: Grant, now: Monotonic): boolean {
    const known = this.#grants.get(grant.call)
    if (known === undefined && this.#grants.size >= grantLimits.grants) return false
    const open = known ?? newGrant(grant, now)
    this.#grants.set(grant.call, open)
    for (const given of grant.parties) {
      const party = open.parties[given.role]
      party.proven = given.proven.slice(0, grantLimits.provenAddresses)
      party.relayOn = given.relayOn
      if (given.device !== '') this.#partyOfDevice.set(given.device, party)
      const account = this.#accountOfDevice.get(given.device)
      if (account) this.#wake(account, party)
      if (given.credential && !this.#byUsername.has(given.credential.username)) {
        this.#addCredential(party, given.credential)
      }
    }
    this.#nameSources()
    return true
  }

  /** The holders that lose their right, to be ended; those of phones stay, asleep. */
  close(call: string): Holder[] {
    const grant = this.#grants.get(call)
    if (grant === undefined) return []
    this.#grants.delete(call)
    const gone: Holder[] = []
    for (const party of [grant.parties.caller, grant.parties.callee]) {
      if (this.#partyOfDevice.get(party.device) === party) this.#forgetParty(party)
      for (const holder of [...party.holders]) {
        if (holder.guessable) this.#wake(holder, this.#partyOfDevice.get(party.device))
        else gone.push(holder)
        this.#byUsername.delete(holder.username)
      }
    }
    this.#nameSources()
    return gone
  }

  /** RFC 8656 leaves the policy to us: the other party's proven addresses, and its own relays where there are any. */
  mayReach(holder: Holder, peer: Endpoint | string): boolean {
    const [address, port] = typeof peer === 'string' ? [peer, undefined] : [peer.address, peer.port]
    const { party } = holder
    if (party === undefined || port === 0) return false
    const other = otherParty(party)
    if (this.#own.has(address)) {
      for (const { allocations } of other.holders) {
        for (const { relayed } of allocations) {
          if (relayed.address === address && (port ?? relayed.port) === relayed.port) return true
        }
      }
      return false
    }
    return other.proven.includes(address) && !isNeverPeer(address)
  }

  /**
   * The code a peer is refused with, and counted as refused in its ledger. 403 is the one on which browsers give up this
   * pair and nothing else.
   */
  refusalOf({ holder, relayed }: Allocation, peer: Endpoint | string): 403 | 443 | undefined {
    const address = typeof peer === 'string' ? peer : peer.address
    const reachable = this.mayReach(holder, peer)
    if (reachable && familyOf(address) === familyOf(relayed.address)) return undefined
    holder.party?.ledger.refused(typeof peer === 'string' ? peer : `${peer.address} ${peer.port}`)
    return reachable ? 443 : 403
  }

  /** Whether this is where its party is reached now. A phone is where its password comes from. */
  isNow(holder: Holder, address: string): boolean {
    return holder.guessable || holder.party?.proven.at(-1) === address
  }

  /**
   * A source has allocated: it is answered from now on, as long as the grant lasts; where its party is reached now takes
   * the place of the first. A phone is answered as long as it is registered.
   */
  pin(holder: Holder, address: string): boolean {
    if (holder.guessable) return true
    const { sources } = holder
    if (!sources.has(address) && sources.size >= grantLimits.provenAddresses) {
      if (!this.isNow(holder, address)) return false
      for (const first of [...sources].slice(0, 1)) sources.delete(first)
    }
    sources.add(address)
    this.#nameSources()
    return true
  }

  #wake(account: Holder, party: Party | undefined): void {
    const before = account.party
    if (before === party) return
    account.party = party
    const open = account.allocations.size
    if (before) {
      before.holders.delete(account)
      before.ledger.openAllocations -= open
      before.ledger.changed = true
    }
    if (party) {
      party.holders.add(account)
      party.ledger.allocations += open
      party.ledger.openAllocations += open
      party.ledger.changed = true
    }
  }

  /** A phone that is in another relayed call besides is woken for that one. */
  #forgetParty({ device }: Party): void {
    this.#partyOfDevice.delete(device)
    for (const { parties } of this.#grants.values()) {
      for (const each of [parties.caller, parties.callee]) {
        if (each.device === device) this.#partyOfDevice.set(device, each)
      }
    }
  }

  #addCredential(party: Party, { username, password }: { username: string; password: string }): void {
    const key = (algorithm: 'md5' | 'sha256'): Uint8Array =>
      longTermKey(algorithm, username, this.#realm, password)
    const quota = grantLimits.allocationsPerParty
    const holder = newHolder({ username, md5: key('md5'), sha256: key('sha256'), quota, guessable: false })
    holder.party = party
    party.holders.add(holder)
    this.#byUsername.set(username, holder)
    const ofClient = [...party.holders].filter(each => this.#byUsername.has(each.username))
    for (const old of ofClient.slice(0, -credentialsPerParty)) this.#byUsername.delete(old.username)
    // An allocation may outlast its credential for a while: it only cannot be refreshed.
    for (const each of party.holders) {
      const isOver = !each.guessable && !this.#byUsername.has(each.username)
      if (isOver && each.allocations.size === 0) party.holders.delete(each)
    }
  }

  #nameSources(): void {
    const named = new Set<string>()
    for (const { parties } of this.#grants.values()) {
      for (const party of [parties.caller, parties.callee]) {
        for (const address of party.proven) named.add(address)
        for (const holder of party.holders) for (const address of holder.sources) named.add(address)
      }
    }
    this.#granted = named
  }
}

export const otherParty = ({ grant, role }: Party): Party =>
  role === 'caller' ? grant.parties.callee : grant.parties.caller

export function ledgerOf({ parties }: OpenGrant, epoch: Parameters<Ledger['snapshot']>[0]): CallLedger {
  return { caller: parties.caller.ledger.snapshot(epoch), callee: parties.callee.ledger.snapshot(epoch) }
}

function newGrant(grant: Grant, now: Monotonic): OpenGrant {
  const open = { call: grant.call, tokens: 0, tokensAt: now } as OpenGrant & { parties: OpenGrant['parties'] }
  const party = (role: PartyRole): Party => ({
    role,
    device: grant.parties.find(each => each.role === role)!.device,
    ledger: new Ledger(),
    grant: open,
    proven: [],
    relayOn: [],
    holders: new Set(),
  })
  return Object.assign(open, { parties: { caller: party('caller'), callee: party('callee') } })
}

function newHolder(given: Pick<Holder, 'username' | 'md5' | 'sha256' | 'quota' | 'guessable'>): Holder {
  return { ...given, sources: new Set(), allocations: new Set(), party: undefined }
}
