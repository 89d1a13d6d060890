/** The site, what is allowed, who owns it; for members their own account. */
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
  return (
    <div class="columns">
      <div class="stack">
        <ThisPlace site={site} />
        <WhatIsAllowed site={site} />
        <Backup />
        <Certificate />
      </div>
      <div class="stack">
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

function About({ site }: { readonly site: Loaded<SiteSettings> }) {
  return (
    <Card title={settings.about}>
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
      <div>
        <a class="button" href="/api/v1/log" download>
          <Icon name="download" /> {settings.log}
        </a>
        <p class="hint">{settings.logHint}</p>
      </div>
    </Card>
  )
}
