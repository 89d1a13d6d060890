/** Why somebody could not call or be called although no call was made: their devices and what was refused. Pure. */
import { called, finding, isAround, lasted, pageAt, personOf, times } from './finding.ts'
import type { DeviceFacts, Finding, HelpFacts, Incident, PersonFacts } from './message.ts'

/** What stands in the person's way at the asked time; the strongest first. Empty where somebody can be reached. */
export function ofPerson(facts: HelpFacts, user: string): Finding[] {
  const person = personOf(facts, user)
  if (person === undefined) return []
  const problems = [
    ...microphones(facts, person),
    ...refusals(facts, person),
    ...certificatesRefused(facts, person),
  ]
  if (person.devices.length === 0) return [...problems, noDevice(person)]
  return [...problems, ...absences(facts, person)]
}

const isTheirs = (one: Incident, person: PersonFacts): boolean =>
  one.user === person.user ||
  person.devices.some(device => device.id === one.device) ||
  (one.account !== '' &&
    (one.account === person.user || person.devices.some(device => device.digestUser === one.account)))

function microphones(facts: HelpFacts, person: PersonFacts): Finding[] {
  return facts.incidents
    .filter(
      one => one.kind === 'mediaProblem' && isTheirs(one, person) && isAround(one.lastAt, facts.asked.at),
    )
    .map(one => microphone(person.name, deviceOf(person, one.device), one))
}

const deviceOf = (person: PersonFacts, id: string): string => {
  const device = person.devices.find(known => known.id === id)
  return device === undefined ? 'the browser' : called(device)
}

/** By the client's word (`MediaProblem` of the client library). */
export function microphone(name: string, device: string, incident: Incident): Finding {
  const problem = incident.detail
  const what = problem.toLowerCase().includes('camera') ? 'camera' : 'microphone'
  const more = {
    since: incident.lastAt,
    call: incident.call || undefined,
    // Without a camera a call still goes.
    weight: what === 'camera' ? 'poor' : 'failed',
  } as const
  const evidence = `The page on ${device} says: ${problem}${incident.count > 1 ? `, ${incident.count} times` : ''}.`
  if (problem === 'insecure') {
    return finding(
      'security',
      'insecurePage',
      {
        sentence: `${name}’s page was opened without encryption, so the browser gives it no microphone.`,
        evidence,
        fix: 'Open it with https://, or scan the QR code again.',
      },
      more,
    )
  }
  if (problem.endsWith('Denied')) {
    return finding(
      'media',
      'microphone',
      {
        sentence: `${name}’s browser may not use the ${what}, so ${what === 'camera' ? 'the call had no picture' : 'no call could be made'} from there.`,
        evidence,
        fix: `On ${device}: tap the sign beside the address, allow the ${what}, load the page again.`,
      },
      more,
    )
  }
  return finding(
    'media',
    'noMicrophone',
    {
      sentence: `${name}’s device has no ${what} that could be opened.`,
      evidence,
      fix: `On ${device}: plug in a ${what}, and close other programs that use it.`,
    },
    more,
  )
}

function refusals(facts: HelpFacts, person: PersonFacts): Finding[] {
  const { incidents, asked } = facts
  const around = incidents.filter(one => lasted(one.at, one.lastAt, asked.at))
  const wrong = around
    .filter(one => one.kind === 'wrongPassword' && isTheirs(one, person))
    // Registered since with the right one.
    .filter(one => asked.at <= one.lastAt || !deviceOfAccount(person, one.account)?.reachable)
    .sort((a, b) => b.lastAt - a.lastAt)
  const addresses = new Set(person.devices.map(device => device.address).filter(address => address !== ''))
  const strangers = around.filter(
    one => one.kind === 'wrongPassword' && !isTheirs(one, person) && addresses.has(one.source),
  )
  return [
    ...wrong.slice(0, 1).map(one => wrongPassword(person, one)),
    ...strangers.slice(0, 1).map(one => unknownAccount(person, one)),
  ]
}

const deviceOfAccount = (person: PersonFacts, account: string): DeviceFacts | undefined =>
  person.devices.find(known => known.digestUser === account)

function wrongPassword(person: PersonFacts, incident: Incident): Finding {
  const device = deviceOfAccount(person, incident.account)
  const what = device === undefined ? 'A phone' : called(device)
  return finding(
    'security',
    'wrongPassword',
    {
      sentence: `${what} of ${person.name} tries to register with a wrong password.`,
      evidence: `${times(incident.count, 'try').replace('trys', 'tries')} as ${incident.account} from ${incident.source}, refused with 401.`,
      fix: `Set a new SIP password under People, ${person.name}, and type it into the phone at ${incident.source}; its user name is ${incident.account}.`,
    },
    { since: incident.at, until: incident.lastAt },
  )
}

function unknownAccount(person: PersonFacts, incident: Incident): Finding {
  const known = person.devices.flatMap(device => device.digestUser ?? [])
  return finding(
    'security',
    'unknownAccount',
    {
      sentence: `A phone where ${person.name} is registers with a user name that nobody here has, or its password is wrong.`,
      evidence: `It calls itself ${incident.account}, from ${incident.source}.`,
      fix: `In that phone the user name must be ${known.join(' or ') || person.user}, with the SIP password set under People.`,
    },
    { since: incident.at },
  )
}

/** Only from where one of their devices was and is no longer: whoever opens the page for the first time refuses it too. */
function certificatesRefused({ incidents, asked, appliance }: HelpFacts, person: PersonFacts): Finding[] {
  const gone = person.devices.filter(device => !device.reachable && device.address !== '')
  return incidents
    .filter(one => one.kind === 'certificateRefused' && lasted(one.at, one.lastAt, asked.at))
    .filter(one => gone.some(device => device.address === one.source))
    .slice(-1)
    .map(one =>
      finding(
        'security',
        'certificateRefused',
        {
          sentence: `${person.name}’s device at ${one.source} does not accept the appliance’s certificate.`,
          evidence: `It ended ${times(one.count, 'connection')} with “${one.detail}”.`,
          fix: `Open http://${appliance.address}/ on that device and choose “Trust for good”; if it says expired, set that device’s clock.${ofTheOwners(appliance)}`,
        },
        { since: one.at },
      ),
    )
}

/** For its names “Trust for good” changes nothing. */
const ofTheOwners = ({ ownCertificate: own }: HelpFacts['appliance']): string =>
  own === undefined || own.isPublic
    ? ''
    : ` Where it opens ${own.names.join(' or ')}, it must trust whoever signed the certificate that you brought.`

const noDevice = (person: PersonFacts): Finding =>
  finding('signalling', 'noDevice', {
    sentence: `${person.name} has no phone and no page here, so nobody can call there.`,
    evidence: 'No device was ever enrolled for this person.',
    fix: `Show ${person.name} the QR code under People, or set up a SIP phone there.`,
  })

/** Only where none of the person's devices was there: one that is away hinders nobody while another rings. */
function absences(facts: HelpFacts, person: PersonFacts): Finding[] {
  const away = person.devices.map(device => absence(facts, person, device))
  if (away.some(one => one === undefined)) return []
  // What was there last is what the person uses.
  return away.flatMap(one => one ?? []).sort((a, b) => (b.since ?? 0) - (a.since ?? 0))
}

function absence(facts: HelpFacts, person: PersonFacts, device: DeviceFacts): Finding | undefined {
  const { asked, incidents, appliance } = facts
  const gone = incidents.filter(one => one.kind === 'away' && one.device === device.id)
  const then = gone.find(one => one.at <= asked.at && (one.until === undefined || one.until >= asked.at))
  if (then === undefined && device.reachable) return undefined
  // It is away now, but went only after the asked time.
  if (then === undefined && gone.some(one => one.at > asked.at)) return undefined
  const since = then?.at ?? device.lastSeenAt
  const more = { since, until: then?.until }
  if (device.kind !== 'sip') {
    return finding(
      'signalling',
      'pageClosed',
      {
        sentence:
          device.kind === 'page'
            ? `${person.name}’s page in ${called(device)} is closed or has lost its connection: it cannot ring.`
            : `${person.name}’s app ${called(device)} is not connected.`,
        evidence:
          since === undefined
            ? 'It was never connected.'
            : 'Its connection to the appliance ended and did not come back.',
        fix: `Open ${pageAt(appliance, `${appliance.hostname}.local`)} there and leave it open: a closed page cannot be rung.`,
      },
      more,
    )
  }
  if (device.lastSeenAt === undefined) {
    return finding('network', 'nothingArrived', {
      sentence: `Nothing has ever arrived from ${person.name}’s phone ${called(device)}: a port is blocked on the way, or its server address is wrong.`,
      evidence: `No registration and no refused try as ${device.digestUser ?? person.user}.`,
      fix: `In the phone set the server ${appliance.address}, port ${appliance.sipPort}; if that is so, allow UDP and TCP ${appliance.sipPort} between the phone’s network and the appliance.`,
    })
  }
  return finding(
    'signalling',
    'notRegistered',
    {
      sentence: `${person.name}’s phone ${called(device)} is not registered: it cannot be called.`,
      evidence: `Its registration ended and was not renewed${device.address === '' ? '' : `; it was last at ${device.address}`}.`,
      fix: `Switch the phone on and look at its network cable or Wi-Fi; its server is ${appliance.address}, port ${appliance.sipPort}.`,
    },
    more,
  )
}
