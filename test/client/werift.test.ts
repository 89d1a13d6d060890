/** werift as it is, two of it on the loopback: what `client/werift.ts` makes it bear. */
import { afterEach, describe, expect, it } from 'vitest'
import { RTCPeerConnection } from 'werift'
import { prepareTransports } from '../../client/werift.ts'

const open: RTCPeerConnection[] = []
afterEach(() => Promise.all(open.splice(0).map(connection => connection.close())))

function make(): RTCPeerConnection {
  const connection = new RTCPeerConnection({
    ...{ iceServers: [], iceUseIpv6: false, iceAdditionalHostAddresses: ['127.0.0.1'] },
    iceFilterCandidatePair: pair => pair.localCandidate.host === '127.0.0.1',
  })
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
