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
