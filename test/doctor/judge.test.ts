import { describe, expect, it } from 'vitest'
import type { Device } from '../../src/admin/message.ts'
import type { CallRow } from '../../src/calls/message.ts'
import { judge, judgeFromInside } from '../../src/doctor/judge.ts'
import type { Facts, Finding, Told } from '../../src/doctor/message.ts'

const now = Date.UTC(2027, 5, 1)
const device = (id: string, address: string) =>
  ({ id, name: `${id}'s phone`, address, reachable: true }) as Device
const told: Told = {
  health: {
    ...{ status: 'ok', version: '1.0', uptimeSeconds: 7_300 },
    parts: { sip: { state: 'ok', detail: '' }, store: { state: 'ok', detail: '' } },
  },
  network: {
    hostname: 'lanline',
    addresses: [{ interface: 'eth0', address: '10.0.0.2', prefixLength: 24 }],
    ports: { http: 80, https: 443, sip: 5060, sips: 5061 },
    discovery: { mode: 'builtin', state: 'ready', detail: '' },
    joinUrl: undefined,
    seenAddress: '',
  },
  caFingerprint: 'AA:BB',
  devices: [device('ann', '10.0.0.8'), device('bob', '10.0.0.9')],
  calls: [],
}
const healthy: Facts = {
  now,
  told,
  seen: [{ hostname: 'lanline.local', addresses: ['10.0.0.2'], fingerprint: 'aabb' }],
  lookedUp: '10.0.0.2',
  bridged: false,
  mdnsHolders: ['avahi-daemon'],
  ports: { http: true, https: true, sip: true, sips: true },
  certificate: { names: ['lanline.local', '10.0.0.2'], notBefore: now - 1, notAfter: now + 300 * 86_400_000 },
  clockSynchronised: true,
  disk: { freeBytes: 8e9, totalBytes: 16e9, writable: true, mode: 0o700 },
  throttled: 0,
  celsius: 48,
}
const call = (change: Partial<CallRow>): CallRow =>
  ({ callerName: 'Ann', calleeName: 'Bob', callerDevice: 'ann', calleeDevice: 'bob', ...change }) as CallRow

/** Published that way; as failed it is a part that has failed as well, told of once. */
function published(mode: 'builtin' | 'avahi', state: 'ready' | 'failed', detail = ''): Told {
  const parts: Told['health']['parts'] = {
    discovery: { state: state === 'failed' ? 'failed' : 'ok', detail },
  }
  const discovery = { mode, state, detail } as const
  return { ...told, network: { ...told.network, discovery }, health: { ...told.health, parts } }
}

function finding(change: Partial<Facts>, check: string): Finding | undefined {
  return judge({ ...healthy, ...change }).find(one => one.check === check)
}

describe('the doctor', () => {
  it('finds nothing wrong where all is well', () => {
    const findings = judge({ ...healthy, told: { ...told, calls: [call({ callerPair: {} as never })] } })
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
    expect(findings.length).toBeGreaterThan(8)
  })

  it('says what to do for everything that is not well', () => {
    const findings = judge({
      ...healthy,
      ...{
        seen: [],
        lookedUp: '10.0.0.77',
        certificate: undefined,
        disk: undefined,
        throttled: 1,
        celsius: 90,
      },
      ...{ ports: { https: false }, clockSynchronised: false },
    })
    const bad = findings.filter(({ level }) => level === 'problem' || level === 'warning')
    expect(bad.map(({ check }) => check).sort()).toEqual(
      [
        ...['certificate', 'clock', 'disk', 'found on the network', 'name from this machine', 'ports'],
        ...['power', 'temperature'],
      ].sort(),
    )
    expect(bad.every(({ advice }) => (advice ?? '').length > 10)).toBe(true)
  })

  it.each<[string, Partial<Facts>, string, string]>([
    ['lanline', { told: undefined }, 'problem', 'does not run'],
    ['found on the network', { seen: [] }, 'problem', 'nobody answers'],
    [
      'found on the network',
      { seen: [{ ...healthy.seen[0]!, addresses: ['10.0.0.3'] }] },
      'problem',
      '10.0.0.3',
    ],
    [
      'found on the network',
      {
        seen: [...healthy.seen, { hostname: 'lanline-2.local', addresses: ['10.0.0.4'], fingerprint: 'cc' }],
      },
      ...(['warning', 'lanline-2.local'] as const),
    ],
    [
      'found on the network',
      { told: published('builtin', 'failed', 'another program holds UDP port 5353: stop it') },
      ...(['problem', 'another program holds UDP port 5353'] as const),
    ],
    ['mDNS port 5353', { told: published('builtin', 'failed') }, 'unknown', 'held by avahi-daemon'],
    ['mDNS port 5353', { told: published('avahi', 'ready') }, 'ok', 'published through avahi-daemon'],
    ['mDNS port 5353', {}, 'ok', 'shared with avahi-daemon'],
    ['mDNS port 5353', { mdnsHolders: undefined }, 'unknown', 'cannot be seen from a container'],
    ['name from this machine', { lookedUp: '10.0.0.77' }, 'problem', 'another machine'],
    ['name from this machine', { lookedUp: undefined }, 'unknown', 'cannot look up'],
    [
      'certificate',
      { certificate: { ...healthy.certificate!, names: ['lanline.local'] } },
      'problem',
      '10.0.0.2',
    ],
    ['certificate', { certificate: { ...healthy.certificate!, notAfter: now - 1 } }, 'problem', 'not valid'],
    [
      'certificate',
      { certificate: { ...healthy.certificate!, notAfter: now + 1_000 } },
      'warning',
      'two weeks',
    ],
    ['clock', { now: 3_600_000 }, 'warning', 'not set'],
    ['disk', { disk: { ...healthy.disk!, writable: false } }, 'problem', 'cannot be written'],
    ['disk', { disk: { ...healthy.disk!, freeBytes: 1e6 } }, 'problem', '1 MB'],
    ['disk', { disk: { ...healthy.disk!, mode: 0o755 } }, 'warning', 'others on this machine'],
    ['database', { disk: { ...healthy.disk!, damagedAt: now - 29 * 86_400_000 } }, 'warning', 'put aside on'],
    ['power', { throttled: 0x10000 }, 'warning', 'was too little'],
    [
      'devices among each other',
      { told: { ...told, calls: [call({ reason: 'mediaFailed' })] } },
      ...(['problem', 'found no way'] as const),
    ],
    [
      'networks',
      { told: { ...told, devices: [device('far', '10.9.0.5')] } },
      ...(['warning', "far's phone (10.9.0.5)"] as const),
    ],
    ['networks', { bridged: true }, 'problem', 'a network of its own'],
    [
      'part store',
      {
        told: {
          ...told,
          health: { ...told.health, parts: { store: { state: 'failed', detail: 'disk full' } } },
        },
      },
      ...(['problem', 'disk full'] as const),
    ],
  ])('%s: %o is a %s', (check, change, level, words) => {
    expect(finding(change, check)).toMatchObject({ level, found: expect.stringContaining(words) })
  })

  it('says once why it is not found', () => {
    const why = 'another program holds UDP port 5353: stop it'
    const bad = judge({ ...healthy, told: published('builtin', 'failed', why) }).filter(
      ({ level }) => level === 'problem',
    )
    expect(bad.map(({ check, found }) => [check, found])).toEqual([['found on the network', why]])
  })

  it('does not blame the access point for two who are on different networks', () => {
    const apart = { ...told, devices: [device('ann', '10.0.0.8'), device('bob', '10.9.0.9')] }
    const facts = { told: { ...apart, calls: [call({ reason: 'mediaFailed' })] } }
    expect(finding(facts, 'devices among each other')?.level).toBe('unknown')
  })
})

describe('a certificate that the owner brought', () => {
  const day = 86_400_000
  const judged = (notAfter: number) =>
    judgeFromInside({ ...healthy, told, ownCertificate: { names: ['phone.example'], notAfter } }).find(
      ({ check }) => check === 'your certificate',
    )

  it('is told three weeks before it ends, and when it is over; nobody else renews it', () => {
    expect(judged(now + 22 * day)?.level).toBe('ok')
    const soon = judged(now + 20 * day)
    expect([soon?.level, soon?.advice]).toEqual(['warning', expect.stringContaining('Upload a new one')])
    expect(soon?.found).toContain('phone.example')
    expect(judged(now - 1)).toMatchObject({
      level: 'problem',
      found: expect.stringContaining('browsers refuse'),
    })
  })

  it('is no matter where there is none', () => {
    expect(judgeFromInside({ ...healthy, told }).some(({ check }) => check === 'your certificate')).toBe(
      false,
    )
  })
})
