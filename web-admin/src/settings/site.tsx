/** What the owner decides about the site, and what the configuration has decided. */
import type { Network, Policy, SiteSettings } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import type { Loaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Field, Form, Select, Tick, type Values } from '../parts/form.tsx'
import { Await } from '../parts/states.tsx'
import { toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { settings } from '../texts/settings.ts'

interface Props {
  readonly site: Loaded<SiteSettings>
}

function useSave(site: Loaded<SiteSettings>) {
  const { api } = useConsole()
  return async (change: object) => {
    await api.patch('/settings', change)
    await site.reload()
    toast(settings.saved)
  }
}

export function ThisPlace({ site }: Props) {
  const save = useSave(site)
  return (
    <Card title={settings.place} name="place">
      <Await of={site} lines={5}>
        {({ place, hostname, showNames }) => (
          <Form
            key={`${place} ${hostname} ${showNames}`}
            submit={common.save}
            label={settings.place}
            onSubmit={values =>
              save({
                place: values.place,
                hostname: values.hostname,
                showNames: values.showNames === 'on',
              })
            }
          >
            <Field label={settings.placeName} name="place" value={place} required maxLength={64} />
            <Field
              label={settings.hostname}
              name="hostname"
              value={hostname}
              required
              maxLength={63}
              pattern="[A-Za-z0-9]([A-Za-z0-9\-]*[A-Za-z0-9])?"
              hint={settings.hostnameHint}
            />
            <Tick
              label={settings.showNames}
              name="showNames"
              checked={showNames}
              hint={settings.showNamesHint}
            />
          </Form>
        )}
      </Await>
    </Card>
  )
}

export function WhatIsAllowed({ site }: Props) {
  const save = useSave(site)
  const change = (values: Values) =>
    // What the configuration has is not in the form's values.
    save({
      ...(values.enrol && { enrolPolicy: values.enrol }),
      ...(values.relay && { relayPolicy: values.relay }),
      ...(values.retain && { retainDays: Number(values.retain) }),
    })
  return (
    <Card title={settings.policies} name="policies">
      <Await of={site} lines={5}>
        {({ policies: { enrol, relay, retainDays } }) => (
          <Form
            key={`${enrol.value} ${relay.value} ${retainDays.value}`}
            submit={common.save}
            label={settings.policies}
            onSubmit={change}
          >
            <Select
              label={settings.enrol}
              name="enrol"
              value={enrol.value}
              options={settings.enrols}
              disabled={enrol.setIn != null}
              hint={fixed(enrol)}
            />
            <Select
              label={settings.relay}
              name="relay"
              value={relay.value}
              options={settings.relays}
              disabled={relay.setIn != null}
              hint={fixed(relay) ?? settings.relayHint}
            />
            <Field
              label={settings.retain}
              name="retain"
              type="number"
              min={1}
              max={36_500}
              value={String(retainDays.value)}
              required
              disabled={retainDays.setIn != null}
              hint={fixed(retainDays) ?? settings.retainHint}
            />
          </Form>
        )}
      </Await>
    </Card>
  )
}

const fixed = ({ setIn }: Policy<unknown>): string | undefined =>
  setIn == null ? undefined : settings.setIn(setIn)

export function Ports({ site, network }: Props & { readonly network: Loaded<Network> }) {
  return (
    <Card title={settings.network} name="network">
      <Await of={site} lines={6}>
        {({ ports }) => (
          <>
            <dl class="facts">
              <div class="fact">
                <dt>{settings.address}</dt>
                {network.value?.addresses.map(({ interface: name, address }) => (
                  <dd key={address}>
                    {address} <span class="soft small">{name}</span>
                  </dd>
                ))}
              </div>
              {ports.map(({ key, port, setIn }) => (
                <div class="fact" key={key}>
                  <dt>{settings.ports[key] ?? key}</dt>
                  <dd>
                    {port}{' '}
                    <span class="soft small">{setIn == null ? settings.byDefault : settings.setBy(key)}</span>
                  </dd>
                </div>
              ))}
            </dl>
            <p class="soft small">
              {settings.networkHint([...new Set(ports.flatMap(({ setIn }) => setIn ?? []))])}
            </p>
          </>
        )}
      </Await>
    </Card>
  )
}
