import { describe, expect, it } from 'vitest'
import { encode, first, values } from '../../src/sip/codec.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { SimPhone } from '../sim/phone.ts'
import { withField } from './writing.ts'

const house = (): SimHouse => new SimHouse(new SimNetwork(1), ['alice', 'bob'])

const responses = (phone: SimPhone): SipResponse[] => phone.received.filter(one => one.kind === 'response')

/** The same request under a new branch, as somebody who recorded it would send it. */
function replayed(request: SipRequest, branch: string): SipRequest {
  const via = values(request, 'Via')[0]!.replace(/branch=[^;]*/, `branch=z9hG4bK${branch}`)
  return { ...request, headers: withField(request.headers, 'Via', via) }
}

describe('who sends', () => {
  it('is asked again for a wrong password, without a hint', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', password: 'wrong' })
    phone.register()
    home.network.run(100)
    expect(phone.statuses).toEqual([401])
    expect(first(responses(phone).at(-1)!, 'WWW-Authenticate')).not.toContain('stale')
  })

  it('is answered alike whether or not the user exists', () => {
    const told = ['alice-1', 'zoe-1'].map(device => {
      const home = house()
      const phone = new SimPhone(home, { device, password: 'wrong', address: '10.0.1.7' })
      phone.register()
      home.network.run(100)
      return responses(phone).map(response => {
        const shape = Buffer.from(encode(response)).toString()
        return shape
          .replace(/(nonce="|tag=|branch=z9hG4bK)[^";]*/g, '$1')
          .replaceAll(device.slice(0, -2), 'U')
      })
    })
    expect(told[0]).toHaveLength(2)
    expect(told[0]).toEqual(told[1])
  })

  it('is made to wait after ten wrong passwords, and only there', () => {
    const home = house()
    const guesser = new SimPhone(home, { device: 'alice-1', password: 'wrong', address: '10.0.1.66' })
    for (let guess = 0; guess < 12; guess++) {
      guesser.register()
      home.network.run(50)
    }
    expect(guesser.statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    expect(guesser.statuses.slice(10)).toEqual([503, 503])
    expect(Number(first(responses(guesser).at(-1)!, 'Retry-After'))).toBeGreaterThan(0)
    const alice = new SimPhone(home, { device: 'alice-1', address: '10.0.1.67' })
    alice.register()
    home.network.run(100)
    expect(alice.statuses).toEqual([200])
  })

  it('uses up nobody else’s tries by writing their address on packets', () => {
    const home = house()
    const asked = new SimPhone(home, { device: 'alice-1', password: 'wrong', address: '10.0.3.3' })
    asked.register()
    home.network.run(100)
    const challenge = responses(asked)[0]!
    const forger = new SimPhone(home, {
      device: 'alice-1',
      password: 'wrong',
      address: '10.0.1.7',
      port: 6_000,
    })
    home.network.drops = (_from, to) => to.port === 6_000
    for (let guess = 0; guess < 150; guess++) {
      const credentials = forger.credentials(challenge, 'REGISTER', 'sip:lanline.local')
      forger.request({
        ...{ method: 'REGISTER', uri: 'sip:lanline.local', to: '<sip:alice@lanline.local>' },
        ...{ extra: [credentials], done: () => {} },
      })
    }
    home.network.run(100)
    const alice = new SimPhone(home, { device: 'alice-1', address: '10.0.1.7' })
    alice.register()
    home.network.run(100)
    expect(alice.statuses).toEqual([200])
  })

  it('is made to wait with however many IPv6 addresses, but not a telephone that is registered there', () => {
    const home = house()
    const bob = new SimPhone(home, { device: 'bob-1', address: 'fd00::b' })
    bob.register()
    home.network.run(100)
    const statuses = Array.from({ length: 110 }, (_, guess) => {
      const address = `fd00::1:${(guess + 1).toString(16)}`
      const guesser = new SimPhone(home, { device: 'alice-1', password: 'wrong', address })
      guesser.register()
      home.network.run(10)
      return guesser.statuses[0]
    })
    expect(statuses[0]).toBe(401)
    expect(statuses.at(-1)).toBe(503)
    bob.register()
    home.network.run(100)
    expect(bob.statuses).toEqual([200, 200])
    const elsewhere = new SimPhone(home, { device: 'alice-1', address: 'fd00:2::a' })
    elsewhere.register()
    home.network.run(100)
    expect(elsewhere.statuses).toEqual([200])
  })

  it('may use a count once only: a replayed request is challenged as stale', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    let sent: SipRequest | undefined
    phone.request({
      method: 'MESSAGE',
      uri: 'sip:bob@lanline.local',
      to: '<sip:bob@lanline.local>',
      sending: request => {
        sent = request
      },
      done: response => phone.statuses.push(response.status),
    })
    home.network.run(100)
    expect(phone.statuses).toEqual([480])
    phone.send(replayed(sent!, 'again'))
    home.network.run(100)
    const answer = responses(phone).at(-1)!
    expect(answer.status).toBe(407)
    expect(first(answer, 'Proxy-Authenticate')).toContain('stale=true')
    expect(home.notes).toContain('replayedNonce')
  })

  it('is challenged as stale with a nonce older than five minutes', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register()
    home.network.run(100)
    const challenge = responses(phone)[0]!
    home.network.run(301_000)
    const credentials = phone.credentials(challenge, 'REGISTER', 'sip:lanline.local')
    phone.register(3600, { extra: [credentials] })
    home.network.run(100)
    expect(home.notes).toContain('expiredNonce')
    expect(phone.statuses).toEqual([200, 200])
  })

  it('proves over UDP that it is where its packets say: a nonce is good for the address it was sent to', () => {
    const home = house()
    const asking = new SimPhone(home, { device: 'alice-1', password: 'wrong', address: '10.0.1.7' })
    asking.register()
    home.network.run(100)
    const challenge = responses(asking)[0]!
    // Somebody with the password writes another's address on a packet, and sees nothing of what is sent there.
    home.network.drops = (_from, to) => to.address === '10.0.3.3'
    const forged = new SimPhone(home, { device: 'alice-1', address: '10.0.3.3' })
    forged.register(3600, { extra: [forged.credentials(challenge, 'REGISTER', 'sip:lanline.local')] })
    home.network.run(100)
    expect(home.notes).toContain('foreignNonce')
    expect([home.reachable, home.rows.size]).toEqual([[], 0])
    const call = forged.call('bob', {
      extra: [forged.credentials(challenge, 'INVITE', 'sip:bob@lanline.local')],
    })
    home.network.run(1_000)
    expect(call.statuses).toEqual([])
    expect(home.callLog()).toEqual([])
  })

  it('goes on after a restart with a nonce of before: stale, not wrong', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register()
    home.network.run(100)
    const challenge = responses(phone)[0]!
    home.stop()
    home.start()
    phone.register(3600, { extra: [phone.credentials(challenge, 'REGISTER', 'sip:lanline.local')] })
    home.network.run(100)
    expect(home.notes).toContain('foreignNonce')
    expect(phone.statuses).toEqual([200, 200])
  })

  it.each(['udp', 'tcp'] as const)('may not call in another name, over %s', transport => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', transport })
    phone.register()
    home.network.run(100)
    const call = phone.call('bob', { from: 'carol' })
    home.network.run(100)
    expect(call.final).toBe(403)
    expect(home.notes).toContain('forgedFrom')
    expect(home.calls).toEqual([])
  })

  it.each([
    'tcp',
    'tls',
    'ws',
    'wss',
  ] as const)('is known on its %s connection after registering', transport => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1', transport })
    phone.register()
    home.network.run(100)
    const before = responses(phone).length
    phone.call('bob')
    home.network.run(100)
    expect(responses(phone)[before + 1]!.status).toBe(480)
    phone.connect()
    phone.call('bob')
    home.network.run(100)
    expect(home.notes.filter(note => note === 'challenged')).toHaveLength(2)
  })

  it('is asked each time over UDP', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    phone.register()
    home.network.run(100)
    phone.call('bob')
    home.network.run(100)
    expect(home.notes.filter(note => note === 'challenged')).toHaveLength(2)
  })

  it('may name the server alone in the digest URI, but not another user', () => {
    const home = house()
    const phone = new SimPhone(home, { device: 'alice-1' })
    const ask = (uri: string): number => {
      phone.register()
      home.network.run(100)
      const challenge = responses(phone)
        .filter(response => response.status === 401)
        .at(-1)!
      const header = phone.credentials(challenge, 'INVITE', uri, 0x100)
      const before = responses(phone).length
      phone.request({
        method: 'INVITE',
        uri: 'sip:bob@lanline.local',
        to: '<sip:bob@lanline.local>',
        extra: [{ ...header, name: 'Proxy-Authorization' }],
        done: () => {},
      })
      home.network.run(100)
      return responses(phone)
        .slice(before)
        .find(response => response.status > 100)!.status
    }
    expect(ask('sip:10.0.0.1:5060')).toBe(480)
    expect(ask('sip:carol@10.0.0.1:5060')).toBe(407)
  })

  it('keeps its credentials to itself: they are not forwarded', () => {
    const home = house()
    const alice = new SimPhone(home, { device: 'alice-1' })
    const bob = new SimPhone(home, { device: 'bob-1' })
    bob.register()
    home.network.run(100)
    const foreign = { name: 'Proxy-Authorization', value: 'Digest realm="elsewhere", nonce="x"' }
    alice.call('bob', { extra: [foreign] })
    home.network.run(100)
    const fields = bob.incoming[0]!.request.headers.filter(field => field.name.endsWith('Authorization'))
    expect(fields).toEqual([foreign])
  })

  it('has nothing any more once its right ended', () => {
    const home = house()
    const alice = new SimPhone(home, { device: 'alice-1', transport: 'tls' })
    const bob = new SimPhone(home, { device: 'bob-1' })
    for (const phone of [alice, bob]) phone.register()
    home.network.run(100)
    bob.call('alice')
    home.network.run(100)
    home.revoke('alice-1')
    home.network.run(100)
    expect(home.machine.sizes.bindings).toBe(1)
    expect(home.rows.size).toBe(1)
    expect(home.callLog().at(-1)).toContain('ended')
    alice.connect()
    alice.register()
    home.network.run(100)
    expect(alice.statuses.at(-1)).toBe(401)
  })
})
