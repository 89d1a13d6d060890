/** What is said of the way of calls: networks, addresses, the test call. Pure. */
import { isHidden } from '../../../client/path.ts'
import type { ApplianceFacts, CandidateFacts, EchoFacts, Facts, Finding, PageFacts } from './facts.ts'
import { failed, milliseconds, ok, unchecked, warning } from './finding.ts'
import { isIn, isLoopbackHost, kindOf, sameAddress, subnetName } from './networks.ts'

/** On a network of one's own both are far below. */
const slowPathMilliseconds = 100
const manyLostShare = 0.02

export function addresses(
  { able, addresses: found, hidden }: CandidateFacts,
  microphone: Facts['microphone'],
): Finding {
  const id = 'addresses'
  const mightShow = microphone?.kind === 'refused' && microphone.problem !== 'noMicrophone'
  if (found.length > 0)
    return ok(id, `This device offers its address for calls: ${found.slice(0, 4).join(', ')}.`)
  if (hidden > 0 && !mightShow)
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

export function network(
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
  return ok(
    id,
    `This device, ${seen}, is on another network (VLAN) than lanline: where the router keeps the two apart, lanline’s relay carries the calls.`,
  )
}

/** A relay is what is meant to be between networks. */
const isElsewhere = (appliance: Facts['appliance']): boolean =>
  typeof appliance === 'object' &&
  appliance.seenAddress !== '' &&
  kindOf(appliance.seenAddress) !== 'loopback' &&
  !appliance.addresses.some(subnet => isIn(appliance.seenAddress, subnet))

/** The appliance sees an address which this device, although it names its own of that family, does not have. */
function isTranslated({ seenAddress }: ApplianceFacts, own: readonly string[]): boolean {
  const family = own.filter(address => address.includes(':') === seenAddress.includes(':'))
  return family.length > 0 && !family.some(address => sameAddress(address, seenAddress))
}

export function echoSound(echo: EchoFacts): Finding {
  const id = 'echoSound'
  switch (echo.outcome) {
    case 'noLine':
      return unchecked(id, 'The test call could not be made, because the line to lanline is away.')
    case 'noEcho':
      return unchecked(id, 'The test call could not be made: this lanline has no echo.')
    case 'refused':
      return unchecked(
        id,
        'The echo did not take the test call; others may be using it.',
        'Check again in a minute.',
      )
    case 'noKeys':
      return warning(
        id,
        'Packets came through, but this browser and the echo did not agree on encryption.',
        'Calls between people may work all the same: call somebody. Another browser may do better with the echo.',
      )
    case 'noPath':
      return failed(
        id,
        'The echo answered, but no packet came through: something between this device and lanline drops UDP.',
        'A firewall, a VPN or a guest Wi-Fi does that. Allow UDP between this device and the appliance.',
      )
  }
  if (echo.sound === 'packets') return ok(id, 'Sound was sent to lanline, and as much came back.')
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

export function echoPicture({ outcome, picture }: EchoFacts): Finding {
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

export function path({ outcome, pair, received, lost }: EchoFacts, appliance: Facts['appliance']): Finding {
  const id = 'path'
  if (outcome === 'noPath' || outcome === 'noKeys')
    return unchecked(id, 'Which way sound and picture take cannot be told, because no call came about.')
  if (outcome !== 'connected') return unchecked(id, 'The way of sound and picture was not tried.')
  if (pair === null) return unchecked(id, 'This browser does not say which way sound and picture took.')
  const relayed = pair.localType === 'relay' || pair.remoteType === 'relay'
  const rtt = pair.rttMilliseconds
  const share = received + lost === 0 ? 0 : lost / (received + lost)
  const measured = [
    `${isHidden(pair.localAddress) ? 'this device' : pair.localAddress} ↔ ${isHidden(pair.remoteAddress) ? 'hidden' : pair.remoteAddress}`,
    ...(rtt === undefined ? [] : [milliseconds(rtt)]),
    lost === 0 ? 'nothing lost' : `${percent(share)} lost`,
  ].join(', ')
  if (relayed && isElsewhere(appliance))
    return ok(id, `The way was through lanline’s relay, as it may be between networks: ${measured}.`)
  if (relayed)
    return warning(
      id,
      `The way was through a relay: ${measured}.`,
      'Something on this network keeps this device from lanline: a guest Wi-Fi, “client isolation” or a firewall.',
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
export function devices({ lastCall, echo }: Facts): Finding {
  const id = 'devices'
  if (lastCall?.way === 'direct')
    return ok(id, `In the last call this device and ${lastCall.name}’s reached each other directly.`)
  if (lastCall?.way === 'relayed' && lastCall.otherNetwork) {
    return ok(
      id,
      `In the last call ${lastCall.name}’s device was on another network, and lanline’s relay carried it, as it should.`,
    )
  }
  if (lastCall?.way === 'relayed') {
    return warning(
      id,
      `In the last call this device and ${lastCall.name}’s did not reach each other directly: lanline’s relay carried it.`,
      'Turn off “client isolation” in the Wi-Fi’s access point, and join the house’s own Wi-Fi instead of a guest’s.',
    )
  }
  if (lastCall?.way === 'none' && echo?.outcome === 'connected') {
    return warning(
      id,
      `This device reaches lanline, but in the last call it did not reach ${lastCall.name}’s.`,
      'Put both on the same Wi-Fi, not a guest’s, and turn off “client isolation” in the access point.',
    )
  }
  return unchecked(
    id,
    'Whether the network lets two devices reach each other cannot be seen from one of them.',
    'Call somebody who is near. If no way is found, turn off “client isolation” in the access point.',
  )
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
