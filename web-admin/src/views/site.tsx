/** The site: what it is called, how it is found, and the code for the fridge. */
import { useState } from 'preact/hooks'
import type { Network, SiteSettings } from '../../../src/admin/message.ts'
import type { Api } from '../api.ts'
import { Qr } from '../parts/qr.tsx'
import { Card, Field, Form, usePolled } from '../parts.tsx'

export function Site({ api }: { readonly api: Api }) {
  const network = usePolled(() => api.get<Network>('/network'), 10)
  const settings = usePolled(() => api.get<SiteSettings>('/settings'), 30)
  const [editing, setEditing] = useState(false)
  const save = async (values: Readonly<Record<string, string>>) => {
    await api.patch('/settings', {
      place: values.place,
      hostname: values.hostname,
      showNames: values.showNames === 'on',
    })
    setEditing(false)
    await Promise.all([settings.reload(), network.reload()])
  }
  const found = network.value
  return (
    <>
      {found?.joinUrl && <Fridge url={found.joinUrl} place={settings.value?.place ?? ''} />}
      <Card title="This place">
        <p class="failure" role="alert">
          {network.failure || settings.failure}
        </p>
        {found && (
          <dl class="facts">
            <dt>Name</dt>
            <dd>
              {found.hostname}.local <span class="quiet">{states[found.discovery.state]}</span>
            </dd>
            <dt>Addresses</dt>
            <dd>
              {found.addresses.map(own => (
                <div key={own.address}>
                  {own.address} <span class="quiet">{own.interface}</span>
                </div>
              ))}
            </dd>
            <dt>Names of people</dt>
            <dd>
              {settings.value?.showNames ? 'shown on the network while they can be called' : 'not shown'}
            </dd>
          </dl>
        )}
        {!editing && settings.value && (
          <button type="button" onClick={() => setEditing(true)}>
            Change
          </button>
        )}
        {editing && settings.value && (
          <Form submit="Save" label="This place" onSubmit={save} onCancel={() => setEditing(false)}>
            <Field
              label="What is this place called?"
              name="place"
              value={settings.value.place}
              required
              maxLength={64}
            />
            <Field
              label="Name on the network"
              name="hostname"
              value={settings.value.hostname}
              required
              maxLength={63}
              pattern="[A-Za-z0-9]([A-Za-z0-9\-]*[A-Za-z0-9])?"
              hint="Before .local. If another device has it already, a number is put behind it. Bookmarks change with it."
            />
            <p class="field check">
              <label>
                <input type="checkbox" name="showNames" defaultChecked={settings.value.showNames} /> Show
                names on the network
              </label>
              <small class="hint">Other phones and programs then find people by themselves.</small>
            </p>
          </Form>
        )}
      </Card>
    </>
  )
}

const states = {
  probing: 'being tried',
  ready: '',
  conflict: 'taken by another device; another name is being tried',
  off: 'not announced',
  failed: 'cannot be announced: see the health page',
} as const

function Fridge({ url, place }: { readonly url: string; readonly place: string }) {
  return (
    <Card title="Code for the fridge" className="fridge">
      <div class="fridge-sheet">
        <h3 class="print-only">{place || 'lanline'}</h3>
        <Qr text={url} label={`QR code of ${url}`} />
        <p>
          Scan it, type your name, and you are asked about at the owner’s phone.
          <br />
          <code class="link">{url}</code>
        </p>
      </div>
      <button type="button" class="no-print" onClick={() => print()}>
        Print
      </button>
    </Card>
  )
}
