/** The site itself: what the owner calls it and allows, how it is found, and what it shows to be trusted. */
import { crtDownload, type Download, mobileconfigDownload } from '../../tls/downloads.ts'
import { HttpError } from '../errors.ts'
import type { SiteSettings } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

type Deps = Pick<
  AppDeps,
  | 'settings'
  | 'network'
  | 'inviteOrigin'
  | 'policies'
  | 'authority'
  | 'ports'
  | 'dataDirectory'
  | 'version'
  | 'logLines'
>

export function siteRoutes(deps: Deps): Route[] {
  const { settings, network, inviteOrigin, policies, authority } = deps
  const body = (): SiteSettings => ({
    place: settings.place(),
    showNames: settings.showNames(),
    hostname: network().hostname,
    policies: policies.told(),
    ports: deps.ports(),
    dataDirectory: deps.dataDirectory,
    version: deps.version,
  })
  return [
    route({
      method: 'GET',
      path: '/settings',
      who: 'owner',
      summary: 'What the owner can change about the site, and what the configuration has decided.',
      answers: { 200: schemas.siteSettings },
      handle: () => ({ status: 200, body: body() }),
    }),
    route({
      method: 'PATCH',
      path: '/settings',
      who: 'owner',
      summary: 'Changes the site; a new host name is tried on the network, and may come back with a number.',
      body: schemas.siteSettingsChange,
      answers: { 200: schemas.siteSettings },
      handle: async call => {
        const { place, showNames, hostname, ...policy } = call.body
        const fixed = policies.fixed(policy)
        if (fixed !== undefined) {
          throw new HttpError(409, 'fixed', `${fixed.key} is set in ${fixed.where}: change it there`)
        }
        await settings.changeSite({ place, showNames, hostname })
        await policies.change(policy)
        return { status: 200, body: { ...body(), ...(hostname === undefined ? {} : { hostname }) } }
      },
    }),
    route({
      method: 'GET',
      path: '/network',
      who: 'member',
      summary: 'Names, addresses and ports of this appliance, and the address for the code on the fridge.',
      answers: { 200: schemas.network },
      handle: ({ peer: seenAddress }) => {
        const joinUrl = policies.enrol === 'invite' ? undefined : `${inviteOrigin(seenAddress)}/j`
        return { status: 200, body: { ...network(), joinUrl, seenAddress } }
      },
    }),
    route({
      method: 'GET',
      path: '/log',
      who: 'owner',
      summary: 'The last lines of the log, as JSON lines; no secrets are in it.',
      answers: { 200: 'application/jsonl' },
      handle: () => {
        const content = `${deps.logLines().join('\n')}\n`
        return { status: 200, file: { contentType: 'application/jsonl', name: 'lanline-log.jsonl', content } }
      },
    }),
    route({
      method: 'GET',
      path: '/authority.crt',
      who: 'anyone',
      summary: 'The certificate of this appliance’s authority, DER: what a device is to trust.',
      answers: { 200: 'application/x-x509-ca-cert' },
      handle: () => ({ status: 200, file: fileOf(crtDownload(authority.root())) }),
    }),
    route({
      method: 'GET',
      path: '/authority.mobileconfig',
      who: 'anyone',
      summary: 'The same as a configuration profile for iPhone, iPad and Mac.',
      answers: { 200: 'application/x-apple-aspen-config' },
      handle: () => ({
        status: 200,
        file: fileOf(mobileconfigDownload(authority.root(), settings.place())),
      }),
    }),
  ]
}

const fileOf = ({ contentType, fileName: name, body: content }: Download) => ({ contentType, name, content })
