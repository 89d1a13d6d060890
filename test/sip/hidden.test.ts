/** Who hides is named by nothing that a telephone gets, or a guest, whichever way they say it, from the first ring to the end. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPrivacyLacking, wishesPrivacy } from '../../src/sip/assertions.ts'
import { first, parseNameAddr, parseUri, values } from '../../src/sip/codec.ts'
import type { HeaderField, SipMessage, SipRequest } from '../../src/sip/message.ts'
import { isNobody, Veil } from '../../src/sip/veil.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const own = '<sip:alice@lanline.local>'
const nobody = '"Anonymous" <sip:anonymous@anonymous.invalid>'
const field = (name: string, value: string): HeaderField => ({ name, value })

/** As telephones do it, and what their people are asked for in settings. */
const ways: Readonly<Record<string, { from: string; extra?: HeaderField[] }>> = {
  'From that names nobody': { from: nobody },
  'Privacy: id': { from: `"Alice" ${own}`, extra: [field('Privacy', 'id')] },
  'Privacy: user;critical': { from: `"Alice" ${own}`, extra: [field('Privacy', 'user;critical')] },
  'Privacy: header': { from: own, extra: [field('Privacy', 'header ; session')] },
  'a name beside their address': { from: `"Anonymous" ${own}` },
  'Remote-Party-ID': {
    from: own,
    extra: [field('Remote-Party-ID', `"Alice" ${own};party=calling;privacy=full`)],
  },
}

/** What telephones write of themselves besides. */
const chatty: HeaderField[] = [
  field('User-Agent', 'Linphone Desktop (Alices-Laptop)'),
  field('Subject', 'Alice calls'),
  field('Organization', 'Alice & Co'),
  field('Reply-To', own),
  field('Call-Info', '<http://alice.example/me.jpg>;purpose=icon'),
  field('P-Preferred-Identity', own),
]

const describeAs = (user: string) => (): string =>
  [
    ...['v=0', `o=${user} 1 1 IN IP4 10.0.1.2`, `s=${user}`, ...named(user), 'c=IN IP4 10.0.1.2', 't=0 0'],
    ...['m=audio 7078 RTP/AVP 0', `a=ssrc:38839 cname:sip:${user}@lanline.local`, 'a=sendrecv', ''],
  ].join('\r\n')
const named = (user: string): string[] =>
  user === '-'
    ? []
    : [`i=${user} calls`, `u=http://${user}.example`, `e=${user}@home.example`, `p=${user} 12`]

function home(
  options: Partial<PhoneOptions> = {},
  at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol']),
) {
  const run = (milliseconds = 300): void => at.network.run(milliseconds)
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((user, index) => {
    const address = `10.0.1.${index + 2}`
    const phone = new SimPhone(at, { device: `${user}-1`, address, describe: describeAs(user), ...options })
    phone.register()
    return phone
  }) as [SimPhone, SimPhone, SimPhone]
  run()
  return { at, run, alice, bob, carol }
}

/** All of a message but which of our own words seal a name. */
const textOf = ({ headers, body, ...line }: SipMessage): string =>
  [line.kind === 'request' ? line.uri : line.reason]
    .concat(
      headers.filter(({ name }) => name !== 'Record-Route' && name !== 'Route').map(({ value }) => value),
    )
    .concat(Buffer.from(body).toString('latin1'))
    .join('\n')

const naming = (phone: SimPhone): string[] =>
  phone.received.map(textOf).filter(text => /alice(?!-1\.invalid)/i.test(text))

describe.each(Object.entries(ways))('a call by %s', (_, { from, extra = [] }) => {
  const how = { from, extra: [...extra, ...chatty] }

  it.each([
    'udp',
    'tcp',
    'wss',
  ] as const)('names nobody over %s, from whichever side something comes', transport => {
    for (const by of ['alice', 'bob'] as const) {
      const { at, run, alice, bob } = home({ transport, onInvite: 'answer' })
      const call = alice.call('bob', how)
      run()
      expect(call.statuses).toEqual([100, 180, 200])
      const { request, dialog } = bob.incoming[0]!
      expect(first(request, 'From')).toMatch(/^"?Anonymous"? <sip:anonymous@anonymous\.invalid>;tag=/)
      const ends = { alice: call.dialog!, bob: dialog! }
      const phones = { alice, bob }
      const statuses: number[] = []
      for (const method of ['INFO', 'UPDATE', 'OPTIONS', 'REFER'])
        for (const one of ['alice', 'bob'] as const)
          phones[one].inDialog(ends[one], method, status => statuses.push(status), [
            field('Contact', phones[one].contact),
            ...(one === 'alice' ? chatty : []),
            ...(method === 'REFER' ? [field('Refer-To', '<sip:carol@lanline.local>')] : []),
            ...(method === 'REFER' && one === 'alice' ? [field('Referred-By', own)] : []),
          ])
      run()
      expect(statuses).toEqual(Array(8).fill(200))
      const offers = [
        alice.reInvite(ends.alice),
        bob.reInvite(ends.bob),
        bob.reInvite(ends.bob, { delayed: true }),
      ]
      run()
      expect(offers).toEqual([[200], [200], [200]])
      phones[by].hangUp(ends[by])
      run()
      expect(phones[by === 'alice' ? 'bob' : 'alice'].requests).toContain('BYE')
      expect(at.callLog().at(-1)).toBe(`ended ${by === 'alice' ? 'caller' : 'callee'} 0 hangup`)
      expect(naming(bob)).toEqual([])
    }
  })

  it('goes on over a restart, and by the contact alone', () => {
    const { at, run, alice, bob } = home({ onInvite: 'answer' })
    const call = alice.call('bob', how)
    run()
    at.stop()
    at.start()
    const dialog = bob.incoming[0]!.dialog!
    expect(bob.reInvite(dialog)).toEqual([])
    expect(alice.reInvite(call.dialog!)).toEqual([])
    run()
    expect(alice.requests).toEqual(['INVITE', 'ACK'])
    // As its telephone says where it is: it finds itself in the Request-URI.
    const asked = alice.received.findLast(one => one.kind === 'request') as SipRequest
    expect(asked.uri).toBe(parseNameAddr(alice.contact)!.uri)
    bob.inDialog({ ...dialog, routes: [] }, 'BYE')
    run()
    expect(alice.requests).toContain('BYE')
    expect(naming(bob)).toEqual([])
  })

  it('is given up, declined, and rings at several, of whom none is told', () => {
    const { at, run, alice, bob, carol } = home()
    at.alsoRings.set('bob', ['carol'])
    const call = alice.call('bob', how)
    run()
    alice.cancel(call)
    run()
    expect(call.final).toBe(487)
    const second = alice.call('bob', how)
    run()
    bob.refuse(486)
    carol.refuse(603)
    run()
    expect(second.final).toBe(603)
    for (const answer of [...call.responses, ...second.responses])
      expect(first(answer, 'From')).toMatch(parseNameAddr(from)!.uri)
    expect([bob.requests, carol.requests]).toEqual(
      Array(2).fill(['INVITE', 'CANCEL', 'ACK', 'INVITE', 'ACK']),
    )
    expect([...naming(bob), ...naming(carol)]).toEqual([])
  })

  it('tells a page who calls, and a guest’s page not', () => {
    for (const isGuest of [false, true]) {
      const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob', 'carol'])
      if (isGuest) exchange.house.guests.add('bob')
      const { run, alice } = home({}, exchange.house)
      const page = new SimClient(exchange, 'bob-5')
      page.connect()
      run(1_000)
      const call = alice.call('bob', how)
      run()
      const told = page.told.find(message => message.type === 'incoming')
      const anonymous = { user: 'anonymous', name: 'Anonymous' }
      expect(told).toMatchObject({ from: isGuest ? anonymous : { user: 'alice' } })
      page.answer([...page.calls.keys()][0]!)
      run()
      expect(call.final).toBe(200)
      page.hangUp([...page.calls.keys()][0]!)
      run()
      expect(alice.requests).toContain('BYE')
      expect([...exchange.rows.values()]).toMatchObject([{ callerUser: 'alice', callerHidden: true }])
      const known = ['welcome', 'presence', 'roster']
      const said = page.told.filter(({ type }) => !known.includes(type))
      // The dialog is kept for us by the page, who can read it.
      const texts = said.map(one =>
        one.type === 'dialog' ? Buffer.from(one.dialog, 'base64url').toString('latin1') : JSON.stringify(one),
      )
      if (isGuest) expect(texts.filter(text => /alice(?!-1\.invalid)/i.test(text))).toEqual([])
    }
  })
})

it('whom a page is handed on to is not told who hides and did that', () => {
  const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob', 'carol'])
  const { run, alice, carol } = home({}, exchange.house)
  const page = new SimClient(exchange, 'bob-5')
  page.connect()
  run(1_000)
  const call = alice.call('bob', { from: nobody })
  run()
  page.answer([...page.calls.keys()][0]!)
  run()
  alice.inDialog(call.dialog!, 'REFER', undefined, [
    field('Refer-To', '<sip:carol@lanline.local>'),
    field('Contact', alice.contact),
  ])
  run()
  const referred = page.told.find(message => message.type === 'referred')!.call
  const sdp = describeAs('-')()
  page.send({ type: 'call', ref: 'r', to: 'carol', sdp, video: false, referred })
  run()
  expect(carol.requests).toEqual(['INVITE'])
  expect(values(carol.incoming[0]!.request, 'Referred-By')).toEqual([])
  expect(naming(carol)).toEqual([])
})

it('whom a telephone has called by its contact is who it is, also where that says nothing', () => {
  const { run, alice, bob, carol } = home({ onInvite: 'answer' })
  alice.call('bob', { from: nobody })
  run()
  const contact = parseNameAddr(first(bob.incoming[0]!.request, 'Contact')!)!.uri
  expect(contact).not.toMatch(/alice/)
  const call = carol.call('nobody', { uri: contact })
  run()
  expect(call.final).toBe(200)
  expect(alice.requests).toEqual(['INVITE', 'ACK'])
  expect(naming(carol)).toEqual([])
  expect(alice.incoming[0]!.request.uri).toBe(parseNameAddr(alice.contact)!.uri)
})

it('whom a telephone hands on to who hides and called it is told who that is, unless they are a guest', () => {
  for (const isGuest of [false, true]) {
    const exchange = new SimExchange(new SimNetwork(1), ['alice', 'bob', 'carol'])
    if (isGuest) exchange.house.guests.add('carol')
    const { run, alice, bob } = home({ onInvite: 'answer' }, exchange.house)
    alice.call('bob', { from: nobody })
    run()
    const contact = parseNameAddr(first(bob.incoming[0]!.request, 'Contact')!)!.uri
    const page = new SimClient(exchange, 'carol-5')
    page.connect()
    run(1_000)
    page.call('bob')
    run()
    const statuses: number[] = []
    const referTo = field('Refer-To', `<${contact}?Replaces=${bob.incoming[0]!.dialog!.callId}>`)
    const extra = [referTo, field('Contact', bob.contact)]
    bob.inDialog(bob.incoming[1]!.dialog!, 'REFER', status => statuses.push(status), extra)
    run()
    expect(statuses).toEqual([isGuest ? 404 : 202])
    const told = page.told.filter(message => message.type === 'referred')
    expect(told).toMatchObject(isGuest ? [] : [{ to: { user: 'alice' } }])
  }
})

const plain: SipRequest = {
  ...{ kind: 'request', method: 'INVITE', uri: 'sip:bob@lanline.local', headers: [], body: Buffer.alloc(0) },
}

describe('a wish for privacy', () => {
  const asked = (extra: HeaderField[], from = own) => {
    const { run, alice, bob } = home()
    const call = alice.call('bob', { from, extra })
    run()
    return { call, request: bob.incoming[0]?.request }
  }

  it('that cannot be met is refused where it is critical, and else met as far as can be', () => {
    for (const value of [
      'session;critical',
      'header;critical',
      'id; Session ;CRITICAL',
      'history;critical',
    ]) {
      const { call, request } = asked([field('Privacy', value)])
      expect([value, call.responses.map(({ status, reason }) => `${status} ${reason}`)]).toEqual([
        value,
        ['500 Privacy Not Available'],
      ])
      expect(request).toBe(undefined)
    }
    for (const value of ['id;critical', 'user;id;critical', 'session', 'header', 'user;header;session;id'])
      expect([value, asked([field('Privacy', value)]).call.statuses]).toEqual([value, [100, 180]])
  })

  it('that is none, or of media alone, hides no name', () => {
    for (const value of ['none', 'session']) {
      const { request } = asked([field('Privacy', value)])
      expect(first(request!, 'From')).toMatch(/^<sip:alice@lanline\.local>;tag=/)
      expect(values(request!, 'P-Asserted-Identity')).toHaveLength(1)
      expect(first(request!, 'Privacy')).toBe(value)
    }
    const off = asked([field('Remote-Party-ID', `${own};privacy=off;screen=yes`)])
    expect(values(off.request!, 'P-Asserted-Identity')).toHaveLength(1)
  })

  it('is read whatever else is said beside it, in whichever spelling (property)', () => {
    const space = fc.constantFrom('', ' ', '\t ')
    const level = fc.constantFrom('id', 'user', 'header', 'session', 'critical', 'none', 'history', '', 'x')
    const spelt = fc.tuple(space, level, fc.boolean(), space)
    fc.assert(
      fc.property(fc.array(spelt), fc.string(), (levels, other) => {
        const value = levels.map(([a, one, isUpper, b]) => `${a}${isUpper ? one.toUpperCase() : one}${b}`)
        const request = {
          ...plain,
          headers: [field('Privacy', value.join(';')), field('Remote-Party-ID', other)],
        }
        const names = new Set<string>(levels.map(([, one]) => one).filter(one => one !== ''))
        const isHiding = ['id', 'user', 'header'].some(one => names.has(one))
        const isLacking = ['header', 'session', 'history', 'x'].some(one => names.has(one))
        if (!other.includes('privacy')) expect(wishesPrivacy(request)).toBe(isHiding && !names.has('none'))
        expect(isPrivacyLacking(request)).toBe(isLacking && names.has('critical'))
      }),
    )
  })

  it('may require that a proxy knows of it: this one does, and of nothing else', () => {
    const { call, request } = asked([field('Proxy-Require', 'privacy'), field('Privacy', 'id')], nobody)
    expect(call.statuses).toEqual([100, 180])
    expect(values(request!, 'Proxy-Require')).toEqual([])
    const more = asked([field('Proxy-Require', 'Privacy, spells')])
    expect(more.call.responses.map(one => [one.status, first(one, 'Unsupported')])).toEqual([[420, 'spells']])
  })
})

describe('the veil', () => {
  const veil = new Veil(Buffer.alloc(32, 1))
  const user = fc.stringMatching(/^[A-Za-z0-9\-_.!~*'()&=+$,;?/]{1,40}$/)
  const rest = fc.constantFrom(
    '10.0.1.2',
    '10.0.1.2:5062;transport=tcp',
    '[fd00::1]:5060;ob',
    'x.invalid;transport=ws',
  )
  const invite = (contact: string, body = ''): SipRequest => ({
    ...{ kind: 'request', method: 'INVITE', uri: 'sip:bob@lanline.local' },
    headers: [
      field('From', `${own};tag=1`),
      field('Contact', contact),
      field('Content-Type', 'application/sdp'),
    ],
    body: Buffer.from(body, 'latin1'),
  })

  it('is taken off a contact as it was put on, by whoever has the key (property)', () => {
    fc.assert(
      fc.property(user, fc.option(user), rest, (name, password, place) => {
        const info =
          password === null ? name : `${name.replaceAll(':', '')}:${password.replace(/[;?/]/g, '')}`
        const uri = `sip:${info}@${place}`
        const instance = ';reg-id=1;+sip.instance="<urn:uuid:1>"'
        const covered = veil.cover(invite(`"${'Alice'}" <${uri}>;expires=60${instance};video`))
        expect(isNobody(first(covered, 'From')!)).toBe(true)
        const contact = parseNameAddr(first(covered, 'Contact')!)!
        expect(contact.displayName).toBe(undefined)
        expect([...contact.params]).toEqual([
          ['expires', '60'],
          ['video', ''],
        ])
        expect(parseUri(contact.uri)).toMatchObject({ host: parseUri(`sip:${place}`)!.host })
        expect(veil.uncover(contact.uri)).toBe(uri)
        expect(veil.uncovered(parseUri(contact.uri)!)).toEqual(parseUri(uri) ?? parseUri(contact.uri))
        expect(new Veil(Buffer.alloc(32, 2)).uncover(contact.uri)).toBe(contact.uri)
      }),
    )
  })

  it('leaves what it did not cover, whatever that is (property)', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        for (const uri of [text, `sip:${text}@10.0.1.2`, `sip:anonymous.${text}@10.0.1.2`])
          expect(veil.uncover(uri)).toBe(uri)
      }),
    )
  })

  it('takes who speaks out of a description, and nothing else', () => {
    const sdp = describeAs('alice')()
    const nameless = describeAs('-')().replace('sip:-@lanline.local', '-')
    const bodyOf = (request: SipRequest) => Buffer.from(veil.cover(request).body).toString('latin1')
    expect(bodyOf(invite('<sip:a@b>', sdp))).toBe(nameless)
    expect(bodyOf(invite('<sip:a@b>', nameless))).toBe(nameless)
    expect(bodyOf(invite('<sip:a@b>', sdp.replaceAll('\r', '')))).toBe(nameless.replaceAll('\r', ''))
    const other = { ...invite('<sip:a@b>', sdp), headers: [field('Content-Type', 'text/plain')] }
    expect(bodyOf(other)).toBe(sdp)
  })
})
