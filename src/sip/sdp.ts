/** What is read of a description (RFC 8866) on its way: it passes unchanged. */

/** True when it offers or answers video: on a port, or bundled with what has one (RFC 3264 §6, RFC 9143 §6). */
export const hasVideo = (sdp: string): boolean =>
  sdp.split(/^(?=m=)/m).some(section => /^m=video ([1-9]|0 [\s\S]*^a=bundle-only)/m.test(section))
