/** werift as it is, two of it on the loopback: what `client/werift.ts` makes it bear. */
import { afterEach, describe, expect, it } from 'vitest'
import {
  MediaStreamTrack,
  type PeerConfig,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RtpHeader,
  RtpPacket,
} from 'werift'
import { environment } from '../../client/env.ts'
import { Peer } from '../../client/peer.ts'
import { asWeriftReads, prepareTransports, weriftMedia } from '../../client/werift.ts'

const open: RTCPeerConnection[] = []
afterEach(() => Promise.all(open.splice(0).map(connection => connection.close())))

const loopback: Partial<PeerConfig> = {
  iceUseIpv6: false,
  iceAdditionalHostAddresses: ['127.0.0.1'],
  iceFilterCandidatePair: pair => pair.localCandidate.host === '127.0.0.1',
}

function make(): RTCPeerConnection {
  const connection = new RTCPeerConnection({ iceServers: [], ...loopback })
  open.push(connection)
  return connection
}

/** Everything arrives twice, as when an answer was late and was asked for again. */
function twice(connection: RTCPeerConnection): void {
  for (const { connection: ice } of connection.iceTransports) {
    const once = ice.onData.execute
    ice.onData.execute = packet => {
      once(packet)
      once(packet)
    }
  }
}

/** How both ends' DTLS came out. */
async function connect(prepare: (connection: RTCPeerConnection) => void): Promise<string[]> {
  const [caller, callee] = [make(), make()]
  caller.createDataChannel('any')
  await caller.setLocalDescription(await caller.createOffer())
  await callee.setRemoteDescription(caller.localDescription!)
  await callee.setLocalDescription(await callee.createAnswer())
  for (const connection of [caller, callee]) {
    prepare(connection)
    twice(connection)
  }
  const settled = [caller, callee].map(
    ({ dtlsTransports: [dtls] }) =>
      new Promise<string>(resolve => {
        dtls!.onStateChange.subscribe(
          state => (state === 'connected' || state === 'failed') && resolve(state),
        )
      }),
  )
  await caller.setRemoteDescription(callee.localDescription!)
  return Promise.all(settled)
}

describe('werift whose packets come twice', () => {
  it('connects with its transports prepared', async () => {
    expect(await connect(prepareTransports)).toEqual(['connected', 'connected'])
  })

  it('fails at the second HelloVerifyRequest as it comes: what is mended is still to be mended', async () => {
    expect(await connect(() => {})).toContain('failed')
  })
})

describe('one track of werift in two calls', () => {
  const packet = () => new RtpPacket(new RtpHeader({ payloadType: 0 }), Buffer.from([1, 2, 3, 4]))
  async function two(mimeType: string) {
    const audio = new MediaStreamTrack({ kind: 'audio' })
    const openMedia = weriftMedia({ audio })
    const opened = [await openMedia({ video: false }), await openMedia({ video: false })]
    const sent: (readonly number[])[][] = [[], []]
    const tracks = opened.map((media, index) => {
      const track = media.audio as never as MediaStreamTrack
      track.codec = new RTCRtpCodecParameters({ mimeType, clockRate: 8_000, channels: 1, payloadType: 0 })
      track.onReceiveRtp.subscribe(({ payload }) => sent[index]!.push([...payload]))
      return track
    })
    return { audio, opened, tracks, sent }
  }

  it.each([
    ['audio/PCMU', [[255, 255, 255, 255]]],
    ['audio/PCMA', [[213, 213, 213, 213]]],
    ['audio/opus', [[248, 255, 254]]],
    ['audio/G722', []],
  ])('is silent in the one that is on hold (%s), and heard in the other', async (mimeType, silence) => {
    const { audio, tracks, sent } = await two(mimeType)
    tracks[0]!.enabled = false
    audio.writeRtp(packet())
    expect(sent).toEqual([silence, [[1, 2, 3, 4]]])
    tracks[0]!.enabled = true
    audio.writeRtp(packet())
    expect(sent[0]!.at(-1)).toEqual([1, 2, 3, 4])
  })

  it('goes on when one of them ends', async () => {
    const { audio, opened, sent } = await two('audio/PCMU')
    opened[0]!.release()
    audio.writeRtp(packet())
    expect([audio.stopped, sent]).toEqual([false, [[], [[1, 2, 3, 4]]]])
  })
})

describe('what a peer on werift tells of ICE', () => {
  it('is checking, then connected: not what werift says while it gathers', async () => {
    const said: string[][] = [[], []]
    const audio = new MediaStreamTrack({ kind: 'audio' }) as never
    const peerOf = (says: string[]): Peer => {
      class Connection extends RTCPeerConnection {
        constructor(given: object) {
          super({ ...given, ...loopback })
          open.push(this)
          this.iceConnectionStateChange.subscribe(state => says.push(state))
        }
      }
      const env = environment({ RTCPeerConnection: Connection as never })
      return new Peer(env, env.now(), 'max-bundle', { candidate: () => {}, changed: () => {} })
    }
    const [caller, callee] = [peerOf(said[0]!), peerOf(said[1]!)]
    caller.sections.add({ audio } as never, false)
    await callee.takeOffer(await caller.offer({ restart: false, wait: true }))
    await callee.sections.fill({ audio } as never)
    await caller.takeAnswer(await callee.answer({ wait: true }))
    await expect.poll(() => [caller.flowing, callee.flowing], { timeout: 10_000 }).toEqual(['yes', 'yes'])

    const told = await Promise.all([caller, callee].map(async peer => (await peer.facts()).changes))
    expect(
      told.map(changes => changes.filter(({ what }) => what === 'iceConnection').map(({ to }) => to)),
    ).toEqual([
      ['checking', 'connected'],
      ['checking', 'connected'],
    ])
    // That it is still to be mended.
    expect(
      said.every(
        states => states.indexOf('completed') < states.indexOf('connected') && states.includes('completed'),
      ),
    ).toBe(true)
  })
})

describe('candidates that name a host', () => {
  const names = ['spy.example.com', 'spy.local.example.com', 'a.b.local', 'localhost', '1.2.3', 'x:y']
  const addresses = ['10.0.0.7', 'fd00::7', '3f7bd3b2-0e4c-4a3d-9a5f-7d3f5c3a1e11.local']
  const lineOf = (address: string, at: number): string =>
    `candidate:${at} 1 udp 2130706431 ${address} 9 typ host`

  it('are none in what werift reads, so that nobody is looked up because a peer writes it', () => {
    const lines = [...names, ...addresses].map((address, at) => `a=${lineOf(address, at)}`)
    const read = asWeriftReads(
      ['v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', ...lines, ''].join('\r\n'),
    )
    expect([...read.matchAll(/^a=candidate:(?:\S+ ){4}(\S+)/gm)].map(([, address]) => address)).toEqual(
      addresses,
    )
  })

  it('are left out when they come later, too', async () => {
    const [caller, callee] = [make(), make()]
    caller.createDataChannel('any')
    await caller.setLocalDescription(await caller.createOffer())
    const { type, sdp } = caller.localDescription!
    // As one that trickles sends it.
    await callee.setRemoteDescription({
      type,
      sdp: sdp.replace(/^a=(candidate|end-of-candidates).*\r\n/gm, ''),
    })
    prepareTransports(callee)
    await callee.setLocalDescription(await callee.createAnswer())
    for (const [at, address] of [...names, '10.0.0.7'].entries())
      await callee.addIceCandidate({ candidate: lineOf(address, at), sdpMid: '0', sdpMLineIndex: 0 })
    const hosts = callee.iceTransports[0]!.connection.remoteCandidates.map(({ host }) => host)
    expect(hosts).toContain('10.0.0.7')
    expect(hosts.filter(host => names.includes(host))).toEqual([])
  })
})

describe('a connection that was given no server', () => {
  const serversOf = (connection: RTCPeerConnection): unknown[] =>
    connection.iceTransports.map(({ connection: ice }) => ice.stunServer)

  it('asks none: as it comes, werift asks one on the internet', () => {
    const connection = make()
    connection.createDataChannel('any')
    expect(serversOf(connection)).toEqual([['stun.l.google.com', 19_302]])
    prepareTransports(connection)
    expect(serversOf(connection)).toEqual([undefined])
    connection.setConfiguration({ iceServers: [] })
    expect(serversOf(connection)).toEqual([undefined])
  })

  it('asks the one that it is given later', () => {
    const connection = make()
    connection.createDataChannel('any')
    prepareTransports(connection)
    connection.setConfiguration({ iceServers: [{ urls: 'stun:10.0.0.1:3478' }] })
    expect(serversOf(connection)).toEqual([['10.0.0.1', 3_478]])
  })
})
