/** The site itself: what the owner calls it, whether its people are found on the network, and how it is found. */
import { crtDownload, type Download, mobileconfigDownload } from '../../tls/downloads.ts'
import type { SiteSettings } from '../message.ts'
import type { AppDeps } from '../ports.ts'
import { type Route, route } from '../route.ts'
import * as schemas from '../schemas.ts'

type Deps = Pick<AppDeps, 'settings' | 'network' | 'inviteOrigin' | 'enrolPolicy' | 'authority'>

export function siteRoutes({ settings, network, inviteOrigin, enrolPolicy, authority }: Deps): Route[] {
  const body = (): SiteSettings => ({
    place: settings.place(),
    showNames: settings.showNames(),
    hostname: network().hostname,
  })
  return [
    route({
      method: 'GET',
      path: '/settings',
      who: 'owner',
      summary: 'What the owner can change about the site.',
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
        await settings.changeSite(call.body)
        return { status: 200, body: { ...body(), ...call.body } }
      },
    }),
    route({
      method: 'GET',
      path: '/network',
      who: 'member',
      summary: 'Names, addresses and ports of this appliance, and the address for the code on the fridge.',
      answers: { 200: schemas.network },
      handle: ({ peer: seenAddress }) => {
        const joinUrl = enrolPolicy === 'invite' ? undefined : `${inviteOrigin()}/j`
        return { status: 200, body: { ...network(), joinUrl, seenAddress } }
      },
    }),
    route({
      method: 'GET',
      path: '/authority.crt',
      who: 'anyone',
      summary: 'The certificate of this appliance’s authority, DER: what a device is to trust.',
      answers: { 200: null },
      handle: () => ({ status: 200, file: fileOf(crtDownload(authority.root())) }),
    }),
    route({
      method: 'GET',
      path: '/authority.mobileconfig',
      who: 'anyone',
      summary: 'The same as a configuration profile for iPhone, iPad and Mac.',
      answers: { 200: null },
      handle: () => ({
        status: 200,
        file: fileOf(mobileconfigDownload(authority.root(), settings.place())),
      }),
    }),
  ]
}

const fileOf = ({ contentType, fileName: name, body: content }: Download) => ({ contentType, name, content })
