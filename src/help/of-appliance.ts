/** What is wrong with the appliance itself, as far as it hinders people. Pure. */
import { plausibleFrom } from '../core/clock.ts'
import { finding, lasted, pageAt } from './finding.ts'
import type { Finding, HelpFacts, Incident } from './message.ts'

/** In the order in which one explains the others. */
export function ofAppliance(facts: HelpFacts): Finding[] {
  return [
    notRunning(facts),
    disk(facts),
    certificate(facts),
    ownCertificate(facts),
    ...moved(facts),
    name(facts),
    announced(facts),
    clock(facts),
    ...parts(facts),
  ].filter(one => one !== undefined)
}

/** Writes that fail, until one succeeds again. */
const failedWrites = ({ incidents, asked }: HelpFacts): Incident | undefined =>
  incidents.findLast(
    one =>
      one.kind === 'notWritten' &&
      lasted(one.at, one.until, asked.at) &&
      (one.until === undefined || one.until >= asked.at),
  )

function notRunning(facts: HelpFacts): Finding | undefined {
  // Between its two ends nothing is known at all, so it counts from end to end and not a moment around.
  const gap = facts.incidents.find(
    one => one.kind === 'notRunning' && one.at <= facts.asked.at && facts.asked.at <= (one.until ?? one.at),
  )
  if (gap === undefined) return undefined
  return finding(
    'signalling',
    'notRunning',
    {
      sentence: 'lanline itself was not running: nobody could call or be called.',
      evidence:
        'It left no sign of life in that time, and was started after it. Idle it gives one each half hour, so it may have run up to that much longer.',
      fix: 'Check the power supply and the card of the appliance; on a computer let the system start lanline by itself.',
    },
    { since: gap.at, until: gap.until },
  )
}

const fullBytes = 20_000_000

function disk(facts: HelpFacts): Finding | undefined {
  const { disk: seen } = facts.appliance
  const failed = failedWrites(facts)
  const isFull = (seen !== undefined && seen.freeBytes < fullBytes) || failed?.detail === 'diskFull'
  if (!isFull && failed === undefined) return undefined
  const evidence = [
    seen === undefined ? '' : `${Math.floor(seen.freeBytes / 1_000_000)} MB are free`,
    failed === undefined
      ? ''
      : `${failed.count === 1 ? 'one write' : `${failed.count} writes`} failed (${failed.detail})`,
  ]
  const more = { since: failed?.at, until: failed?.until }
  if (isFull) {
    return finding(
      'data',
      'diskFull',
      {
        sentence: 'The appliance’s disk is full: new registrations and calls cannot be kept.',
        evidence: `${evidence.filter(part => part !== '').join('; ')}.`,
        fix: 'Free some space on the appliance, or lower calls.retain_days so that fewer calls are kept.',
      },
      more,
    )
  }
  return finding(
    'data',
    'diskReadOnly',
    {
      sentence: 'The appliance could not write to its disk: new registrations and calls cannot be kept.',
      evidence: `${evidence.filter(part => part !== '').join('; ')}.`,
      fix: 'Make a backup and replace the card: cards that wear out become read-only. Else check who owns the data directory.',
    },
    more,
  )
}

function certificate({ appliance }: HelpFacts): Finding | undefined {
  const { certificate: shown, now, clockSet } = appliance
  if (shown === undefined || !clockSet) return undefined
  if (now >= shown.notBefore && now <= shown.notAfter) return undefined
  const isOver = now > shown.notAfter
  return finding(
    'security',
    'certificate',
    {
      sentence: isOver
        ? 'The appliance’s certificate has expired: browsers and TLS phones refuse to connect.'
        : 'The appliance’s certificate is not valid yet: browsers and TLS phones refuse to connect.',
      evidence: 'Its time and the appliance’s clock do not fit together.',
      fix: 'See that the appliance’s clock is right, then restart lanline: it makes a new certificate by itself.',
    },
    isOver ? { since: shown.notAfter } : { until: shown.notBefore },
  )
}

/** Beside the appliance's own, which goes on by itself; nobody renews this one but the owner. */
function ownCertificate({ appliance }: HelpFacts): Finding | undefined {
  const { ownCertificate: shown, now, clockSet, address } = appliance
  if (shown === undefined || !clockSet) return undefined
  if (now >= shown.notBefore && now <= shown.notAfter) return undefined
  const isOver = now > shown.notAfter
  const names = shown.names.join(', ')
  // The address is never among its names, so that the console can be reached there whatever the names are.
  const meanwhile = `until then open ${pageAt(appliance, address)}, where lanline’s own certificate speaks.`
  return finding(
    'security',
    'ownCertificate',
    {
      sentence: `The certificate that you brought for ${names} ${isOver ? 'has expired' : 'is not valid yet'}: browsers and TLS phones that use this name refuse to connect.`,
      evidence: isOver
        ? 'Its last day is over, and lanline cannot renew it. The certificate that lanline makes itself is another one.'
        : 'Its first day is still to come, by the appliance’s clock.',
      fix: isOver
        ? `Get a newer one where it came from and bring it under Settings, Certificate: it is used at once, without a restart; ${meanwhile}`
        : `See that the appliance’s clock is right; if it is, wait for that day or bring another one under Settings, Certificate; ${meanwhile}`,
    },
    isOver ? { since: shown.notAfter } : { until: shown.notBefore },
  )
}

function moved({ appliance }: HelpFacts): Finding[] {
  return appliance.moved.map(({ key, from, to }) =>
    finding('signalling', 'portMoved', {
      sentence: `Port ${from} was taken by another program, so lanline uses ${to} instead: who looks for it on ${from} does not find it.`,
      evidence: `${key}: ${from} is taken, ${to} is in use.`,
      fix: `Stop the other program on port ${from} and restart lanline; or set port ${to} in the phones.`,
    }),
  )
}

function name(facts: HelpFacts): Finding | undefined {
  const { hostname, wantedHostname, discovery } = facts.appliance
  const taken = facts.incidents.filter(one => one.kind === 'nameTaken').at(-1)
  if (hostname === wantedHostname && discovery.state !== 'conflict') return undefined
  const since = taken?.lastAt
  return finding(
    'network',
    'nameConflict',
    {
      sentence: `Another device on the network has the name ${wantedHostname}.local: who opens it reaches that one.`,
      evidence:
        hostname === wantedHostname
          ? discovery.detail || 'Another device answers for the name.'
          : `This appliance goes by ${hostname}.local now.`,
      fix: `Open ${pageAt(facts.appliance, hostname === wantedHostname ? facts.appliance.address : `${hostname}.local`)} instead, or rename one of the two: this one under Settings.`,
    },
    { since },
  )
}

function announced({ appliance }: HelpFacts): Finding | undefined {
  if (appliance.discovery.state !== 'failed') return undefined
  return finding('network', 'notAnnounced', {
    sentence: `Nobody finds ${appliance.hostname}.local: the name cannot be announced on the network.`,
    evidence: appliance.discovery.detail,
    fix: `Use the address ${appliance.address} meanwhile. Another program may hold UDP port 5353, or a firewall may drop it.`,
  })
}

function clock({ appliance, asked }: HelpFacts): Finding | undefined {
  if (appliance.clockSet) return undefined
  return finding('data', 'clockNotSet', {
    sentence: 'The appliance’s clock is not set: calls work, but their times in the list are wrong.',
    evidence: `By its own clock it is the year ${yearOf(appliance.now)}${asked.at < plausibleFrom ? '' : '; the time you chose means nothing to it'}.`,
    fix: 'Let it reach a time server: the internet, or your router named as NTP server. Afterwards new calls have the right time.',
  })
}

/** Without a date of its own: this file knows no clock. */
const yearOf = (at: number): number => 1970 + Math.floor(at / 31_556_952_000)

function parts({ appliance }: HelpFacts): Finding[] {
  return appliance.failedParts
    .filter(({ name: part }) => part !== 'discovery' && part !== 'store')
    .map(({ name: part, detail }) =>
      finding(part === 'relay' ? 'network' : 'signalling', 'partFailed', {
        sentence: `A part of lanline does not work: ${part}.`,
        evidence: detail,
        fix: 'Restart lanline with the button below; if it stays so, the diagnostics say more.',
      }),
    )
}
