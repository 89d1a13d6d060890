/**
 * The dialog token: all that is needed to go on with an established dialog after the daemon was restarted, kept by the
 * client. Authenticated (HMAC-SHA256 under the persisted token key) and bound to the device, so that a client can
 * neither change it nor use another's. Not encrypted: the client knows all of it anyway. Descriptions are not inside:
 * they are large, and a client that comes back may make a new offer.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { agentLimits, type Call, newCall, newDialog } from './agent-call.ts'

/** How far CSeq jumps on a restore, so that requests sent after the token was made are not repeated by number. */
export const restoreJump = 1_000
/** A new token is given before this many requests were sent since the last one. */
export const renewEvery = restoreJump / 2

interface Content {
  readonly v: 1
  readonly device: string
  readonly user: string
  readonly key: string
  readonly callId: string
  readonly role: 'caller' | 'callee'
  readonly localTag: string
  readonly remoteTag: string
  readonly local: string
  readonly remote: string
  readonly peerUser: string
  readonly peerName: string
  readonly video: boolean
  readonly seq: number
  readonly target: string
  readonly routes: readonly string[]
  readonly trickle: boolean
}

/** Undefined when the call has no dialog or its state does not fit into a token. */
export function formatToken(call: Call, key: Uint8Array): string | undefined {
  const dialog = call.dialog
  if (dialog === undefined) return undefined
  const content: Content = {
    v: 1,
    device: call.device,
    user: call.user,
    key: call.key,
    callId: call.callId,
    role: call.role,
    localTag: call.localTag,
    remoteTag: dialog.remoteTag,
    local: call.local,
    remote: call.remote,
    peerUser: call.peer.user,
    peerName: call.peer.displayName,
    video: call.video,
    seq: call.localSeq,
    target: dialog.target,
    routes: dialog.routes,
    trickle: dialog.trickle,
  }
  const body = Buffer.from(JSON.stringify(content)).toString('base64url')
  const token = `${body}.${sign(body, key)}`
  return token.length <= agentLimits.tokenCharacters ? token : undefined
}

/** The call a token stands for, established, with its CSeq moved on; undefined when it is not ours or not `device`'s. */
export function parseToken(token: string, device: string, key: Uint8Array): Call | undefined {
  if (token.length > agentLimits.tokenCharacters) return undefined
  const dot = token.indexOf('.')
  if (dot < 0) return undefined
  const body = token.slice(0, dot)
  const given = Buffer.from(token.slice(dot + 1))
  const right = Buffer.from(sign(body, key))
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined
  // What carries our signature was written by us: its shape needs no second check.
  const content = JSON.parse(Buffer.from(body, 'base64url').toString()) as Content
  if (content.v !== 1 || content.device !== device) return undefined
  const call = newCall({
    device,
    user: content.user,
    key: content.key,
    callId: content.callId,
    localTag: content.localTag,
    role: content.role,
    local: content.local,
    remote: content.remote,
    peer: { user: content.peerUser, displayName: content.peerName },
    video: content.video,
    phase: 'established',
    localSeq: content.seq + restoreJump,
  })
  call.dialog = newDialog({
    remoteTag: content.remoteTag,
    target: content.target,
    routes: content.routes,
    trickle: content.trickle,
    remoteSeq: undefined,
  })
  return call
}

/** The key is shared with other tokens; the prefix keeps one kind from being taken for another. */
function sign(body: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(`dialog\0${body}`).digest('base64url')
}
