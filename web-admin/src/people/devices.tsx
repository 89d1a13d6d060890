/** What a person calls with. */
import { useState } from 'preact/hooks'
import type { Device, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { Card } from '../parts/card.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Empty } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'

export function Devices({ user }: { readonly user: User }) {
  const { api } = useConsole()
  const [open, setOpen] = useState<{ readonly what: 'rename' | 'revoke'; readonly device: Device }>()
  const close = () => setOpen(undefined)
  const { devices } = user
  return (
    <Card title={people.theirDevices} count={devices.length}>
      {devices.length === 0 ? (
        <Empty icon="mobile">
          <p>{people.noDevices}</p>
          <p>{people.noDevicesBody}</p>
        </Empty>
      ) : (
        <table class="table devices">
          <thead>
            <tr>
              <th scope="col">{people.device}</th>
              <th scope="col">{people.state}</th>
              <th scope="col">{people.deviceAddress}</th>
              <th scope="col">{people.agent}</th>
              <th scope="col">
                <span class="hidden">{common.change}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {devices.map(device => (
              <tr key={device.id}>
                <td>
                  <span class="device-name">
                    <Icon name={icons[device.kind]} />
                    <span>
                      <strong>{device.name}</strong>
                      <br />
                      <span class="soft small">
                        {common.kinds[device.kind]}
                        {device.digestUser && ` · ${device.digestUser}`}
                      </span>
                    </span>
                  </span>
                </td>
                <td data-label={people.state}>
                  <DeviceState device={device} />
                </td>
                <td data-label={people.deviceAddress}>
                  {device.address}
                  {device.transport && (
                    <span class="soft small">
                      {' '}
                      {people.transports[device.transport] ?? people.via(device.transport)}
                    </span>
                  )}
                </td>
                <td data-label={people.agent} class="small">
                  {device.userAgent}
                </td>
                <td class="end">
                  <button
                    type="button"
                    class="button quiet"
                    aria-label={people.renameDevice(device.name)}
                    onClick={() => setOpen({ what: 'rename', device })}
                  >
                    {people.rename}
                  </button>
                  <button
                    type="button"
                    class="button quiet danger"
                    aria-label={people.revokeDevice(device.name)}
                    onClick={() => setOpen({ what: 'revoke', device })}
                  >
                    {people.revoke}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {open?.what === 'revoke' && (
        <Confirm
          title={people.revokeTitle(open.device.name)}
          lost={people.revokeLost}
          confirm={people.revoke}
          onClose={close}
          onConfirm={async () => {
            await api.delete(`/devices/${open.device.id}`)
            toast(people.revoked(open.device.name))
          }}
        />
      )}
      {open?.what === 'rename' && (
        <Dialog title={people.renameDevice(open.device.name)} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              const { id, name } = open.device
              await api.patch(`/devices/${id}`, { name: values.name })
              close()
              toast(people.renamed, async () => void (await api.patch(`/devices/${id}`, { name })))
            }}
          >
            <Field label={people.deviceName} name="name" value={open.device.name} required maxLength={64} />
          </Form>
        </Dialog>
      )}
    </Card>
  )
}

const icons: Readonly<Record<Device['kind'], IconName>> = { page: 'laptop', app: 'mobile', sip: 'deskphone' }

function DeviceState({ device }: { readonly device: Device }) {
  if (device.reachable) return <span class="badge good">{people.connected}</span>
  if (device.lastSeenAt == null) return <span class="soft">{people.notSeen}</span>
  return (
    <span class="soft">
      {people.lastSeen} <Time at={device.lastSeenAt} relative />
    </span>
  )
}
