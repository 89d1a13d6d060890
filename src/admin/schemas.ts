/** Bodies of the interface as they are checked and published. `message.ts` says the same to the compiler. */
import { z } from 'zod'
import { isZone, timeOfDayPattern, weekdays, zoneCharacters } from '../core/quiet-hours.ts'

/** Something to be seen; no control or direction-changing characters, no halves of characters. */
const seenLine = /^(?=.*[\p{L}\p{N}\p{P}\p{S}])[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u

/** One line of text a person typed, trimmed. */
const line = (max: number) =>
  z.string().trim().min(1).max(max).regex(seenLine, 'something to be seen, no control characters')

export const displayName = line(64)
export const deviceName = line(64)
export const placeName = line(64)
export const userName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?$/, 'up to 32 of a-z, 0-9, - and .')
export const shortNumber = z.string().regex(/^[2-8][0-9]{1,5}$/, '2 to 6 digits, the first of them 2 to 8')
export const password = z.string().min(10, 'at least 10 characters').max(256, 'at most 256 characters')
/** Phones have small keypads: shorter than a console password, but never guessable in a day. */
export const sipPassword = z.string().min(6, 'at least 6 characters').max(128, 'at most 128 characters')
const time = z.number()
const secret = z.string().min(1).max(128)

/** How long a guest stays: a minute to a month. */
const staySeconds = z
  .number()
  .int()
  .min(60)
  .max(31 * 24 * 3_600)

export const setupRequest = z.strictObject({
  code: secret.optional(),
  place: placeName,
  displayName,
  password,
  showNames: z.boolean().optional(),
})
export const sessionRequest = z.strictObject({ user: z.string().max(64), password: z.string().max(256) })
export const newUser = z.strictObject({
  name: userName,
  displayName: displayName.optional(),
  sipPassword: sipPassword.optional(),
})
const timeOfDay = z.string().regex(timeOfDayPattern, 'HH:MM, from 00:00 to 23:59')
export const quietHours = z.strictObject({
  from: timeOfDay,
  until: timeOfDay,
  days: z.array(z.enum(weekdays)).min(1).max(weekdays.length),
  zone: z.string().max(zoneCharacters).refine(isZone, 'a time zone such as Europe/Berlin'),
})
export const userChange = z.strictObject({
  displayName: displayName.optional(),
  number: shortNumber.optional(),
  doNotDisturb: z.boolean().optional(),
  quietHours: quietHours.nullable().optional(),
  seenByGuests: z.boolean().optional(),
  alsoRings: z.array(userName).optional(),
  doorKeys: z
    .string()
    .regex(/^[0-9*#]{0,16}$/, 'up to 16 of the keys 0 to 9, * and #')
    .optional(),
  disabled: z.boolean().optional(),
  role: z.enum(['owner', 'member']).optional(),
  staySeconds: staySeconds.nullable().optional(),
  password: password.optional(),
  sipPassword: sipPassword.optional(),
})
export const deviceChange = z.strictObject({ name: deviceName })
export const enrolRequest = z.strictObject({
  displayName,
  deviceName,
  kind: z.enum(['page', 'app']),
  invite: z.string().max(128).optional(),
  page: z
    .string()
    .regex(/^[\w-]{22,64}$/, '22 to 64 letters, digits, - and _')
    .optional(),
  user: userName.optional(),
})
export const allowRequest = z.strictObject({
  user: userName.optional(),
  staySeconds: staySeconds.optional(),
})
export const newInvite = z.strictObject({
  user: userName.optional(),
  hours: z
    .number()
    .positive()
    .max(24 * 30)
    .optional(),
  staySeconds: staySeconds.optional(),
  stayFromNow: z.boolean().optional(),
})
export const inviteLookRequest = z.strictObject({ invite: z.string().max(128) })
export const inviteLook = z.strictObject({
  displayName: z.string().optional(),
  staySeconds: z.number().optional(),
  stayFromJoin: z.boolean().optional(),
})
export const devicesQuery = z.strictObject({ user: userName.optional() })
export const mediaPath = z.enum(['direct', 'relayed', 'unknown', 'contradicted'])
export const grade = z.enum(['packets', 'bothEnds', 'oneEnd', 'ledger', 'none'])
const flag = z.enum(['true', 'false']).transform(word => word === 'true')
const moment = z.coerce.number().min(0).max(8.64e15)
export const callsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z.string().max(64).optional(),
  user: userName.optional(),
  path: mediaPath.optional(),
  grade: grade.optional(),
  quality: z.enum(['good', 'fair', 'poor']).optional(),
  missed: flag.optional(),
  going: flag.optional(),
  /** Milliseconds since 1970: started at or after, and before. */
  from: moment.optional(),
  until: moment.optional(),
})
/** Unlike of a page, all of them unless a limit is given. */
export const callsCsvQuery = callsQuery
  .omit({ before: true })
  .extend({ limit: z.coerce.number().int().min(1).max(200_000).optional() })

export const hostLabel = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'one name of letters, digits and -, at most 63')
const enrolPolicy = z.enum(['approve', 'invite', 'open'])
const relayPolicy = z.enum(['cross-vlan', 'on-failure', 'off'])
const policy = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ value, setIn: z.string().optional() })
export const siteSettings = z.strictObject({
  place: z.string(),
  showNames: z.boolean(),
  hostname: z.string(),
  policies: z.strictObject({
    enrol: policy(enrolPolicy),
    relay: policy(relayPolicy),
    retainDays: policy(z.number()),
  }),
  ports: z.array(z.strictObject({ key: z.string(), port: z.number(), setIn: z.string().optional() })),
  dataDirectory: z.string(),
  version: z.string(),
})
export const consoleSession = z.strictObject({
  id: z.string(),
  user: z.string(),
  address: z.string(),
  userAgent: z.string(),
  createdAt: time,
  usedAt: time,
  current: z.boolean(),
})
/** Together they must fit into a request (`body.ts`). */
const pem = z.string().min(1).max(15_000)
export const ownCertificateRequest = z.strictObject({ certificate: pem, key: pem })
export const ownCertificateState = z.strictObject({
  names: z.array(z.string()),
  notBefore: time,
  notAfter: time,
  issuer: z.string(),
  isPublic: z.boolean(),
  takesOver: z.array(z.string()),
  leaves: z.array(z.string()),
})
export const certificateState = z.strictObject({
  names: z.array(z.string()),
  notBefore: time,
  notAfter: time,
  authorityFingerprint: z.string(),
  own: ownCertificateState.optional(),
})
export const backupRequest = z.strictObject({ passphrase: z.string().min(12).max(1_024) })
export const backupManifest = z.strictObject({
  place: z.string(),
  madeAt: time,
  version: z.string(),
  schema: z.number(),
  users: z.number(),
  devices: z.number(),
  calls: z.number(),
})
export const restoreApplied = z.strictObject({ restarts: z.boolean() })
export const ownPassword = z.strictObject({ current: z.string().max(256), password })
export const siteSettingsChange = z.strictObject({
  place: placeName.optional(),
  showNames: z.boolean().optional(),
  hostname: hostLabel.optional(),
  enrolPolicy: enrolPolicy.optional(),
  relayPolicy: relayPolicy.optional(),
  retainDays: z.number().int().min(1).max(36_500).optional(),
})
export const network = z.strictObject({
  hostname: z.string(),
  addresses: z.array(
    z.strictObject({ interface: z.string(), address: z.string(), prefixLength: z.number() }),
  ),
  ports: z.strictObject({ http: z.number(), https: z.number(), sip: z.number(), sips: z.number() }),
  discovery: z.strictObject({
    mode: z.enum(['builtin', 'avahi', 'off']),
    state: z.enum(['probing', 'ready', 'conflict', 'off', 'failed']),
    detail: z.string(),
  }),
  joinUrl: z.string().optional(),
  seenAddress: z.string(),
})
export const softphoneRequest = z.strictObject({ deviceName, user: userName.optional() })
export const softphone = z.strictObject({
  device: z.string(),
  user: z.string(),
  displayName: z.string(),
  digestUser: z.string(),
  password: z.string(),
  host: z.string(),
  hostName: z.string(),
  port: z.number(),
  tlsPort: z.number(),
  linphone: z.strictObject({ url: z.string(), expiresInSeconds: z.number() }),
})

export const error = z.strictObject({
  error: z.strictObject({ code: z.string(), detail: z.string().optional(), message: z.string() }),
})
export const health = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  uptimeSeconds: z.number(),
  parts: z.record(z.string(), z.strictObject({ state: z.enum(['ok', 'failed', 'off']), detail: z.string() })),
})
export const healthDetail = health.extend({
  at: time,
  machine: z.strictObject({
    load: z.number(),
    cores: z.number(),
    memoryTotalBytes: z.number(),
    memoryFreeBytes: z.number(),
    processBytes: z.number(),
    diskTotalBytes: z.number().optional(),
    diskFreeBytes: z.number().optional(),
    celsius: z.number().optional(),
    clockSet: z.boolean(),
    clockSynchronised: z.boolean().optional(),
  }),
  certificate: z.strictObject({ names: z.array(z.string()), notAfter: time, own: z.boolean() }),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      level: z.enum(['ok', 'warning', 'problem', 'unknown']),
      found: z.string(),
      advice: z.string().optional(),
    }),
  ),
})
export const setupState = z.strictObject({
  claimed: z.boolean(),
  reset: z.boolean(),
  place: z.string(),
  caFingerprint: z.string(),
  openSeconds: z.number(),
})
export const session = z.strictObject({
  user: z.string(),
  displayName: z.string(),
  role: z.enum(['owner', 'member']),
  csrfToken: z.string(),
})
export const enrolment = z.strictObject({
  device: z.string(),
  token: z.string(),
  user: z.string(),
  displayName: z.string(),
})
export const setupResponse = z.strictObject({ session, enrolment })
export const device = z.strictObject({
  id: z.string(),
  user: z.string(),
  name: z.string(),
  kind: z.enum(['page', 'app', 'sip']),
  digestUser: z.string().optional(),
  createdAt: time,
  lastSeenAt: time.optional(),
  reachable: z.boolean(),
  transport: z.string(),
  address: z.string(),
  userAgent: z.string(),
})
export const user = z.strictObject({
  name: z.string(),
  displayName: z.string(),
  number: z.string(),
  role: z.enum(['owner', 'member', 'guest']),
  expiresAt: time.optional(),
  seenByGuests: z.boolean(),
  alsoRings: z.array(z.string()),
  doorKeys: z.string(),
  quietHours: quietHours.optional(),
  disabled: z.boolean(),
  mayLogIn: z.boolean(),
  presence: z.enum(['available', 'inCall', 'doNotDisturb', 'away']),
  devices: z.array(device),
})
export const joinRequest = z.strictObject({ id: z.string(), secret: z.string() })
export const joinState = z.strictObject({
  state: z.enum(['waiting', 'allowed', 'denied']),
  enrolment: enrolment.optional(),
})
export const waitingRequest = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  deviceName: z.string(),
  address: z.string(),
  createdAt: time,
})
export const invite = z.strictObject({
  id: z.string(),
  user: z.string().optional(),
  staySeconds: z.number().optional(),
  expiresAt: time,
  token: z.string().optional(),
  url: z.string().optional(),
})
const pair = z.strictObject({
  localType: z.string(),
  localAddress: z.string(),
  localPort: z.number(),
  remoteType: z.string(),
  remoteAddress: z.string(),
  remotePort: z.number(),
  protocol: z.string(),
  rttMilliseconds: z.number().optional(),
})
const partyLedger = z.strictObject({
  allocations: z.number(),
  openAllocations: z.number(),
  permissions: z.number(),
  sentPackets: z.number(),
  sentBytes: z.number(),
  receivedPackets: z.number(),
  receivedBytes: z.number(),
  droppedPackets: z.number(),
  firstAt: time.optional(),
  lastAt: time.optional(),
  refusals: z.number(),
  refusedPeers: z.array(z.string()),
})
export const callLedger = z.strictObject({ caller: partyLedger, callee: partyLedger })
export const callRow = z.strictObject({
  id: z.string(),
  callerUser: z.string(),
  callerName: z.string(),
  callerDevice: z.string().optional(),
  callerHidden: z.boolean().optional(),
  calleeUser: z.string(),
  calleeName: z.string(),
  calleeDevice: z.string().optional(),
  answererUser: z.string().optional(),
  answererName: z.string().optional(),
  others: z
    .array(
      z.strictObject({
        user: z.string(),
        became: z.enum(['declined', 'missed', 'missedSeen']).optional(),
      }),
    )
    .optional(),
  video: z.boolean(),
  startedAt: time,
  ringingAt: time.optional(),
  answeredAt: time.optional(),
  endedAt: time.optional(),
  endedBy: z.enum(['caller', 'callee', 'server']).optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  missed: z.boolean(),
  missedSeen: z.boolean(),
  aliveAt: time,
  callerPair: pair.optional(),
  calleePair: pair.optional(),
  relayReason: z.enum(['otherNetwork', 'checksFailed']).optional(),
  ledger: callLedger,
  outcome: z.strictObject({ path: mediaPath, grade, mos: z.number().optional() }).optional(),
})
export const traceKey = z.strictObject({ publicKey: z.string(), fingerprint: z.string() })
export const callList = z.strictObject({ calls: z.array(callRow), total: z.number() })

export const helpState = z.strictObject({ canRestart: z.boolean() })
export const diagnosisQuery = z.strictObject({ user: userName, at: moment.optional() })
const storedCall = callRow.omit({ ledger: true, outcome: true }).extend({ ledger: callLedger.optional() })
export const finding = z.strictObject({
  stage: z.enum(['signalling', 'network', 'security', 'media', 'data']),
  cause: z.string(),
  weight: z.enum(['failed', 'poor', 'told']),
  sentence: z.string(),
  evidence: z.string(),
  fix: z.string(),
  since: time.optional(),
  until: time.optional(),
  call: z.string().optional(),
})
export const diagnosis = z.strictObject({
  user: z.string(),
  at: time,
  findings: z.array(finding),
  calls: z.array(storedCall),
})
export const networkTable = z.strictObject({
  networks: z.array(z.string()),
  cells: z.array(
    z.strictObject({
      from: z.string(),
      to: z.string(),
      direct: z.number(),
      relayed: z.number(),
      failed: z.number(),
      reasons: z.array(z.strictObject({ text: z.string(), count: z.number() })),
      example: z.string().optional(),
    }),
  ),
  calls: z.number(),
  unknown: z.number(),
})

const grantView = z.strictObject({
  call: z.string(),
  reason: z.enum(['otherNetwork', 'checksFailed', 'manual']),
  state: z.enum(['opening', 'telling', 'open']),
  parties: z.array(
    z.strictObject({ role: z.enum(['caller', 'callee']), device: z.string(), proven: z.array(z.string()) }),
  ),
  ledger: callLedger,
})
export const relayState = z.strictObject({
  state: z.enum(['ready', 'failed']),
  detail: z.string(),
  policy: z.enum(['cross-vlan', 'on-failure', 'off']),
  networks: z.array(z.string()),
  maxKilobits: z.number(),
  ports: z.strictObject({
    plain: z.number(),
    tls: z.number(),
    relayMin: z.number(),
    relayMax: z.number(),
  }),
  grants: z.array(grantView),
})
const address = z.string().regex(/^[0-9a-fA-F.:]{2,45}$/, 'an IP address')
export const relayGrantRequest = z.strictObject({
  peer: address,
  for: address,
  seconds: z.number().int().min(1).max(86_400),
})
export const relayGrant = z.strictObject({
  call: z.string(),
  username: z.string(),
  credential: z.string(),
  urls: z.array(z.string()),
  expiresAt: time,
})
