/** What the facts mean, in words for the person who holds this device, and what to do. Pure. */
import type { MediaProblem } from '../../../client/media.ts'
import type {
  ApplianceFacts,
  CandidateFacts,
  CheckId,
  EchoFacts,
  Facts,
  Finding,
  Level,
  LineFacts,
  PageFacts,
  Permission,
} from './facts.ts'
import { isAddress, isIn, isLoopbackHost, kindOf, sameAddress, subnetName } from './networks.ts'

/** On a network of one's own all of these are far below. */
const slowLineMilliseconds = 200
const slowPathMilliseconds = 100
const manyLostShare = 0.02
const clockAgreesMilliseconds = 2_000
const clockWrongMilliseconds = 60_000
/** A voice is far above, a quiet room below. */
const heardPeak = 0.01

/** One finding for each thing that was looked at, in the order in which they are shown. */
export function judge(facts: Facts): Finding[] {
  const { page, appliance, microphone, camera, candidates, echo } = facts
  return [
    secure(page),
    facts.certificate && certificate(page, facts.certificate),
    facts.others && pageName(page),
    facts.others && otherName(facts, facts.others),
    facts.line && line(facts.line, appliance),
    facts.clockAheadMilliseconds !== undefined && clock(facts.clockAheadMilliseconds),
    microphone && microphoneOf(microphone),
    camera && cameraOf(camera),
    speaker(facts.speaker),
    candidates && addresses(candidates, microphone?.kind === 'open'),
    candidates && appliance && network(page, appliance, candidates),
    echo && echoSound(echo),
    echo && echoPicture(echo),
    echo && path(echo),
    devices(facts),
  ].filter(finding => typeof finding === 'object')
}

/** The one sentence that everything comes to, once the check is done. */
export function summarise(findings: readonly Finding[]): { readonly level: Level; readonly text: string } {
  const found = (id: CheckId): Level | undefined => findings.find(one => one.id === id)?.level
  const of = (level: Level) => findings.filter(one => one.level === level)
  const failed = of('failed')
  const warnings = of('warning').length
  const connects = found('echoSound') === 'ok' || found('path') === 'ok'
  const first = failed.find(({ id }) => id !== 'speaker') ?? failed[0]
  if (first === undefined) {
    if (!connects) {
      return {
        level: 'unchecked',
        text: 'Nothing failed, but the test call could not be made: check again later.',
      }
    }
    if (warnings === 0) return { level: 'ok', text: 'All is well: calls from this device work.' }
    const things = warnings === 1 ? 'one thing could be better' : `${warnings} things could be better`
    return { level: 'warning', text: `Calls from this device work; ${things}.` }
  }
  if (found('line') === 'failed')
    return { level: 'failed', text: 'Calls do not work now: there is no line to lanline.' }
  if (found('secure') === 'failed')
    return { level: 'failed', text: 'Calls do not work on this page: it is not open over HTTPS.' }
  if (connects && found('microphone') === 'failed')
    return { level: 'failed', text: 'Calls connect, but nobody would hear you: see the microphone.' }
  if (connects) return { level: 'failed', text: `Calls connect, but: ${lowerFirst(first.found)}` }
  const reason = failed.find(({ id }) => id === 'echoSound' || id === 'addresses') ?? first
  return { level: 'failed', text: `Calls do not work from here: ${lowerFirst(reason.found)}` }
}

const finding =
  (level: Level) =>
  (id: CheckId, found: string, advice?: string): Finding => ({ id, level, found, advice })
const ok = finding('ok')
const warning = finding('warning')
const failed = finding('failed')
const unchecked = finding('unchecked')

function secure(page: PageFacts): Finding {
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

function certificate(page: PageFacts, state: NonNullable<Facts['certificate']>): Finding {
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

function pageName({ host }: PageFacts): Finding {
  if (isLoopbackHost(host)) return ok('name', `This page was opened as ${host}, on the appliance itself.`)
  if (isAddress(host)) return ok('name', `This page was opened by the address ${host}.`)
  return ok('name', `This page was opened by the name ${host}.`)
}

function otherName(facts: Facts, others: NonNullable<Facts['others']>): Finding {
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

function line(facts: LineFacts, appliance: Facts['appliance']): Finding {
  const id = 'line'
  if (facts.state === 'none') return unchecked(id, 'This browser has no line yet: it has not joined.')
  if (facts.state === 'away') {
    if (facts.broke || typeof appliance !== 'object') {
      return failed(
        id,
        facts.broke
          ? 'The line to lanline broke while this check ran, and has not come back.'
          : 'lanline does not answer.',
        'See that this device is on the house’s Wi-Fi and the appliance has power. The page reconnects by itself.',
      )
    }
    return failed(
      id,
      'lanline answers, but the line to it does not open.',
      'A filter or security program may stop WebSockets: allow them for this page.',
    )
  }
  if (facts.broke) {
    return warning(
      id,
      'The line to lanline broke while this check ran, and came back.',
      'If that happens often, the Wi-Fi is weak here or the appliance restarts.',
    )
  }
  const middle = median(facts.roundTripsMilliseconds)
  if (middle === undefined)
    return unchecked(id, 'The line to lanline is open; how quick it is was not measured.')
  if (middle > slowLineMilliseconds) {
    return warning(
      id,
      `The line to lanline is open but slow: ${milliseconds(middle)} there and back.`,
      'Move closer to the Wi-Fi, or see what else keeps it busy.',
    )
  }
  return ok(id, `The line to lanline is open: ${milliseconds(middle)} there and back.`)
}

function clock(ahead: number | 'unknown'): Finding {
  if (ahead === 'unknown') return unchecked('clock', 'lanline did not tell the time.')
  const apart = Math.abs(ahead)
  if (apart <= clockAgreesMilliseconds) return ok('clock', 'The clocks of this device and of lanline agree.')
  if (apart <= clockWrongMilliseconds)
    return ok(
      'clock',
      `The clocks of this device and of lanline are ${duration(apart)} apart, which does no harm.`,
    )
  return warning(
    'clock',
    `This device’s clock is ${duration(apart)} ${ahead > 0 ? 'ahead of' : 'behind'} lanline’s.`,
    'Let this device set its clock by itself. If it is right, the appliance’s is wrong: tell the owner.',
  )
}

const deniedAdvice = (permission: Permission, what: string): string =>
  permission === 'prompt'
    ? `The browser’s question was closed: check again and choose Allow.`
    : `Allow the ${what} behind the symbol beside the address, or in the system’s settings, then check again.`

function microphoneOf(facts: NonNullable<Facts['microphone']>): Finding {
  const id = 'microphone'
  if (facts.kind === 'refused') {
    const sentences: Partial<Record<MediaProblem, Finding>> = {
      noMicrophone: warning(
        id,
        'No microphone was found.',
        'You hear the others, and they hear a test tone. Plug one in to be heard.',
      ),
      microphoneBusy: failed(
        id,
        'Another program holds the microphone.',
        'Close the other program or call, then check again.',
      ),
      insecure: failed(id, 'The browser offers no microphone on this page.', 'Open the page over HTTPS.'),
    }
    return (
      sentences[facts.problem] ??
      failed(id, 'The browser may not use the microphone.', deniedAdvice(facts.permission, 'microphone'))
    )
  }
  const name = facts.name ? ` “${facts.name}”` : ''
  if (facts.peak >= heardPeak) return ok(id, `The microphone${name} hears sound.`)
  if (facts.peak > 0) {
    return warning(
      id,
      `The microphone${name} is open but heard next to nothing.`,
      'Speak while the check runs. If you did, raise its level in the system’s settings or choose another one.',
    )
  }
  return warning(
    id,
    `The microphone${name} is open but gives nothing, not even noise.`,
    'It may be switched off on the headset, by a key, or in the system’s privacy settings.',
  )
}

function cameraOf(facts: NonNullable<Facts['camera']>): Finding {
  const id = 'camera'
  if (facts.kind === 'refused') {
    if (facts.problem === 'noCamera' || facts.problem === 'insecure')
      return unchecked(id, 'There is no camera here: calls are sound only.')
    if (facts.problem === 'cameraBusy')
      return warning(id, 'Another program holds the camera.', 'Close the other program, then check again.')
    return warning(
      id,
      'The browser may not use the camera: calls are sound only.',
      deniedAdvice(facts.permission, 'camera'),
    )
  }
  const name = facts.name ? ` “${facts.name}”` : ''
  if (facts.picture === 'seen') return ok(id, `The camera${name} gives a picture.`)
  if (facts.picture === 'black')
    return warning(id, `The camera${name} gives a black picture.`, 'Open its cover, or make some light.')
  return warning(
    id,
    `The camera${name} is open but gives no picture.`,
    'Unplug it and plug it in again, or choose another one.',
  )
}

function speaker(heard: Facts['speaker']): Finding {
  if (heard === 'heard') return ok('speaker', 'You heard the tone: the speaker works.')
  if (heard === 'notHeard') {
    return failed(
      'speaker',
      'You did not hear the tone.',
      'Turn up the volume, turn off silent mode, and see which speaker or headset the system uses.',
    )
  }
  return unchecked('speaker', 'Only you can tell whether the speaker works.')
}

function addresses({ able, addresses: found, hidden }: CandidateFacts, microphoneOpen: boolean): Finding {
  const id = 'addresses'
  if (found.length > 0)
    return ok(id, `This device offers its address for calls: ${found.slice(0, 4).join(', ')}.`)
  if (hidden > 0 && microphoneOpen)
    return ok(id, 'The browser hides this device’s address behind a name, which is enough on one network.')
  if (hidden > 0) {
    return warning(
      id,
      'The browser hides this device’s address as long as it may not use the microphone.',
      'Allow the microphone: with a hidden address calls may not find their way between networks.',
    )
  }
  return failed(
    id,
    able ? 'The browser offers no address for calls.' : 'This browser cannot make calls: it has no WebRTC.',
    'A privacy setting or extension may forbid WebRTC: allow it for this page, or try another browser.',
  )
}

function network(
  page: PageFacts,
  appliance: NonNullable<Facts['appliance']>,
  found: CandidateFacts,
): Finding {
  const id = 'network'
  if (typeof appliance !== 'object' || appliance.seenAddress === '')
    return unchecked(
      id,
      'Which network this device is on cannot be told: lanline did not say how it sees it.',
    )
  const { seenAddress: seen } = appliance
  if (isLoopbackHost(page.host) || kindOf(seen) === 'loopback')
    return ok(id, 'This device is the appliance itself.')
  if (isTranslated(appliance, found.addresses)) {
    return warning(
      id,
      `lanline sees this device as ${seen}, which is not its own address: a VPN or another router stands between.`,
      'Turn the VPN off, or join the house’s own Wi-Fi instead of a guest’s or an extender’s.',
    )
  }
  const own = appliance.addresses.find(subnet => isIn(seen, subnet))
  if (own !== undefined)
    return ok(id, `This device, ${seen}, is on lanline’s own network ${subnetName(own)}.`)
  if (kindOf(seen) === 'shared' || kindOf(seen) === 'public') {
    return warning(
      id,
      `This device reaches lanline from outside its networks, as ${seen}: probably through a VPN.`,
      'Calls work only where the VPN lets devices reach each other directly. At home, turn it off.',
    )
  }
  return warning(
    id,
    `This device, ${seen}, is on another network (VLAN) than lanline.`,
    'Calls to people there work only if the router lets the two networks talk to each other.',
  )
}

/** The appliance sees an address which this device, although it names its own of that family, does not have. */
function isTranslated({ seenAddress }: ApplianceFacts, own: readonly string[]): boolean {
  const family = own.filter(address => address.includes(':') === seenAddress.includes(':'))
  return family.length > 0 && !family.some(address => sameAddress(address, seenAddress))
}

function echoSound(echo: EchoFacts): Finding {
  const id = 'echoSound'
  switch (echo.outcome) {
    case 'noLine':
      return unchecked(id, 'The test call could not be made, because the line to lanline is away.')
    case 'noEcho':
      return unchecked(id, 'The test call could not be made: this lanline has no echo.')
    case 'refused':
      return unchecked(
        id,
        'The echo did not take the test call; others may be using it. Check again in a minute.',
      )
    case 'noPath':
      return failed(
        id,
        'The echo answered, but no packet came through: something between this device and lanline drops UDP.',
        'A firewall, a VPN or a guest Wi-Fi does that. Allow UDP between this device and the appliance.',
      )
  }
  if (echo.sound === 'back') return ok(id, 'Sound went to lanline and came back.')
  if (echo.sound === 'other')
    return warning(
      id,
      'Sound came back, but not the tone that was sent.',
      'Check again; the Wi-Fi may be weak here.',
    )
  return failed(
    id,
    'The way was open, but no sound came back.',
    'Check again; if it stays so, tell the owner.',
  )
}

function echoPicture({ outcome, picture }: EchoFacts): Finding {
  const id = 'echoPicture'
  if (outcome !== 'connected') return unchecked(id, 'No picture was sent, because there was no test call.')
  if (picture === 'notSent') return unchecked(id, 'No picture was sent, because there is no camera to use.')
  if (picture === 'back') return ok(id, 'The picture went to lanline and came back.')
  return warning(
    id,
    'The picture did not come back.',
    'Check again; if sound works and pictures do not, the Wi-Fi is weak here.',
  )
}

function path({ outcome, pair, received, lost }: EchoFacts): Finding {
  const id = 'path'
  if (outcome === 'noPath') return failed(id, 'No way was found for sound and picture.')
  if (outcome !== 'connected') return unchecked(id, 'The way of sound and picture was not tried.')
  if (pair === null) return unchecked(id, 'This browser does not say which way sound and picture took.')
  const relayed = pair.localType === 'relay' || pair.remoteType === 'relay'
  const rtt = pair.rttMilliseconds
  const share = received + lost === 0 ? 0 : lost / (received + lost)
  const measured = [
    `${pair.localAddress || 'hidden'} ↔ ${pair.remoteAddress || 'hidden'}`,
    ...(rtt === undefined ? [] : [milliseconds(rtt)]),
    lost === 0 ? 'nothing lost' : `${percent(share)} lost`,
  ].join(', ')
  if (relayed)
    return warning(
      id,
      `The way was through a relay: ${measured}.`,
      'The two networks do not let devices reach each other.',
    )
  if (share > manyLostShare)
    return warning(
      id,
      `The way was direct, but lossy: ${measured}.`,
      'Move closer to the Wi-Fi, or use a cable.',
    )
  if (rtt !== undefined && rtt > slowPathMilliseconds)
    return warning(
      id,
      `The way was direct, but slow: ${measured}.`,
      'Move closer to the Wi-Fi, or use a cable.',
    )
  return ok(id, `The way was direct: ${measured}.`)
}

/** Whether the network keeps devices apart shows only between two of them. */
function devices({ unreached, echo }: Facts): Finding {
  const id = 'devices'
  if (unreached !== undefined && echo?.outcome === 'connected') {
    return warning(
      id,
      `This device reaches lanline, but in the last call it did not reach ${unreached}’s.`,
      'Put both on the same Wi-Fi, not a guest’s, and turn off “client isolation” in the access point.',
    )
  }
  return unchecked(
    id,
    'Whether the network lets two devices reach each other cannot be seen from one of them.',
    'Call somebody who is near. If no way is found, turn off “client isolation” in the access point.',
  )
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other)
  const at = sorted.length >> 1
  if (sorted.length === 0) return undefined
  return sorted.length % 2 === 1 ? sorted[at] : (sorted[at - 1]! + sorted[at]!) / 2
}

const milliseconds = (value: number): string => (value < 1 ? 'under 1 ms' : `${Math.round(value)} ms`)
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`

function duration(value: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1_000, 'second'],
  ] as const
  const [size, name] = units.find(([unit]) => value >= unit) ?? units[3]
  const count = Math.round(value / size)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

const lowerFirst = (sentence: string): string =>
  sentence.startsWith('lanline') ? sentence : sentence[0]!.toLowerCase() + sentence.slice(1)
