import { describe, expect, it } from 'vitest'
import { hostAddress } from '../../web-phone/src/check/candidates.ts'
import type { CheckId, EchoFacts, Facts, Finding } from '../../web-phone/src/check/facts.ts'
import { judge, summarise } from '../../web-phone/src/check/judge.ts'
import { median } from '../../web-phone/src/check/judge-line.ts'
import { addressBytes, isIn, kindOf, sameAddress, subnetName } from '../../web-phone/src/check/networks.ts'
import { reportText } from '../../web-phone/src/check/report.ts'

const pair = {
  localType: 'host',
  localAddress: '10.0.0.5',
  localPort: 5_000,
  remoteType: 'host',
  remoteAddress: '10.0.0.2',
  remotePort: 6_000,
  protocol: 'udp',
  rttMilliseconds: 2,
}
const echo: EchoFacts = {
  ...{ outcome: 'connected', sound: 'back', picture: 'back', pair, received: 200, lost: 0 },
}
const nothing = { sound: 'none', picture: 'notSent', pair: null, received: 0, lost: 0 } as const
const appliance = {
  hostname: 'lanline',
  addresses: [
    { address: '10.0.0.2', prefixLength: 24 },
    { address: 'fd00::2', prefixLength: 64 },
  ],
  httpsPort: 443,
  seenAddress: '10.0.0.5',
}
const page = { host: 'lanline.local', https: true, secureContext: true, door: 'http://lanline.local' }
const good: Facts = {
  page,
  appliance,
  clockAheadMilliseconds: 300,
  certificate: 'trusted',
  others: [{ name: '10.0.0.2', reached: true }],
  line: { state: 'open', broke: false, roundTripsMilliseconds: [3, 1, 90, 2, 2] },
  microphone: { kind: 'open', name: 'Built-in', peak: 0.4 },
  camera: { kind: 'open', name: 'Built-in', picture: 'seen' },
  candidates: { able: true, addresses: ['10.0.0.5'], hidden: 0 },
  echo,
}

const of = (id: CheckId, change: Partial<Facts>): Finding => {
  const found = judge({ ...good, ...change }).find(finding => finding.id === id)
  if (found === undefined) throw new Error(`nothing is said of ${id}`)
  return found
}
const summaryOf = (change: Partial<Facts>) => summarise(judge({ ...good, ...change }))

describe('a check of a device where all is well', () => {
  it('finds nothing wrong, and says what it cannot know', () => {
    const findings = judge(good)
    const levels = (level: string) => findings.filter(one => one.level === level).map(({ id }) => id)
    expect(levels('failed')).toEqual([])
    expect(levels('warning')).toEqual([])
    expect(levels('unchecked')).toEqual(['speaker', 'devices'])
    expect(findings).toHaveLength(15)
    expect(summarise(findings)).toEqual({ level: 'ok', text: 'All is well: calls from this device work.' })
  })

  it('calls an own address that the browser hides this device', () => {
    const hidden = { ...pair, localAddress: '6b4c1a9e-0000-4000-8000-000000000000.local' }
    expect(of('path', { echo: { ...echo, pair: hidden } }).found).toContain('this device ↔ 10.0.0.2')
  })

  it('takes the middle of five pings, not the one that was held up', () => {
    expect(of('line', {}).found).toContain(' 2 ms ')
    expect(median([])).toBeUndefined()
    expect(median([4, 2])).toBe(3)
  })

  it('says nothing of what was not looked at yet', () => {
    expect(judge({ page }).map(({ id }) => id)).toEqual(['secure', 'speaker', 'devices'])
  })
})

describe('what is wrong is one sentence, and what to do about it', () => {
  const line = { state: 'open', broke: false, roundTripsMilliseconds: [2] } as const
  const refused = (problem: 'microphoneDenied' | 'noMicrophone' | 'microphoneBusy', permission = 'denied') =>
    ({ kind: 'refused', problem, permission }) as NonNullable<Facts['microphone']>
  const cases: readonly (readonly [string, CheckId, Finding['level'], Partial<Facts>, RegExp])[] = [
    [
      'a page in the clear',
      'secure',
      'failed',
      { page: { ...page, https: false, secureContext: false } },
      /not open over HTTPS/,
    ],
    [
      'a page on the appliance itself',
      'secure',
      'ok',
      { page: { ...page, host: 'localhost', https: false } },
      /appliance itself/,
    ],
    ['a warning clicked away', 'certificate', 'warning', { certificate: 'clickedAway' }, /clicked away/],
    ['a browser that does not tell', 'certificate', 'unchecked', { certificate: 'unknown' }, /does not tell/],
    [
      'an address that does not answer',
      'otherName',
      'warning',
      { others: [{ name: '10.0.0.2', reached: false }] },
      /10\.0\.0\.2/,
    ],
    [
      'another name under a certificate not trusted',
      'otherName',
      'unchecked',
      { certificate: 'clickedAway', others: [{ name: '10.0.0.2', reached: false }] },
      /cannot be told/,
    ],
    [
      'a name not found',
      'otherName',
      'warning',
      { page: { ...page, host: '10.0.0.2' }, others: [{ name: 'lanline.local', reached: false }] },
      /lanline\.local is not found/,
    ],
    [
      'no line and no answer',
      'line',
      'failed',
      { appliance: 'noAnswer', line: { ...line, state: 'away' } },
      /does not answer/,
    ],
    ['an answer without a line', 'line', 'failed', { line: { ...line, state: 'away' } }, /does not open/],
    [
      'a line lost on the way',
      'line',
      'failed',
      { line: { ...line, state: 'away', broke: true } },
      /broke while/,
    ],
    ['a line that came back', 'line', 'warning', { line: { ...line, broke: true } }, /came back/],
    ['a slow line', 'line', 'warning', { line: { ...line, roundTripsMilliseconds: [350] } }, /slow: 350 ms/],
    ['nobody enrolled', 'line', 'unchecked', { line: { ...line, state: 'none' } }, /not joined/],
    ['a clock ahead', 'clock', 'warning', { clockAheadMilliseconds: 301_000 }, /5 minutes ahead of/],
    [
      'a clock of another year',
      'clock',
      'warning',
      { clockAheadMilliseconds: -40 * 86_400_000 },
      /40 days behind/,
    ],
    ['a clock a little off', 'clock', 'ok', { clockAheadMilliseconds: -12_000 }, /12 seconds apart/],
    [
      'a forbidden microphone',
      'microphone',
      'failed',
      { microphone: refused('microphoneDenied') },
      /may not use/,
    ],
    ['no microphone', 'microphone', 'warning', { microphone: refused('noMicrophone') }, /No microphone/],
    [
      'a microphone held by another program',
      'microphone',
      'failed',
      { microphone: refused('microphoneBusy') },
      /holds/,
    ],
    [
      'a quiet microphone',
      'microphone',
      'warning',
      { microphone: { kind: 'open', name: '', peak: 0.002 } },
      /next to nothing/,
    ],
    [
      'a switched-off microphone',
      'microphone',
      'warning',
      { microphone: { kind: 'open', name: '', peak: 0 } },
      /not even noise/,
    ],
    [
      'a microphone that cannot be measured',
      'microphone',
      'unchecked',
      { microphone: { kind: 'open', name: '', peak: undefined } },
      /cannot be measured/,
    ],
    [
      'no camera',
      'camera',
      'unchecked',
      { camera: { kind: 'refused', problem: 'noCamera', permission: 'prompt' } },
      /no camera/,
    ],
    [
      'a covered camera',
      'camera',
      'warning',
      { camera: { kind: 'open', name: '', picture: 'black' } },
      /black/,
    ],
    ['a silent speaker', 'speaker', 'failed', { speaker: 'notHeard' }, /did not hear/],
    [
      'hidden addresses without a microphone',
      'addresses',
      'warning',
      { microphone: refused('microphoneDenied'), candidates: { able: true, addresses: [], hidden: 1 } },
      /hides/,
    ],
    [
      'hidden addresses with a microphone',
      'addresses',
      'ok',
      { candidates: { able: true, addresses: [], hidden: 1 } },
      /hides/,
    ],
    [
      'no addresses',
      'addresses',
      'failed',
      { candidates: { able: true, addresses: [], hidden: 0 } },
      /no address/,
    ],
    [
      'no WebRTC',
      'addresses',
      'failed',
      { candidates: { able: false, addresses: [], hidden: 0 } },
      /no WebRTC/,
    ],
    [
      'another VLAN',
      'network',
      'ok',
      {
        appliance: { ...appliance, seenAddress: '10.20.0.5' },
        candidates: { able: true, addresses: ['10.20.0.5'], hidden: 0 },
      },
      /another network \(VLAN\)/,
    ],
    [
      'a VPN',
      'network',
      'warning',
      {
        appliance: { ...appliance, seenAddress: '100.64.3.2' },
        candidates: { able: true, addresses: ['100.64.3.2', '192.168.1.4'], hidden: 0 },
      },
      /VPN/,
    ],
    [
      'a router that translates',
      'network',
      'warning',
      { candidates: { able: true, addresses: ['192.168.5.7'], hidden: 0 } },
      /another router/,
    ],
    [
      'IPv6 on the same network',
      'network',
      'ok',
      {
        appliance: { ...appliance, seenAddress: 'fd00::5' },
        candidates: { able: true, addresses: ['10.0.0.5'], hidden: 0 },
      },
      /own network fd00::2\/64/,
    ],
    ['UDP dropped', 'echoSound', 'failed', { echo: { ...nothing, outcome: 'noPath' } }, /drops UDP/],
    [
      'a way without encryption',
      'echoSound',
      'warning',
      { echo: { ...nothing, outcome: 'noKeys' } },
      /did not agree on encryption/,
    ],
    [
      'no line for the call',
      'echoSound',
      'unchecked',
      { echo: { ...nothing, outcome: 'noLine' } },
      /line to lanline is away/,
    ],
    ['a busy echo', 'echoSound', 'unchecked', { echo: { ...nothing, outcome: 'refused' } }, /did not take/],
    [
      'no sound on an open way',
      'echoSound',
      'failed',
      { echo: { ...echo, sound: 'none' } },
      /no sound came back/,
    ],
    ['no picture', 'echoPicture', 'warning', { echo: { ...echo, picture: 'none' } }, /did not come back/],
    ['loss', 'path', 'warning', { echo: { ...echo, received: 90, lost: 10 } }, /10 % lost/],
    [
      'a long way',
      'path',
      'warning',
      { echo: { ...echo, pair: { ...pair, rttMilliseconds: 180 } } },
      /slow: .* 180 ms/,
    ],
    [
      'a relay',
      'path',
      'warning',
      { echo: { ...echo, pair: { ...pair, localType: 'relay' } } },
      /through a relay/,
    ],
    [
      'a relay between networks',
      'path',
      'ok',
      {
        appliance: { ...appliance, seenAddress: '10.20.0.5' },
        echo: { ...echo, pair: { ...pair, localType: 'relay' } },
      },
      /relay, as it may be between networks/,
    ],
    [
      'a device on another network, reached by relay',
      'devices',
      'ok',
      { lastCall: { name: 'Bob', way: 'relayed', otherNetwork: true } },
      /as it should/,
    ],
    [
      'a device reached by relay',
      'devices',
      'warning',
      { lastCall: { name: 'Bob', way: 'relayed' } },
      /relay carried it/,
    ],
    [
      'a device that was not reached',
      'devices',
      'warning',
      { lastCall: { name: 'Bob', way: 'none' } },
      /did not reach Bob/,
    ],
  ]
  it.each(cases)('%s', (_, id, level, change, words) => {
    const found = of(id, change)
    expect(found.level).toBe(level)
    expect(found.found).toMatch(words)
    expect(found.found).toMatch(/^[^.!?]+(\.[^ ][^.!?]*)*\.$/)
    if (level === 'failed' || level === 'warning') expect(found.advice).toBeTruthy()
  })

  it('asks nobody to allow a microphone that is not there', () => {
    const candidates = { able: true, addresses: [], hidden: 1 }
    expect(of('addresses', { microphone: refused('noMicrophone'), candidates }).level).toBe('ok')
  })

  it('tells a question that was closed from a lasting no', () => {
    expect(of('microphone', { microphone: refused('microphoneDenied', 'prompt') }).advice).toMatch(
      /choose Allow/,
    )
    expect(of('microphone', { microphone: refused('microphoneDenied') }).advice).toMatch(/beside the address/)
  })

  it('blames the network between two devices only when the way to lanline is good', () => {
    expect(
      of('devices', { lastCall: { name: 'Bob', way: 'none' }, echo: { ...nothing, outcome: 'noPath' } })
        .level,
    ).toBe('unchecked')
  })
})

describe('the summary', () => {
  it('names the worst thing in one sentence', () => {
    const denied = { kind: 'refused', problem: 'microphoneDenied', permission: 'denied' } as const
    expect(summaryOf({ microphone: denied })).toMatchObject({
      advice: expect.stringMatching(/Allow the microphone/),
      level: 'failed',
      text: 'Calls connect, but nobody would hear you: see the microphone.',
    })
    expect(summaryOf({ echo: { ...nothing, outcome: 'noPath' } }).text).toMatch(
      /^Calls do not work from here: the echo answered, .* drops UDP\.$/,
    )
    expect(summaryOf({ line: { state: 'away', broke: true, roundTripsMilliseconds: [] } }).text).toMatch(
      /no line/,
    )
    expect(summaryOf({ page: { ...page, https: false, secureContext: false } }).text).toMatch(/HTTPS/)
    expect(summaryOf({ speaker: 'notHeard' }).text).toMatch(/^Calls connect, but: you did not hear/)
    expect(summaryOf({ clockAheadMilliseconds: 120_000 })).toMatchObject({
      level: 'warning',
      text: 'Calls from this device work, but: this device’s clock is 2 minutes ahead of lanline’s.',
      advice: expect.stringMatching(/set its clock/),
    })
    expect(summaryOf({ clockAheadMilliseconds: 120_000, certificate: 'clickedAway' }).text).toBe(
      'Calls from this device work; 2 things could be better.',
    )
  })

  it('promises nothing when no test call was made', () => {
    expect(summaryOf({ echo: { ...nothing, outcome: 'noEcho' } }).level).toBe('unchecked')
    expect(summarise(judge({ page })).level).toBe('unchecked')
    expect(summaryOf({ echo: { ...nothing, outcome: 'noKeys' } }).text).toMatch(
      /^The test call did not work: packets/,
    )
  })
})

describe('addresses', () => {
  it('are read as the RFCs write them', () => {
    expect(addressBytes('10.0.0.256')).toBeUndefined()
    expect(addressBytes('::ffff:10.0.0.1')).toEqual([10, 0, 0, 1])
    expect(addressBytes('[fe80::1%eth0]')).toHaveLength(16)
    for (const bad of ['', '1::2::3', '1:2:3', 'g::', '3fa8-12.local', ':::', '1:2:3:4:5:6:7:8:9'])
      expect(addressBytes(bad), bad).toBeUndefined()
    expect(sameAddress('fd00:0:0::1', 'FD00::1')).toBe(true)
    expect(isIn('10.0.1.5', { address: '10.0.0.2', prefixLength: 23 })).toBe(true)
    expect(isIn('10.0.2.5', { address: '10.0.0.2', prefixLength: 23 })).toBe(false)
    expect(isIn('fd00::5', { address: '10.0.0.2', prefixLength: 0 })).toBe(false)
    expect(subnetName({ address: '10.0.3.2', prefixLength: 22 })).toBe('10.0.0.0/22')
    expect(
      ['127.0.0.1', '169.254.1.1', '172.31.0.1', '100.127.0.1', '8.8.8.8', 'fd12::1'].map(kindOf),
    ).toEqual(['loopback', 'linkLocal', 'private', 'shared', 'public', 'private'])
  })

  it('of host candidates are taken, those of others and of TCP are not', () => {
    const host = 'candidate:1 1 udp 2113937151 10.0.0.5 50000 typ host generation 0'
    expect(hostAddress(host)).toEqual(['10.0.0.5'])
    expect(hostAddress(host.replace('udp', 'tcp'))).toEqual([])
    expect(hostAddress(host.replace('typ host', 'typ srflx'))).toEqual([])
    expect(hostAddress('')).toEqual([])
  })
})

it('the report tells all that the screen shows', () => {
  const findings = judge({ ...good, certificate: 'clickedAway' })
  const head = { at: 0, browser: 'Firefox on Linux', version: '1.0', summary: 'Fine.' }
  const text = reportText(head, findings)
  expect(text.split('\n').slice(0, 4)).toEqual([
    'lanline 1.0: check of a connection, 1970-01-01T00:00:00.000Z',
    'Firefox on Linux',
    '',
    'Fine.',
  ])
  for (const { found } of findings) expect(text).toContain(found)
  expect(text).toContain('[Warning] The browser does not trust')
  expect(text).toContain('\n    It will come back')
})
