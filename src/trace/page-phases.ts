/** What each phase of a ladder is, for somebody who reads one for the first time. */
import type { Ladder, Phase } from './ladder.ts'
import { phaseNames } from './ladder.ts'

const notes: Partial<Record<Phase, string>> = {
  signalling:
    'Offer and answer (SDP, RFC 3264) go by way of lanline, unchanged: what each end can receive, the fingerprint of its certificate, its ice-ufrag, and who begins DTLS (a=setup).',
  connectivity:
    'RFC 8445. STUN requests from each address to each of the other’s; only who knows the other’s ice-pwd can answer. Of the pairs that were answered, the end that controls nominates one. Checks go on on it, to ask whether the other still wants to hear (RFC 7675).',
  encryption:
    'RFC 6347, RFC 9147. A handshake on that pair, begun by the end whose a=setup is active. Each end compares the other’s certificate with the fingerprint in SDP (RFC 8122); the profile of SRTP is agreed on in it (RFC 5764).',
  media:
    'RFC 3711. Sound and picture on the same pair, under keys that the two ends derive from that handshake; lanline has none of them.',
  relay:
    'RFC 8656. Where no direct pair answers, lanline may lend each end an address, for this call and these two. What passes there is encrypted between the ends as before.',
}

/** Names and notes of the phases that the ladder has, in the order in which they come first. */
export function phaseNotesOf({ phases }: Ladder): (readonly [string, string])[] {
  return [...new Set(phases.map(({ phase }) => phase))].flatMap(phase => {
    const note = notes[phase]
    return note === undefined ? [] : [[phaseNames[phase], note] as const]
  })
}
