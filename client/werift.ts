import type { RTCPeerConnection } from 'werift'

/**
 * Descriptions of others as werift reads them. SIP phones that know no BUNDLE name no section (RFC 5888): werift takes no
 * notice of such ones. A data channel that is refused (port 0, RFC 3264 §6) it waits for without end; taken out of the
 * answer it is not missed. To be used with the bundle policy `max-bundle`, or the refused channel's transport is waited
 * for as well.
 */
export function asWeriftReads(sdp: string): string {
  const [session = '', ...sections] = sdp.split(/^(?=m=)/m)
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

/** How often is looked, as often as werift looks at its own checks; and how long at most. */
const lookMilliseconds = 20
const mostLooks = 1_500

const patient = new WeakSet<object>()

/**
 * werift gives a path up at once when there is nothing to check in the moment it begins. A browser's candidates may come
 * after its description, and hidden addresses must be looked up first: with this it waits for the first candidate, or for
 * the other side's first check. To be called before each description that could begin ICE; once is enough for a transport.
 */
export function waitForCandidates(connection: Pick<RTCPeerConnection, 'iceTransports'>): void {
  for (const { connection: ice } of connection.iceTransports) {
    if (patient.has(ice)) continue
    patient.add(ice)
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
}
