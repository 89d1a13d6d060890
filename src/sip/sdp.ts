/** What is read of a description (RFC 8866) on its way: it passes unchanged. */

/** True when it offers or answers video with a port other than zero (RFC 3264 §6). */
export const hasVideo = (sdp: string): boolean => /^m=video [1-9]/m.test(sdp)
