/** A subscription through the proxy (RFC 6665 §4.3): its dialog may be made by the NOTIFY, before or without a 200. */
import { describe, expect, it } from 'vitest'
import { first, parseNameAddr, parseUri, tagOf, values } from '../../src/sip/codec.ts'
import type { HeaderField, SipRequest } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

/** Bob's telephones tell of what they are asked; Alice asks. */
function home(caller: Partial<PhoneOptions> = {}, callee: Partial<PhoneOptions> = {}) {
  const at = new SimHouse(new SimNetwork(1), ['alice', 'bob', 'mallory'])
  const phones = ['alice-1', 'bob-1', 'bob-2', 'mallory-1'].map((device, index) => {
    const options = index === 0 ? caller : callee
    const phone = new SimPhone(at, { device, address: `10.0.1.${index + 2}`, ...options })
    phone.register()
    return phone
  })
  const run = (milliseconds = 300): void => at.network.run(milliseconds)
  run()
  const [alice, one, other, mallory] = phones as [SimPhone, SimPhone, SimPhone, SimPhone]
  return { at, run, alice, one, other, mallory }
}

const requestOf = (phone: SimPhone, method: string): SipRequest =>
  phone.received.find((one): one is SipRequest => one.kind === 'request' && one.method === method)!

function subscribe(alice: SimPhone, callId = 'subscription'): number[] {
  const statuses: number[] = []
  alice.request({
    ...{ method: 'SUBSCRIBE', uri: 'sip:bob@lanline.local', to: '<sip:bob@lanline.local>', callId },
    from: '<sip:alice@lanline.local>;tag=subscriber',
    extra: [
      { name: 'Event', value: 'dialog' },
      { name: 'Contact', value: alice.contact },
    ],
    done: ({ status }) => statuses.push(status),
  })
  return statuses
}

/** As a notifier whose 200 is lost, or comes later: its tag is its own. */
function notify(bob: SimPhone, tag: string, routes?: readonly HeaderField[]): number[] {
  const asked = requestOf(bob, 'SUBSCRIBE')
  const statuses: number[] = []
  bob.request({
    method: 'NOTIFY',
    uri: parseNameAddr(first(asked, 'Contact')!)!.uri,
    to: first(asked, 'From')!,
    from: `${first(asked, 'To')};tag=${tag}`,
    callId: first(asked, 'Call-ID')!,
    extra: [
      ...(routes ?? values(asked, 'Record-Route').map(value => ({ name: 'Route', value }))),
      { name: 'Event', value: 'dialog' },
      { name: 'Subscription-State', value: 'active;expires=600' },
      { name: 'Contact', value: bob.contact },
    ],
    done: ({ status }) => statuses.push(status),
  })
  return statuses
}

/** In the dialog that the NOTIFY alone made (§4.4.1): its Record-Route is the route set, in its order (RFC 3261 §12.1.1). */
function refresh(alice: SimPhone, notified: SipRequest): number[] {
  const statuses: number[] = []
  alice.request({
    method: 'SUBSCRIBE',
    uri: parseNameAddr(first(notified, 'Contact')!)!.uri,
    to: first(notified, 'From')!,
    from: first(notified, 'To')!,
    callId: first(notified, 'Call-ID')!,
    extra: [
      ...values(notified, 'Record-Route').map(value => ({ name: 'Route', value })),
      { name: 'Event', value: 'dialog' },
      { name: 'Expires', value: '0' },
      { name: 'Contact', value: alice.contact },
    ],
    done: ({ status }) => statuses.push(status),
  })
  return statuses
}

const pairs: [Partial<PhoneOptions>, Partial<PhoneOptions>][] = [
  [{}, {}],
  [{ transport: 'wss' }, {}],
  [{}, { transport: 'tcp' }],
  [{ transport: 'tls' }, { transport: 'wss' }],
]

describe.each(pairs)('a dialog that its NOTIFY makes, %j and %j', (caller, callee) => {
  it('has a way through the proxy', () => {
    const { run, alice, one } = home(caller, callee)
    subscribe(alice)
    run()
    expect(notify(one, 'notifier')).toEqual([])
    run()
    const notified = requestOf(alice, 'NOTIFY')
    const routes = values(notified, 'Record-Route')
    expect(routes).toHaveLength(2)
    // Each side reaches the proxy as before: the two of the SUBSCRIBE, turned round.
    expect(routes.toReversed()).toEqual(values(requestOf(one, 'SUBSCRIBE'), 'Record-Route'))
    const before = one.requests.length
    const statuses = refresh(alice, notified)
    run()
    expect([statuses, one.requests.slice(before)]).toEqual([[200], ['SUBSCRIBE']])
  })
})

it('each of two who were asked is reached in the dialog of its NOTIFY, though only one 200 came back', () => {
  const { run, alice, one, other } = home({ transport: 'wss' }, { transport: 'wss' })
  const statuses = subscribe(alice)
  run()
  expect(statuses).toEqual([200])
  for (const [index, phone] of [one, other].entries()) {
    notify(phone, `notifier-${index}`)
    run()
    const notified = alice.received.filter(
      (message): message is SipRequest => message.kind === 'request' && message.method === 'NOTIFY',
    )
    expect(tagOf(notified.at(-1)!, 'From')).toBe(`notifier-${index}`)
    const before = [one.requests.length, other.requests.length]
    expect(refresh(alice, notified.at(-1)!)).toEqual([])
    run()
    const asked = [one, other].map((each, at) => each.requests.slice(before[at]))
    expect(asked).toEqual(index === 0 ? [['SUBSCRIBE'], []] : [[], ['SUBSCRIBE']])
  }
})

it('a way that a notifier writes leads to this house, whatever host it writes', () => {
  const { run, alice, one } = home()
  subscribe(alice)
  run()
  const routes = values(requestOf(one, 'SUBSCRIBE'), 'Record-Route').map(value => ({
    name: 'Route',
    value: value.replace(/@[^;>]*/, '@203.0.113.9:5099'),
  }))
  notify(one, 'notifier', routes)
  run()
  const hosts = values(requestOf(alice, 'NOTIFY'), 'Record-Route').map(
    value => parseUri(parseNameAddr(value)!.uri)!.host,
  )
  expect(hosts).toEqual(Array(2).fill('10.0.0.1'))
})

it('a NOTIFY outside of its dialog makes no way', () => {
  const { run, alice, one, mallory } = home()
  subscribe(alice)
  run()
  const routes = values(requestOf(one, 'SUBSCRIBE'), 'Record-Route').map(value => ({ name: 'Route', value }))
  const statuses: number[] = []
  mallory.request({
    ...{ method: 'NOTIFY', uri: 'sip:alice@10.0.1.2', callId: 'another' },
    to: '<sip:alice@lanline.local>;tag=subscriber',
    extra: [...routes, { name: 'Event', value: 'dialog' }],
    done: ({ status }) => statuses.push(status),
  })
  run()
  expect([statuses, alice.requests]).toEqual([[481], []])
})
