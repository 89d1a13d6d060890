/** The relay: what it is, whom it serves now, and the owner's own grants. */
import { canonicalAddress } from '../../core/endpoint.ts'
import type { ManualOutcome } from '../../relay/message.ts'
import { HttpError } from '../errors.ts'
import type { RelayGrant } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route, userOf } from '../route.ts'
import * as schemas from '../schemas.ts'

type Deps = Pick<AppDeps, 'relay' | 'clock' | 'log'>

export function relayRoutes({ relay, clock, log }: Deps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/relay',
      who: 'owner',
      summary: 'The relay, and every grant there is now with what it has carried.',
      answers: { 200: schemas.relayState },
      handle: () => ({ status: 200, body: relay.state() }),
    }),
    route({
      method: 'POST',
      path: '/relay/grants',
      who: 'owner',
      summary:
        'Lets whoever comes from one address relay to another one, for so long, outside any call. It is logged.',
      body: schemas.relayGrantRequest,
      answers: { 201: schemas.relayGrant },
      handle: async call => {
        const { seconds } = call.body
        const peer = addressOf('peer', call.body.peer)
        const from = addressOf('for', call.body.for)
        const expiresAt = clock.epoch() + seconds * 1_000
        const outcome = await relay.grant({ peer, for: from, lifetimeMilliseconds: seconds * 1_000 })
        if (outcome.kind === 'refused') throw refusal(outcome.reason, peer)
        const { username, credential, urls } = outcome.servers[0]!
        const by = userOf(call.principal) ?? 'command line'
        log.warn('relayGrant', { grant: outcome.call, peer, for: from, seconds, by })
        const body: RelayGrant = { call: outcome.call, username, credential, urls, expiresAt }
        return { status: 201, body }
      },
    }),
    route({
      method: 'DELETE',
      path: '/relay/grants/:id',
      who: 'owner',
      summary: 'Ends a grant made here. That of a call ends when the call does.',
      answers: { 204: null },
      handle: call => {
        const grant = relay.state().grants.find(each => each.call === call.params.id)
        if (grant === undefined) throw new HttpError(404, 'notFound', 'there is no such grant')
        if (grant.reason !== 'manual') {
          throw new HttpError(409, 'ofACall', 'this is the grant of a call: it ends when the call does')
        }
        relay.close(grant.call)
        log.info('relayGrantEnded', { grant: grant.call, by: userOf(call.principal) ?? 'command line' })
        return { status: 204 }
      },
    }),
  ]
}

function addressOf(field: string, text: string): string {
  const address = canonicalAddress(text)
  if (address === undefined || text.includes('%')) {
    throw new HttpError(400, 'badBody', `${field}: not an IP address: ${JSON.stringify(text)}`)
  }
  return address
}

function refusal(reason: Extract<ManualOutcome, { kind: 'refused' }>['reason'], peer: string): HttpError {
  switch (reason) {
    case 'badPeer':
      return new HttpError(
        400,
        'badPeer',
        `nothing is ever relayed to ${peer}: a peer is another machine of the network, by its own address`,
      )
    case 'noWay':
      return new HttpError(
        400,
        'noWay',
        'the relay has no address that "for" could reach it by: not loopback, and not IPv6 without an IPv6 address here',
      )
    case 'full':
      return new HttpError(503, 'relayFull', 'the relay has as many grants as it can hold; try again later')
    case 'failed':
      return new HttpError(503, 'relayFailed', 'the relay does not answer; its log says why')
  }
}
