/**
 * Bodies of the REST interface under `/api/v1`, shared by the server, the command line and the pages (by `import
 * type`). All JSON; times are milliseconds since 1970; an error is `{ error: { code, message } }` with a stable code
 * and a sentence that says what to do.
 */
import type { CallRow } from '../calls/message.ts'
import type { QuietHours } from '../core/quiet-hours.ts'
import type { GrantView, RelayPolicy } from '../relay/message.ts'
import type { Presence } from '../signalling/message.ts'
import type { CallOutcome, ImportVerdict } from '../trace/message.ts'
import type { CallLedger } from '../turn/message.ts'

export interface ErrorBody {
  readonly error: {
    readonly code: string
    /** With `badInvite`: `used`, `expired` or `unknown`. */
    readonly detail?: string | undefined
    readonly message: string
  }
}

/** GET /health, open to all. */
export interface Health {
  readonly status: 'ok' | 'degraded'
  readonly version: string
  readonly uptimeSeconds: number
  readonly parts: Readonly<
    Record<string, { readonly state: 'ok' | 'failed' | 'off'; readonly detail: string }>
  >
}

/** One thing that was looked at; `unknown`: it could not be looked at here. */
export interface HealthFinding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'problem' | 'unknown'
  readonly found: string
  /** What to do, for everything that is not well. */
  readonly advice?: string | undefined
}
/** GET /health/detail (owner): numbers of this machine, and what they mean. */
export interface HealthDetail extends Health {
  /** What this machine believes the time to be. */
  readonly at: number
  readonly machine: {
    /** Of the last minute; as many as there are cores is all of them. */
    readonly load: number
    readonly cores: number
    readonly memoryTotalBytes: number
    readonly memoryFreeBytes: number
    readonly processBytes: number
    readonly diskTotalBytes: number | undefined
    readonly diskFreeBytes: number | undefined
    readonly celsius: number | undefined
    readonly clockSet: boolean
    /** Undefined where the system does not tell. */
    readonly clockSynchronised: boolean | undefined
  }
  readonly certificate: {
    readonly names: readonly string[]
    readonly notAfter: number
    /** Uploaded by the owner, not made here. */
    readonly own: boolean
  }
  readonly findings: readonly HealthFinding[]
}

/** What the relay carries now, as the console's first page shows it. */
export interface RelayNow {
  readonly state: 'ready' | 'failed'
  readonly detail: string
  readonly policy: RelayPolicy
  readonly grants: number
  /** Since the daemon started. */
  readonly bytes: number
  readonly kilobitsPerSecond: number
}

/**
 * GET /events (owner): server-sent events, each with one of these as its data. The first is a `snapshot`, whatever
 * Last-Event-ID says; later ones tell what changed. At least one comes every ten seconds.
 */
export type LiveEvent =
  | {
      readonly kind: 'snapshot'
      readonly people: readonly User[]
      /** Those that ring or are going on. */
      readonly calls: readonly ToldCall[]
      readonly requests: readonly WaitingRequest[]
      readonly relay: RelayNow
      readonly health: HealthDetail
    }
  | { readonly kind: 'people'; readonly changed: readonly User[]; readonly gone: readonly string[] }
  /** It began, was answered, told its path or ended. */
  | { readonly kind: 'call'; readonly call: ToldCall }
  | { readonly kind: 'requests'; readonly requests: readonly WaitingRequest[] }
  | { readonly kind: 'relay'; readonly relay: RelayNow }
  | { readonly kind: 'health'; readonly health: HealthDetail }
  | { readonly kind: 'beat' }

/** GET /setup, open to all; POST /setup claims: 201 and a session cookie, 403 wrong code, 409 already claimed. */
export interface SetupState {
  readonly claimed: boolean
  /** Unclaimed again: who owned it, and everybody's devices and calls, are still there. */
  readonly reset: boolean
  readonly place: string
  /** Where the authority's certificate can be had, and its SHA-256 fingerprint in colon-separated upper-case hex. */
  readonly caFingerprint: string
  /** The claim needs no code from where the question came, for this many seconds more; 0: the code is needed. */
  readonly openSeconds: number
}
export interface SetupRequest {
  /** The setup code `XXXX-XXXX`, or the token of the claim link; absent while `openSeconds` runs. */
  readonly code?: string | undefined
  readonly place: string
  readonly displayName: string
  readonly password: string
  /** "Show names on the network": each available person is found by mDNS. Undefined: yes. */
  readonly showNames?: boolean | undefined
}
/** The claim also enrols the browser it came from as the owner's first device. */
export interface SetupResponse {
  readonly session: Session
  readonly enrolment: Enrolment
}

/** POST /session logs in (cookie `__Host-lanline_session`, in the clear on loopback `lanline_session`), GET tells, DELETE logs out. */
export interface SessionRequest {
  readonly user: string
  readonly password: string
}
export interface Session {
  readonly user: string
  readonly displayName: string
  readonly role: 'owner' | 'member'
  /** Sent back as header `x-csrf-token` on everything that changes state. */
  readonly csrfToken: string
}

export type Role = 'owner' | 'member' | 'guest'

/** GET /users → `User[]`; POST /users `NewUser` → 201 `User`; PATCH /users/:name `UserChange` → `User`; DELETE → 204. */
export interface User {
  readonly name: string
  readonly displayName: string
  /** What phones without letters dial: 2 to 6 digits, the first of them 2 to 8; no two people have the same. */
  readonly number: string
  readonly role: Role
  /** A guest's end, milliseconds since 1970; then the person and all their devices are removed. */
  readonly expiresAt: number | undefined
  /** Guests see this person and may call them; nobody else. */
  readonly seenByGuests: boolean
  /** Others, by `name`, whose devices ring as well when this person is called. */
  readonly alsoRings: readonly string[]
  /** Of a door station: the keys of a telephone that open it; empty where there is none to open. */
  readonly doorKeys: string
  /** When they are not to be disturbed by the clock. */
  readonly quietHours: QuietHours | undefined
  /** None of their devices may connect for now, and they may not log in. */
  readonly disabled: boolean
  /** They have a password for the console. */
  readonly mayLogIn: boolean
  readonly presence: Presence
  readonly devices: readonly Device[]
}
export interface NewUser {
  readonly name: string
  readonly displayName?: string | undefined
  /** Given: the person gets a first SIP device with this password, digest user name = `name`. */
  readonly sipPassword?: string | undefined
}
/** A member may change themselves, except `sipPassword` of others; the owner everybody. */
export interface UserChange {
  readonly displayName?: string | undefined
  /** As they switch it themselves: within their quiet hours it says whether these count. */
  readonly doNotDisturb?: boolean | undefined
  /** null: none. */
  readonly quietHours?: QuietHours | null | undefined
  /** Owner only, as are the next six. */
  readonly number?: string | undefined
  readonly seenByGuests?: boolean | undefined
  /** Replaces all of them: 20 at most. */
  readonly alsoRings?: readonly string[] | undefined
  /** Up to 16 of `0`–`9`, `*`, `#`. Members see *Open the door* in a call with them. */
  readonly doorKeys?: string | undefined
  /** Their calls end; devices keep what they connect with. */
  readonly disabled?: boolean | undefined
  /** A further owner needs a password; the last one stays. */
  readonly role?: 'owner' | 'member' | undefined
  /** A guest stays this much longer from now, or for good (`null`), which makes them a member. */
  readonly staySeconds?: number | null | undefined
  /** For the console: at least 10 characters. Ends the person's other sessions. */
  readonly password?: string | undefined
  /** Sets the password of the SIP device whose digest user is the person's name, making it if there is none. */
  readonly sipPassword?: string | undefined
}

/** GET /devices?user → `Device[]`; PATCH /devices/:id { name } → `Device`; DELETE /devices/:id revokes, 204. */
export interface Device {
  readonly id: string
  readonly user: string
  readonly name: string
  readonly kind: 'page' | 'app' | 'sip'
  readonly digestUser: string | undefined
  readonly createdAt: number
  readonly lastSeenAt: number | undefined
  readonly reachable: boolean
  readonly transport: string
  readonly address: string
  readonly userAgent: string
}

/**
 * POST /devices: a client asks to be enrolled. 201 with `Enrolment` when it holds an invite or the policy is `open`,
 * 202 with `JoinRequest` when the owner must allow it, 403 when the policy forbids it.
 */
export interface EnrolRequest {
  readonly displayName: string
  readonly deviceName: string
  readonly kind: 'page' | 'app'
  readonly invite?: string | undefined
  /**
   * A random id that the asking page keeps: it has one open request, so that asking again by the same name tells the
   * same `JoinRequest`, and by another name replaces it.
   * As secret as that one's `secret`.
   */
  readonly page?: string | undefined
  /** The person the new device is for; only the owner may say so (over the unix socket or with a session). */
  readonly user?: string | undefined
}
/** The only time the token is told; the server keeps its hash. */
export interface Enrolment {
  readonly device: string
  readonly token: string
  readonly user: string
  readonly displayName: string
}
/** GET /requests/:id with header `x-request-secret` tells its state and, when allowed, the enrolment: to whoever has the secret. */
export interface JoinRequest {
  readonly id: string
  readonly secret: string
}
export interface JoinState {
  readonly state: 'waiting' | 'allowed' | 'denied'
  readonly enrolment: Enrolment | undefined
}
/**
 * POST /softphones { deviceName, user? } → 201: a SIP device of its own for a phone or app that is typed into; of
 * oneself, or by the owner of anybody. The only time the password is told.
 */
export interface SoftphoneRequest {
  readonly deviceName: string
  readonly user?: string | undefined
}
export interface Softphone {
  readonly device: string
  /** The address's user part: what others call. */
  readonly user: string
  readonly displayName: string
  /** The name to authenticate with, where the phone asks for one of its own. */
  readonly digestUser: string
  readonly password: string
  /** The appliance, as this phone should be told: an address where names may not resolve. */
  readonly host: string
  readonly hostName: string
  readonly port: number
  readonly tlsPort: number
  readonly linphone: LinphoneOffer
}
/**
 * What Linphone fetches to set itself up: an address of this appliance, outside `/api/v1`, that answers once, to the
 * first who asks. With `?root_ca=<path>` of our authority's file on that device it is told to use TLS, and to check.
 */
export interface LinphoneOffer {
  readonly url: string
  readonly expiresInSeconds: number
}

/** GET /requests (owner) lists; POST /requests/:id/allow `AllowRequest` and POST /requests/:id/deny answer. */
export interface AllowRequest {
  /** The person the device will belong to; absent: a new one. */
  readonly user?: string | undefined
  /** A guest until then; absent: for good. The asker's page says how long "until tonight" is, it knows the time zone. */
  readonly staySeconds?: number | undefined
}
export interface WaitingRequest {
  readonly id: string
  readonly displayName: string
  readonly deviceName: string
  readonly address: string
  readonly createdAt: number
}

/** POST /invites/look { invite } → for whom it is, before it is used; 403 `badInvite` when it is worth nothing. */
export interface InviteLook {
  /** Absent: for somebody new, who names themselves. */
  readonly displayName: string | undefined
  /** Whoever uses it now is a guest for so long; absent: for good. */
  readonly staySeconds: number | undefined
  /** That time begins when it is used; else it runs already. */
  readonly stayFromJoin: boolean | undefined
}

/**
 * POST /invites { user?, hours?, staySeconds?, stayFromNow? }; with `stayFromNow` the guest's time runs from now and the
 * invitation ends with it, otherwise it runs from when they join. GET lists without tokens; DELETE /invites/:id. Everybody but guests for a
 * further device of their own (an hour at most, five open); the owner for anybody.
 */
export interface Invite {
  readonly id: string
  readonly user: string | undefined
  /** Whoever uses it is a guest for so long; undefined: for good. */
  readonly staySeconds: number | undefined
  readonly expiresAt: number
  /** Only in the answer to POST. */
  readonly token: string | undefined
  readonly url: string | undefined
}

/**
 * GET /calls?limit&before&user&path&grade&quality&missed&going&from&until → newest first; GET /calls/:id. Of a member
 * only their own. `total` is what the filter lets through, whatever page is asked for.
 */
export interface CallList {
  readonly calls: readonly ToldCall[]
  readonly total: number
}
/** `ledger` is always there: of a direct call it is all zeros, of one that is relayed now it is of this second. */
export type ToldCall = CallRow & {
  readonly ledger: CallLedger
  /** Undefined before the call is over. */
  readonly outcome: CallOutcome | undefined
}

/**
 * GET /help (owner). GET /help/diagnosis?user&at answers `Diagnosis`, GET /help/networks `NetworkTable` (`help/message.ts`),
 * GET /help/diagnostics a file, POST /help/restart 202.
 */
export interface HelpState {
  readonly canRestart: boolean
}

/** GET /relay (owner): what the relay is and every grant there is now. */
export interface RelayState {
  /** `failed`: nothing can be relayed; `detail` says why. */
  readonly state: 'ready' | 'failed'
  readonly detail: string
  readonly policy: RelayPolicy
  readonly networks: readonly string[]
  /** A call's bound, both directions together; 0: none. */
  readonly maxKilobits: number
  readonly ports: {
    /** UDP and TCP; both 0 while it does not listen. */
    readonly plain: number
    readonly tls: number
    readonly relayMin: number
    readonly relayMax: number
  }
  readonly grants: readonly GrantView[]
}
/**
 * POST /relay/grants (owner): outside any call, whoever comes from `for` may relay to `peer`. 201 with `RelayGrant`,
 * the only time the credential is told. DELETE /relay/grants/:id ends it, 204; a call's own grant ends with the call.
 */
export interface RelayGrantRequest {
  readonly peer: string
  readonly for: string
  readonly seconds: number
}
export interface RelayGrant {
  /** The grant's id; no call has it. */
  readonly call: string
  readonly username: string
  readonly credential: string
  readonly urls: readonly string[]
  readonly expiresAt: number
}

/**
 * POST /calls/{id}/capture?name=…&takenAt=client|switch|elsewhere (the two of the call, and the owner): the body is the
 * file as it is. Codes: `busy` (with Retry-After), `forgotten`, `tooMany`, `notACapture` (`detail` says what is wrong),
 * `tooLarge`, `stalled`, `noRoom`.
 */
export type ImportedCapture = ImportVerdict

/** `approve`: the owner allows each, or by invite; `invite`: by invite only; `open`: whoever reaches the page. */
export type EnrolPolicy = 'approve' | 'invite' | 'open'

/** `setIn`: the configuration has it, there; it cannot be changed here then. */
export interface Policy<Value> {
  readonly value: Value
  readonly setIn: string | undefined
}
export interface SitePolicies {
  readonly enrol: Policy<EnrolPolicy>
  readonly relay: Policy<RelayPolicy>
  readonly retainDays: Policy<number>
}
export interface PolicyChange {
  readonly enrolPolicy?: EnrolPolicy | undefined
  readonly relayPolicy?: RelayPolicy | undefined
  readonly retainDays?: number | undefined
}

/** GET /settings and PATCH /settings `SiteSettingsChange` (owner); 409 `fixed` where the configuration has it. */
export interface SiteSettings {
  readonly place: string
  readonly showNames: boolean
  /** The name in use, without `.local`. A new one is probed for, and may come back with a number behind it. */
  readonly hostname: string
  readonly policies: SitePolicies
  /** Ports in use, each with its key and where it was set; undefined: by default. */
  readonly ports: readonly {
    readonly key: string
    readonly port: number
    readonly setIn: string | undefined
  }[]
  readonly dataDirectory: string
  readonly version: string
}
export interface SiteSettingsChange extends PolicyChange {
  readonly place?: string | undefined
  readonly showNames?: boolean | undefined
  readonly hostname?: string | undefined
}

/** GET /sessions: logins to the console; everybody sees their own, the owner all. DELETE /sessions/:id ends one. */
export interface ConsoleSession {
  readonly id: string
  readonly user: string
  readonly address: string
  readonly userAgent: string
  readonly createdAt: number
  readonly usedAt: number
  /** The one that asks. */
  readonly current: boolean
}

/** GET /certificate (owner): what HTTPS, SIPS and the relay show. */
export interface CertificateState {
  readonly names: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
  /** Of the appliance's authority: what devices trust. */
  readonly authorityFingerprint: string
  /** One that the owner brought: shown to whoever opens one of its names. */
  readonly own?: OwnCertificateState | undefined
}
/** POST /certificate/look → `OwnCertificateState`, POST /certificate/own → `CertificateState` (owner). */
export interface OwnCertificateRequest {
  /** PEM: the certificate, then those between it and its authority. */
  readonly certificate: string
  /** PEM, without a password. */
  readonly key: string
}
export interface OwnCertificateState {
  /** Wildcards (`*.`) among them. */
  readonly names: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
  /** Who signed it. */
  readonly issuer: string
  /** Browsers know the issuer; else only devices that trust it take the certificate. */
  readonly isPublic: boolean
  /** Names of this appliance that its own certificate spoke for until now: who trusts lanline's authority sees another. */
  readonly takesOver: readonly string[]
  /** Names and addresses for which lanline's own certificate goes on. */
  readonly leaves: readonly string[]
}
/** POST /backup (owner): the file itself, `application/octet-stream`. */
export interface BackupRequest {
  /** At least 12 characters. */
  readonly passphrase: string
}
/** POST /restore (owner), the file as body → `Manifest` of src/backup/message.ts; POST /restore/apply → this. */
export interface RestoreApplied {
  /** False: it takes its place when somebody starts lanline anew. */
  readonly restarts: boolean
}

/**
 * GET /update (owner) → `UpdateState` of src/update/message.ts; POST /update, the file as body → `ReadyUpdate`; POST
 * /update/install `InstallRequest` → 202; DELETE /update → 204. While a version that has changed the database is on trial,
 * every change is refused with 503 `onTrial` and Retry-After.
 */
export interface InstallRequest {
  readonly evenIfNotNewer?: boolean | undefined
}

/** GET /network (member): where and how this appliance is found. */
export interface Network {
  readonly hostname: string
  readonly addresses: readonly {
    readonly interface: string
    readonly address: string
    readonly prefixLength: number
  }[]
  readonly ports: Readonly<Record<'http' | 'https' | 'sip' | 'sips', number>>
  readonly discovery: {
    readonly mode: 'builtin' | 'avahi' | 'off'
    /** `conflict`: somebody else took the name and another is being tried. */
    readonly state: 'probing' | 'ready' | 'conflict' | 'off' | 'failed'
    readonly detail: string
  }
  /** What the permanent code for the fridge holds; absent where the policy lets nobody ask. */
  readonly joinUrl: string | undefined
  /** Where this question came from, as the appliance sees it; `''` over the unix socket. */
  readonly seenAddress: string
}
