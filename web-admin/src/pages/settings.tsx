/** The site, what is allowed, who owns it; for members their own account. */
import { useEffect } from 'preact/hooks'
import type { Network, SiteSettings } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { type Loaded, useLoaded } from '../load.ts'
import { Card, PageHead } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await } from '../parts/states.tsx'
import { LoggedIn, Owners, OwnPassword } from '../settings/account.tsx'
import { Backup } from '../settings/backup.tsx'
import { Certificate } from '../settings/certificate.tsx'
import { Ports, ThisPlace, WhatIsAllowed } from '../settings/site.tsx'
import { Update } from '../settings/update.tsx'
import { settings } from '../texts/settings.ts'
import { update } from '../texts/update.ts'

export default function Settings() {
  const { isOwner } = useConsole()
  return (
    <>
      <PageHead title={settings.title} />
      {isOwner ? <OfTheOwner /> : <OfAMember />}
    </>
  )
}

function OfAMember() {
  return (
    <div class="columns">
      <OwnPassword />
      <LoggedIn />
    </div>
  )
}

function OfTheOwner() {
  const { api } = useConsole()
  const site = useLoaded(() => api.get<SiteSettings>('/settings'))
  const network = useLoaded(() => api.get<Network>('/network'))
  useEffect(goToPart, [])
  return (
    <div class="with-parts">
      <Parts />
      <div class="stack">
        <ThisPlace site={site} />
        <WhatIsAllowed site={site} />
        <Backup />
        <Certificate />
        <Owners />
        <OwnPassword />
        <LoggedIn />
        <Ports site={site} network={network} />
        <Update />
        <About site={site} />
      </div>
    </div>
  )
}

/** In the order in which they stand on the page. */
const parts = [
  ['place', settings.place],
  ['policies', settings.policies],
  ['backup', settings.backup],
  ['certificate', settings.certificate],
  ['owners', settings.owners],
  ['password', settings.password],
  ['sessions', settings.sessions],
  ['network', settings.network],
  ['update', update.title],
  ['about', settings.about],
] as const

/** The page is long; each of its cards has an address of its own. */
function Parts() {
  return (
    <nav class="parts" aria-label={settings.onThisPage}>
      <ul>
        {parts.map(([name, title]) => (
          <li key={name}>
            <a href={`#${name}`}>{title}</a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** The browser looked for it before it was there. */
function goToPart(): void {
  const part = parts.find(([name]) => `#${name}` === location.hash)
  if (part !== undefined) document.getElementById(part[0])?.scrollIntoView()
}

function About({ site }: { readonly site: Loaded<SiteSettings> }) {
  return (
    <Card title={settings.about} name="about">
      <Await of={site} lines={3}>
        {({ dataDirectory }) => (
          <dl class="facts">
            <div class="fact">
              <dt>{settings.data}</dt>
              <dd>
                <code>{dataDirectory}</code>
              </dd>
            </div>
          </dl>
        )}
      </Await>
      <div class="part">
        <a class="button" href="/api/v1/log" download>
          <Icon name="download" /> {settings.log}
        </a>
        <p class="hint">{settings.logHint}</p>
      </div>
    </Card>
  )
}
