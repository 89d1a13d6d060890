/**
 * The client library where there is no browser: Node, and Electron's main process. Finds appliances by DNS-SD, and gives
 * `fetch` and `WebSocket` that trust one appliance's authority and nobody else.
 */
import { createHash } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { get as httpGet } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { networkInterfaces } from 'node:os'
import multicastDns from 'multicast-dns'
import { WebSocket } from 'ws'
import { type Appliance, type Answer as DnsAnswer, Findings, serviceType } from './discover.ts'
import type { Env } from './env.ts'

export interface DiscoverOptions {
  /** How long to look at most. */
  readonly timeoutMilliseconds?: number | undefined
  /** Return as soon as so many were found; undefined: look for the whole time. */
  readonly enough?: number | undefined
}

/** RFC 6762 §5.2 wants a second between questions; answers come to the asker alone, so a lost one is asked for again. */
const askEveryMilliseconds = 1_000
const groups = { udp4: '224.0.0.251', udp6: 'ff02::fb' } as const

/**
 * Appliances on the networks this machine is on. Asks from a port of its own (RFC 6762 §5.1), so that it gets along with
 * whatever else listens for mDNS here. Never rejects: no network, no appliance.
 */
export async function discover(options: DiscoverOptions = {}): Promise<readonly Appliance[]> {
  const { timeoutMilliseconds = 5_000, enough = Number.POSITIVE_INFINITY } = options
  const findings = new Findings()
  const askers = await Promise.all(ownInterfaces().map(openAsker))
  const open = askers.filter(asker => asker !== undefined)
  return new Promise(resolve => {
    const finish = (): void => {
      clearInterval(again)
      clearTimeout(late)
      for (const asker of open) asker.close()
      resolve(findings.appliances())
    }
    const ask = (): void => {
      for (const asker of open) asker.ask()
    }
    const again = setInterval(ask, askEveryMilliseconds)
    const late = setTimeout(finish, timeoutMilliseconds)
    for (const asker of open) {
      asker.onAnswers(answers => {
        findings.add(answers)
        if (findings.appliances().length >= enough) finish()
      })
    }
    ask()
  })
}

/** The authority's certificate in PEM, got from the appliance's door and held against the fingerprint. Rejects if it is another. */
export async function fetchAuthority(appliance: Appliance): Promise<string> {
  const address = appliance.addresses[0]!
  const host = address.includes(':') ? `[${address}]` : address
  const der = await download(`http://${host}:${appliance.httpPort}/lanline.crt`)
  const fingerprint = createHash('sha256').update(der).digest('hex')
  if (fingerprint !== appliance.fingerprint.toLowerCase()) {
    throw new Error(
      `the certificate at ${address} is not the one expected (SHA-256 ${fingerprint}): somebody else may be answering there`,
    )
  }
  const lines = der.toString('base64').replace(/(.{64})/g, '$1\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

/** Connections for `Phone` and `enrol` that are only made to whom this authority vouches for. */
export function pinned(authority: string): Pick<Env, 'WebSocket'> & { readonly fetch: typeof fetch } {
  class PinnedWebSocket extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { ca: authority, maxPayload: 1_048_576, handshakeTimeout: 10_000 })
      // `onerror` is told as well; without a listener the process would end.
      this.on('error', () => {})
    }
  }
  return {
    WebSocket: PinnedWebSocket as unknown as Env['WebSocket'],
    fetch: (input, init) => fetchWith(authority, String(input), init),
  }
}

/** `http://192.168.1.10/j#<token>`, the whole link or the token alone. */
export function inviteToken(linkOrToken: string): string {
  return linkOrToken.trim().split('#').at(-1)!
}

interface Asker {
  ask(): void
  onAnswers(listener: (answers: readonly DnsAnswer[]) => void): void
  close(): void
}

interface OwnInterface {
  readonly name: string
  readonly address: string
  readonly type: 'udp4' | 'udp6'
}

/** One address of each family on each interface; for IPv6 the link-local one, which the group belongs to. */
function ownInterfaces(): OwnInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos = []]) => {
    const four = infos.find(info => info.family === 'IPv4' && !info.internal)
    const six = infos.find(info => info.family === 'IPv6' && info.address.startsWith('fe80'))
    return [
      ...(four ? [{ name, address: four.address, type: 'udp4' as const }] : []),
      ...(six ? [{ name, address: six.address, type: 'udp6' as const }] : []),
    ]
  })
}

/** Undefined where the interface does not let us, such as an IPv6 address that is still being checked. */
async function openAsker({ name, address, type }: OwnInterface): Promise<Asker | undefined> {
  const scope = type === 'udp6' ? `%${name}` : ''
  const socket = createSocket(type)
  try {
    await bound(socket, address + scope)
    socket.setMulticastInterface(type === 'udp6' ? `::${scope}` : address)
    socket.setMulticastTTL(255)
  } catch {
    socket.close()
    return undefined
  }
  const mdns = multicastDns({ socket, bind: false, multicast: false } as never)
  // A link that went away while we looked is no reason to stop looking elsewhere.
  mdns.on('error', () => {})
  mdns.on('warning', () => {})
  return {
    ask: () => {
      const questions = [{ name: serviceType, type: 'PTR' as const }]
      mdns.query({ questions }, { address: groups[type] + scope, port: 5353 } as never)
    },
    onAnswers: listener =>
      void mdns.on('response', ({ answers, additionals }) =>
        listener([...(answers ?? []), ...(additionals ?? [])] as DnsAnswer[]),
      ),
    close: () => mdns.destroy(),
  }
}

function bound(socket: UdpSocket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address, port: 0 }, () => {
      socket.removeListener('error', reject)
      resolve()
    })
  })
}

const largestDownloadBytes = 65_536

function download(url: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { timeout: 5_000, agent: false }, response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > largestDownloadBytes) request.destroy(new Error(`${url} sends too much`))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks))
        else reject(new Error(`${url} answered ${response.statusCode}`))
      })
    })
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)))
    request.on('error', reject)
  })
}

/** As much of `fetch` as the library uses, over a connection of its own. */
function fetchWith(authority: string, url: string, init: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const options = { method: init.method ?? 'GET', headers, ca: authority, agent: false, timeout: 10_000 }
    const request = httpsRequest(url, options, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const status = response.statusCode ?? 502
        const body = status === 204 || status === 304 ? null : Buffer.concat(chunks)
        resolve(new Response(body, { status }))
      })
    })
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)))
    request.on('error', reject)
    request.end(init.body as string | undefined)
  })
}
