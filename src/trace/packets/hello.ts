/** What a ClientHello and a ServerHello say (RFC 6347 §4.2.1, RFC 8446 §4.1, RFC 5764 §4.1.1), and a Certificate. */
import { createHash } from 'node:crypto'
import { ByteReader } from '../../core/bytes.ts'
import type { Hello } from './message.ts'

export const handshakeType = {
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  newSessionTicket: 4,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const

/** RFC 9147 §5.3: DTLS versions count downwards. */
export const dtlsVersion = { dtls10: 0xfeff, dtls12: 0xfefd, dtls13: 0xfefc } as const

const extension = { useSrtp: 14, supportedVersions: 43 } as const

/** RFC 8446 §4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
const retryRandom = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c'

/** Undefined: it is not well-formed. */
export function readHello(type: number, body: Uint8Array): Hello | undefined {
  const reader = new ByteReader(body)
  const legacy = reader.u16()
  const random = reader.take(32)
  reader.take(reader.u8())
  const client = type === handshakeType.clientHello
  if (client) reader.take(reader.u8())
  const ciphers = client ? words(reader.take(reader.u16())) : [reader.u16()]
  reader.take(client ? reader.u8() : 1)
  let versions = [legacy]
  let srtpProfiles: number[] = []
  // Extensions may be absent altogether.
  const extensions = new ByteReader(reader.remaining > 0 ? reader.take(reader.u16()) : new Uint8Array(0))
  while (extensions.remaining > 0) {
    const kind = extensions.u16()
    const value = new ByteReader(extensions.take(extensions.u16()))
    if (kind === extension.useSrtp) srtpProfiles = words(value.take(value.u16()))
    if (kind === extension.supportedVersions) {
      versions = client ? words(value.take(value.u8())) : [value.u16()]
    }
    if (value.overrun) return undefined
  }
  if (reader.overrun || extensions.overrun) return undefined
  const retry = !client && Buffer.from(random).toString('hex') === retryRandom
  const version = Math.min(...versions.filter(each => each >= 0xfe00), legacy)
  return { version, ciphers: ciphers.filter(real), srtpProfiles, ...(retry && { retry }) }
}

/** SHA-256 of the first certificate in a Certificate message up to DTLS 1.2 (RFC 5246 §7.4.2). */
export function certificateDigest(body: Uint8Array): string | undefined {
  const reader = new ByteReader(body)
  reader.take(3)
  const certificate = reader.take(reader.u8() * 65_536 + reader.u16())
  if (reader.overrun || certificate.length === 0) return undefined
  return createHash('sha256').update(certificate).digest('hex')
}

function words(bytes: Uint8Array): number[] {
  const reader = new ByteReader(bytes)
  return Array.from({ length: bytes.length >> 1 }, () => reader.u16())
}

/** RFC 8701: values that mean nothing, offered so that servers get used to not knowing some. */
const real = (value: number): boolean => (value & 0x0f0f) !== 0x0a0a || value >> 8 !== (value & 0xff)
