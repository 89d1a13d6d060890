/**
 * What we answer by ourselves, without state (RFC 3261 §8.2.7): a retransmission is simply answered again, a flood fills
 * nothing, and nothing is sent twice to an address that may be forged.
 */
import { hash } from 'node:crypto'
import { response } from './codec.ts'
import type { Incoming } from './incoming.ts'
import type { HeaderField } from './message.ts'
import type { Outbox } from './outbox.ts'
import { Recent } from './recent.ts'

const refusedRemembered = 20_000

const allowed =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PRACK, UPDATE, INFO, PUBLISH'

export class OwnAnswers {
  readonly #outbox: Outbox
  /** INVITEs in a dialog that were refused here: their ACKs are no one else's. By a hash, since keys are as long as sent. */
  readonly #refused = new Recent<true>(refusedRemembered)

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  send(incoming: Incoming, status: number, reason: string, extra: readonly HeaderField[] = []): void {
    const { request, replyTo } = incoming
    // Inside a dialog the ACK to a refused INVITE has to be told from one that belongs to the other party.
    if (request.method === 'INVITE' && incoming.toTag !== undefined) {
      this.#refused.set(hash('md5', incoming.key), true)
    }
    this.#outbox.send(replyTo, response(request, status, reason, extra, tagOf(incoming)))
  }

  /** §11.2, asked of ourselves. Phones ping with it before they have a name, so it is not challenged. */
  options(incoming: Incoming): void {
    this.send(incoming, 200, 'OK', [
      { name: 'Allow', value: allowed },
      { name: 'Accept', value: 'application/sdp' },
      { name: 'Supported', value: 'path, outbound' },
    ])
  }

  /** Whether an ACK is to a refusal in a dialog. */
  isAckOfRefusal(ack: Incoming): boolean {
    return this.#refused.size > 0 && this.#refused.get(hash('md5', ack.key)) !== undefined
  }

  /** Whether a message in a dialog has the To tag that we gave a refusal. */
  hasOurTag(incoming: Incoming): boolean {
    return incoming.toTag === tagOf(incoming)
  }
}

/** The ACK to a refusal shows by it whose it was. */
const tagOf = ({ key, callId }: Incoming): string => hash('md5', `${key}${callId}`).slice(0, 16)
