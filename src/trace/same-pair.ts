/**
 * RFC 8445 §7.3.1.3: a check may arrive before its candidate does, and then seems to come from a peer-reflexive one, whose
 * address browsers keep to themselves. Once the candidate is there the same pair goes by its name.
 */
import type { SelectedPair } from '../calls/message.ts'

/** Whether `now` is the remote end that was told of as `before`. Ends as `host 192.0.2.1:5000`. */
export function isNamedSince(before: string, now: string): boolean {
  const [was, is] = [endOf(before), endOf(now)]
  if (was?.type !== 'prflx' || is === undefined || is.type === 'prflx' || was.port !== is.port) return false
  return was.address === 'hidden' || was.address === is.address
}

/** Whether a pair that an end selected is the one before, told again or under its name. */
export const isSamePair = (before: SelectedPair, now: SelectedPair): boolean =>
  before.localType === now.localType &&
  before.localAddress === now.localAddress &&
  before.localPort === now.localPort &&
  before.remotePort === now.remotePort &&
  before.protocol === now.protocol &&
  (before.remoteType === now.remoteType
    ? before.remoteAddress === now.remoteAddress
    : before.remoteType === 'prflx' &&
      now.remoteType !== 'relay' &&
      (before.remoteAddress === '' || before.remoteAddress === now.remoteAddress))

function endOf(end: string) {
  const [, type = '', address = '', port = ''] = /^(\S+) (\S+):(\d+)$/.exec(end) ?? []
  return type === '' ? undefined : { type, address, port }
}
