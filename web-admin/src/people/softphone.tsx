/** Settings for a phone or app that is typed into, told once. */
import { useState } from 'preact/hooks'
import type { Softphone, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { Copy } from '../parts/copy.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Qr } from '../parts/qr.tsx'
import { people } from '../texts/people.ts'

export function SoftphoneDialog({ user, onClose }: { readonly user: User; readonly onClose: () => void }) {
  const { api } = useConsole()
  const [made, setMade] = useState<Softphone>()
  return (
    <Dialog title={people.softphoneTitle(user.displayName)} wide={made !== undefined} onClose={onClose}>
      {made === undefined && (
        <Form
          submit={people.softphoneMake}
          onCancel={onClose}
          onSubmit={async values => {
            setMade(
              await api.post<Softphone>('/softphones', { deviceName: values.deviceName, user: user.name }),
            )
          }}
        >
          <Field
            label={people.softphoneName}
            name="deviceName"
            required
            maxLength={64}
            hint={people.softphoneNameHint}
            autoFocus
          />
        </Form>
      )}
      <div role="status" class="told">
        {made !== undefined && (
          <div class="beside">
            <div class="settings-to-type">
              <p>{people.softphoneLinphone}</p>
              <Qr text={made.linphone.url} label={people.softphoneLinphone} />
            </div>
            <div class="settings-to-type">
              <p>{people.softphoneOnce}</p>
              <Setting name={people.softphoneServer} value={`${made.host}:${made.tlsPort}`} />
              <Setting name={people.softphoneTransport} value="TLS" />
              <Setting name={people.softphoneUser} value={made.digestUser} />
              <Setting name={people.softphonePassword} value={made.password} />
              <Setting name={people.softphoneDomain} value={`sip:${made.user}@${made.hostName}`} />
              <p class="soft small">
                {people.softphonePlain(`${made.host}:${made.port}`)}{' '}
                <a href="/lanline.pem" download>
                  {people.softphoneAuthority}
                </a>
              </p>
            </div>
          </div>
        )}
      </div>
    </Dialog>
  )
}

function Setting({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <p class="hint">{name}</p>
      <Copy text={value} label={name} />
    </div>
  )
}
