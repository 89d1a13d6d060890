/**
 * Keeps a good certificate at hand: makes the authority once, and a new leaf whenever the old one will not do. Beside it
 * one of the owner's, for its names only: what trusts the authority goes on as before.
 */
import { days, type Epoch, plausibleFrom } from '../core/clock.ts'
import type { Result } from '../core/result.ts'
import { permittedSubjects, type Subjects } from './constraints.ts'
import { type OwnCertificate, type OwnFacts, type OwnProblem, readOwn } from './own.ts'
import type { CertificateStore, StoredAuthority, StoredLeaf } from './ports.ts'
import { fingerprintOf, isWhole, type LeafFacts, pemOf, readLeaf } from './reading.ts'

/** As `tls.createSecureContext` takes them; `cert` is leaf and intermediate. */
export interface KeyAndChain {
  readonly key: string
  readonly cert: string
  /** Shown instead to whoever asks for one of these names (RFC 6066 §3). */
  readonly named?: { readonly names: readonly string[]; readonly key: string; readonly cert: string }
}

const renewBeforeMilliseconds = days(30)

export class Certificates {
  readonly #store: CertificateStore
  readonly #authority: StoredAuthority
  readonly #listeners = new Set<(pair: KeyAndChain) => void>()
  #leaf: StoredLeaf
  #own: OwnCertificate | undefined
  #renewing: Promise<unknown> = Promise.resolve()

  private constructor(store: CertificateStore, authority: StoredAuthority, leaf: StoredLeaf) {
    this.#store = store
    this.#authority = authority
    this.#leaf = leaf
  }

  /** Loads what the store has, makes what it has not, renews a leaf that will not do for `subjects`. */
  static async open(
    store: CertificateStore,
    options: { readonly hostname: string; readonly subjects: Subjects; readonly now: Epoch },
  ): Promise<Certificates> {
    const authority = store.authority() ?? (await (await signer()).createAuthority(options.hostname))
    if (store.authority() === undefined) await store.setAuthority(authority)
    const kept = store.leaf()
    const isGood = kept !== undefined && isWhole(kept)
    const leaf = isGood ? kept : await (await signer()).issueLeaf(authority, options.subjects, options.now)
    if (!isGood) await store.setLeaf(leaf)
    const certificates = new Certificates(store, authority, leaf)
    const own = store.ownCertificate()
    if (own !== undefined) {
      // One that is over is shown nevertheless: who opens its name is told so, by the browser and by us.
      const read = readOwn(own.chain, own.key, 0 as Epoch)
      if (read.ok) certificates.#own = read.value
    }
    // On a disk that takes nothing the one there is goes on, and is tried to be renewed once an hour.
    await certificates.refresh(options.subjects, options.now).catch(() => {})
    return certificates
  }

  /** For `tls.createServer`, and for `setSecureContext` after a renewal. */
  current(): KeyAndChain {
    return {
      key: pemOf(this.#leaf.key, 'PRIVATE KEY'),
      cert: pemOf(this.#leaf.certificate, 'CERTIFICATE') + pemOf(this.#authority.intermediate, 'CERTIFICATE'),
      ...(this.#own && {
        named: { names: this.#own.facts.names, key: this.#own.stored.key, cert: this.#own.stored.chain },
      }),
    }
  }

  /** For whom and how long the current one speaks. */
  facts(): LeafFacts {
    return readLeaf(this.#leaf)
  }

  /** The owner's, if there is one. */
  own(): OwnFacts | undefined {
    return this.#own?.facts
  }

  /** Whether a certificate would do, and what it says. Nothing is kept. */
  lookAtOwn(certificate: string, key: string, now: Epoch): Result<OwnFacts, OwnProblem> {
    const read = readOwn(certificate, key, now)
    return read.ok ? { ok: true, value: read.value.facts } : read
  }

  /** Takes it for its names from the next handshake on, once it is on disk. */
  async useOwn(certificate: string, key: string, now: Epoch): Promise<Result<OwnFacts, OwnProblem>> {
    const read = readOwn(certificate, key, now)
    if (!read.ok) return read
    await this.#store.setOwnCertificate(read.value.stored)
    this.#changeOwn(read.value)
    return { ok: true, value: read.value.facts }
  }

  async dropOwn(): Promise<void> {
    await this.#store.setOwnCertificate(undefined)
    this.#changeOwn(undefined)
  }

  #changeOwn(own: OwnCertificate | undefined): void {
    this.#own = own
    for (const listener of this.#listeners) listener(this.current())
  }

  /** What clients trust: the root, DER. */
  root(): Uint8Array {
    return this.#authority.root
  }

  /** What signs the leaves: some phones can read this one only, and trust it instead (`pemDownload`). DER. */
  intermediate(): Uint8Array {
    return this.#authority.intermediate
  }

  fingerprint(): string {
    return fingerprintOf(this.#authority.root)
  }

  /**
   * Issues a new leaf if the current one will not do; resolves with whether it did. To be called when the machine's
   * addresses changed, and about once an hour. Failing to write it costs nothing: the old leaf stays.
   */
  refresh(subjects: Subjects, now: Epoch): Promise<boolean> {
    const result = this.#renewing.then(async () => {
      if (!isDue(readLeaf(this.#leaf), permittedSubjects(this.#authority, subjects), now)) return false
      const { issueLeaf } = await signer()
      const leaf = await issueLeaf(this.#authority, subjects, laterOf(now, readLeaf(this.#leaf).notBefore))
      await this.#store.setLeaf(leaf)
      this.#leaf = leaf
      for (const listener of this.#listeners) listener(this.current())
      return true
    })
    this.#renewing = result.catch(() => {})
    return result
  }

  /** Returns how to stop listening. */
  onRenewed(listener: (pair: KeyAndChain) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

const signer = () => import('./authority.ts')

/**
 * By an unset clock at least as late as the leaf before was made: else one for a new address would be over for everybody
 * whose clock is right, a year after lanline was built.
 */
const laterOf = (now: Epoch, before: Epoch): Epoch =>
  now < plausibleFrom ? ((before + days(1)) as Epoch) : now

/**
 * A leaf that names more than is wanted stays: an interface that comes and goes must not bring a new certificate each
 * time. By an unset clock nothing is judged.
 */
function isDue(leaf: LeafFacts, wanted: Subjects, now: Epoch): boolean {
  const missing =
    wanted.names.some(name => !leaf.names.includes(name)) ||
    wanted.addresses.some(address => !leaf.addresses.includes(address))
  if (missing) return true
  if (now < plausibleFrom) return false
  const madeWithoutClock = leaf.notBefore === plausibleFrom && now > plausibleFrom + days(1)
  return madeWithoutClock || now < leaf.notBefore || leaf.notAfter - now < renewBeforeMilliseconds
}
