/** What werift, a WebRTC stack for Node, needs to get along with browsers, SIP phones and itself. No page loads it. */
import type { RTCPeerConnection, MediaStreamTrack as WeriftTrack } from 'werift'
import { fixedMedia, type OpenMedia } from './media.ts'

/**
 * Descriptions of others as werift reads them. SIP phones that know no BUNDLE name no section (RFC 5888): werift takes no
 * notice of such ones. A data channel that is refused (port 0, RFC 3264 §6) it waits for without end; taken out of the
 * answer it is not missed. To be used with the bundle policy `max-bundle`, or the refused channel's transport is waited
 * for as well. Candidates that name a host are taken out: werift would ask the name server for it.
 */
export function asWeriftReads(sdp: string): string {
  const [session = '', ...sections] = withoutNames(sdp).split(/^(?=m=)/m)
  return (
    session +
    sections
      .map(named)
      .filter(section => !/^m=application 0 /.test(section))
      .join('')
  )
}

const named = (section: string, index: number): string =>
  /^a=mid:/m.test(section) ? section : `${section.trimEnd()}\r\na=mid:${index}\r\n`

const withoutNames = (sdp: string): string =>
  sdp.replace(/^a=candidate:(?:\S+ ){4}(\S+).*(?:\r?\n|$)/gm, (line, host: string) =>
    isAddress(host) ? line : '',
  )

/** An address, or one that a browser hides (RFC 8828): that is looked up by mDNS, on the LAN alone. */
const isAddress = (host: string): boolean =>
  /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]+|[0-9a-z-]{1,63}\.local)$/i.test(host)

/** How often is looked, as often as werift looks at its own checks; and how long at most. */
const lookMilliseconds = 20
const mostLooks = 1_500

type Ice = RTCPeerConnection['iceTransports'][number]['connection']

const prepared = new WeakSet<object>()

/**
 * Makes werift's transports ask no server but those they are given, wait for candidates, take none that names a host, and
 * take one HelloVerifyRequest. To be called before each description that
 * could begin ICE, and after an offer; once is enough for a transport.
 */
export function prepareTransports(connection: Pick<RTCPeerConnection, 'iceTransports'>): void {
  for (const { connection: ice } of connection.iceTransports) {
    if (prepared.has(ice)) continue
    prepared.add(ice)
    askNoStranger(ice)
    takeAddressesOnly(ice)
    waitForCandidates(ice)
    takeOneHelloVerify(ice)
  }
}

/** Where none is given werift asks a STUN server on the internet, whatever `iceServers` says. */
function askNoStranger(ice: Ice): void {
  let { stunServer } = ice
  Object.defineProperty(ice, 'stunServer', {
    get: () => (stunServer?.[0] === weriftsOwn ? undefined : stunServer),
    set: (server: typeof stunServer) => {
      stunServer = server
    },
  })
}

const weriftsOwn = 'stun.l.google.com'

function takeAddressesOnly(ice: Ice): void {
  const add = ice.addRemoteCandidate.bind(ice)
  ice.addRemoteCandidate = async candidate => {
    if (candidate === undefined || isAddress(candidate.host)) await add(candidate)
  }
}

/**
 * werift gives a path up at once when there is nothing to check in the moment it begins. A browser's candidates may come
 * after its description, and hidden addresses must be looked up first: with this it waits for the first candidate, or for
 * the other side's first check.
 */
function waitForCandidates(ice: Ice): void {
  const connect = ice.connect.bind(ice)
  ice.connect = async () => {
    const { generation } = ice
    const checks = ice as unknown as { readonly earlyChecks: readonly unknown[] }
    for (let look = 0; look < mostLooks; look++) {
      if (ice.remoteCandidates.length > 0 || checks.earlyChecks.length > 0 || ice.state === 'closed') break
      await new Promise(resolve => setTimeout(resolve, lookMilliseconds))
      // After a restart werift begins anew and leaves the attempt before alone, waiting for ever.
      if (ice.generation !== generation) return new Promise(() => {})
    }
    return connect()
  }
}

/** A record of DTLS that holds a HelloVerifyRequest, in clear (RFC 6347 §4.2.1). */
const isHelloVerifyRequest = (packet: Buffer): boolean => packet[0] === 22 && packet[13] === 3

/**
 * werift sends its first ClientHello again after half a second, and fails when that one is answered as well. On a slow
 * board, or with a packet that was late, two ends that are both werift would never hear each other.
 */
function takeOneHelloVerify(ice: Ice): void {
  const execute = ice.onData.execute
  let isTaken = false
  ice.onData.execute = packet => {
    if (isHelloVerifyRequest(packet)) {
      if (isTaken) return
      isTaken = true
    }
    execute(packet)
  }
}

/** Tracks of werift, for a phone: copies as of `fixedMedia`, which are silent while they are not `enabled`. */
export const weriftMedia = (tracks: {
  readonly audio?: WeriftTrack | undefined
  readonly video?: WeriftTrack | undefined
}): OpenMedia => fixedMedia(tracks as Tracks, copy => silenceWhileDisabled(copy as unknown as WeriftTrack))

type Tracks = Parameters<typeof fixedMedia>[0]

/** A packet's payload of silence, by codec: G.711, and Opus of 20 ms. */
const silences: Readonly<Record<string, (length: number) => Buffer>> = {
  'audio/pcmu': length => Buffer.alloc(length, 0xff),
  'audio/pcma': length => Buffer.alloc(length, 0xd5),
  'audio/opus': () => Buffer.from([0xf8, 0xff, 0xfe]),
}

/**
 * werift sends what a track gets whether it is `enabled` or not. With this it sends silence then, as browsers do; of codecs whose
 * silence is not known, nothing.
 */
function silenceWhileDisabled(track: WeriftTrack): void {
  const apply = track.applyIncomingRtp.bind(track)
  track.applyIncomingRtp = (packet, extensions) => {
    if (track.enabled) return apply(packet, extensions)
    const silence = silences[track.codec?.mimeType.toLowerCase() ?? '']
    if (silence === undefined) return
    packet.payload = silence(packet.payload.length)
    apply(packet, extensions)
  }
}
