/**
 * STUN as it is seen by somebody it was not meant for: RFC 8489 with the attributes of ICE (RFC 8445 §16.1) and TURN
 * (RFC 8656 §18). Unlike `stun/codec.ts` it reads any method, messages that were cut short, and no credentials.
 */
import type { Endpoint } from '../../core/endpoint.ts'
import { headerBytes, looksLikeStun, readXorAddress } from '../../stun/codec.ts'
import { stunAttribute } from '../../stun/message.ts'
import { limits, type Stun } from './message.ts'
import { u16, u32 } from './queue.ts'

/** RFC 8445 §16.1. */
const iceAttribute = {
  priority: 0x0024,
  useCandidate: 0x0025,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const

export const method = {
  binding: 1,
  allocate: 3,
  send: 6,
  data: 7,
  createPermission: 8,
  channelBind: 9,
} as const

export interface ReadStun {
  readonly stun: Stun
  /** DATA of a Send or Data indication (RFC 8656 §11), which is another message. */
  readonly data?: { readonly bytes: Uint8Array; readonly sentBytes: number } | undefined
}

/** `sentBytes` is how long it was when it was sent. Undefined: this is no STUN. */
export function readStun(bytes: Uint8Array, sentBytes: number): ReadStun | undefined {
  if (!looksLikeStun(bytes)) return undefined
  const length = u16(bytes, 2)
  if (length % 4 !== 0 || length + headerBytes !== sentBytes) return undefined
  const type = u16(bytes, 0)
  const transaction = bytes.subarray(8, headerBytes)
  const draft: Draft = {
    kind: 'stun',
    class: classes[((type >> 7) & 2) | ((type >> 4) & 1)]!,
    method: (type & 0x0f) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80),
    transaction: Buffer.from(transaction).toString('hex'),
  }
  const peers: Endpoint[] = []
  let data: ReadStun['data']
  let at = headerBytes
  for (let count = 0; count < limits.stunAttributes && at + 4 <= bytes.length; count++) {
    const attribute = u16(bytes, at)
    const size = u16(bytes, at + 2)
    const value = bytes.subarray(at + 4, at + 4 + size)
    at += 4 + size + ((4 - (size % 4)) % 4)
    if (attribute === stunAttribute.data) data ??= { bytes: value, sentBytes: size }
    else if (value.length < size) break
    else if (attribute === stunAttribute.xorPeerAddress) {
      const peer = readXorAddress(value, transaction)
      if (peer !== undefined) peers.push(peer)
    } else readers[attribute]?.(value, draft, transaction)
  }
  if (peers.length > 0) draft.peers = peers
  return { stun: draft, ...(data && { data }) }
}

type Draft = { -readonly [Field in keyof Stun]: Stun[Field] }

// RFC 8489 §5: C1 and C0.
const classes = ['request', 'indication', 'success', 'error'] as const
const text = new TextDecoder()

/** RFC 8489 §14: of an attribute that occurs twice the first counts. */
const readers: Readonly<Record<number, (value: Uint8Array, draft: Draft, transaction: Uint8Array) => void>> =
  {
    [stunAttribute.username]: (value, draft) => {
      draft.username ??= text.decode(value.subarray(0, 513))
    },
    [iceAttribute.priority]: (value, draft) => {
      if (value.length === 4) draft.priority ??= u32(value, 0)
    },
    [iceAttribute.useCandidate]: (_value, draft) => {
      draft.useCandidate = true
    },
    [iceAttribute.iceControlling]: (_value, draft) => {
      draft.role ??= 'controlling'
    },
    [iceAttribute.iceControlled]: (_value, draft) => {
      draft.role ??= 'controlled'
    },
    [stunAttribute.errorCode]: (value, draft) => {
      if (value.length >= 4) draft.errorCode ??= (value[2]! & 7) * 100 + value[3]!
    },
    [stunAttribute.xorMappedAddress]: (value, draft, transaction) => {
      draft.mapped ??= readXorAddress(value, transaction)
    },
    [stunAttribute.xorRelayedAddress]: (value, draft, transaction) => {
      draft.relayed ??= readXorAddress(value, transaction)
    },
    [stunAttribute.channelNumber]: (value, draft) => {
      if (value.length === 4) draft.channel ??= u16(value, 0)
    },
  }
