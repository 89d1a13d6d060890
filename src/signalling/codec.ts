/**
 * Frames of `lanline.v1` and back: JSON text, checked against schemas that the compiler holds to the types of
 * `message.ts`. Total and bounded: whatever arrives is a message or an `error` to send back. Fields that a message
 * does not have are ignored, so that a newer client can speak to an older appliance; unknown types are refused.
 */
import { z } from 'zod'
import type { SelectedPair } from '../calls/message.ts'
import { endReasons } from '../core/end-reason.ts'
import { isZone, type QuietHours, timeOfDayPattern, weekdays, zoneCharacters } from '../core/quiet-hours.ts'
import type { Decoded } from '../core/result.ts'
import type {
  CheckedPair,
  ClientMessage,
  ErrorCode,
  IceCandidate,
  MediaReport,
  ResumeCall,
  ServerMessage,
  StateChange,
  StreamCount,
} from './message.ts'

/** Characters, counts and milliseconds that a frame may hold; `docs/client-protocol.md` names them all. */
export const limits = {
  frameBytes: 65_536,
  sdpCharacters: 32_768,
  candidateCharacters: 1_024,
  tokenCharacters: 256,
  clientCharacters: 128,
  tabCharacters: 64,
  refCharacters: 64,
  toCharacters: 64,
  dialogCharacters: 8_192,
  resumeCalls: 8,
  midCharacters: 64,
  ufragCharacters: 256,
  reportStreams: 32,
  reportStates: 16,
  reportChecks: 24,
  reportWordCharacters: 32,
  cipherCharacters: 64,
  heldMilliseconds: 15 * 60_000,
  /** Of any time or delay in a report: a year. */
  reportMilliseconds: 366 * 24 * 3_600_000,
  fingerprintCharacters: 256,
  addressCharacters: 64,
  agoMilliseconds: 7 * 24 * 3_600_000,
  staySecondsMin: 60,
  staySecondsMax: 31 * 24 * 3_600,
} as const

export const errorCodes = [
  'badMessage',
  'notReady',
  'badToken',
  'revoked',
  'disabled',
  'replaced',
  'tooMany',
  'tooLarge',
  'noSuchCall',
  'wrongState',
  'shuttingDown',
] as const satisfies readonly ErrorCode[]

/**
 * No control characters, and no half of a surrogate pair (RFC 3629 §3): much of it ends up in traces, which are signed over
 * canonical JSON, and RFC 8785 §3.2.2.2 has none for such a text.
 */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u)
const printable = (max: number) => text(max).min(1)
/** States, addresses, names of ciphers: what a client reports ends up in lines that people read. */
const word = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\x20-\x7e]*$/)
const milliseconds = z.number().min(0).max(limits.reportMilliseconds)
const count = z.int().min(0)
const callId = z.string().regex(/^[0-9a-f]{32}$/)
const sdp = z
  .string()
  .max(limits.sdpCharacters)
  .regex(/^v=0\r?\n\P{Cs}*$/u)
const reason = z.enum(endReasons)

const candidate = z.object({
  candidate: z.union([
    z.literal(''),
    z
      .string()
      .max(limits.candidateCharacters)
      .regex(/^candidate:[\x20-\x7e]+$/),
  ]),
  sdpMid: printable(limits.midCharacters).nullish(),
  sdpMLineIndex: count.max(255).nullish(),
  usernameFragment: printable(limits.ufragCharacters).nullish(),
}) satisfies z.ZodType<IceCandidate>

const pair = z.object({
  localType: word(limits.reportWordCharacters),
  localAddress: word(limits.addressCharacters),
  localPort: count.max(65_535),
  remoteType: word(limits.reportWordCharacters),
  remoteAddress: word(limits.addressCharacters),
  remotePort: count.max(65_535),
  protocol: word(limits.reportWordCharacters),
  rttMilliseconds: milliseconds.optional(),
}) satisfies z.ZodType<SelectedPair>

const checkedPair = pair.extend({
  state: word(limits.reportWordCharacters),
  requestsSent: count.optional(),
  responsesReceived: count.optional(),
  requestsReceived: count.optional(),
  responsesSent: count.optional(),
}) satisfies z.ZodType<CheckedPair>

const stateChange = z.object({
  what: z.enum(['iceConnection', 'iceGathering', 'connection']),
  to: word(limits.reportWordCharacters),
  atMilliseconds: milliseconds,
}) satisfies z.ZodType<StateChange>

const stream = z.object({
  ssrc: count.max(2 ** 32 - 1),
  kind: z.enum(['audio', 'video']),
  direction: z.enum(['sent', 'received']),
  packets: count,
  bytes: count,
  // RFC 3550 §6.4.1: duplicates can make it negative.
  lost: z.int(),
  jitterMilliseconds: milliseconds.optional(),
  repeats: count.optional(),
  samples: count.optional(),
  concealedSamples: count.optional(),
  frames: count.optional(),
  freezes: count.optional(),
}) satisfies z.ZodType<StreamCount>

const report = z.object({
  atMilliseconds: milliseconds,
  heldMilliseconds: z.number().min(0).max(limits.heldMilliseconds).optional(),
  roundTripMilliseconds: z.number().min(0).max(60_000).optional(),
  iceConnection: word(limits.reportWordCharacters),
  iceGathering: word(limits.reportWordCharacters),
  connection: word(limits.reportWordCharacters),
  dtls: word(limits.reportWordCharacters),
  localFingerprint: word(limits.fingerprintCharacters),
  remoteFingerprint: word(limits.fingerprintCharacters),
  pair: pair.nullable(),
  streams: z.array(stream).max(limits.reportStreams),
  final: z.boolean().optional(),
  states: z.array(stateChange).max(limits.reportStates).optional(),
  checks: z.array(checkedPair).max(limits.reportChecks).optional(),
  dtlsVersion: word(limits.cipherCharacters).optional(),
  dtlsCipher: word(limits.cipherCharacters).optional(),
  srtpProfile: word(limits.cipherCharacters).optional(),
}) satisfies z.ZodType<MediaReport>

const resumeCall = z.object({
  call: callId,
  dialog: text(limits.dialogCharacters),
  ended: z
    .object({
      by: z.enum(['self', 'peer']),
      reason,
      agoMilliseconds: z.number().min(0).max(limits.agoMilliseconds),
    })
    .optional(),
}) satisfies z.ZodType<ResumeCall>

const timeOfDay = z.string().regex(timeOfDayPattern)
const quietHours = z.object({
  from: timeOfDay,
  until: timeOfDay,
  days: z.array(z.enum(weekdays)).min(1).max(weekdays.length),
  zone: text(zoneCharacters).refine(isZone),
}) satisfies z.ZodType<QuietHours>

/** One schema a type. Exported so that the documentation can be checked against them. */
export const clientMessages = {
  hello: z.object({
    type: z.literal('hello'),
    token: printable(limits.tokenCharacters),
    client: text(limits.clientCharacters),
    tab: printable(limits.tabCharacters),
    resume: z.array(resumeCall).max(limits.resumeCalls),
  }),
  ping: z.object({ type: z.literal('ping'), id: count }),
  doNotDisturb: z.object({ type: z.literal('doNotDisturb'), on: z.boolean() }),
  quietHours: z.object({ type: z.literal('quietHours'), hours: quietHours.nullable() }),
  missedSeen: z.object({ type: z.literal('missedSeen') }),
  answerRequest: z.object({
    type: z.literal('answerRequest'),
    id: printable(limits.refCharacters),
    allow: z.boolean(),
    staySeconds: z.number().int().min(limits.staySecondsMin).max(limits.staySecondsMax).optional(),
  }),
  call: z.object({
    type: z.literal('call'),
    ref: printable(limits.refCharacters),
    to: printable(limits.toCharacters),
    sdp,
    video: z.boolean(),
    referred: callId.optional(),
  }),
  ringing: z.object({ type: z.literal('ringing'), call: callId }),
  answer: z.object({ type: z.literal('answer'), call: callId, sdp }),
  decline: z.object({
    type: z.literal('decline'),
    call: callId,
    reason: z.enum(['declined', 'busy', 'failed']),
  }),
  candidate: z.object({ type: z.literal('candidate'), call: callId, candidate }),
  offer: z.object({ type: z.literal('offer'), call: callId, sdp }),
  refer: z.object({
    type: z.literal('refer'),
    call: callId,
    to: printable(limits.toCharacters),
    replaces: callId.optional(),
  }),
  bye: z.object({ type: z.literal('bye'), call: callId, reason }),
  report: z.object({ type: z.literal('report'), call: callId, report }),
  noPath: z.object({ type: z.literal('noPath'), call: callId }),
  mediaProblem: z.object({
    type: z.literal('mediaProblem'),
    call: callId.or(z.literal('')),
    problem: z.string().regex(/^[a-zA-Z]{1,32}$/),
  }),
  relayReady: z.object({ type: z.literal('relayReady'), call: callId }),
} satisfies { [Type in ClientMessage['type']]: z.ZodType<Extract<ClientMessage, { type: Type }>> }

/** A frame's text as a message, or the `error` that tells its sender what is wrong with it. Never throws. */
export function decodeFrame(frame: string): Decoded<ClientMessage, ServerMessage> {
  // Characters are at most bytes: what is longer than this is too large in any encoding.
  if (frame.length > limits.frameBytes) {
    return refuse('tooLarge', `A frame may be at most ${limits.frameBytes} bytes long.`, '')
  }
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch {
    return refuse('badMessage', 'The frame is not JSON.', '')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('badMessage', 'The frame is not a JSON object.', '')
  }
  const { type } = value as { type?: unknown }
  if (typeof type !== 'string' || !Object.hasOwn(clientMessages, type)) {
    return refuse('badMessage', 'The field `type` names no message of lanline.v1.', refOf(value))
  }
  const schema: z.ZodType<ClientMessage> = clientMessages[type as ClientMessage['type']]
  const parsed = schema.safeParse(value)
  if (parsed.success) return { kind: 'ok', message: parsed.data }
  const where = parsed.error.issues[0]?.path.join('.') ?? ''
  const tooLong = parsed.error.issues[0]?.code === 'too_big'
  return refuse(
    tooLong ? 'tooLarge' : 'badMessage',
    `In \`${type}\` the field \`${where}\` is ${tooLong ? 'too large' : 'missing or not what it must be'}.`,
    refOf(value),
  )
}

export const encodeFrame = (message: ServerMessage): string => JSON.stringify(message)

function refuse(
  code: ErrorCode,
  message: string,
  ref: string,
): { kind: 'reject'; answer: ServerMessage; reason: string } {
  return { kind: 'reject', answer: { type: 'error', code, message, ref }, reason: code }
}

/** What an error is about, as far as a broken message says it. */
function refOf(value: object): string {
  const { call, ref } = value as { call?: unknown; ref?: unknown }
  for (const name of [call, ref]) {
    if (typeof name === 'string' && name.length <= limits.refCharacters) return name
  }
  return ''
}
