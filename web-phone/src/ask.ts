/** The appliance's REST interface by this device's own right (RFC 6750 §2.1). */
import type { Enrolment, ErrorBody } from '../../src/admin/message.ts'
import { readJson, storageKeys } from './storage.ts'

/** Rejects with a sentence for the person. */
export async function ask<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const token = readJson<Enrolment>(storageKeys.enrolment)?.token ?? ''
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    cache: 'no-store',
    credentials: 'omit',
    body: body === undefined ? null : JSON.stringify(body),
  })
  const answer: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new Error((answer as ErrorBody | undefined)?.error.message ?? '')
  return answer as Body
}
