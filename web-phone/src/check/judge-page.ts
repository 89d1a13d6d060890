/** What is said of the page and of the names and addresses it was opened by. Pure. */
import type { Facts, Finding, PageFacts } from './facts.ts'
import { failed, ok, unchecked, warning } from './finding.ts'
import { isAddress, isLoopbackHost } from './networks.ts'

export function secure(page: PageFacts): Finding {
  if (isLoopbackHost(page.host) && !page.https)
    return ok('secure', 'This page is open on the appliance itself, which is as good as HTTPS.')
  if (page.https && page.secureContext)
    return ok('secure', 'This page is open over HTTPS, so it may use microphone and camera.')
  return failed(
    'secure',
    'This page is not open over HTTPS, so the browser keeps microphone and camera closed.',
    `Open https://${page.host}/ instead.`,
  )
}

export function certificate(page: PageFacts, state: NonNullable<Facts['certificate']>): Finding {
  if (!page.https) return ok('certificate', 'On the appliance itself no certificate is needed.')
  if (state === 'trusted') return ok('certificate', 'The browser trusts lanline’s certificate.')
  if (state === 'unknown') {
    return unchecked(
      'certificate',
      'This browser does not tell whether it trusts lanline’s certificate for good or its warning was clicked away.',
    )
  }
  return warning(
    'certificate',
    'The browser does not trust lanline’s certificate: its warning was clicked away.',
    `It will come back, and some browsers refuse the line. Open ${page.door}/ and choose “Trust for good”.`,
  )
}

export function pageName({ host }: PageFacts): Finding {
  if (isLoopbackHost(host)) return ok('name', `This page was opened as ${host}, on the appliance itself.`)
  if (isAddress(host)) return ok('name', `This page was opened by the address ${host}.`)
  return ok('name', `This page was opened by the name ${host}.`)
}

export function otherName(facts: Facts, others: NonNullable<Facts['others']>): Finding {
  const id = 'otherName'
  const { page, certificate: trust } = facts
  const names = others.map(({ name }) => name).join(', ')
  const reached = others.find(other => other.reached)?.name
  const byAddress = isAddress(page.host)
  if (others.length === 0) return unchecked(id, 'No other name or address of lanline was tried.')
  if (reached !== undefined && byAddress)
    return ok(id, `The name ${reached} leads to lanline as well, and stays when the address changes.`)
  if (reached !== undefined)
    return ok(id, `The address ${reached} leads to lanline as well, where the name is not found.`)
  if (trust !== 'trusted') {
    return unchecked(
      id,
      `Whether ${names} leads to lanline as well cannot be told unless the browser trusts the certificate.`,
    )
  }
  if (byAddress) {
    return warning(
      id,
      `The name ${names} is not found from here.`,
      'Keep using the address. Names of .local are found only on lanline’s own network, and not by every phone.',
    )
  }
  return warning(
    id,
    `Nothing answers from here at lanline’s address ${names}.`,
    'Keep using the name. A VPN or a filter in the browser may be in the way.',
  )
}
