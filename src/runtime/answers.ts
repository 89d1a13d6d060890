/**
 * Whether a listener of this process answers, asked as anybody would: over its socket. A connection that it closes
 * counts, for it may be full; one that it never takes, or that finds nobody, does not.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { after, type Clock, type Monotonic } from '../core/clock.ts'
import { type Endpoint, familyOf } from '../core/endpoint.ts'

/** Longer than a busy machine needs, shorter than a round. */
const patienceMilliseconds = 5_000

/** A TCP listener ends what the other side ended. */
export function tcpAnswers({ address, port }: Endpoint): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port })
    let taken = false
    const timer = setTimeout(() => socket.destroy(), patienceMilliseconds)
    socket.on('connect', () => socket.end())
    // A connection that is reset was taken, one that is refused was not.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      taken ||= error.code === 'ECONNRESET' || error.code === 'EPIPE'
    })
    socket.on('end', () => {
      taken = true
    })
    socket.resume()
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(taken)
    })
  })
}

/** A TLS listener shows a certificate; whether it is trusted is the phones' affair. */
export function tlsAnswers({ address, port }: Endpoint): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connectTls({ host: address, port, rejectUnauthorized: false })
    let taken = false
    const timer = setTimeout(() => socket.destroy(), patienceMilliseconds)
    socket.on('secureConnect', () => {
      taken = true
      socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      taken ||= error.code === 'ECONNRESET' || error.code === 'EPIPE'
    })
    socket.resume()
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(taken)
    })
  })
}

/** A UDP listener answers `request`, with whatever. */
export function udpAnswers({ address, port }: Endpoint, request: Uint8Array): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket(familyOf(address) === 6 ? 'udp6' : 'udp4')
    const timer = setTimeout(() => finish(false), patienceMilliseconds)
    const finish = (answered: boolean): void => {
      clearTimeout(timer)
      socket.close()
      resolve(answered)
    }
    // Connected, so that only this endpoint's answers come in, and a refusal is told.
    socket.on('error', () => finish(false))
    socket.on('message', () => finish(true))
    socket.connect(port, address, () => socket.send(request))
  })
}

/** Asks no sooner than `milliseconds` after the last yes, which counts meanwhile. */
export function seldom(
  milliseconds: number,
  clock: Clock,
  ask: () => Promise<boolean>,
): () => Promise<boolean> {
  let goodUntil: Monotonic | undefined
  return async () => {
    const now = clock.monotonic()
    if (goodUntil !== undefined && now < goodUntil) return true
    const answered = await ask()
    goodUntil = answered ? after(now, milliseconds) : undefined
    return answered
  }
}
