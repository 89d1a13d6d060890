/** What the facts mean, in words for whoever owns the appliance, and what to do. Pure. */

import type { Network } from '../admin/message.ts'
import { days, plausibleFrom } from '../core/clock.ts'
import { isInSubnet } from '../core/endpoint.ts'
import type { Facts, Finding, Told } from './message.ts'

const lowDiskBytes = 200_000_000
const hotCelsius = 80
/** Of a container in whose network no phone is. */
export const bridgedWords = {
  found: 'this container has a network of its own, which phones do not reach',
  advice: 'Give it that of the machine: network_mode: host in compose.yml, or --network host.',
}
/** Bits of the Pi's firmware: now, and since it was started. */
const underVoltage = 0x1
const underVoltageOnce = 0x10000
const soonMilliseconds = days(14)
/** One that somebody must get anew. */
const ownSoonMilliseconds = days(21)

export function judge(facts: Facts): Finding[] {
  return [
    running(facts),
    ...(facts.told === undefined ? [] : [...parts(facts.told), ...reach(facts, facts.told)]),
    ...machine(facts),
  ]
}

/** The same without what only a look from outside can tell: for the console, as often as it likes. */
export function judgeFromInside(facts: Facts & { readonly told: Told }): Finding[] {
  const { told } = facts
  return [
    ...parts(told),
    found(told.network),
    certificate(facts, told),
    ...ownCertificate(facts),
    networks(facts, told),
    isolation(told),
    ...machine(facts),
  ]
}

const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found })
const problem = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'problem',
  found,
  advice,
})
const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'warning',
  found,
  advice,
})
const unknown = (check: string, found: string): Finding => ({ check, level: 'unknown', found })

function running({ told }: Facts): Finding {
  if (told === undefined) {
    return problem(
      'lanline',
      'does not run on this data directory',
      'Start it: ./scripts/start, or systemctl start lanline where it is installed, or switch the appliance on.',
    )
  }
  const minutes = Math.floor(told.health.uptimeSeconds / 60)
  const lasted = minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`
  return ok('lanline', `version ${told.health.version} has been running for ${lasted}`)
}

function parts({ health }: Told): Finding[] {
  return (
    Object.entries(health.parts)
      // How it is found is looked at below, with more to say.
      .filter(([name, part]) => part.state === 'failed' && name !== 'discovery')
      .map(([name, part]) =>
        problem(`part ${name}`, part.detail, 'Restart lanline; if it stays so, its log says more.'),
      )
  )
}

function reach(facts: Facts, told: Told): Finding[] {
  return [
    announced(facts, told),
    ownLookup(facts, told),
    shared(facts, told),
    ports(facts, told),
    certificate(facts, told),
    networks(facts, told),
    isolation(told),
  ]
}

function found({ hostname, discovery }: Network): Finding {
  const check = 'found on the network'
  switch (discovery.state) {
    case 'off':
      return warning(
        check,
        'mDNS is turned off',
        `Phones need the address. Set mdns.mode = "auto" to be found as ${hostname}.local.`,
      )
    case 'failed':
      return problem(check, discovery.detail, 'Until then phones need the address.')
    case 'conflict':
      return warning(
        check,
        `another device has the name ${hostname}.local; ${discovery.detail}`,
        'Choose another name in the settings, or switch the other device off.',
      )
    default:
      return ok(check, `${hostname}.local`)
  }
}

function announced({ seen }: Facts, { network, caFingerprint }: Told): Finding {
  const check = 'found on the network'
  const name = `${network.hostname}.local`
  if (network.discovery.mode === 'off') {
    return warning(
      check,
      'mDNS is turned off',
      `Phones need the address. Set mdns.mode = "auto" to be found as ${name}.`,
    )
  }
  if (network.discovery.state === 'failed') {
    return problem(check, network.discovery.detail, 'Until then phones need the address.')
  }
  const ours = caFingerprint.replaceAll(':', '').toLowerCase()
  const others = seen.filter(one => one.fingerprint !== ours)
  const own = seen.find(one => one.fingerprint === ours)
  if (own === undefined) {
    return problem(
      check,
      `nobody answers for ${name}`,
      'Another program may hold UDP port 5353, or a firewall drops it: allow UDP 5353 in and out. Until then use the address.',
    )
  }
  const wrong = own.addresses.filter(address => !network.addresses.some(known => known.address === address))
  if (wrong.length > 0)
    return problem(
      check,
      `${name} leads to ${wrong.join(', ')}, which is not this machine`,
      'Restart lanline.',
    )
  if (others.length > 0) {
    return warning(
      check,
      `${name} is here; ${others.map(one => one.hostname).join(', ')} answers as well`,
      'Two appliances on one network are fine, as long as you know which is which.',
    )
  }
  return ok(check, `${name} leads to ${own.addresses.join(', ')}`)
}

function ownLookup({ lookedUp }: Facts, { network }: Told): Finding {
  const check = 'name from this machine'
  if (lookedUp === undefined) {
    return unknown(check, 'this machine itself cannot look up names of .local; phones and laptops mostly can')
  }
  if (network.addresses.some(({ address }) => address === lookedUp)) return ok(check, `leads to ${lookedUp}`)
  return problem(
    check,
    `${network.hostname}.local leads to ${lookedUp}, another machine`,
    'Another device has this name. Choose another one in the console, under This place.',
  )
}

function shared({ mdnsHolders }: Facts, { network: { discovery } }: Told): Finding {
  const check = 'mDNS port 5353'
  const others = mdnsHolders?.join(', ') ?? ''
  if (discovery.mode === 'avahi') {
    const found = others === '' ? 'left to avahi-daemon' : `${others} has it`
    return discovery.state === 'failed'
      ? unknown(check, found)
      : ok(check, `${found}; lanline is published through avahi-daemon`)
  }
  if (mdnsHolders === undefined) return unknown(check, 'who else has it cannot be seen from a container')
  if (discovery.state === 'failed') {
    return unknown(check, others === '' ? 'held by nobody seen here' : `held by ${others}`)
  }
  if (others === '') return ok(check, 'lanline alone')
  return ok(check, `shared with ${others}, which works`)
}

function ports({ ports }: Facts, { network }: Told): Finding {
  const closed = Object.entries(ports).filter(([, open]) => !open)
  if (closed.length === 0) {
    return ok(
      'ports',
      Object.entries(network.ports)
        .map(([name, port]) => `${name} ${port}`)
        .join(', '),
    )
  }
  return problem(
    'ports',
    `no answer on ${closed.map(([name]) => `${name} ${network.ports[name as 'http']}`).join(', ')}`,
    'A firewall on this machine may be in the way: allow these TCP ports.',
  )
}

function certificate({ certificate: shown, now }: Facts, { network }: Told): Finding {
  const check = 'certificate'
  if (shown === undefined) return problem(check, 'none is shown', 'Restart lanline.')
  const addresses = network.addresses.map(({ address }) => address)
  const wanted = [`${network.hostname}.local`, ...addresses.filter(isPrivate)]
  const missing = wanted.filter(name => !shown.names.includes(name))
  if (missing.length > 0) {
    return problem(
      check,
      `does not name ${missing.join(', ')}`,
      'It is made anew within the hour; restart lanline to have it now.',
    )
  }
  const foreign = addresses.filter(address => !isPrivate(address))
  if (foreign.length > 0) {
    return warning(
      check,
      `cannot name ${foreign.join(', ')}: it vouches for addresses of local networks only`,
      'Use the name, or give this machine a private address (RFC 1918).',
    )
  }
  if (now < plausibleFrom) return unknown(check, 'cannot be judged while the clock is not set')
  if (now < shown.notBefore || now > shown.notAfter) {
    return problem(check, 'is not valid at this time', 'Set the clock; then restart lanline.')
  }
  if (shown.notAfter - now < soonMilliseconds) {
    return warning(
      check,
      'ends within two weeks',
      'It should have been made anew by itself: restart lanline.',
    )
  }
  return ok(check, `names ${wanted.join(', ')}`)
}

/** Nobody renews it but the owner. */
function ownCertificate({ ownCertificate: own, now }: Facts): Finding[] {
  const check = 'your certificate'
  if (own === undefined || now < plausibleFrom) return []
  const names = own.names.join(', ')
  const day = new Date(own.notAfter).toISOString().slice(0, 10)
  const advice = 'Upload a new one under Settings, Certificate, or go back to the one lanline makes.'
  if (now > own.notAfter) {
    return [problem(check, `for ${names} ended on ${day}: browsers refuse these names`, advice)]
  }
  if (own.notAfter - now < ownSoonMilliseconds) return [warning(check, `for ${names} ends on ${day}`, advice)]
  return [ok(check, `speaks for ${names} until ${day}`)]
}

/** RFC 1918, RFC 3927, RFC 4193: for what the authority may vouch. */
const privateNetworks = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fc00::', 7],
] as const
const isPrivate = (address: string): boolean =>
  privateNetworks.some(([network, prefixLength]) => isInSubnet(address, network, prefixLength))

/** Devices that come from elsewhere reach us through a router: their calls may find no direct way. */
function networks({ bridged }: Facts, { network, devices }: Told): Finding {
  const check = 'networks'
  if (bridged) return problem(check, bridgedWords.found, bridgedWords.advice)
  const own = network.addresses.map(
    ({ interface: name, address, prefixLength }) => `${name} ${address}/${prefixLength}`,
  )
  const isOwn = (address: string): boolean =>
    /^(127\.|::1$|fe80)/.test(address) ||
    network.addresses.some(one => isInSubnet(address, one.address, one.prefixLength))
  const afar = devices.filter(device => device.reachable && device.address !== '' && !isOwn(device.address))
  if (network.addresses.length === 0) {
    return problem(check, 'this machine is on no network', 'Plug in the cable, or join the wireless network.')
  }
  if (afar.length === 0) return ok(check, own.join(', '))
  return warning(
    check,
    `${afar.map(device => `${device.name} (${device.address})`).join(', ')} is on another network than ${own.join(', ')}`,
    'Calls between networks work only where the router lets devices reach each other.',
  )
}

/** Two on one network that found no way to each other: the access point keeps them apart. */
function isolation({ calls, devices, network }: Told): Finding {
  const check = 'devices among each other'
  const addressOf = (id: string | undefined): string =>
    devices.find(device => device.id === id)?.address ?? ''
  const together = (one: string, other: string): boolean =>
    network.addresses.some(
      own =>
        isInSubnet(one, own.address, own.prefixLength) && isInSubnet(other, own.address, own.prefixLength),
    )
  const failed = calls.filter(
    call =>
      call.reason === 'mediaFailed' && together(addressOf(call.callerDevice), addressOf(call.calleeDevice)),
  )
  if (failed.length > 0) {
    const { callerName, calleeName } = failed[0]!
    return problem(
      check,
      `${callerName} and ${calleeName} are on one network and found no way to each other`,
      'The access point keeps devices apart: turn off “client isolation” or “guest mode” in its settings.',
    )
  }
  const direct = calls.find(call => call.callerPair !== undefined || call.calleePair !== undefined)
  if (direct === undefined) return unknown(check, 'no call yet: call from one device to another to find out')
  return ok(check, `${direct.callerName} and ${direct.calleeName} reached each other directly`)
}

function machine(facts: Facts): Finding[] {
  return [clock(facts), disk(facts), ...database(facts), ...power(facts)]
}

function clock({ now, clockSynchronised }: Facts): Finding {
  if (now < plausibleFrom) {
    return warning(
      'clock',
      'is not set',
      'Calls work; times in the log are wrong until the machine reaches a time server.',
    )
  }
  if (clockSynchronised === false) {
    return warning(
      'clock',
      'is not checked against a time server',
      'Without internet set a time server of your own (your router may be one).',
    )
  }
  return ok('clock', new Date(now).toISOString())
}

function disk({ disk }: Facts): Finding {
  const check = 'disk'
  if (disk === undefined)
    return problem(check, 'the data directory is not there', 'Check data.dir in the configuration.')
  if (!disk.writable) {
    return problem(
      check,
      'the data directory cannot be written',
      'The card may be worn out or read-only: make a backup and replace it.',
    )
  }
  if ((disk.mode & 0o077) !== 0) {
    return warning(
      check,
      'others on this machine may read the data directory',
      'Run: chmod 700 on the data directory.',
    )
  }
  const free = `${Math.round(disk.freeBytes / 1_000_000)} MB of ${Math.round(disk.totalBytes / 1_000_000)} MB free`
  if (disk.freeBytes < lowDiskBytes)
    return problem(check, free, 'Free some space, or lower calls.retain_days.')
  return ok(check, free)
}

/** For a month: nobody takes the file away. */
function database({ now, disk }: Facts): Finding[] {
  if (disk?.damagedAt === undefined || now - disk.damagedAt > days(30)) return []
  return [
    warning(
      'database',
      `was damaged and put aside on ${new Date(disk.damagedAt).toISOString().slice(0, 10)}; people and devices are as they were, calls before that are gone`,
      'Make a backup. If it happens again the card is worn out, or the power supply too weak: replace it.',
    ),
  ]
}

function power({ throttled, celsius }: Facts): Finding[] {
  const findings: Finding[] = []
  if (throttled !== undefined) {
    if (throttled & underVoltage) {
      findings.push(
        problem(
          'power',
          'too little voltage now',
          'Use the power supply made for this Pi, and a short cable.',
        ),
      )
    } else if (throttled & underVoltageOnce) {
      findings.push(
        warning(
          'power',
          'there was too little voltage',
          'Use the power supply made for this Pi, and a short cable.',
        ),
      )
    } else findings.push(ok('power', 'steady'))
  }
  if (celsius !== undefined) {
    const found = `${Math.round(celsius)} °C`
    findings.push(
      celsius >= hotCelsius
        ? warning('temperature', found, 'Give it air, or a heat sink.')
        : ok('temperature', found),
    )
  }
  return findings
}
