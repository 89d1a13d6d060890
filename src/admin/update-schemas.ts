/** Bodies about updates as they are checked and published; `update/message.ts` says the same to the compiler. */
import { z } from 'zod'

const slot = z.enum(['a', 'b'])
const manifest = z.strictObject({
  product: z.literal('lanline'),
  version: z.string(),
  build: z.string(),
  architecture: z.enum(['arm64', 'amd64']),
  rootBytes: z.number(),
  rootSha256: z.string(),
  schema: z.number(),
  boot: z.number(),
  createdAt: z.number(),
})

export const readyUpdate = z.strictObject({
  manifest,
  from: z.string(),
  relation: z.enum(['newer', 'same', 'older']),
})

export const updateState = z.strictObject({
  installation: z.enum(['image', 'package', 'source']),
  version: z.string(),
  slot: slot.optional(),
  trial: z.boolean(),
  changesWait: z.boolean(),
  ready: readyUpdate.optional(),
  status: z
    .strictObject({
      phase: z.enum([
        ...(['verifying', 'writing', 'checking', 'restarting'] as const),
        ...(['onTrial', 'confirmed', 'wentBack', 'failed'] as const),
      ]),
      from: z.string(),
      to: z.string(),
      slot: slot.optional(),
      percent: z.number().optional(),
      why: z.string().optional(),
      at: z.number(),
    })
    .optional(),
})

export const installRequest = z.strictObject({ evenIfNotNewer: z.boolean().optional() })
