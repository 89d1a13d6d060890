import type { CertificateState } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLoaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { settings } from '../texts/settings.ts'
import { OwnCertificate } from './own-certificate.tsx'

export function Certificate() {
  const { api } = useConsole()
  const certificate = useLoaded(() => api.get<CertificateState>('/certificate'))
  return (
    <Card title={settings.certificate} name="certificate">
      <h3>{settings.lanlines}</h3>
      <Await of={certificate} lines={5}>
        {({ names, notAfter, authorityFingerprint }) => (
          <>
            <dl class="facts">
              <div class="fact">
                <dt>{settings.until}</dt>
                <dd>
                  <Time at={notAfter} />
                </dd>
              </div>
              <div class="fact">
                <dt>{settings.names}</dt>
                <dd>{names.join(', ')}</dd>
              </div>
              <div class="fact">
                <dt>{settings.fingerprint}</dt>
                <dd>
                  <code>{authorityFingerprint}</code>
                </dd>
              </div>
            </dl>
            <p class="soft small">{settings.renewed}</p>
          </>
        )}
      </Await>
      <p>{settings.trust}</p>
      <div class="buttons">
        <a class="button" href="/api/v1/authority.crt" download>
          <Icon name="download" /> {settings.crt}
        </a>
        <a class="button" href="/api/v1/authority.mobileconfig" download>
          <Icon name="download" /> {settings.mobileconfig}
        </a>
        <a class="button" href="/lanline.pem" download>
          <Icon name="download" /> {settings.pem}
        </a>
      </div>
      {certificate.value && <OwnCertificate own={certificate.value.own} reload={certificate.reload} />}
    </Card>
  )
}
