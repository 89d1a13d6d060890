import { SipReader } from '../../src/trace/sip-text.ts'

/** The message as it may be kept, by a reader that has read no other. */
export const redactSip = (bytes: Uint8Array): string => new SipReader().text(bytes)
