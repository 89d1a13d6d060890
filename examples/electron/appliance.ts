/**
 * What an Electron app's main process does before it opens a window, in plain Node: find the appliance, make sure whom
 * one talks to, join with an invitation, and judge the certificates that the window meets.
 */
import { X509Certificate } from 'node:crypto'
import { enrol } from '../../client/enrol.ts'
import { discover, fetchAuthority, inviteToken, pinned } from '../../client/node.ts'
import type { Enrolment } from '../../src/admin/message.ts'

/** What is kept between two starts; it holds the device's right, so keep it where only this user reads. */
export interface Kept {
  readonly appliance: string
  /** PEM of the authority, fixed when the device joined. */
  readonly authority: string
  readonly enrolment: Enrolment
}

export interface Opened {
  readonly kept: Kept
  /** `https://192.168.1.10`. */
  readonly origin: string
}

/** Rejects with a sentence for the person where there is no appliance, another one, or no right to join. */
export async function openAppliance(kept: Kept | undefined, invitation: string | undefined): Promise<Opened> {
  const found = await discover({ enough: 1 })
  if (kept !== undefined) {
    const appliance =
      found.find(({ id }) => id === kept.appliance) ??
      (await discover()).find(({ id }) => id === kept.appliance)
    if (appliance === undefined) throw new Error('Your lanline was not found on this network.')
    return { kept, origin: appliance.origin }
  }
  const [appliance] = found
  if (appliance === undefined) throw new Error('No lanline was found on this network.')
  const authority = await fetchAuthority(appliance)
  const joined = await enrol(pinned(authority).fetch, appliance.origin, {
    displayName: 'Electron',
    deviceName: 'Electron example',
    kind: 'app',
    ...(invitation === undefined ? {} : { invite: inviteToken(invitation) }),
  })
  if (joined.kind === 'refused') throw new Error(joined.message)
  if (joined.kind === 'waiting') throw new Error('The owner has to allow it: start again once they did.')
  return {
    kept: { appliance: appliance.id, authority, enrolment: joined.enrolment },
    origin: appliance.origin,
  }
}

/**
 * For `session.setCertificateVerifyProc`: whether the authority vouches for `host` by this chain (PEM, the leaf first).
 * The system's own trust plays no part.
 */
export function vouches(
  authority: string,
  host: string,
  chain: readonly string[],
  now = new Date(),
): boolean {
  const root = new X509Certificate(authority)
  const certificates = chain
    .map(pem => new X509Certificate(pem))
    .filter(one => one.fingerprint256 !== root.fingerprint256)
  const leaf = certificates[0]
  if (leaf === undefined) return false
  const names = /^[0-9.]+$|:/.test(host) ? leaf.checkIP(host) : leaf.checkHost(host)
  if (names === undefined) return false
  return certificates.every((certificate, index) => {
    const issuer = certificates[index + 1] ?? root
    const isValid = now >= certificate.validFromDate && now <= certificate.validToDate
    return isValid && issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  })
}
