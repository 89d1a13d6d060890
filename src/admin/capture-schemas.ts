/** Schemas of captures that people bring, and of what they show. */
import { z } from 'zod'
import { grade, mediaPath } from './schemas.ts'

/** Without control characters: it is shown to people. */
const captureName = z.string().transform(
  name =>
    name
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
      .trim()
      .slice(0, 80) || 'capture',
)
export const captureQuery = z.strictObject({
  name: captureName.default('capture'),
  takenAt: z.enum(['client', 'switch', 'elsewhere']).default('elsewhere'),
})
export const capturePlan = z.strictObject({
  state: z.enum(['ringing', 'answered', 'ended']),
  caller: z.array(z.string()),
  callee: z.array(z.string()),
  captures: z.array(z.strictObject({ filter: z.string(), snapBytes: z.number() })),
})
const role = z.enum(['caller', 'callee'])
const captureFlow = z.strictObject({
  source: z.string(),
  target: z.string(),
  way: z.enum(['direct', 'appliance', 'turn', 'elsewhere']),
  peer: z.string().optional(),
  sender: z.enum(['caller', 'callee', 'unknown']),
  matchedBy: z.enum(['ufrags', 'ssrc']),
  checks: z.number(),
  checkAnswers: z.number(),
  dtls: z.array(z.string()),
  certificates: z.array(z.string()),
  rtp: z.array(z.strictObject({ ssrc: z.number(), packets: z.number() })),
  packets: z.number(),
})
const verdict = z.strictObject({
  path: mediaPath,
  grade,
  sentence: z.string(),
  checked: z.array(
    z.strictObject({
      id: z.string(),
      question: z.string(),
      outcome: z.enum(['holds', 'fails', 'missing']),
      figures: z.string(),
    }),
  ),
  missing: z.array(z.string()),
  contradictions: z.array(z.strictObject({ about: z.string(), one: z.string(), other: z.string() })),
  whyNotDirect: z.strictObject({ reason: z.string(), sentence: z.string(), fix: z.string() }).optional(),
})
export const importedCapture = z.strictObject({
  kind: z.enum(['added', 'known', 'nothing']),
  event: z.number().optional(),
  facts: z.strictObject({
    name: z.string(),
    takenAt: z.enum(['appliance', 'client', 'switch', 'elsewhere']),
    importedBy: z.enum(['caller', 'callee', 'owner']).optional(),
    sha256: z.string().optional(),
    firstAtMilliseconds: z.number().optional(),
    lastAtMilliseconds: z.number().optional(),
    frames: z.number(),
    flows: z.array(captureFlow),
    leftOutPackets: z.number().optional(),
    stoppedBecause: z.string().optional(),
  }),
  file: z.strictObject({
    format: z.enum(['pcap', 'pcapng']).optional(),
    bytes: z.number(),
    frames: z.number(),
    packets: z.number(),
    counts: z.record(z.string(), z.number()),
    stop: z.strictObject({ reason: z.string(), offset: z.number() }).optional(),
  }),
  encrypted: z.array(z.strictObject({ party: role, segments: z.number(), bytes: z.number() })),
  verdict,
})
