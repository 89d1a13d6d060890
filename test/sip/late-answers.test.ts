/** Who picks up what rang when the appliance was restarted. */
import { describe, expect, it } from 'vitest'
import { first, values } from '../../src/sip/codec.ts'
import type { SipResponse } from '../../src/sip/message.ts'
import { SimClient } from '../sim/client.ts'
import { SimExchange } from '../sim/exchange.ts'
import { SimHouse } from '../sim/house.ts'
import { SimNetwork } from '../sim/network.ts'
import { type PhoneOptions, SimPhone } from '../sim/phone.ts'

const house = () => new SimHouse(new SimNetwork(1), ['alice', 'bob', 'carol'])

function registered(home: SimHouse, device: string, options: Omit<PhoneOptions, 'device'> = {}): SimPhone {
  const phone = new SimPhone(home, { device, ...options })
  phone.register()
  home.network.run(100)
  return phone
}

/** The appliance is gone for a moment; who has a connection opens it again and registers. */
function restart(home: SimHouse, ...phones: readonly SimPhone[]): void {
  home.stop()
  home.network.run(2_000)
  home.start()
  for (const phone of phones) {
    if (phone.transport !== 'udp') phone.connect()
    phone.register()
  }
  home.network.run(500)
}

describe('a telephone that rang when the appliance was restarted', () => {
  it.each([
    ['udp', 'udp'],
    ['tcp', 'udp'],
    ['udp', 'tls'],
    ['wss', 'tcp'],
  ] as const)('is answered: who called over %s hears so, and either hangs up (called over %s)', (over, at) => {
    for (const ends of ['caller', 'callee']) {
      const home = house()
      const alice = registered(home, 'alice-1', { transport: over })
      const bob = registered(home, 'bob-1', { transport: at })
      const call = alice.call('bob')
      home.network.run(200)
      expect(call.statuses).toContain(180)
      restart(home, alice, bob)
      bob.pickUp()
      home.network.run(3_000)
      expect(call.final).toBe(200)
      // It was acknowledged, so the 200 was not repeated.
      expect(bob.requests).toEqual(['INVITE', 'ACK'])
      expect(home.callLog()).toEqual(['started', 'ringing', 'answered'])
      expect(home.calls[2]).toMatchObject({ callee: { user: 'bob', device: 'bob-1' } })
      if (ends === 'caller') alice.hangUp(call.dialog!)
      else bob.hangUp(bob.incoming[0]!.dialog!)
      home.network.run(500)
      expect((ends === 'caller' ? bob : alice).requests).toContain('BYE')
      expect(home.callLog()).toEqual(['started', 'ringing', 'answered', `ended ${ends} 0 hangup`])
      home.network.run(120_000)
      expect(home.machine.sizes).toMatchObject({ serverTransactions: 0, clientTransactions: 0, branches: 0 })
    }
  })

  it('is let go at once where the one beside it was quicker', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const other = registered(home, 'bob-2')
    const call = alice.call('bob')
    home.network.run(200)
    restart(home, alice, bob, other)
    bob.pickUp()
    home.network.run(1_000)
    other.pickUp()
    home.network.run(1_000)
    expect(other.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(bob.requests).toEqual(['INVITE', 'ACK'])
    expect(call.responses.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(home.callLog().filter(kind => kind === 'answered')).toHaveLength(1)
  })

  it('is let go at once where nobody is left who called, and once only', () => {
    const home = house()
    const alice = registered(home, 'alice-1', { transport: 'wss' })
    const bob = registered(home, 'bob-1')
    alice.call('bob')
    home.network.run(200)
    restart(home, bob)
    bob.pickUp()
    home.network.run(5_000)
    expect(bob.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    const bye = bob.received.find(one => one.kind === 'request' && one.method === 'BYE')!
    expect(first(bye, 'Reason')).toContain('lost')
    expect(home.callLog()).not.toContain('answered')
  })

  it('is let go at once where the log has the call as over', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const call = alice.call('bob')
    home.network.run(200)
    restart(home, alice, bob)
    home.ongoing = () => undefined
    bob.pickUp()
    home.network.run(1_000)
    expect(bob.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    expect(call.final).toBe(undefined)
  })

  it('and had answered before is heard all the same by who had not heard it; that is told once', () => {
    const home = house()
    const alice = registered(home, 'alice-1')
    const bob = registered(home, 'bob-1')
    const call = alice.call('bob')
    home.network.run(200)
    alice.deaf = true
    bob.pickUp()
    home.network.run(200)
    alice.deaf = false
    restart(home)
    home.network.run(4_000)
    expect(call.final).toBe(200)
    expect(bob.requests).toEqual(['INVITE', 'ACK'])
    expect(home.callLog()).toEqual(['started', 'ringing', 'answered'])
  })

  it('is let go at once where the page that called forgot it with the appliance', () => {
    const network = new SimNetwork(1)
    const exchange = new SimExchange(network, ['alice', 'bob'])
    const alice = new SimClient(exchange, 'alice-5')
    alice.connect()
    const bob = registered(exchange.house, 'bob-1')
    network.run(1_000)
    alice.call('bob')
    network.run(1_000)
    exchange.stop()
    network.run(2_000)
    exchange.start()
    network.run(3_000)
    bob.pickUp()
    network.run(3_000)
    expect(bob.requests).toEqual(['INVITE', 'ACK', 'BYE'])
    network.run(120_000)
    expect([...exchange.rows.values()].map(({ endedAt }) => typeof endedAt)).toEqual(['number'])
    expect(exchange.leftovers()).toEqual({})
  })

  it('is not heard where it is somebody else who answers, or in another call', () => {
    for (const how of ['elsewhere', 'otherCall']) {
      const home = house()
      const alice = registered(home, 'alice-1')
      const bob = registered(home, 'bob-1')
      const carol = registered(home, 'carol-1')
      const call = alice.call('bob')
      home.network.run(200)
      restart(home, alice, bob, carol)
      const { request } = bob.incoming[0]!
      const kept = ['Via', 'From', 'Call-ID', 'CSeq', 'Record-Route']
      const answer: SipResponse = {
        ...{ kind: 'response', status: 200, reason: 'OK' },
        headers: [
          ...request.headers
            .filter(({ name }) => kept.includes(name))
            .map(field =>
              how === 'otherCall' && field.name === 'Call-ID' ? { ...field, value: 'x' } : field,
            ),
          { name: 'To', value: `${first(request, 'To')};tag=1` },
          { name: 'Contact', value: bob.contact },
        ],
        body: new Uint8Array(0),
      }
      expect(values(answer, 'Record-Route')).toHaveLength(2)
      ;(how === 'elsewhere' ? carol : bob).send(answer)
      home.network.run(1_000)
      expect(call.final).toBe(undefined)
      expect([...bob.requests, ...carol.requests]).toEqual(['INVITE'])
      expect(home.callLog()).not.toContain('answered')
      expect(home.notes.at(-1)).toMatch(/strayResponse/)
    }
  })
})
