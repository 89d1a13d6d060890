/** What a check learns from the appliance by asking it over HTTP: how it sees us, its clock, its names, its certificate. */
import type { Enrolment, Health, Network } from '../../../src/admin/message.ts'
import { readJson, storageKeys } from '../storage.ts'
import type { ApplianceFacts, Facts, OtherName, PageFacts } from './facts.ts'
import { isAddress, isIn, isLoopbackHost } from './networks.ts'

const answerMilliseconds = 4_000
/** A name that is not found may take a system's resolver longer; a person would not wait either. */
const otherMilliseconds = 3_000
const limitOthers = 3

export function pageFacts(): PageFacts {
  const host = location.hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    https: location.protocol === 'https:',
    secureContext: isSecureContext,
    door: `http://${location.hostname}`,
  }
}

export interface Answer {
  readonly appliance: NonNullable<Facts['appliance']>
  readonly clockAheadMilliseconds: number | 'unknown'
  readonly httpPort: number
}

export async function askAppliance(signal: AbortSignal): Promise<Answer> {
  const token = readJson<Enrolment>(storageKeys.enrolment)?.token
  const startedAt = Date.now()
  try {
    const response = await fetch('/api/v1/network', {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMilliseconds)]),
    })
    const clockAheadMilliseconds = clockAhead(response.headers.get('date'), startedAt, Date.now())
    if (!response.ok) return { appliance: 'notEnrolled', clockAheadMilliseconds, httpPort: 0 }
    const { hostname, addresses, ports, seenAddress = '' } = (await response.json()) as Network
    const appliance = { hostname, addresses, httpsPort: ports.https, seenAddress }
    return { appliance, clockAheadMilliseconds, httpPort: ports.http }
  } catch {
    return { appliance: 'noAnswer', clockAheadMilliseconds: 'unknown', httpPort: 0 }
  }
}

/** RFC 9110 §6.6.1: `Date` is when the answer was made, in whole seconds that are cut off. */
function clockAhead(date: string | null, startedAt: number, endedAt: number): number | 'unknown' {
  const theirs = Date.parse(date ?? '')
  return Number.isNaN(theirs) ? 'unknown' : (startedAt + endedAt) / 2 - (theirs + 500)
}

/** Of lanline; `''` where it does not answer. */
export async function askVersion(signal: AbortSignal): Promise<string> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(answerMilliseconds)])
  const health = await fetch('/api/v1/health', { cache: 'no-store', signal: timeout }).then(
    response => response.json() as Promise<Health>,
    () => undefined,
  )
  return health?.version ?? ''
}

/**
 * Asks for the appliance by its other names: by name where the page has an address, by address where it has a name. A
 * certificate's warning that was clicked away counts for one name only, so an answer also shows trust for good.
 */
export async function askOthers(
  page: PageFacts,
  appliance: ApplianceFacts,
  signal: AbortSignal,
): Promise<readonly OtherName[]> {
  if (!page.https || isLoopbackHost(page.host)) return []
  const port = appliance.httpsPort === 443 ? '' : `:${appliance.httpsPort}`
  const forbidden = new Set<string>()
  const note = ({ blockedURI }: SecurityPolicyViolationEvent) => forbidden.add(blockedURI)
  document.addEventListener('securitypolicyviolation', note)
  const asked = await Promise.all(
    otherNames(page, appliance).map(async name => {
      const url = `https://${name}${port}/api/v1/health`
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(otherMilliseconds)])
      const reached = await fetch(url, {
        mode: 'no-cors',
        cache: 'no-store',
        credentials: 'omit',
        signal: timeout,
      })
        .then(() => true)
        .catch(() => false)
      return { name, url, reached }
    }),
  )
  document.removeEventListener('securitypolicyviolation', note)
  const isForbidden = (url: string) => [...forbidden].some(blocked => url.startsWith(blocked))
  return asked.filter(({ url }) => !isForbidden(url)).map(({ name, reached }) => ({ name, reached }))
}

function otherNames(page: PageFacts, { hostname, addresses, seenAddress }: ApplianceFacts): string[] {
  const name = `${hostname}.local`
  if (page.host !== name) return [name]
  const near = (subnet: ApplianceFacts['addresses'][number]) => (isIn(seenAddress, subnet) ? 0 : 1)
  return addresses
    .filter(({ address }) => isAddress(address) && !address.includes(':'))
    .sort((one, other) => near(one) - near(other))
    .slice(0, limitOthers)
    .map(({ address }) => address)
}

/**
 * Whether the browser keeps what it loads from here: Chromium stores nothing that came under a certificate whose
 * warning was clicked away. Undefined where no such sign is known.
 */
export async function askCache(signal: AbortSignal): Promise<boolean | undefined> {
  const script = document.querySelector<HTMLScriptElement>('script[src]')?.src
  const isChromium = 'userAgentData' in navigator && 'deliveryType' in PerformanceResourceTiming.prototype
  if (script === undefined || !isChromium) return undefined
  try {
    let kept = false
    // The first one may have to fill the cache.
    for (let round = 0; round < 2 && !kept; round++) {
      performance.clearResourceTimings()
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(answerMilliseconds)])
      await (await fetch(script, { cache: 'force-cache', signal: timeout })).arrayBuffer()
      const timing = performance.getEntriesByName(script).at(-1) as PerformanceResourceTiming | undefined
      kept = timing !== undefined && timing.transferSize === 0
    }
    return kept
  } catch {
    return undefined
  }
}
