/**
 * Datagrams that claim to come from port 0: nobody has that port and nothing can be sent there, but whoever may write
 * packets of their own can reach every socket of the appliance with them.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encode as encodeMdns } from '../../src/mdns/codec.ts'
import { encode } from '../../src/stun/codec.ts'
import { stunType } from '../../src/stun/message.ts'
import { request } from '../interop/raw-sip.ts'
import { Daemon } from './daemon.ts'
import { Lan, must } from './lan.ts'
import { describeWith } from './peers.ts'
import { FarHost, type FarSocket } from './sockets.ts'
import { until } from './wait.ts'

const fromNowhere = 4_000
const forge = `table inet forge {
  chain output { type filter hook output priority 0; udp sport ${fromNowhere} udp sport set 0; }
}`

const binding = encode({ type: stunType.bindingRequest, transaction: new Uint8Array(12).fill(7) })
const options = Buffer.from(
  request({ method: 'OPTIONS', uri: 'sip:10.77.0.11', from: '<sip:a@b>', to: '<sip:10.77.0.11>' }),
)
const question = encodeMdns({
  ...{ id: 7, response: false, truncated: false, answers: [], authorities: [], additionals: [] },
  questions: [{ name: ['lanline', 'local'], type: 1, class: 1, unicast: true }],
})

describeWith(['namespaces', 'nft'], 'a datagram from port 0', () => {
  let lan: Lan
  let daemon: Daemon
  let forged: FarSocket
  let honest: FarSocket

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'mallory'], names: { 'lanline.local': 'pi' } })
    daemon = new Daemon(lan.host('pi'))
    await daemon.start()
    await must(lan.host('mallory').exec('nft', ['-f', '-'], forge))
    const mallory = new FarHost(lan.host('mallory'))
    forged = await mallory.udp({ port: fromNowhere })
    honest = await mallory.udp()
  })

  afterAll(async () => {
    await daemon?.stop()
    lan?.remove()
  })

  it.each([
    ['STUN to the SIP port', binding, 5_060],
    ['SIP', options, 5_060],
    ['STUN to the relay', binding, 3_478],
    ['mDNS', question, 5_353],
  ])('%s is left unanswered, and the next one is answered', async (_, bytes, port) => {
    const to = { address: '10.77.0.11', port }
    honest.received.length = 0
    forged.send(bytes, to)
    const asked = (): boolean => {
      // Names are told only once they are had.
      if (honest.received.length === 0) honest.send(bytes, to)
      return honest.received.length > 0
    }
    await until('the honest one is answered', asked, { seconds: 5, everyMilliseconds: 200 })
    expect(daemon.output).not.toContain('"event":"fault"')
  })
})
