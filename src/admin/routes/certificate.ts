/** For whom and how long the appliance's certificate speaks, and one that the owner brings beside it. */
import { namesHost } from '../../core/host-name.ts'
import type { OwnFacts, OwnProblem } from '../../tls/own.ts'
import { HttpError } from '../errors.ts'
import type { CertificateState, OwnCertificateState } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

type Deps = Pick<AppDeps, 'certificate' | 'ownCertificate' | 'authority' | 'log'>

/** What is wrong with it, and what to do. */
const sentences: Readonly<Record<OwnProblem, string>> = {
  noCertificate: 'no certificate is in it: choose the PEM file that begins with BEGIN CERTIFICATE',
  noKey:
    'no private key is in it: choose the PEM file that has BEGIN PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY',
  encryptedKey: 'the private key has a password; take the password off, for example with openssl pkey',
  weakKey:
    'browsers do not take this kind of key, or that of an authority in its chain: make an EC key (P-256, P-384) or an RSA key of at least 2048 bits',
  otherKey: 'the private key is not that of the certificate; the certificate must come first in its file',
  brokenChain:
    'the certificates do not follow each other: first the one for this appliance, then who signed it, and so on',
  authority: 'the first certificate is that of an authority; the one for this appliance must come first',
  notForServers: 'the certificate is not meant for servers',
  noNames: 'the certificate names no host (subjectAltName DNS)',
  notYet: 'the certificate is not valid yet; see that the appliance’s clock is right',
  over: 'the certificate has expired, or one of its chain has; get a new one',
}

export function certificateRoutes({ certificate, ownCertificate, authority, log }: Deps): Route[] {
  const told = (own: OwnFacts): OwnCertificateState => {
    const covers = (name: string): boolean => own.names.some(pattern => namesHost(pattern, name))
    const { names } = certificate()
    return {
      ...own,
      takesOver: names.filter(covers),
      leaves: names.filter(name => !covers(name)),
    }
  }
  const state = (): CertificateState => {
    const own = ownCertificate.facts()
    return {
      ...certificate(),
      authorityFingerprint: authority.fingerprint(),
      ...(own && { own: told(own) }),
    }
  }
  const refused = (problem: OwnProblem): HttpError =>
    new HttpError(422, 'badCertificate', sentences[problem], {}, problem)
  return [
    route({
      method: 'GET',
      path: '/certificate',
      who: 'owner',
      summary:
        'For whom and how long the certificate speaks that is shown now, which authority signed it, and one of the owner’s beside it.',
      answers: { 200: schemas.certificateState },
      handle: () => ({ status: 200, body: state() }),
    }),
    route({
      method: 'POST',
      path: '/certificate/look',
      who: 'owner',
      summary: 'Looks through a certificate of the owner’s and says what it would change; nothing is kept.',
      body: schemas.ownCertificateRequest,
      answers: { 200: schemas.ownCertificateState },
      handle: call => {
        const seen = ownCertificate.look(call.body)
        if (!seen.ok) throw refused(seen.error)
        return { status: 200, body: told(seen.value) }
      },
    }),
    route({
      method: 'POST',
      path: '/certificate/own',
      who: 'owner',
      summary:
        'Shows a certificate of the owner’s to whoever opens one of its names, from the next connection on; no restart.',
      body: schemas.ownCertificateRequest,
      answers: { 200: schemas.certificateState },
      handle: async call => {
        const used = await ownCertificate.use(call.body)
        if (!used.ok) throw refused(used.error)
        log.info('ownCertificate', { names: used.value.names.join(' ') })
        return { status: 200, body: state() }
      },
    }),
    route({
      method: 'DELETE',
      path: '/certificate/own',
      who: 'owner',
      summary: 'Forgets the owner’s certificate and its key; the appliance’s own speaks alone again.',
      answers: { 204: null },
      handle: async () => {
        await ownCertificate.drop()
        log.info('ownCertificateDropped')
        return { status: 204 }
      },
    }),
  ]
}
