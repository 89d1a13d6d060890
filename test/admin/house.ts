/** A web interface on a store of its own in a temporary directory, asked without sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, type AppEnv, createApp } from '../../src/admin/app.ts'
import { newClaimSecrets } from '../../src/admin/claim.ts'
import { loadPages } from '../../src/admin/pages.ts'
import { Policies, type PolicyConfig } from '../../src/admin/policies.ts'
import type { AppDeps } from '../../src/admin/ports.ts'
import * as schemas from '../../src/admin/schemas.ts'
import { backupOf } from '../../src/backup/backup.ts'
import type { Epoch, Monotonic } from '../../src/core/clock.ts'
import { silent } from '../../src/core/log.ts'
import { seededRandom } from '../../src/core/random.ts'
import { RelayMachine } from '../../src/relay/machine.ts'
import type { ManualOutcome, RelayInput } from '../../src/relay/message.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createAuthority } from '../../src/tls/authority.ts'
import { Certificates } from '../../src/tls/certificates.ts'
import { fingerprintOf } from '../../src/tls/reading.ts'

const authority = await createAuthority('lanline')

/** The relay's own decisions, in front of a thread that grants whatever it is asked. */
function relayOf(now: () => Monotonic): AppDeps['relay'] {
  const machine = new RelayMachine({
    policy: 'cross-vlan',
    networks: [],
    remembered: [],
    ports: {
      random: seededRandom(3),
      callOf: () => undefined,
      flowOf: () => undefined,
      ownAddresses: () => [
        { interface: 'eth0', address: '10.1.1.1', prefixLength: 24, loopback: false },
        { interface: 'eth0', address: 'fd00::1', prefixLength: 64, loopback: false },
        { interface: 'lo', address: '127.0.0.1', prefixLength: 8, loopback: true },
      ],
      turnPorts: () => ({ plain: 3478, tls: 5349 }),
    },
  })
  const answers = new Map<number, (outcome: ManualOutcome) => void>()
  const give = (input: RelayInput): void => {
    for (const effect of machine.handle(input, now())) {
      if (effect.kind === 'openGrant') give({ kind: 'granted', call: effect.grant.call })
      if (effect.kind === 'closeGrant') give({ kind: 'closed', call: effect.call })
      if (effect.kind === 'manualGrant') answers.get(effect.ticket)?.(effect.outcome)
    }
  }
  give({ kind: 'started' })
  let tickets = 0
  return {
    state: () => ({
      ...{ state: 'ready', detail: '', policy: 'cross-vlan', networks: [], maxKilobits: 20_000 },
      ports: { plain: 3478, tls: 5349, relayMin: 49_152, relayMax: 50_151 },
      grants: machine.views(),
    }),
    ledgerOf: row => machine.ledgerOf(row),
    carriedBytes: () => machine.totals.bytes,
    grant: wish =>
      new Promise(resolve => {
        const ticket = ++tickets
        answers.set(ticket, resolve)
        give({ kind: 'grantManually', ticket, wish })
      }),
    close: call => give({ kind: 'closeManually', call }),
  }
}

export const policyConfig = (set: Partial<PolicyConfig> = {}): PolicyConfig => ({
  enrol: { policy: 'approve' },
  relay: { policy: 'cross-vlan' },
  calls: { retainDays: 365 },
  given: {},
  ...set,
})

export interface Asked {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: bodies are checked field by field where it matters
  readonly body: any
  readonly text: string
}

export interface AskOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly env?: Partial<AppEnv>
  readonly host?: string
}

export class AdminHouse {
  readonly directory: string
  readonly store: Store
  readonly app: App
  readonly claim: AppDeps['claim']
  /** Moves only by hand. */
  monotonic = 1_000 as Monotonic

  private constructor(
    directory: string,
    store: Store,
    set: Partial<AppDeps> & Pick<AppDeps, 'ownCertificate'>,
  ) {
    this.directory = directory
    this.store = store
    this.claim = newClaimSecrets(seededRandom(7))
    this.app = createApp({
      version: '0.0.0-test',
      clock: { monotonic: () => this.monotonic, epoch: () => Date.now() as Epoch },
      random: seededRandom(1),
      log: silent,
      directory: store.directory,
      calls: store.calls,
      settings: store.settings,
      live: {
        presence: () => 'away',
        device: () => undefined,
        openCalls: () => [],
        onChange: () => () => {},
      },
      relay: relayOf(() => this.monotonic),
      trace: {
        file: async (row, format) => Buffer.from(`{"call":"${row.id}","format":"${format}"}`),
        pagePolicy: "default-src 'none'; style-src 'sha256-test'",
        key: () => ({ publicKey: '', fingerprint: '' }),
        capturePlan: async () => ({ state: 'ringing', caller: [], callee: [], captures: [] }),
        importCapture: async () => ({ kind: 'refused', reason: 'forgotten', sentence: 'forgotten' }),
      },
      help: {
        diagnose: async (user, at) => ({ user, at: at ?? (0 as Epoch), findings: [], calls: [] }),
        networks: async () => ({ networks: [], cells: [], calls: 0, unknown: 0 }),
        diagnostics: async () => '{}',
        canRestart: false,
        restart: () => {},
      },
      metrics: { contentType: 'text/plain', metrics: async () => 'lanline_up 1\n' },
      claim: this.claim,
      policies: new Policies(policyConfig(), store.settings),
      ports: () => [{ key: 'http.port', port: 8080, setIn: undefined }],
      dataDirectory: join(directory, 'data'),
      backup: backupOf({
        dataDirectory: join(directory, 'data'),
        version: '0.0.0-test',
        schema: 1_000,
        freeBytes: () => 1e12,
      }),
      update: {
        changesWait: false,
        state: async () => ({
          ...{ installation: 'source', version: '0.0.0-test', slot: undefined, trial: false },
          ...{ changesWait: false, ready: undefined, status: undefined },
        }),
        take: async () => {
          throw Object.assign(new Error('no image'), { name: 'UpdateError', code: 'notAnImage' })
        },
        install: async () => false,
        forget: async () => {},
      },
      certificate: () => ({ names: ['lanline.local'], notBefore: 0, notAfter: 1e13 }),
      logLines: () => ['{"event":"ready"}'],
      claimMinutes: 15,
      isAttached: peer => peer.startsWith('10.1.1.'),
      network: () => ({
        hostname: 'lanline',
        addresses: [{ interface: 'eth0', address: '10.1.1.1', prefixLength: 24 }],
        ports: { http: 8080, https: 8443, sip: 5060, sips: 5061 },
        discovery: { mode: 'off', state: 'off', detail: '' },
      }),
      allowed: {
        isOwnHost: host => ['lanline', 'lanline.local', '10.1.1.1', 'fd00::1'].includes(host),
        origins: ['https://app.example'],
      },
      pages: loadPages({ phone: join(directory, 'none'), admin: join(directory, 'none') }),
      authority: {
        root: () => authority.root,
        intermediate: () => authority.intermediate,
        fingerprint: () => fingerprintOf(authority.root),
      },
      health: () => ({ store: { state: 'ok', detail: '' } }),
      look: () => ({
        at: Date.now(),
        machine: {
          ...{ load: 0.1, cores: 4, memoryTotalBytes: 1e9, memoryFreeBytes: 5e8, processBytes: 1e8 },
          ...{ diskTotalBytes: 8e9, diskFreeBytes: 4e9, celsius: 48 },
          ...{ clockSet: true, clockSynchronised: true },
        },
        certificate: { names: ['lanline.local'], notAfter: Date.now() + 1e10, own: false },
        findings: [{ check: 'clock', level: 'ok', found: '' }],
      }),
      httpsPort: () => 8443,
      inviteOrigin: () => 'http://10.1.1.1:8080',
      scryptCost: { cost: 1_024, blockSize: 8, parallelization: 1 },
      ...set,
    })
  }

  static async open(
    set: Partial<AppDeps> & { readonly config?: Partial<PolicyConfig> } = {},
  ): Promise<AdminHouse> {
    const directory = mkdtempSync(join(tmpdir(), 'lanline-admin-'))
    const store = await openStore(join(directory, 'data'))
    const { config, ...deps } = set
    const policies = new Policies(policyConfig(config), store.settings)
    const subjects = { names: ['lanline.local'], addresses: ['10.1.1.1'] }
    const now = Date.now() as Epoch
    const certificates = await Certificates.open(store.settings, { hostname: 'lanline', subjects, now })
    const ownCertificate: AppDeps['ownCertificate'] = {
      facts: () => certificates.own(),
      look: ({ certificate, key }) => certificates.lookAtOwn(certificate, key, now),
      use: ({ certificate, key }) => certificates.useOwn(certificate, key, now),
      drop: () => certificates.dropOwn(),
    }
    return new AdminHouse(directory, store, { policies, ownCertificate, ...deps })
  }

  async close(): Promise<void> {
    await this.store.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** By default a script without Origin, over HTTPS from the LAN. Unless told otherwise, the document must have the answer. */
  async ask(method: string, path: string, options: AskOptions = {}, documented = true): Promise<Asked> {
    const env: AppEnv = { listener: 'https', peer: '10.1.1.9', ...options.env }
    const host = options.host ?? 'lanline.local:8443'
    const request = new Request(`http://any${path}`, {
      method,
      headers: {
        host,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined
        ? {}
        : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
    })
    const response = await this.app.fetch(request, env)
    const isEndless = response.headers.get('content-type') === 'text/event-stream'
    if (isEndless) await response.body?.cancel()
    const text = isEndless ? '' : await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    const body = isJson && text !== '' ? JSON.parse(text) : undefined
    if (documented && path.startsWith('/api/v1/') && env.listener !== 'http')
      this.#checkAnswer(method, path.slice(7), response.status, isFile(response) ? undefined : body)
    return { status: response.status, headers: response.headers, body, text }
  }

  /** Every answer that a test provokes must be one that the published document has. */
  #checkAnswer(method: string, path: string, status: number, body: unknown): void {
    if (status >= 400) {
      schemas.error.parse(body)
      return
    }
    const parts = path.split('?')[0]!.split('/')
    const route = this.app.routes.find(candidate => {
      const pattern = candidate.path.split('/')
      const fits = pattern.every((part, index) => part.startsWith(':') || part === parts[index])
      return candidate.method === method && pattern.length === parts.length && fits
    })
    const schema = route?.answers[status]
    if (schema === undefined) throw new Error(`${method} ${path}: ${status} is not in the document`)
    if (typeof schema === 'string') return
    if (schema !== null) schema.parse(body)
    else if (body !== undefined) throw new Error(`${method} ${path}: a body nobody expects`)
  }

  api(method: string, path: string, options: AskOptions = {}): Promise<Asked> {
    return this.ask(method, `/api/v1${path}`, options)
  }

  /** Claims with the code and returns the owner's headers. */
  async owner(): Promise<{ cookie: string; 'x-csrf-token': string }> {
    const answer = await this.api('POST', '/setup', {
      body: {
        code: this.claim.code,
        place: 'Mill',
        displayName: 'Olivia',
        password: 'correct horse battery',
      },
    })
    if (answer.status !== 201) throw new Error(answer.text)
    return { cookie: cookiesOf(answer), 'x-csrf-token': answer.body.session.csrfToken }
  }

  /** Adds a person who may log in, and returns their headers. */
  async member(name = 'mia'): Promise<{ cookie: string; 'x-csrf-token': string }> {
    const unix = { env: { listener: 'unix' as const, peer: '' } }
    await this.api('POST', '/users', { ...unix, body: { name } })
    await this.api('PATCH', `/users/${name}`, { ...unix, body: { password: 'another long password' } })
    const answer = await this.api('POST', '/session', {
      body: { user: name, password: 'another long password' },
    })
    if (answer.status !== 200) throw new Error(answer.text)
    return { cookie: cookiesOf(answer), 'x-csrf-token': answer.body.csrfToken }
  }
}

/** Files have a policy of their own; what is in them is not the document's matter. */
const isFile = (response: Response): boolean =>
  response.headers.get('content-security-policy')?.startsWith('sandbox') ?? false

export const cookiesOf = (answer: Asked): string =>
  answer.headers
    .getSetCookie()
    .map(cookie => cookie.split(';')[0])
    .join('; ')
