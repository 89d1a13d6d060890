/** Each fault that people meet, as facts, and the one sentence, evidence and fix that Help gives for it. */
import { describe, expect, it } from 'vitest'
import type { Epoch } from '../../src/core/clock.ts'
import { diagnose } from '../../src/help/diagnose.ts'
import type { Finding, HelpFacts } from '../../src/help/message.ts'
import { at, call, earlier, facts, incident, page, party, phone, well } from './facts.ts'

const first = (given: HelpFacts): Finding | undefined => diagnose(given).findings[0]
const told = (given: HelpFacts) => {
  const found = first(given)
  return found && { stage: found.stage, cause: found.cause }
}
const gone = (device: string, change = {}) => incident({ kind: 'away', user: 'bob', device }, change)
const dead = party({ reports: true, checksSent: 12, address: '10.1.1.20' })

describe('Help', () => {
  it('finds nothing where nothing failed', () => {
    expect(diagnose(facts({})).findings).toEqual([])
    expect(diagnose(facts({ calls: [call()] })).findings).toEqual([])
  })

  it('1: says that lanline itself was away', () => {
    const gap = incident({ kind: 'notRunning' }, { at: earlier(3_600_000), until: earlier(1_000), count: 1 })
    const then = earlier(1_800_000)
    expect(told(facts({ incidents: [gap], at: then }))).toEqual({ stage: 'signalling', cause: 'notRunning' })
    expect(first(facts({ incidents: [gap], at: then }))).toMatchObject({ since: gap.at, until: gap.until })
    expect(told(facts({ incidents: [gap] }))).toBeUndefined()
  })

  it('2: names the account and the source of a wrong password', () => {
    const wrong = incident({
      kind: 'wrongPassword',
      user: 'bob',
      device: 'b2',
      account: 'bob',
      source: '10.1.1.30',
    })
    const given = facts({ devices: [phone('b2', { reachable: false })], incidents: [wrong] })
    expect(told(given)).toEqual({ stage: 'security', cause: 'wrongPassword' })
    expect(first(given)).toMatchObject({
      evidence: '3 tries as bob from 10.1.1.30, refused with 401.',
      since: wrong.at,
      fix: expect.stringContaining('type it into the phone at 10.1.1.30'),
    })
  })

  it('2b: a user name that nobody has is told by where the phone is', () => {
    const wrong = incident({ kind: 'wrongPassword', account: 'bobby', source: '10.1.1.30' })
    const given = facts({ devices: [phone('b2', { reachable: false })], incidents: [wrong] })
    expect(told(given)).toEqual({ stage: 'security', cause: 'unknownAccount' })
    expect(first(given)!.fix).toContain('user name must be bob')
  })

  it('3: a closed page cannot ring, from when on', () => {
    const devices = [page('b1', { reachable: false })]
    const given = facts({ devices, incidents: [gone('b1', { at: earlier(90_000) })] })
    expect(told(given)).toEqual({ stage: 'signalling', cause: 'pageClosed' })
    expect(first(given)!.since).toBe(earlier(90_000))
  })

  it('3: the address to open is one that opens, with the port where it is not the usual one, and an IPv6 address too', () => {
    const fix = (change: Parameters<typeof facts>[0]) => first(facts(change))!.fix
    const devices = [page('b1', { reachable: false })]
    const incidents = [gone('b1')]
    expect(fix({ devices, incidents, appliance: { httpsPort: 443 } })).toContain(
      'https://lanline.local/ there',
    )
    expect(fix({ devices, incidents, appliance: { httpsPort: 8443 } })).toContain(
      'https://lanline.local:8443/ there',
    )
    const discovery = { state: 'conflict', detail: '' }
    const taken = { discovery, address: 'fd00::2', httpsPort: 8443 }
    expect(fix({ appliance: taken })).toContain('https://[fd00::2]:8443/ instead')
  })

  it('3b: whoever has another device that rings is not hindered by a closed page', () => {
    const devices = [page('b1', { reachable: false }), phone('b2')]
    expect(told(facts({ devices, incidents: [gone('b1')] }))).toBeUndefined()
  })

  it('3c: a page that was closed then and is open now was closed then', () => {
    const closed = gone('b1', { at: earlier(7_200_000), until: earlier(3_600_000) })
    expect(told(facts({ incidents: [closed], at: earlier(5_400_000) }))).toEqual({
      ...{ stage: 'signalling', cause: 'pageClosed' },
    })
    expect(told(facts({ incidents: [closed] }))).toBeUndefined()
  })

  it('4: the microphone was not allowed', () => {
    const denied = incident({ kind: 'mediaProblem', user: 'bob', device: 'b1', detail: 'microphoneDenied' })
    expect(told(facts({ incidents: [denied] }))).toEqual({ stage: 'media', cause: 'microphone' })
    const camera = { ...denied, detail: 'noCamera' }
    expect(first(facts({ incidents: [camera] }))).toMatchObject({ weight: 'poor', cause: 'noMicrophone' })
  })

  it('5: the relay is off between two networks', () => {
    const failed = call({
      ...{ relayRefusal: 'off', caller: { ...dead, address: '10.1.2.20' }, callee: dead },
      row: { reason: 'mediaFailed' },
    })
    const given = facts({ calls: [failed], appliance: { relayPolicy: 'off' } })
    expect(told(given)).toEqual({ stage: 'network', cause: 'relayOff' })
    expect(first(given)).toMatchObject({
      call: 'c1',
      evidence:
        'Alice sent 12 checks, 0 answered, 0 arrived; Bob sent 12 checks, 0 answered, 0 arrived. Alice is at 10.1.2.20, Bob at 10.1.1.20.',
      fix: expect.stringMatching(/^Under Settings .*relay\.policy = "cross-vlan"\), from the next call on/),
    })
  })

  it('5b: the relay is off, but on one network it is not what is missing', () => {
    const failed = call({ relayRefusal: 'off', caller: dead, callee: dead, row: { reason: 'mediaFailed' } })
    expect(told(facts({ calls: [failed] }))).toEqual({ stage: 'network', cause: 'noPath' })
  })

  it('6: UDP is blocked both ways, or one way', () => {
    const blocked = call({
      relayRefusal: 'sameNetwork',
      caller: dead,
      callee: dead,
      row: { reason: 'mediaFailed' },
    })
    expect(told(facts({ calls: [blocked] }))).toEqual({ stage: 'network', cause: 'noPath' })
    expect(first(facts({ calls: [blocked] }))!.fix).toContain('Allow UDP')
    const oneWay = { ...blocked, callee: { ...dead, checksReceived: 7 } }
    expect(told(facts({ calls: [oneWay] }))).toEqual({ stage: 'network', cause: 'filtered' })
  })

  it('7: the clock stands in 1970, which stops no call', () => {
    const now = 86_400_000 as Epoch
    const given = facts({
      appliance: { clockSet: false, now, certificate: { notBefore: at, notAfter: at } },
      at: now,
    })
    expect(told(given)).toEqual({ stage: 'data', cause: 'clockNotSet' })
    expect(first(given)!.evidence).toContain('the year 1970')
  })

  it('8: a port that was taken explains a phone that is not registered', () => {
    const moved = [{ key: 'sip.port', from: 5060, to: 5062 }]
    const devices = [phone('b2', { reachable: false })]
    const given = facts({ devices, appliance: { moved, sipPort: 5062 } })
    expect(told(given)).toEqual({ stage: 'signalling', cause: 'portMoved' })
    expect(first(given)!.fix).toContain('port 5060')
    expect(diagnose(given).findings.map(one => one.cause)).toEqual(['portMoved', 'notRegistered'])
  })

  it('8b: of a phone from which nothing ever came the way is in doubt', () => {
    const devices = [phone('b2', { reachable: false, lastSeenAt: undefined, address: '' })]
    expect(told(facts({ devices }))).toEqual({ stage: 'network', cause: 'nothingArrived' })
    expect(first(facts({ devices }))!.fix).toContain('10.1.1.1, port 5060')
  })

  it('9: a full disk explains what could not be kept', () => {
    const full = incident({ kind: 'notWritten', detail: 'diskFull' })
    const given = facts({ incidents: [full], appliance: { disk: { freeBytes: 1e6 } } })
    expect(told(given)).toEqual({ stage: 'data', cause: 'diskFull' })
    expect(first(given)!.evidence).toBe('1 MB are free; 3 writes failed (diskFull).')
    const broken = incident({ kind: 'notWritten', detail: 'readOnly' })
    expect(told(facts({ incidents: [broken] }))).toEqual({ stage: 'data', cause: 'diskReadOnly' })
  })

  it('10: a certificate that has expired keeps pages away', () => {
    const certificate = { notBefore: earlier(9e9), notAfter: earlier(1e6) }
    const devices = [page('b1', { reachable: false })]
    const given = facts({ devices, appliance: { certificate } })
    expect(told(given)).toEqual({ stage: 'security', cause: 'certificate' })
    expect(first(given)!.since).toBe(certificate.notAfter)
  })

  it('10 of the owner’s own: nobody renews it but the owner, and lanline’s goes on', () => {
    const names = ['phone.example.com']
    const own = { names, notBefore: earlier(9e9), notAfter: earlier(1e6), isPublic: true }
    const devices = [page('b1', { reachable: false })]
    const given = facts({ devices, appliance: { ownCertificate: own } })
    expect(told(given)).toEqual({ stage: 'security', cause: 'ownCertificate' })
    const found = first(given)!
    expect(found).toMatchObject({ since: own.notAfter, sentence: expect.stringContaining(names[0]!) })
    // A restart, which mends lanline’s own, would mend nothing here.
    expect(found.fix).toMatch(
      /newer one .* under Settings, Certificate.* without a restart; .*https:\/\/10\.1\.1\.1\//,
    )
    const later = { ...own, notBefore: (at + 1e6) as Epoch, notAfter: (at + 9e9) as Epoch }
    expect(first(facts({ appliance: { ownCertificate: later } }))).toMatchObject({
      ...{ cause: 'ownCertificate', until: later.notBefore, fix: expect.stringContaining('clock') },
    })
    const valid = { ...own, notAfter: (at + 1e9) as Epoch }
    expect(told(facts({ appliance: { ownCertificate: valid } }))).toBeUndefined()
    // By a clock that is not set nothing is judged.
    const unset = facts({ appliance: { ownCertificate: own, clockSet: false } })
    expect(told(unset)).toEqual({ stage: 'data', cause: 'clockNotSet' })
  })

  it('10b: a device that refuses the certificate is told by its address', () => {
    const refused = incident({
      kind: 'certificateRefused',
      source: '10.1.1.20',
      detail: 'certificate expired',
    })
    const given = facts({ devices: [page('b1', { reachable: false })], incidents: [refused] })
    expect(told(given)).toEqual({ stage: 'security', cause: 'certificateRefused' })
    expect(first(given)!.fix).not.toContain('brought')
    expect(told(facts({ incidents: [refused] }))).toBeUndefined()
    const names = ['phone.example.com']
    const own = { names, notBefore: earlier(9e9), notAfter: (at + 1e9) as Epoch, isPublic: false }
    const away = [page('b1', { reachable: false })]
    const brought = facts({ devices: away, incidents: [refused], appliance: { ownCertificate: own } })
    expect(first(brought)!.fix).toContain('Where it opens phone.example.com, it must trust whoever signed')
  })

  it('11: another device has the name', () => {
    const given = facts({ appliance: { hostname: 'lanline-2', wantedHostname: 'lanline' } })
    expect(told(given)).toEqual({ stage: 'network', cause: 'nameConflict' })
    expect(first(given)!.fix).toContain('https://lanline-2.local/')
  })

  it('12: a phone without DTLS-SRTP calls a browser', () => {
    const refused = call({
      caller: party({ keying: 'none' }),
      row: { answeredAt: undefined, reason: 'failed', code: 488 },
    })
    expect(told(facts({ calls: [refused] }))).toEqual({ stage: 'security', cause: 'noDtlsSrtp' })
    expect(first(facts({ calls: [refused] }))).toMatchObject({
      sentence: expect.stringContaining('Alice’s phone does not encrypt with DTLS-SRTP'),
      evidence: 'Its description offered no encryption at all; the call was refused with 488.',
    })
    const both = { ...refused, caller: party() }
    expect(told(facts({ calls: [both] }))).toEqual({ stage: 'media', cause: 'noCommonMedia' })
  })
})

describe('of a call that was not taken', () => {
  const missed = (reason: string, code = 480) => call({ row: { answeredAt: undefined, reason, code } })

  it('says why the other one could not be reached', () => {
    const devices = [page('b1', { reachable: false })]
    const given = facts({ devices, calls: [missed('unreachable')], incidents: [gone('b1')] })
    expect(first(given)).toMatchObject({ cause: 'pageClosed', call: 'c1' })
  })

  it('says that nothing failed where people only did not want to', () => {
    for (const reason of ['busy', 'declined', 'noAnswer', 'cancelled', 'doNotDisturb', 'answeredElsewhere']) {
      expect(first(facts({ calls: [missed(reason)] }))).toMatchObject({ weight: 'told', cause: 'notTaken' })
    }
  })

  it('tells of a microphone that the callee did not allow', () => {
    const denied = incident(
      { kind: 'mediaProblem', user: 'bob', device: 'b1', detail: 'microphoneDenied', call: 'c1' },
      { at: earlier(86_400_000), lastAt: earlier(80_000_000) },
    )
    const given = facts({ calls: [missed('noAnswer')], incidents: [denied] })
    expect(first(given)).toMatchObject({ stage: 'media', call: 'c1' })
  })
})

describe('of a call that was answered', () => {
  it('tells of DTLS that failed, of silence, of loss, of ends that disagree', () => {
    const dtls = call({ caller: { ...well, dtlsState: 'failed' } })
    expect(told(facts({ calls: [dtls] }))).toEqual({ stage: 'security', cause: 'dtlsFailed' })
    const mute = call({ caller: { ...well, packetsSent: 0 }, callee: { ...well, packetsReceived: 0 } })
    expect(told(facts({ calls: [mute] }))).toEqual({ stage: 'media', cause: 'silence' })
    const eaten = call({ callee: { ...well, packetsReceived: 0 } })
    expect(told(facts({ calls: [eaten] }))).toEqual({ stage: 'network', cause: 'filtered' })
    const lossy = call({ callee: { ...well, packetsLost: 60 } })
    expect(first(facts({ calls: [lossy] }))).toMatchObject({
      weight: 'poor',
      cause: 'badLine',
      stage: 'network',
    })
    expect(first(facts({ calls: [call({ mos: 3.1 })] }))).toMatchObject({ stage: 'media', cause: 'badLine' })
    expect(told(facts({ calls: [call({ row: { reason: 'mediaLost' } })] }))).toEqual({
      ...{ stage: 'network', cause: 'mediaLost' },
    })
    const verdict = {
      ...({ path: 'contradicted', grade: 'none', sentence: '', checked: [], missing: [] } as const),
      contradictions: [{ about: 'bytes', one: 'a', other: 'b' }],
    }
    expect(told(facts({ calls: [call({ verdict })] }))).toEqual({ stage: 'security', cause: 'contradicted' })
  })

  it('leaves calls of another time alone', () => {
    const old = call({ row: { startedAt: earlier(9e6), endedAt: earlier(8e6), reason: 'mediaFailed' } })
    expect(told(facts({ calls: [old] }))).toBeUndefined()
    expect(diagnose(facts({ calls: [old] })).calls).toHaveLength(1)
  })
})
