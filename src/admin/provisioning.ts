/**
 * Addresses from which a phone fetches its account, each good once and for a quarter of an hour. In memory: a restart
 * voids them, the phone's account stays. Served in the clear too, since Linphone trusts no authority but those it came
 * with; so what is fetched opens nothing but the one new phone.
 */
import { type Monotonic, minutes } from '../core/clock.ts'
import { canonicalAddress } from '../core/endpoint.ts'
import { pemDownload } from '../tls/downloads.ts'
import { download, errorPage, linphonePage } from './door.ts'
import { linphoneConfig } from './linphone.ts'
import type { LinphoneOffer } from './message.ts'
import type { AppDeps } from './ports.ts'

export const provisioningLimits = { offers: 200, lifetimeMilliseconds: minutes(15), pathLength: 256 } as const

const offerPath = '/linphone/'

type Deps = Pick<
  AppDeps,
  'clock' | 'random' | 'directory' | 'settings' | 'network' | 'inviteOrigin' | 'authority'
>

interface Offer {
  readonly device: string
  readonly expiresAt: Monotonic
}

export class Provisioning {
  readonly #deps: Deps
  /** By token, oldest first. */
  readonly #offers = new Map<string, Offer>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** An address for the device's account, shown on `peer`; when there are too many the oldest is void. */
  offer(device: string, peer: string): LinphoneOffer {
    const { clock, random, inviteOrigin } = this.#deps
    const { lifetimeMilliseconds, offers } = provisioningLimits
    if (this.#offers.size >= offers) this.#offers.delete(this.#offers.keys().next().value!)
    const token = Buffer.from(random.bytes(24)).toString('base64url')
    this.#offers.set(token, { device, expiresAt: (clock.monotonic() + lifetimeMilliseconds) as Monotonic })
    return {
      url: `${inviteOrigin(peer)}${offerPath}${token}`,
      expiresInSeconds: lifetimeMilliseconds / 1_000,
    }
  }

  /** The answer to what is asked on any listener; undefined when it is none of this. */
  answer(request: Request, peer: string, place: string): Response | undefined {
    const { pathname, searchParams } = new URL(request.url)
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    if (pathname === '/lanline.pem') {
      const { authority } = this.#deps
      return download(pemDownload(authority.root(), authority.intermediate()))
    }
    if (!pathname.startsWith(offerPath)) return undefined
    const token = pathname.slice(offerPath.length)
    const device = this.#device(token)
    if (device === undefined) return errorPage(410, place, gone)
    // Somebody's camera app or browser, which the account is of no use to: it stays to be fetched.
    if (request.method === 'HEAD' || request.headers.get('accept')?.includes('text/html')) {
      const { origin } = new URL(this.#deps.inviteOrigin(peer))
      return linphonePage(place, `${origin}${offerPath}${token}${new URL(request.url).search}`)
    }
    const rootCa = searchParams.get('root_ca') ?? undefined
    if (rootCa !== undefined && !isPath(rootCa)) return errorPage(400, place, badPath)
    this.#offers.delete(token)
    return new Response(this.#account(device, rootCa, new URL(request.url).hostname), {
      headers: { 'content-type': 'application/xml; charset=utf-8' },
    })
  }

  /** Whose account is to be had by the token. A phone that registered already was set up by hand. */
  #device(token: string): string | undefined {
    const offer = this.#offers.get(token)
    if (offer === undefined) return undefined
    const { clock, directory } = this.#deps
    const device = directory.device(offer.device)
    if (device?.lastSeenAt === undefined && device !== undefined && clock.monotonic() < offer.expiresAt)
      return device.id
    this.#offers.delete(token)
    return undefined
  }

  /** `askedAt`: the host by which the phone reached us. Where there are several networks it may reach no other. */
  #account(id: string, rootCa: string | undefined, askedAt: string): string {
    const { directory, settings, network } = this.#deps
    const device = directory.device(id)!
    const { hostname, addresses, ports } = network()
    return linphoneConfig({
      user: device.user,
      displayName: directory.user(device.user)!.displayName,
      digestUser: device.digestUser!,
      realm: settings.identity().realm,
      ha1Sha256: device.ha1Sha256!,
      hostName: `${hostname}.local`,
      address: (addresses.find(({ address }) => address === bareHost(askedAt)) ?? addresses[0])?.address,
      port: ports.sip,
      tlsPort: ports.sips,
      rootCa,
    })
  }
}

const bareHost = (host: string): string => canonicalAddress(host.replace(/^\[|\]$/g, '')) ?? host

/** Absolute, of any system, one line. */
const isPath = (text: string): boolean =>
  text.length <= provisioningLimits.pathLength && /^(\/|[A-Za-z]:[\\/])[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text)

const gone =
  'This code was used, or is older than a quarter of an hour. Remove the phone under My devices and add it again for a new one.'
const badPath = 'root_ca is to be the full path of a file on that device.'
