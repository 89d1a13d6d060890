import { describe, expect, it } from 'vitest'
import { readPeerWord } from '../../client/peerword.ts'
import { mediaFacts, type PeerStates } from '../../client/report.ts'
import { asDtlsServer, fingerprintOf, isBundled, withDefaultCandidates } from '../../client/sdp.ts'

const peer: PeerStates = {
  iceConnectionState: 'connected',
  iceGatheringState: 'complete',
  connectionState: 'connected',
  dtlsState: 'connected',
  localSdp: 'v=0\r\na=fingerprint:sha-256 aa:bb\r\n',
  remoteSdp: 'v=0\r\na=fingerprint:SHA-256 CC:DD\r\n',
  changes: [{ what: 'connection', to: 'connected', atMilliseconds: 900 }],
}

const localCandidate = {
  id: 'L',
  type: 'local-candidate',
  candidateType: 'host',
  address: '10.0.0.2',
  port: 5000,
  protocol: 'udp',
}
const remoteCandidate = {
  ...localCandidate,
  id: 'R',
  type: 'remote-candidate',
  address: '10.0.0.3',
  port: 6000,
}
const candidatePair = {
  id: 'P',
  type: 'candidate-pair',
  localCandidateId: 'L',
  remoteCandidateId: 'R',
  state: 'succeeded',
  nominated: true,
  currentRoundTripTime: 0.0021,
}
const pair = {
  localType: 'host',
  localAddress: '10.0.0.2',
  localPort: 5000,
  remoteType: 'host',
  remoteAddress: '10.0.0.3',
  remotePort: 6000,
  protocol: 'udp',
  rttMilliseconds: 2.1,
}

describe('facts of the media path', () => {
  it('reads Chromium: the transport names the pair and the certificates', () => {
    const facts = mediaFacts(
      [
        {
          id: 'T',
          type: 'transport',
          selectedCandidatePairId: 'P',
          dtlsState: 'connected',
          localCertificateId: 'CL',
          remoteCertificateId: 'CR',
          tlsVersion: 'FEFC',
          dtlsCipher: 'TLS_AES_128_GCM_SHA256',
          srtpCipher: 'AES128_CM_HMAC_SHA1_80',
        },
        { id: 'CL', type: 'certificate', fingerprint: '11:22', fingerprintAlgorithm: 'sha-256' },
        { id: 'CR', type: 'certificate', fingerprint: '33:44', fingerprintAlgorithm: 'sha-256' },
        {
          ...candidatePair,
          requestsSent: 9,
          responsesReceived: 8,
          requestsReceived: 7,
          responsesSent: 6,
        },
        { ...candidatePair, id: 'unused', state: 'waiting', nominated: false, requestsSent: 0 },
        localCandidate,
        remoteCandidate,
        {
          id: 'O',
          type: 'outbound-rtp',
          kind: 'audio',
          ssrc: 1,
          packetsSent: 50,
          bytesSent: 4_000,
          remoteId: 'RI',
        },
        { id: 'RI', type: 'remote-inbound-rtp', kind: 'audio', ssrc: 1, packetsLost: 2, jitter: 0.003 },
        {
          id: 'I',
          type: 'inbound-rtp',
          kind: 'video',
          ssrc: 2,
          packetsReceived: 70,
          bytesReceived: 9_000,
          packetsLost: -1,
          jitter: 0.004,
          framesDecoded: 30,
          freezeCount: 1,
        },
        {
          id: 'A',
          type: 'inbound-rtp',
          kind: 'audio',
          ssrc: 3,
          packetsReceived: 50,
          bytesReceived: 4_000,
          packetsLost: 0,
          jitter: 0.0012,
          totalSamplesReceived: 48_000,
          concealedSamples: 1_440,
          silentConcealedSamples: 480,
        },
      ],
      peer,
      1_234.6,
    )
    expect(facts).toEqual({
      atMilliseconds: 1_235,
      iceConnection: 'connected',
      iceGathering: 'complete',
      connection: 'connected',
      dtls: 'connected',
      localFingerprint: 'sha-256 11:22',
      remoteFingerprint: 'sha-256 33:44',
      pair,
      streams: [
        {
          ssrc: 1,
          kind: 'audio',
          direction: 'sent',
          packets: 50,
          bytes: 4_000,
          lost: 2,
          jitterMilliseconds: 3,
        },
        {
          ...{ ssrc: 2, kind: 'video', direction: 'received', packets: 70, bytes: 9_000, lost: 0 },
          ...{ jitterMilliseconds: 4, frames: 30, freezes: 1 },
        },
        {
          ...{ ssrc: 3, kind: 'audio', direction: 'received', packets: 50, bytes: 4_000, lost: 0 },
          ...{ jitterMilliseconds: 1.2, samples: 48_000, concealedSamples: 960 },
        },
      ],
      dtlsVersion: 'DTLS 1.3',
      dtlsCipher: 'TLS_AES_128_GCM_SHA256',
      srtpProfile: 'AES128_CM_HMAC_SHA1_80',
      relayProtocol: '',
      pairs: [
        {
          ...pair,
          state: 'succeeded',
          requestsSent: 9,
          responsesReceived: 8,
          requestsReceived: 7,
          responsesSent: 6,
        },
      ],
      changes: peer.changes,
    })
  })

  it('names a certificate as the description does where Chromium knows it by another hash function only', () => {
    const stats = [
      { id: 'T', type: 'transport', remoteCertificateId: 'CR' },
      { id: 'CR', type: 'certificate', fingerprint: '33:44', fingerprintAlgorithm: 'sha-1' },
    ]
    expect(mediaFacts(stats, peer, 1_000).remoteFingerprint).toBe('sha-256 CC:DD')
    expect(mediaFacts(stats, { ...peer, remoteSdp: '' }, 1_000).remoteFingerprint).toBe('sha-1 33:44')
  })

  it('reads Firefox: the pair marks itself, fingerprints come from the descriptions', () => {
    const facts = mediaFacts(
      [
        { id: 'T', type: 'transport', dtlsState: 'connected' },
        { ...candidatePair, id: 'old', selected: false, localCandidateId: 'x' },
        { ...candidatePair, selected: true },
        localCandidate,
        remoteCandidate,
      ],
      peer,
      0,
    )
    expect(facts.pair).toEqual(pair)
    expect(facts.localFingerprint).toBe('sha-256 AA:BB')
    expect(facts.remoteFingerprint).toBe('sha-256 CC:DD')
    // Nothing is made up for what it does not count.
    expect(Object.keys(facts.pairs.at(-1)!)).not.toContain('requestsSent')
    expect(facts).toMatchObject({ dtlsVersion: '', dtlsCipher: '', srtpProfile: '' })
  })

  it('reads werift: versions by name, jitter, and nothing of what it does not decode', () => {
    const facts = mediaFacts(
      [
        {
          ...{ id: 'T', type: 'transport', dtlsState: 'connected', selectedCandidatePairId: 'P' },
          ...{ tlsVersion: 'DTLS 1.2', dtlsCipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' },
          srtpCipher: 'AEAD_AES_128_GCM',
        },
        {
          ...{ ...candidatePair, requestsSent: 1, responsesReceived: 1, requestsReceived: 1 },
          ...{ responsesSent: 1, consentRequestsSent: 0 },
        },
        localCandidate,
        remoteCandidate,
        {
          ...{ id: 'I', type: 'inbound-rtp', kind: 'audio', ssrc: 3_562_467_924, jitter: 0.000_875 },
          ...{ packetsReceived: 50, bytesReceived: 4_000, packetsLost: 0 },
        },
      ],
      peer,
      0,
    )
    expect(facts).toMatchObject({ dtlsVersion: 'DTLS 1.2', srtpProfile: 'AEAD_AES_128_GCM' })
    expect(facts.pairs).toMatchObject([{ requestsSent: 1, responsesReceived: 1, requestsReceived: 1 }])
    expect(facts.streams).toEqual([
      {
        ...{ ssrc: 3_562_467_924, kind: 'audio', direction: 'received', packets: 50, bytes: 4_000 },
        ...{ lost: 0, jitterMilliseconds: 0.88 },
      },
    ])
  })

  it('takes the nominated pair where nobody names one, and the DTLS state of the transport object', () => {
    const facts = mediaFacts([candidatePair, localCandidate, remoteCandidate], peer, 0)
    expect(facts.pair).toEqual(pair)
    expect(facts.dtls).toBe('connected')
  })

  it('says nothing of a pair before there is one', () => {
    const facts = mediaFacts([{ ...candidatePair, nominated: false, state: 'in-progress' }], peer, 0)
    expect(facts.pair).toBeNull()
  })

  it('leaves addresses empty that the browser hides', () => {
    const hidden = { ...remoteCandidate, address: undefined }
    const facts = mediaFacts([candidatePair, localCandidate, hidden], peer, 0)
    expect(facts.pair!.remoteAddress).toBe('')
  })
})

describe('what the other client says', () => {
  it('is taken when it has the right shape', () => {
    expect(readPeerWord('{"type":"bye","reason":"mediaLost"}')).toEqual({ type: 'bye', reason: 'mediaLost' })
    expect(readPeerWord('{"type":"offer","sdp":"v=0"}')).toEqual({ type: 'offer', sdp: 'v=0' })
    expect(readPeerWord('{"type":"media","muted":true}')).toEqual({
      type: 'media',
      muted: true,
      camera: false,
      testSource: false,
      hold: false,
    })
  })

  it('may say of microphone and camera that they are lost, in these words alone', () => {
    const media = { type: 'media', muted: false, camera: false, testSource: false, hold: false }
    const lost = { microphoneLost: true, cameraLost: true }
    expect(readPeerWord(JSON.stringify({ ...media, ...lost }))).toEqual({ ...media, ...lost })
    const lies = { microphoneLost: '<b>', cameraLost: { toString: 1 }, speakerLost: true }
    expect(readPeerWord(JSON.stringify({ ...media, ...lies }))).toEqual(media)
  })

  it('cannot put foreign reasons into our records', () => {
    expect(readPeerWord('{"type":"bye","reason":"revoked"}')).toEqual({ type: 'bye', reason: 'hangup' })
  })

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"type":"offer"}',
    '{"type":"candidate","candidate":1}',
    '{"type":"x"}',
  ])('is ignored when it is %s', text => expect(readPeerWord(text)).toBeUndefined())

  it('is ignored when it is larger than any description', () => {
    expect(readPeerWord(JSON.stringify({ type: 'offer', sdp: 'x'.repeat(70_000) }))).toBeUndefined()
  })
})

describe('descriptions', () => {
  it('are read for BUNDLE and fingerprint', () => {
    const sdp = 'v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 RTP 0\r\nm=video 0 RTP 0\r\nm=application 0 x y\r\n'
    expect(isBundled(sdp)).toBe(true)
    expect(isBundled('v=0\r\n')).toBe(false)
    expect(fingerprintOf(sdp)).toBe('')
  })
})

describe('a description whose sections name no address yet', () => {
  const section = (port: number, address: string, ...candidates: string[]): string =>
    [
      `m=audio ${port} UDP/TLS/RTP/SAVPF 0`,
      `c=IN IP4 ${address}`,
      ...candidates.map(one => `a=candidate:${one}`),
      '',
    ].join('\r\n')
  const six = '1 1 udp 2130706431 fd00::1 4000 typ host'
  const four = '2 1 udp 2113937151 10.0.0.1 4001 typ host generation 0'

  it('gets its first IPv4 candidate as the default one', () => {
    const [v, filled] = ['v=0\r\n', section(4001, '10.0.0.1', six, four)]
    expect(withDefaultCandidates(v + section(9, '0.0.0.0', six, four))).toBe(v + filled)
    expect(withDefaultCandidates(v + section(9, '0.0.0.0', six))).toContain(
      'm=audio 4000 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP6 fd00::1',
    )
  })

  it('stays as it is where there is no candidate, an address already, or the section is refused', () => {
    for (const given of [
      section(9, '0.0.0.0'),
      section(4321, '10.0.0.9', four),
      section(0, '0.0.0.0', four),
    ]) {
      expect(withDefaultCandidates(given)).toBe(given)
    }
  })
})

describe('an answer for who knows no trickling', () => {
  it('lets them begin the DTLS handshake, in every section, and says nothing else anew', () => {
    const answerOf = (role: string): string =>
      [
        'v=0',
        'm=audio 9 UDP/TLS/RTP/SAVPF 0',
        `a=setup:${role}`,
        'm=video 9 UDP/TLS/RTP/SAVPF 96',
        `a=setup:${role}`,
        'a=x-setup:active',
        '',
      ].join('\r\n')
    expect(asDtlsServer(answerOf('active'))).toBe(answerOf('passive'))
    expect(asDtlsServer(answerOf('passive'))).toBe(answerOf('passive'))
  })
})
