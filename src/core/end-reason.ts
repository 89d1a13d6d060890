/** Why a call ended, in one stable word: what clients say and hear, what SIP's Reason carries, what the call log keeps. */
export const endReasons = [
  'hangup',
  'declined',
  'busy',
  'cancelled',
  'noAnswer',
  'answeredElsewhere',
  'unreachable',
  'doNotDisturb',
  'notFound',
  'mediaLost',
  'mediaFailed',
  'lost',
  'revoked',
  'guestOver',
  'failed',
] as const

export type EndReason = (typeof endReasons)[number]

const known: ReadonlySet<string> = new Set(endReasons)

export const isEndReason = (text: string): text is EndReason => known.has(text)
