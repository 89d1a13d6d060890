/** How a call goes, by what its parties told until now; its verdict is made when it is over. */
import type { CallRow } from '../../../src/calls/message.ts'

export function pathNow(call: Pick<CallRow, 'callerPair' | 'calleePair'>): 'direct' | 'relayed' | 'unknown' {
  const pairs = [call.callerPair, call.calleePair].filter(pair => pair != null)
  if (pairs.length === 0) return 'unknown'
  const relays = pairs.some(pair => pair.localType === 'relay' || pair.remoteType === 'relay')
  return relays ? 'relayed' : 'direct'
}
