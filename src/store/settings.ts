/**
 * Names and keys that outlive restarts. Chosen at first start and written before anyone sees them; read from memory.
 */
import { randomBytes } from 'node:crypto'
import type { StoredAuthority, StoredLeaf, StoredOwn } from '../tls/ports.ts'
import { type Rows, statement } from './client.ts'
import type { Statement } from './database.ts'

/** What the appliance is to SIP; `realm` and `tokenKey` never change, since HA1s and dialog tokens contain them. */
export interface StoredIdentity {
  readonly realm: string
  /** 32 bytes. */
  readonly tokenKey: Uint8Array
}

export interface StoredPolicies {
  readonly enrol?: string | undefined
  readonly relay?: string | undefined
  readonly retainDays?: number | undefined
}

/** What became of the ownership since a file on the card asked for a new claim. */
export interface StoredReset {
  readonly at: number
  /** Of the file, so that it counts once. */
  readonly mark: string
  /** Who owned the appliance until then. */
  readonly owners: readonly string[]
  /** Who claimed it then. */
  readonly claimedBy?: string | undefined
}

const tokenKeyBytes = 32
const traceKeyBytes = 32
const siteKeys = new Set([
  'place',
  'showNames',
  'hostname',
  'policy.enrol',
  'policy.relay',
  'policy.retainDays',
])

export class Settings {
  readonly #rows: Rows
  readonly #values: Map<string, string>
  readonly #siteListeners = new Set<() => void>()

  private constructor(rows: Rows, values: Map<string, string>) {
    this.#rows = rows
    this.#values = values
  }

  static async load(rows: Rows): Promise<Settings> {
    const stored = await rows.read('select key, value from settings')
    const settings = new Settings(rows, new Map(stored.map(row => [String(row.key), String(row.value)])))
    if (settings.#values.get('realm') === undefined) {
      await settings.#set({
        realm: `lanline-${randomBytes(6).toString('hex')}`,
        tokenKey: randomBytes(tokenKeyBytes).toString('base64'),
      })
    }
    if (settings.#values.get('traceKey') === undefined) {
      await settings.#set({ traceKey: randomBytes(traceKeyBytes).toString('base64') })
    }
    return settings
  }

  identity(): StoredIdentity {
    return { realm: this.#values.get('realm')!, tokenKey: fromBase64(this.#values.get('tokenKey')!) }
  }

  /** The seed of the Ed25519 key that traces are signed with (RFC 8032 §5.1.5), 32 bytes; never changed. */
  traceKey(): Uint8Array {
    return fromBase64(this.#values.get('traceKey')!)
  }

  /** What the owner calls this site; `''` until claimed. */
  place(): string {
    return this.#values.get('place') ?? ''
  }

  /** Whether available people are found on the network by their names. */
  showNames(): boolean {
    return this.#values.get('showNames') !== 'no'
  }

  /** The host name to try for: one that was chosen, or left after a conflict, since this one was configured. */
  async startHostname(configured: string): Promise<string> {
    const kept = this.#values.get('hostname')
    if (kept !== undefined && this.#values.get('hostname.configured') === configured) return kept
    await this.#set({ 'hostname.configured': configured, hostname: configured })
    return configured
  }

  /** After `startHostname`. */
  hostname(): string {
    return this.#values.get('hostname')!
  }

  /** What the owner decided in the console; the configuration comes before it. */
  policies(): StoredPolicies {
    const days = Number(this.#values.get('policy.retainDays'))
    return {
      enrol: this.#values.get('policy.enrol'),
      relay: this.#values.get('policy.relay'),
      retainDays: Number.isInteger(days) && days > 0 ? days : undefined,
    }
  }

  async changePolicies({ enrol, relay, retainDays }: StoredPolicies): Promise<void> {
    const values = {
      ...(enrol === undefined ? {} : { 'policy.enrol': enrol }),
      ...(relay === undefined ? {} : { 'policy.relay': relay }),
      ...(retainDays === undefined ? {} : { 'policy.retainDays': String(retainDays) }),
    }
    if (Object.keys(values).length > 0) await this.#set(values)
  }

  async changeSite(change: {
    readonly place?: string | undefined
    readonly showNames?: boolean | undefined
    readonly hostname?: string | undefined
  }): Promise<void> {
    const { place, showNames, hostname } = change
    const values = {
      ...(place === undefined ? {} : { place }),
      ...(showNames === undefined ? {} : { showNames: showNames ? 'yes' : 'no' }),
      ...(hostname === undefined ? {} : { hostname }),
    }
    if (Object.keys(values).length > 0) await this.#set(values)
  }

  /** Tells of every change to what the owner decides about the site. Returns how to stop listening. */
  onSiteChanged(listener: () => void): () => void {
    this.#siteListeners.add(listener)
    return () => this.#siteListeners.delete(listener)
  }

  ownerReset(): StoredReset | undefined {
    const kept = this.#values.get('ownerReset')
    return kept === undefined ? undefined : (JSON.parse(kept) as StoredReset)
  }

  /** Both or neither are on disk. */
  setOwnerReset(reset: StoredReset, ...along: readonly Statement[]): Promise<void> {
    return this.#set({ ownerReset: JSON.stringify(reset) }, along)
  }

  authority(): StoredAuthority | undefined {
    const root = this.#values.get('authority.root')
    if (root === undefined) return undefined
    return {
      root: fromBase64(root),
      intermediate: fromBase64(this.#values.get('authority.intermediate')!),
      intermediateKey: fromBase64(this.#values.get('authority.intermediateKey')!),
    }
  }

  setAuthority(authority: StoredAuthority): Promise<void> {
    return this.#set({
      'authority.root': toBase64(authority.root),
      'authority.intermediate': toBase64(authority.intermediate),
      'authority.intermediateKey': toBase64(authority.intermediateKey),
    })
  }

  leaf(): StoredLeaf | undefined {
    const [certificate, key] = [this.#values.get('leaf.certificate'), this.#values.get('leaf.key')]
    if (certificate === undefined || key === undefined) return undefined
    return { certificate: fromBase64(certificate), key: fromBase64(key) }
  }

  setLeaf(leaf: StoredLeaf): Promise<void> {
    return this.#set({ 'leaf.certificate': toBase64(leaf.certificate), 'leaf.key': toBase64(leaf.key) })
  }

  ownCertificate(): StoredOwn | undefined {
    const [chain, key] = [this.#values.get('own.chain') ?? '', this.#values.get('own.key') ?? '']
    return chain === '' || key === '' ? undefined : { chain, key }
  }

  /** Undefined leaves nothing of it in the row. */
  setOwnCertificate(own: StoredOwn | undefined): Promise<void> {
    return this.#set({ 'own.chain': own?.chain ?? '', 'own.key': own?.key ?? '' })
  }

  async #set(values: Readonly<Record<string, string>>, along: readonly Statement[] = []): Promise<void> {
    const entries = Object.entries(values)
    await this.#rows.write(
      ...entries.map(([key, value]) =>
        statement(
          'insert into settings values (?, ?) on conflict (key) do update set value = excluded.value',
          key,
          value,
        ),
      ),
      ...along,
    )
    for (const [key, value] of entries) this.#values.set(key, value)
    if (entries.some(([key]) => siteKeys.has(key))) for (const listener of this.#siteListeners) listener()
  }
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
